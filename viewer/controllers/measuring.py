"""Distances that the user measures on a picture."""

from __future__ import annotations

import math

from viewer.controllers.recording import Recording
from viewer.imaging.plane import ReadingPlane
from viewer.state.rulers import Ruler, Voxel
from viewer.state.session import Session

Point = tuple[float, float]
"""(row, column) on a picture; pixel centres are whole numbers."""
_LEAST = 1.0
"""Length below which a drag is taken for a click, pixels."""


class Measuring:
    """Verbs for lines. They lie on a picture and are kept on the grid of the image, so every plane finds them.

    Like boxes they come and go with their case: whoever puts another one on screen puts other lines there, and a case
    that comes back brings its own. Nothing is measured on a case of which only a part is there.
    """

    def __init__(self, session: Session, recording: Recording | None = None) -> None:
        self._session = session
        self._recording = recording or Recording(session)

    def draw_mode(self, on: bool) -> None:
        """The next left drag measures; no box is drawn meanwhile."""
        session = self._session
        session.rulers.drawing = on and session.case is not None and session.case.whole
        if on:
            session.view.drawing = session.view.erasing = False

    def leave(self) -> None:
        """Measure no more and select no line."""
        self._session.rulers.drawing = False
        self._session.rulers.selected = None

    def add(
        self, start: Point, end: Point, *, plane: ReadingPlane | None = None, index: int | None = None
    ) -> int | None:
        """Add a line, select it and return its identity; None for a mere click.

        Parameters
        ----------
        plane, index : the picture that it lies on; the shown slice of the reading plane by default.
        """
        session = self._session
        session.rulers.drawing = False
        placed = self._placed(start, end, plane, index)
        if placed is None:
            return None
        drawn = session.rulers.drawn
        identity = max(drawn, default=0) + 1
        with self._recording.step("measure a distance"):
            session.rulers.drawn = {**drawn, identity: placed}
        self.select(identity)
        return identity

    def move(
        self,
        identity: int,
        start: Point,
        end: Point,
        *,
        plane: ReadingPlane | None = None,
        index: int | None = None,
    ) -> None:
        """Give a line new ends on its picture."""
        drawn = self._session.rulers.drawn
        placed = self._placed(start, end, plane, index)
        if identity in drawn and placed is not None:
            with self._recording.step("move line"):
                self._session.rulers.drawn = {**drawn, identity: placed}

    def select(self, identity: int | None) -> None:
        """Select a line; a selected box is selected no more, so that *Delete* means one thing."""
        rulers = self._session.rulers
        rulers.selected = identity if identity in rulers.drawn else None
        if rulers.selected is not None:
            self._session.boxes.selected = None

    def delete(self, identity: int | None = None) -> None:
        """Delete a line, the selected one by default."""
        rulers = self._session.rulers
        identity = rulers.selected if identity is None else identity
        if identity in rulers.drawn:
            with self._recording.step("delete line"):
                rulers.drawn = {k: v for k, v in rulers.drawn.items() if k != identity}
            if rulers.selected == identity:
                rulers.selected = None

    def clear(self) -> None:
        """Delete all lines."""
        with self._recording.step("delete all lines"):
            self._session.rulers.drawn, self._session.rulers.selected = {}, None

    def _placed(
        self, start: Point, end: Point, plane: ReadingPlane | None, index: int | None
    ) -> Ruler | None:
        """The line, cut to the picture; None when it is too short to be one, or the image is only there in part."""
        case = self._session.case
        if case is None or not case.whole:
            return None
        plane = plane or case.plane
        index = self._session.view.slice if index is None else index
        geometry = case.image.geometry
        rows, columns = plane.picture_shape(geometry.shape)

        def voxel(point: Point) -> Voxel:
            row = min(max(point[0], -0.5), rows - 0.5)
            column = min(max(point[1], -0.5), columns - 0.5)
            slice_, row_, column_ = (float(value) for value in plane.voxel(geometry, index, row, column))
            return slice_, row_, column_

        first, last = voxel(start), voxel(end)
        return Ruler(first, last) if math.dist(first, last) >= _LEAST else None
