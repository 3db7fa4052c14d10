"""A second series beside the first: each one moved takes the other along, where their positions agree."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from viewer.controllers.latest import LatestRead
from viewer.controllers.looking import Found, Ready, Wanted, load_case, look_at
from viewer.controllers.peeking import Peeking
from viewer.foundation.job_runner import JobRunner
from viewer.foundation.log import anonymous, logger
from viewer.imaging.image import Window
from viewer.imaging.windows import default_window
from viewer.state.beside import Beside, link_of, linked_place
from viewer.state.opened import Opened, SeriesEntry
from viewer.state.session import Session

_LEAST_WIDTH = 1e-6
_READING = "reading the second series"


class BesideVerbs:
    """Verbs for the second series. It is for looking only: model, map and boxes belong to the first."""

    def __init__(self, session: Session, runner: JobRunner, peeking: Peeking) -> None:
        self._session = session
        self._peeking = peeking
        self._read = LatestRead(session, runner, peeking.resume, purpose="beside")
        self._confirmed_for: SeriesEntry | None = None
        self._opened: Opened | None = None
        self._moving = False  # this controller moves the first series: it must not be moved back
        session.events.case.connect(self._case_changed)
        session.view.events.slice.connect(self._first_moved)
        session.view.events.cursor.connect(self._first_moved)

    # --- which series ------------------------------------------------------------------------------------------------

    def open(self, *where: Path | str) -> None:
        """Show what is in a path beside the open case; with several series the session's `chooser` is filled."""
        paths = [Path(path) for path in where]
        for path in paths:
            logger.info("opening %s beside", anonymous(path))

        def done(found: Found) -> None:
            if found.chosen is not None:
                self._load(found.chosen, found.name)
            else:
                self._session.chooser = replace(found.opened, for_beside=True)
                self._peeking.look_at(found.opened.entries)

        self._begin()
        self._read.run(_READING, lambda progress: look_at(paths, None, progress), done)

    def choose(self, entry: SeriesEntry) -> None:
        """Show one of the series of the chooser, or of those that are open, beside the open case."""
        self._begin()
        self._load(entry, entry.info.id)

    def offer(self) -> None:
        """Let the user choose among the series that are open."""
        if self._session.opened is not None:
            self._session.chooser = replace(self._session.opened, for_beside=True)
            self._peeking.look_at(self._session.opened.entries)

    def close(self) -> None:
        """Show the first series alone."""
        self.cancel()
        self._session.beside = None

    def cancel(self) -> None:
        """Stop reading the second series; the one that is shown stays."""
        self._read.cancel()

    def confirm_link(self) -> None:
        """The user says that the positions of the two agree."""
        beside = self._session.beside
        if beside is not None and beside.link == "asked":
            self._confirmed_for = self._session.entry
            self._session.beside = replace(
                beside, link="confirmed", why="Linked by position, because you say that positions agree."
            )
            self._first_moved()

    # --- looking -----------------------------------------------------------------------------------------------------

    def select_slice(self, index: int) -> None:
        """Show a slice of the second series; the first one follows."""
        beside = self._session.beside
        if beside is not None:
            index = min(max(int(index), 0), beside.case.slices - 1)
            self._session.beside = replace(beside, slice=index, outside=False)
            self._second_moved()

    def step(self, slices: int) -> None:
        if self._session.beside is not None:
            self.select_slice(self._session.beside.slice + slices)

    def set_cursor(self, row: float, column: float) -> None:
        """Put the crosshair at a position of the second picture; that of the first follows."""
        beside = self._session.beside
        if beside is not None:
            self._session.beside = replace(beside, cursor=(float(row), float(column)), outside=False)
            self._second_moved()

    def set_window(self, centre: float, width: float, name: str = "") -> None:
        """Set the grey-level window of the second series, in the units of its voxels."""
        beside = self._session.beside
        if beside is not None:
            window = Window(float(centre), max(float(width), _LEAST_WIDTH), name)
            self._session.beside = replace(beside, window=window)

    def drag_window(self, wider: float, brighter: float) -> None:
        """Change its window by fractions of its width (mouse drag to the right, drag upwards)."""
        if self._session.beside is not None:
            window = self._session.beside.window
            width = window.width * (1 + wider) if wider > -1 else 0.0
            self.set_window(window.centre - brighter * window.width, width)

    def reset_window(self) -> None:
        beside = self._session.beside
        if beside is not None:
            self._session.beside = replace(beside, window=default_window(beside.case.image))

    # --- following each other ----------------------------------------------------------------------------------------

    def _first_moved(self, *_: object) -> None:
        session, beside = self._session, self._session.beside
        if self._moving or beside is None or session.case is None:
            return
        view = session.view
        found = linked_place(session.case, view.slice, view.cursor, beside.case, beside.link)
        if found is None:
            return
        (index, row, column), outside = found
        cursor = (row, column) if view.cursor is not None else None
        session.beside = replace(beside, slice=index, cursor=cursor, outside=outside)

    def _second_moved(self) -> None:
        session, beside = self._session, self._session.beside
        if beside is None or session.case is None:
            return
        found = linked_place(beside.case, beside.slice, beside.cursor, session.case, beside.link)
        if found is None:
            return
        (index, row, column), outside = found
        self._moving = True
        try:
            session.view.slice = index
            if beside.cursor is not None:
                session.view.cursor = (row, column)
        finally:
            self._moving = False
        if outside != beside.outside:
            session.beside = replace(beside, outside=outside)

    def _case_changed(self, *_: object) -> None:
        """Another series or volume beside it: what linked the two may be gone. With another opening it is over."""
        session, beside = self._session, self._session.beside
        if beside is None:
            return
        if session.case is None or session.opened is not self._opened:
            self.close()
            return
        link, why = link_of(session.case.image, beside.case.image)
        if link == "asked" and beside.link == "confirmed" and self._confirmed_for is session.entry:
            return  # another volume of the series that the user has spoken of
        session.beside = replace(beside, link=link, why=why)
        self._first_moved()

    # --- reading -----------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        self._read.give_up()
        self._peeking.pause()
        self._session.chooser = self._session.notice = None

    def _load(self, entry: SeriesEntry, name: str | None) -> None:
        def done(ready: Ready) -> None:
            session = self._session
            self._peeking.resume()
            if ready.peeked is not None:
                self._peeking.know(entry, ready.peeked)
            if session.case is not None:
                link, why = link_of(session.case.image, ready.case.image)
                self._opened = session.opened
                session.beside = Beside(ready.case, entry, link, why, ready.case.slices // 2, ready.window)
                self._first_moved()

        self._read.run(_READING, lambda progress: load_case(entry, name, Wanted(), progress), done)
