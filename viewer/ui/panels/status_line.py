"""The last line: what runs, where it runs, how much memory the maps take."""

from __future__ import annotations

import time

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QSizePolicy, QWidget

from viewer.actions.keys import key_of
from viewer.controllers.workbench import Workbench
from viewer.state.running import time_left
from viewer.state.session import Session, Work
from viewer.ui import theme
from viewer.ui.key_words import key_words
from viewer.ui.panels.card import Elided, described

_MEGABYTE = 1 << 20


class StatusLine(QWidget):
    """Hint, memory, device, progress, cancel."""

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        self._hint = Elided(name="muted")
        self._text, self._memory, self._device = Elided(name="muted"), QLabel(), QLabel()
        self._bar, self._stop = QProgressBar(), QPushButton("Cancel")
        self._bar.setTextVisible(False)
        self._bar.setFixedWidth(150)
        self._text.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme.keep(self._text, "setFixedWidth", 250)
        self._text.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        for label in (self._memory, self._device):
            label.setObjectName("muted")
        described(self._bar, "Progress", "How far the background work is.")
        described(self._stop, "Cancel", "Stop the background work; what is there stays.")
        described(self._memory, "Memory of the maps", "Maps kept in memory, of the budget for them.")
        described(self._device, "Device", "Where the model runs.")
        self._stop.clicked.connect(bench.cancel)
        row.addWidget(self._hint, 1)
        for widget in (self._text, self._bar, self._stop, self._memory, self._device):
            row.addWidget(widget)
        theme.keep(
            self._memory, "setMinimumWidth", 118
        )  # more digits must not push the button that is aimed at
        theme.keep(self, "setMinimumHeight", 28)
        self._work: Work | None = None
        self._clock = QTimer(self)
        self._clock.setInterval(500)
        self._clock.timeout.connect(self._show_work)
        self._show_work()

    def show_session(self, session: Session) -> None:
        used, budget = session.atlas_bytes / _MEGABYTE, session.atlas_budget / _MEGABYTE
        _put(self._memory, f"maps {used:.0f} of {budget:.0f} MB" if session.reading is not None else "")
        _put(self._device, f"runs on {session.model.device}" if session.model is not None else "")
        if session.view.drawing:
            self._hint.set_full("Drag on the image to draw a box; Esc leaves")
        elif session.rulers.drawing:
            self._hint.set_full("Drag on the image to measure a distance; Esc leaves")
        elif session.cine.playing:
            self._hint.set_full(
                f"Cine, {session.cine.rate:.0f} a second; + faster, - slower, anything else stops it"
            )
        elif session.case is not None:
            keys = ((key_of(session, "boxes.draw"), "box"), (key_of(session, "boxes.measure"), "distance"))
            own = "".join(f" · {key_words(key)}: {words}" for key, words in keys if key)
            many = session.workspace in ("layers", "compare")
            own, zoom = "" if many else own, "size of the tiles" if session.workspace == "layers" else "zoom"
            self._hint.set_full(
                f"Wheel: slice · Ctrl+wheel: {zoom} · Shift+wheel: opacity · Space: hide map{own}"
            )
        else:
            self._hint.set_full("Drop a file or a folder on the window to open it")
        if session.work is not self._work:
            self._work = session.work
            self._show_work()

    def _show_work(self) -> None:
        work = self._work
        for widget in (self._text, self._bar, self._stop):
            widget.setVisible(work is not None)
        if work is None:
            self._clock.stop()
            return
        self._clock.start()
        self._bar.setRange(0, work.total)
        self._bar.setValue(work.done)
        self._text.set_full(words_of(work, time.monotonic()))


def words_of(work: Work, now: float) -> str:
    """What runs, how far, and how long it will take."""
    words = work.name
    if work.total:
        words += f"  {work.done} / {work.total}"
    if left := time_left(work, now):
        words += f"  {left}"
    return words


def _put(label: QLabel, text: str) -> None:
    if label.text() != text:
        label.setText(text)
