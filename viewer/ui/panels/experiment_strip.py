"""A strip over the image: the experiment that was asked for last, its number in words, and the way to its picture."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton

from viewer.controllers.workbench import Workbench
from viewer.state.experiment import ExperimentOnScreen
from viewer.state.session import Session
from viewer.state.veil import veil
from viewer.ui.panels.card import Dot, Elided, described


class ExperimentStrip(QFrame):
    """One line and three buttons."""

    picture_wanted = Signal()

    def __init__(self, bench: Workbench, act: Callable[[str], None]) -> None:
        super().__init__()
        self.setObjectName("notice")
        self.setProperty("severity", "note")
        self.setAccessibleName("Experiment")
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 4, 4, 4)
        self.sentence = Elided()
        self.picture, self.save = QPushButton("Picture"), QPushButton("Save\u2026")
        self.close_ = QPushButton("Close")
        described(self.picture, "Picture", "Show the picture of the experiment.")
        described(self.save, "Save the picture", "Save it as PDF or PNG.")
        described(self.close_, "Close", "Show the experiment no more; stop it while it is being made.")
        self.picture.clicked.connect(self.picture_wanted)
        self.save.clicked.connect(lambda: act("experiment.save"))
        self.close_.clicked.connect(bench.experiments.close)
        row.addWidget(Dot("accent"))
        row.addWidget(self.sentence, 1)
        for button in (self.picture, self.save, self.close_):
            row.addWidget(button)
        self._shown: ExperimentOnScreen | None = None
        self.hide()

    def show_session(self, session: Session) -> None:
        shown = None if veil(session) else session.experiment
        if shown is self._shown:
            return
        self._shown = shown
        self.setVisible(shown is not None)
        if shown is None:
            return
        words = "being made \u2026" if shown.stage == "running" else shown.sentence
        self.sentence.set_full(f"{shown.title}: {words}")
        self.setAccessibleDescription(self.sentence.full)
        for button in (self.picture, self.save):
            button.setVisible(shown.stage == "ready")
