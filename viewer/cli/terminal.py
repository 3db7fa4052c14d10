"""What a command says while it works: progress and warnings, on stderr only."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TextIO

from viewer.cli.answer import printable
from viewer.foundation.progress import ProgressToken
from viewer.imaging.diagnoses import Diagnosis

_EVERY = 0.1
"""Seconds between two updates of the progress line."""
_RARELY = 10.0
"""Seconds between two lines of progress where they stay, as in a file."""


class Terminal:
    """The person, or the script, that reads stderr.

    Attributes
    ----------
    progress : handed to long work; redrawn in place where stderr is a terminal. Elsewhere only work that is `stoppable`
        says where it is, in a line now and then.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._alive = self._stream.isatty()
        self._shown = 0
        self._last = 0.0
        self._long = False
        self.progress = ProgressToken(self._draw if self._alive else self._write)

    def warn(self, sentence: str) -> None:
        """Say something that does not make the command fail."""
        self.clear()
        print(f"whyslice: {printable(sentence)}", file=self._stream, flush=True)

    def warn_of(self, diagnoses: Iterable[Diagnosis]) -> None:
        """Say what is wrong with an image; what is merely worth knowing is in the document."""
        for finding in diagnoses:
            if finding.severity != "note":
                self.warn(f"{finding.sentence} {finding.action}".strip())

    def clear(self) -> None:
        """Take the progress line away."""
        if self._shown:
            print("\r" + " " * self._shown + "\r", end="", file=self._stream, flush=True)
            self._shown = 0

    @contextmanager
    def stoppable(self) -> Iterator[None]:
        """Within: the first Ctrl-C asks the work to stop at its next step, the second stops at once."""

        def ask(_: int, __: FrameType | None) -> None:
            if self.progress.cancelled:
                raise KeyboardInterrupt
            self.warn("stopping after this step; press Ctrl-C again to stop at once.")
            self.progress.cancel()

        before = signal.signal(signal.SIGINT, ask)
        self._long, self._last = True, time.monotonic()
        try:
            yield
        finally:
            self._long = False
            signal.signal(signal.SIGINT, before)

    def _draw(self, done: int, total: int, text: str) -> None:
        now = time.monotonic()
        if now - self._last < _EVERY and done < total:
            return
        self._last = now
        line = _words(done, total, text)[:78]
        print("\r" + line.ljust(self._shown), end="", file=self._stream, flush=True)
        self._shown = len(line)

    def _write(self, done: int, total: int, text: str) -> None:
        now = time.monotonic()
        if self._long and now - self._last >= _RARELY:
            self._last = now
            self.warn(_words(done, total, text))


def _words(done: int, total: int, text: str) -> str:
    share = f" {done}/{total}" if total > 1 else ""
    return f"{text or 'working'}{share}"
