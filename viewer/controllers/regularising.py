"""From a tilted, gapped or uneven series to an even grid: first to be looked at, then kept or given back."""

from __future__ import annotations

from viewer.controllers.explaining import Explaining
from viewer.controllers.latest import LatestRead
from viewer.foundation.job_runner import JobRunner
from viewer.foundation.progress import Progress
from viewer.imaging.resampling import regular
from viewer.state.beside import linked_place
from viewer.state.case import Case
from viewer.state.grid_question import uneven
from viewer.state.session import Boxes, Resampled, Session


class Regularising:
    """Verbs for the grid of the open case."""

    def __init__(self, session: Session, runner: JobRunner, explaining: Explaining) -> None:
        self._session = session
        self._explaining = explaining
        self._read = LatestRead(session, runner)
        self._boxes: Boxes | None = None
        """Boxes on the original; they wait for it to come back."""

    def resample(self) -> None:
        """Show the open case on an even grid, to be looked at first."""
        session, case = self._session, self._session.case
        if case is None or session.resampled is not None or not uneven(session):
            return

        def work(progress: Progress) -> Case:
            return Case(regular(case.image, progress=progress), case.title, synthetic=case.synthetic)

        def done(even: Case) -> None:
            if session.case is case:
                self._boxes = session.boxes
                session.resampled = Resampled(case)
                self._put(case, even, Boxes())

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
        even, session.resampled = session.case, None
        self._put(even, resampled.original, self._boxes or Boxes())
        self._boxes = None

    def use_as_it_is(self) -> None:
        """The user has read what is uneven and goes on all the same."""
        self._session.grid_as_it_is = True
        self._explaining.resume()

    def cancel(self) -> None:
        """Stop resampling."""
        self._read.cancel()

    def _put(self, old: Case, new: Case, boxes: Boxes) -> None:
        """Show the other grid at the same place of the patient."""
        session, view = self._session, self._session.view
        found = linked_place(old, view.slice, view.cursor, new, "confirmed")
        session.reading = session.plain = None
        session.case = new
        if found is not None:
            (index, row, column), _ = found
            view.slice = index
            if view.cursor is not None:
                view.cursor = (row, column)
        session.boxes = boxes
        self._explaining.voxels_changed()
