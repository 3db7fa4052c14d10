"""Why the label of a case is wrong, in a reviewer's words."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QPlainTextEdit, QVBoxLayout, QWidget

from viewer.controllers.workbench import Workbench
from viewer.state.disputed import disputed_of, line_of_open
from viewer.ui.attempt import attempt
from viewer.ui.panels.card import described


class DisputeDialog(QDialog):
    """A note; an empty one takes the dispute back."""

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bench = bench
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Dispute the label")
        index = line_of_open(bench.session)
        body = QVBoxLayout(self)
        body.setContentsMargins(22, 18, 22, 16)
        body.setSpacing(12)
        about = (
            "the label of this case wrong? The note is kept with the session."
            if index is None
            else f"the label of case {index + 1} wrong? Cases with a disputed label are counted apart."
        )
        words = QLabel(f"Why is {about} Without a note the label is no longer disputed.")
        words.setWordWrap(True)
        words.setMinimumWidth(420)
        self.note = QPlainTextEdit(disputed_of(bench.session))
        described(self.note, "Note", "Why the label is wrong; it is saved with the results.")
        kinds = QDialogButtonBox.StandardButton
        buttons = QDialogButtonBox(kinds.Ok | kinds.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        described(buttons.button(kinds.Ok), "OK", "Keep the note.")
        described(buttons.button(kinds.Cancel), "Cancel", "Leave everything as it is.")
        for widget in (words, self.note, buttons):
            body.addWidget(widget)
        self.note.setFocus()

    def accept(self) -> None:
        """Keep the note."""
        super().accept()
        note = self.note.toPlainText()
        attempt(self._bench, lambda: self._bench.disputing.dispute(note))
