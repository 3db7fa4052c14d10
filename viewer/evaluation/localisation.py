"""How well a map, or the boxes made of it, agrees with a place in the image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viewer.evaluation.boxes import BoxRule, Rule, boxes_from_map
from viewer.evaluation.regions import Edges, Region
from viewer.evaluation.score import Score

Place = Region | NDArray[np.bool_]
"""A box, a region with a mask, or a bare boolean mask."""


class EnergyTable:
    """Sums of the positive part of a map over any box in constant time, however large the map.

    A summed-area table with linear interpolation between its entries, which is exact for boxes that cut through pixels.

    Parameters
    ----------
    map : (row, column) or (slice, row, column); negative and non-finite pixels count as 0.
    """

    def __init__(self, map: ArrayLike) -> None:
        values = np.asarray(map)
        self._table = np.zeros([size + 1 for size in values.shape])
        # The border of zeros is the empty box; everything else is summed in place, because maps can be large.
        sums = self._table[(slice(1, None),) * values.ndim]
        np.copyto(sums, values, where=np.isfinite(values) & (values > 0))
        for axis in range(values.ndim):
            np.cumsum(sums, axis=axis, out=sums)

    @property
    def total(self) -> float:
        """Sum over the whole map."""
        return float(self._table[(-1,) * self._table.ndim])

    def inside(self, edges: Edges) -> float:
        """Sum over a box; the part of the box outside the map adds nothing.

        Parameters
        ----------
        edges : (low, high) per axis in half-open pixel edges, see `Region.edges`.
        """
        part = self._table
        if len(edges) != part.ndim:
            raise ValueError("the box has the axes of the map")
        positions, weights = zip(
            *(self._entries(axis, *pair) for axis, pair in enumerate(edges)), strict=True
        )
        part = part[np.ix_(*positions)]
        for weight in weights:
            part = np.tensordot(weight, part, axes=(0, 0))
        return float(part)

    def _entries(self, axis: int, low: float, high: float) -> tuple[list[int], list[float]]:
        """The four entries along an axis, with weights, whose sum is the integral from `low` to `high`."""
        last = self._table.shape[axis] - 1
        positions, weights = [], []
        for edge, sign in ((low, -1.0), (high, 1.0)):
            place = min(max(edge, 0.0), float(last))
            below = min(int(place), last - 1)
            positions += [below, below + 1]
            weights += [sign * (1 - (place - below)), sign * (place - below)]
        return positions, weights


def intersection(a: Region, b: Region) -> float:
    """Shared area (volume) of two boxes; masks are not looked at. Boxes on different slices share nothing."""
    if a.ndim != b.ndim:
        raise ValueError("a box on a picture and a box through slices cannot be compared")
    if a.ndim == 2 and a.slice is not None and b.slice is not None and a.slice != b.slice:
        return 0.0
    pairs = zip(a.edges, b.edges, strict=True)
    return math.prod(max(0.0, min(high, up) - max(low, down)) for (low, high), (down, up) in pairs)


def _shared(a: Place, b: Place) -> tuple[float, float, float]:
    """(shared, area of a, area of b)."""
    if isinstance(a, Region) and isinstance(b, Region) and a.mask is None and b.mask is None:
        return intersection(a, b), a.area, b.area
    grids = [place if isinstance(place, np.ndarray) else place.mask for place in (a, b)]
    shape = next(grid.shape for grid in grids if grid is not None)
    first, second = (
        place.rasterised(shape) if isinstance(place, Region) else place.astype(bool) for place in (a, b)
    )
    if first.shape != second.shape:
        raise ValueError("masks are compared on one grid")
    return (float(np.count_nonzero(part)) for part in (first & second, first, second))  # type: ignore[return-value]


def iou(a: Place, b: Place) -> float:
    """Intersection over union of two boxes (exact, also with fractional edges) or masks.

    A box beside a mask is taken as the pixels whose centre it holds. Two empty masks have the value nan.
    """
    shared, area_a, area_b = _shared(a, b)
    union = area_a + area_b - shared
    return shared / union if union > 0 else math.nan


def iobb(detected: Place, truth: Place) -> float:
    """Intersection over the area of the detected box: 1 when it lies wholly inside the truth. nan when it is empty."""
    shared, area, _ = _shared(detected, truth)
    return shared / area if area > 0 else math.nan


def energy_inside(map: ArrayLike, region: Place) -> float:
    """Share of the map's positive mass inside a region, 0..1; nan when the map has none."""
    if isinstance(region, Region) and region.mask is None:
        table = EnergyTable(map)
        return _share(table.inside(region.edges), table.total)
    values = np.asarray(map, dtype=np.float64)
    values = np.where(np.isfinite(values) & (values > 0), values, 0.0)
    mask = region.rasterised(values.shape) if isinstance(region, Region) else region
    return _share(float(values[mask].sum()), float(values.sum()))


def _share(part: float, total: float) -> float:
    # Rounding in the table may leave a hair below 0 or above 1.
    return min(max(part / total, 0.0), 1.0) if total > 0 else math.nan


def peak_position(map: ArrayLike) -> tuple[int, ...] | None:
    """Index of the largest pixel, the lowest index among equals; None when no pixel is positive."""
    values = np.asarray(map, dtype=np.float64)
    values = np.where(np.isfinite(values), values, -np.inf)
    if values.size == 0 or not values.max() > 0:
        return None
    return tuple(int(index) for index in np.unravel_index(int(np.argmax(values)), values.shape))


def pointing_hit(map: ArrayLike, region: Place, tolerance: float = 0.0) -> bool | None:
    """The pointing game: whether the centre of the map's peak pixel lies in the region.

    Parameters
    ----------
    tolerance : distance in pixels up to which a peak beside the region is a hit too.

    Returns
    -------
    bool or None
        None when the map has no peak.

    References
    ----------
    Zhang et al. (2018), "Top-down neural attention by excitation backprop", IJCV 126.
    """
    peak = peak_position(map)
    if peak is None:
        return None
    return _hit(peak, region, tolerance)


def _hit(peak: tuple[int, ...], region: Place, tolerance: float) -> bool:
    mask = region.mask if isinstance(region, Region) else region
    if mask is not None:
        if mask[peak]:
            return True
        apart = np.argwhere(mask) - np.asarray(peak)
        return tolerance > 0 and bool(np.sqrt((apart**2).sum(axis=1)).min(initial=np.inf) <= tolerance)
    assert isinstance(region, Region)
    pairs = list(zip(peak, region.edges, strict=True))
    if all(low <= index + 0.5 < high for index, (low, high) in pairs):
        return True
    return (
        tolerance > 0
        and math.hypot(*(max(low - index - 0.5, 0, index + 0.5 - high) for index, (low, high) in pairs))
        <= tolerance
    )


@dataclass(frozen=True, eq=False)
class MapBoxes:
    """A map made ready for boxes that move. What a box needs is computed once, when the first box asks for it.

    Attributes
    ----------
    map : (row, column) or (slice, row, column).
    rule : which pixels of the map count.
    boxes : bounding boxes of those pixels, see `boxes_from_map`.
    """

    map: NDArray
    rule: BoxRule
    boxes: tuple[Region, ...]

    @cached_property
    def peak(self) -> tuple[int, ...] | None:
        """Index of the largest pixel, or None."""
        return peak_position(self.map)

    @cached_property
    def energy(self) -> EnergyTable:
        """Sums of the map."""
        return EnergyTable(self.map)

    @cached_property
    def covered(self) -> EnergyTable:
        """Sums of the union of the boxes, as a mask."""
        mask = np.zeros(self.map.shape, dtype=bool)
        for box in self.boxes:
            # Boxes made of a map have whole edges; a pixel belongs to a box by its centre.
            mask[tuple(slice(*(max(math.ceil(edge - 0.5), 0) for edge in pair)) for pair in box.edges)] = True
        return EnergyTable(mask)

    @cached_property
    def edges(self) -> NDArray[np.float64]:
        """(box, axis, 2) edges of the boxes, so that thousands of boxes of a noisy map cost one step."""
        return np.array([box.edges for box in self.boxes], dtype=np.float64)

    @classmethod
    def of(
        cls,
        map: ArrayLike,
        *,
        rule: Rule = "top-percent",
        value: float = 5.0,
        within: NDArray[np.bool_] | None = None,
        slice: int | None = None,
    ) -> MapBoxes:
        """Prepare a map (row, column) or (slice, row, column); parameters as in `boxes_from_map`."""
        values = np.asarray(map)
        boxes = boxes_from_map(values, rule=rule, value=value, within=within, slice=slice)
        return cls.from_boxes(values, boxes, BoxRule(rule, value))

    @classmethod
    def from_boxes(cls, map: ArrayLike, boxes: Sequence[Region], rule: BoxRule) -> MapBoxes:
        """Prepare a map with boxes that were made of it by `rule`."""
        return cls(np.asarray(map), rule, tuple(boxes))

    def scores(self, region: Region, tolerance: float = 0.0) -> tuple[Score, ...]:
        """Agreement of the map with a box that a person drew.

        Parameters
        ----------
        region : a box on the picture of the map (its `slice` is not looked at), or through slices for a volume.
            Of a mask, the bounding box is taken.
        tolerance : of the pointing game, in pixels.

        Returns
        -------
        tuple of Score
            ``iou-best``, ``iou-union``, ``iou-mean``, ``iobb-best``, ``iobb-union``, ``energy-inside``, ``pointing``.
            Without a box of the map the intersections over union are 0 and those over the detected box are nan.
        """
        box = region.box
        rule = str(self.rule)
        ious = self._ious(box)
        best = int(np.argmax(ious)) if ious.size else -1
        shared = self.covered.inside(box.edges)
        union = self.covered.total + box.area - shared
        energy = _share(self.energy.inside(box.edges), self.energy.total)
        hit = None if self.peak is None else _hit(self.peak, box, tolerance)
        none = "" if ious.size else "; the map has no box"
        empty = "" if self.peak is not None else "; the map is empty"
        reach = f" or within {tolerance:g} pixels" if tolerance else ""
        return (
            _higher(
                "iou-best",
                float(ious.max(initial=0.0)),
                f"IoU with the best of {ious.size} boxes, {rule}{none}",
                ious.size,
            ),
            _higher(
                "iou-union",
                shared / union,
                f"IoU with the union of {ious.size} boxes, {rule}{none}",
                ious.size,
            ),
            _higher(
                "iou-mean",
                float(ious.mean()) if ious.size else 0.0,
                f"mean IoU of {ious.size} boxes, {rule}{none}",
                ious.size,
            ),
            _higher(
                "iobb-best",
                iobb(self.boxes[best], box) if ious.size else math.nan,
                f"part of the best box that lies inside, {rule}{none}",
                ious.size,
            ),
            _higher(
                "iobb-union",
                shared / self.covered.total if ious.size else math.nan,
                f"part of the union of boxes that lies inside, {rule}{none}",
                ious.size,
            ),
            _higher("energy-inside", energy, f"share of the map's positive mass inside the box{empty}"),
            _higher(
                "pointing",
                math.nan if hit is None else float(hit),
                f"1 when the map's peak lies in the box{reach}, else 0{empty}",
            ),
        )

    def _ious(self, box: Region) -> NDArray[np.float64]:
        """IoU of a box with each box of the map; as `iou`, all at once."""
        if not self.boxes:
            return np.zeros(0)
        edges = np.array(box.edges)
        low, high = self.edges[..., 0], self.edges[..., 1]
        shared = np.clip(np.minimum(high, edges[:, 1]) - np.maximum(low, edges[:, 0]), 0, None).prod(axis=1)
        return np.asarray(shared / ((high - low).prod(axis=1) + box.area - shared))


def _higher(name: str, value: float, rule: str, n: int | None = None) -> Score:
    return Score(name, value, "higher", rule, n=n)


def box_scores(map: ArrayLike, boxes: Sequence[Region], region: Region, rule: BoxRule) -> tuple[Score, ...]:
    """Scores of one region against boxes made of a map by `rule`; for many regions keep a `MapBoxes`."""
    return MapBoxes.from_boxes(map, boxes, rule).scores(region)
