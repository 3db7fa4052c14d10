"""Which other model an experiment can take beside the first."""

from __future__ import annotations

from viewer.models.card import ModelCard


def asks_the_same(card: ModelCard, other: ModelCard) -> bool:
    """Whether the finding of one is a class of the other, and both read slices, or both volumes."""
    finding = card.positive_class or card.classes[0]
    return other.dims == card.dims and other.task != "segmentation" and finding in other.classes


def same_network(card: ModelCard, other: ModelCard) -> bool:
    """Whether two models are one architecture with one set of classes, trained twice."""
    return (
        bool(card.architecture)
        and other.architecture == card.architecture
        and other.classes == card.classes
        and other.dims == card.dims
    )


def grades(card: ModelCard, other: ModelCard) -> bool:
    """Whether a model has more than two classes that exclude each other, of the same kind of input."""
    return (
        other.dims == card.dims
        and other.task == "multiclass"
        and len(other.classes) > max(2, len(card.classes))
    )
