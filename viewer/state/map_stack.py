"""The chosen map of every explained slice, and how other planes cut through them.

A network of slices says nothing about what lies between them: a plane across the slices shows each slice's map on that
slice alone, and nothing where a slice is not explained yet. Within a slice a map is linear between the centres of its
cells, as in the reading plane.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.imaging.geometry import Geometry
from viewer.imaging.plane import ReadingPlane
from viewer.models.input_view import InputView
from viewer.state.map_view import places_shown, shown_map, signed_map
from viewer.state.series_reading import Rounds, SeriesReading
from viewer.state.session import Session

Picture = NDArray[np.float32]


class MapStack:
    """Maps of one reading, layer, class and explainer, slice by slice as they arrive.

    Attributes
    ----------
    version : grows with every slice that is added.
    filled : (slice,) bool, which slices have a map.
    """

    def __init__(self, slices: int) -> None:
        self.version = 0
        self.filled = np.zeros(slices, dtype=bool)
        self._maps: NDArray[np.float16] | None = None
        self._unfinished: dict[int, list[Rounds | None]] = {}
        """Slice -> how far its map was when it was taken up."""
        self._rows, self._columns = np.ones((slices, 3)), np.ones((slices, 3))
        """Per slice, of the rows and of the columns: where the input begins and how long it is, in pixels of the
        picture; whether it runs the other way."""

    def follow(self, session: Session, reading: SeriesReading) -> None:
        """Take up the slices that have been explained since, and those that were not finished then."""
        for index in list(reading.filled):
            if self.filled[index] and index not in self._unfinished:
                continue
            rounds = [reading.rounds.get(place) for place in places_shown(session, reading, index)]
            if self.filled[index] and rounds == self._unfinished[index]:
                continue
            signed, view = signed_map(session, reading, index, session.choice.layer), reading.views[index]
            if signed is not None and isinstance(view, InputView):
                self.put(index, shown_map(session, signed), view)
                self._unfinished.pop(index, None)
                if any(each is not None and not each.complete for each in rounds):
                    self._unfinished[index] = rounds

    def put(self, index: int, raw: Picture, view: InputView) -> None:
        """Keep the map (row, column) of a slice on the layer's grid, and where it lies."""
        if self._maps is None:
            self._maps = np.zeros((len(self.filled), *raw.shape), dtype=np.float16)
        self._maps[index] = raw
        box = view.box
        self._rows[index] = (box.row_min, box.height, False)
        self._columns[index] = (box.column_min, box.width, view.mirror)
        self.filled[index] = True
        self.version += 1

    def across(
        self, reading: ReadingPlane, geometry: Geometry, plane: ReadingPlane, index: int, *, smooth: bool
    ) -> Picture:
        """The maps where another plane of the same grid cuts them, (row, column) of that plane's picture.

        Parameters
        ----------
        reading : the plane whose slices were explained; `plane` runs across them.
        index : picture of `plane`.
        smooth : linear between the centres of a map's cells, else the cells themselves.
        """
        rows, columns = reading.picture_shape(geometry.shape)
        at_row = plane.axes[0] == reading.axes[1]
        if self._maps is None:
            return np.zeros(plane.picture_shape(geometry.shape), dtype=np.float32)
        if at_row:
            row = rows - 1 - index if reading.flip_rows else index
            line = _sampled(self._maps, self._rows, self._columns, row, np.arange(columns), smooth)
            other, flip = reading.axes[2], reading.flip_columns
        else:
            column = columns - 1 - index if reading.flip_columns else index
            line = _sampled(
                self._maps.swapaxes(1, 2), self._columns, self._rows, column, np.arange(rows), smooth
            )
            other, flip = reading.axes[1], reading.flip_rows
        slab = line[:, ::-1] if flip else line
        return plane.turned(slab if reading.axes[0] < other else slab.T)

    def at(self, slices: NDArray[np.int_], rows: NDArray, columns: NDArray, *, smooth: bool) -> Picture:
        """The maps at places anywhere: nearest slice, (row, column) on its picture; zero outside, shape of `slices`."""
        values = np.zeros(slices.shape, dtype=np.float32)
        if self._maps is None:
            return values
        known = (slices >= 0) & (slices < len(self.filled))
        for index in np.unique(slices[known]):
            if self.filled[index]:
                here = slices == index
                values[here] = _points(
                    np.asarray(self._maps[index], dtype=np.float32),
                    (self._rows[index], self._columns[index]),
                    rows[here],
                    columns[here],
                    smooth,
                )
        return values


@dataclass(frozen=True)
class _Cells:
    """Where places of the picture fall among the cells of a line.

    Attributes
    ----------
    low, high : the cells that a place lies between.
    share : of the upper one.
    inside : whether the network saw the place.
    """

    low: NDArray[np.int64]
    high: NDArray[np.int64]
    share: NDArray[np.float32]
    inside: NDArray[np.bool_]

    @classmethod
    def of(cls, at: NDArray[Any], line: NDArray[np.float64], size: int, smooth: bool) -> _Cells:
        """Places `at` (pixel centres are whole numbers) on lines (..., 3) of `size` cells."""
        position = (at + 0.5 - line[..., 0]) / line[..., 1]
        inside = (position >= 0) & (position < 1)
        position = np.where(line[..., 2] > 0, 1 - position, position)
        if not smooth:
            cell = np.clip(position * size, 0, size - 1).astype(np.int64)
            return cls(cell, cell, np.zeros(cell.shape, dtype=np.float32), inside)
        place = np.clip(position * size - 0.5, 0, size - 1)
        low = np.minimum(place.astype(np.int64), max(size - 2, 0))
        high = np.minimum(low + 1, size - 1)
        return cls(low, high, np.asarray(place - low, dtype=np.float32), inside)


def _sampled(
    maps: NDArray[np.float16],
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    at: int,
    along: NDArray[np.int_],
    smooth: bool,
) -> Picture:
    """One line of every map: at position `at` of its first axis, at positions `along` its second; (slice, along)."""
    cells = _Cells.of(np.asarray(at), first, maps.shape[1], smooth)
    number, weight = np.arange(len(maps)), cells.share[:, None]
    lines = maps[number, cells.low].astype(np.float32) * (1 - weight)
    lines += maps[number, cells.high].astype(np.float32) * weight
    lines[~cells.inside] = 0
    if (second == second[0]).all():  # no crop: one way for all slices
        there = _Cells.of(along, second[0], maps.shape[2], smooth)
        drawn = lines[:, there.low] * (1 - there.share) + lines[:, there.high] * there.share
    else:
        there = _Cells.of(along[None, :], second[:, None, :], maps.shape[2], smooth)
        drawn = np.take_along_axis(lines, there.low, 1) * (1 - there.share)
        drawn += np.take_along_axis(lines, there.high, 1) * there.share
    return np.asarray(drawn * there.inside, dtype=np.float32)


def _points(
    map_: Picture,
    lines: tuple[NDArray[np.float64], NDArray[np.float64]],
    rows: NDArray[Any],
    columns: NDArray[Any],
    smooth: bool,
) -> Picture:
    """One map at scattered places of its picture."""
    r, c = (
        _Cells.of(at, line, size, smooth)
        for at, line, size in zip((rows, columns), lines, map_.shape, strict=True)
    )
    upper = map_[r.low, c.low] * (1 - c.share) + map_[r.low, c.high] * c.share
    lower = map_[r.high, c.low] * (1 - c.share) + map_[r.high, c.high] * c.share
    return np.asarray((upper * (1 - r.share) + lower * r.share) * (r.inside & c.inside), dtype=np.float32)
