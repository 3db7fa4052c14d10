"""Intersection over union for every threshold at once: how much an answer depends on the percentage that was chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viewer.evaluation.boxes import BoxRule, boxes_from_mask, mask_from_map
from viewer.evaluation.energy_table import EnergyTable
from viewer.evaluation.map_boxes import CONTOURS, areas_of, edges_of, shared_with_box
from viewer.evaluation.regions import Region
from viewer.evaluation.score import Score
from viewer.foundation.progress import SILENT, Progress

PERCENTAGES = (1.0, 2.0, 3.0, 5.0, 8.0, 10.0, 20.0)
"""The thresholds of the chest X-ray study."""

FRACTIONS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)

CURVE_RULES = (
    *(BoxRule("top-percent", percent) for percent in PERCENTAGES),
    *(BoxRule("fraction-of-max", fraction) for fraction in FRACTIONS),
)


@dataclass(frozen=True)
class CurvePoint:
    """A region against the boxes of one threshold.

    Attributes
    ----------
    rule : the threshold.
    best, mean : IoU with the best box, and the mean over the boxes; 0 without a box.
    boxes : how many boxes the map has there.
    """

    rule: BoxRule
    best: float
    mean: float
    boxes: int

    @property
    def score(self) -> Score:
        """The IoU with the best box as a score."""
        words = f"IoU with the best of {self.boxes} boxes, {self.rule}"
        return Score("iou-best", self.best, "higher", words, n=self.boxes, range=(0, 1), source=CONTOURS)


@dataclass(frozen=True, eq=False)
class IouCurve:
    """The boxes of a map at every threshold, made ready for a region that follows the mouse.

    Attributes
    ----------
    rules : the thresholds.
    edges : (box, axis, 2) edges of all boxes, threshold after threshold.
    counts : (threshold,) how many of the boxes are of each.
    """

    rules: tuple[BoxRule, ...]
    edges: NDArray[np.float64]
    counts: NDArray[np.intp]
    _masks: dict[int, tuple[NDArray[np.bool_], EnergyTable]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls,
        map: ArrayLike,
        *,
        rules: Sequence[BoxRule] = CURVE_RULES,
        within: NDArray[np.bool_] | None = None,
        progress: Progress = SILENT,
    ) -> IouCurve:
        """Prepare a map (row, column) or (slice, row, column); `within` as in `boxes_from_map`."""
        values = np.asarray(map)
        masks = []
        for number, rule in enumerate(rules):
            progress.report(number, len(rules), "thresholds")
            masks.append(mask_from_map(values, rule=rule.rule, value=rule.value, within=within))
        return cls.of_masks(rules, masks)

    @classmethod
    def of_masks(cls, rules: Sequence[BoxRule], masks: Sequence[NDArray[np.bool_]]) -> IouCurve:
        """Prepare the pixels that count by each rule, all on one grid."""
        boxes = [boxes_from_mask(mask) for mask in masks]
        edges = edges_of([box for each in boxes for box in each], masks[0].ndim)
        return cls(tuple(rules), edges, np.array([len(each) for each in boxes], dtype=np.intp))

    def points(self, region: Region) -> tuple[CurvePoint, ...]:
        """A region, a box or a mask, against every threshold, in the order of `rules`."""
        if region.mask is None:
            shared = shared_with_box(self.edges, region)
        else:
            kept = self._masks.setdefault(id(region.mask), (region.mask, EnergyTable(region.mask)))
            shared = kept[1].inside_each(self.edges)
        ious = shared / (self._areas + region.area - shared)
        best, mean = np.zeros(len(self.rules)), np.zeros(len(self.rules))
        some = self.counts > 0
        if some.any():
            first = (np.cumsum(self.counts) - self.counts)[some]
            best[some] = np.maximum.reduceat(ious, first)
            mean[some] = np.add.reduceat(ious, first) / self.counts[some]
        return tuple(
            CurvePoint(rule, float(a), float(b), int(n))
            for rule, a, b, n in zip(self.rules, best, mean, self.counts, strict=True)
        )

    @cached_property
    def _areas(self) -> NDArray[np.float64]:
        return areas_of(self.edges)
