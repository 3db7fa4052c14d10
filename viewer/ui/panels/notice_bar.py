"""One sentence that waits until it is dismissed, or passes where it is only a note; never a dialog."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton

from viewer.controllers.workbench import Workbench
from viewer.state.session import Notice
from viewer.ui.panels.card import Dot, described, restyled
from viewer.ui.privacy import notice_words

_STAYS = 8000
"""How long a note is there that needs no answer, milliseconds; it is in the list of notices all the same."""
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
        self.show_folder = QPushButton("Show in folder")
        self.show_folder.setObjectName("quiet")
        described(self.show_folder, "Show in folder", "Open the folder that it was saved in.")
        self.show_folder.clicked.connect(self._show_folder)
        row.addWidget(self._dot)
        row.addWidget(self.sentence, 1)
        row.addWidget(self.show_folder)
        row.addWidget(self.dismiss)
        self._passing = QTimer(self)
        self._passing.setSingleShot(True)
        self._passing.setInterval(_STAYS)
        self._passing.timeout.connect(self._pass)
        self.hide()

    def show_notice(self, notice: Notice | None) -> None:
        words = notice_words(notice, self._bench.session) if notice is not None else ""
        if notice is self._notice and words == self._words:
            return
        self._notice, self._words = notice, words
        self._passing.stop()
        self.setVisible(notice is not None)
        if notice is not None:
            self.show_folder.setVisible(notice.saved is not None)
            if notice.severity == "note":
                self._passing.start()
            self.sentence.setText(words)
            self._dot.set_purpose(_DOT[notice.severity])
            self.setProperty("severity", notice.severity)
            restyled(self)
            self.setAccessibleDescription(self.sentence.text())

    def _show_folder(self) -> None:
        if self._notice is not None and self._notice.saved is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._notice.saved.resolve().parent)))

    def _pass(self) -> None:
        """Unless the mouse is on it: it is being read, or about to be clicked."""
        if self.underMouse():
            self._passing.start()
        elif self._notice is not None and self._bench.session.notice is self._notice:
            self._bench.dismiss_notice()
