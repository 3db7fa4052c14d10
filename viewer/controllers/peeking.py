"""Small pictures of the series that could be opened: one slice each, one by one, whenever nothing else is read."""

from __future__ import annotations

from collections.abc import Iterable

from viewer.controllers.looking import peek_at
from viewer.foundation.errors import one_sentence
from viewer.foundation.job_runner import JobHandle, JobRunner
from viewer.state.opened import Peeked, SeriesEntry
from viewer.state.session import Session


class Peeking:
    """A chain of short jobs on the reading lane; whoever opens something pauses it."""

    def __init__(self, session: Session, runner: JobRunner) -> None:
        self._session = session
        self._runner = runner
        self._wanted: tuple[SeriesEntry, ...] = ()
        self._generation = 0
        self._running: JobHandle | None = None

    def look_at(self, entries: Iterable[SeriesEntry]) -> None:
        """Look at these, in this order, instead of what was asked for before; what is known stays known."""
        self._wanted = tuple(entries)
        known = self._session.peeked
        kept = {entry: known[entry] for entry in known if self._held(entry)}
        if len(kept) != len(known):
            self._session.peeked = kept
        self.resume()

    def know(self, entry: SeriesEntry, peeked: Peeked) -> None:
        """The series has been read anyway."""
        self._session.peeked = {**self._session.peeked, entry: peeked}

    def pause(self) -> None:
        self._generation += 1
        if self._running is not None:
            self._running.cancel()
            self._running = None

    def resume(self) -> None:
        self.pause()
        self._next(self._generation)

    def _held(self, entry: SeriesEntry) -> bool:
        """Whether somebody may still want to see it; the contents of what is gone must not be kept alive."""
        session = self._session
        lists = (session.chooser, session.opened)
        return entry in self._wanted or any(entry in one.entries for one in lists if one is not None)

    def _next(self, generation: int) -> None:
        known = self._session.peeked
        entry = next((one for one in self._wanted if one not in known), None)
        if entry is None:
            return

        def done(peeked: Peeked) -> None:
            if generation == self._generation:
                self.know(entry, peeked)
                self._next(generation)

        def failed(error: Exception) -> None:
            # A defect in one series must not cost the others their pictures.
            done(Peeked(None, sentence=one_sentence(error)))

        self._running = self._runner.submit(
            "read", lambda token: peek_at(entry, token), done=done, failed=failed
        )
