"""Some images of an evaluated cohort with their maps, to be looked at: what the tables are means of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from viewer.controllers.cohort.look import Look, look_at, seed_of
from viewer.controllers.cohort.order import CohortPlan
from viewer.controllers.cohort.running import Evaluated
from viewer.controllers.cohort.truth_of import truth_of
from viewer.evaluation.map_boxes import MapBoxes
from viewer.evaluation.regions import Region
from viewer.evaluation.replacement import altered, importance_order, replaced_everywhere
from viewer.foundation.errors import ExplainError
from viewer.foundation.progress import SILENT, Progress
from viewer.imaging.reading import read_image

if TYPE_CHECKING:
    from matplotlib.figure import Figure

REPLACED = 10.0
"""Percent of the input's pixels that are replaced in pictures of it."""
_USUAL = 5.0

Picture = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class ExampleMap:
    """The map of one class of an example.

    Attributes
    ----------
    outcome : ``TP``, ``FP``, ``FN``, ``TN``; empty where the truth is not known.
    values : (row, column) on the picture, after ReLU.
    regions : what readers marked of the class.
    boxes : of the map, by `rule`.
    ious : (value of the rule, mean over readers' regions of the IoU with the best box); empty without regions.
    """

    name: str
    probability: float
    outcome: str
    values: Picture
    regions: tuple[Region, ...]
    boxes: tuple[Region, ...]
    rule: str
    ious: tuple[tuple[float, float], ...]


@dataclass(frozen=True, eq=False)
class Example:
    """One image of the cohort.

    Attributes
    ----------
    number : of its line in ``cases.csv``, from 1 on.
    grey : (row, column), bright is what is bright on screen.
    regions : what readers marked, all classes.
    maps : of the classes that are probable or there, in the order of the classes.
    replaced : words -> (row, column) first channel of the input, as it is and with the most important pixels of the
        first map replaced; empty where nothing is replaced.
    """

    number: int
    explainer: str
    layer: str
    grey: Picture
    spacing: tuple[float, float]
    regions: tuple[Region, ...]
    maps: tuple[ExampleMap, ...]
    replaced: Mapping[str, Picture]


def chosen(document: Mapping[str, Any], each: int) -> list[int]:
    """Places in the list of cases of `each` true positives of every class, the most probable first, and of one error.

    Errors are the surest false positive, else the false negative that was nearest to being found.
    """
    classes, cases = document["predictions"]["classes"], document["cases"]
    wanted: dict[int, None] = {}
    for place, name in enumerate(classes):

        def sure(number: int, place: int = place) -> float:
            return -float(cases[number]["probabilities"][place])

        of: dict[str, list[int]] = {}
        for number, case in enumerate(cases):
            of.setdefault(case["outcomes"].get(name, ""), []).append(number)
        right = sorted(of.get("TP", []), key=sure)
        fresh = [number for number in right if number not in wanted] or right
        wrong = sorted(of.get("FP", []), key=sure) or sorted(of.get("FN", []), key=sure)
        wanted.update(dict.fromkeys([*fresh[:each], *wrong[:1]]))
    return list(wanted)


def examples(
    found: Evaluated, document: Mapping[str, Any], each: int, progress: Progress = SILENT
) -> tuple[Example, ...]:
    """Explain some of the images again, by the first explainer of the plan; those of volumes have none."""
    plan = found.plan
    if plan.dims == 3 or each < 1:
        return ()
    numbers = chosen(document, each)
    rows = {row.path: row for row in found.cohort.images}
    made = []
    for count, number in enumerate(numbers):
        progress.report(count, len(numbers), "explaining examples")
        case = document["cases"][number]
        row = rows.get(case["path"])
        if row is not None:
            made.append(_example(found, document, number, row))
    return tuple(made)


def _example(found: Evaluated, document: Mapping[str, Any], number: int, row: Any) -> Example:
    from viewer.controllers import engine

    plan, card = found.plan, found.card
    image = read_image(row.file, row.series or None)
    truth = truth_of(row, image, card)
    prediction = engine.predict_case(plan.model, plan.device, image, mirror=plan.mirror, crop=plan.crop)
    look = look_at(_lean(plan), card, image, truth, prediction, prediction.peak)
    layer, explainer = plan.maps[0]
    outcomes = document["cases"][number]["outcomes"]
    best = _best_values(document, explainer, layer)
    maps = []
    for target in plan.targets:
        name, p = plan.classes[target], prediction.case[target]
        signed = look.maps.get((target, layer, explainer))
        there = truth.classes is not None and name in truth.classes
        if signed is None or (p < card.threshold(name) and not there):
            continue
        maps.append(_map(plan, look, name, p, outcomes.get(name, ""), signed, best.get(name, _USUAL)))
    maps.sort(key=lambda each: (not each.regions, -each.probability))
    replaced = _replaced(plan, look, maps, layer, explainer)
    spacing = (look.spacing[-2], look.spacing[-1])
    return Example(number + 1, explainer, layer, look.grey, spacing, look.regions, tuple(maps), replaced)


def _lean(plan: CohortPlan) -> CohortPlan:
    """The plan with its first map alone."""
    return replace(plan, maps=plan.maps[:1])


def _best_values(document: Mapping[str, Any], explainer: str, layer: str) -> dict[str, float]:
    """Class -> the threshold with the highest mean IoU, chosen after the fact."""
    best: dict[str, tuple[float, float]] = {}
    for row in document["localisation"]:
        if (row["explainer"], row["layer"]) == (explainer, layer) and row["iou"] is not None:
            known = best.get(row["class"])
            if known is None or row["iou"] > known[0]:
                best[row["class"]] = (row["iou"], row["value"])
    return {name: value for name, (_, value) in best.items()}


def _map(
    plan: CohortPlan, look: Look, name: str, p: float, outcome: str, signed: Picture, value: float
) -> ExampleMap:
    drawn = look.drawn(np.maximum(signed, 0))
    own = tuple(region for region in look.regions if region.label == name)
    by_value = {
        each: MapBoxes.of(drawn, rule=plan.rule, value=each, within=look.within) for each in plan.values
    }
    shown = by_value.get(value) or next(iter(by_value.values()))
    ious = tuple((each, _iou(boxes, own)) for each, boxes in by_value.items()) if own else ()
    return ExampleMap(name, p, outcome, drawn, own, tuple(shown.boxes), str(shown.rule), ious)


def _iou(boxes: MapBoxes, regions: Sequence[Region]) -> float:
    """Mean over regions of the IoU with the best box; 0 where the map has none."""
    values = []
    for region in regions:
        score = next(score for score in boxes.scores(region) if score.name == "iou-best")
        values.append(score.value if score.defined else 0.0)
    return float(np.mean(values))


def _replaced(
    plan: CohortPlan, look: Look, maps: Sequence[ExampleMap], layer: str, explainer: str
) -> dict[str, Picture]:
    """The input, and what is left of it when the most important pixels of the first map are replaced."""
    if not maps or not plan.transforms:
        return {}
    from viewer.controllers.cohort import passes

    target = plan.classes.index(maps[0].name)
    ready = passes.ready_input(plan.model, plan.device, look.image, look.index, plan.mirror, plan.crop)
    try:
        order, _ = importance_order(look.maps[target, layer, explainer], ready.shape[1:])
    except ExplainError:
        return {}
    count = round(REPLACED / 100 * order.size)
    pictures = {"as it is": ready[0]}
    for transform in plan.transforms:
        instead = replaced_everywhere(ready, transform, seed_of(plan, look))
        pictures[transform] = altered(ready, instead, order[:count])[0]
    return pictures


def example_rows(shown: Sequence[Example]) -> list[dict[str, Any]]:
    """A table of the IoU of every example at every threshold, means over its readers' regions with the best box."""
    return [
        {
            "example": each.number,
            "class": map_.name,
            "probability": map_.probability,
            "outcome": map_.outcome,
            "explainer": each.explainer,
            "layer": each.layer,
            "value": value,
            "iou": iou,
        }
        for each in shown
        for map_ in each.maps
        for value, iou in map_.ious
    ]


def example_figures(shown: Sequence[Example], classes: Sequence[str]) -> Iterator[tuple[str, Figure]]:
    """Pictures of the examples with their maps, and of the input with the important pixels replaced."""
    from viewer.reporting.example_figures import Panel, class_lines, montage

    colours = class_lines(classes)
    rows = [
        [
            Panel(f"case {each.number}", each.grey, each.spacing, regions=each.regions, colours=colours),
            *(
                Panel(
                    f"{map_.name} {map_.probability:.2f} {map_.outcome}" + _iou_words(map_),
                    each.grey,
                    each.spacing,
                    map_.values,
                    map_.regions,
                    map_.boxes,
                )
                for map_ in each.maps
            ),
        ]
        for each in shown
    ]
    rules = ", ".join(dict.fromkeys(map_.rule for each in shown for map_ in each.maps))
    words = (
        f"left: readers' boxes in the colour of their class; maps up to their own maximum; green: readers, "
        f"purple: boxes of the map ({rules}, the best of each class, known only afterwards)"
    )
    if (figure := montage(rows, words)) is not None:
        yield "examples", figure
    replaced = [
        [Panel(f"case {each.number}: {name}", picture) for name, picture in each.replaced.items()]
        for each in shown[:2]
    ]
    note = f"the network's input with the most important {REPLACED:g}% of the first map replaced"
    if (figure := montage(replaced, note)) is not None:
        yield "replaced", figure


def _iou_words(map_: ExampleMap) -> str:
    best = max((iou for _, iou in map_.ious), default=None)
    return "" if best is None else f" IoU {best:.2f}"
