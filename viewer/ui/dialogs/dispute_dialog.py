"""Why the label of a case is wrong, in a reviewer's words."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QPlainTextEdit, QVBoxLayout, QWidget

from viewer.controllers.workbench import Workbench
from viewer.ui.attempt import attempt
from viewer.ui.panels.card import described


class DisputeDialog(QDialog):
    """A note; an empty one takes the dispute back."""

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bench = bench
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Dispute the label")
        cohort = bench.session.cohort
        self._index = None if cohort is None else cohort.current
        known = "" if cohort is None or self._index is None else cohort.lines[self._index].disputed
        body = QVBoxLayout(self)
        body.setContentsMargins(22, 18, 22, 16)
        body.setSpacing(12)
        number = "" if self._index is None else f" of case {self._index + 1}"
        words = QLabel(
            f"Why is the label{number} wrong? Cases with a disputed label are counted apart. Without a note the label "
            "is no longer disputed."
        )
        words.setWordWrap(True)
        words.setMinimumWidth(420)
        self.note = QPlainTextEdit(known)
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
        index, note = self._index, self.note.toPlainText()
        if index is not None:
            attempt(self._bench, lambda: self._bench.cohorts.dispute(index, note))
