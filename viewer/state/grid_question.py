"""Whether the open case must be asked about: it is not on an even grid, and something wants to take it for a volume."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from viewer.imaging.geometry import Geometry
from viewer.imaging.resampling import irregular
from viewer.state.case import Judgement
from viewer.state.session import Session

_VOLUMES = 3


@dataclass(frozen=True)
class GridQuestion:
    """The strip over the image.

    Attributes
    ----------
    sentence : what is uneven, and for whom it matters; or what is being looked at.
    state : ``asked``, or ``preview`` while the resampled image is only looked at.
    """

    sentence: str
    state: Literal["asked", "preview"]


def uneven(session: Session) -> tuple[str, ...]:
    """What keeps the open case from being an even grid, as clauses; empty for an even one and while it is read."""
    case = session.case
    if case is None or not case.whole or case.slices < 2:
        return ()
    return _clauses(case.image.geometry)


@lru_cache(maxsize=8)
def _clauses(geometry: Geometry) -> tuple[str, ...]:
    """Remembered, because every turn of the window asks; a geometry is never altered."""
    return tuple(irregular(geometry))


def grid_question(session: Session) -> GridQuestion | None:
    """What to ask about the grid; None where it is even, nobody needs it to be, or the user has decided."""
    if session.resampled is not None:
        if session.resampled.kept:
            return None
        return GridQuestion("You are looking at the resampled volume. Keep it?", "preview")
    if session.grid_as_it_is:
        return None
    why = _needed_by(session)
    clauses = uneven(session) if why else ()
    if not clauses:
        return None
    joined = " and ".join(clauses)
    return GridQuestion(f"{joined[:1].upper()}{joined[1:]}; {why}.", "asked")


def grid_alone(session: Session) -> bool:
    """Whether the uneven grid is all that a network of volumes has against the open case: the strip asks then."""
    judgement = session.judgement
    return (
        judgement is not None
        and not judgement.may_run
        and len(judgement.applicability.reasons) == 1
        and reads_volumes(session)
        and bool(uneven(session))
    )


def model_question(session: Session) -> Judgement | None:
    """What the panel over the image asks about the model, unless the strip asks it already: one question each."""
    if grid_alone(session) and grid_question(session) is not None:
        return None
    return session.judgement


def reads_volumes(session: Session) -> bool:
    """Whether the model takes the open case for one volume."""
    return session.model is not None and session.model.card.dims == _VOLUMES


def _needed_by(session: Session) -> str:
    if reads_volumes(session):
        # With other reasons beside it the panel asks, and names the grid among them.
        return "a 3D model takes it for an even volume" if grid_alone(session) else ""
    if session.workspace == "volume":
        return "the three planes are resampled for display, the case itself is not"
    return ""
