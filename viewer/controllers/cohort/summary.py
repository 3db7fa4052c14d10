"""The document of ``whyslice evaluate``: everything that the records of a cohort amount to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from viewer.controllers.cohort import map_summary
from viewer.controllers.cohort.look import predicted
from viewer.controllers.cohort.order import CohortPlan, EvaluateOrder
from viewer.controllers.cohort.prediction_summary import per_patient, per_slice, table_json
from viewer.controllers.cohort.sums import Record
from viewer.controllers.cohort.truth_of import TRUTH_RULE
from viewer.evaluation.cohort_table import SkippedImage
from viewer.models.card import ModelCard

_NEGATIVE = ("TN", "FN")


@dataclass(frozen=True, eq=False)
class Summary:
    """A cohort as far as it has been scored.

    Attributes
    ----------
    document : JSON-able; the contract of ``whyslice evaluate`` and more.
    outcomes : (path, class) -> outcome of its patient.
    """

    document: dict[str, Any]
    outcomes: dict[tuple[str, str], str]


def summarise(
    order: EvaluateOrder,
    plan: CohortPlan,
    card: ModelCard,
    records: Sequence[Record],
    skipped: Sequence[SkippedImage],
    notes: Mapping[str, str] = MappingProxyType({}),
) -> Summary:
    """Put records together.

    Parameters
    ----------
    records : of different images, in the order of the table.
    notes : path -> why a reviewer holds the label to be wrong: such images are listed apart and counted nowhere else.
    """
    apart = [record for record in records if notes.get(record["path"])]
    records = [record for record in records if not notes.get(record["path"])]
    patients = map_summary.Patients(records, order.draws, order.seed)
    whole = per_patient(card, records)
    patient_document, _ = table_json(whole, draws=order.draws, seed=order.seed)
    predictions: dict[str, Any] = {
        "model": card.id,
        "classes": list(card.classes),
        "positive_class": card.positive_class,
        "task": card.task,
        "truth_rule": TRUTH_RULE,
        "per_patient": patient_document,
        "per_slice": None,
    }
    slices = per_slice(card, records)
    if slices is not None:
        predictions["per_slice"], _ = table_json(slices, draws=order.draws, seed=order.seed)
    by_case = {
        (case, name): outcome
        for name in card.classes
        for case, outcome in zip(whole.found.patients, whole.found.outcomes(name), strict=True)
    }
    outcomes: dict[tuple[str, str], str] = {
        (record["path"], name): by_case[record["case"], name]
        for record in records
        for name in card.classes
        if (record["case"], name) in by_case
    }
    located, left_out = map_summary.localisation(plan, records, patients, order.include)
    document = {
        "model": card.id,
        "images": len(records),
        "patients": len({record["case"] for record in records}),
        "predictions": predictions,
        "localisation": located,
        "pixel_importance": map_summary.pixel_importance(plan, records, patients),
        "focus": map_summary.focus(records, outcomes, patients),
        "places": map_summary.places(records, patients),
        "class_overlap": map_summary.overlap(plan, records, patients),
        "readers": map_summary.readers(records, patients),
        "readers_without_regions": map_summary.readers_without(records),
        "skipped": [each.to_json() for each in skipped],
        "second_look": _second_look(plan, records, outcomes),
        "cases": [_case(record, card, outcomes) for record in records],
        "disputed": [_disputed(record, card, notes[record["path"]]) for record in apart],
        "left_out": [
            {"explainer": each.explainer, "layer": each.layer, "reason": each.reason}
            for each in plan.left_out
        ],
        "not_counted": _problems(records),
        "rules": _rules(order, plan, sum(left_out.values()), card.task == "multilabel", records),
    }
    return Summary(document, outcomes)


def _case(record: Record, card: ModelCard, outcomes: dict[tuple[str, str], str]) -> dict[str, Any]:
    return {
        "path": record["path"],
        "case": record["case"],
        "split": record["split"],
        "classes": record["classes"],
        "probabilities": record["probabilities"],
        "slice": record["peak"],
        "outcomes": {
            name: outcomes[record["path"], name]
            for name in card.classes
            if (record["path"], name) in outcomes
        },
        "applicability": record["applicability"],
        "sha256": record["sha256"],
        "seconds": record["seconds"],
    }


def _disputed(record: Record, card: ModelCard, note: str) -> dict[str, Any]:
    """An image that is counted apart, with the outcome that its label would give it."""
    classes, probabilities = record["classes"], record["probabilities"]
    name = card.positive_class or card.classes[0]
    outcome = ""
    if classes is not None:
        (outcome,) = predicted(card, [probabilities], [frozenset(classes)], [""]).outcomes(name)
    return {
        "path": record["path"],
        "case": record["case"],
        "classes": classes,
        "note": note,
        "class": name,
        "probability": float(probabilities[card.classes.index(name)]),
        "slice": record["peak"],
        "outcome": outcome,
    }


def _problems(records: Sequence[Record]) -> list[dict[str, Any]]:
    """What was left out of images that are counted, with how often and in how many images."""
    times: Counter[str] = Counter()
    images: Counter[str] = Counter()
    for record in records:
        times.update(record["problems"])
        images.update(record["problems"].keys())
    return [{"what": what, "times": times[what], "images": images[what]} for what in times]


def _second_look(
    plan: CohortPlan, records: Sequence[Record], outcomes: dict[tuple[str, str], str]
) -> list[dict[str, Any]]:
    """Cases called negative, the one with the most focused map first: a finding that was missed has a small focus."""
    share = map_summary.FOCUS.index("half_max_share")
    layer, explainer = plan.maps[0]
    found = []
    for record in records:
        for name, by, at, values in record["focus"]:
            outcome = outcomes.get((record["path"], name), "")
            if (at, by) != (layer, explainer) or outcome not in _NEGATIVE or values[share] is None:
                continue
            found.append(
                {
                    "path": record["path"],
                    "class": name,
                    "slice": record["peak"],
                    "outcome": outcome,
                    "explainer": explainer,
                    "layer": layer,
                    "half_max_share": values[share],
                }
            )
    return sorted(found, key=lambda each: each["half_max_share"])


def _rules(
    order: EvaluateOrder, plan: CohortPlan, left_out: int, multilabel: bool, records: Sequence[Record]
) -> dict[str, str]:
    """How the numbers were made, in words that can stand under a table."""
    which = {
        "marked": "slices on which a reader marked the class",
        "largest": "the slice of each image with the largest marked area",
        "peak": "the slice that stands for the image, where the class is marked on it",
        "all": "slices on which a reader marked the class",
    }[plan.slices]
    correct = (
        f"only where the class was predicted correctly ({left_out} maps left out)"
        if order.include == "correct"
        else "whether the class was predicted correctly or not"
    )
    place = "the slice that stands for the image"
    decided = " in which the class of the map was decided to be there" if multilabel else ""
    if plan.dims == 3:
        which, place = "whole volumes, in which marks that touch are one region", "the volume"
    elif all(len(record["slices"]) == 1 for record in records):
        which, place = "images on which a reader marked the class", "the image"
    return {
        "localisation": f"{which}, {correct}; means over pictures and readers",
        "iou": "IoU of each marked region with the best box of the map, mean over the reader's regions; 'iou_mean' "
        "with all boxes, 'iou_union' of all boxes and all regions together, 'iou_mask' of the pixels themselves",
        "iobb": "share of the best box that lies in the region; of maps without a box not defined",
        "pointing": "the map's highest pixel lies in a region; an empty map has none and is counted under 'empty'",
        "energy": "share of the map's positive mass in what is marked, of what the network saw",
        "baselines": "'baseline:random' has a random value in every cell of the layer's grid, 'baseline:centre' is a "
        "blob in the middle of the input, 'baseline:brightness' is the image itself",
        "pixel_importance": f"p(original) - p(replaced) on {place}, mean over images{decided}; "
        "'baseline:random' replaces as many pixels in a random order",
        "focus": f"of the map on {place}, mean over images",
        "places": f"share of the map's positive mass in what is marked that is no class of the model, on {place}"
        f"{decided}; 'area' is that of an even map",
        "class_overlap": f"sum of minima over sum of maxima of the two classes' maps, on {place}",
        "readers": "mean IoU of each region with the other reader's best, both ways",
        "intervals": f"95%, {order.draws} samples of patients drawn with replacement, seed {order.seed}; 'low' and "
        "'high' of proportions are Wilson's",
    }
