"""Sessions that come back: kept while one works, in two generations, and brought back when the user says so.

The newer file is the session that runs, or the last one that ran; it is replaced whole, so a kill at any moment leaves
one that can be read. What it holds becomes the older file when another session is kept for the first time.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

from viewer.controllers.explaining import Explaining
from viewer.controllers.looking import Wanted
from viewer.controllers.opening import Opening
from viewer.controllers.referring import reference_of
from viewer.controllers.regularising import Regularising
from viewer.controllers.teaching import Teaching
from viewer.controllers.viewing import Viewing
from viewer.explainers.declaration import EXPLAINERS
from viewer.foundation import paths
from viewer.foundation.errors import Cancelled, ExportError, UsageError, WhySliceError
from viewer.foundation.job_runner import JobRunner
from viewer.foundation.log import logger
from viewer.foundation.whole_file import write_whole
from viewer.imaging.erasing import erased_pixels
from viewer.imaging.erasure import Erasure
from viewer.imaging.image import Window
from viewer.state.disputed import disputed_of
from viewer.state.kept_lesson import KeptLesson
from viewer.state.kept_session import KeptSession
from viewer.state.session import Notice, ScaleName, Session, Workspace
from viewer.state.veil import veil

FAILURES = 2
"""Starts in a row that ended while a session came back, after which none is offered."""
_CHOICE = ("explainer", "layer", "target", "score", "mirror", "crop")
_OVERLAY = ("visible", "opacity", "threshold", "colour_map", "scale", "true_grid")


def kept(session: Session) -> KeptSession | None:
    """The session as it would be kept; None where there is nothing to come back to."""
    case = reference_of(session)
    if case is None or session.case is None:
        return None
    image, view = session.case.image, session.view
    return KeptSession(
        case=case,
        truth=str(session.truth_path or ""),
        volume=image.volume if session.volumes else None,
        spacing_mm=image.spacing_by_hand,
        even=session.resampled is not None,
        model=session.model_id,
        choice={
            **{name: getattr(session.choice, name) for name in _CHOICE},
            "together": session.findings.together,
        },
        view={
            "slice": view.slice,
            "centre": view.window.centre,
            "width": view.window.width,
            "window": view.window.name,
            "convention": view.convention,
            "inverted": view.inverted,
        },
        overlay={name: getattr(session.overlay, name) for name in _OVERLAY},
        boxes=session.boxes.drawn,
        lines=session.rulers.drawn,
        notes=session.notes.text,
        workspace=session.workspace,
        erased=session.choice.erased,
        parameters=session.choice.parameters,
        lesson=KeptLesson.of_lesson(session.lesson),
        disputed=disputed_of(session),
    )


class Keeping:
    """Verbs for sessions. Nothing is read or written before `begin`, so scripts and pictures leave them alone."""

    def __init__(
        self,
        session: Session,
        runner: JobRunner,
        opening: Opening,
        explaining: Explaining,
        viewing: Viewing,
        grid: Regularising,
        teaching: Teaching,
    ) -> None:
        self._session = session
        self._runner = runner
        self._opening = opening
        self._explaining = explaining
        self._viewing = viewing
        self._grid = grid
        self._teaching = teaching
        self._folder: Path | None = None
        self._last: dict[str, Any] | None = None
        self._rotated = False
        self._coming_back = False
        self._failures = 0

    # --- keeping -----------------------------------------------------------------------------------------------------

    def begin(self, *, ask: bool = True, folder: Path | None = None) -> None:
        """Look at what is kept, and keep this session from now on.

        Parameters
        ----------
        ask : offer to bring the last session back, unless the program ended twice while one came back.
        folder : the user's by default.
        """
        session = self._session
        self._folder = folder or paths.user_data()
        if not session.settings.sessions:
            return
        found = [_read(self._folder / name) for name in ("session.json", "session.1.json")]
        session.kept = tuple(one for one in found if one is not None)
        self._failures = _count(self._folder / "starts.json")
        if not session.kept or not ask:
            return
        if self._failures >= FAILURES:
            logger.warning("the last session is not offered after %d failed starts", self._failures)
            session.notice = Notice(
                "The last session was left alone: the program ended twice while it came back.",
                "Case > Restore the last session tries again.",
                severity="warning",
            )
        else:
            session.restore_asked = True

    def keep(self, *, at_once: bool = False) -> None:
        """Write the session down if it has changed; the window calls this a moment after a change.

        Parameters
        ----------
        at_once : in this thread, because the program ends.
        """
        session, folder = self._session, self._folder
        if folder is None or not session.settings.sessions or self._coming_back:
            return
        found = kept(session)
        if found is None:
            return
        document = found.document()
        if document == self._last:
            return
        rotate, self._rotated, self._last = not self._rotated, True, document
        session.restore_asked = (
            False  # whoever goes on working has answered; the menu still has the last session
        )
        data = json.dumps(document, indent=1).encode()

        def failed(error: Exception) -> None:
            self._last = None
            if not isinstance(error, Cancelled):
                session.notice = Notice("The session could not be kept.", severity="warning")

        if at_once:
            try:
                _write(folder, data, rotate)
            except ExportError as error:
                failed(error)
        else:
            self._runner.submit(
                "read", lambda _: _write(folder, data, rotate), done=lambda _: None, failed=failed
            )

    def forget(self) -> None:
        """Forget every session, on disk too."""
        self._session.kept, self._session.restore_asked = (), False
        self._last = None
        if (folder := self._folder) is not None:
            self._runner.submit("read", lambda _: _remove(folder), done=lambda _: None, failed=lambda _: None)

    def follow_setting(self, wanted: bool) -> None:
        """The user wants sessions to be kept, or not."""
        if not wanted:
            self.forget()

    # --- bringing back -----------------------------------------------------------------------------------------------

    def dismiss(self) -> None:
        """Do not bring the last session back; it stays in the menu."""
        self._session.restore_asked = False

    def restore(self, number: int = 0) -> None:
        """Bring a session back.

        Parameters
        ----------
        number : 0 for the last one, 1 for the one before.

        Raises
        ------
        UsageError
            When there is none.
        """
        session = self._session
        session.restore_asked = False
        if number >= len(session.kept):
            raise UsageError("No such session is kept.", code="no-session")
        wanted = session.kept[number]
        self._coming_back = True
        # On disk before anything is opened: should the program end on the way, the next start knows.
        self._note_failures(self._failures + 1)
        if wanted.model:
            self._explaining.select_model(wanted.model, then=lambda: self._choose(wanted))
        reading = Wanted(volume=wanted.volume, spacing_mm=wanted.spacing_mm)
        if (lesson := wanted.lesson) is None:
            self._open(wanted)
        elif lesson.away:  # what was looked at instead comes back too, and the lesson waits again
            self._teaching.resume(lesson, reading, lambda _: self._open(wanted))
        else:
            self._teaching.resume(
                lesson, reading, lambda there: self._opened(wanted) if there else self._arrived()
            )

    def _open(self, wanted: KeptSession) -> None:
        self._opening.open(
            wanted.case.path,
            series=wanted.case.series,
            truth=wanted.truth or None,
            volume=wanted.volume,
            spacing_mm=wanted.spacing_mm,
            then=lambda: self._opened(wanted),
            otherwise=self._arrived,
        )

    def _opened(self, wanted: KeptSession) -> None:
        session = self._session
        assert session.case is not None
        if tuple(session.case.image.geometry.shape) != wanted.case.size:
            self._arrived()
            session.notice = Notice(
                "The image has changed since the session was kept; boxes, lines and notes of it are not brought back.",
                severity="warning",
            )
            return
        if wanted.even:
            self._grid.make_even(lambda: self._place(wanted))
        else:
            self._place(wanted)

    def _place(self, wanted: KeptSession) -> None:
        """What was drawn and written, and how it was looked at."""
        session, view = self._session, wanted.view
        self._grid.keep()
        session.boxes.drawn, session.rulers.drawn = dict(wanted.boxes), dict(wanted.lines)
        session.notes.text, session.notes.disputed = wanted.notes, wanted.disputed
        index, centre, width = view.get("slice"), view.get("centre"), view.get("width")
        if type(index) is int:
            self._viewing.select_slice(index)
        if isinstance(centre, (int, float)) and isinstance(width, (int, float)) and width > 0:
            session.view.window = Window(float(centre), float(width), str(view.get("window", "")))
        session.view.inverted = view.get("inverted") is True
        self._try(lambda: self._viewing.set_convention(str(view.get("convention", "radiological"))))
        known = [name for name in get_args(Workspace) if name == wanted.workspace]
        if not veil(session):  # a class that votes sees Reading alone
            self._viewing.set_workspace(known[0] if known else "reading")
        self._lay_over(wanted)
        self._choose(wanted)
        self._arrived()

    def _lay_over(self, wanted: KeptSession) -> None:
        overlay, found = self._session.overlay, wanted.overlay
        overlay.visible = found.get("visible") is not False
        overlay.true_grid = found.get("true_grid") is True
        for name, verb in (
            ("opacity", self._viewing.set_opacity),
            ("threshold", self._viewing.set_threshold),
        ):
            if isinstance(value := found.get(name), (int, float)):
                verb(float(value))
        self._try(lambda: self._viewing.set_colour_map(str(found.get("colour_map", overlay.colour_map))))
        for scale in get_args(ScaleName):
            if scale == found.get("scale"):
                self._viewing.set_scale(scale)

    def _choose(self, wanted: KeptSession) -> None:
        """What was explained, as far as the model that is loaded now has it."""
        session, found = self._session, wanted.choice
        if session.model is None or session.model_id != wanted.model or session.case is None:
            return  # whichever of the two comes last calls this
        explaining = self._explaining
        for known, values in wanted.parameters.items():
            if known in EXPLAINERS:
                self._try(lambda known=known, values=values: explaining.set_parameters(known, values))
        if (name := str(found.get("explainer", ""))) in EXPLAINERS:
            self._try(lambda: explaining.select_explainer(name))
        for key, verb in (
            ("layer", explaining.select_layer),
            ("target", explaining.select_target),
            ("score", explaining.select_score),
        ):
            if isinstance(value := found.get(key), str) and value:
                self._try(lambda verb=verb, value=value: verb(value))
        crop = next((rule for rule in explaining.crops() if rule == found.get("crop")), session.choice.crop)
        shape = session.case.plane.picture_shape(session.case.image.geometry.shape)
        erased = tuple(each for each in wanted.erased if _fits(each, shape, session.case.slices))
        session.findings.together = found.get("together") is True
        explaining.set_input(mirror=found.get("mirror") is True, crop=crop, erased=erased)

    @staticmethod
    def _try(verb: Any) -> None:
        """A choice that is no longer there is left as the program makes it."""
        try:
            verb()
        except WhySliceError:
            logger.info("a choice of the kept session is not there any more")

    def _arrived(self) -> None:
        """It is there, or could not be read, and the program lives."""
        self._coming_back = False
        self._note_failures(0)

    def _note_failures(self, count: int) -> None:
        self._failures = count
        if self._folder is None:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_whole(self._folder / "starts.json", json.dumps({"failed": count}).encode(), private=True)
        except (OSError, ExportError):
            logger.warning("the starts could not be counted")


def _fits(erasure: Erasure, shape: tuple[int, int], slices: int) -> bool:
    """Whether what was erased is part of the image as it is now."""
    try:
        erased_pixels(erasure, shape, slices)
    except UsageError:
        return False
    return True


def _read(path: Path) -> KeptSession | None:
    try:
        return KeptSession.of(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError):
        return None


def _count(path: Path) -> int:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["failed"]
    except (OSError, ValueError, KeyError, TypeError):
        return 0
    return found if type(found) is int and found >= 0 else 0


def _write(folder: Path, data: bytes, rotate: bool) -> None:
    newer, older = folder / "session.json", folder / "session.1.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if rotate and newer.exists():
            write_whole(older, newer.read_bytes(), private=True)
    except OSError as error:
        raise ExportError("The user's folder cannot be written to.", code="not-written") from error
    write_whole(newer, data, private=True)


def _remove(folder: Path) -> None:
    for name in ("session.json", "session.1.json", "starts.json"):
        (folder / name).unlink(missing_ok=True)
