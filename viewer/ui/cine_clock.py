"""The clock of the cine: the next picture follows when the last one is painted; whatever the user does stops it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QWidget

from viewer.controllers.workbench import Workbench
from viewer.ui.attempt import attempt

_STOPS = frozenset(
    {QEvent.Type.MouseButtonPress, QEvent.Type.Wheel, QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress}
)
_OWN_KEYS = frozenset(
    {Qt.Key.Key_C, Qt.Key.Key_Plus, Qt.Key.Key_Minus, Qt.Key.Key_Equal, Qt.Key.Key_Underscore}
)
"""Start and stop, faster, slower: these mean the cine itself."""
_HELD = frozenset({Qt.Key.Key_Shift, Qt.Key.Key_Control, Qt.Key.Key_Alt, Qt.Key.Key_Meta, Qt.Key.Key_AltGr})


class CineClock(QObject):
    """Steps the cine of a window while it plays."""

    def __init__(self, bench: Workbench, window: QWidget) -> None:
        super().__init__(window)
        self._bench = bench
        self._window = window
        self._timer = QTimer(self)
        # One shot at a time: a slow picture delays the next one, and no queue of steps ever holds the window up.
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._step)
        self._listening = False

    def follow(self) -> None:
        """Start, go on or stop as the state says; called after every refresh of the window."""
        playing = self._bench.session.cine.playing
        if playing != self._listening:
            self._listening = playing
            app = QApplication.instance()
            if app is not None:
                (app.installEventFilter if playing else app.removeEventFilter)(self)
        if not playing:
            self._timer.stop()
        elif not self._timer.isActive():
            self._timer.start(round(1000 / self._bench.session.cine.rate))

    def _step(self) -> None:
        attempt(self._bench, self._bench.playing.step)
        # Where nothing changed (one slice arrived so far) no refresh follows that would ask for the next step.
        if self._bench.session.cine.playing and not self._timer.isActive():
            self._timer.start(round(1000 / self._bench.session.cine.rate))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in _STOPS and isinstance(watched, QWidget) and self._stops(event):
            self._bench.playing.stop()
        return False

    def _stops(self, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent):
            return Qt.Key(event.key()) not in _OWN_KEYS | _HELD
        return True
