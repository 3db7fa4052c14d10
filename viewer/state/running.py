"""What runs now, and what has been said in this session."""

from __future__ import annotations

from viewer.state.session import Session, Work

COMPUTING = "computing"
"""Name of the work that touches the network; all other names are those of readers."""


def running(session: Session) -> tuple[tuple[str, Work], ...]:
    """Everything that runs, by the name that it is stopped by; what was begun first stands first."""
    found = list(session.reads.items())
    if session.work is not None and all(session.work is not work for _, work in found):
        found.append((COMPUTING, session.work))
    return tuple(sorted(found, key=lambda one: one[1].started))


def time_left(work: Work, now: float) -> str:
    """``4 s left``; empty where nothing can be said yet.

    Parameters
    ----------
    now : `time.monotonic`, seconds.
    """
    if not (work.total and work.done and now - work.started > 1):
        return ""
    left = (now - work.started) / work.done * (work.total - work.done)
    return f"{left:.0f} s left" if left < 90 else f"{left / 60:.0f} min left"
