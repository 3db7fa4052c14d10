"""Boxes that the user draws on the shown slice."""

from __future__ import annotations

from dataclasses import replace

from viewer.controllers.recording import Recording
from viewer.evaluation.regions import Region
from viewer.state.session import Session

YOU = "you"
_LEAST = 1.0
"""Side below which a drag is taken for a click, pixels."""


class Boxing:
    """Verbs for drawn boxes. Coordinates are pixel edges of the picture, half-open."""

    def __init__(self, session: Session, recording: Recording | None = None) -> None:
        self._session = session
        self._recording = recording or Recording(session)

    def draw_mode(self, on: bool) -> None:
        """The next left drag draws a box."""
        self._session.view.drawing = on
        if on:
            self._session.rulers.drawing = self._session.view.erasing = False

    def leave(self) -> None:
        """Draw no box and select none."""
        self._session.view.drawing = False
        self._session.boxes.selected = None

    def add(self, row_min: float, column_min: float, row_max: float, column_max: float) -> int | None:
        """Add a box on the shown slice, select it and return its identity; None for a mere click."""
        session = self._session
        placed = self._placed(row_min, column_min, row_max, column_max)
        session.view.drawing = False
        if placed is None:
            return None
        drawn = session.boxes.drawn
        identity = max(drawn, default=0) + 1
        with self._recording.step("draw box"):
            session.boxes.drawn = {**drawn, identity: replace(placed, label=f"box {identity}")}
        session.boxes.selected = identity
        session.rulers.selected = None
        return identity

    def move(
        self, identity: int, row_min: float, column_min: float, row_max: float, column_max: float
    ) -> None:
        """Give a box new edges; its slice, name and reader stay."""
        drawn = self._session.boxes.drawn
        placed = self._placed(row_min, column_min, row_max, column_max)
        if identity in drawn and placed is not None:
            old = drawn[identity]
            new = replace(placed, label=old.label, reader=old.reader, slice=old.slice)
            with self._recording.step("move box"):
                self._session.boxes.drawn = {**drawn, identity: new}

    def rename(self, identity: int, name: str) -> None:
        drawn = self._session.boxes.drawn
        if identity in drawn and name.strip():
            with self._recording.step("rename box"):
                self._session.boxes.drawn = {**drawn, identity: replace(drawn[identity], label=name.strip())}

    def delete(self, identity: int | None = None) -> None:
        """Delete a box, the selected one by default."""
        identity = self._session.boxes.selected if identity is None else identity
        boxes = self._session.boxes
        if identity in boxes.drawn:
            with self._recording.step("delete box"):
                boxes.drawn = {k: v for k, v in boxes.drawn.items() if k != identity}
            if boxes.selected == identity:
                boxes.selected = None

    def select(self, identity: int | None) -> None:
        """Select a box and go to its slice."""
        if identity is not None and identity not in self._session.boxes.drawn:
            identity = None
        self._session.boxes.selected = identity
        if identity is not None:  # one thing is selected at a time, so that *Delete* means one thing
            self._session.rulers.selected = None
        if identity is not None and (index := self._session.boxes.drawn[identity].slice) is not None:
            self._session.view.slice = index

    def set_rule(self, rule: str, value: float) -> None:
        """How boxes are made from the map: ``top-percent`` or ``fraction-of-max`` (0..1)."""
        self._session.boxes.rule = rule
        self._session.boxes.value = float(value)

    def _placed(self, row_min: float, column_min: float, row_max: float, column_max: float) -> Region | None:
        """The box, right way round and inside the picture; None when nothing is left of it."""
        case = self._session.case
        if case is None:
            return None
        rows, columns = case.plane.picture_shape(case.image.geometry.shape)
        top, bottom = sorted((min(max(row_min, 0.0), rows), min(max(row_max, 0.0), rows)))
        left, right = sorted((min(max(column_min, 0.0), columns), min(max(column_max, 0.0), columns)))
        if bottom - top < _LEAST or right - left < _LEAST:
            return None
        return Region(top, left, bottom, right, reader=YOU, slice=self._session.view.slice)
