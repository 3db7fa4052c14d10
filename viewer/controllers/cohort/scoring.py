"""One image of a cohort: what the network says of it, and how its maps fare against all that is known.

The record of an image holds sums and counts and no maps, so a cohort of any size fits into memory. It is what a worker
process sends back and what is kept on disk, and it does not depend on what else is in the cohort.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from viewer.controllers.cohort.importance import importance_rows
from viewer.controllers.cohort.look import RANDOM, Look, candidates, look_at, seed_of
from viewer.controllers.cohort.order import CohortPlan
from viewer.controllers.cohort.sums import Record, Sums
from viewer.controllers.cohort.truth_of import ImageTruth, truth_of
from viewer.evaluation.agreement import class_overlap
from viewer.evaluation.boxes import mask_from_map
from viewer.evaluation.cohort_table import CohortImage
from viewer.evaluation.focus import focus_scores
from viewer.evaluation.marked import Counted, Marked, agreement, energy, pointing
from viewer.evaluation.ranked import RankedMap
from viewer.evaluation.readers import agreement_between_readers
from viewer.foundation.progress import SILENT, Progress
from viewer.imaging.reading import read_image
from viewer.models.applicability import applicability
from viewer.models.card import ModelCard

if TYPE_CHECKING:
    from viewer.models.prediction import Prediction

MAP_MEASURES = ("pointing", "energy")
"""Measures of a map; the others (`AGREEMENT`) are of a map and a threshold."""

TOGETHER = "all together"
"""Name of what is marked of several labels, taken as one place."""


def score_image(plan: CohortPlan, row: CohortImage, progress: Progress = SILENT) -> Record:
    """Everything that a cohort asks of one image.

    Returns
    -------
    dict
        JSON-able. ``localisation``, ``importance``, ``focus``, ``overlap``, ``readers`` are rows of what was asked for;
        sums and counts, so that images can be put together.

    Raises
    ------
    WhySliceError
        When the image, its truth or the network's answer cannot be had; the sentence says why.
    """
    from viewer.controllers import engine

    began = time.perf_counter()
    card = engine.load(plan.model, plan.device).card
    image = read_image(row.file, row.series or None)
    truth = truth_of(row, image, card)
    prediction = engine.predict_case(
        plan.model, plan.device, image, mirror=plan.mirror, crop=plan.crop, progress=progress
    )
    sums = Sums()
    count = image.plane.count(image.geometry.shape)
    for index in _chosen(plan, truth, prediction, count, card):
        progress.report(0, 1, "explaining")
        look = look_at(plan, card, image, truth, prediction, index)
        _localise(plan, look, truth, sums)
        if index == prediction.peak:
            weighed = _asked_about(plan, card, prediction)
            _whole_case(plan, look, weighed, sums, progress)
            _in_places(plan, look, truth, weighed, sums)
    return {
        "path": row.path,
        "case": row.case,
        "split": row.split,
        "classes": None if truth.classes is None else sorted(truth.classes, key=card.classes.index),
        "slices": [list(each.probabilities) for each in prediction.slices],
        "probabilities": list(prediction.case),
        "peak": prediction.peak,
        "rule": prediction.rule,
        "marked": {name: truth.marked(name, count).tolist() for name in card.classes}
        if truth.readers
        else {},
        "readers_of": list(truth.readers),
        "applicability": applicability(card, image).verdict,
        "diagnoses": [finding.code for finding in image.diagnoses],
        "sha256": image.source.sha256,
        "problems": dict(truth.problems + sums.problems),
        **sums.rows(),
        "seconds": time.perf_counter() - began,
    }


def _chosen(
    plan: CohortPlan, truth: ImageTruth, prediction: Prediction, count: int, card: ModelCard
) -> list[int | None]:
    """Slices to explain; of a network of volumes the volume, for which None stands."""
    if plan.dims == 3:
        return [None]
    peak = prediction.peak
    assert peak is not None
    if plan.slices == "all":
        return list(range(count))
    sizes = np.zeros(count)
    for region in truth.regions:
        if region.label in {card.classes[target] for target in plan.targets} and region.slice is not None:
            sizes[region.slice] += region.area
    if plan.slices == "peak" or not sizes.any():
        return [peak]
    if plan.slices == "largest":
        return list(dict.fromkeys((int(sizes.argmax()), peak)))
    return [index for index in range(count) if sizes[index] or index == peak]


def _asked_about(plan: CohortPlan, card: ModelCard, prediction: Prediction) -> frozenset[int]:
    """Classes whose maps are weighed: of findings that can be there together, those that were decided to be there."""
    if card.task != "multilabel":
        return frozenset(plan.targets)
    return frozenset(t for t in plan.targets if prediction.case[t] >= card.threshold(plan.classes[t]))


def _localise(plan: CohortPlan, look: Look, truth: ImageTruth, sums: Sums) -> None:
    """Compare every map with every reader who marked its class here."""
    sums.problems += look.problems
    for target in plan.targets:
        name = plan.classes[target]
        marked = look.marked(name)
        if not marked:
            continue
        correct = look.correct.get(name)
        for reader in truth.readers:
            if reader not in marked:
                sums.without(name, reader)
        own = [region for region in look.regions if region.label == name]
        # A mask and the boxes that were made of it are not two readers.
        people = [region for region in own if region.reader != "mask"]
        if len({region.reader for region in people}) > 1:
            scores = agreement_between_readers(people, look.grey.shape)
            sums.readers(name, *(score.value for score in scores))
        random: list[tuple[NDArray[np.float32], dict[str, list[float]]]] = []
        for explainer, layer, drawn in candidates(plan, look, target):
            # One random map stands beside every layer of its grid.
            found = next((values for map_, values in random if map_ is drawn), None)
            if found is None:
                found = _measures(plan, look, drawn, marked)
            if explainer == RANDOM:
                random.append((drawn, found))
            for reader, values in found.items():
                sums.located(name, explainer, layer, reader, correct, values)


def _in_places(plan: CohortPlan, look: Look, truth: ImageTruth, weighed: frozenset[int], sums: Sums) -> None:
    """How much of each map lies in what is marked that is no class of the model, such as an organ."""
    here = [region for region in truth.places if region.slice == look.index]
    if look.index is None or not here:
        return
    labels = list(dict.fromkeys(region.label for region in here))
    parts = {label: Marked(tuple(r for r in here if r.label == label), look.grey.shape) for label in labels}
    if len(labels) > 1:
        parts[TOGETHER] = Marked(tuple(here), look.grey.shape)
    even = np.ones(look.grey.shape, dtype=np.float32)
    shares = {label: energy(even, part, look.within) for label, part in parts.items()}
    for target in sorted(weighed):
        for explainer, layer, drawn in candidates(plan, look, target):
            for label, part in parts.items():
                inside = energy(drawn, part, look.within)
                row = [plan.classes[target], explainer, layer, label]
                sums.places.append([*row, inside if math.isfinite(inside) else None, shares[label]])


def _measures(
    plan: CohortPlan, look: Look, drawn: NDArray[np.float32], marked: Mapping[str, Marked]
) -> dict[str, list[float]]:
    """Reader -> pointing, energy and the agreement at every threshold."""
    ranked = RankedMap(drawn, _most(plan), look.within)
    counted = [Counted(mask) for mask in _counted(plan, ranked, drawn, look.within)]
    found = {}
    for reader, theirs in marked.items():
        values = [pointing(ranked.peak, theirs), energy(drawn, theirs, look.within)]
        for each in counted:
            values += agreement(each, theirs).values
        found[reader] = values
    return found


def _most(plan: CohortPlan) -> float:
    return max(plan.values) if plan.rule == "top-percent" else 1.0


def _counted(
    plan: CohortPlan, ranked: RankedMap, drawn: NDArray[np.float32], within: NDArray[np.bool_]
) -> list[NDArray[np.bool_]]:
    """The pixels that count at every threshold."""
    if plan.rule == "top-percent":
        return ranked.masks(plan.values)
    return [mask_from_map(drawn, rule=plan.rule, value=value, within=within) for value in plan.values]


def _whole_case(
    plan: CohortPlan, look: Look, weighed: frozenset[int], sums: Sums, progress: Progress
) -> None:
    """What is measured once of an image, on the slice that stands for it.

    Parameters
    ----------
    weighed : classes whose maps say which pixels are replaced.
    """
    for target in plan.targets:
        name = plan.classes[target]
        for layer, explainer in plan.maps:
            signed = look.maps.get((target, layer, explainer))
            if signed is None:
                continue
            scores = focus_scores(look.drawn(np.maximum(signed, 0)), within=look.within, spacing=look.spacing)
            values = [score.value if score.defined else None for score in scores]
            sums.focus.append([name, explainer, layer, values])
    if len(plan.classes) == 2:
        for layer, explainer in plan.maps:
            pair = [look.maps.get((target, layer, explainer)) for target in (0, 1)]
            if pair[0] is not None and pair[1] is not None:
                overlap = class_overlap(pair[0], pair[1])
                sums.overlap.append([explainer, layer, overlap.value if overlap.defined else None])
    if plan.transforms:
        maps = {key: signed for key, signed in look.maps.items() if key[0] in weighed}
        sums.importance += importance_rows(plan, look, maps, seed_of(plan, look), sums.problems, progress)
