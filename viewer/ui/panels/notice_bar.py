"""One sentence that waits until it is dismissed; never a dialog."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton

from viewer.controllers.workbench import Workbench
from viewer.state.session import Notice
from viewer.ui.panels.card import Dot, described, restyled
from viewer.ui.privacy import notice_words

_DOT = {"error": "red", "warning": "amber", "note": "accent"}


class NoticeBar(QFrame):
    """Between the top bar and the workspace."""

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self.setObjectName("notice")
        self.setAccessibleName("Notice")
        self._notice: Notice | None = None
        self._bench = bench
        self._words = ""
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
        words = notice_words(notice, self._bench.session) if notice is not None else ""
        if notice is self._notice and words == self._words:
            return
        self._notice, self._words = notice, words
        self.setVisible(notice is not None)
        if notice is not None:
            self.sentence.setText(words)
            self._dot.set_purpose(_DOT[notice.severity])
            self.setProperty("severity", notice.severity)
            restyled(self)
            self.setAccessibleDescription(self.sentence.text())
