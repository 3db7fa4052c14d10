"""Opening: from a path to a case. A failure leaves the open case as it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from viewer.controllers.truth import read_truth
from viewer.foundation import paths
from viewer.foundation.errors import Cancelled, ReadError, one_sentence
from viewer.foundation.job_runner import JobHandle, JobRunner
from viewer.foundation.log import anonymous, logger
from viewer.foundation.progress import Progress
from viewer.imaging.image import MedicalImage
from viewer.imaging.reading import Inspection, inspect_path, read_image
from viewer.imaging.windows import default_window
from viewer.state.case import Case, Truth
from viewer.state.session import Boxes, Notice, SeriesChoice, Session, Work


@dataclass(frozen=True, eq=False)
class Opened:
    """What the reading lane brings back: an image with its truth, or several series to choose from."""

    image: MedicalImage | None
    truth: Truth | None
    inspection: Inspection | None


def open_path(path: Path, series: str | None, truth: Path | None, progress: Progress) -> Opened:
    """Read an image; a folder of several series is only inspected.

    Raises
    ------
    ReadError
        The sentence names the file and the cause.
    """
    try:
        image = read_image(path, series, progress)
    except ReadError as error:
        if error.code != "several-series":
            raise
        return Opened(None, None, inspect_path(path, progress))
    return Opened(image, read_truth(truth, image) if truth else None, None)


class Opening:
    """Verbs that bring a case on screen.

    Parameters
    ----------
    case_opened : called after another case has been put into the session.
    """

    def __init__(self, session: Session, runner: JobRunner, case_opened: Callable[[], None]) -> None:
        self._session = session
        self._runner = runner
        self._case_opened = case_opened
        self._running: JobHandle | None = None
        self._request = 0
        self._reading = False

    def open(self, path: Path | str, *, series: str | None = None, truth: Path | str | None = None) -> None:
        """Open a file or folder; with several series the session's `chooser` is filled."""
        path, truth_path = Path(path), Path(truth) if truth else None
        logger.info("opening %s", anonymous(path))
        self._request += 1
        request, session = self._request, self._session
        if self._running is not None:
            self._running.cancel()
        # Here and not when the case is there: a notice that comes in between, of a model, must not be lost.
        session.chooser = session.notice = None
        session.work = Work("reading", started=time.monotonic())
        self._reading = True

        def done(opened: Opened) -> None:
            if request != self._request:
                return
            self._reading = False
            session.work = None
            if opened.image is None:
                assert opened.inspection is not None
                session.chooser = SeriesChoice(str(path), opened.inspection.series)
            else:
                self.show(opened.image, opened.truth)

        def failed(error: Exception) -> None:
            if request == self._request and not isinstance(error, Cancelled):
                self._reading = False
                session.work = None
                logger.warning("not opened: %s", getattr(error, "code", type(error).__name__))
                session.notice = Notice(one_sentence(error), getattr(error, "action", ""))

        def progress(done: int, total: int, text: str) -> None:
            if request == self._request and session.work is not None:
                session.work = Work(text or "reading", done, total, session.work.started)

        self._running = self._runner.submit(
            "read",
            lambda token: open_path(path, series, truth_path, token),
            done=done,
            failed=failed,
            progress=progress,
        )

    def cancel(self) -> None:
        """Stop reading; the open case stays as it is."""
        if self._running is not None and self._reading:
            self._request += 1
            self._running.cancel()
            self._reading = False
            self._session.work = None

    def open_demo(self) -> None:
        """Open the bundled synthetic patient with its truth."""
        folder = paths.resources() / "demo" / "stroke-demo"
        self.open(folder / "image.nii.gz", truth=folder / "truth.json")

    def show(self, image: MedicalImage, truth: Truth | None = None) -> None:
        """Put an image on screen as the open case."""
        session = self._session
        case = Case(image, _title(image), truth, synthetic=_is_demo(image))
        # The old reading goes first: nothing may be explained with the new image and the old maps.
        session.reading = session.plain = None
        session.case = case
        session.view.slice = first_slice(case)
        session.view.cursor = None
        session.view.window = default_window(image)
        session.boxes = Boxes()
        session.chooser = None
        self._case_opened()

    def load_truth(self, path: Path | str) -> None:
        """Add truth (a mask as NIfTI, or boxes as JSON) to the open case."""
        session, case = self._session, self._session.case
        if case is None:
            return

        def done(truth: Truth) -> None:
            if session.case is case:
                session.case = Case(case.image, case.title, truth, case.synthetic)

        def failed(error: Exception) -> None:
            if session.case is case and not isinstance(error, Cancelled):
                session.notice = Notice(one_sentence(error), getattr(error, "action", ""))

        self._runner.submit("read", lambda _: read_truth(Path(path), case.image), done=done, failed=failed)

    def dismiss_chooser(self) -> None:
        self._session.chooser = None


def first_slice(case: Case) -> int:
    """The slice that a case opens on: the middle of what truth calls positive, else of the series."""
    positive = np.flatnonzero(case.truth.positive_slices) if case.truth else np.empty(0, dtype=int)
    return int(positive[len(positive) // 2]) if len(positive) else case.slices // 2


def _title(image: MedicalImage) -> str:
    """Words for the case that hold nothing about the patient: what the image is, not whose."""
    if _is_demo(image):
        return "Synthetic stroke patient"
    words = [image.sequence or image.modality, f"b {image.b_value:g}" if image.b_value else ""]
    return " ".join(w for w in words if w) or "image"


def _is_demo(image: MedicalImage) -> bool:
    return (paths.resources() / "demo") in image.source.path.parents
