"""The picture with its overlay, and what is drawn over them in screen pixels.

Picture coordinates are pixel edges: x over columns, y over rows downwards, pixel (r, c) covers [c, c+1] x [r, r+1].
Every layer covers exactly the picture, through one transform, so a map cannot be shifted against its picture.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent, QTransform
from PySide6.QtWidgets import QWidget

from viewer.state.canvas_view import Background, OverlayStyle
from viewer.state.findings_view import FindingsView
from viewer.ui import theme
from viewer.ui.canvas.colours import finding_table, grey, overlay_table
from viewer.ui.canvas.picture_layer import PictureLayer

_MARGIN = 30


class Scaled(Protocol):
    """What is known of a map that is drawn: what full colour means."""

    @property
    def scale(self) -> float: ...

    @property
    def scale_label(self) -> str: ...

    @property
    def diverging(self) -> bool: ...


class PictureView(QWidget):
    """Shows a background and a map; knows nothing of state, only how to draw."""

    range_changed = Signal()
    shape_changed = Signal()
    """The picture has another size in millimetres."""
    resized = Signal()
    """The view itself has another size."""
    margin = _MARGIN
    """Room around a fitted picture for the letters, screen pixels."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.foreground: list[Callable[[QPainter, PictureView], None]] = []
        """Drawn last, in screen pixels, in this order."""
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(220, 200)
        self.background, self.overlay = PictureLayer(), PictureLayer()
        self.background.visible = True
        self.layers: list[PictureLayer] = []
        """The maps of findings that are shown together, in place of the overlay."""
        self._shape: tuple[int, int] | None = None
        self._spacing = (1.0, 1.0)
        self._wanted = QRectF()
        """What of the picture is seen at the least, in its coordinates; the longer side of the view shows more."""
        self._fitted = True
        self.common_scale: float | None = None
        """Screen pixels per millimetre that pictures side by side are fitted with; None for the picture's own."""
        self.flipped = False
        """The columns run from right to left on screen; coordinates of the picture stay as they are."""
        self._shown_background: tuple[object, ...] = ()
        self._pixels: object = None
        """Kept, so that the memory by which they are known again is not given to other pixels."""

    # --- what is shown -----------------------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, int] | None:
        """(rows, columns) of the picture."""
        return self._shape

    def show_background(self, background: Background) -> None:
        """Draw a picture; the view is fitted when it has another shape or spacing."""
        self.flipped = background.flipped
        look = (background.low, background.high, background.inverted, background.arrivals)
        key = (*_memory(background.pixels), *look)
        if key != self._shown_background:
            self.background.show_picture(grey(background))
            self._shown_background, self._pixels = key, background.pixels
        rows, columns = background.pixels.shape[:2]
        if (rows, columns) != self._shape or background.spacing != self._spacing:
            self._shape, self._spacing = (rows, columns), background.spacing
            self.shape_changed.emit()
            self.fit()
        self.update()

    def show_map(
        self, found: Scaled | None, values: np.ndarray | None, style: OverlayStyle, hard: bool
    ) -> None:
        """Draw a map over the picture; the same values with another style only change table, opacity or visibility."""
        overlay = self.overlay
        overlay.visible = found is not None and values is not None and style.visible
        if found is not None and values is not None:
            table = overlay_table(style.colour_map, style.threshold, found.diverging)
            overlay.show_map(values, table, found.scale, found.diverging)
            overlay.smooth, overlay.opacity = not hard, style.opacity
        self.update()

    def show_findings(self, findings: FindingsView | None, style: OverlayStyle, hard: bool) -> None:
        """Draw the maps of several findings, each in its colour, in place of the one map; None for no findings."""
        drawn = findings.drawn if findings is not None and style.visible else ()
        while len(self.layers) < len(drawn):
            self.layers.append(PictureLayer())
        for number, layer in enumerate(self.layers):
            layer.visible = number < len(drawn)
        for layer, entry in zip(self.layers, drawn, strict=False):
            assert entry.values is not None
            layer.show_map(entry.values, finding_table(entry.colour, style.threshold), entry.scale, False)
            layer.smooth, layer.opacity = not hard, style.opacity
        if findings is not None:
            self.overlay.visible = False
        self.update()

    # --- where things are --------------------------------------------------------------------------------------------

    def fit(self) -> None:
        """Show the whole picture."""
        if self._shape is None:
            return
        self._fitted = True
        rows, columns = self._shape
        row_mm, column_mm = self._spacing
        scale = self.fitted_scale() if self.common_scale is None else self.common_scale
        width, height = max(self.width(), 1) / (scale * column_mm), max(self.height(), 1) / (scale * row_mm)
        self._look_at(QRectF((columns - width) / 2, (rows - height) / 2, width, height))

    @property
    def fitted(self) -> bool:
        """Whether the whole picture is shown: nobody has zoomed or moved it."""
        return self._fitted

    def fitted_scale(self) -> float:
        """Screen pixels per millimetre at which the whole picture is seen."""
        if self._shape is None:
            return 1.0
        rows, columns = self._shape
        width, height = self.width() - 2 * self.margin, self.height() - 2 * self.margin
        row_mm, column_mm = self._spacing
        return float(max(min(width / (columns * column_mm), height / (rows * row_mm)), 1e-6))

    def zoom(self, factor: float, at: QPointF) -> None:
        """Magnify about a point of the screen."""
        self._fitted = False
        fixed, seen = self.to_picture(at), self.seen
        corner = fixed + (seen.topLeft() - fixed) / factor
        self._look_at(QRectF(corner, seen.size() / factor))

    def pan(self, by: QPointF) -> None:
        """Move the picture with the mouse, screen pixels."""
        self._fitted = False
        self._look_at(self.seen.translated(self.to_picture(QPointF(0, 0)) - self.to_picture(by)))

    def show_as(self, other: PictureView) -> None:
        """Show the part of the picture that another view of the same size shows of a picture of the same shape."""
        self._fitted = other.fitted
        self._look_at(other.seen)

    @property
    def seen(self) -> QRectF:
        """What of the picture's plane is in view, in picture coordinates."""
        back, _ = self._to_screen().inverted()
        return back.mapRect(QRectF(self.rect()))

    def to_picture(self, point: QPointF) -> QPointF:
        """Picture coordinates (x column edge, y row edge) of a point of the view."""
        back, _ = self._to_screen().inverted()
        return back.map(point)

    def to_screen(self, column: float, row: float) -> QPointF:
        """Point of the view of picture coordinates."""
        return self._to_screen().map(QPointF(column, row))

    def picture_rect(self) -> QRectF:
        """The picture on the view."""
        if self._shape is None:
            return QRectF()
        rows, columns = self._shape
        return QRectF(self.to_screen(0, 0), self.to_screen(columns, rows)).normalized()

    def _to_screen(self) -> QTransform:
        """From picture coordinates to the view: what is wanted is wholly seen, in its true proportions."""
        wanted, (row_mm, column_mm) = self._wanted, self._spacing
        if wanted.isEmpty():
            return QTransform()
        scale = min(
            max(self.width(), 1) / (wanted.width() * column_mm),
            max(self.height(), 1) / (wanted.height() * row_mm),
        )
        across = -scale if self.flipped else scale
        placed = QTransform.fromTranslate(self.width() / 2, self.height() / 2)
        placed.scale(across * column_mm, scale * row_mm)
        return placed.translate(-wanted.center().x(), -wanted.center().y())

    def _look_at(self, wanted: QRectF) -> None:
        self._wanted = wanted
        self.update()
        self.range_changed.emit()

    # --- Qt ----------------------------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._fitted:
            self.fit()
        self.resized.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.colour("canvas"))
        if self._shape is not None:
            rows, columns = self._shape
            painter.save()
            painter.setTransform(self._to_screen(), True)
            for layer in (self.background, self.overlay, *self.layers):
                layer.draw(painter, QRectF(0, 0, columns, rows))
            painter.restore()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for draw in self.foreground:
            draw(painter, self)

    def setCursorShape(self, shape: Qt.CursorShape) -> None:  # noqa: N802 - beside Qt's setCursor
        self.setCursor(shape)


def _memory(pixels: np.ndarray) -> tuple[object, ...]:
    """What two views of the same pixels of an image share; images are read-only, so it stands for their values."""
    return pixels.ctypes.data, pixels.shape, pixels.strides, pixels.dtype
