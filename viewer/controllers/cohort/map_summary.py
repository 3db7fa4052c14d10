"""From the records of images to tables of maps: localisation, pixel importance, focus, overlap, readers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.controllers.cohort.order import CohortPlan, Include
from viewer.controllers.cohort.sums import Record
from viewer.controllers.cohort.truth_of import MASK_READER
from viewer.evaluation.bootstrap import PatientDraws, interval
from viewer.evaluation.focus import focus_scores
from viewer.evaluation.marked import AGREEMENT

ALL_READERS = "all readers"
MAP_MEASURES = ("pointing", "energy")
"""Measures of a map, which stand before those of every threshold in a record."""
FOCUS = tuple(score.name.replace("-", "_") for score in focus_scores(np.zeros((1, 1))))

Row = dict[str, Any]


class Patients:
    """Means over a cohort with intervals by drawing patients again; every table draws the same patients."""

    def __init__(self, records: Sequence[Record], draws: int, seed: int) -> None:
        self._numbers: dict[str, int] = {}
        for record in records:
            self._numbers.setdefault(record["case"], len(self._numbers))
        self._draws = PatientDraws(list(self._numbers), draws, seed)

    def mean(self) -> Mean:
        return Mean(self._numbers, self._draws)


@dataclass(eq=False)
class Mean:
    """Means of several measures, each of a number of observations of patients."""

    _numbers: Mapping[str, int]
    _draws: PatientDraws
    n: int = 0
    empty: int = 0
    cases: set[str] = field(default_factory=set)
    _sums: NDArray[np.float64] | None = None
    _counts: NDArray[np.float64] | None = None

    def add(
        self, case: str, sums: Sequence[float], counts: Sequence[float], n: int = 1, empty: int = 0
    ) -> None:
        """Add sums of measures and how many observations each is of."""
        if self._sums is None or self._counts is None:
            shape = (len(self._numbers), len(sums))
            self._sums, self._counts = np.zeros(shape), np.zeros(shape)
        place = self._numbers[case]
        self._sums[place] += sums
        self._counts[place] += counts
        self.n += n
        self.empty += empty
        self.cases.add(case)

    def observe(self, case: str, values: Sequence[float | None]) -> None:
        """Add one observation; what is None is not defined."""
        self.add(case, [0.0 if v is None else v for v in values], [0.0 if v is None else 1.0 for v in values])

    def means(self) -> list[float | None]:
        """Of each measure; None where it is defined nowhere."""
        assert self._sums is not None
        assert self._counts is not None
        pairs = zip(self._sums.sum(axis=0), self._counts.sum(axis=0), strict=True)
        return [float(total / count) if count else None for total, count in pairs]

    def intervals(self) -> list[tuple[float | None, float | None]]:
        """95% of each measure."""
        assert self._sums is not None
        assert self._counts is not None
        with np.errstate(invalid="ignore", divide="ignore"):
            drawn = (self._draws.weights @ self._sums) / (self._draws.weights @ self._counts)
        bounds = (interval(column) for column in drawn.T)
        return [(None, None) if math.isnan(low) else (low, high) for low, high in bounds]


def localisation(
    plan: CohortPlan, records: Sequence[Record], patients: Patients, include: Include
) -> tuple[list[Row], dict[str, int]]:
    """Rows per class, explainer, layer, reader and threshold; and what was left out, by reason."""
    means: dict[tuple[str, str, str, str], Mean] = {}
    left_out: dict[str, int] = {}
    people = {reader for record in records for *_, reader, _c, _n, _e, _s, _k in record["localisation"]} - {
        MASK_READER
    }
    for record in records:
        for name, explainer, layer, reader, correct, n, empty, sums, counts in record["localisation"]:
            if include == "correct" and not correct:
                why = "not predicted correctly" if correct is False else "correctness not known"
                key = f"{name}, {explainer}, {layer}, {reader}: {why}"
                left_out[key] = left_out.get(key, 0) + n
                continue
            readers = [reader]
            if len(people) > 1 and reader in people:
                readers.append(ALL_READERS)
            for each in readers:
                mean = means.setdefault((name, explainer, layer, each), patients.mean())
                mean.add(record["case"], sums, counts, n, empty)
    rows = [
        row
        for (name, explainer, layer, reader), mean in means.items()
        for row in _thresholds(plan, name, explainer, layer, reader, mean)
    ]
    return rows, left_out


def _thresholds(
    plan: CohortPlan, name: str, explainer: str, layer: str, reader: str, mean: Mean
) -> Iterable[Row]:
    means, bounds = mean.means(), mean.intervals()
    first = len(MAP_MEASURES)
    shared: Row = {}
    for place, measure in enumerate(MAP_MEASURES):
        shared[measure] = means[place]
        shared[f"{measure}_low"], shared[f"{measure}_high"] = bounds[place]
    for number, value in enumerate(plan.values):
        at = first + number * len(AGREEMENT)
        found = dict(zip(AGREEMENT, means[at : at + len(AGREEMENT)], strict=True))
        low, high = bounds[at + AGREEMENT.index("iou_best")]
        yield {
            "class": name,
            "explainer": explainer,
            "layer": layer,
            "reader": reader,
            "rule": plan.rule,
            "value": value,
            "iou": found["iou_best"],
            "iou_low": low,
            "iou_high": high,
            "iobb": found["iobb_best"],
            **shared,
            **{measure: found[measure] for measure in ("iou_mean", "iou_union", "iou_mask", "iobb_union")},
            "n": mean.n,
            "patients": len(mean.cases),
            "empty": mean.empty,
        }


def pixel_importance(plan: CohortPlan, records: Sequence[Record], patients: Patients) -> list[Row]:
    """Rows per class of the map, class of the probability, explainer, layer, transform and fraction."""
    means: dict[tuple[str, str, str, str, float], Mean] = {}
    for record in records:
        for *key, deltas in record["importance"]:
            means.setdefault(tuple(key), patients.mean()).observe(record["case"], deltas)
    rows = []
    for (map_class, explainer, layer, transform, fraction), mean in means.items():
        found = zip(plan.classes, mean.means(), mean.intervals(), strict=True)
        for name, delta, (low, high) in found:
            rows.append(
                {
                    "map_class": map_class,
                    "class": name,
                    "explainer": explainer,
                    "layer": layer,
                    "transform": transform,
                    "fraction": fraction,
                    "delta": delta,
                    "delta_low": low,
                    "delta_high": high,
                    "n": mean.n,
                }
            )
    return rows


def focus(
    records: Sequence[Record], outcomes: Mapping[tuple[str, str], str], patients: Patients
) -> list[Row]:
    """Rows per class, explainer, layer and group of outcomes.

    Parameters
    ----------
    outcomes : (path, class) -> ``TP``, ``FP``, ``FN`` or ``TN``; absent where the truth is not known.
    """
    means: dict[tuple[str, str, str, str], Mean] = {}
    for record in records:
        for name, explainer, layer, values in record["focus"]:
            for group in filter(None, ("all", outcomes.get((record["path"], name), ""))):
                means.setdefault((name, explainer, layer, group), patients.mean()).observe(
                    record["case"], values
                )
    return [
        {
            "class": name,
            "explainer": explainer,
            "layer": layer,
            "group": group,
            **dict(zip(FOCUS, mean.means(), strict=True)),
            "n": mean.n,
        }
        for (name, explainer, layer, group), mean in means.items()
    ]


def overlap(plan: CohortPlan, records: Sequence[Record], patients: Patients) -> list[Row]:
    """Rows per explainer and layer of two opposing classes: how far their maps cover the same place."""
    means: dict[tuple[str, str], Mean] = {}
    undefined: dict[tuple[str, str], int] = {}
    for record in records:
        for explainer, layer, value in record["overlap"]:
            means.setdefault((explainer, layer), patients.mean()).observe(record["case"], [value])
            undefined[explainer, layer] = undefined.get((explainer, layer), 0) + (value is None)
    rows = []
    for (explainer, layer), mean in means.items():
        low, high = mean.intervals()[0]
        rows.append(
            {
                "classes": list(plan.classes),
                "explainer": explainer,
                "layer": layer,
                "overlap": mean.means()[0],
                "overlap_low": low,
                "overlap_high": high,
                "n": mean.n,
                "undefined": undefined[explainer, layer],
            }
        )
    return rows


def places(records: Sequence[Record], patients: Patients) -> list[Row]:
    """Rows per class, explainer, layer and place: share of the map's mass there, and of an even map's."""
    means: dict[tuple[str, str, str, str], Mean] = {}
    for record in records:
        for *key, inside, share in record["places"]:
            means.setdefault(tuple(key), patients.mean()).observe(record["case"], [inside, share])
    rows = []
    for (name, explainer, layer, place), mean in means.items():
        (inside, share), (low, high) = mean.means(), mean.intervals()[0]
        rows.append(
            {
                "class": name,
                "explainer": explainer,
                "layer": layer,
                "place": place,
                "energy": inside,
                "energy_low": low,
                "energy_high": high,
                "area": share,
                "n": mean.n,
            }
        )
    return rows


def readers(records: Sequence[Record], patients: Patients) -> list[Row]:
    """Rows per class: how well readers agree with each other, on pictures that at least two of them marked."""
    means: dict[str, Mean] = {}
    for record in records:
        for name, n, iou, dice in record["readers"]:
            means.setdefault(name, patients.mean()).add(record["case"], [iou, dice], [n, n], int(n))
    rows = []
    for name, mean in means.items():
        (iou, dice), (low, high) = mean.means(), mean.intervals()[0]
        rows.append({"class": name, "iou": iou, "iou_low": low, "iou_high": high, "dice": dice, "n": mean.n})
    return rows


def readers_without(records: Sequence[Record]) -> list[Row]:
    """Readers who marked nothing of a class on a picture on which another one did, counted."""
    counts: dict[tuple[str, str], int] = {}
    for record in records:
        for name, reader, n in record["without"]:
            counts[name, reader] = counts.get((name, reader), 0) + n
    return [{"class": name, "reader": reader, "n": n} for (name, reader), n in counts.items()]
