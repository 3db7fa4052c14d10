"""Background work for the window: one thread per lane, callbacks in the GUI thread.

The threads are Python's own daemons rather than QThreads: a QThread that is destroyed while it runs aborts the process,
and a pass of a network cannot be interrupted. Deliveries wait in a deque and are announced by a signal without
arguments, so no Python object is converted by Qt on its way between threads.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, get_args

from PySide6.QtCore import QObject, Qt, Signal, Slot

from viewer.foundation.errors import Cancelled, WhySliceError
from viewer.foundation.job_runner import Lane
from viewer.foundation.log import logger
from viewer.foundation.progress import Progress, ProgressToken

PROGRESS_INTERVAL = 0.05
"""Least time between two reports of one job that reach the GUI thread, seconds."""


class Job:
    """One piece of work on its way through a lane; what the submitter keeps to cancel it."""

    def __init__(
        self,
        runner: QtRunner,
        work: Callable[[Progress], Any],
        done: Callable[[Any], None],
        failed: Callable[[Exception], None],
        progress: Callable[[int, int, str], None] | None,
    ) -> None:
        self._runner = runner
        self._work = work
        self._done = done
        self._failed = failed
        self._progress = progress
        self._token = ProgressToken(self._report if progress is not None else None)
        self._reported = 0.0

    def cancel(self) -> None:
        """Ask the work to stop; a job that has not begun never begins."""
        self._token.cancel()

    @property
    def cancelled(self) -> bool:
        return self._token.cancelled

    def run(self) -> None:
        """Do the work, in the thread of the lane."""
        result: Any = None
        error: Exception | None = None
        try:
            self._token.report(0, 0)
            result = self._work(self._token)
        except Exception as raised:  # noqa: BLE001 - whatever work raises goes to `failed`
            error = raised
            _log(raised)
        except BaseException as raised:  # noqa: BLE001 - foreign code may call sys.exit; the lane must not die of it
            error = RuntimeError(f"the work ended with {type(raised).__name__}")
            _log(error)
        self._work = _nothing  # what the work holds (an image) is freed with it
        self._runner.deliver(lambda: self._finish(result, error))

    def _finish(self, result: Any, error: Exception | None) -> None:
        if error is None and self.cancelled:
            error = Cancelled()
        if error is not None:
            self._failed(error)
        else:
            self._done(result)

    def _report(self, done: int, total: int, text: str) -> None:
        now = time.monotonic()
        if total and (now - self._reported >= PROGRESS_INTERVAL or done >= total):
            self._reported = now
            self._runner.deliver(lambda: self._tell(done, total, text), counts=False)

    def _tell(self, done: int, total: int, text: str) -> None:
        if self._progress is not None and not self.cancelled:
            self._progress(done, total, text)


def _nothing(_: Progress) -> None:
    """Stands in for work that has been done."""


def _log(error: Exception) -> None:
    """A defect leaves its kind and its place in the log, not its message, which may name a patient."""
    if isinstance(error, (WhySliceError, Cancelled)):
        return
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    where = f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}" if frame else "nowhere"
    logger.error("work failed: %s at %s", type(error).__name__, where)


class QtRunner(QObject):
    """Fulfils `viewer.foundation.job_runner.JobRunner`; lives in the GUI thread."""

    _delivered = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._deliveries: deque[tuple[Callable[[], None], bool]] = deque()
        self._open = 0
        self._closed = False
        self._lock = threading.Lock()
        self._waiting: dict[str, deque[Job | None]] = {lane: deque() for lane in get_args(Lane)}
        self._wake = {lane: threading.Semaphore(0) for lane in self._waiting}
        self._threads: dict[str, threading.Thread] = {}
        self._jobs: set[Job] = set()
        self._delivered.connect(self._deliver_one, Qt.ConnectionType.QueuedConnection)

    def submit(
        self,
        lane: Lane,
        work: Callable[[Progress], Any],
        *,
        done: Callable[[Any], None],
        failed: Callable[[Exception], None],
        progress: Callable[[int, int, str], None] | None = None,
    ) -> Job:
        """Run ``work(progress)`` on a lane; see `JobRunner.submit`."""
        job = Job(self, work, done, failed, progress)
        with self._lock:
            if self._closed:
                job.cancel()
                return job
            self._open += 1
            self._jobs.add(job)
            if lane not in self._threads:
                thread = threading.Thread(
                    target=self._work_off, args=(lane,), name=f"whyslice-{lane}", daemon=True
                )
                self._threads[lane] = thread
                thread.start()
            self._waiting[lane].append(job)
        self._wake[lane].release()
        return job

    @property
    def idle(self) -> bool:
        """Whether nothing runs, waits or has yet to be delivered."""
        return self._open == 0 and not self._deliveries

    def shutdown(self, timeout: float = 3.0) -> bool:
        """Cancel everything, call nobody back any more and wait for the threads.

        Parameters
        ----------
        timeout : seconds to wait altogether.

        Returns
        -------
        bool
            Whether every thread has ended. One that has not is in the middle of a step that cannot be interrupted;
            leave the process with ``os._exit`` then.
        """
        with self._lock:
            self._closed = True
            for job in self._jobs:
                job.cancel()
            self._jobs.clear()
            self._deliveries.clear()
            threads = dict(self._threads)
        for lane in threads:
            self._waiting[lane].append(None)
            self._wake[lane].release()
        end = time.monotonic() + timeout
        for thread in threads.values():
            thread.join(max(0.0, end - time.monotonic()))
        return not any(thread.is_alive() for thread in threads.values())

    def deliver(self, callback: Callable[[], None], *, counts: bool = True) -> None:
        """Call back in the GUI thread; `counts` when it ends a job. Called from the lanes."""
        with self._lock:
            if self._closed:
                return
            self._deliveries.append((callback, counts))
            # Inside the lock: after `shutdown` has set the flag no signal may be emitted on an object that may be gone.
            self._delivered.emit()

    def _work_off(self, lane: str) -> None:
        while True:
            self._wake[lane].acquire()
            job = self._waiting[lane].popleft()
            if job is None:
                return
            job.run()
            with self._lock:
                self._jobs.discard(job)
            del job

    @Slot()
    def _deliver_one(self) -> None:
        if not self._deliveries:
            return
        callback, counts = self._deliveries.popleft()
        try:
            callback()
        finally:
            # After the callback, which may submit the next job of a chain: `idle` must not flicker in between.
            if counts:
                with self._lock:
                    self._open -= 1
