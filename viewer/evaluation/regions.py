"""Regions of a picture or a volume: boxes and masks, by whom and of what."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.foundation.errors import UsageError

Edges = tuple[tuple[float, float], ...]
"""(low, high) of each axis, in the order of the array."""


@dataclass(frozen=True)
class Region:
    """A box, or a mask with its bounding box, on the grid of a picture.

    Edges are pixel edges and half-open: pixel ``i`` covers ``[i, i + 1)``, so its centre is ``i + 0.5`` and a box from
    2 to 5 holds the pixels 2, 3 and 4. Edges may be fractions while a box is drawn.

    Attributes
    ----------
    row_min, column_min, row_max, column_max : edges, in pixels; each maximum is greater than its minimum.
    label : what it shows ("lesion").
    reader : who drew it ("truth", "you", "map").
    slice : index of the picture on which it lies; None on a lone picture. First slice of a 3D region.
    slice_max : end of a 3D region, exclusive; None for a region on one picture.
    mask : bool, axes (row, column) or (slice, row, column) of the whole grid; None for a box.

    Raises
    ------
    UsageError
        When it has no area, an edge is not finite, or the mask does not lie inside the box.
    """

    row_min: float
    column_min: float
    row_max: float
    column_max: float
    label: str = ""
    reader: str = ""
    slice: int | None = None
    slice_max: int | None = None
    mask: NDArray[np.bool_] | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if not all(math.isfinite(edge) for pair in self.edges for edge in pair):
            raise UsageError("The edges of a box must be finite numbers.", code="box-edges")
        if any(high <= low for low, high in self.edges):
            raise UsageError("A box needs an area: its maximum must lie beyond its minimum.", code="box-area")
        if self.slice is None and self.slice_max is not None:
            raise UsageError("A box through several slices needs its first slice.", code="box-slice")
        if self.mask is not None:
            if self.mask.dtype != np.bool_ or self.mask.ndim != self.ndim or not self.mask.any():
                raise UsageError(
                    "A mask is a boolean array with the axes of its region and is not empty.", code="mask"
                )
            self.mask.setflags(write=False)

    @classmethod
    def between(cls, corner: tuple[float, float], opposite: tuple[float, float], **attributes: Any) -> Region:
        """The box between two corners (row, column) in any order, as a drag of the mouse gives them."""
        (row_a, column_a), (row_b, column_b) = corner, opposite
        return cls(
            min(row_a, row_b),
            min(column_a, column_b),
            max(row_a, row_b),
            max(column_a, column_b),
            **attributes,
        )

    @classmethod
    def of_mask(cls, mask: NDArray[np.bool_], **attributes: Any) -> Region:
        """A mask (row, column) or (slice, row, column) with its bounding box.

        Raises
        ------
        UsageError
            When no pixel is set.
        """
        mask = np.array(mask, dtype=bool)
        where = np.nonzero(mask)
        if where[0].size == 0:
            raise UsageError("The mask is empty.", code="mask")
        low = [int(index.min()) for index in where]
        high = [int(index.max()) + 1 for index in where]
        if mask.ndim == 3:
            attributes |= {"slice": low[0], "slice_max": high[0]}
        return cls(low[-2], low[-1], high[-2], high[-1], mask=mask, **attributes)

    @property
    def ndim(self) -> int:
        """2 on one picture, 3 through several slices."""
        return 2 if self.slice_max is None else 3

    @property
    def edges(self) -> Edges:
        """(low, high) per axis: rows and columns, with the slices before them in 3D."""
        flat = ((self.row_min, self.row_max), (self.column_min, self.column_max))
        if self.slice is None or self.slice_max is None:
            return flat
        return ((self.slice, self.slice_max), *flat)

    @property
    def area(self) -> float:
        """Pixels (2D) or voxels (3D): of the mask where there is one, else of the box."""
        if self.mask is not None:
            return float(np.count_nonzero(self.mask))
        return math.prod(high - low for low, high in self.edges)

    @property
    def box(self) -> Region:
        """The bounding box alone."""
        return self if self.mask is None else replace(self, mask=None)

    def contains(self, row: float, column: float) -> bool:
        """Whether a point (in edge coordinates) of its picture lies in it."""
        if not (self.row_min <= row < self.row_max and self.column_min <= column < self.column_max):
            return False
        if self.mask is None or self.mask.ndim == 3:
            return True
        return bool(self.mask[int(row), int(column)])

    def clipped(self, shape: tuple[int, int]) -> Region | None:
        """The part of a box inside a picture of (rows, columns); None when nothing is left."""
        edges = (
            max(self.row_min, 0),
            min(self.row_max, shape[0]),
            max(self.column_min, 0),
            min(self.column_max, shape[1]),
        )
        if edges[1] <= edges[0] or edges[3] <= edges[2]:
            return None
        return replace(self, row_min=edges[0], row_max=edges[1], column_min=edges[2], column_max=edges[3])

    def rasterised(self, shape: tuple[int, ...]) -> NDArray[np.bool_]:
        """The pixels whose centre lies in the region, on a grid of (rows, columns) or (slices, rows, columns)."""
        if self.mask is not None:
            if self.mask.shape != shape:
                raise ValueError("the mask belongs to another grid")
            return self.mask
        if len(shape) != self.ndim:
            raise ValueError("a region is drawn on a grid of its own dimensions")
        inside = np.ones(shape, dtype=bool)
        for axis, (low, high) in enumerate(self.edges):
            centres = np.arange(shape[axis]) + 0.5
            along = (centres >= low) & (centres < high)
            inside &= along.reshape([-1 if each == axis else 1 for each in range(len(shape))])
        return inside

    def to_json(self) -> dict[str, Any]:
        """Edges, label, reader and slices; the mask itself is not part of it."""
        record: dict[str, Any] = {
            "row_min": self.row_min,
            "column_min": self.column_min,
            "row_max": self.row_max,
            "column_max": self.column_max,
            "label": self.label,
            "reader": self.reader,
        }
        if self.slice is not None:
            record["slice"] = self.slice
        if self.slice_max is not None:
            record["slice_max"] = self.slice_max
        return record


Place = Region | NDArray[np.bool_]
"""A box, a region with a mask, or a bare boolean mask."""


def area_of(place: Place) -> float:
    """Pixels (2D) or voxels (3D) of a box or a mask."""
    return place.area if isinstance(place, Region) else float(np.count_nonzero(place))


def union_of(places: Sequence[Place], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """The pixels of any of the places, on a grid of (rows, columns) or (slices, rows, columns)."""
    covered = np.zeros(shape, dtype=bool)
    for place in places:
        covered |= place.rasterised(shape) if isinstance(place, Region) else place
    return covered
