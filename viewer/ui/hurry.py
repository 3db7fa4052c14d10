"""Whether slices follow each other so quickly that what takes time may wait until the last of them."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

from viewer.state.session import Session

SOON = 0.13
"""Seconds between two slices below which the layers wait: longer than a step of the cine at its usual rate."""


class Hurry(QObject):
    """Watches the shown slice; calls back once it has stayed for a while.

    Parameters
    ----------
    calm : called when the hurry is over.
    """

    def __init__(self, session: Session, calm: Callable[[], None], parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._of: tuple[object, ...] = (None, None, None)
        self._to, self._at = 0, 0.0
        self._calm = QTimer(self)
        self._calm.setSingleShot(True)
        self._calm.setInterval(round(1000 * SOON))
        self._calm.timeout.connect(calm)

    @property
    def waiting(self) -> bool:
        """Whether the callback is still to come."""
        return self._calm.isActive()

    def stop(self) -> None:
        """Call nobody any more."""
        self._calm.stop()

    def look(self) -> bool:
        """Take notice of the shown slice; whether there is a hurry."""
        session, now = self._session, time.monotonic()
        of, index = (session.case, session.model, session.reading), session.view.slice
        same = all(a is b for a, b in zip(of, self._of, strict=True))
        if not same:
            self._calm.stop()
        elif index != self._to and now - self._at < SOON:
            self._calm.start()
        if not same or index != self._to:
            self._of, self._to, self._at = of, index, now
        return self._calm.isActive()
