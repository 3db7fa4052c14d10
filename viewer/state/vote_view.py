"""What the panel of a lesson shows: question, votes, answer, list of cases. Frozen, by pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from viewer.models.card import ModelCard
from viewer.state.case import Truth
from viewer.state.decoy_view import OPEN, answer_words
from viewer.state.lesson import Ballot, Lesson, Step
from viewer.state.session import Session
from viewer.state.veil import veil

Stage = Literal["waiting", "here", "voted", "revealed", "problem"]


@dataclass(frozen=True)
class VoteRow:
    """One answer that can be voted for.

    Attributes
    ----------
    share : of all hands, 0..1.
    mark : after the question has been revealed, what speaks for this answer, in words; empty otherwise.
    right : whether it is the right answer, where that is known and revealed.
    """

    name: str
    hands: int
    share: float
    mark: str = ""
    right: bool = False


@dataclass(frozen=True)
class CaseLine:
    """A case of the list; it has a number and no name, because names tell."""

    number: int
    stage: Stage
    words: str
    current: bool


@dataclass(frozen=True)
class LessonView:
    """The panel of a lesson.

    Attributes
    ----------
    place : which case of how many.
    question : what the class is asked, or what there is to say instead.
    rows : the answers; empty where there is nothing to vote on.
    hidden : whether an answer is hidden now.
    answer : lines of the answer; empty while it is hidden.
    may_reveal : whether there is a question that can be revealed or hidden again.
    """

    place: str
    question: str
    rows: tuple[VoteRow, ...]
    hidden: bool
    answer: tuple[str, ...]
    cases: tuple[CaseLine, ...]
    may_reveal: bool
    reveals_first: bool


def ballot_of(session: Session) -> Ballot | None:
    """The votes on what is on screen; None where there is nothing to vote on."""
    lesson, model = session.lesson, session.model
    if lesson is None or lesson.away:
        return None
    if lesson.question is not None:
        return lesson.question.ballot
    if lesson.step.ballot is not None:
        return lesson.step.ballot
    return None if model is None else Ballot.of(model.card.classes)


def lesson_view(session: Session) -> LessonView | None:
    """The panel for the state as it is; None without a lesson."""
    lesson = session.lesson
    if lesson is None:
        return None
    hidden = bool(veil(session))
    ballot = ballot_of(session)
    rows: tuple[VoteRow, ...] = ()
    answer: tuple[str, ...] = ()
    if ballot is not None:
        marks = {} if hidden else _marks(session, lesson)
        right = () if hidden else _right(session, lesson)
        rows = tuple(
            VoteRow(name, hands, hands / max(ballot.total, 1), marks.get(name, ""), name in right)
            for name, hands in zip(ballot.options, ballot.hands, strict=True)
        )
        answer = () if hidden else _answer(session, lesson)
    return LessonView(
        f"case {lesson.at + 1} of {len(lesson.steps)}",
        _question(session, lesson),
        rows,
        hidden,
        answer,
        tuple(_line(lesson, number, step) for number, step in enumerate(lesson.steps)),
        may_reveal=not lesson.opening and not lesson.away,
        reveals_first=lesson.reveals_first,
    )


def _question(session: Session, lesson: Lesson) -> str:
    if lesson.opening:
        return "Opening the case \u2026"
    if lesson.away:
        return "This case is not one of the lesson: going on leads back to it."
    if lesson.question is not None:
        return f"{OPEN}. Which one?"
    if session.model is None:
        return "A model is being loaded." if session.model_id else "Choose a model: its classes are voted on."
    positive = session.model.card.positive_class
    return f"Is it {positive}?" if positive and len(session.model.card.classes) == 2 else "What is it?"


def case_answer(session: Session, step: Step) -> tuple[str, str, tuple[str, ...], dict[str, float]]:
    """What the model says, what is known, which classes are right, and the probabilities, of the case on screen."""
    model, case = session.model, session.case
    if model is None or case is None:
        return model_words(session), "", (), {}
    right = known_classes(step.labels, step.truth or case.truth, model.card)
    return model_words(session), truth_words(session, step), right, case_probabilities(session) or {}


def _marks(session: Session, lesson: Lesson) -> dict[str, str]:
    if lesson.question is not None:
        return {
            name: "decoy" if each.decoy else "real"
            for name, each in zip(lesson.question.names, lesson.question.maps, strict=True)
        }
    found = case_probabilities(session)
    return {} if found is None else {name: f"{p:.2f}" for name, p in found.items()}


def _right(session: Session, lesson: Lesson) -> tuple[str, ...]:
    if lesson.question is not None:
        return (lesson.question.names[lesson.question.answer],)
    return case_answer(session, lesson.step)[2]


def _answer(session: Session, lesson: Lesson) -> tuple[str, ...]:
    if lesson.question is not None:
        return (answer_words(lesson.question),)
    return case_answer(session, lesson.step)[:2]


def case_probabilities(session: Session) -> dict[str, float] | None:
    """What the model says of the case: of slices the one where the finding is most probable; None until it is known."""
    model, reading, case = session.model, session.reading, session.case
    if model is None or reading is None or case is None or not reading.filled:
        return None
    if not reading.whole and len(reading.filled) < case.slices:
        return None
    index = peak_slice(session)
    return {name: reading.probability(index, k) for k, name in enumerate(model.card.classes)}


def peak_slice(session: Session) -> int:
    """The slice where the finding is most probable, among those that are explained."""
    model, reading = session.model, session.reading
    assert model is not None
    assert reading is not None
    card = model.card
    k = card.classes.index(card.positive_class) if card.positive_class else 0
    if reading.whole:
        return session.view.slice
    return max(reading.filled, key=lambda index: reading.probability(index, k))


def model_words(session: Session) -> str:
    """What the model says, in a line."""
    found, model = case_probabilities(session), session.model
    if model is None:
        return "No model is loaded."
    if found is None:
        return "The model has not been asked about all slices yet."
    card = model.card
    named = [name for name, p in found.items() if p >= card.threshold(name)]
    said = (", ".join(named) or "none of them") if card.task == "multilabel" else decided(found, card)
    where = ""
    if session.reading is not None and not session.reading.whole and session.case and session.case.slices > 1:
        where = f" (slice {peak_slice(session) + 1}, where {card.positive_class or card.classes[0]} is most probable)"
    return f"The model says {said}{where}."


def decided(probabilities: dict[str, float], card: ModelCard) -> str:
    """The class that the model decides for: the finding from its threshold on, else the most probable of the others."""
    positive = card.positive_class
    if positive and probabilities[positive] >= card.threshold(positive):
        return positive
    others = {name: p for name, p in probabilities.items() if name != positive} or probabilities
    return max(others, key=lambda name: others[name])


def truth_words(session: Session, step: Step) -> str:
    """What is known to be right, in a line."""
    case, model = session.case, session.model
    truth = step.truth or (case.truth if case else None)
    if model is None:
        return ""
    known = known_classes(step.labels, truth, model.card)
    if not known:
        return "The truth is not known."
    where = ""
    if truth is not None and truth.positive_slices.any() and len(truth.positive_slices) > 1:
        count = int(truth.positive_slices.sum())
        where = f", on {count} of {len(truth.positive_slices)} slices"
    return f"It is {', '.join(known)}{where}."


def known_classes(labels: tuple[str, ...], truth: Truth | None, card: ModelCard) -> tuple[str, ...]:
    """The classes that are there; empty where that is not known.

    Parameters
    ----------
    labels : what a table calls the case.
    truth : what was marked.
    """
    by_name = {name.casefold(): name for name in card.classes}
    numbers = {str(k): name for k, name in enumerate(card.classes)}
    named = [by_name.get(label.casefold()) or numbers.get(label) for label in labels]
    found = tuple(dict.fromkeys(name for name in named if name is not None))
    if found or truth is None:
        return found
    positive = truth.positive_class or card.positive_class
    if not positive:
        return ()
    if truth.positive_slices.any():
        return (positive,) if positive in card.classes else ()
    others = [name for name in card.classes if name != positive]
    return tuple(others) if len(others) == 1 else ()


def _line(lesson: Lesson, number: int, step: Step) -> CaseLine:
    here = number == lesson.at and not lesson.away
    votes = step.ballot.total if step.ballot is not None else 0
    stage: Stage = "waiting"
    words = ""
    if step.problem:
        stage, words = "problem", "cannot be opened"
    elif step.revealed:
        stage, words = "revealed", "revealed"
    elif votes:
        stage, words = "voted", "voted"
    elif here:
        stage = "here"
    if votes:
        words = f"{words}, {votes} hand{'s' if votes != 1 else ''}"
    return CaseLine(number + 1, stage, words, here)
