"""Everything that one reader marked of a class on one picture, made ready for the thousands of maps of a cohort.

The scores are those of `readers.reader_scores`, which says them one map at a time and in words.
"""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass, fields
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from viewer.evaluation.energy_table import EnergyTable
from viewer.evaluation.regions import Region

Mask = NDArray[np.bool_]
Boxes = NDArray[np.float64]
"""(box, axis, 2) half-open edges."""


@dataclass(frozen=True, eq=False)
class Marked:
    """What one reader marked.

    Attributes
    ----------
    regions : of one picture (row, column) or one volume (slice, row, column); at least one.
    shape : of that picture or volume.
    """

    regions: tuple[Region, ...]
    shape: tuple[int, ...]

    @cached_property
    def area(self) -> Mask:
        """Everything that is marked, as pixels."""
        inside = np.zeros(self.shape, dtype=bool)
        for region in self.regions:
            inside |= region.rasterised(self.shape)
        return inside

    @cached_property
    def size(self) -> int:
        """Number of pixels of `area`."""
        return int(np.count_nonzero(self.area))

    @cached_property
    def sizes(self) -> NDArray[np.float64]:
        """(region,) the area of each."""
        return np.array([region.area for region in self.regions])

    @cached_property
    def _tables(self) -> list[EnergyTable | None]:
        """Of each mask, within its bounding box."""
        return [
            None
            if region.mask is None
            else EnergyTable(region.mask[tuple(slice(int(low), int(high)) for low, high in region.edges)])
            for region in self.regions
        ]

    def shared(self, boxes: Boxes) -> NDArray[np.float64]:
        """(box, region) area that each of many boxes has in common with each region."""
        columns = []
        for region, table in zip(self.regions, self._tables, strict=True):
            edges = np.array(region.edges)
            if table is None:
                low = np.maximum(boxes[..., 0], edges[:, 0])
                high = np.minimum(boxes[..., 1], edges[:, 1])
                columns.append(np.clip(high - low, 0, None).prod(axis=1))
            else:
                inside = np.clip(boxes, edges[:, :1], edges[:, 1:])
                columns.append(table.inside_each(inside - edges[:, :1]))
        return np.stack(columns, axis=1)


@dataclass(frozen=True)
class Agreement:
    """How the pixels of a map that count agree with what a reader marked; nan where it is not defined.

    Attributes
    ----------
    iou_best : mean over the reader's regions of the IoU with the best box of the map.
    iou_mean : mean over the reader's regions of the mean IoU with all boxes of the map.
    iou_union : IoU of all boxes of the map together with everything that is marked.
    iou_mask : IoU of the pixels that count with everything that is marked.
    iobb_best, iobb_union : share of the best box, and of all boxes together, that lies in what is marked.
    """

    iou_best: float
    iou_mean: float
    iou_union: float
    iou_mask: float
    iobb_best: float
    iobb_union: float

    @property
    def values(self) -> tuple[float, ...]:
        """In the order of `AGREEMENT`."""
        return astuple(self)


AGREEMENT = tuple(field.name for field in fields(Agreement))


class Counted:
    """The pixels of a map that count, with their boxes: made once, however many readers they are compared with.

    Parameters
    ----------
    mask : (row, column) or (slice, row, column).
    """

    def __init__(self, mask: Mask) -> None:
        self.mask = mask
        self.called = int(np.count_nonzero(mask))
        self.boxes = boxes_of(mask)
        self.sizes: NDArray[np.float64] = (self.boxes[..., 1] - self.boxes[..., 0]).prod(axis=1)
        self.together = np.zeros(mask.shape, dtype=bool)
        for box in self.boxes.astype(int).tolist():
            self.together[tuple(slice(low, high) for low, high in box)] = True
        self.covered = int(np.count_nonzero(self.together))


def agreement(counted: Counted, marked: Marked) -> Agreement:
    """Agreement of the pixels of a map that count with a reader.

    A map without a pixel that counts found nothing: its IoU is 0, the share of its boxes is not defined.
    """
    if not counted.called:
        return Agreement(0.0, 0.0, 0.0, 0.0, math.nan, math.nan)
    shared, sizes = marked.shared(counted.boxes), counted.sizes
    ious = shared / (sizes[:, None] + marked.sizes - shared)
    best, every = ious.argmax(axis=0), np.arange(len(marked.sizes))
    inside = int(np.count_nonzero(counted.together & marked.area))
    hits = int(np.count_nonzero(counted.mask & marked.area))
    return Agreement(
        float(ious.max(axis=0).mean()),
        float(ious.mean(axis=0).mean()),
        inside / (counted.covered + marked.size - inside),
        hits / (counted.called + marked.size - hits),
        float((shared[best, every] / sizes[best]).mean()),
        inside / counted.covered,
    )


def boxes_of(mask: Mask) -> Boxes:
    """Edges of the boxes that `boxes_from_mask` makes."""
    from scipy import ndimage  # not before it is needed: the window is there first

    pieces, _ = ndimage.label(mask, structure=np.ones((3,) * mask.ndim, dtype=bool))
    extents = [[(axis.start, axis.stop) for axis in each] for each in ndimage.find_objects(pieces)]
    return np.array(extents, dtype=np.float64).reshape(-1, mask.ndim, 2)


def energy(map: NDArray, marked: Marked, within: Mask | None = None) -> float:
    """Share of the map's positive mass in what is marked; nan when the map has none."""
    usable = np.isfinite(map) & (map > 0)
    if within is not None:
        usable &= within
    total = float(map[usable].sum(dtype=np.float64))
    return float(map[usable & marked.area].sum(dtype=np.float64)) / total if total > 0 else math.nan


def pointing(peak: tuple[int, ...] | None, marked: Marked) -> float:
    """1 where the map's peak lies in what is marked, else 0; nan of a map without a peak."""
    return math.nan if peak is None else float(marked.area[peak])
