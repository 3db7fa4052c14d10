"""A map made ready for boxes that follow the mouse, and everything that is said of one of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viewer.evaluation.boxes import BoxRule, Rule, boxes_from_mask, mask_from_map
from viewer.evaluation.energy_table import EnergyTable
from viewer.evaluation.localisation import distance_to, peak_hits, peak_position, share
from viewer.evaluation.regions import Place, Region
from viewer.evaluation.score import Direction, Score

DICE = "Dice (1945), Ecology 26"
IOU = "Jaccard (1912), New Phytologist 11"
CONTOURS = "Chrysoula (2023), XAI for chest X-ray classification"
POINTING = "Zhang et al. (2018), IJCV 126"
ENERGY = "Wang et al. (2020), Score-CAM, CVPR workshops"


@dataclass(frozen=True, eq=False)
class MapBoxes:
    """A map made ready for boxes that move. What a box needs is computed once, when the first box asks for it.

    Attributes
    ----------
    map : (row, column) or (slice, row, column).
    rule : which pixels of the map count.
    boxes : bounding boxes of those pixels, see `boxes_from_map`.
    counted : bool, the pixels themselves; None where only the boxes are known.
    spacing : mm along each axis of the map; None where that is not known.
    """

    map: NDArray
    rule: BoxRule
    boxes: tuple[Region, ...]
    counted: NDArray[np.bool_] | None = None
    spacing: tuple[float, ...] | None = None
    _masks: dict[int, tuple[NDArray[np.bool_], EnergyTable]] = field(default_factory=dict, repr=False)
    """Tables of the masks that were asked about, which do not move; by identity, and the mask is kept with it."""
    _said: dict[tuple[int, float], tuple[Score, ...]] = field(default_factory=dict, repr=False)
    """What was said of those masks."""

    @cached_property
    def peak(self) -> tuple[int, ...] | None:
        """Index of the largest pixel, or None."""
        return peak_position(self.map)

    @cached_property
    def energy(self) -> EnergyTable:
        """Sums of the map."""
        return EnergyTable(self.map)

    @cached_property
    def pixels(self) -> EnergyTable | None:
        """Sums of the pixels that count."""
        return None if self.counted is None else EnergyTable(self.counted)

    @cached_property
    def union(self) -> NDArray[np.bool_]:
        """The union of the boxes, as a mask."""
        mask = np.zeros(self.map.shape, dtype=bool)
        for box in self.boxes:
            # Boxes made of a map have whole edges; a pixel belongs to a box by its centre.
            mask[tuple(slice(*(max(math.ceil(edge - 0.5), 0) for edge in pair)) for pair in box.edges)] = True
        return mask

    @cached_property
    def covered(self) -> EnergyTable:
        """Sums of the union of the boxes."""
        return EnergyTable(self.union)

    @cached_property
    def edges(self) -> NDArray[np.float64]:
        """(box, axis, 2) edges of the boxes, so that thousands of boxes of a noisy map cost one step."""
        return edges_of(self.boxes, self.map.ndim)

    @classmethod
    def of(
        cls,
        map: ArrayLike,
        *,
        rule: Rule = "top-percent",
        value: float = 5.0,
        within: NDArray[np.bool_] | None = None,
        truth: Place | None = None,
        slice: int | None = None,
        spacing: tuple[float, ...] | None = None,
    ) -> MapBoxes:
        """Prepare a map (row, column) or (slice, row, column); parameters as in `boxes_from_map`."""
        values = np.asarray(map)
        mask = mask_from_map(values, rule=rule, value=value, within=within, truth=truth)
        return cls.from_mask(values, mask, BoxRule(rule, value), slice=slice, spacing=spacing)

    @classmethod
    def from_mask(
        cls,
        map: ArrayLike,
        mask: NDArray[np.bool_],
        rule: BoxRule,
        *,
        slice: int | None = None,
        spacing: tuple[float, ...] | None = None,
    ) -> MapBoxes:
        """Prepare a map with the pixels that count by `rule`."""
        attributes = {} if slice is None else {"slice": slice}
        boxes = boxes_from_mask(mask, reader="map", **attributes)
        return cls(np.asarray(map), rule, tuple(boxes), mask, spacing)

    @classmethod
    def from_boxes(cls, map: ArrayLike, boxes: Sequence[Region], rule: BoxRule) -> MapBoxes:
        """Prepare a map with boxes that were made of it by `rule`."""
        return cls(np.asarray(map), rule, tuple(boxes))

    def scores(self, region: Region, tolerance: float = 0.0) -> tuple[Score, ...]:
        """Agreement of the map with a region that a person marked.

        Parameters
        ----------
        region : a box or a mask on the picture of the map (its `slice` is not looked at), or through slices for a
            volume.
        tolerance : of the pointing game, in pixels.

        Returns
        -------
        tuple of Score
            ``iou-best``, ``iou-union``, ``iou-mean`` of the map's boxes; ``iou-mask`` and ``dice`` of the pixels that
            count; ``iobb-best``, ``iobb-union``; ``energy-inside``, ``pointing`` and ``peak-distance`` of the map.
            Without a box of the map the intersections over union are 0 and those over the detected box are nan.
        """
        if region.mask is None:
            return self._scores(region, tolerance)
        key = (id(region.mask), tolerance)
        if key not in self._said:
            self._said[key] = self._scores(region, tolerance)
        return self._said[key]

    def _scores(self, region: Region, tolerance: float) -> tuple[Score, ...]:
        shared = self._shared(region)
        ious = shared.boxes / (self._areas + region.area - shared.boxes) if self.boxes else np.zeros(0)
        best = int(np.argmax(ious)) if ious.size else -1
        union = self.covered.total
        rule = f"{self.rule}{'' if ious.size else '; the map has no box'}"
        n = ious.size
        return (
            _of("iou-best", float(ious.max(initial=0.0)), f"IoU with the best of {n} boxes, {rule}", IOU, n),
            _of(
                "iou-union",
                shared.union / (union + region.area - shared.union),
                f"IoU with the union of {n} boxes, {rule}",
                IOU,
                n,
            ),
            _of(
                "iou-mean",
                float(ious.mean()) if n else 0.0,
                f"mean IoU of {n} boxes, {rule}",
                CONTOURS,
                n,
            ),
            *self._of_pixels(region, shared.pixels),
            _of(
                "iobb-best",
                float(shared.boxes[best] / self._areas[best]) if n else math.nan,
                f"part of the best box that lies inside, {rule}",
                CONTOURS,
                n,
            ),
            _of(
                "iobb-union",
                shared.union / union if n else math.nan,
                f"part of the union of boxes that lies inside, {rule}",
                CONTOURS,
                n,
            ),
            *self._of_the_map(region, shared.energy, tolerance),
        )

    def _of_pixels(self, region: Region, shared: float) -> tuple[Score, Score]:
        if self.pixels is None:
            unknown = "; not defined, only the boxes of the map are known"
            return (
                _of("iou-mask", math.nan, f"IoU of the pixels that count{unknown}", IOU),
                _of("dice", math.nan, f"Dice of the pixels that count{unknown}", DICE),
            )
        count = self.pixels.total
        rule = f"of the {count:.0f} pixels that count, {self.rule}"
        return (
            _of("iou-mask", shared / (count + region.area - shared), f"IoU {rule}", IOU, int(count)),
            _of("dice", 2 * shared / (count + region.area), f"Dice {rule}", DICE, int(count)),
        )

    def _of_the_map(self, region: Region, inside: float, tolerance: float) -> tuple[Score, Score, Score]:
        peak, empty = self.peak, "" if self.peak is not None else "; not defined, the map is empty"
        reach = f" or within {tolerance:g} pixels" if tolerance else ""
        unit = "pixels" if self.spacing is None else "mm"
        away = math.nan if peak is None else distance_to(peak, region, self.spacing)
        place = "the nearest pixel of the region" if region.mask is not None else "the region"
        return (
            _of(
                "energy-inside",
                share(inside, self.energy.total),
                f"share of the map's positive mass inside the region{empty}",
                ENERGY,
            ),
            _of(
                "pointing",
                math.nan if peak is None else float(peak_hits(peak, region, tolerance)),
                f"1 when the map's peak lies in the region{reach}, else 0{empty}",
                POINTING,
            ),
            _of(
                "peak-distance",
                away,
                f"{unit} from the map's peak to {place}, 0 inside{empty}",
                direction="lower",
                upper=math.inf,
            ),
        )

    @cached_property
    def _areas(self) -> NDArray[np.float64]:
        return areas_of(self.edges)

    def _shared(self, region: Region) -> _Shared:
        """What a region has in common with each box, their union, the pixels that count and the map's mass."""
        if region.mask is None:
            inside = region.edges
            return _Shared(
                shared_with_box(self.edges, region),
                self.covered.inside(inside),
                0.0 if self.pixels is None else self.pixels.inside(inside),
                self.energy.inside(inside),
            )
        mask = region.mask
        if mask.shape != self.map.shape:
            raise ValueError("the mask belongs to another grid")
        values = self.map[mask].astype(np.float64)
        return _Shared(
            self._table(mask).inside_each(self.edges),
            float(np.count_nonzero(self.union & mask)),
            0.0 if self.counted is None else float(np.count_nonzero(self.counted & mask)),
            float(values[np.isfinite(values) & (values > 0)].sum()),
        )

    def _table(self, mask: NDArray[np.bool_]) -> EnergyTable:
        if id(mask) not in self._masks:
            self._masks[id(mask)] = (mask, EnergyTable(mask))
        return self._masks[id(mask)][1]


@dataclass(frozen=True, eq=False)
class _Shared:
    """Areas, and mass, that a region has in common with what is made of a map."""

    boxes: NDArray[np.float64]
    union: float
    pixels: float
    energy: float


def edges_of(boxes: Sequence[Region], ndim: int) -> NDArray[np.float64]:
    """(box, axis, 2) edges of boxes."""
    return np.array([box.edges for box in boxes], dtype=np.float64).reshape(-1, ndim, 2)


def areas_of(edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """(box,) areas of boxes given by their edges (box, axis, 2)."""
    return np.asarray((edges[..., 1] - edges[..., 0]).prod(axis=1))


def shared_with_box(edges: NDArray[np.float64], region: Region) -> NDArray[np.float64]:
    """(box,) area that each of many boxes (box, axis, 2) shares with one box; as `intersection`, all at once."""
    inside = np.ones(len(edges))
    for axis, (low, high) in enumerate(region.edges):
        inside *= np.maximum(np.minimum(edges[:, axis, 1], high) - np.maximum(edges[:, axis, 0], low), 0)
    return inside


def _of(
    name: str,
    value: float,
    rule: str,
    source: str = "",
    n: int | None = None,
    *,
    direction: Direction = "higher",
    upper: float = 1.0,
) -> Score:
    return Score(name, value, direction, rule, n=n, range=(0.0, upper), source=source)


def box_scores(map: ArrayLike, boxes: Sequence[Region], region: Region, rule: BoxRule) -> tuple[Score, ...]:
    """Scores of one region against boxes made of a map by `rule`; for many regions keep a `MapBoxes`."""
    return MapBoxes.from_boxes(map, boxes, rule).scores(region)
