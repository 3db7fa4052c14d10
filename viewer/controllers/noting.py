"""Words that a reader writes about the open case."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from viewer.controllers.recording import Recording
from viewer.state.session import Session

_PAUSE = 1.0
"""Seconds without typing after which the next letter is a step of its own."""


class Noting:
    """The verb for notes. A burst of typing is one step to be undone.

    Parameters
    ----------
    clock : seconds that only grow.
    """

    def __init__(
        self, session: Session, recording: Recording, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._session = session
        self._recording = recording
        self._clock = clock
        self._burst = 0
        self._typed = -math.inf
        self._left = ""

    def write(self, text: str) -> None:
        """The notes as they stand now; nothing is kept without a case."""
        notes = self._session.notes
        if self._session.case is None or text == notes.text:
            return
        now = self._clock()
        if now - self._typed > _PAUSE or notes.text != self._left:
            self._burst = self._recording.fresh()
        self._typed, self._left = now, text
        with self._recording.step("write notes", gesture=self._burst):
            notes.text = text
