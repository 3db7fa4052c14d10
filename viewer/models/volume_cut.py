"""Where one picture cuts the input of a network of volumes: a map of the volume on the pixels of any plane.

The way back from a map is one small matrix along each axis. A picture needs one row of the matrix across it and the
two others whole, so a plane through a large volume is drawn in a millisecond and the volume itself never is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viewer.imaging.geometry import Geometry
from viewer.imaging.plane import ReadingPlane
from viewer.models.card import Crop, InputRule
from viewer.models.line_sampling import cell_of, sampling
from viewer.models.volume_view import ReadingOrder, VolumeBox, VolumeView

Picture = NDArray[np.float32]


@dataclass(frozen=True)
class VolumeCut:
    """One picture of a plane through what a network of volumes saw; what `InputView` is to a network of pictures.

    Maps have the axes (slice, row, column) of the network's input; pictures those of the plane, the mirror undone.

    Attributes
    ----------
    view : how the volume became the input.
    plane : which way the volume is cut, on the grid of the file.
    index : picture of that plane.
    """

    view: VolumeView
    plane: ReadingPlane
    index: int

    @property
    def rule(self) -> InputRule:
        return self.view.rule

    @property
    def mirror(self) -> bool:
        return self.view.mirror

    @property
    def crop(self) -> Crop:
        return self.view.crop

    @property
    def picture_shape(self) -> tuple[int, int]:
        """(rows, columns) of the picture."""
        return self._length(1), self._length(2)

    @property
    def inside(self) -> tuple[int, int, int, int]:
        """(row_min, column_min, row_max, column_max) pixels that the network saw, half-open; nothing: (0, 0, 0, 0)."""
        (first, last), rows, columns = (self._seen(number) for number in range(3))
        if not first <= self.index < last:
            return 0, 0, 0, 0
        return rows[0], columns[0], rows[1], columns[1]

    def back(self, map_: NDArray) -> Picture:
        """A map (slice, row, column) of the input on the picture (row, column).

        Linear between the centres of its cells along all three axes, zero where the network saw nothing.
        """
        across, rows, columns = (self._weights(number, map_) for number in range(3))
        slab = np.tensordot(across[self.index], self._turned(map_), 1)
        return np.asarray(rows @ slab @ columns.T, dtype=np.float32)

    def cells(self, map_: NDArray) -> Picture:
        """Like `back` without smoothing: every pixel has the value of the cell that it lies in."""
        across, rows, columns = (self._cells(number, map_) for number in range(3))
        if across[self.index] < 0:
            return np.zeros(self.picture_shape, dtype=np.float32)
        slab = self._turned(map_)[across[self.index]]
        drawn = slab[np.ix_(np.clip(rows, 0, None), np.clip(columns, 0, None))].astype(np.float32)
        return np.where((rows >= 0)[:, None] & (columns >= 0)[None, :], drawn, np.float32(0))

    def small(self, map_: NDArray) -> Picture:
        """The map where the picture cuts it, on its own grid (row, column), the way round of the picture."""
        slab = np.tensordot(self._weights(0, map_)[self.index], self._turned(map_), 1)
        steps = tuple(slice(None, None, -1 if self._runs_back(number) else 1) for number in (1, 2))
        return np.asarray(slab[steps], dtype=np.float32)

    @property
    def of_input(self) -> VolumeCut:
        """The picture through the network's input itself that lies where this one lies in the patient."""
        view, (axis, rows, columns) = self.view, (self._axis(number) for number in range(3))
        at = self._length(0) - 1 - self.index if self._flipped(0) else self.index
        share = (at + 0.5 - view.box.low[axis]) / view.box.extent[axis]
        share = 1 - share if self._mirrored(0) else share
        slices, height, width = view.rule.size
        size = (slices, height, width)
        whole = VolumeView(size, VolumeBox(0, 0, 0, *size), view.rule)
        plane = ReadingPlane(self.plane.name, (axis, rows, columns), self._flipped(1), self._flipped(2))
        return VolumeCut(whole, plane, int(np.clip(math.floor(share * size[axis]), 0, size[axis] - 1)))

    @property
    def seen(self) -> bool:
        """Whether the network saw anything of this picture."""
        first, last = self._seen(0)
        return first <= self.index < last

    # --- the three axes of the picture: 0 across it, 1 its rows, 2 its columns ---------------------------------------

    def _axis(self, number: int) -> int:
        """Which axis of the reading order serves."""
        return self.view.order.axes.index(self.plane.axes[number])

    def _length(self, number: int) -> int:
        return self.view.volume_shape[self._axis(number)]

    def _turned(self, map_: NDArray) -> NDArray:
        """The map with the axes (across, row, column) of the picture."""
        return map_.astype(np.float32, copy=False).transpose(*(self._axis(number) for number in range(3)))

    def _flipped(self, number: int) -> bool:
        """Whether the picture's axis runs against the reading order."""
        shown = (False, self.plane.flip_rows, self.plane.flip_columns)[number]
        return self.view.order.flips[self._axis(number)] != shown

    def _mirrored(self, number: int) -> bool:
        """Whether the input runs against the reading order."""
        return self.view.mirror and self._axis(number) == 2

    def _runs_back(self, number: int) -> bool:
        return self._flipped(number) != self._mirrored(number)

    def _line(self, number: int) -> tuple[int, float, float]:
        axis = self._axis(number)
        return self.view.volume_shape[axis], self.view.box.low[axis], self.view.box.high[axis]

    def _weights(self, number: int, map_: NDArray) -> NDArray[np.float32]:
        """(pixel, cell) along an axis of the picture."""
        weights = sampling(*self._line(number), map_.shape[self._axis(number)], self._mirrored(number))
        return weights[::-1] if self._flipped(number) else weights

    def _cells(self, number: int, map_: NDArray) -> NDArray[np.int64]:
        """The cell of every pixel along an axis of the picture, or -1."""
        cells = cell_of(*self._line(number), map_.shape[self._axis(number)], self._mirrored(number))
        return cells[::-1] if self._flipped(number) else cells

    def _seen(self, number: int) -> tuple[int, int]:
        """Pixels along an axis whose centre lies inside the input, half-open."""
        length, low, high = self._line(number)
        first, last = max(math.ceil(low - 0.5), 0), min(math.ceil(high - 0.5), length)
        if last <= first:
            return 0, 0
        return (length - last, length - first) if self._flipped(number) else (first, last)


def mirrored_axis(geometry: Geometry, plane: ReadingPlane) -> int:
    """Which axis of a picture a mirrored input reverses: 0 the one across it, 1 its rows, 2 its columns."""
    return plane.axes.index(ReadingOrder.of(geometry).axes[2])


def mass_of_slices(view: VolumeView, plane: ReadingPlane, map_: NDArray) -> NDArray[np.float64]:
    """(picture,) how much of a map lies at the height of each picture of a plane, in units of the map.

    The positive values of the map's cells, summed over the extent of the pictures and linear between the centres of
    the cells across them: what `VolumeCut.small` of each picture adds up to.
    """
    cut = VolumeCut(view, plane, 0)
    lines = np.maximum(cut._turned(map_), 0).sum(axis=(1, 2), dtype=np.float64)
    return np.asarray(cut._weights(0, map_) @ lines, dtype=np.float64)


def stacked(view: VolumeView, plane: ReadingPlane, map_: NDArray) -> NDArray[np.float32]:
    """A map drawn on every picture of a plane: (picture, row, column)."""
    cut = VolumeCut(view, plane, 0)
    across, rows, columns = (cut._weights(number, map_) for number in range(3))
    slabs = np.tensordot(across, cut._turned(map_), 1)
    return np.asarray(np.matmul(np.matmul(rows, slabs), columns.T), dtype=np.float32)


def values_at(view: VolumeView, map_: NDArray, voxels: NDArray[np.float64], *, smooth: bool) -> Picture:
    """A map at places anywhere, zero where the network saw nothing.

    Parameters
    ----------
    map_ : (slice, row, column) of the network's input.
    voxels : (..., 3) positions (slice, row, column) on the grid of the file; voxel centres are whole numbers.
    smooth : linear between the centres of the cells, else the cells themselves.
    """
    from scipy import ndimage  # not before it is needed: the window is there first

    at, inside = [], np.ones(voxels.shape[:-1], dtype=bool)
    for number, (axis, flip) in enumerate(zip(view.order.axes, view.order.flips, strict=True)):
        length, size = view.volume_shape[number], map_.shape[number]
        low, high = view.box.low[number], view.box.high[number]
        place = length - 1 - voxels[..., axis] if flip else voxels[..., axis]
        share = (place + 0.5 - low) / (high - low)
        inside &= (share >= 0) & (share < 1) & (place >= -0.5) & (place < length - 0.5)
        if view.mirror and number == 2:
            share = 1 - share
        cell = np.clip(share * size - 0.5, 0, size - 1) if smooth else np.floor(share * size)
        at.append(np.clip(cell, 0, size - 1))
    values = ndimage.map_coordinates(
        map_.astype(np.float32, copy=False), at, order=1 if smooth else 0, mode="nearest", prefilter=False
    )
    return np.asarray(values * inside, dtype=np.float32)
