"""When an action can be done: questions to the state alone."""

from __future__ import annotations

from viewer.state.method import is_segmentation, method_of
from viewer.state.session import Session


def has_case(session: Session) -> bool:
    return session.case is not None


def has_slices(session: Session) -> bool:
    return session.case is not None and session.case.slices > 1


def has_model(session: Session) -> bool:
    return session.case is not None and session.model is not None


def has_map(session: Session) -> bool:
    return session.reading is not None and session.view.slice in session.reading.filled


def has_layers(session: Session) -> bool:
    """Whether a layer can be chosen: some explainers look at the input."""
    return has_model(session) and method_of(session).info.needs_layer


def can_compute(session: Session) -> bool:
    return session.asking is not None and session.asking.stage in ("offered", "stopped")


def is_segmenting(session: Session) -> bool:
    return has_model(session) and is_segmentation(session)


def has_volumes(session: Session) -> bool:
    return session.volumes > 0


def has_several_series(session: Session) -> bool:
    return session.opened is not None and len(session.opened.entries) > 1


def has_selected_box(session: Session) -> bool:
    return session.boxes.selected is not None


def has_selection(session: Session) -> bool:
    return has_selected_box(session) or session.rulers.selected is not None


def is_at_work(session: Session) -> bool:
    """Whether Escape has something to leave."""
    return session.view.drawing or session.rulers.drawing or has_selection(session)


def is_grey(session: Session) -> bool:
    return session.case is not None and not session.case.image.colour
