"""Several models on one slice: of other architectures, trained again, or asked for the grade of the finding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from viewer.controllers.experiments.asked import Asked, Map
from viewer.controllers.experiments.classes import class_panels, shown_classes
from viewer.controllers.experiments.fitting import asks_the_same, grades, same_network
from viewer.controllers.experiments.order import Experiment, ExperimentOrder, refuse
from viewer.controllers.experiments.pages import page_of
from viewer.evaluation.agreement import correlation, top_overlap
from viewer.explainers.declaration import EXPLAINERS
from viewer.foundation.progress import Progress
from viewer.imaging.image import MedicalImage
from viewer.models.applicability import applicability
from viewer.models.card import ModelCard, read_card
from viewer.models.shelf import model_cards
from viewer.reporting.page_content import PagePanel, PageRow

_MOST = 5
"""Models beside the first."""
_SLICES = 3
"""Slices on which two trainings are compared."""


def models(order: ExperimentOrder, progress: Progress) -> Experiment:
    """The same slice through the models that fit it, a row for each."""
    first = Asked(order, progress)
    beside = beside_of(order, first.card, asks_the_same)
    if not beside:
        raise refuse(f"No other model on this machine asks what '{first.card.id}' asks of such an image.")
    every = [first, *(_again(order, progress, first, model) for model in beside)]
    rows, table = [], []
    chief = first.made().drawn
    for each in every:
        panels, _ = class_panels(each, [each.target])
        alike = None if each is first else _likeness(chief, each.made().drawn)
        table.append(
            {
                "model": each.card.id,
                "probability": float(each.probabilities[each.target]),
                "correlation": alike,
                "layer": each.layer,
                "parameters": each.card.parameters,
            }
        )
        p = f"p({each.class_name}) {each.probabilities[each.target]:.2f}"
        words = f"{each.card.id} \u00b7 {each.place_words} \u00b7 {p}"
        if alike is not None:
            words += f" \u00b7 r {alike:.2f} with {first.card.id}"
        rows.append(PageRow((first.picture(), *panels), words, 1 + len(first.explainers)))
    known = [row["correlation"] for row in table if isinstance(row["correlation"], float)]
    value = float(np.median(known)) if known else None
    said = ", ".join(f"{row['model']} {row['probability']:.2f}" for row in table)
    sentence = f"p({first.class_name}): {said}. " + (
        f"The maps of the others correlate with that of {first.card.id} by {value:.2f} (median)."
        if value is not None
        else "No other map varies, so none correlates."
    )
    more = (("full colour", "of each model its own reference, else its largest value here"),)
    page = page_of("models", first, rows, sentence, more=more, width=7.2)
    return Experiment("models", value, sentence, page, {"models": table}, first.slice)


def reproducibility(order: ExperimentOrder, progress: Progress) -> Experiment:
    """Two trainings of one architecture side by side, on the slices where the class is most probable."""
    first = Asked(order, progress)
    beside = beside_of(order, first.card, same_network)
    if not beside:
        raise refuse(
            f"No second training of '{first.card.architecture or first.card.id}' is on this machine: name its model "
            "folder beside the first."
        )
    second = beside[0]
    rows: list[PageRow] = []
    table = []
    for index in _slices_of(order, first, progress):
        pair = [
            Asked(order, progress, slice=index, target=first.target),
            Asked(order, progress, model=second, slice=index, target=first.target),
        ]
        panels: list[PagePanel] = [
            pair[0].picture(f"slice {index + 1}" if index is not None else "the volume")
        ]
        name = first.explainers[0]
        for number, each in enumerate(pair, start=1):
            shown = shown_classes(each)[:2]
            made = {k: each.made(name, k) for k in shown}
            scales = each.scales([(name, k, found) for k, found in made.items()])
            panels += [
                each.panel(found, name, k, scales[name], f"training {number}\n{each.card.classes[k]}")
                for k, found in made.items()
            ]
        a, b = (each.made().drawn for each in pair)
        top = top_overlap(a, b)
        table.append(
            {
                "slice": index,
                "correlation": _likeness(a, b),
                "top_overlap": top.value if top.defined else None,
                "probabilities": [float(each.probabilities[each.target]) for each in pair],
            }
        )
        rows.append(PageRow(tuple(panels), "" if rows else f"1: {first.card.id}   2: {pair[1].card.id}"))
    known = [row["correlation"] for row in table if isinstance(row["correlation"], float)]
    value = float(np.mean(known)) if known else None
    shared = [row["top_overlap"] for row in table if isinstance(row["top_overlap"], float)]
    sentence = (
        f"{EXPLAINERS[first.explainers[0]].title} of {first.class_name} by the two networks correlates by {value:.2f} "
        f"and shares {100 * float(np.mean(shared)):.0f}% of its most important 5%, over {_count(len(known), 'slice')}."
        if value is not None and shared
        else "One of the maps is the same everywhere, so they cannot be compared."
    )
    more = (("full colour", "of each network its own reference, else its largest value on the slice"),)
    page = page_of("reproducibility", first, rows, sentence, more=more, width=9.5, maps=first.first_words)
    return Experiment(
        "reproducibility", value, sentence, page, {"slices": table, "model": second}, first.slice
    )


def outcome(order: ExperimentOrder, progress: Progress) -> Experiment:
    """A model of the finding above one that grades it: every class by two explainers."""
    first = Asked(order, progress)
    beside = beside_of(order, first.card, grades)
    if not beside:
        raise refuse(
            f"No model on this machine grades what '{first.card.id}' finds: it would know three classes or more."
        )
    second = Asked(order, progress, model=beside[0], slice=first.slice, target=None)
    grade = _grade_of(second)
    across = 2 + len(first.explainers) * 3
    rows = []
    for each, shown in ((first, shown_classes(first)), (second, _ordered(second))):
        panels, _ = class_panels(each, shown)
        known = ", ".join(f"{name} {value}" for name, value in order.facts)
        own = [each.picture("original", known), each.seen(each.made())]
        rows.append(PageRow((*own, *panels), f"{each.card.id}, {each.place_words}", across))
    name = first.explainers[0]
    value = _likeness(first.made(name).drawn, second.made(name, grade).drawn)
    said = ", ".join(
        f"{label} {p:.2f}" for label, p in zip(second.card.classes, second.probabilities, strict=True)
    )
    sentence = (
        f"{first.card.id}: {first.class_name} {first.probabilities[first.target]:.2f}. {second.card.id}: {said}. "
    ) + (
        f"{EXPLAINERS[name].title} of {first.class_name} correlates with that of {second.card.classes[grade]} by "
        f"{value:.2f}."
        if value is not None
        else "One of the maps is the same everywhere, so they cannot be compared."
    )
    more = (("full colour", "of each model its own reference, else its largest value here"),)
    numbers = {
        "models": [
            {
                "model": each.card.id,
                "probabilities": dict(
                    zip(each.card.classes, (float(p) for p in each.probabilities), strict=True)
                ),
            }
            for each in (first, second)
        ],
        "grade": second.card.classes[grade],
        "facts": dict(order.facts),
    }
    page = page_of("outcome", first, rows, sentence, more=more, width=11.0)
    return Experiment("outcome", value, sentence, page, numbers, first.slice)


# --- which models ----------------------------------------------------------------------------------------------------


def beside_of(
    order: ExperimentOrder, card: ModelCard, fits: Callable[[ModelCard, ModelCard], bool]
) -> tuple[str, ...]:
    """The models that were named and fit the first one, else those on this machine that fit it and the image."""
    if order.beside:
        named = ((name, card_of(name)) for name in order.beside)
        # One without a card is tried: loading it says what is wrong.
        return tuple(name for name, other in named if other is None or fits(card, other))[:_MOST]
    return tuple(
        other.id
        for other in model_cards()[0]
        if other.id != card.id and other.weights and _may_run(other, order.image) and fits(card, other)
    )[:_MOST]


def card_of(model: str) -> ModelCard | None:
    """The card of an id or a folder; None where loading it will say what is wrong."""
    for card in model_cards()[0]:
        if card.id == model:
            return card
    return read_card(Path(model)) if Path(model).is_dir() else None


def _may_run(card: ModelCard, image: MedicalImage) -> bool:
    return applicability(card, image).verdict != "does_not_apply"


def _again(order: ExperimentOrder, progress: Progress, first: Asked, model: str) -> Asked:
    card = card_of(model)
    classes = card.classes if card is not None else first.card.classes
    target = classes.index(first.class_name) if first.class_name in classes else None
    return Asked(order, progress, model=model, slice=first.slice, target=target)


# --- what is compared ------------------------------------------------------------------------------------------------


def _slices_of(order: ExperimentOrder, first: Asked, progress: Progress) -> Sequence[int | None]:
    """The slice that was asked for, and those where the class is most probable besides."""
    from viewer.controllers import engine

    if first.slice is None:
        return (None,)
    found = engine.predict_case(
        *(first.model, order.device, order.image), mirror=order.mirror, crop=first.crop, progress=progress
    )
    ranked = sorted(found.slices, key=lambda each: -each.probabilities[first.target])
    chosen = list(dict.fromkeys((first.slice, *(each.index for each in ranked))))[:_SLICES]
    return sorted(chosen)


def _grade_of(asked: Asked) -> int:
    """The most probable of the grades: the first class is that nothing is there."""
    positive = [k for k, name in enumerate(asked.card.classes) if name != _nothing(asked)]
    return max(positive, key=lambda k: asked.probabilities[k])


def _nothing(asked: Asked) -> str:
    """The class that stands for no finding: the one that the model of the finding has too, else the first."""
    return asked.card.classes[0]


def _ordered(asked: Asked) -> list[int]:
    """Classes from the worst grade to none, as the study shows them; three at most."""
    return list(reversed(range(len(asked.card.classes))))[:3]


def _likeness(first: Map, second: Map) -> float | None:
    found = correlation(first, second)
    return found.value if found.defined else None


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
