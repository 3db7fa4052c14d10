"""Word that long work has ended, for whoever has gone to another window meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication, QSystemTrayIcon, QWidget

from viewer.foundation import paths
from viewer.state.running import running
from viewer.state.session import Session

LONG = 10.0
"""Work that took less is not worth a word, seconds."""


class Notifier(QObject):
    """Follows what runs; marks the window in the task bar and, where the system has a place for it, says a sentence.

    Parameters
    ----------
    tell : says the sentence; the system's own way by default.
    """

    def __init__(
        self,
        window: QWidget,
        tell: Callable[[str], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._tell = tell or self._by_the_system
        self._clock = clock
        self._begun: float | None = None
        self._name = ""
        self._icon: QSystemTrayIcon | None = None

    def follow(self, session: Session) -> None:
        """Called after each change of the state."""
        works = running(session)
        if works:
            if self._begun is None:
                self._begun = self._clock()
            self._name = works[0][1].name
        elif self._begun is not None:
            took, self._begun = self._clock() - self._begun, None
            if took >= LONG and not self._window.isActiveWindow():
                self._tell(f"Done: {self._name}")

    def _by_the_system(self, sentence: str) -> None:
        QApplication.alert(self._window)
        if not QSystemTrayIcon.isSystemTrayAvailable():
            return
        if self._icon is None:
            icon = QIcon(str(paths.resources() / "icons" / "whyslice.svg"))
            self._icon = QSystemTrayIcon(icon, self)
            self._icon.messageClicked.connect(self._window.activateWindow)
        self._icon.show()
        self._icon.showMessage("WhySlice", sentence)
