"""How a map agrees with everything that one reader marked of a class on one picture, or in one volume."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from viewer.evaluation.boxes import boxes_from_mask
from viewer.evaluation.regions import Region

Mask = NDArray[np.bool_]


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

    @property
    def masks(self) -> bool:
        """Whether the reader drew outlines and not boxes."""
        return any(region.mask is not None for region in self.regions)

    @cached_property
    def area(self) -> Mask:
        """Everything that is marked, as pixels."""
        inside = np.zeros(self.shape, dtype=bool)
        for region in self.regions:
            inside |= region.rasterised(self.shape)
        return inside

    @cached_property
    def edges(self) -> NDArray[np.float64]:
        """(box, axis, 2) of the boxes; of a mask those of its connected pieces."""
        boxes: list[Region] = []
        for region in self.regions:
            boxes += [region] if region.mask is None else boxes_from_mask(region.mask)
        return _edges(boxes)


@dataclass(frozen=True)
class Agreement:
    """How the boxes of a map agree with what a reader marked; nan where it is not defined.

    Attributes
    ----------
    best : mean over the reader's boxes of the IoU with the best box of the map.
    mean : mean over the reader's boxes of the mean IoU with all boxes of the map.
    union : IoU of all boxes of the map together with everything that is marked.
    pixels : IoU of the map's pixels that count with everything that is marked.
    iobb_best, iobb_union : share of the best box, and of all boxes together, that lies in what is marked.
    """

    best: float
    mean: float
    union: float
    pixels: float
    iobb_best: float
    iobb_union: float


def agreement(chosen: Mask, marked: Marked) -> Agreement:
    """Agreement of the pixels of a map that count with a reader.

    A map without a pixel that counts found nothing: its IoU is 0, the share of its boxes is not defined.
    """
    boxes = _edges(boxes_from_mask(chosen))
    area, size = marked.area, int(np.count_nonzero(marked.area))
    if not len(boxes):
        nothing = 0.0 if size else math.nan
        return Agreement(nothing, nothing, nothing, nothing, math.nan, math.nan)
    shared, sizes, theirs = _pairs(boxes, marked.edges)
    ious = shared / (sizes[:, None] + theirs[None, :] - shared)
    best = ious.argmax(axis=0)
    together = np.zeros(chosen.shape, dtype=bool)
    for box in boxes.astype(int):
        together[tuple(slice(low, high) for low, high in box)] = True
    inside, covered = int(np.count_nonzero(together & area)), int(np.count_nonzero(together))
    hits, called = int(np.count_nonzero(chosen & area)), int(np.count_nonzero(chosen))
    every = np.arange(len(theirs))
    return Agreement(
        float(ious.max(axis=0).mean()),
        float(ious.mean(axis=0).mean()),
        inside / (covered + size - inside),
        hits / (called + size - hits),
        float((shared[best, every] / sizes[best]).mean()),
        inside / covered,
    )


def energy(map: NDArray, marked: Marked, within: Mask | None = None) -> float:
    """Share of the map's positive mass in what is marked; nan when the map has none."""
    values = np.where(np.isfinite(map) & (map > 0), map, 0.0).astype(np.float64)
    if within is not None:
        values[~within] = 0.0
    total = float(values.sum())
    return float(values[marked.area].sum()) / total if total > 0 else math.nan


def pointing(peak: tuple[int, ...] | None, marked: Marked) -> float:
    """1 where the map's peak lies in what is marked, else 0; nan of a map without a peak."""
    return math.nan if peak is None else float(marked.area[peak])


def readers_agreement(one: Marked, other: Marked) -> tuple[float, float]:
    """Of two readers: mean over both's boxes of the IoU with the other's best box, and IoU of all that is marked."""
    shared, sizes, theirs = _pairs(one.edges, other.edges)
    ious = shared / (sizes[:, None] + theirs[None, :] - shared)
    best = float(np.concatenate([ious.max(axis=0), ious.max(axis=1)]).mean())
    both = int(np.count_nonzero(one.area & other.area))
    either = int(np.count_nonzero(one.area | other.area))
    return best, both / either if either else math.nan


def _pairs(
    a: NDArray[np.float64], b: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """(shared (a, b), sizes (a,), sizes (b,)) of boxes (box, axis, 2)."""
    low = np.maximum(a[:, None, :, 0], b[None, :, :, 0])
    high = np.minimum(a[:, None, :, 1], b[None, :, :, 1])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    return shared, (a[..., 1] - a[..., 0]).prod(axis=1), (b[..., 1] - b[..., 0]).prod(axis=1)


def _edges(boxes: Sequence[Region]) -> NDArray[np.float64]:
    return np.array([box.edges for box in boxes], dtype=np.float64)
