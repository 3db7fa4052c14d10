"""From the records of images to tables of predictions: per slice and per patient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from viewer.controllers.cohort.look import predicted
from viewer.controllers.cohort.sums import Record
from viewer.evaluation.confusion import Outcome
from viewer.evaluation.prediction_table import Predicted, PredictionTable, prediction_table
from viewer.models.card import ModelCard

OUTCOMES: tuple[Outcome, ...] = ("TP", "FP", "FN", "TN")


@dataclass(frozen=True, eq=False)
class Unit:
    """What is counted.

    Attributes
    ----------
    name : ``patient`` or ``slice``.
    rule : how the unit's probability was made, in words.
    found : its predictions; empty where nothing is known.
    places : (path, slice) of each; of a patient the image and slice that stand for him.
    unknown : how many could not be counted because their truth is not known.
    """

    name: str
    rule: str
    found: Predicted
    places: tuple[tuple[str, int | None], ...]
    unknown: int

    def groups(self) -> dict[str, dict[str, list[dict[str, Any]]]]:
        """Class -> outcome -> the images, each with the slices that have it."""
        made: dict[str, dict[str, list[dict[str, Any]]]] = {}
        for k, name in enumerate(self.found.classes):
            of_class: dict[str, dict[str, dict[str, Any]]] = {outcome: {} for outcome in OUTCOMES}
            rows = zip(self.places, self.found.patients, self.found.outcomes(name), strict=True)
            for number, ((path, slice_), case, outcome) in enumerate(rows):
                entry = of_class[outcome].setdefault(
                    path, {"path": path, "case": case, "slices": [], "probabilities": []}
                )
                entry["slices"] += [] if slice_ is None else [slice_]
                entry["probabilities"].append(float(self.found.probabilities[number, k]))
            made[name] = {outcome: list(entries.values()) for outcome, entries in of_class.items()}
        return made


@dataclass(eq=False)
class _Rows:
    probabilities: list[Sequence[float]] = field(default_factory=list)
    truth: list[frozenset[str]] = field(default_factory=list)
    patients: list[str] = field(default_factory=list)
    places: list[tuple[str, int | None]] = field(default_factory=list)
    unknown: int = 0

    def unit(self, name: str, rule: str, card: ModelCard) -> Unit:
        found = predicted(card, self.probabilities, self.truth, self.patients)
        return Unit(name, rule, found, tuple(self.places), self.unknown)


def per_slice(card: ModelCard, records: Sequence[Record]) -> Unit | None:
    """Every slice by itself; None for a network of volumes, which says nothing of slices."""
    if card.dims == 3:
        return None
    rows = _Rows()
    for record in records:
        for index, probabilities in enumerate(record["slices"]):
            there = slice_truth(card, record, index)
            if there is None:
                rows.unknown += 1
                continue
            rows.probabilities.append(probabilities)
            rows.truth.append(there)
            rows.patients.append(record["case"])
            rows.places.append((record["path"], index))
    flat = all(len(record["slices"]) == 1 for record in records)
    words = (
        "every image by itself, by its label"
        if flat
        else ("every slice by itself; a class is there where a reader marked it")
    )
    return rows.unit("slice", words, card)


def slice_truth(card: ModelCard, record: Record, index: int) -> frozenset[str] | None:
    """The classes of a slice; None where nobody said.

    Of an image of several slices the finding is where it is marked; an image without the finding has it nowhere.
    """
    classes = None if record["classes"] is None else frozenset(record["classes"])
    if len(record["slices"]) == 1:
        return classes
    marked = {name for name, slices in record["marked"].items() if slices[index]}
    nowhere = not any(any(slices) for slices in record["marked"].values())
    if card.task == "multilabel":
        # Labels without a mark anywhere have an unknown place.
        placed = {name for name, slices in record["marked"].items() if any(slices)}
        return frozenset(marked) if record["readers_of"] and placed == set(classes or ()) else None
    others = [name for name in card.classes if name != card.positive_class]
    if not card.positive_class or len(others) != 1:
        return None
    if classes == frozenset(others) and nowhere:
        return classes
    if nowhere or not record["readers_of"]:
        return None
    return frozenset((card.positive_class,) if card.positive_class in marked else others)


def per_patient(card: ModelCard, records: Sequence[Record]) -> Unit:
    """Every case once, however many images and slices it has."""
    rows, rule = _Rows(), ""
    cases: dict[str, list[Record]] = {}
    for record in records:
        cases.setdefault(record["case"], []).append(record)
    for case, own in cases.items():
        probabilities, place, said = _of_patient(card, own)
        rule = rule or said
        there = _patient_truth(card, own)
        if there is None:
            rows.unknown += 1
            continue
        rows.probabilities.append(probabilities)
        rows.truth.append(there)
        rows.patients.append(case)
        rows.places.append(place)
    return rows.unit("patient", rule, card)


def _of_patient(
    card: ModelCard, own: Sequence[Record]
) -> tuple[Sequence[float], tuple[str, int | None], str]:
    every = [
        (record["path"], index, row)
        for record in own
        for index, row in (
            enumerate(record["slices"]) if record["slices"] else [(None, record["probabilities"])]
        )
    ]
    table = np.array([row for *_, row in every], dtype=np.float32)
    if card.task == "multilabel":
        best = int(table.max(axis=1).argmax())
        rule = "of each label the highest probability of all slices of the case"
        return [float(each) for each in table.max(axis=0)], every[best][:2], rule
    from viewer.models.prediction import peak_slice

    best, rule = peak_slice(card, table)
    path, index, row = every[best]
    if index is None:
        words = {"the only slice": "the volume as a whole"}
        rule = words.get(rule, rule.replace("slice", "volume"))
    return row, (path, index), rule


def _patient_truth(card: ModelCard, own: Sequence[Record]) -> frozenset[str] | None:
    """The classes of a case: a label or the finding where any of its images has it."""
    known = [frozenset(record["classes"]) for record in own if record["classes"] is not None]
    if not known:
        return None
    together = frozenset(name for each in known for name in each)
    if card.task == "multilabel" or len(together) == 1:
        return together
    return frozenset((card.positive_class,)) if card.positive_class in together else None


def table_json(unit: Unit, *, draws: int, seed: int) -> tuple[dict[str, Any], PredictionTable]:
    """The table of a unit as it stands in the document, and the table itself."""
    table = prediction_table(unit.found, draws=draws, seed=seed)
    document = {
        "unit": unit.name,
        "unit_rule": unit.rule,
        "truth_unknown": unit.unknown,
        **table.to_json(),
        "groups": unit.groups(),
    }
    return document, table
