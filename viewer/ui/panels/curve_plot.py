"""A small plot of curves between 0 and 1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from viewer.ui import theme

_SHARE = 0.5
"""How closely its width follows the size of the text: the table beside it has the numbers."""


@dataclass(frozen=True)
class PlottedCurve:
    """A line.

    Attributes
    ----------
    points : (x, y), each 0..1.
    purpose : its colour in the theme.
    dots : whether its points are marked.
    """

    name: str
    points: tuple[tuple[float, float], ...]
    purpose: str
    dashed: bool = False
    dots: bool = False


class CurvePlot(QWidget):
    """Lines over a frame; ticks at 0 and at the greatest value on the y axis, words below the x axis.

    Parameters
    ----------
    name : accessible name.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self._curves: tuple[PlottedCurve, ...] = ()
        self._ticks: tuple[tuple[float, str], ...] = ()
        self._top = 1.0
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:
        return QSize(theme.scaled(230, _SHARE), theme.scaled(100))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.scaled(130, _SHARE), theme.scaled(60))

    def show_curves(
        self, curves: Sequence[PlottedCurve], ticks: Sequence[tuple[float, str]] = (), top: float = 1.0
    ) -> None:
        """Draw these.

        Parameters
        ----------
        ticks : place on the x axis, 0..1, and words.
        top : value at the top of the y axis, 0..1.
        """
        wanted = (tuple(curves), tuple(ticks), top)
        if wanted != (self._curves, self._ticks, self._top):
            self._curves, self._ticks, self._top = wanted
            self.update()

    @property
    def curves(self) -> tuple[PlottedCurve, ...]:
        return self._curves

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        metrics = self.fontMetrics()
        high = metrics.height()
        left = metrics.horizontalAdvance("0.00") + 6
        frame = QRectF(left, high + 2, self.width() - left - 8, self.height() - 2 * high - 6)
        if frame.width() < 20 or frame.height() < 10:
            return
        painter.setPen(QPen(theme.colour("border"), 1))
        painter.drawRect(frame)
        painter.setPen(theme.colour("muted"))
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for share, words in ((1.0, f"{self._top:g}"), (0.0, "0")):
            y = frame.bottom() - share * frame.height()
            painter.drawText(QRectF(0, y - high / 2, left - 5, high), right, words)
        end = -1.0
        for place, words in self._ticks:
            wide = metrics.horizontalAdvance(words)
            x = min(max(frame.left() + place * frame.width() - wide / 2, 0), self.width() - wide)
            if x > end:
                painter.drawText(QPointF(x, frame.bottom() + metrics.ascent() + 2), words)
                end = x + wide + 4
        self._draw_curves(painter, frame)
        self._draw_names(painter, frame, high)

    def _draw_curves(self, painter: QPainter, frame: QRectF) -> None:
        for curve in self._curves:
            style = Qt.PenStyle.DashLine if curve.dashed else Qt.PenStyle.SolidLine
            colour = theme.colour(curve.purpose)
            places = [
                QPointF(
                    frame.left() + x * frame.width(),
                    frame.bottom() - min(max(y / self._top, 0.0), 1.0) * frame.height(),
                )
                for x, y in curve.points
            ]
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(colour, 1.6, style))
            painter.drawPolyline(QPolygonF(places))
            if curve.dots:
                painter.setBrush(colour)
                for place in places:
                    painter.drawEllipse(place, 2.2, 2.2)

    def _draw_names(self, painter: QPainter, frame: QRectF, high: int) -> None:
        named = [curve for curve in self._curves if curve.name]
        wide = sum(22 + self.fontMetrics().horizontalAdvance(curve.name) for curve in named)
        x = frame.left() if frame.left() + wide <= self.width() else 2.0
        for curve in named:
            style = Qt.PenStyle.DashLine if curve.dashed else Qt.PenStyle.SolidLine
            painter.setPen(QPen(theme.colour(curve.purpose), 1.6, style))
            painter.drawLine(QPointF(x, high / 2), QPointF(x + 11, high / 2))
            painter.setPen(theme.colour("muted"))
            painter.drawText(QPointF(x + 14, self.fontMetrics().ascent()), curve.name)
            x += 14 + self.fontMetrics().horizontalAdvance(curve.name) + 8
