"""Moving through the three planes, and the even grid that is made for them where the image's own grid is not even."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from viewer.foundation.errors import Cancelled
from viewer.foundation.job_runner import JobHandle, JobRunner
from viewer.foundation.progress import Progress
from viewer.imaging.image import MedicalImage
from viewer.imaging.plane import ReadingPlane
from viewer.imaging.resampling import regular
from viewer.state.case import Case
from viewer.state.planes_view import is_bent, planes_image, shown_voxel, why_no_planes
from viewer.state.session import EvenPlace, Notice, Session


class Planes:
    """Verbs of the Volume workspace. The place is kept as the shown slice and its crosshair, as Reading has it."""

    def __init__(self, session: Session, runner: JobRunner) -> None:
        self._session = session
        self._runner = runner
        self._job: JobHandle | None = None
        self._made_of: Case | None = None
        session.events.case.connect(self._case_changed)
        session.events.workspace.connect(self._make_even)

    def point(self, plane: ReadingPlane, index: int, row: float, column: float) -> None:
        """Put the crosshair at a position of a picture of a plane."""
        image = planes_image(self._session)
        if image is not None:
            self._go(image, plane.voxel(image.geometry, index, float(row), float(column)))

    def scroll(self, plane: ReadingPlane, pictures: int) -> None:
        """Step through the pictures of a plane; the crosshair stays where it is on them."""
        image = planes_image(self._session)
        if image is not None:
            voxel = np.array(shown_voxel(self._session, image))
            voxel[plane.axes[0]] = round(float(voxel[plane.axes[0]])) + pictures
            self._go(image, voxel)

    def _go(self, image: MedicalImage, voxel: NDArray[np.float64]) -> None:
        """Stand at a voxel of the shown grid, kept inside it; its slice is the nearest one of the case."""
        session, case = self._session, self._session.case
        assert case is not None
        voxel = np.clip(voxel, 0, np.array(image.geometry.shape) - 1)
        own = voxel
        if image is not case.image:
            own = case.image.geometry.to_voxel(image.geometry.to_patient(voxel))
            own = np.clip(own, 0, np.array(case.image.geometry.shape) - 1)
        at, row, column = case.plane.place(case.image.geometry, own)
        index = round(at)
        if image is not case.image:
            z, y, x = (float(part) for part in voxel)
            session.view.even_place = EvenPlace((z, y, x), index, (row, column))
        session.view.cursor = (row, column)
        session.view.slice = index

    # --- the even grid -----------------------------------------------------------------------------------------------

    def _case_changed(self, case: Case | None) -> None:
        if self._made_of is not None and case is not None and case.image is self._made_of.image:
            self._made_of = case  # other truth on the same image
            return
        if self._job is not None:
            self._job.cancel()
        self._job = self._made_of = None
        self._session.even = self._session.view.even_place = None
        self._make_even()

    def _make_even(self, *_: object) -> None:
        """Resample behind the window when the planes are wanted and the slices are uneven or tilted."""
        session, case = self._session, self._session.case
        if session.workspace != "volume" or case is None or self._made_of is not None:
            return
        if not case.whole or why_no_planes(case) or not is_bent(case):
            return
        self._made_of, image = case, case.image

        def work(progress: Progress) -> MedicalImage:
            return regular(image, progress=progress)

        def done(even: MedicalImage) -> None:
            if self._made_of is not None and self._made_of.image is image:
                session.even = even

        def failed(error: Exception) -> None:
            if (
                self._made_of is not None
                and self._made_of.image is image
                and not isinstance(error, Cancelled)
            ):
                session.notice = Notice.of(error)
                session.workspace = "reading"
                self._made_of = None

        self._job = self._runner.submit("read", work, done=done, failed=failed)
