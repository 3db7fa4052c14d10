"""While a series is being read: which slices are there, how long the rest will take, and a way to stop."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt, QTimer
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QWidget

from viewer.controllers.workbench import Workbench
from viewer.state.case import Case
from viewer.state.session import Session, Work
from viewer.ui import theme
from viewer.ui.panels.card import Elided, described
from viewer.ui.panels.status_line import words_of


class ArrivedSlices(QWidget):
    """One cell a slice, filled when it is there; a click goes to it."""

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self._bench = bench
        self._there: NDArray[np.bool_] = np.zeros(0, dtype=bool)
        self._current = 0
        self.setFixedSize(120, 14)
        described(
            self, "Slices that have been read", "Filled where a slice can be shown; a click goes to it."
        )

    def show_case(self, case: Case, current: int) -> None:
        self._there = np.array([case.has(index) for index in range(case.slices)])
        self._current = current
        self.setAccessibleDescription(f"{int(self._there.sum())} of {case.slices} slices")
        self.update()

    @property
    def there(self) -> int:
        """Slices that can be shown."""
        return int(self._there.sum())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(QRectF(0, 4, self.width(), 6), theme.colour("raised"))
        if not len(self._there):
            return
        edges = np.flatnonzero(np.diff(np.r_[False, self._there, False].astype(np.int8)))
        step = self.width() / len(self._there)
        for start, end in zip(edges[::2], edges[1::2], strict=True):
            painter.fillRect(
                QRectF(float(start) * step, 4, float(end - start) * step, 6), theme.colour("accent")
            )
        painter.fillRect(QRectF((self._current + 0.5) * step - 1, 0, 2, 14), theme.colour("text"))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and len(self._there):
            index = int(event.position().x() / max(self.width(), 1) * len(self._there))
            self._bench.viewing.select_slice(index)


class ArrivingRow(QWidget):
    """In the line under the image, for as long as only a part of it is there."""

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self.setAccessibleName("Reading the series")
        row = QHBoxLayout(self)
        row.setContentsMargins(2, 0, 2, 0)
        row.setSpacing(10)
        self.slices, self.words, self.stop = ArrivedSlices(bench), Elided(name="muted"), QPushButton("Cancel")
        self.words.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme.keep(self.words, "setFixedWidth", 190)
        self.stop.setObjectName("quiet")
        described(self.stop, "Cancel", "Stop reading; the case that was open before comes back.")
        self.stop.clicked.connect(bench.opening.cancel)
        row.addWidget(self.slices)
        row.addWidget(self.words)
        row.addWidget(self.stop)
        self._work: Work | None = None
        self._clock = QTimer(self)
        self._clock.setInterval(500)
        self._clock.timeout.connect(self._show_time)
        self.hide()

    def show_session(self, session: Session) -> None:
        case = session.case
        arriving = case is not None and not case.whole
        self.setVisible(arriving)
        if case is None or not arriving:
            self._clock.stop()
            return
        self._work = session.work
        self.slices.show_case(case, session.view.slice)
        self._show_time()
        self._clock.start()

    def _show_time(self) -> None:
        if self._work is not None:
            self.words.set_full(words_of(self._work, time.monotonic()))
