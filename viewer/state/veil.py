"""What may not be seen while a class votes. Asked by everything that turns the state into something to look at."""

from __future__ import annotations

from typing import Literal

from viewer.state.session import Session

Veil = Literal["", "map", "answer"]
"""``map``: maps are hidden, as one of them is to be found; ``answer``: probabilities and truth are hidden too."""

WORDS = "hidden while the class votes"


def veil(session: Session) -> Veil:
    """What is hidden now."""
    lesson = session.lesson
    if lesson is None or lesson.away:
        return ""
    if lesson.opening or not lesson.step.revealed:
        return "answer"
    question = lesson.question
    return "map" if question is not None and not question.revealed else ""
