"""How long work says where it is, and learns that it should stop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from viewer.foundation.errors import Cancelled


class Progress(Protocol):
    """What long work is given. `report` is called between steps and may raise `Cancelled`."""

    def report(self, done: int, total: int, text: str = "") -> None: ...


class ProgressToken:
    """A `Progress` that can be cancelled from another thread.

    Parameters
    ----------
    listener : callable, optional
        Called as ``listener(done, total, text)`` in the thread that does the work.
    """

    def __init__(self, listener: Callable[[int, int, str], None] | None = None) -> None:
        self._listener = listener
        self._stop = threading.Event()

    def cancel(self) -> None:
        """Ask the work to stop at its next report."""
        self._stop.set()

    @property
    def cancelled(self) -> bool:
        return self._stop.is_set()

    def report(self, done: int, total: int, text: str = "") -> None:
        if self._stop.is_set():
            raise Cancelled
        if self._listener is not None:
            self._listener(done, total, text)


class Share:
    """Progress of one part after the other of something longer, in the longer work's own count.

    Parameters
    ----------
    whole : where the longer work reports.
    begin, size : of the part that is going on, in the longer work's count.
    total : of the longer work.
    """

    def __init__(self, whole: Progress, begin: float, size: float, total: int) -> None:
        self._whole, self._begin, self._size, self._total = whole, begin, size, total

    def go_on(self, size: float) -> None:
        """The next part begins where the last one ends."""
        self._begin += self._size
        self._size = size

    def report(self, done: int, total: int, text: str = "") -> None:
        share = min(done / total, 1.0) if total else 0.0
        self._whole.report(int(self._begin + self._size * share), self._total, text)


class _Silent:
    def report(self, done: int, total: int, text: str = "") -> None:
        """Nobody listens and nobody cancels."""


SILENT: Progress = _Silent()
