"""Cine: one slice, or one volume of a series of several, after the other. Whoever shows the pictures keeps the time."""

from __future__ import annotations

from collections.abc import Callable

from viewer.state.case import Case, same_grid
from viewer.state.session import CineOf, Session

SLOWEST, FASTEST = 1.0, 30.0
_STEPS = (1.0, 2.0, 3.0, 5.0, 8.0, 10.0, 12.0, 15.0, 20.0, 25.0, 30.0)


class Playing:
    """Verbs of the cine. It stops when another case comes, and the window stops it at anything that the user does.

    Parameters
    ----------
    next_volume : shows the next volume of the series, after the last the first.
    """

    def __init__(self, session: Session, next_volume: Callable[[], None]) -> None:
        self._session = session
        self._next_volume = next_volume
        self._case: Case | None = None
        session.events.case.connect(self._case_changed)

    def toggle(self, of: CineOf = "slices") -> None:
        """Play the slices or the volumes, or stop what is played."""
        session, cine = self._session, self._session.cine
        plays = cine.playing and cine.of == of
        several = (
            session.volumes > 1 if of == "volumes" else session.case is not None and session.case.slices > 1
        )
        cine.of = of
        cine.playing = not plays and several

    def stop(self) -> None:
        self._session.cine.playing = False

    def step(self) -> None:
        """Show the next picture; after the last comes the first."""
        case, view = self._session.case, self._session.view
        if not self._session.cine.playing or case is None:
            return
        if self._session.cine.of == "volumes":
            if self._session.volume is None:  # the last one that was asked for is there
                self._next_volume()
        else:
            following = (view.slice + 1) % case.slices
            # While a series is being read only the slices that are there are played.
            view.slice = next(
                (index for index in (*range(following, case.slices), *range(following)) if case.has(index)),
                view.slice,
            )

    def set_rate(self, rate: float) -> None:
        """Pictures a second, 1 to 30."""
        self._session.cine.rate = min(max(float(rate), SLOWEST), FASTEST)

    def faster(self) -> None:
        rate = self._session.cine.rate
        self.set_rate(next((step for step in _STEPS if step > rate), FASTEST))

    def slower(self) -> None:
        rate = self._session.cine.rate
        self.set_rate(next((step for step in reversed(_STEPS) if step < rate), SLOWEST))

    def _case_changed(self, case: Case | None) -> None:
        old, self._case = self._case, case
        if not same_grid(old, case):
            self.stop()
