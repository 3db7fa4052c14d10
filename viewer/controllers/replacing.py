"""Replacing the pixels that the shown map calls important, and asking the network again."""

from __future__ import annotations

import time

from viewer.controllers.asking_on_demand import AskingOnDemand
from viewer.evaluation.importance_result import FRACTIONS, Plan
from viewer.evaluation.replacement import check_transform
from viewer.foundation.errors import Cancelled, UsageError
from viewer.foundation.job_runner import JobHandle, JobRunner
from viewer.foundation.progress import Progress
from viewer.state.map_view import signed_map
from viewer.state.replacing import place_to_measure
from viewer.state.series_reading import Place, SeriesReading, Weighed
from viewer.state.session import Notice, Session, Work

PLAN = Plan(steps=10)
_KEPT = 8
"""Measurements that a reading keeps: each has twenty small pictures."""
_NAME = "pixel importance"


class ReplacingVerbs:
    """The verbs, and the job behind them. What is measured is kept with the reading of the slice."""

    def __init__(self, session: Session, runner: JobRunner, asking: AskingOnDemand) -> None:
        self._session = session
        self._runner = runner
        self._asking = asking
        self._running: JobHandle | None = None
        session.events.reading.connect(self.cancel)

    def set_transform(self, name: str) -> None:
        """What replaces the pixels: one of `TRANSFORMS`.

        Raises
        ------
        UsageError
            When it does not exist, or is none that is measured.
        """
        check_transform(name)
        if name not in PLAN.transforms:
            raise UsageError(f"The transform '{name}' is not measured here.", code="transform")
        self._session.replacing.transform = name

    def set_fraction(self, percent: float) -> None:
        """How many of the pixels the picture shows replaced: one of `FRACTIONS`."""
        if percent not in FRACTIONS:
            raise UsageError(f"{percent:g}% is none of the fractions that are measured.", code="fraction")
        self._session.replacing.fraction = float(percent)

    def measure(self) -> None:
        """Measure the shown map, with every transform and fraction.

        Raises
        ------
        UsageError
            When there is no map of one class on the slice.
        """
        session, reading = self._session, self._session.reading
        if session.replacing.running:
            return
        place = place_to_measure(session)
        if reading is None or place is None:
            raise UsageError("There is no finished map of one class on this slice yet.", code="no-map")
        signed = signed_map(session, reading, session.view.slice, session.choice.layer)
        assert signed is not None
        request, started = self._asking.talks.request(place), time.monotonic()
        session.replacing.running = True
        session.work = Work(_NAME, 0, PLAN.passes, started)

        def work(progress: Progress) -> Weighed:
            from viewer.controllers import engine

            return engine.weigh(request, place.layer, signed, PLAN, progress)

        def done(found: Weighed) -> None:
            self._over()
            _keep(reading, place, found)
            session.revision += 1

        def failed(error: Exception) -> None:
            self._over()
            if not isinstance(error, Cancelled):
                session.notice = Notice.of(error)

        def progress(count: int, total: int, _: str) -> None:
            if session.replacing.running:
                session.work = Work(_NAME, count, total, started)

        handle = self._runner.submit("compute", work, done=done, failed=failed, progress=progress)
        if session.replacing.running:  # it may be over already
            self._running = handle

    def _over(self) -> None:
        self._running = None
        self._session.replacing.running = False
        work = self._session.work
        if work is not None and work.name == _NAME:
            self._session.work = None

    def cancel(self, *_: object) -> None:
        """Measure no more; what was not finished is not shown."""
        if self._running is not None:
            self._running.cancel()


def _keep(reading: SeriesReading, place: Place, found: Weighed) -> None:
    reading.weighed.pop(place, None)
    reading.weighed[place] = found
    while len(reading.weighed) > _KEPT:
        del reading.weighed[next(iter(reading.weighed))]
