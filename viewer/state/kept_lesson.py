"""A lesson as it is kept over a restart: where its cases are and what the class said, never pixels or truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from viewer.state.lesson import MOST_HANDS, Lesson, Step

_MOST = 2000
"""Cases, and answers to one, that are read back."""
_LONGEST = 4096


@dataclass(frozen=True)
class KeptStep:
    """A case.

    Attributes
    ----------
    where : file or folder that a series is in, or the folder of a table.
    name : id of the series, or the image as the table names it.
    of_table : which of the two it is.
    truth : file of what is known of a series; empty for none.
    options, hands : the vote; empty before anybody voted. A question about maps is not kept.
    """

    where: str
    name: str
    of_table: bool = False
    revealed: bool = False
    truth: str = ""
    options: tuple[str, ...] = ()
    hands: tuple[int, ...] = ()


@dataclass(frozen=True)
class KeptLesson:
    """The cases in their order, and where the class is.

    Attributes
    ----------
    away : something else was on screen, and the lesson waited.
    """

    steps: tuple[KeptStep, ...]
    at: int = 0
    reveals_first: bool = True
    away: bool = False

    @classmethod
    def of_lesson(cls, lesson: Lesson | None) -> KeptLesson | None:
        """A lesson as it would be kept; None for none, and for one of an image that was not read from a file."""
        if lesson is None:
            return None
        kept = [_kept(step) for step in lesson.steps]
        if any(found is None and not step.problem for found, step in zip(kept, lesson.steps, strict=True)):
            return None
        before = sum(found is not None for found in kept[: lesson.at])
        steps = tuple(found for found in kept if found is not None)
        return cls(steps, before, lesson.reveals_first, lesson.away) if steps else None

    def words(self) -> str:
        """Where it is, in a few words."""
        return f"lesson, case {self.at + 1} of {len(self.steps)}"

    def document(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return {
            "steps": [
                {**asdict(step), "options": list(step.options), "hands": list(step.hands)}
                for step in self.steps
            ],
            "at": self.at,
            "reveals_first": self.reveals_first,
            "away": self.away,
        }

    @classmethod
    def of(cls, document: Any) -> KeptLesson | None:
        """From JSON; None where it is none or a case of it cannot be told."""
        if not isinstance(document, Mapping) or not isinstance(document.get("steps"), list):
            return None
        steps = [_step(found) for found in document["steps"][:_MOST]]
        at = document.get("at")
        if not steps or None in steps or type(at) is not int or not 0 <= at < len(steps):
            return None
        return cls(
            tuple(step for step in steps if step is not None),
            at,
            document.get("reveals_first") is not False,
            document.get("away") is True,
        )


def _kept(step: Step) -> KeptStep | None:
    if step.row is not None and step.folder is not None:
        where, name, of_table = str(step.folder.absolute()), step.row.path, True
    elif step.entry is not None:
        where, name, of_table = str(step.entry.contents.path.absolute()), step.entry.info.id, False
    else:
        return None
    ballot = step.ballot
    return KeptStep(
        where,
        name,
        of_table,
        step.revealed,
        "" if step.truth_path is None else str(step.truth_path.absolute()),
        () if ballot is None else ballot.options,
        () if ballot is None else ballot.hands,
    )


def _step(found: Any) -> KeptStep | None:
    if not isinstance(found, Mapping):
        return None
    words = [found.get(name) for name in ("where", "name", "truth")]
    if not all(isinstance(text, str) and len(text) <= _LONGEST for text in words) or not words[0]:
        return None
    options, hands = found.get("options"), found.get("hands")
    counted = (
        isinstance(options, list)
        and isinstance(hands, list)
        and len(options) == len(hands) <= _MOST
        and all(isinstance(option, str) and len(option) <= _LONGEST for option in options)
        and all(type(n) is int and 0 <= n <= MOST_HANDS for n in hands)
    )
    where, name, truth = (str(text) for text in words)
    return KeptStep(
        where,
        name,
        found.get("of_table") is True,
        found.get("revealed") is True,
        truth,
        tuple(options) if counted and isinstance(options, list) else (),
        tuple(hands) if counted and isinstance(hands, list) else (),
    )
