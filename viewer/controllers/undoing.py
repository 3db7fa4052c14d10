"""The way back and forth through what has been done to the open case."""

from __future__ import annotations

from viewer.controllers.disputing import Disputing
from viewer.controllers.explaining import Explaining
from viewer.controllers.recording import Recording
from viewer.controllers.regularising import Regularising
from viewer.state.history import Content, Step
from viewer.state.session import Session


class Undoing:
    """Verbs *undo* and *redo*. Only what a step has changed is touched, and its slice comes on screen."""

    def __init__(
        self,
        session: Session,
        recording: Recording,
        explaining: Explaining,
        grid: Regularising,
        disputing: Disputing,
    ) -> None:
        self._session = session
        self._recording = recording
        self._explaining = explaining
        self._grid = grid
        self._disputing = disputing

    def undo(self) -> None:
        """Take the last step back."""
        history = self._session.history
        if history.past:
            *past, step = history.past
            self._go(step, step.before, tuple(past), (*history.future, step))

    def redo(self) -> None:
        """Do the step again that was taken back last."""
        history = self._session.history
        if history.future:
            *future, step = history.future
            self._go(step, step.after, (*history.past, step), tuple(future))

    def _go(self, step: Step, to: Content, past: tuple[Step, ...], future: tuple[Step, ...]) -> None:
        session, history = self._session, self._session.history
        was = (history.past, history.future)
        self._recording.end()

        def arrive() -> None:
            if session.history is not history or (history.past, history.future) != was:
                return  # something else was done while the grid was being made
            self._apply(step, to)
            history.past, history.future = past, future

        if "even" not in step.changed or to.even == (session.resampled is not None):
            arrive()
        elif to.even:
            self._grid.make_even(arrive)
        else:
            self._grid.bring_back()
            arrive()

    def _apply(self, step: Step, to: Content) -> None:
        session, changed = self._session, step.changed
        if "boxes" in changed:
            session.boxes.drawn = dict(to.boxes)
            if session.boxes.selected not in to.boxes:
                session.boxes.selected = None
        if "lines" in changed:
            session.rulers.drawn = dict(to.lines)
            if session.rulers.selected not in to.lines:
                session.rulers.selected = None
        if "notes" in changed:
            session.notes.text = to.notes
        if "disputed" in changed:
            self._disputing.put(to.disputed)
        if {"mirror", "crop", "erased"} & set(changed):
            self._explaining.set_input(
                mirror=to.mirror if "mirror" in changed else session.choice.mirror,
                crop=to.crop if "crop" in changed else session.choice.crop,
                erased=to.erased if "erased" in changed else session.choice.erased,
            )
        if (
            {"boxes", "lines", "erased"} & set(changed)
            and session.case is not None
            and not step_is_elsewhere(step)
        ):
            session.view.slice = min(step.slice, session.case.slices - 1)


def step_is_elsewhere(step: Step) -> bool:
    """Whether its slice is one of another grid."""
    return "even" in step.changed
