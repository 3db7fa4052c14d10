"""Keeping what was said: every notice of this session, until it ends; nothing of it reaches a disk."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from viewer.state.session import Notice, Said, Session

MOST = 200
"""Notices that are kept."""


def _now() -> str:
    return datetime.now().astimezone().strftime("%H:%M:%S")


class Noticing:
    """Verbs for the list of notices."""

    def __init__(self, session: Session, now: Callable[[], str] = _now) -> None:
        self._session = session
        self._now = now
        session.events.notice.connect(self._told)

    def clear(self) -> None:
        """Forget what was said."""
        self._session.said = ()

    def _told(self, notice: Notice | None, *_: object) -> None:
        if notice is not None:
            self._session.said = (*self._session.said, Said(notice, self._now()))[-MOST:]
