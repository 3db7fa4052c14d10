"""The chosen map of a volume as the other planes cut it: what `MapStack` is to maps of single slices."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.imaging.geometry import Geometry
from viewer.imaging.plane import ReadingPlane
from viewer.models.volume_cut import VolumeCut, values_at
from viewer.state.map_view import shown_map, signed_map
from viewer.state.series_reading import SeriesReading
from viewer.state.session import Session
from viewer.state.volume_reading import VolumeReading

Picture = NDArray[np.float32]


class VolumeStack:
    """One map of the whole volume.

    Attributes
    ----------
    version : grows whenever the map is another one.
    filled : (slice,) bool, all or none.
    """

    def __init__(self, slices: int) -> None:
        self.version = 0
        self.filled = np.zeros(slices, dtype=bool)
        self._map: Picture | None = None
        self._reading: VolumeReading | None = None
        self._made_of: tuple[Any, ...] = ()

    def follow(self, session: Session, reading: SeriesReading) -> None:
        """Take up the map as it is now; one that is made on demand gets better."""
        if not isinstance(reading, VolumeReading):
            return
        known = (session.choice.layer, session.revision)
        if self._map is not None and known == self._made_of:
            return
        signed = signed_map(session, reading, session.view.slice, session.choice.layer)
        if signed is not None:
            shown = shown_map(session, signed)
            if self._map is None or not np.array_equal(shown, self._map):
                self._map, self._reading = shown, reading
                self.version += 1
            self._made_of = known
            self.filled[:] = True

    def across(
        self, reading: ReadingPlane, geometry: Geometry, plane: ReadingPlane, index: int, *, smooth: bool
    ) -> Picture:
        """The map where a plane of the grid of the file cuts it, (row, column) of that plane's picture."""
        if self._map is None or self._reading is None or self._reading.view is None:
            return np.zeros(plane.picture_shape(geometry.shape), dtype=np.float32)
        cut = VolumeCut(self._reading.view, plane, index)
        return cut.back(self._map) if smooth else cut.cells(self._map)

    def at(self, voxels: NDArray[np.float64], *, smooth: bool) -> Picture:
        """The map at places (..., 3) (slice, row, column) on the grid of the file; zero where nothing was seen."""
        if self._map is None or self._reading is None or self._reading.view is None:
            return np.zeros(voxels.shape[:-1], dtype=np.float32)
        return values_at(self._reading.view, self._map, voxels, smooth=smooth)
