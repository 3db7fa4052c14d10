"""A strip that asks whether the last session shall come back; whoever goes on working has answered."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton

from viewer.controllers.workbench import Workbench
from viewer.state.session import Session
from viewer.ui.attempt import attempt
from viewer.ui.panels.card import Dot, Elided, described


class RestoreStrip(QFrame):
    """One line and two buttons."""

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self.setObjectName("notice")
        self.setProperty("severity", "note")
        self.setAccessibleName("The last session")
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 4, 4, 4)
        self.sentence = Elided()
        self.restore, self.later = QPushButton("Restore"), QPushButton("Not now")
        described(
            self.restore, "Restore the last session", "Open its case again, with boxes, notes and view."
        )
        described(self.later, "Not now", "Leave it; the menu Case still has it.")
        self.restore.clicked.connect(lambda: attempt(bench, bench.keeping.restore))
        self.later.clicked.connect(bench.keeping.dismiss)
        row.addWidget(Dot("accent"))
        row.addWidget(self.sentence, 1)
        row.addWidget(self.restore)
        row.addWidget(self.later)
        self.hide()

    def show_session(self, session: Session) -> None:
        asked = session.restore_asked and bool(session.kept)
        self.setVisible(asked)
        if asked:
            words = session.kept[0].words(hidden=session.phi_hidden)
            self.sentence.set_full(f"Go on where you were?  {words}")
            self.setAccessibleDescription(self.sentence.full)
