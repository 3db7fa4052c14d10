"""Experiments that change the input: mirrored, cropped."""

from __future__ import annotations

from typing import Any

import numpy as np

from viewer.controllers.experiments.asked import Asked
from viewer.controllers.experiments.order import Experiment, ExperimentOrder
from viewer.controllers.experiments.pages import page_of
from viewer.evaluation.agreement import correlation, mirror_consistency
from viewer.evaluation.outside import mass_outside
from viewer.explainers.declaration import EXPLAINERS
from viewer.foundation.progress import Progress
from viewer.imaging.body import body_mask
from viewer.models.card import CROPS, Crop
from viewer.reporting.page_content import PageRow

_CROP_WORDS = {
    "none": "not cropped",
    "brain": "cropped to the body (brain mask)",
    "percentile": "cropped to what lies above the 70th percentile",
    "body": "cropped to the body",
}


def mirroring(order: ExperimentOrder, progress: Progress) -> Experiment:
    """The map, and that of the mirrored input turned back, with what they have in common."""
    asked = Asked(order, progress)
    names, target = asked.explainers, asked.target
    rows, numbers = [], dict[str, Any]()
    pairs = {name: [asked.made(name, mirror=turned) for turned in (False, True)] for name in names}
    scales = asked.scales([(name, target, made) for name, both in pairs.items() for made in both])
    for turned in (False, True):
        panels = [asked.seen(pairs[names[0]][turned], "the network's input")]
        for name in names:
            made, title = pairs[name][turned], f"{EXPLAINERS[name].title}, {asked.class_name}"
            note = ""
            if turned:
                likeness, top = mirror_consistency(pairs[name][False].drawn, made.drawn)
                numbers[name] = {
                    "correlation": _number(likeness.value),
                    "top_overlap": _number(top.value),
                    "probability": pairs[name][False].probability,
                    "probability_mirrored": made.probability,
                }
                note = f"r {_words(likeness.value)}, top 5% in common {_percent(top.value)}"
            panels.append(asked.panel(made, name, target, scales[name], title, note=note))
        heading = "the mirrored input; its maps are turned back" if turned else "the input as it is"
        rows.append(PageRow(tuple(panels), heading, 1 + len(names)))
    finding = asked.check("mirror")
    numbers["flips_in_training"] = finding.details.get("flips_in_training")
    return Experiment(
        "mirroring",
        finding.value,
        finding.sentence,
        page_of("mirroring", asked, rows, finding.sentence, scales, level=finding.verdict),
        numbers,
        asked.slice,
    )


def cropping(order: ExperimentOrder, progress: Progress) -> Experiment:
    """The map with every rule of cropping, and how much of it lies outside the body each time."""
    asked = Asked(order, progress)
    names, target = asked.explainers, asked.target
    rules: list[Crop] = [asked.crop, *(rule for rule in CROPS[asked.card.dims] if rule != asked.crop)]
    if "none" in rules:  # before and after
        rules.sort(key=lambda rule: rule != "none")
    made = {(rule, name): asked.made(name, crop=rule) for rule in rules for name in names}
    body = _body(asked)
    scales = asked.scales([(name, target, each) for (_, name), each in made.items()])
    rows, numbers, words = [], dict[str, dict[str, float | None]](), []
    for rule in rules:
        panels = [asked.seen(made[rule, names[0]], "the network's input")]
        numbers[rule] = {}
        for name in names:
            drawn = made[rule, name].drawn
            share = None if body is None else _number(mass_outside(drawn, body)[0].value)
            numbers[rule][name] = share
            note = "" if share is None else f"{_percent(share)} of the map outside the body"
            title = f"{EXPLAINERS[name].title}, {asked.class_name}"
            panels.append(asked.panel(made[rule, name], name, target, scales[name], title, note=note))
        own = ", as the model takes it" if rule == asked.card.input.crop else ""
        rows.append(PageRow(tuple(panels), f"{_CROP_WORDS[rule]}{own}", 1 + len(names)))
        first = numbers[rule][names[0]]
        words.append(f"{_CROP_WORDS[rule]}{own} {'not defined' if first is None else _percent(first)}")
    value = numbers[asked.card.input.crop].get(names[0]) if asked.card.input.crop in numbers else None
    if body is None:
        sentence = "No body stands out from its background in this image, so nothing lies outside."
    else:
        area = _percent(float(np.mean(~body)))
        sentence = (
            f"{EXPLAINERS[names[0]].title} outside the body: {'; '.join(words)}. "
            f"{area} of the picture lies there."
        )
    return Experiment(
        "cropping",
        value,
        sentence,
        page_of("cropping", asked, rows, sentence, scales),
        {"mass_outside_body": numbers, "area_outside": None if body is None else float(np.mean(~body))},
        asked.slice,
    )


def agreement(first: np.ndarray, second: np.ndarray) -> float | None:
    """Pearson's correlation of two drawn maps; None where one is the same everywhere."""
    return _number(correlation(first, second).value)


def _body(asked: Asked) -> np.ndarray | None:
    """Where the body is, on the picture or the volume in reading order; None where nothing stands out."""
    image = asked.order.image

    def on(index: int) -> np.ndarray:
        return body_mask(image.grey(image.plane.picture(image.voxels, index)))

    if asked.slice is not None:
        mask = on(asked.slice)
    else:
        if asked.made().drawn.shape[0] != asked.case.slices:
            return None
        mask = np.stack([on(index) for index in range(asked.case.slices)])
    return None if mask.all() else mask


def _number(value: float | None) -> float | None:
    return None if value is None or np.isnan(value) else float(value)


def _words(value: float) -> str:
    return "not defined" if np.isnan(value) else f"{value:.2f}"


def _percent(share: float) -> str:
    return "none" if np.isnan(share) else f"{100 * share:.0f}%"
