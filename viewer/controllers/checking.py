"""The trust checks of the map on screen: one job each on the compute lane, so that other work comes in between."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from viewer.controllers.asking_on_demand import AskingOnDemand
from viewer.evaluation.checks.declaration import CHECKS
from viewer.evaluation.checks.finding import Finding
from viewer.foundation.errors import Cancelled, UsageError
from viewer.foundation.job_runner import JobHandle, JobRunner
from viewer.foundation.progress import Progress
from viewer.state.checks_view import checked_place, known_findings, why_no_checks
from viewer.state.series_reading import CheckRun
from viewer.state.session import Notice, Session, Work

if TYPE_CHECKING:
    from viewer.controllers.engine import ExplainRequest
    from viewer.evaluation.checks.subject import Subject

_NAME = "checking the map"
_KEPT = 12
"""Maps of a reading whose findings are kept: each has some thirty small pictures."""


class Checking:
    """Verbs for the checks. What is found is kept with the reading, by the place of the map that it is about."""

    def __init__(self, session: Session, runner: JobRunner, asking: AskingOnDemand) -> None:
        self._session = session
        self._runner = runner
        self._asking = asking
        self._running: JobHandle | None = None
        self._generation = 0
        self._started = 0.0

    def run(self, names: Sequence[str] = ()) -> None:
        """Make the checks of the map on screen that are not made yet; another map's that are under way are stopped.

        Parameters
        ----------
        names : of checks; empty for all.

        Raises
        ------
        UsageError
            When there is no map that could be checked, or no check of such a name.
        """
        session = self._session
        for name in names:
            CHECKS.find(name)
        if why := why_no_checks(session):
            raise UsageError(why, code="no-map")
        reading, place = session.reading, checked_place(session)
        assert reading is not None
        assert place is not None
        known, run = known_findings(session), session.checking
        wanted = tuple(name for name in CHECKS if name not in known and (not names or name in names))
        if not wanted:
            return
        if run is not None:
            if run.reading is reading and run.place == place:
                return
            self.cancel()
        self._generation += 1
        self._started = time.monotonic()
        session.checking = CheckRun(reading, place, wanted)
        self._step(self._generation, session.checking, self._asking.talks.request(place), None)

    def cancel(self) -> None:
        """Check no more; what has been found stays."""
        self._generation += 1
        if self._running is not None:
            self._running.cancel()
            self._running = None
        self._over()

    def _step(self, generation: int, run: CheckRun, request: ExplainRequest, subject: Subject | None) -> None:
        session, name = self._session, run.names[run.done]
        session.work = self._work(run)

        def work(progress: Progress) -> tuple[Subject, Finding]:
            from viewer.controllers import engine

            ready = subject or engine.check_subject(request, progress)
            return ready, engine.check_one(ready, name, progress)

        def done(found: tuple[Subject, Finding]) -> None:
            ready, finding = found
            known = run.reading.checks.get(run.place, {})
            run.reading.checks.pop(run.place, None)  # the one that was checked last stands last
            run.reading.checks[run.place] = {**known, name: finding}
            while len(run.reading.checks) > _KEPT:
                del run.reading.checks[next(iter(run.reading.checks))]
            if generation != self._generation:
                return
            following = replace(run, done=run.done + 1)
            if following.done == len(run.names):
                self._running = None
                self._over()
                return
            session.checking = following
            self._step(generation, following, request, ready)

        def failed(error: Exception) -> None:
            if generation != self._generation:
                return
            self._running = None
            self._over()
            if not isinstance(error, Cancelled):
                session.notice = Notice.of(error)

        def progress(count: int, total: int, _: str) -> None:
            if generation == self._generation and session.checking is not None:
                share = count / total if total else 0.0
                session.work = self._work(run, share)

        self._running = self._runner.submit("compute", work, done=done, failed=failed, progress=progress)

    def _work(self, run: CheckRun, share: float = 0.0) -> Work:
        """How far the run is, each check weighing as many maps as it takes."""
        model = self._session.model
        dims = model.card.dims if model is not None else 2
        costs = [1 + 2 * CHECKS[name].cost(dims) for name in run.names]
        done = sum(costs[: run.done]) + share * costs[run.done]
        return Work(
            f"{_NAME}: {CHECKS[run.names[run.done]].title.lower()}", round(done), sum(costs), self._started
        )

    def _over(self) -> None:
        session = self._session
        session.checking = None
        if session.work is not None and session.work.name.startswith(_NAME):
            session.work = None
