"""A lesson: cases one after the other, each with its answer hidden until the class has voted. Frozen data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from viewer.evaluation.cohort_table import CohortImage
from viewer.reporting.content import FigureContent
from viewer.state.case import Truth
from viewer.state.opened import Opened, SeriesEntry

DecoyKind = Literal["other-class", "random-weights", "random", "brightness"]
MOST_HANDS = 999


@dataclass(frozen=True)
class Ballot:
    """A vote by hands.

    Attributes
    ----------
    hands : counted for each option, at least 0.
    """

    options: tuple[str, ...]
    hands: tuple[int, ...]

    @classmethod
    def of(cls, options: Sequence[str]) -> Ballot:
        """Nobody has voted yet."""
        return cls(tuple(options), (0,) * len(options))

    def counted(self, number: int, hands: int) -> Ballot:
        """With another count of one option, kept between 0 and `MOST_HANDS`."""
        kept = min(max(hands, 0), MOST_HANDS)
        return replace(self, hands=(*self.hands[:number], kept, *self.hands[number + 1 :]))

    @property
    def total(self) -> int:
        return sum(self.hands)


@dataclass(frozen=True, eq=False)
class DecoyMap:
    """One of the maps of a decoy question.

    Attributes
    ----------
    title : what it is, in a few words; for after the answer alone.
    how : how it was made, a sentence; the same.
    values : (row, column) on the picture, at least 0.
    largest : raw value, shown as full colour: each map has its own, because units would give the decoy away.
    """

    title: str
    how: str
    values: NDArray[np.float32]
    largest: float
    decoy: bool = False


@dataclass(frozen=True, eq=False)
class DecoyQuestion:
    """Which of these maps has not been made by asking the network about this class?

    Attributes
    ----------
    maps : in the order in which they are shown; one of them is the decoy.
    slice, target : what the real ones explain.
    """

    maps: tuple[DecoyMap, ...]
    ballot: Ballot
    slice: int
    target: str
    kind: DecoyKind
    revealed: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Numbers, as letters stand at the edges of a picture for its sides."""
        return self.ballot.options

    @property
    def answer(self) -> int:
        """Which map is the decoy."""
        return next(number for number, each in enumerate(self.maps) if each.decoy)


@dataclass(frozen=True, eq=False)
class Pressed:
    """A revealed case as a handout shows it: the way it was when the class left it.

    Attributes
    ----------
    answers : what the model says and what is known, a sentence each.
    right : the answers that are right; empty where that is not known.
    probabilities : of the case, by class; empty where they are not known.
    maps : of the decoy question.
    record : provenance.
    """

    figure: FigureContent
    answers: tuple[str, ...]
    right: tuple[str, ...]
    probabilities: Mapping[str, float]
    maps: tuple[FigureContent, ...]
    record: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Step:
    """A case of the lesson.

    Attributes
    ----------
    entry : the series, of a folder; None for a row of a table.
    row : of a table; None for a series.
    ballot : None before anybody voted.
    revealed : whether the answer has been shown.
    truth : what is known to be right; it is kept here, and is in the case only once it has been revealed.
    labels : what the table calls the case; empty where it does not.
    decoy : the last question about maps.
    problem : why the case could not be opened, a sentence.
    pressed : for the handout; None before the case has been revealed.
    folder : of the table that the row is from.
    truth_path : file that the truth of a series is read from; None for none.
    """

    entry: SeriesEntry | None = None
    row: CohortImage | None = None
    ballot: Ballot | None = None
    revealed: bool = False
    truth: Truth | None = None
    labels: tuple[str, ...] = ()
    decoy: DecoyQuestion | None = None
    problem: str = ""
    pressed: Pressed | None = None
    folder: Path | None = None
    truth_path: Path | None = None


@dataclass(frozen=True, eq=False)
class Lesson:
    """Where the class is.

    Attributes
    ----------
    at : index of the step on screen.
    opened : what the steps with an entry are from.
    opening : the step is being opened; until it is there nothing is shown of it.
    away : something else was opened meanwhile; stepping goes on with the lesson.
    asking_maps : the maps of the decoy question are on screen.
    reveals_first : going on reveals an open question first, so that a clicker with two keys is enough.
    """

    steps: tuple[Step, ...]
    at: int = 0
    opened: Opened | None = field(default=None, repr=False)
    opening: bool = False
    away: bool = False
    asking_maps: bool = False
    reveals_first: bool = True

    @property
    def step(self) -> Step:
        return self.steps[self.at]

    @property
    def question(self) -> DecoyQuestion | None:
        """The decoy question on screen."""
        return self.step.decoy if self.asking_maps and not self.away else None

    def with_step(self, step: Step, at: int | None = None) -> Lesson:
        """With another step in place of the current one, or of one of a number."""
        number = self.at if at is None else at
        return replace(self, steps=(*self.steps[:number], step, *self.steps[number + 1 :]))

    def neighbour(self, steps: int) -> int | None:
        """The next step, or the one before, that can be opened; None at the ends."""
        numbers = range(self.at + 1, len(self.steps)) if steps > 0 else range(self.at - 1, -1, -1)
        return next((number for number in numbers if not self.steps[number].problem), None)
