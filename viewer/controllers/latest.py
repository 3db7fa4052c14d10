"""One request at a time on the reading lane: the latest wins, its progress is shown, its failure becomes a notice."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from viewer.foundation.errors import Cancelled
from viewer.foundation.job_runner import JobHandle, JobRunner, Lane
from viewer.foundation.log import logger
from viewer.foundation.progress import Progress
from viewer.state.session import Notice, Session, Work

T = TypeVar("T")


def _nothing() -> None:
    """Nobody wants to be told."""


class LatestRead:
    """Reading for one purpose; a new request takes the place of the one that is under way.

    Parameters
    ----------
    purpose : name that it has among all that is read.
    lane : where it is done.
    ended : told when a request ends without a result: it failed, or was cancelled.
    """

    def __init__(
        self,
        session: Session,
        runner: JobRunner,
        ended: Callable[[], None] = _nothing,
        *,
        purpose: str = "reading",
        lane: Lane = "read",
    ) -> None:
        self._session = session
        self._purpose = purpose
        self._lane: Lane = lane
        self._runner = runner
        self._ended = ended
        self._request = 0
        self._running: JobHandle | None = None
        self.busy = False

    def run(
        self,
        name: str,
        work: Callable[[Progress], T],
        done: Callable[[T], None],
        *,
        between: Callable[[], None] = _nothing,
    ) -> None:
        """Submit a request.

        Parameters
        ----------
        name : what goes on, in words, where the work does not say so itself.
        done : told with the result, in the thread of the window, unless another request has come.
        between : told in the same thread whenever the work reports.
        """
        self.give_up()
        self._request += 1
        request, session, started = self._request, self._session, time.monotonic()
        self._say(Work(name, started=started))
        self.busy = True

        def if_wanted(result: T) -> None:
            if request == self._request:
                self._over()
                done(result)

        def failed(error: Exception) -> None:
            if request != self._request:
                return
            self._over()
            if not isinstance(error, Cancelled):  # first: whoever is told of the end may want to know why
                logger.warning("not read: %s", getattr(error, "code", type(error).__name__))
                session.notice = Notice.of(error)
            self._ended()

        def progress(count: int, total: int, text: str) -> None:
            if request == self._request and self.busy:
                between()
                self._say(Work(text or name, count, total, started))

        self._running = self._runner.submit(
            self._lane, work, done=if_wanted, failed=failed, progress=progress
        )

    def give_up(self) -> None:
        """Stop what is under way because something else comes instead."""
        self._request += 1
        if self._running is not None:
            self._running.cancel()
            self._running = None
        if self.busy:
            self._over()

    def cancel(self) -> None:
        """Stop what is under way because the user wants so."""
        if self.busy:
            self.give_up()
            self._ended()

    def _over(self) -> None:
        self.busy = False
        self._session.work = None
        self._session.reads = {k: v for k, v in self._session.reads.items() if k != self._purpose}

    def _say(self, work: Work) -> None:
        self._session.work = work
        self._session.reads = {**self._session.reads, self._purpose: work}
