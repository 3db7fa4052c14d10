"""The maps of a decoy question, side by side: numbers while the class votes, what they are once it is revealed."""

from __future__ import annotations

from viewer.state.canvas_view import background_of
from viewer.state.compare_view import CompareTile, CompareView, compare_view
from viewer.state.comparing import Cell
from viewer.state.lesson import DecoyMap, DecoyQuestion
from viewer.state.planes_view import MapScale
from viewer.state.series_reading import Variant
from viewer.state.session import Session

OPEN = "One of these maps is a decoy"
_OWN_SCALE = "full colour: of each map its own largest value"
DECOY = "DECOY"


def compared_view(session: Session) -> CompareView:
    """What the grid of maps shows: the maps of a decoy question where a class looks at one, else what is compared."""
    question = session.lesson.question if session.lesson is not None else None
    return compare_view(session) if question is None else question_view(session, question)


def question_view(session: Session, question: DecoyQuestion) -> CompareView:
    """The grid of a decoy question. Nothing in it tells the maps apart before it is revealed."""
    case, view = session.case, session.view
    if case is None:
        return CompareView((), None, None, "The case is being opened.", "", chosen=False)
    background = background_of(
        case, question.slice, view.window, convention=view.convention, inverted=view.inverted
    )
    tiles = [_tile(question, number, each) for number, each in enumerate(question.maps)]
    # Two by two: a row of four would leave small pictures in a window that is wider than high.
    half = (len(tiles) + 1) // 2
    rows = tuple(tuple(row) for row in (tiles[:half], tiles[half:]) if row)
    parts = [answer_words(question) if question.revealed else f"{OPEN}. Which one?"]
    parts += [f"slice {question.slice + 1} / {case.slices}"] if case.slices > 1 else []
    parts += [f"class {question.target}", _OWN_SCALE]
    return CompareView(rows, background, view.cursor, "", " \u00b7 ".join(parts), chosen=False)


def answer_words(question: DecoyQuestion) -> str:
    """Which map is the decoy, and how it was made."""
    return f"{question.names[question.answer]} is the decoy: {question.maps[question.answer].how}"


def _tile(question: DecoyQuestion, number: int, each: DecoyMap) -> CompareTile:
    name = question.names[number]
    shown = question.revealed
    return CompareTile(
        Cell(Variant(""), "", name),
        f"{name} \u00b7 {each.title}" if shown else name,
        each.how if shown else "",
        each.values,
        MapScale(each.largest, "its own largest value", False),
        watermark=DECOY if shown and each.decoy else "",
    )
