"""Whether the open case must be asked about: it is not on an even grid, and something wants to take it for a volume."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from viewer.imaging.resampling import irregular
from viewer.state.session import Session


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
    return irregular(case.image.geometry)


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


def _needed_by(session: Session) -> str:
    if session.model is not None and session.model.card.dims == 3:
        return "a 3D model takes it for an even volume"
    if session.workspace == "volume":
        return "three planes need an even volume"
    return ""
