"""The checks of the map on screen: which are made, what they found, why none can be made. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from viewer.evaluation.checks.declaration import CHECKS, CheckInfo
from viewer.evaluation.checks.finding import Finding
from viewer.state.map_view import is_difference, places_shown
from viewer.state.method import estimate, method_of
from viewer.state.series_reading import Place
from viewer.state.session import Session
from viewer.state.veil import WORDS, veil

Stage = Literal["made", "running", "waiting", "not made"]


@dataclass(frozen=True, eq=False)
class CheckRow:
    """One check of the map on screen."""

    info: CheckInfo
    finding: Finding | None
    stage: Stage


@dataclass(frozen=True, eq=False)
class ChecksView:
    """What the panel shows.

    Attributes
    ----------
    subject : what is checked, in words; empty where there is nothing to check.
    why_not : why nothing can be checked now, a sentence; empty where it can.
    left : checks that are not made yet.
    seconds : estimate of the time that these take; None where nobody knows.
    running : whether checks of this map are being made.
    """

    rows: tuple[CheckRow, ...]
    subject: str
    why_not: str
    left: int
    seconds: float | None
    running: bool


def checked_place(session: Session) -> Place | None:
    """Where the map on screen is kept; None where there is none, or it is not the map of one class."""
    reading = session.reading
    if reading is None or is_difference(session) or method_of(session).deviation or veil(session):
        return None
    places = places_shown(session, reading, session.view.slice)
    return places[0] if places else None


def known_findings(session: Session) -> dict[str, Finding]:
    """What is known of the map on screen, by the name of the check."""
    place, reading = checked_place(session), session.reading
    return reading.checks.get(place, {}) if reading is not None and place is not None else {}


def why_no_checks(session: Session) -> str:
    """Why the map on screen cannot be checked, a sentence; empty where it can."""
    if session.case is None or session.model is None:
        return "Without an image and a model there is no map to check."
    if veil(session):
        return f"The map is {WORDS}."
    if is_difference(session):
        return "A check is about the map of one class: choose one in place of the difference."
    if method_of(session).deviation:
        return "A check is about the map, not about its deviation."
    return "" if checked_place(session) is not None else "There is no map on this slice yet."


def checks_view(session: Session) -> ChecksView:
    """The checks of the map on screen."""
    known, run, place = known_findings(session), session.checking, checked_place(session)
    here = run is not None and run.reading is session.reading and run.place == place
    rows = []
    for name, info in CHECKS.items():
        stage: Stage = "made" if name in known else "not made"
        if run is not None and here and name in run.names[run.done :]:
            stage = "running" if name == run.names[run.done] else "waiting"
        rows.append(CheckRow(info, known.get(name), stage))
    left = [info for name, info in CHECKS.items() if name not in known]
    dims = session.model.card.dims if session.model is not None else 2
    each = estimate(session) if place is not None else None
    return ChecksView(
        tuple(rows),
        _subject(session) if place is not None else "",
        why_no_checks(session),
        len(left),
        None if each is None else each * sum(info.cost(dims) for info in left),
        here,
    )


def _subject(session: Session) -> str:
    assert session.model is not None
    assert session.reading is not None
    method, target = method_of(session), session.target_index
    name = session.model.card.classes[target] if target is not None else ""
    where = "" if session.reading.whole else f"slice {session.view.slice + 1}"
    variant = session.reading.variant
    changes = ["mirrored"] * variant.mirror + [f"crop {variant.crop}"] * (variant.crop != "none")
    changes += ["erased in part"] * bool(variant.erased)
    return " · ".join(word for word in (method.words, method.layer, name, where, *changes) if word)
