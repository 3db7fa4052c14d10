"""The slice strip: probability and attribution mass of every slice; click or drag to go there.

Of a network of volumes the mass alone: it gives slices no probability.
"""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from viewer.controllers.workbench import Workbench
from viewer.state.panel_views import StripView
from viewer.ui import theme
from viewer.ui.canvas.colour_bar import nice_ticks
from viewer.ui.panels.card import Card, heading

_LEFT, _RIGHT = 30, 52
_DOTS = 14
"""Between the plot and the numbers of the slices: dots for their outcomes."""
_OUTCOME = {"TP": "green", "FP": "amber", "FN": "red"}


class Plot(QWidget):
    """The plot itself: p at the left axis, mass at the right one, slices below with their outcomes."""

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self._bench = bench
        self._view: StripView | None = None
        self._turned = 0
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Slice strip")
        self.setToolTip("Click or drag to go to a slice; arrow keys step.")

    def sizeHint(self) -> QSize:
        return QSize(400, 120)

    def minimumSizeHint(self) -> QSize:
        above, below = self._edges()
        return QSize(200, above + self.fontMetrics().height() + 6 + below)

    def show_strip(self, view: StripView | None) -> None:
        self._view = view
        if view is not None:
            p = view.probability[view.current] if view.current < len(view.probability) else math.nan
            said = "p not known yet" if np.isnan(p) else f"p {p:.2f}"
            if view.whole:
                mass = view.mass[view.current] if view.current < len(view.mass) else math.nan
                said = "attribution mass not known yet" if np.isnan(mass) else f"attribution mass {mass:.2g}"
            self.setAccessibleDescription(f"slice {view.current + 1} of {len(view.probability)}, {said}")
        self.update()

    # --- geometry ----------------------------------------------------------------------------------------------------

    def _edges(self) -> tuple[int, int]:
        """Room above and below the curves: half a number, and dots with the numbers of the slices."""
        line = self.fontMetrics().height()
        return max(8, line // 2 - 2), _DOTS + line + 2

    def area(self) -> QRectF:
        """Where the curves are."""
        above, below = self._edges()
        return QRectF(
            theme.scaled(_LEFT),
            above,
            max(self.width() - theme.scaled(_LEFT + _RIGHT), 10),
            max(self.height() - above - below, 10),
        )

    def x_of(self, index: float) -> float:
        """Screen x of the middle of a slice."""
        count = len(self._view.probability) if self._view else 1
        area = self.area()
        return area.left() + (index + 0.5) / count * area.width()

    def slice_at(self, x: float) -> int:
        """The slice under a screen x."""
        count = len(self._view.probability) if self._view else 1
        area = self.area()
        return min(max(int((x - area.left()) / area.width() * count), 0), count - 1)

    # --- drawing -----------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        view = self._view
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if view is None:
            return
        area = self.area()
        font = painter.font()
        font.setPointSizeF(theme.points(9))
        painter.setFont(font)
        self._axes(painter, view, area)
        self._mass(painter, view, area)
        self._threshold(painter, view, area)
        self._curve(painter, view, area)
        self._outcomes(painter, view, area)
        self._cursor(painter, view, area)
        if self.hasFocus():
            painter.setPen(QPen(theme.colour("accent"), 1, Qt.PenStyle.DotLine))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))

    def _axes(self, painter: QPainter, view: StripView, area: QRectF) -> None:
        painter.setPen(QPen(theme.colour("border"), 1))
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        painter.setPen(theme.colour("muted"))
        right, centre = Qt.AlignmentFlag.AlignRight, Qt.AlignmentFlag.AlignVCenter
        line = painter.fontMetrics().height()
        marks = (0.0, 0.5, 1.0) if area.height() > 2 * line - 8 else (0.0, 1.0)
        for p in () if view.whole else marks:
            y = area.bottom() - p * area.height()
            place = QRectF(0, y - line / 2, theme.scaled(_LEFT) - 6, line)
            painter.drawText(place, right | centre, f"{p:g}")
        highest = _highest(view)
        if highest > 0:
            painter.setPen(theme.colour("mass_text"))
            for share in (0.0, 1.0):
                y = area.bottom() - share * area.height()
                text = "0" if share == 0 else _short(highest)
                place = QRectF(area.right() + 5, y - line / 2, theme.scaled(_RIGHT) - 5, line)
                painter.drawText(place, centre, text)
        painter.setPen(theme.colour("muted"))
        count = len(view.probability)
        found = [int(t) for t in nice_ticks(1, count, 8) if t == int(t)] if count > 1 else []
        step = found[1] - found[0] if len(found) > 1 else 1
        ticks = [1, *[t for t in found if t - 1 > 0.6 * step]]
        apart = painter.fontMetrics().horizontalAdvance(str(count)) + 8
        if step * area.width() / max(count, 1) < apart:
            ticks = ticks[::2]
        for number in ticks:
            x = self.x_of(number - 1)
            wide = painter.fontMetrics().horizontalAdvance(str(number)) + 4
            place = QRectF(x - wide / 2, area.bottom() + _DOTS, wide, line)
            painter.drawText(place, Qt.AlignmentFlag.AlignHCenter, str(number))

    def _mass(self, painter: QPainter, view: StripView, area: QRectF) -> None:
        highest = _highest(view)
        if highest <= 0:
            return
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("mass"))
        width = max(area.width() / len(view.mass) - 1, 1.0)
        for index in np.flatnonzero(np.isfinite(view.mass)):
            height = area.height() * float(view.mass[index]) / highest
            if height > 0.4:
                painter.drawRect(
                    QRectF(self.x_of(int(index)) - width / 2, area.bottom() - height, width, height)
                )

    def _threshold(self, painter: QPainter, view: StripView, area: QRectF) -> None:
        if view.whole:
            return  # there is no probability that a line could be drawn for
        y = area.bottom() - view.threshold * area.height()
        painter.setPen(QPen(theme.colour("muted", 0.7), 1, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))

    def _curve(self, painter: QPainter, view: StripView, area: QRectF) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        pen = QPen(
            theme.colour("accent"),
            2,
            Qt.PenStyle.SolidLine,
            Qt.PenCapStyle.RoundCap,
            Qt.PenJoinStyle.RoundJoin,
        )
        known = np.isfinite(view.probability)
        starts = np.flatnonzero(known & ~np.r_[False, known[:-1]])
        ends = np.flatnonzero(known & ~np.r_[known[1:], False])
        for start, end in zip(starts, ends, strict=True):
            points = [
                QPointF(self.x_of(i), area.bottom() - float(view.probability[i]) * area.height())
                for i in range(int(start), int(end) + 1)
            ]
            painter.setPen(pen)
            if len(points) == 1:
                painter.setBrush(theme.colour("accent"))
                painter.drawEllipse(points[0], 2, 2)
                painter.setBrush(Qt.BrushStyle.NoBrush)
            else:
                painter.drawPolyline(QPolygonF(points))

    def _outcomes(self, painter: QPainter, view: StripView, area: QRectF) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        radius = min(3.0, max(1.2, area.width() / len(view.outcomes) / 2 - 0.5))
        for index, outcome in enumerate(view.outcomes):
            if outcome in _OUTCOME:
                painter.setBrush(theme.colour(_OUTCOME[outcome]))
                painter.drawEllipse(QPointF(self.x_of(index), area.bottom() + 8), radius, radius)

    def _cursor(self, painter: QPainter, view: StripView, area: QRectF) -> None:
        x = self.x_of(view.current)
        painter.setPen(QPen(theme.colour("text"), 1.2))
        painter.drawLine(QPointF(x, 0), QPointF(x, area.bottom() + 4))
        p = view.probability[view.current]
        if np.isfinite(p):
            painter.setBrush(theme.colour("text"))
            painter.drawEllipse(QPointF(x, area.bottom() - float(p) * area.height()), 3, 3)

    # --- input -------------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._view is not None:
            self._bench.viewing.select_slice(self.slice_at(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton and self._view is not None:
            self._bench.viewing.select_slice(self.slice_at(event.position().x()))

    def wheelEvent(self, event: QWheelEvent) -> None:
        self._turned += event.angleDelta().y()
        notches = int(self._turned / 120)
        self._turned -= notches * 120
        if notches:
            self._bench.viewing.step(notches)
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Right: 1, Qt.Key.Key_Up: 1, Qt.Key.Key_Left: -1, Qt.Key.Key_Down: -1}
        if event.key() in steps:
            self._bench.viewing.step(steps[Qt.Key(event.key())])
        elif event.key() == Qt.Key.Key_Home:
            self._bench.viewing.first()
        elif event.key() == Qt.Key.Key_End:
            self._bench.viewing.last()
        else:
            super().keyPressEvent(event)


def _short(value: float) -> str:
    """A number in at most five signs: ``13``, ``0.013``, ``7e+04``."""
    text = f"{value:.2g}"
    return text if len(text) <= 5 else f"{value:.0e}"


def _highest(view: StripView) -> float:
    known = view.mass[np.isfinite(view.mass)]
    return float(known.max()) if known.size else 0.0


class SliceStrip(Card):
    """Heading, legend and plot."""

    def __init__(self, bench: Workbench) -> None:
        super().__init__("Slice strip")
        self._shown: StripView | None = None
        self._said: tuple[str, int, int] = ("", 0, 0)
        self.plot = Plot(bench)
        row = QHBoxLayout()
        row.addWidget(heading("Slice strip"))
        self._legend = QLabel()
        self._legend.setTextFormat(Qt.TextFormat.RichText)
        self._legend.setMinimumWidth(10)
        self._legend.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._legend.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self._legend, 1)
        self.body.addLayout(row)
        self.body.addWidget(self.plot, 1)
        self.body.setContentsMargins(10, 6, 6, 4)
        self.body.setSpacing(2)

    def changeEvent(self, event: QEvent) -> None:
        """Another theme: the legend has its colours from it."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange):
            self._say()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._say()

    def show_strip(self, view: StripView | None) -> None:
        """Show the curves; returns at once for the same view."""
        if view is self._shown:
            return
        self._shown = view
        self.plot.show_strip(view)
        self._say()

    def _say(self) -> None:
        """The legend, without what there is no room for: it is in the tip."""
        legends = _legends(self._shown) if self._shown is not None else [""]
        asked = (legends[0], self._legend.width(), self._legend.fontMetrics().height())
        if asked == self._said:  # measuring rich text takes longer than drawing a slice
            return
        self._said = asked
        self._legend.setToolTip(legends[0])
        for legend in legends:
            self._legend.setText(legend)
            if self._legend.sizeHint().width() <= self._legend.width():
                return


def _legends(view: StripView) -> list[str]:
    """What the colours mean, in fewer and fewer words."""
    shown = theme.current()
    name = view.class_name.replace("&", "&amp;").replace("<", "&lt;")
    mass = f'<span style="color:{shown.muted}"><span style="color:{shown.mass}">■</span> attribution mass'
    if view.whole:
        where = f"of {name} at each slice, in the map of the whole volume"
        return [f"{mass} {where}</span>", f"{mass}</span>"]
    parts = [
        f'<span style="color:{shown.accent}">━ p({name}) per slice</span>',
        f'<span style="color:{shown.muted}">┄ threshold {view.threshold:g}</span>',
        f"{mass}</span>",
    ]
    outcomes = [
        f'<span style="color:{getattr(shown, purpose)}">● {outcome}</span>'
        for outcome, purpose in _OUTCOME.items()
        if outcome in view.outcomes
    ]
    curve, threshold, bars = parts
    every, less = [curve, threshold, bars, *outcomes], [curve, bars, *outcomes]
    fewer: tuple[list[str], ...] = (every, less, [curve, *outcomes], [curve], [])
    return ["&nbsp;&nbsp; ".join(each) for each in fewer]
