"""From a tilted, gapped or uneven series to an even grid: first to be looked at, then kept or given back."""

from __future__ import annotations

from dataclasses import dataclass

from viewer.controllers.explaining import Explaining
from viewer.controllers.latest import LatestRead
from viewer.foundation.job_runner import JobRunner
from viewer.foundation.progress import Progress
from viewer.imaging.resampling import regular
from viewer.state.beside import linked_place
from viewer.state.case import Case
from viewer.state.grid_question import uneven
from viewer.state.session import Boxes, Resampled, Session

_Stand = tuple[int, tuple[float, float] | None]
"""Slice and crosshair."""


@dataclass(frozen=True, eq=False)
class _Left:
    """What waits for the original to come back.

    Attributes
    ----------
    boxes : drawn on its grid.
    before, after : where the user stood when it went, and where that put him on the even grid.
    """

    boxes: Boxes
    before: _Stand
    after: _Stand


class Regularising:
    """Verbs for the grid of the open case."""

    def __init__(self, session: Session, runner: JobRunner, explaining: Explaining) -> None:
        self._session = session
        self._explaining = explaining
        self._read = LatestRead(session, runner)
        self._left: _Left | None = None

    def resample(self) -> None:
        """Show the open case on an even grid, to be looked at first."""
        session, case = self._session, self._session.case
        if case is None or session.resampled is not None or not uneven(session):
            return

        def work(progress: Progress) -> Case:
            return Case(regular(case.image, progress=progress), case.title, synthetic=case.synthetic)

        def done(even: Case) -> None:
            if session.case is case:
                before, boxes = self._stand(), session.boxes
                session.resampled = Resampled(case)
                self._put(even, Boxes(), self._same_place(case, even))
                self._left = _Left(boxes, before, self._stand())

        self._read.run("resampling", work, done)

    def keep(self) -> None:
        """Go on with the even grid; `undo` still brings the original back."""
        if self._session.resampled is not None:
            self._session.resampled = Resampled(self._session.resampled.original, kept=True)

    def undo(self) -> None:
        """Bring the original back."""
        session, resampled = self._session, self._session.resampled
        if resampled is None or session.case is None:
            return
        even, left, original = session.case, self._left, resampled.original
        session.resampled = self._left = None
        moved = left is None or self._stand() != left.after
        stand = self._same_place(even, original) if left is None or moved else left.before
        self._put(original, left.boxes if left is not None else Boxes(), stand)

    def use_as_it_is(self) -> None:
        """The user has read what is uneven and goes on all the same."""
        self._session.grid_as_it_is = True
        self._explaining.resume()

    def cancel(self) -> None:
        """Stop resampling."""
        self._read.cancel()

    def _stand(self) -> _Stand:
        return self._session.view.slice, self._session.view.cursor

    def _same_place(self, old: Case, new: Case) -> _Stand:
        """Where the shown place of the patient is on another grid."""
        index, cursor = self._stand()
        found = linked_place(old, index, cursor, new, "confirmed")
        assert found is not None
        (slice_, row, column), _ = found
        return slice_, (row, column) if cursor is not None else None

    def _put(self, case: Case, boxes: Boxes, stand: _Stand) -> None:
        session = self._session
        session.reading = session.plain = None
        session.case = case
        session.view.slice, session.view.cursor = stand
        session.boxes = boxes
        self._explaining.voxels_changed()
