"""Judging the shown map beside the window: the boxes of every threshold, and its focus."""

from __future__ import annotations

from typing import cast

from viewer.evaluation.boxes import BoxRule, Rule
from viewer.foundation.errors import Cancelled
from viewer.foundation.job_runner import JobRunner
from viewer.foundation.log import logger
from viewer.state.judged_map import JudgedMap, JudgeRequest, judge
from viewer.state.map_view import MapView
from viewer.state.rulers import picture_spacing
from viewer.state.session import Session


class Judging:
    """One map at a time; while one is judged only the newest that was looked at waits."""

    def __init__(self, session: Session, runner: JobRunner) -> None:
        self._session = session
        self._runner = runner
        self._wanted: JudgeRequest | None = None
        self._busy = False

    def look_at(self, found: MapView | None) -> None:
        """The map that is on screen now; None for none. A map that is known already costs nothing.

        Nothing is done while the tab that shows it is not open.
        """
        session = self._session
        if session.tab != "boxes":
            return
        known = session.judged
        if found is None or session.case is None:
            self._wanted = None
            if known is not None:
                session.judged = None
            return
        rule = BoxRule(cast(Rule, session.boxes.rule), session.boxes.value)
        newest = self._wanted or known
        if newest is not None and newest.picture is found.picture and newest.rule == rule:
            return
        spacing = picture_spacing(session.case.image, session.case.plane)
        self._wanted = JudgeRequest(found.picture, found.raw, found.inside, spacing, rule)
        if not self._busy:
            self._submit(self._wanted)

    def _submit(self, request: JudgeRequest) -> None:
        self._busy = True

        def done(found: JudgedMap) -> None:
            self._busy = False
            if self._wanted is request:
                self._wanted = None
                self._session.judged = found
            elif self._wanted is not None:
                self._submit(self._wanted)

        def failed(error: Exception) -> None:
            self._busy = False
            self._wanted = None
            if not isinstance(error, Cancelled):
                logger.warning("map not judged: %s", type(error).__name__)

        self._runner.submit("read", lambda progress: judge(request, progress), done=done, failed=failed)
