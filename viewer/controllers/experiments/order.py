"""What an experiment is asked of, and what it answers with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from viewer.controllers.experiments.declaration import EXPERIMENTS
from viewer.foundation.errors import UsageError
from viewer.imaging.image import MedicalImage, Window
from viewer.models.card import Crop, ModelCard, ScoreType
from viewer.reporting.page_content import Page
from viewer.state.canvas_view import OverlayStyle
from viewer.state.display import Convention

EXPLAINERS_SHOWN = ("grad-cam", "grad-cam++")
"""What the study's figures show side by side."""
PICTURE_STYLE = OverlayStyle(visible=True, opacity=0.7, threshold=0.15, colour_map="inferno")


@dataclass(frozen=True)
class Look:
    """How pictures are drawn.

    Attributes
    ----------
    window : of the grey levels; None for the one that the image recommends.
    """

    style: OverlayStyle = PICTURE_STYLE
    window: Window | None = None
    convention: Convention = "radiological"
    inverted: bool = False


@dataclass(frozen=True, eq=False)
class ExperimentOrder:
    """A wish.

    Attributes
    ----------
    model : id or folder.
    image : whole.
    slice : of the reading plane; None for the one where the class is most probable. Of no meaning for a network of
        volumes.
    target : class by name or index as text; empty for the finding or, without one, the predicted class.
    explainers : side by side where there is room; the first one is measured.
    layer : empty for the model's default layer.
    mirror, crop : of the network's input; None for what the card says.
    beside : other models, where an experiment compares; empty for those on this machine that fit.
    facts : what is known of the case, by name, such as columns of a cohort's table.
    synthetic : whether the case was made by a generator.
    """

    model: str
    image: MedicalImage
    slice: int | None = None
    target: str = ""
    explainers: tuple[str, ...] = EXPLAINERS_SHOWN
    layer: str = ""
    score: ScoreType = "logit"
    mirror: bool = False
    crop: Crop | None = None
    device: str = "auto"
    beside: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    synthetic: bool = False
    look: Look = Look()


@dataclass(frozen=True, eq=False)
class Experiment:
    """What an experiment has shown.

    Attributes
    ----------
    value : its number, see `ExperimentInfo.measure`; None where that is not defined, and then the sentence says why.
    sentence : the number in words.
    numbers : everything that was measured, JSON-able.
    slice : that was looked at; None for a volume.
    """

    name: str
    value: float | None
    sentence: str
    page: Page
    numbers: Mapping[str, Any] = field(default_factory=dict)
    slice: int | None = None

    def to_json(self) -> dict[str, Any]:
        """An entry of ``whyslice check``."""
        info = EXPERIMENTS[self.name]
        return {
            "name": self.name,
            "title": info.title,
            "value": self.value,
            "measure": info.measure,
            "sentence": self.sentence,
            "slice": self.slice,
            "numbers": dict(self.numbers),
        }


def class_of(card: ModelCard, wanted: str) -> int | None:
    """Index of a class by name or index; without a wish that of the finding, None where the card names none.

    Raises
    ------
    UsageError
        When the model has no such class.
    """
    from viewer.controllers.explain_order import chosen_classes

    if wanted:
        return chosen_classes(card, (wanted,), None)[0]
    return card.classes.index(card.positive_class) if card.positive_class else None


def refuse(sentence: str) -> UsageError:
    """An experiment that has no meaning here."""
    return UsageError(sentence, code="no-experiment")
