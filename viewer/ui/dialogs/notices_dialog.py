"""Everything that was said in this session, and its details for whoever is asked for help."""

from __future__ import annotations

import platform
import sys

from PySide6.QtCore import Qt, qVersion
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from viewer.controllers.workbench import Workbench
from viewer.foundation.provenance import program_version
from viewer.state.session import Said, Session
from viewer.ui import theme
from viewer.ui.panels.card import described
from viewer.ui.privacy import notice_words

_PURPOSE = {"error": "red", "warning": "amber", "note": "text"}


class NoticesDialog(QDialog):
    """The latest first."""

    def __init__(self, bench: Workbench, parent: QWidget) -> None:
        super().__init__(parent)
        self._bench = bench
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Notices of this session")
        self.list, self.nothing = QListWidget(), QLabel("Nothing has been said.")
        self.list.setWordWrap(True)
        self.nothing.setObjectName("muted")
        described(self.list, "Notices", "What was said, the latest first.")
        self.copy, self.clear, self.done_ = (QPushButton(t) for t in ("Copy details", "Clear", "Close"))
        for button, tip in (
            (self.copy, "Put them and what this computer is on the clipboard, without patients and paths."),
            (self.clear, "Forget what was said."),
            (self.done_, "Leave the list."),
        ):
            described(button, button.text(), tip)
            button.setAutoDefault(False)
        row = QHBoxLayout()
        row.addWidget(self.copy)
        row.addWidget(self.clear)
        row.addStretch(1)
        row.addWidget(self.done_)
        body = QVBoxLayout(self)
        body.setContentsMargins(18, 14, 18, 14)
        body.addWidget(self.nothing)
        body.addWidget(self.list, 1)
        body.addLayout(row)
        self.copy.clicked.connect(lambda: QApplication.clipboard().setText(details(bench.session)))
        self.clear.clicked.connect(bench.noticing.clear)
        self.done_.clicked.connect(self.accept)
        bench.session.events.said.connect(self._fill)
        bench.session.events.phi_hidden.connect(self._fill)
        self.finished.connect(self._leave)
        self.resize(min(theme.scaled(640), parent.width() - 40), min(theme.scaled(420), parent.height() - 60))
        self._fill()

    def _leave(self, *_: object) -> None:
        self._bench.session.events.said.disconnect(self._fill)
        self._bench.session.events.phi_hidden.disconnect(self._fill)

    def _fill(self, *_: object) -> None:
        session = self._bench.session
        self.list.clear()
        for said in reversed(session.said):
            item = QListWidgetItem(f"{said.when}   {notice_words(said.notice, session)}")
            item.setForeground(theme.colour(_PURPOSE[said.notice.severity]))
            self.list.addItem(item)
        self.nothing.setVisible(not session.said)
        self.list.setVisible(bool(session.said))
        self.clear.setEnabled(bool(session.said))


def details(session: Session) -> str:
    """What was said and where it happened, without patients, names of files and paths, whatever is shown on screen."""
    torch = sys.modules.get("torch")
    lines = [
        f"WhySlice {program_version()}",
        f"Python {platform.python_version()}, Qt {qVersion()}, {platform.system()} {platform.machine()}",
        f"torch {getattr(torch, '__version__', 'not loaded')}",
    ]
    if session.model is not None:
        lines.append(f"model {session.model.card.id} on {session.model.device}")
    lines += [_line(said, session) for said in session.said]
    return "\n".join(lines) + "\n"


def _line(said: Said, session: Session) -> str:
    return f"{said.when} {said.notice.severity}: {notice_words(said.notice, session, hidden=True)}"
