"""The cases that were open lately: a short list that the user may clear, or want not to be kept at all."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from viewer.controllers.opening import Opening
from viewer.controllers.referring import reference_of
from viewer.foundation import paths
from viewer.foundation.errors import Cancelled, ExportError, UsageError
from viewer.foundation.job_runner import JobRunner
from viewer.foundation.whole_file import write_whole
from viewer.state.reference import Reference
from viewer.state.session import Notice, Session

LONGEST = 8
"""Cases that are kept; each has an action of its own."""


def _now() -> str:
    return datetime.now().astimezone().strftime("%d %b %H:%M").lstrip("0")


class Recents:
    """Verbs for the list. Nothing is read or written before `begin`, so scripts, tests and pictures leave it alone."""

    def __init__(
        self, session: Session, runner: JobRunner, opening: Opening, now: Callable[[], str] = _now
    ) -> None:
        self._session = session
        self._runner = runner
        self._opening = opening
        self._now = now
        self._path: Path | None = None

    def begin(self, path: Path | None = None) -> None:
        """Read the list, and keep it from now on.

        Parameters
        ----------
        path : of the file, in the user's folder by default.
        """
        self._path = path or paths.user_data() / "recent.json"
        self._session.recent = _read(self._path) if self._session.settings.recent else ()
        self._session.events.case.connect(self._case_changed)

    def open(self, number: int) -> None:
        """Open a case of the list, counted from 0.

        Raises
        ------
        UsageError
            When there is none of that number.
        """
        if not 0 <= number < len(self._session.recent):
            raise UsageError("There is no such recent case.", code="no-such-case")
        wanted = self._session.recent[number]
        self._opening.open(wanted.path, series=wanted.series)

    def clear(self) -> None:
        """Forget all of them, on disk too."""
        self._session.recent = ()
        if self._path is not None:
            path = self._path
            self._runner.submit("read", lambda _: _remove(path), done=lambda _: None, failed=self._failed)

    def follow_setting(self, wanted: bool) -> None:
        """The user wants a list, or none."""
        if not wanted:
            self.clear()

    def _case_changed(self, *_: object) -> None:
        session = self._session
        found = reference_of(session, self._now())
        if found is None or not session.settings.recent or self._path is None or session.lesson is not None:
            return
        others = tuple(each for each in session.recent if not each.same_place(found))
        if session.recent and session.recent[0].same_place(found):
            return  # the same case with other truth, on another grid, of another volume
        session.recent = (found, *others)[:LONGEST]
        path, document = self._path, [each.document() for each in session.recent]
        data = json.dumps({"version": 1, "cases": document}, indent=1).encode()
        self._runner.submit("read", lambda _: _write(path, data), done=lambda _: None, failed=self._failed)

    def _failed(self, error: Exception) -> None:
        if not isinstance(error, Cancelled):
            self._session.notice = Notice("The list of recent cases could not be kept.", severity="warning")


def _read(path: Path) -> tuple[Reference, ...]:
    """What is good of the file; a damaged one is an empty list."""
    try:
        cases = json.loads(path.read_text(encoding="utf-8"))["cases"]
    except (OSError, ValueError, KeyError, TypeError):
        return ()
    found: list[Reference] = []
    for each in cases if isinstance(cases, list) else ():
        with contextlib.suppress(ValueError):
            found.append(Reference.of(each))
    return tuple(found[:LONGEST])


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportError("The user's folder cannot be written to.", code="not-written") from error
    write_whole(path, data, private=True)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
