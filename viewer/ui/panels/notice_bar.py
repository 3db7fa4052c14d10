"""One sentence that waits until it is dismissed; never a dialog."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton

from viewer.controllers.workbench import Workbench
from viewer.state.session import Notice
from viewer.ui.panels.card import Dot, described

_DOT = {"error": "red", "warning": "amber", "note": "accent"}


class NoticeBar(QFrame):
    """Between the top bar and the workspace."""

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self.setObjectName("notice")
        self.setAccessibleName("Notice")
        self._notice: Notice | None = None
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 4, 4, 4)
        self._dot, self.sentence = Dot("red"), QLabel()
        self.sentence.setTextFormat(Qt.TextFormat.PlainText)
        self.sentence.setWordWrap(True)
        self.sentence.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.dismiss = QPushButton("Dismiss")
        self.dismiss.setObjectName("quiet")
        described(self.dismiss, "Dismiss the notice", "Take this sentence away.")
        self.dismiss.clicked.connect(bench.dismiss_notice)
        row.addWidget(self._dot)
        row.addWidget(self.sentence, 1)
        row.addWidget(self.dismiss)
        self.hide()

    def show_notice(self, notice: Notice | None) -> None:
        if notice is self._notice:
            return
        self._notice = notice
        self.setVisible(notice is not None)
        if notice is not None:
            self.sentence.setText(f"{notice.sentence} {notice.action}".strip())
            self._dot.set_purpose(_DOT[notice.severity])
            self.setProperty("severity", notice.severity)
            self.style().unpolish(self)
            self.style().polish(self)
            self.setAccessibleDescription(self.sentence.text())
