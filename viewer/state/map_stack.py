"""The chosen map of every explained slice, and how other planes cut through them.

A network of slices says nothing about what lies between them: a plane across the slices shows each slice's map on that
slice alone, and nothing where a slice is not explained yet. Within a slice a map is linear between the centres of its
cells, as in the reading plane.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from viewer.imaging.geometry import Geometry
from viewer.imaging.plane import ReadingPlane
from viewer.models.input_view import InputView
from viewer.state.map_view import shown_map, signed_map
from viewer.state.series_reading import SeriesReading
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
        self._places = np.zeros((slices, 4))
        """Per slice: share of the input's height at picture row 0, and per row; the same of its width and columns."""

    def follow(self, session: Session, reading: SeriesReading) -> None:
        """Take up the slices that have been explained since."""
        for index in list(reading.filled):
            if self.filled[index]:
                continue
            signed = signed_map(session, reading, index, session.choice.layer)
            if signed is not None:
                self.put(index, shown_map(session, signed), reading.views[index])

    def put(self, index: int, raw: Picture, view: InputView) -> None:
        """Keep the map (row, column) of a slice on the layer's grid, and where it lies."""
        if self._maps is None:
            self._maps = np.zeros((len(self.filled), *raw.shape), dtype=np.float16)
        self._maps[index] = raw
        (row, column), (next_row, next_column) = view.to_input(0, 0), view.to_input(1, 1)
        height, width = view.rule.size
        self._places[index] = (
            (row + 0.5) / height,
            (next_row - row) / height,
            (column + 0.5) / width,
            (next_column - column) / width,
        )
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
            line = _sampled(self._maps, self._places, np.array([row]), np.arange(columns), smooth)
            other, flip = reading.axes[2], reading.flip_columns
        else:
            column = columns - 1 - index if reading.flip_columns else index
            line = _sampled(
                self._maps.swapaxes(1, 2),
                self._places[:, [2, 3, 0, 1]],
                np.array([column]),
                np.arange(rows),
                smooth,
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
                    self._places[index],
                    rows[here],
                    columns[here],
                    smooth,
                )
        return values


def _cells(
    share: NDArray, size: int, smooth: bool
) -> tuple[NDArray, NDArray, NDArray[np.float32], NDArray[np.bool_]]:
    """(lower cell, upper cell, share of the upper one, inside) of shares of the input's extent."""
    inside = (share >= 0) & (share < 1)
    if not smooth:
        cell = np.clip((share * size).astype(np.int64), 0, size - 1)
        return cell, cell, np.zeros(share.shape, np.float32), inside
    place = np.clip(share * size - 0.5, 0, size - 1)
    low = np.minimum(place.astype(np.int64), max(size - 2, 0))
    return low, np.minimum(low + 1, size - 1), np.asarray(place - low, dtype=np.float32), inside


def _sampled(
    maps: NDArray[np.float16], places: NDArray, at: NDArray, along: NDArray, smooth: bool
) -> Picture:
    """One line of every map: at position `at` of its first axis, at positions `along` its second; (slice, along)."""
    first = places[:, 0] + places[:, 1] * at[0]
    low, high, share, inside = _cells(first, maps.shape[1], smooth)
    number = np.arange(len(maps))
    weight = share[:, None]
    lines = (
        maps[number, low].astype(np.float32) * (1 - weight) + maps[number, high].astype(np.float32) * weight
    )
    lines[~inside] = 0
    same = bool((places[:, 2:] == places[0, 2:]).all())
    starts = places[:1] if same else places
    low, high, share, inside = _cells(starts[:, 2:3] + starts[:, 3:4] * along, maps.shape[2], smooth)
    if same:
        drawn = lines[:, low[0]] * (1 - share) + lines[:, high[0]] * share
    else:
        drawn = np.take_along_axis(lines, low, 1) * (1 - share) + np.take_along_axis(lines, high, 1) * share
    return np.asarray(drawn * inside, dtype=np.float32)


def _points(map_: Picture, place: NDArray, rows: NDArray, columns: NDArray, smooth: bool) -> Picture:
    """One map at scattered places of its picture."""
    r0, r1, r, row_inside = _cells(place[0] + place[1] * rows, map_.shape[0], smooth)
    c0, c1, c, column_inside = _cells(place[2] + place[3] * columns, map_.shape[1], smooth)
    upper = map_[r0, c0] * (1 - c) + map_[r0, c1] * c
    lower = map_[r1, c0] * (1 - c) + map_[r1, c1] * c
    return np.asarray((upper * (1 - r) + lower * r) * (row_inside & column_inside), dtype=np.float32)
