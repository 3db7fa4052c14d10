"""Where the open case can be read again."""

from __future__ import annotations

from viewer.foundation import paths
from viewer.state.reference import Reference
from viewer.state.session import Session


def reference_of(session: Session, when: str = "") -> Reference | None:
    """Where the open case is from; None for one that is still being read, has no path, or is the program's own."""
    case, entry = session.case, session.entry
    if case is None or entry is None or not case.whole:
        return None
    if paths.resources() in entry.contents.path.resolve().parents:
        return None
    original = session.resampled.original if session.resampled is not None else case
    shape = original.image.geometry.shape
    size = (int(shape[0]), int(shape[1]), int(shape[2]))
    return Reference(entry.contents.path.absolute(), entry.info.id, case.title, size, when)
