"""What runs now: how far, how long it will take, and a button that stops it alone."""

from __future__ import annotations

import time

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from viewer.controllers.workbench import Workbench
from viewer.state.running import running, time_left
from viewer.state.session import Work
from viewer.ui import theme
from viewer.ui.attempt import attempt
from viewer.ui.panels.card import Elided, described

_NOTHING = "Nothing runs."


class _Row:
    """One piece of work."""

    def __init__(self, bench: Workbench, name: str) -> None:
        self.words, self.left, self.bar = Elided(), QLabel(), QProgressBar()
        self.stop = QPushButton("Cancel")
        self.left.setObjectName("muted")
        theme.keep(self.left, "setMinimumWidth", 130)
        self.left.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.bar.setTextVisible(False)
        described(self.bar, "Progress", "How far it is.")
        described(self.stop, "Cancel this", "Stop this alone; what is there stays.")
        self.stop.clicked.connect(lambda: attempt(bench, lambda: bench.cancel_one(name)))

    @property
    def widgets(self) -> tuple[QWidget, ...]:
        return self.words, self.bar, self.left, self.stop

    def show_work(self, work: Work, now: float) -> None:
        self.words.set_full(work.name)
        self.bar.setRange(0, work.total)
        self.bar.setValue(work.done)
        count = f"{work.done} / {work.total}" if work.total else ""
        self.left.setText("   ".join(word for word in (count, time_left(work, now)) if word))


class RunningDialog(QDialog):
    """A row for each; looks again twice a second while it is open."""

    def __init__(self, bench: Workbench, parent: QWidget) -> None:
        super().__init__(parent)
        self._bench = bench
        self.rows: dict[str, _Row] = {}
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("What runs")
        body = QVBoxLayout(self)
        body.setContentsMargins(18, 14, 18, 14)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(12)
        self._grid.setColumnStretch(0, 1)
        self._grid.setColumnMinimumWidth(1, 140)
        self.nothing = QLabel(_NOTHING)
        self.nothing.setObjectName("muted")
        body.addWidget(self.nothing)
        body.addLayout(self._grid)
        body.addStretch(1)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        close = buttons.button(QDialogButtonBox.StandardButton.Close)
        described(close, "Close", "Leave the list; the work goes on.")
        body.addWidget(buttons)
        self.resize(min(theme.scaled(620), parent.width() - 40), theme.scaled(180))
        self._clock = QTimer(self)
        self._clock.setInterval(500)
        self._clock.timeout.connect(self.look)
        self._clock.start()
        self.look()

    def look(self) -> None:
        """Show what runs now."""
        found, now = dict(running(self._bench.session)), time.monotonic()
        self.nothing.setVisible(not found)
        for name in [name for name in self.rows if name not in found]:
            for widget in self.rows.pop(name).widgets:
                self._grid.removeWidget(widget)
                widget.hide()
                widget.deleteLater()
        for name, work in found.items():
            if name not in self.rows:
                self.rows[name] = row = _Row(self._bench, name)
                line = self._grid.rowCount()
                for column, widget in enumerate(row.widgets):
                    self._grid.addWidget(widget, line, column)
            self.rows[name].show_work(work, now)
