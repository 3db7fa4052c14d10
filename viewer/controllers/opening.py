"""Opening: from paths to a case. A failure leaves, or brings back, the case that is open.

A series is on screen as soon as one slice of it can be shown. Until the last one is there the case is a part, for
looking only: nothing is explained from it, and whoever cancels is back where he was before.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from viewer.controllers.explaining import Explaining
from viewer.controllers.latest import LatestRead
from viewer.controllers.looking import (
    Found,
    Ready,
    Wanted,
    first_slice,
    is_demo,
    load_case,
    look_at,
    title_of,
)
from viewer.controllers.peeking import Peeking
from viewer.controllers.truth import read_truth
from viewer.foundation import paths
from viewer.foundation.errors import Cancelled, UsageError
from viewer.foundation.job_runner import JobRunner
from viewer.foundation.log import anonymous, logger
from viewer.imaging.image import MedicalImage, Window
from viewer.imaging.spacing_by_hand import Spacing
from viewer.imaging.windows import default_window
from viewer.state.beside import Beside
from viewer.state.case import Case, Truth
from viewer.state.history import History
from viewer.state.opened import Opened, SeriesEntry
from viewer.state.rulers import Rulers
from viewer.state.session import Boxes, Notes, Notice, Resampled, Session
from viewer.state.veil import veil


def _nothing() -> None:
    """Nobody wants to be told."""


@dataclass(frozen=True, eq=False)
class _Before:
    """What was on screen before a part of another case came."""

    case: Case | None
    opened: Opened | None
    entry: SeriesEntry | None
    resampled: Resampled | None
    grid_as_it_is: bool
    beside: Beside | None
    boxes: Boxes
    rulers: Rulers
    notes: Notes
    history: History
    slice: int
    window: Window
    cursor: tuple[float, float] | None
    seen: bool


DEMO, DEMO_MODEL = "stroke-demo", "stroke-gap"
"""The case that the first start shows, and the bundled model that was made for it."""


class Opening:
    """Verbs that bring a case on screen.

    Parameters
    ----------
    explaining : told when another case is open, and when it must wait for the rest of one.
    peeking : small pictures wait while a case is being read.
    """

    def __init__(self, session: Session, runner: JobRunner, explaining: Explaining, peeking: Peeking) -> None:
        self._session = session
        self._runner = runner
        self._explaining = explaining
        self._peeking = peeking
        self._read = LatestRead(session, runner, self._ended, purpose="opening")
        self._before: _Before | None = None
        self._part_window: Window | None = None
        self._then = self._otherwise = _nothing
        self._part_slice = -1

    # --- verbs -------------------------------------------------------------------------------------------------------

    def open(
        self,
        *where: Path | str,
        series: str | None = None,
        truth: Path | str | None = None,
        volume: int | None = None,
        spacing_mm: Spacing | None = None,
        then: Callable[[], None] = _nothing,
        otherwise: Callable[[], None] = _nothing,
    ) -> None:
        """Open files or folders; with several series among them the session's `chooser` is filled.

        Parameters
        ----------
        truth, volume, spacing_mm : of the one series, where nobody has to choose; see `Contents.load`.
        then, otherwise : called when the case is open, or when nothing came of it.
        """
        wanted = Wanted(Path(truth) if truth else None, volume, spacing_mm)
        self.open_wanted([Path(path) for path in where], wanted, series, then, otherwise)

    def open_wanted(
        self,
        looked_at: Sequence[Path],
        wanted: Wanted,
        series: str | None = None,
        then: Callable[[], None] = _nothing,
        otherwise: Callable[[], None] = _nothing,
    ) -> None:
        """The same with all that can be wanted of the one series."""
        for path in looked_at:
            logger.info("opening %s", anonymous(path))
        self._begin()
        self._then, self._otherwise = then, otherwise
        self._read.run(
            "reading",
            lambda token: look_at(looked_at, series, token),
            lambda found: self._looked(found, wanted),
        )

    def choose(self, entry: SeriesEntry) -> None:
        """Open one of the series of the chooser, or another one of those that are open."""
        session = self._session
        opened = next(
            (one for one in (session.chooser, session.opened) if one is not None and entry in one.entries),
            None,
        )
        if opened is None or (entry is session.entry and session.chooser is None and not self._read.busy):
            return
        logger.info("opening series %d of %d", entry.number, len(opened.entries))
        self._begin()
        self._load(opened, entry, entry.info.id, Wanted())

    def open_entry(
        self,
        opened: Opened,
        entry: SeriesEntry,
        wanted: Wanted,
        then: Callable[[], None] = _nothing,
        otherwise: Callable[[], None] = _nothing,
    ) -> None:
        """Open a series of paths that have been looked at."""
        self._begin()
        self._then, self._otherwise = then, otherwise
        self._load(opened, entry, entry.info.id, wanted)

    def cancel(self) -> None:
        """Stop reading; the case that was open before stays, or comes back."""
        self._read.cancel()

    def open_demo(self) -> None:
        """Open the bundled synthetic patient with its truth."""
        folder = paths.resources() / "demo" / DEMO
        self.open(folder / "image.nii.gz", truth=folder / "truth.json")

    def show(self, image: MedicalImage, truth: Truth | None = None) -> None:
        """Put an image that was not read from a path on screen as the open case."""
        self._session.opened = self._session.entry = None
        self._show(Ready(Case(image, title_of(image), truth, is_demo(image)), default_window(image)))

    def load_truth(self, path: Path | str) -> None:
        """Add truth (a mask as NIfTI, or boxes as JSON) to the open case.

        Raises
        ------
        UsageError
            While a class votes on it.
        """
        session, case = self._session, self._session.case
        if case is None:
            return
        if veil(session):
            raise UsageError("The class is voting: reveal the answer first.", code="voting")

        def done(truth: Truth) -> None:
            if session.case is case:
                session.case = case.with_truth(truth)
                session.truth_path = Path(path)

        def failed(error: Exception) -> None:
            if session.case is case and not isinstance(error, Cancelled):
                session.notice = Notice.of(error)

        self._runner.submit("read", lambda _: read_truth(Path(path), case.image), done=done, failed=failed)

    def offer(self) -> None:
        """Show the series that are open, to choose another one."""
        if self._session.opened is not None:
            self._session.chooser = replace(self._session.opened, for_beside=False)
            self._peeking.look_at(self._session.chooser.entries)

    def dismiss_chooser(self) -> None:
        self._session.chooser = None

    def close(self) -> None:
        """Show no image any more.

        Raises
        ------
        UsageError
            In a lesson, which is about its case.
        """
        session = self._session
        if session.lesson is not None:
            raise UsageError("End the lesson first.", code="lesson")
        self._begin()
        session.reading = session.plain = session.resampled = None
        session.case = session.opened = session.entry = session.volume = session.truth_path = None
        session.grid_as_it_is = False
        session.view.cursor = None
        session.boxes, session.rulers = Boxes(), Rulers()
        session.notes, session.history = Notes(), History()
        self._explaining.case_changed()

    # --- looking and reading -----------------------------------------------------------------------------------------

    def _begin(self) -> None:
        """A new request: what was being read is given up, and a part of it leaves the screen."""
        self._read.give_up()
        self._restore()
        self._peeking.pause()
        self._missed()
        # Here and not when the case is there: a notice that comes in between, of a model, must not be lost.
        self._session.chooser = self._session.notice = None

    def _looked(self, found: Found, wanted: Wanted) -> None:
        if found.chosen is not None:
            self._load(found.opened, found.chosen, found.name, wanted)
            return
        self._session.chooser = found.opened
        self._peeking.look_at(found.opened.entries)

    def _load(self, opened: Opened, entry: SeriesEntry, name: str | None, wanted: Wanted) -> None:
        parts: deque[Ready] = deque()  # filled by the lane, emptied by the thread of the window

        def arrived() -> None:
            if parts:
                self._show_part(opened, entry, parts.popleft())
            elif self._before is not None:
                self._session.arrivals += 1

        def done(ready: Ready) -> None:
            self._session.opened, self._session.entry = opened, entry
            if ready.peeked is not None:
                self._peeking.know(entry, ready.peeked)
            if self._before is not None:
                self._complete(ready)
            else:
                self._show(ready)
            self._session.truth_path = wanted.truth
            self._peeking.look_at(opened.entries)
            then, self._then, self._otherwise = self._then, _nothing, _nothing
            then()

        self._read.run(
            "reading",
            lambda token: load_case(entry, name, wanted, token, parts.append),
            done,
            between=arrived,
        )

    def _ended(self) -> None:
        """Nothing came of what was being read."""
        self._restore()
        self._peeking.resume()
        self._missed()

    def _missed(self) -> None:
        """Whoever waited for a case need wait no more."""
        otherwise, self._then, self._otherwise = self._otherwise, _nothing, _nothing
        otherwise()

    # --- on screen ---------------------------------------------------------------------------------------------------

    def _show(self, ready: Ready) -> None:
        session = self._session
        # The old reading goes first: nothing may be explained with the new image and the old maps.
        session.reading = session.plain = None
        self._place(ready)
        session.chooser = None
        self._explaining.case_changed()

    def _place(self, ready: Ready) -> None:
        """A case with a view of its own."""
        session = self._session
        session.resampled, session.grid_as_it_is, session.volume = None, False, None
        session.case, session.truth_path = ready.case, None
        asked = ready.slice is not None and 0 <= ready.slice < ready.case.slices
        there = asked and ready.case.has(ready.slice or 0)
        session.view.slice = (ready.slice or 0) if there else first_slice(ready.case)
        session.view.cursor = None
        session.view.window = ready.window
        session.boxes, session.rulers = Boxes(), Rulers()
        session.notes, session.history = Notes(), History()

    def _show_part(self, opened: Opened, entry: SeriesEntry, ready: Ready) -> None:
        session = self._session
        if self._before is None:
            self._before = _Before(
                session.case,
                session.opened,
                session.entry,
                session.resampled,
                session.grid_as_it_is,
                session.beside,
                session.boxes,
                session.rulers,
                session.notes,
                session.history,
                session.view.slice,
                session.view.window,
                session.view.cursor,
                session.view.seen,
            )
        self._explaining.pause()
        session.view.seen = False
        session.opened, session.entry = opened, entry
        self._place(ready)
        self._part_window, self._part_slice = ready.window, session.view.slice
        session.arrivals += 1

    def _complete(self, ready: Ready) -> None:
        """The whole image takes the place of its part. What the user looks at stays as he looks at it."""
        session = self._session
        self._before = None
        session.case = ready.case
        if ready.slice is not None and session.view.slice == self._part_slice:  # it had not arrived yet
            session.view.slice = min(ready.slice, ready.case.slices - 1)
        if session.view.window is self._part_window:  # nobody has touched it: one image, one first window
            session.view.window = ready.window
        session.arrivals += 1
        self._explaining.case_changed()

    def _restore(self) -> None:
        """Bring back what was on screen before a part came."""
        before, session = self._before, self._session
        if before is None:
            return
        self._before = None
        session.opened, session.entry = before.opened, before.entry
        session.resampled, session.grid_as_it_is = before.resampled, before.grid_as_it_is
        session.case, session.boxes, session.rulers = before.case, before.boxes, before.rulers
        session.notes, session.history = before.notes, before.history
        view = session.view
        view.slice, view.window, view.cursor = before.slice, before.window, before.cursor
        view.seen = before.seen
        session.beside = before.beside
        self._explaining.resume()
