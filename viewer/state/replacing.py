"""What was measured by replacing the pixels that a map calls important, and which of it is looked at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viewer.evaluation.importance_result import FRACTIONS, PixelImportance, ReplacementCurve
from viewer.state.map_view import is_difference, places_shown, signed_map
from viewer.state.method import method_of
from viewer.state.series_reading import Place, SeriesReading
from viewer.state.session import Session
from viewer.state.veil import WORDS, veil

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class ImportanceRow:
    """A class in the table.

    Attributes
    ----------
    explained : whether the map is of this class.
    probability : of the input as it is.
    cells : per fraction the fall of the probability, and that for pixels chosen at random.
    """

    name: str
    explained: bool
    probability: float
    cells: tuple[tuple[float, float], ...]


@dataclass(frozen=True, eq=False)
class ImportanceView:
    """The panel of pixel importance.

    Attributes
    ----------
    line : what is shown, or why nothing is.
    may_measure : whether it can be measured now.
    running : whether it is being measured.
    fractions : percent, the columns of the table.
    fraction : which of them the picture shows.
    deletion, insertion : of the chosen transform; None where nothing was measured.
    areas : the areas under them in words.
    before, after : the input as it is, and with the chosen fraction replaced.
    note : what is special about the pictures; empty for nothing.
    """

    line: str
    may_measure: bool
    running: bool
    transform: str
    fractions: tuple[float, ...] = FRACTIONS
    fraction: float = 5.0
    rows: tuple[ImportanceRow, ...] = ()
    deletion: ReplacementCurve | None = None
    insertion: ReplacementCurve | None = None
    areas: str = ""
    before: Picture | None = None
    after: Picture | None = None
    note: str = ""


def place_to_measure(session: Session) -> Place | None:
    """The shown map, if there is one of one class that can be measured."""
    reading = session.reading
    if reading is None or is_difference(session) or method_of(session).deviation:
        return None
    places = places_shown(session, reading, session.view.slice)
    found = signed_map(session, reading, session.view.slice, session.choice.layer)
    if not places or found is None or _unfinished(reading, places[0]):
        return None
    return places[0]


def _unfinished(reading: SeriesReading, place: Place) -> bool:
    rounds = reading.rounds.get(place)
    return rounds is not None and not rounds.complete


def importance_view(session: Session) -> ImportanceView:
    """The panel for the shown map."""
    chosen, reading = session.replacing, session.reading
    place = place_to_measure(session)
    known = reading.weighed.get(place) if reading is not None and place is not None else None
    line = _line(session, place) if known is None else _measured(known.result, chosen.transform)
    may = place is not None and not chosen.running
    if known is None or chosen.transform not in known.result.transforms:
        return ImportanceView(line, may, chosen.running, chosen.transform, fraction=chosen.fraction)
    result = known.result
    which = result.transforms.index(chosen.transform)
    rows = tuple(
        ImportanceRow(
            name,
            number == result.target,
            float(result.probabilities[number]),
            tuple(
                (float(result.delta[which, j, number]), float(result.random_delta[which, j, number]))
                for j in range(len(result.fractions))
            ),
        )
        for number, name in enumerate(result.classes)
    )
    curves = {curve.kind: curve for curve in result.curves if curve.transform == chosen.transform}
    return ImportanceView(
        line,
        may,
        chosen.running,
        chosen.transform,
        result.fractions,
        chosen.fraction,
        rows,
        curves.get("deletion"),
        curves.get("insertion"),
        "\n".join(
            f"{kind} {curve.area:.2f} ({curve.random_area:.2f})" for kind, curve in sorted(curves.items())
        ),
        known.before,
        known.after.get((chosen.transform, chosen.fraction)),
        known.note,
    )


def _line(session: Session, place: Place | None) -> str:
    if session.replacing.running and not veil(session):
        return "Replacing pixels and asking the network again …"
    if place is not None:
        return "Replaces the most important pixels of the network's input and asks it again"
    if session.model is None or session.case is None:
        return "Needs an image and a model"
    if veil(session):
        return f"The map is {WORDS}"
    if method_of(session).deviation:
        return "A deviation is no importance"
    if is_difference(session):
        return "A difference of classes is not of one class: choose one"
    return "No finished map on this slice yet"


def _measured(result: PixelImportance, transform: str) -> str:
    words = f"\u0394p = p(original) \u2212 p(replaced by {_WORDS[transform]}); "
    words += f"in brackets: {result.random_orders} random choices of as many"
    if max(result.fractions) > 100 * result.positive:
        words += f". The map is above zero on {100 * result.positive:.0f}% of the input"
    return words


_WORDS = {
    "mean": "the mean of their channel",
    "blur-11": "a Gaussian blur of 11 pixels",
    "blur-21": "a Gaussian blur of 21 pixels",
    "noise": "random noise",
}
