"""Noting what is done to a case, so that it can be undone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from viewer.state.disputed import disputed_of
from viewer.state.history import Content, Step, with_step
from viewer.state.session import Session


class Recording:
    """Every verb that changes what can be undone says so here; see `viewer.controllers.undoing` for the way back."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._gestures = 0
        self._gesture = 0

    @contextmanager
    def step(self, words: str, *, gesture: int = 0) -> Iterator[None]:
        """What happens inside is one step, unless it changes nothing or belongs to a gesture that goes on."""
        before = self.content()
        yield
        self.add(words, before, gesture=gesture)

    def add(self, words: str, before: Content, *, gesture: int = 0) -> None:
        """Everything since `before` is one step."""
        session, after = self._session, self.content()
        step = Step(words, before, after, session.view.slice, gesture or self._gesture)
        if step.changed:
            history = session.history
            history.past, history.future = with_step(history.past, step), ()

    def begin(self) -> None:
        """A drag begins: until `end` there is one step, however often the mouse moves."""
        self._gesture = self.fresh()

    def end(self) -> None:
        self._gesture = 0

    def fresh(self) -> int:
        """A number for a gesture that no other one has."""
        self._gestures += 1
        return self._gestures

    def content(self) -> Content:
        """What can be undone, as it is now."""
        s = self._session
        return Content(
            s.boxes.drawn,
            s.rulers.drawn,
            s.notes.text,
            s.choice.mirror,
            s.choice.crop,
            s.resampled is not None,
            s.choice.erased,
            disputed_of(s),
        )
