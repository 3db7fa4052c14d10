"""A lesson: a class votes, then the answer is revealed."""

from __future__ import annotations

from viewer.actions.action import Action
from viewer.state.lesson import DecoyKind
from viewer.state.session import Session
from viewer.state.veil import veil
from viewer.state.vote_view import ballot_of

_VOTES = 6
"""Options that have keys of their own; more of them are counted in the panel."""
_DECOYS: tuple[tuple[DecoyKind, str, str], ...] = (
    ("other-class", "The map of another class", "A real map, but of the class against the explained one."),
    (
        "random-weights",
        "A network with random weights",
        "The map of a copy of the network that has learned nothing.",
    ),
    ("random", "Random numbers", "A random number in each cell of the layer's grid."),
    (
        "brightness",
        "The image's brightness",
        "The brightness of the image, averaged over the cells of the layer.",
    ),
)


def _why_no_lesson(session: Session) -> str:
    return "" if session.lesson is not None else "No lesson is going on."


def _why_no_answer(session: Session) -> str:
    lesson = session.lesson
    if lesson is None or lesson.opening or lesson.away:
        return _why_no_lesson(session) or "No case of the lesson is on screen."
    return ""


def _why_no_decoy(session: Session) -> str:
    if why := _why_no_answer(session):
        return why
    if veil(session):
        return "Reveal the answer first: the maps would show it."
    reading = session.reading
    filled = reading is not None and session.view.slice in reading.filled
    return "" if filled else "This slice has not been explained yet."


def _why_no_vote(session: Session, number: int) -> str:
    if why := _why_no_answer(session):
        return why
    ballot = ballot_of(session)
    return "" if ballot is not None and number < len(ballot.options) else "There is no such answer."


def _option(session: Session, number: int) -> str:
    ballot = ballot_of(session)
    known = ballot is not None and number < len(ballot.options)
    return f"\u201c{ballot.options[number]}\u201d" if ballot is not None and known else f"answer {number + 1}"


def _votes() -> tuple[Action, ...]:
    """A hand up and a hand down for each of the first answers."""
    rows = []
    for n in range(_VOTES):
        for hands, key, words, tip in (
            (1, "Ctrl", "A hand for", "Count one hand more for this answer."),
            (-1, "Alt", "A hand less for", "Take back one hand for this answer."),
        ):
            rows.append(
                Action(
                    f"teach.{'vote' if hands > 0 else 'unvote'}-{n + 1}",
                    f"{words} answer {n + 1}",
                    "Teach",
                    tip,
                    lambda bench, n=n, hands=hands: bench.teaching.raise_hand(n, hands),  # type: ignore[misc]
                    shortcut=f"{key}+{n + 1}",
                    label=lambda s, n=n, words=words: f"{words} {_option(s, n)}",  # type: ignore[misc]
                    submenu="Votes",
                    why_not=lambda s, n=n: _why_no_vote(s, n),  # type: ignore[misc]
                )
            )
    return tuple(rows)


def _decoys() -> tuple[Action, ...]:
    return tuple(
        Action(
            f"teach.decoy-{kind}",
            text,
            "Teach",
            tip,
            lambda bench, kind=kind: bench.teaching.decoys.ask(kind),  # type: ignore[misc]
            submenu="Which map is the decoy?",
            why_not=_why_no_decoy,
        )
        for kind, text, tip in _DECOYS
    )


TEACH_ACTIONS: tuple[Action, ...] = (
    Action(
        "teach.begin",
        "Begin a lesson\u2026",
        "Teach",
        "Walk through the cases of a folder, or of its cohort.csv, each with its answer hidden until it is revealed.",
        dialog="begin-lesson",
        also="quiz class students teaching",
    ),
    Action(
        "teach.begin-cohort",
        "Begin with the open cohort",
        "Teach",
        "Walk through the cases that the table of the cohort shows.",
        lambda bench: bench.teaching.begin_cohort(),
        why_not=lambda s: "" if s.cohort is not None else "No cohort is open.",
    ),
    Action(
        "teach.begin-here",
        "Hide the answer of this case",
        "Teach",
        "A lesson of the open case alone: prediction, map and truth are hidden until they are revealed.",
        lambda bench: bench.teaching.begin_here(),
        shortcut="Ctrl+T",
        why_not=lambda s: "No image is open." if s.case is None or not s.case.whole else _during(s),
        also="quiz blind",
    ),
    Action(
        "teach.reveal",
        "Reveal the answer",
        "Teach",
        "Show prediction, map and truth, or which map is the decoy; again: hide it.",
        lambda bench: bench.teaching.reveal(),
        shortcut="Ctrl+R",
        label=lambda s: "Reveal the answer" if veil(s) or s.lesson is None else "Hide the answer again",
        why_not=_why_no_answer,
    ),
    *_votes(),
    Action(
        "teach.decoy",
        "A decoy of any kind",
        "Teach",
        "Show maps of this slice with a decoy among them; chance decides which kind.",
        lambda bench: bench.teaching.decoys.ask(),
        shortcut="Ctrl+D",
        submenu="Which map is the decoy?",
        why_not=_why_no_decoy,
    ),
    *_decoys(),
    Action(
        "teach.leave-maps",
        "Back from the maps to the case",
        "Teach",
        "Leave the maps of the decoy question.",
        lambda bench: bench.teaching.decoys.leave(),
        why_not=lambda s: (
            "" if s.lesson is not None and s.lesson.question is not None else "No maps are being asked about."
        ),
    ),
    Action(
        "teach.reveals-first",
        "Next case reveals the answer first",
        "Teach",
        "PageDown, or a clicker, reveals an open question before it goes on to the next case.",
        lambda bench: bench.teaching.toggle_reveals_first(),
        checked=lambda s: s.lesson is not None and s.lesson.reveals_first,
        why_not=_why_no_lesson,
    ),
    Action(
        "teach.save-handout",
        "Save a handout\u2026",
        "Teach",
        "Write the revealed cases with pictures, votes and answers as one HTML file that needs no program.",
        dialog="save-handout",
        why_not=lambda s: _why_no_lesson(s) or _nothing_revealed(s),
        also="export html print students",
    ),
    Action(
        "teach.end",
        "End the lesson",
        "Teach",
        "Show everything as usual; a handout keeps votes and answers.",
        lambda bench: bench.teaching.end(),
        why_not=_why_no_lesson,
    ),
)


def _during(session: Session) -> str:
    return "End the lesson first." if session.lesson is not None else ""


def _nothing_revealed(session: Session) -> str:
    lesson = session.lesson
    revealed = lesson is not None and any(step.revealed for step in lesson.steps)
    return "" if revealed else "No case has been revealed yet."
