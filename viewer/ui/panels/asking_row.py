"""An explanation on demand: how long it takes, how far it is, and the buttons that begin, stop and resume it."""

from __future__ import annotations

import time

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from viewer.controllers.workbench import Workbench
from viewer.state.asking import Asking, asking_words
from viewer.state.method import may_deviate, method_of
from viewer.state.session import Session
from viewer.ui import theme
from viewer.ui.attempt import attempt
from viewer.ui.panels.card import Elided, described, keeps_room

_BUTTONS = {"offered": "Compute", "stopped": "Resume", "running": "Cancel", "series": "Cancel"}
_TIPS = {
    "Compute": "Compute the map of this slice; it is kept.",
    "Resume": "Go on where it was stopped.",
    "Cancel": "Stop; what is there stays, and it can go on later.",
}
_AT_HAND = "from the one pass, without waiting"
"""Of an explainer whose maps are there with the slice's trace."""
_HEIGHT = 36


class AskingRow(QWidget):
    """Words and buttons over a bar, for which there is always room: another explainer moves nothing.

    Attributes
    ----------
    deviation : the switch from the map to its deviation; it stands where the panel of explainers puts it.
    """

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self._bench = bench
        self._asking: Asking | None = None
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(3)
        line = QHBoxLayout()
        line.setSpacing(6)
        self.words, self.button, self.bar = Elided(name="muted"), QPushButton("Compute"), QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(6)
        described(self.bar, "Progress of the explanation", "How far the explanation is.")
        described(self.button, "Compute", "Begin the explanation on this slice, go on, or stop it.")
        self.button.clicked.connect(lambda: attempt(bench, self._press))
        keeps_room(self.bar)
        theme.keep(self, "setFixedHeight", _HEIGHT)
        self.deviation, self.series = QCheckBox("Deviation"), QPushButton("Whole series")
        described(
            self.deviation,
            "Show the deviation",
            "Show how much the map varies over its samples in place of the map: an uncertainty, not evidence.",
        )
        described(self.series, "Explain the whole series", "Compute the map of every slice, this one first.")
        self.deviation.clicked.connect(lambda: attempt(bench, bench.explaining.toggle_deviation))
        self.series.clicked.connect(lambda: attempt(bench, bench.explaining.asking.compute_series))
        keeps_room(self.deviation)
        line.addWidget(self.words, 1)
        line.addWidget(self.series)
        line.addWidget(self.button)
        body.addLayout(line)
        body.addWidget(self.bar)
        self._clock = QTimer(self)
        self._clock.setInterval(500)
        self._clock.timeout.connect(self._show_words)
        self._idle = ""
        self.deviation.hide()

    def show_session(self, session: Session) -> None:
        method = method_of(session)
        shown = method.on_demand and session.model is not None and session.case is not None
        reading = session.reading
        whole = reading is not None and reading.whole
        self._asking = session.asking if shown else None
        self._idle = _AT_HAND if reading is not None and not whole and not method.on_demand else ""
        if not shown:
            self._clock.stop()
            for widget in (self.bar, self.button, self.deviation, self.series):
                widget.hide()
            self._show_words()
            return
        asking = self._asking
        stage = asking.stage if asking is not None else ""
        moving = stage in ("running", "series")
        self.bar.setVisible(moving)
        if asking is not None:
            self.bar.setRange(0, max(asking.total, 1))
            self.bar.setValue(asking.done)
        name = _BUTTONS.get(stage, "")
        self.button.setVisible(bool(name))
        if name and name != self.button.text():
            self.button.setText(name)
        if name:
            described(self.button, f"{name} the explanation", _TIPS[name])
        deviates = may_deviate(method.info)
        self.deviation.setVisible(deviates and stage not in ("running", "offered", "refused"))
        if self.deviation.isChecked() != method.deviation:
            self.deviation.setChecked(method.deviation)
        several = session.case is not None and session.case.slices > 1 and not whole
        self.series.setVisible(several and stage not in ("running", "series", "refused"))
        if moving and not self._clock.isActive():
            self._clock.start()
        elif not moving:
            self._clock.stop()
        self._show_words()

    def _show_words(self) -> None:
        asking = self._asking
        self.words.set_full(asking_words(asking, time.monotonic()) if asking is not None else self._idle)

    def _press(self) -> None:
        asking = self._bench.session.asking
        if asking is None:
            return
        if asking.stage in ("running", "series"):
            self._bench.explaining.asking.cancel()
        else:
            self._bench.explaining.asking.compute()
