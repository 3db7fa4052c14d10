"""When an action can be done: questions to the state alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from viewer.state.findings_view import may_be_together
from viewer.state.method import has_segments, is_segmentation, method_of
from viewer.state.session import Session
from viewer.state.veil import veil


def has_case(session: Session) -> bool:
    return session.case is not None


def has_slices(session: Session) -> bool:
    return session.case is not None and session.case.slices > 1


def has_model(session: Session) -> bool:
    return session.case is not None and session.model is not None


def has_map(session: Session) -> bool:
    reading = session.reading
    return reading is not None and session.view.slice in reading.filled and not veil(session)


def is_open_to_see(session: Session) -> bool:
    """Whether a case is there and nothing of it is hidden from a class."""
    return session.case is not None and not veil(session)


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
    several = session.opened is not None and len(session.opened.entries) > 1
    return several and not veil(session)


def has_selected_box(session: Session) -> bool:
    return session.boxes.selected is not None


def has_selection(session: Session) -> bool:
    return has_selected_box(session) or session.rulers.selected is not None


def is_at_work(session: Session) -> bool:
    """Whether Escape has something to leave."""
    view = session.view
    return view.drawing or view.erasing or session.rulers.drawing or has_selection(session)


def has_erased(session: Session) -> bool:
    return bool(session.choice.erased)


def is_grey(session: Session) -> bool:
    return session.case is not None and not session.case.image.colour


def _without_case(session: Session, otherwise: str) -> str:
    return "No image is open." if session.case is None else otherwise


def _without_model(session: Session, otherwise: str) -> str:
    return _without_case(session, "No model is loaded." if session.model is None else otherwise)


def voting(session: Session) -> str:
    """Why what would show the answer cannot be done while a class votes, a sentence; empty otherwise."""
    return "The class is voting: reveal the answer first." if veil(session) else ""


REASONS: Mapping[Callable[[Session], bool], Callable[[Session], str]] = {
    has_case: lambda s: _without_case(s, ""),
    has_slices: lambda s: _without_case(s, "The image has only one slice."),
    has_model: lambda s: _without_model(s, ""),
    has_map: lambda s: _without_model(s, voting(s) or "This slice has not been explained yet."),
    is_open_to_see: lambda s: _without_case(s, voting(s)),
    has_segments: lambda s: _without_model(s, "This map is not made of segments."),
    has_layers: lambda s: _without_model(s, "This explainer looks at the input and needs no layer."),
    can_compute: lambda s: _without_model(s, "Nothing waits to be computed on this slice."),
    is_segmenting: lambda s: _without_model(s, "The model is no segmentation network."),
    has_volumes: lambda s: _without_case(s, "The series has only one volume."),
    has_several_series: lambda s: _without_case(s, voting(s) or "Only one series is open."),
    has_selection: lambda s: _without_case(s, "No box or line is selected."),
    is_at_work: lambda s: _without_case(s, "Nothing is being drawn and nothing is selected."),
    has_selected_box: lambda s: _without_case(s, "No box is selected."),
    has_erased: lambda s: _without_case(s, "Nothing is erased."),
    may_be_together: lambda s: _without_model(s, "The classes of the model exclude each other."),
    is_grey: lambda s: _without_case(s, "The image is in colour."),
}
"""Why a condition does not hold, in a sentence, asked only where it does not."""
