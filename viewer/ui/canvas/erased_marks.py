"""What was erased from the network's input, hatched on the patient, who stays as he is."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen

from viewer.imaging.erasure import Erasure
from viewer.ui import theme
from viewer.ui.canvas.marks import outlined, small_font
from viewer.ui.canvas.picture_view import PictureView


class ErasedMarks:
    """A hatched box with its word for everything that is erased on the shown slice."""

    def __init__(self) -> None:
        self.erased: tuple[Erasure, ...] = ()

    def __call__(self, painter: QPainter, view: PictureView) -> None:
        font = small_font(painter)
        painter.setFont(font)
        for each in self.erased:
            corners = (
                view.to_screen(each.column_min, each.row_min),
                view.to_screen(each.column_max, each.row_max),
            )
            rect = QRectF(*corners).normalized()
            painter.setPen(QPen(QColor(0, 0, 0, 170), 3.4))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(rect)
            painter.setPen(QPen(theme.colour("letter"), 1.4, Qt.PenStyle.DashDotLine))
            painter.setBrush(QBrush(theme.colour("letter", 0.45), Qt.BrushStyle.BDiagPattern))
            painter.drawRect(rect)
            word = f"ERASED: {each.fill.upper()}"
            at = QPointF(rect.left(), rect.top() - 4)
            if at.y() - painter.fontMetrics().ascent() < 0:
                at = QPointF(rect.left(), rect.bottom() + painter.fontMetrics().ascent() + 2)
            across = painter.fontMetrics().horizontalAdvance(word)
            at.setX(max(min(at.x(), view.width() - across - 4.0), 4.0))
            outlined(painter, at, word, theme.colour("letter"), font)
