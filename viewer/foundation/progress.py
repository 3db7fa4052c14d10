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


class _Silent:
    def report(self, done: int, total: int, text: str = "") -> None:
        """Nobody listens and nobody cancels."""


SILENT: Progress = _Silent()
