"""An explanation on demand under way: one step a job, so that it can be paused between any two and go on later."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from viewer.foundation.errors import Cancelled

if TYPE_CHECKING:
    from viewer.controllers.engine import ExplainReply, ExplainRequest

PATIENCE = 3.0
"""Seconds: a step that takes no longer is finished when the user stops, so that nothing of the explanation is lost; a
longer one is given up, and the explanation with it."""


class Talk:
    """The iterator of an explanation; lives on the compute lane, one step at a time.

    Attributes
    ----------
    seconds : time that its steps have taken.
    """

    def __init__(self, request: ExplainRequest) -> None:
        self.request = request
        self.seconds = 0.0
        self.ended = False
        self._first: tuple[int, float] | None = None
        self._last: tuple[int, float] = (0, 0.0)
        self._answers: Iterator[ExplainReply] | None = None
        self._stop = threading.Event()
        self._began = 0.0

    def step(self) -> ExplainReply | None:
        """The next answer, on the compute lane; None when there is none or the talk is to stop.

        Raises
        ------
        WhySliceError
            As `engine.explain_steps`.
        """
        if self._stop.is_set() or self.ended:
            return None
        from viewer.controllers import engine

        self._began = time.monotonic()
        try:
            if self._answers is None:
                self._answers = engine.explain_steps(self.request, self)
            found = next(self._answers, None)
        except BaseException:
            self.ended = True  # a generator that has raised has no more answers
            raise
        self.seconds += time.monotonic() - self._began
        self.ended = found is None
        if found is not None:
            self._last = (found.done, self.seconds)
            self._first = self._first or self._last
        return found

    @property
    def measured(self) -> bool:
        """Whether it is known how long a round takes by itself."""
        return self._first is not None and self._last[0] > self._first[0]

    def seconds_a_round(self) -> float | None:
        """Time of a round, without what an explainer does before its first rounds where it is `measured`."""
        if self._first is None:
            return None
        if not self.measured:
            return self._last[1] / max(self._last[0], 1)
        return (self._last[1] - self._first[1]) / (self._last[0] - self._first[0])

    def stop(self) -> None:
        """Take no other step; the one under way is finished, unless that takes long."""
        self._stop.set()

    def resume(self) -> None:
        self._stop.clear()

    def report(self, done: int, total: int, text: str = "") -> None:
        """What the explainer says between passes, see `Progress`. Without new rounds it was preparation."""
        if self._first is not None and done == self._last[0]:
            self._first = (done, self.seconds + time.monotonic() - self._began)
        if self._stop.is_set() and time.monotonic() - self._began > PATIENCE:
            raise Cancelled
