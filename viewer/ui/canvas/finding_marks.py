"""The legend of several findings on one picture, and the number of each where its map is largest."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from viewer.state.findings_view import FindingMap, FindingsView, legend_head, legend_words
from viewer.ui import theme
from viewer.ui.canvas.marks import small_font
from viewer.ui.canvas.picture_view import PictureView

_PAD = 6.0
_SWATCH = 12.0
_TAG = 15.0


class FindingMarks:
    """Draws what the colours mean. Numbers say the same to whoever does not tell the colours apart."""

    def __init__(self) -> None:
        self.view: FindingsView | None = None
        self.maps_visible = True

    def __call__(self, painter: QPainter, view: PictureView) -> None:
        if self.view is None:
            return
        font = small_font(painter)
        font.setBold(True)
        painter.setFont(font)
        if self.maps_visible:
            for entry in self.view.drawn:
                self._tag(painter, view, entry)
        self._legend(painter, view, self.view)

    def _tag(self, painter: QPainter, view: PictureView, entry: FindingMap) -> None:
        if entry.peak is None:
            return
        row, column = entry.peak
        at = view.to_screen(column, row)
        place = QRectF(at.x() - _TAG / 2, at.y() - _TAG / 2, _TAG, _TAG)
        painter.setPen(QPen(QColor(entry.colour), 1.5))
        painter.setBrush(QColor(12, 14, 18, 215))
        painter.drawEllipse(place)
        painter.setPen(theme.DARK_TEXT)
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, str(entry.number))

    def _legend(self, painter: QPainter, view: PictureView, found: FindingsView) -> None:
        metrics = painter.fontMetrics()
        lines = [(entry, legend_words(entry)) for entry in found.entries]
        head = legend_head(found)
        high = metrics.height() + 3.0
        wide = max(metrics.horizontalAdvance(words) for words in (head, *(text for _, text in lines)))
        width, height = wide + 3 * _PAD + _SWATCH + 4, high * (len(lines) + 1) + 2 * _PAD
        screen = view.rect()
        # Below the picture stands the letter of its lower side.
        bottom = screen.bottom() - max(_PAD, view.margin)
        place = QRectF(screen.right() - width - _PAD, bottom - height, width, height)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(12, 14, 18, 200))
        painter.drawRoundedRect(place, 4, 4)
        painter.setPen(theme.DARK_MUTED)
        base = place.top() + _PAD + metrics.ascent()
        painter.drawText(QPointF(place.left() + _PAD, base), head)
        for number, (entry, text) in enumerate(lines, start=1):
            y = base + number * high
            swatch = QRectF(place.left() + _PAD, y - metrics.ascent() + 1, _SWATCH, _SWATCH)
            painter.setPen(QPen(QColor(entry.colour), 1.5))
            painter.setBrush(
                QColor(entry.colour) if entry.shown and not entry.missing else Qt.BrushStyle.NoBrush
            )
            painter.drawRect(swatch)
            painter.setPen(theme.DARK_TEXT if entry.shown and not entry.missing else theme.DARK_MUTED)
            painter.drawText(QPointF(swatch.right() + _PAD, y), text)
