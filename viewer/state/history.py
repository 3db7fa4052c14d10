"""What can be undone of a case: boxes, lines, notes, a disputed label and the network's input. Frozen, no Qt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import ClassVar

from psygnal import SignalGroupDescriptor

from viewer.evaluation.regions import Region
from viewer.imaging.erasure import Erasure
from viewer.models.card import Crop
from viewer.state.rulers import Ruler

LONGEST = 200
"""Steps that are kept."""


@dataclass(frozen=True)
class Content:
    """Everything that can be undone, as it is at one moment.

    Attributes
    ----------
    boxes, lines : what is drawn, by identity.
    erased : what is taken out of the network's input.
    disputed : why its label is held to be wrong; empty where it is not.
    even : the case has been resampled to an even grid.
    """

    boxes: Mapping[int, Region]
    lines: Mapping[int, Ruler]
    notes: str
    mirror: bool
    crop: Crop
    even: bool
    erased: tuple[Erasure, ...] = ()
    disputed: str = ""


@dataclass(frozen=True)
class Step:
    """One thing that was done.

    Attributes
    ----------
    words : what it was, as the menu says it: ``move box``.
    slice : where it was done, so that whoever undoes it sees it.
    gesture : steps of one gesture (a drag, a burst of typing) are one; 0 for a step of its own.
    """

    words: str
    before: Content
    after: Content
    slice: int
    gesture: int = 0

    @property
    def changed(self) -> tuple[str, ...]:
        """Names of what it changed; nothing else is touched when it is undone."""
        return tuple(
            field.name
            for field in fields(Content)
            if getattr(self.before, field.name) != getattr(self.after, field.name)
        )


@dataclass
class History:
    """The steps of the open case; it comes and goes with the case, as its boxes do."""

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()
    past: tuple[Step, ...] = ()
    """What can be undone, the latest last."""
    future: tuple[Step, ...] = ()
    """What can be done again, the next one last."""


def with_step(past: tuple[Step, ...], step: Step) -> tuple[Step, ...]:
    """The past with one step more; a step of the gesture that the last one came from becomes one with it."""
    if past and step.gesture and past[-1].gesture == step.gesture:
        last, past = past[-1], past[:-1]
        step = Step(last.words, last.before, step.after, last.slice, step.gesture)
    return (*past, step)[-LONGEST:] if step.changed else past
