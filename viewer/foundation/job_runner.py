"""The vocabulary of background work, without a GUI library.

A controller submits work with callbacks; the runner promises that the callbacks arrive in the thread that owns the
state, one at a time. `viewer.jobs` fulfils that promise with Qt, `InlineRunner` without any thread.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Literal, Protocol

from viewer.foundation.progress import Progress, ProgressToken

Lane = Literal["compute", "read", "cohort"]
"""``compute``: everything that touches a network, one at a time. ``read``: decoding and writing of files. ``cohort``:
waiting for the processes that evaluate a cohort, which have networks of their own."""


class JobHandle(Protocol):
    """What the submitter keeps: the one way to stop a job."""

    def cancel(self) -> None: ...


class JobRunner(Protocol):
    """Runs work off the GUI thread; jobs of one lane run in the order of their submission."""

    def submit(
        self,
        lane: Lane,
        work: Callable[[Progress], Any],
        *,
        done: Callable[[Any], None],
        failed: Callable[[Exception], None],
        progress: Callable[[int, int, str], None] | None = None,
    ) -> JobHandle:
        """Run ``work(progress)``; afterwards exactly one of `done` or `failed` is called, in the owner's thread.

        A cancelled job calls `failed` with `Cancelled`, also when it had not begun.
        """
        ...


class InlineRunner:
    """Runs every job at once in the caller's thread: for the command line, scripts and tests.

    A job submitted by a callback is run after the current one, so that chains of jobs do not recurse.
    """

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], None]] = deque()
        self._draining = False

    def submit(
        self,
        lane: Lane,
        work: Callable[[Progress], Any],
        *,
        done: Callable[[Any], None],
        failed: Callable[[Exception], None],
        progress: Callable[[int, int, str], None] | None = None,
    ) -> JobHandle:
        token = ProgressToken(progress)

        def run() -> None:
            try:
                token.report(0, 1)
                result = work(token)
            except Exception as error:  # noqa: BLE001 - whatever work raises goes to `failed`
                failed(error)
            else:
                done(result)

        self._waiting.append(run)
        if not self._draining:
            self._draining = True
            try:
                while self._waiting:
                    self._waiting.popleft()()
            finally:
                self._draining = False
                self._waiting.clear()
        return token
