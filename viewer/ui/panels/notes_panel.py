"""Words about the open case. Undo and redo are those of the window, so they go through boxes and words alike."""

from __future__ import annotations

from PySide6.QtCore import QEvent
from PySide6.QtGui import QKeyEvent, QKeySequence, QTextCursor
from PySide6.QtWidgets import QPlainTextEdit, QVBoxLayout, QWidget

from viewer.controllers.workbench import Workbench
from viewer.state.session import Session
from viewer.ui.panels.bottom_card import BottomPage
from viewer.ui.panels.card import Elided, described

_HINT = "What you see and what the map says of it. No names: notes are kept with the session."


class _Field(QPlainTextEdit):
    """Plain words, without an undo of its own; a dropped file goes to the window."""

    def __init__(self) -> None:
        super().__init__()
        self.setUndoRedoEnabled(False)
        self.setTabChangesFocus(True)
        self.setAcceptDrops(False)

    def event(self, event: QEvent) -> bool:
        if (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.ShortcutOverride
            and (event.matches(QKeySequence.StandardKey.Undo) or event.matches(QKeySequence.StandardKey.Redo))
        ):
            event.ignore()
            return False
        return super().event(event)


class NotesPanel(BottomPage):
    """One field of text."""

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self._bench = bench
        self.head: QWidget = Elided(_HINT, name="muted")
        self.field = _Field()
        self.field.setPlaceholderText("Notes on this case")
        described(self.field, "Notes", "Notes on the open case; Ctrl+Z takes back what was typed.")
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.addWidget(self.field, 1)
        self.field.textChanged.connect(lambda: bench.noting.write(self.field.toPlainText()))

    def show_session(self, session: Session) -> None:
        """The notes of the open case; what is being typed is there already."""
        self.field.setEnabled(session.case is not None)
        if self.field.toPlainText() != session.notes.text:
            self.field.blockSignals(True)
            self.field.setPlainText(session.notes.text)
            self.field.moveCursor(QTextCursor.MoveOperation.End)
            self.field.blockSignals(False)
