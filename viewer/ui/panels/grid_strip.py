"""A strip over the image where its slices are tilted, missing or uneven and something takes it for a volume."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton

from viewer.controllers.workbench import Workbench
from viewer.state.grid_question import grid_question
from viewer.state.session import Session
from viewer.ui.attempt import attempt
from viewer.ui.panels.card import Dot, described


class GridStrip(QFrame):
    """Asks once; then shows what it would be, to be kept or given back."""

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self.setObjectName("notice")
        self.setProperty("severity", "warning")
        self.setAccessibleName("The slices are uneven")
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 4, 4, 4)
        self.sentence = QLabel()
        self.sentence.setWordWrap(True)
        row.addWidget(Dot("amber"))
        row.addWidget(self.sentence, 1)
        self.resample = self._button(
            bench, "Resample…", "Show the series on an even grid, to be looked at first.", bench.grid.resample
        )
        self.as_it_is = self._button(
            bench, "Use it as it is", "Go on with the slices as they are.", bench.grid.use_as_it_is
        )
        self.keep = self._button(bench, "Keep", "Go on with the resampled volume.", bench.grid.keep)
        self.undo = self._button(bench, "Undo", "Bring the original back.", bench.grid.undo)
        for button in (self.resample, self.as_it_is, self.keep, self.undo):
            row.addWidget(button)
        self.hide()

    def _button(self, bench: Workbench, text: str, tip: str, verb: object) -> QPushButton:
        assert callable(verb)
        button = QPushButton(text)
        described(button, text, tip)
        button.clicked.connect(lambda: attempt(bench, verb))
        return button

    def show_session(self, session: Session) -> None:
        question = grid_question(session)
        self.setVisible(question is not None)
        if question is None:
            return
        if question.sentence != self.sentence.text():
            self.sentence.setText(question.sentence)
            self.setAccessibleDescription(question.sentence)
        asked = question.state == "asked"
        for button, wanted in (
            (self.resample, asked),
            (self.as_it_is, asked),
            (self.keep, not asked),
            (self.undo, not asked),
        ):
            button.setVisible(wanted)
