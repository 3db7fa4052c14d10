"""May I read this map? One line above the image, coloured by the answer; no green, which would reassure."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from viewer.state.canvas_view import CanvasView
from viewer.state.may_read import Answer
from viewer.state.veil import WORDS
from viewer.ui import theme
from viewer.ui.panels.card import ElidedTwice

HEADS: dict[Answer, tuple[str, str]] = {
    "no": ("Do not read this map", "red"),
    "with care": ("Read with care", "amber"),
    "yes": ("Readable", "text"),
}


class MayReadLine(QWidget):
    """A word in a frame, then the reasons."""

    def __init__(self) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(2, 0, 2, 0)
        row.setSpacing(8)
        self._head, self._reasons = QLabel(), ElidedTwice()
        row.addWidget(self._head, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self._reasons, 1)
        self.setAccessibleName("May I read this map?")

    @property
    def text(self) -> str:
        return ": ".join(filter(None, (self._head.text(), self._reasons.full)))

    def show_canvas(self, view: CanvasView | None) -> None:
        """The verdict on the shown map, or why there is none."""
        if view is None:
            head, purpose, reasons = "", "muted", ""
        elif view.findings is not None:
            verdict = view.findings.verdict
            head, purpose = HEADS[verdict.answer]
            reasons = "; ".join(verdict.reasons)
        elif view.map is None and view.waiting == WORDS:
            head, purpose, reasons = "", "muted", f"Whether a map may be read is {WORDS}."
        elif view.map is None:
            head, purpose, reasons = "No map", "muted", view.waiting
        else:
            head, purpose = HEADS[view.map.may_read.answer]
            reasons = "; ".join(view.map.may_read.reasons)
        shade = getattr(theme.current(), purpose)
        style = f"color: {shade}; border: 1px solid {shade}; border-radius: 5px; padding: 1px 7px; font-weight: 600;"
        if self._head.styleSheet() != style:
            self._head.setStyleSheet(style)
        self._head.setVisible(bool(head))
        self._head.setText(head)
        self._reasons.set_full(reasons)
        self.setToolTip(self.text)
        self.setAccessibleDescription(self.toolTip())
