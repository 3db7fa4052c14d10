"""Whether a reviewer holds the label of the open case to be wrong: in the table of its cohort, else in his notes."""

from __future__ import annotations

import os

from viewer.state.session import Session
from viewer.state.veil import veil


def line_of_open(session: Session) -> int | None:
    """Which line of the cohort the open case is; None where it is none of them."""
    cohort, case = session.cohort, session.case
    if cohort is None or case is None or cohort.current is None:
        return None
    file = cohort.lines[cohort.current].image.file
    same = os.path.realpath(case.image.source.path) == os.path.realpath(file)
    return cohort.current if same else None


def disputed_of(session: Session) -> str:
    """Why the label of the open case is held to be wrong; empty where it is not."""
    index = line_of_open(session)
    if index is None or session.cohort is None:
        return session.notes.disputed
    return session.cohort.lines[index].disputed


def why_no_dispute(session: Session) -> str:
    """Why the label of the open case cannot be disputed, a sentence; empty where it can."""
    if session.case is None:
        return "No image is open."
    if veil(session):
        return "The lesson has not revealed the answer yet."
    if session.case.truth is None and line_of_open(session) is None:
        return (
            "Nothing is known of this image that could be disputed: load its truth, or open it from a cohort."
        )
    return ""
