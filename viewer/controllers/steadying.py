"""How steady the answer on the shown slice is: dropout passes, and the map of the mirrored input."""

from __future__ import annotations

import time
from dataclasses import replace

from viewer.controllers.asking_on_demand import AskingOnDemand
from viewer.foundation.errors import Cancelled, UsageError, one_sentence
from viewer.foundation.job_runner import JobHandle, JobRunner
from viewer.foundation.progress import Progress
from viewer.state.map_view import places_shown
from viewer.state.series_reading import Steadiness
from viewer.state.session import Notice, Session, Work

PASSES = 30
"""Monte Carlo dropout passes."""

Measured = tuple[tuple[tuple[float, float], ...], float]


class Steadying:
    """The verb, and the job behind it. What is measured is kept with the reading of the slice."""

    def __init__(self, session: Session, runner: JobRunner, asking: AskingOnDemand) -> None:
        self._session = session
        self._runner = runner
        self._asking = asking
        self._running: JobHandle | None = None

    def measure(self) -> None:
        """Measure on the shown slice, for the chosen class, layer and explainer.

        Raises
        ------
        UsageError
            When there is no map on the slice yet.
        """
        session, reading = self._session, self._session.reading
        places = places_shown(session, reading, session.view.slice) if reading is not None else ()
        if reading is None or not places:
            raise UsageError("There is no map on this slice yet.", code="no-map")
        if session.probing:
            return
        place, request, started = places[0], self._asking.talks.request(places[0]), time.monotonic()
        name = "how steady is this?"
        session.probing = name
        session.work = Work(name, started=started)

        def work(progress: Progress) -> Measured:
            from viewer.controllers import engine

            return engine.steadiness(request, PASSES, progress)

        def over() -> None:
            session.probing = ""
            if session.work is not None and session.work.name == name:
                session.work = None

        def done(found: Measured) -> None:
            over()
            intervals, mirrored = found
            known = reading.steady.get(place.slice, Steadiness(0))
            reading.steady[place.slice] = replace(
                known,
                passes=PASSES if intervals else 0,
                intervals=intervals,
                mirrored={**known.mirrored, place: mirrored},
            )
            session.revision += 1

        def failed(error: Exception) -> None:
            over()
            if not isinstance(error, Cancelled):
                session.notice = Notice(one_sentence(error), getattr(error, "action", ""))

        def progress(count: int, total: int, _: str) -> None:
            if session.probing:
                session.work = Work(name, count, total, started)

        self._running = self._runner.submit("compute", work, done=done, failed=failed, progress=progress)

    def cancel(self) -> None:
        """Measure no more; what was not finished is not shown."""
        if self._running is not None:
            self._running.cancel()
