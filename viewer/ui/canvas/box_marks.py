"""Boxes over the picture: drawn, readers' and the map's; and what the mouse meets of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from viewer.evaluation.regions import Region
from viewer.state.boxes_view import BoxMark
from viewer.ui import theme
from viewer.ui.canvas.marks import EdgeLetters
from viewer.ui.canvas.picture_view import PictureView

Edges = tuple[float, float, float, float]
"""row_min, column_min, row_max, column_max."""

_REACH = 7.0
"""How near the mouse must come to a handle or a line, screen pixels."""
_HANDLE = 7.0
_PALE = 0.45
"""Opacity of a box of the map in which the overlay has no colour."""
_LINES = {
    "drawn": ("drawn", Qt.PenStyle.SolidLine),
    "reader": ("reader", Qt.PenStyle.DashLine),
    "map": ("map_box", Qt.PenStyle.DotLine),
}
_OF_READERS = (
    Qt.PenStyle.DashLine,
    Qt.PenStyle.DotLine,
    Qt.PenStyle.DashDotLine,
    Qt.PenStyle.DashDotDotLine,
    Qt.PenStyle.SolidLine,
)


@dataclass(frozen=True)
class Grip:
    """What the mouse holds of a drawn box.

    Attributes
    ----------
    rows, columns : which edge follows the mouse: -1 the lower, 1 the upper, 0 none.
    move : the whole box follows.
    """

    identity: int
    rows: int = 0
    columns: int = 0
    move: bool = False

    def dragged(self, edges: Edges, by: tuple[float, float]) -> Edges:
        """The edges after a drag by (rows, columns)."""
        top, left, bottom, right = edges
        down, across = by
        if self.move:
            return top + down, left + across, bottom + down, right + across
        return (
            top + down * (self.rows < 0),
            left + across * (self.columns < 0),
            bottom + down * (self.rows > 0),
            right + across * (self.columns > 0),
        )

    def cursor(self, *, flipped: bool) -> Qt.CursorShape:
        """The shape of the mouse over it; `flipped` where the columns run from right to left."""
        if self.move:
            return Qt.CursorShape.SizeAllCursor
        falling = self.rows * self.columns * (-1 if flipped else 1)
        if falling > 0:
            return Qt.CursorShape.SizeFDiagCursor
        if falling < 0:
            return Qt.CursorShape.SizeBDiagCursor
        return Qt.CursorShape.SizeVerCursor if self.rows else Qt.CursorShape.SizeHorCursor


def edges_of(region: Region) -> Edges:
    return region.row_min, region.column_min, region.row_max, region.column_max


class BoxMarks:
    """Draws the boxes of the shown slice and finds them under the mouse."""

    def __init__(self) -> None:
        self.marks: tuple[BoxMark, ...] = ()
        self.rubber: Edges | None = None
        """The box that is being drawn."""
        self.letters: EdgeLetters | None = None
        """What names must not cover besides each other and what they name."""

    def rect(self, view: PictureView, edges: Edges) -> QRectF:
        """A box on the viewport."""
        top, left, bottom, right = edges
        return QRectF(view.to_screen(left, top), view.to_screen(right, bottom)).normalized()

    def grip(self, view: PictureView, at: QPointF, *, handles: bool) -> Grip | None:
        """What of a drawn box lies under a point: handles and inside of the selected one, lines of the others.

        Parameters
        ----------
        handles : whether the handles of every box may be held, as in the drawing mode.
        """
        drawn = [mark for mark in self.marks if mark.kind == "drawn"]
        for mark in sorted(drawn, key=lambda mark: not mark.selected):
            assert mark.identity is not None
            rect = self.rect(view, edges_of(mark.region))
            if mark.selected or handles:
                for rows, columns, point in _handle_points(rect, view.flipped):
                    if (point - at).manhattanLength() <= _REACH + _HANDLE / 2:
                        return Grip(mark.identity, rows, columns)
            if mark.selected and rect.contains(at):
                return Grip(mark.identity, move=True)
        return None

    def line_under(self, view: PictureView, at: QPointF) -> int | None:
        """The drawn box whose line or name lies under a point."""
        for mark in reversed([mark for mark in self.marks if mark.kind == "drawn"]):
            rect = self.rect(view, edges_of(mark.region))
            outer = rect.adjusted(-_REACH, -_REACH, _REACH, _REACH)
            inner = rect.adjusted(_REACH, _REACH, -_REACH, -_REACH)
            name = QRectF(rect.left(), rect.top() - 18, 90, 18)
            if (outer.contains(at) and not inner.contains(at)) or name.contains(at):
                return mark.identity
        return None

    def __call__(self, painter: QPainter, view: PictureView) -> None:
        font = painter.font()
        font.setPointSizeF(theme.points(9))
        painter.setFont(font)
        names: list[QRectF] = []
        of_map = [mark for mark in self.marks if mark.kind == "map"]
        largest = max(of_map, key=lambda m: (not m.pale, m.region.area), default=None)
        for mark in sorted(self.marks, key=lambda mark: ("map", "reader", "drawn").index(mark.kind)):
            self._draw(painter, view, mark)
        # Names come last, so that no line runs through one; of the map's boxes only the largest says what they are.
        for mark in sorted(self.marks, key=lambda mark: ("drawn", "reader", "map").index(mark.kind)):
            if mark.kind != "map" or mark is largest:
                self._name(painter, view, mark, names)
        if self.rubber is not None:
            painter.setPen(QPen(theme.colour("drawn"), 1.5))
            painter.setBrush(theme.colour("drawn", 0.12))
            painter.drawRect(self.rect(view, self.rubber))

    def _draw(self, painter: QPainter, view: PictureView, mark: BoxMark) -> None:
        line, colour = _stroke(mark)
        rect = self.rect(view, edges_of(mark.region))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if mark.pale:
            colour.setAlphaF(_PALE)
        painter.setPen(QPen(QColor(0, 0, 0, 60 if mark.pale else 150), 3.4))
        painter.drawRect(rect)
        painter.setPen(QPen(colour, 2.4 if mark.selected else 1.1 if mark.pale else 1.7, line))
        painter.drawRect(rect)
        if mark.selected:
            painter.setBrush(theme.colour("canvas"))
            painter.setPen(QPen(colour, 1.5))
            for _, _, point in _handle_points(rect, view.flipped):
                painter.drawRect(QRectF(point.x() - _HANDLE / 2, point.y() - _HANDLE / 2, _HANDLE, _HANDLE))

    def _free(
        self, view: PictureView, rect: QRectF, size: tuple[float, float], names: list[QRectF]
    ) -> QRectF:
        """Where a name covers nothing: above its box, below, at either side, then higher and higher.

        Where every place covers something, the one that covers least: other names and letters last, small findings
        before that.
        """
        wide, high = size
        left, right = rect.left() - wide - 3, rect.right() + 3
        corners = [
            *((rect.left() - 1, rect.top() - high - 2), (rect.left() - 1, rect.bottom() + 2)),
            *(
                (right, rect.top()),
                (left, rect.top()),
                (right, rect.bottom() - high),
                (left, rect.bottom() - high),
            ),
            *((rect.left() - 1, rect.top() - n * (high + 1) - 2) for n in range(2, 7)),
            *((rect.left() - 1, rect.bottom() + (n - 1) * (high + 1) + 2) for n in range(2, 5)),
        ]
        people = [self.rect(view, edges_of(mark.region)) for mark in self.marks if mark.kind != "map"]
        letters = self.letters.taken(view) if self.letters is not None else ()
        screen = QRectF(view.rect())

        def covered(place: QRectF) -> tuple[int, int]:
            words = sum(place.intersects(other) for other in (*names, *letters))
            return words + (not screen.contains(place)), sum(place.intersects(other) for other in people)

        return min((QRectF(x, y, wide, high) for x, y in corners), key=covered)

    def _name(self, painter: QPainter, view: PictureView, mark: BoxMark, names: list[QRectF]) -> None:
        rect, (_, colour) = self.rect(view, edges_of(mark.region)), _stroke(mark)
        who = mark.region.reader if mark.colour else ""
        text = " \u00b7 ".join(part for part in (mark.region.label or mark.kind, who, mark.size) if part)
        metrics = painter.fontMetrics()
        size = (metrics.horizontalAdvance(text) + 8.0, metrics.height() + 1.0)
        place = self._free(view, rect, size, names)
        names.append(place)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(10, 12, 15, 190))
        painter.drawRoundedRect(place, 3, 3)
        painter.setPen(colour)
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)


def _stroke(mark: BoxMark) -> tuple[Qt.PenStyle, QColor]:
    """How a box is drawn: of several findings in the colour of its class, each reader with dashes of his own."""
    purpose, line = _LINES[mark.kind]
    if not mark.colour:
        return line, theme.colour(purpose)
    return _OF_READERS[mark.reader % len(_OF_READERS)], QColor(mark.colour)


def _handle_points(rect: QRectF, flipped: bool) -> list[tuple[int, int, QPointF]]:
    """(row edge, column edge, point) of the eight handles, corners first.

    Parameters
    ----------
    flipped : columns run from right to left on screen.
    """
    middle = rect.center()
    first, last = (rect.right(), rect.left()) if flipped else (rect.left(), rect.right())
    xs: dict[int, float] = {-1: first, 0: middle.x(), 1: last}
    ys: dict[int, float] = {-1: rect.top(), 0: middle.y(), 1: rect.bottom()}
    corners: list[tuple[Literal[-1, 0, 1], Literal[-1, 0, 1]]] = [(-1, -1), (-1, 1), (1, -1), (1, 1)]
    sides: list[tuple[Literal[-1, 0, 1], Literal[-1, 0, 1]]] = [(-1, 0), (1, 0), (0, -1), (0, 1)]
    return [(row, column, QPointF(xs[column], ys[row])) for row, column in corners + sides]
