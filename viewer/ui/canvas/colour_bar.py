"""The colour bar: raw values, what full colour means, and where the overlay begins."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from viewer.state.canvas_view import OverlayStyle
from viewer.ui import theme
from viewer.ui.canvas.colours import STEPS, colours, image_of, levels
from viewer.ui.canvas.picture_view import Scaled


def nice_ticks(low: float, high: float, wanted: int = 6) -> list[float]:
    """Round values from `low` to `high`, about as many as wanted."""
    span = high - low
    if not math.isfinite(span) or span <= 0:
        return [low]
    raw = span / wanted
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * s for s in (1, 2, 2.5, 5, 10) if power * s >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [step * n for n in range(first, math.floor(high / step + 1e-9) + 1)]


def exponent(value: float) -> int:
    """Power of ten taken out of the numbers of an axis; 0 where they are readable as they are."""
    if not math.isfinite(value) or value <= 0:
        return 0
    power = math.floor(math.log10(value))
    return 0 if -2 <= power <= 3 else power


def times_power(power: int) -> str:
    """A factor as it is written beside an axis, e.g. ``×10⁻⁵``; empty for 1."""
    return "×10" + str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")) if power else ""


class ColourBar(QWidget):
    """Vertical bar at the right of the picture."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._map: Scaled | None = None
        self._style: OverlayStyle | None = None
        self.setAccessibleName("Colour bar")
        self.setToolTip("Raw values of the map in units of the score; below the mark the map is transparent.")
        theme.keep(self, "setFixedWidth", 82)

    def sizeHint(self) -> QSize:
        return QSize(theme.scaled(82), 200)

    def show_scale(self, found: Scaled | None, style: OverlayStyle) -> None:
        if found is self._map and style == self._style:
            return
        self._map, self._style = found, style
        if found is not None:
            self.setAccessibleDescription(f"0 to {found.scale:.3g}, {found.scale_label}")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.colour("canvas"))
        found, style = self._map, self._style
        if found is None or style is None or not style.visible:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = painter.font()
        font.setPointSizeF(theme.points(9))
        painter.setFont(font)
        line = theme.scaled(16)
        bar = QRectF(6, line, 12, self.height() - 2 * line - 2)
        table = colours(style.colour_map, found.diverging)[::-1].reshape(STEPS, 1, 3)
        painter.drawImage(bar, image_of(np.repeat(table, 4, axis=1)))
        painter.setPen(QPen(theme.DARK_MUTED, 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(bar)
        low, high = levels(found.scale, found.diverging)

        def place(value: float) -> float:
            return bar.bottom() - (value - low) / (high - low) * bar.height()

        ticks = nice_ticks(low, high)
        power = exponent(max(abs(low), abs(high)))
        digits = _digits([value / 10.0**power for value in ticks])
        for value in ticks:
            y = place(value)
            painter.drawLine(QPointF(bar.right(), y), QPointF(bar.right() + 4, y))
            painter.drawText(
                QRectF(bar.right() + 7, y - line / 2, theme.scaled(48), line),
                Qt.AlignmentFlag.AlignVCenter,
                f"{value / 10.0**power:.{digits}f}",
            )
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("letter"))
        for sign in (1, -1) if found.diverging else (1,):
            y = place(sign * style.threshold * found.scale)
            painter.drawPolygon(QPolygonF([QPointF(bar.left(), y), QPointF(0, y - 4), QPointF(0, y + 4)]))
        painter.setPen(theme.DARK_MUTED)
        kind = "sd" if found.scale_label.startswith("deviation") else "raw"
        words = f"{kind} {times_power(power)}".strip()
        painter.drawText(QRectF(4, 0, self.width(), line - 2), Qt.AlignmentFlag.AlignLeft, words)
        self._label(painter, found.scale_label, bar)

    def _label(self, painter: QPainter, text: str, bar: QRectF) -> None:
        """What the scale is, along the bar's outer side."""
        painter.save()
        painter.translate(self.width() - 3.0, bar.center().y())
        painter.rotate(-90)
        line = theme.scaled(15)
        painter.drawText(
            QRectF(-bar.height() / 2, -line, bar.height(), line), Qt.AlignmentFlag.AlignCenter, text
        )
        painter.restore()


def _digits(ticks: list[float]) -> int:
    """Digits after the point that tell the ticks apart."""
    if len(ticks) < 2:
        return 2
    step = ticks[1] - ticks[0]
    digits = max(0, -math.floor(math.log10(step)))
    whole = step * 10.0**digits
    return digits + 1 if abs(whole - round(whole)) > 1e-6 else digits
