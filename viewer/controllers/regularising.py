"""The grid of the open case: made even where it is tilted, gapped or uneven, given a size where its file has none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from viewer.controllers.explaining import Explaining
from viewer.controllers.latest import LatestRead
from viewer.controllers.looking import first_slice
from viewer.controllers.recording import Recording
from viewer.foundation.errors import UsageError
from viewer.foundation.job_runner import JobRunner
from viewer.foundation.progress import Progress
from viewer.imaging.resampling import regular
from viewer.imaging.spacing_by_hand import Spacing, with_spacing
from viewer.state.beside import linked_place
from viewer.state.case import Case
from viewer.state.grid_question import uneven
from viewer.state.history import History
from viewer.state.rulers import Rulers
from viewer.state.session import Boxes, Resampled, Session

_Stand = tuple[int, tuple[float, float] | None]
"""Slice and crosshair."""


@dataclass(frozen=True, eq=False)
class _Left:
    """What waits for the original to come back.

    Attributes
    ----------
    boxes, rulers : drawn on its grid.
    before, after : where the user stood when it went, and where that put him on the even grid.
    """

    boxes: Boxes
    rulers: Rulers
    before: _Stand
    after: _Stand


class Regularising:
    """Verbs for the grid of the open case."""

    def __init__(
        self, session: Session, runner: JobRunner, explaining: Explaining, recording: Recording
    ) -> None:
        self._session = session
        self._recording = recording
        self._explaining = explaining
        self._read = LatestRead(session, runner, purpose="grid")
        self._left: _Left | None = None

    def resample(self) -> None:
        """Show the open case on an even grid, to be looked at first."""
        before = self._recording.content()
        self.make_even(lambda: self._recording.add("resample", before))

    def make_even(self, then: Callable[[], None]) -> None:
        """The same, noted by nobody; `then` is called when the even grid is on screen."""
        session, case = self._session, self._session.case
        if case is None or session.resampled is not None or not uneven(session):
            return

        def work(progress: Progress) -> Case:
            return Case(regular(case.image, progress=progress), case.title, synthetic=case.synthetic)

        def done(even: Case) -> None:
            if session.case is case:
                before, boxes, rulers = self._stand(), session.boxes, session.rulers
                session.resampled = Resampled(case)
                self._put(even, Boxes(), Rulers(), self._same_place(case, even))
                self._left = _Left(boxes, rulers, before, self._stand())
                then()

        self._read.run("resampling", work, done)

    def keep(self) -> None:
        """Go on with the even grid; `undo` still brings the original back."""
        if self._session.resampled is not None:
            self._session.resampled = Resampled(self._session.resampled.original, kept=True)

    def undo(self) -> None:
        """Bring the original back."""
        with self._recording.step("undo resampling"):
            self.bring_back()

    def bring_back(self) -> None:
        """The same, noted by nobody."""
        session, resampled = self._session, self._session.resampled
        if resampled is None or session.case is None:
            return
        even, left, original = session.case, self._left, resampled.original
        session.resampled = self._left = None
        moved = left is None or self._stand() != left.after
        stand = self._same_place(even, original) if left is None or moved else left.before
        boxes, rulers = (left.boxes, left.rulers) if left is not None else (Boxes(), Rulers())
        self._put(original, boxes, rulers, stand)

    def use_as_it_is(self) -> None:
        """The user has read what is uneven and goes on all the same."""
        self._session.grid_as_it_is = True
        self._explaining.resume()  # a model that asked nothing else has its answer with it

    def set_spacing(self, spacing_mm: Spacing) -> None:
        """Go by these distances (slice, row, column) in place of the file's.

        Raises
        ------
        UsageError
            For impossible distances, and where the volume on screen is a resampled one.
        """
        session, case = self._session, self._session.case
        if case is None or not case.whole:
            return
        if session.resampled is not None:
            raise UsageError(
                "The volume was resampled with the spacing of its file.",
                code="resampled",
                action="Undo the resampling first.",
            )
        image = with_spacing(case.image, spacing_mm)
        changed = Case(image, case.title, case.truth, case.synthetic)
        if changed.plane == case.plane:
            self._put(changed, session.boxes, session.rulers, self._stand())
            return
        # Cut along another axis, the pictures are others, and so is what was said of them.
        changed = Case(image, case.title, synthetic=case.synthetic)
        session.history = History()
        self._put(changed, Boxes(), Rulers(), (first_slice(changed), None))

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
        # Three planes show a crosshair from the start: it must not jump.
        shown = cursor is not None or self._session.workspace == "volume"
        return slice_, (row, column) if shown else None

    def _put(self, case: Case, boxes: Boxes, rulers: Rulers, stand: _Stand) -> None:
        session = self._session
        session.reading = session.plain = None
        session.case = case
        session.view.slice, session.view.cursor = stand
        session.boxes, session.rulers = boxes, rulers
        self._explaining.voxels_changed()
