"""Measured lines over the picture: drawn, named by their length, found under the mouse."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from viewer.state.rulers import RulerMark
from viewer.ui import theme
from viewer.ui.canvas.picture_view import PictureView

Point = tuple[float, float]
"""(row, column) on the picture; pixel centres are whole numbers."""

_REACH = 7.0
"""How near the mouse must come to a line or an end, screen pixels."""
_TICK = 5.0
_END = 7.0


@dataclass(frozen=True)
class RulerGrip:
    """What the mouse holds of a line: its ends before the drag, and which of them follow."""

    identity: int
    start: Point
    end: Point
    moves_start: bool
    moves_end: bool

    def dragged(self, down: float, across: float) -> tuple[Point, Point]:
        """The ends after a drag by (rows, columns)."""
        start, end = self.start, self.end
        if self.moves_start:
            start = (start[0] + down, start[1] + across)
        if self.moves_end:
            end = (end[0] + down, end[1] + across)
        return start, end


class RulerMarks:
    """Draws the lines of the shown picture and finds them under the mouse."""

    def __init__(self) -> None:
        self.marks: tuple[RulerMark, ...] = ()
        self.rubber: RulerMark | None = None
        """The line that is being drawn, with its length."""

    def grip(self, view: PictureView, at: QPointF) -> RulerGrip | None:
        """What of a line lies under a point: an end of it, or all of it."""
        for mark in sorted(self.marks, key=lambda mark: not mark.selected):
            line = _line(view, mark)
            for point, first in ((line.p1(), True), (line.p2(), False)):
                if math.hypot(point.x() - at.x(), point.y() - at.y()) <= _REACH:
                    return RulerGrip(mark.identity, mark.start, mark.end, first, not first)
            if _distance(line, at) <= _REACH or _label(view, mark, line).contains(at):
                return RulerGrip(mark.identity, mark.start, mark.end, True, True)
        return None

    def __call__(self, painter: QPainter, view: PictureView) -> None:
        font = painter.font()
        font.setPointSizeF(theme.points(9))
        painter.setFont(font)
        for mark in (*self.marks, *([self.rubber] if self.rubber else [])):
            self._draw(painter, view, mark)

    def _draw(self, painter: QPainter, view: PictureView, mark: RulerMark) -> None:
        line, colour = _line(view, mark), theme.colour("drawn")
        painter.setBrush(Qt.BrushStyle.NoBrush)
        ticks = [line, *_ticks(line)]
        for pen in (QPen(QColor(0, 0, 0, 150), 3.4), QPen(colour, 2.4 if mark.selected else 1.7)):
            painter.setPen(pen)
            for each in ticks:
                painter.drawLine(each)
        if mark.selected:
            painter.setBrush(theme.colour("canvas"))
            painter.setPen(QPen(colour, 1.5))
            for point in (line.p1(), line.p2()):
                painter.drawEllipse(point, _END / 2, _END / 2)
        place = _label(view, mark, line)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(10, 12, 15, 190))
        painter.drawRoundedRect(place, 3, 3)
        painter.setPen(colour)
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, mark.text)


def _line(view: PictureView, mark: RulerMark) -> QLineF:
    """A line on the viewport; the state speaks of pixel centres, the picture of edges."""
    (row, column), (last_row, last_column) = mark.start, mark.end
    return QLineF(view.to_screen(column + 0.5, row + 0.5), view.to_screen(last_column + 0.5, last_row + 0.5))


def _ticks(line: QLineF) -> list[QLineF]:
    """Short strokes across both ends."""
    across = line.normalVector().unitVector()
    by = QPointF(across.dx(), across.dy()) * _TICK
    return [QLineF(point - by, point + by) for point in (line.p1(), line.p2())]


def _label(view: PictureView, mark: RulerMark, line: QLineF) -> QRectF:
    """Where the length stands: beyond the lower end, inside the view."""
    font = view.font()
    font.setPointSizeF(theme.points(9))
    metrics = view.fontMetrics()
    size = (metrics.horizontalAdvance(mark.text) + 12.0, metrics.height() + 2.0)
    lower = line.p1() if line.y1() > line.y2() else line.p2()
    place = QRectF(lower.x() - size[0] / 2, lower.y() + 9, *size)
    screen = QRectF(view.rect()).adjusted(2, 2, -2, -2)
    place.moveLeft(min(max(place.left(), screen.left()), max(screen.right() - size[0], screen.left())))
    place.moveTop(min(max(place.top(), screen.top()), max(screen.bottom() - size[1], screen.top())))
    return place


def _distance(line: QLineF, at: QPointF) -> float:
    """From a point to the nearest place of a line, screen pixels."""
    along = line.p2() - line.p1()
    length = QPointF.dotProduct(along, along)
    share = QPointF.dotProduct(at - line.p1(), along) / length if length else 0.0
    nearest = line.p1() + along * min(max(share, 0.0), 1.0)
    return math.hypot(nearest.x() - at.x(), nearest.y() - at.y())
