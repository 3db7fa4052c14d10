"""The picture with its overlay: a view box, two image items, and what is drawn over them in screen pixels.

Picture coordinates are pixel edges: x over columns, y over rows downwards, pixel (r, c) covers [c, c+1] x [r, r+1].
An image item without a transform of its own covers exactly that, and background and overlay have the same shape, so a
map cannot be shifted against its picture.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QResizeEvent
from PySide6.QtWidgets import QFrame, QGraphicsView, QWidget

from viewer.state.canvas_view import Background, OverlayStyle
from viewer.state.findings_view import FindingMap, FindingsView
from viewer.ui import theme
from viewer.ui.canvas.colours import finding_table, levels, overlay_table, shades

_MARGIN = 30


class Scaled(Protocol):
    """What is known of a map that is drawn: what full colour means."""

    @property
    def scale(self) -> float: ...

    @property
    def scale_label(self) -> str: ...

    @property
    def diverging(self) -> bool: ...


class _SmoothImage(pg.ImageItem):
    """An image item that may be drawn smoothly; pyqtgraph's own shows hard pixels.

    What was coloured once is kept in the layout of the screen, which is drawn three times as fast as any other.
    """

    smooth = True

    def render(self) -> None:
        super().render()
        made: QImage | None = getattr(self, "qimage", None)
        if made is not None and not self._unrenderable:
            self.qimage = made.convertToFormat(
                QImage.Format.Format_ARGB32_Premultiplied
                if made.hasAlphaChannel()
                else QImage.Format.Format_RGB32
            )

    def paint(self, painter: QPainter, *arguments: object) -> None:
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self.smooth)
        super().paint(painter, *arguments)


class _Layer:
    """The map of one finding over the picture; the same values with another style are not drawn anew."""

    def __init__(self, box: pg.ViewBox) -> None:
        self.item = _SmoothImage()
        self.item.setZValue(1)
        box.addItem(self.item, ignoreBounds=True)
        self._values: object = None
        self._table: object = None

    def show(self, entry: FindingMap, style: OverlayStyle, hard: bool) -> None:
        assert entry.values is not None
        table = finding_table(entry.colour, style.threshold)
        if table is not self._table:
            self.item.setLookupTable(table, update=False)
        if entry.values is not self._values:
            self.item.setImage(
                np.ascontiguousarray(entry.values), autoLevels=False, levels=levels(entry.scale, False)
            )
        elif table is not self._table:
            self.item.updateImage()
        self._values, self._table = entry.values, table
        if self.item.smooth is hard:
            self.item.smooth = not hard
            self.item.update()
        self.item.setOpacity(style.opacity)
        self.item.setVisible(True)


class PictureView(pg.GraphicsView):
    """Shows a background and a map; knows nothing of state, only how to draw."""

    range_changed = Signal()
    shape_changed = Signal()
    """The picture has another size in millimetres."""
    resized = Signal()
    """The view itself has another size."""
    _shape: tuple[int, int] | None = None  # on the class: Qt resizes the view while it is being made
    _fitted = True
    margin = _MARGIN
    """Room around a fitted picture for the letters, screen pixels."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, background=theme.current().canvas, useOpenGL=False)
        self.foreground: list[Callable[[QPainter, PictureView], None]] = []
        """Drawn last, in screen pixels, in this order."""
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setMinimumSize(220, 200)
        self.box = pg.ViewBox(
            enableMenu=False, enableMouse=False, border=None, invertY=True, defaultPadding=0
        )
        self.box.disableAutoRange()
        self.setCentralItem(self.box)
        self.background = _SmoothImage()
        self.overlay = _SmoothImage()
        self.overlay.setZValue(1)
        for item in (self.background, self.overlay):
            self.box.addItem(item, ignoreBounds=True)
        self.overlay.setVisible(False)
        self._layers: list[_Layer] = []
        self._spacing = (1.0, 1.0)
        self.common_scale: float | None = None
        """Screen pixels per millimetre that pictures side by side are fitted with; None for the picture's own."""
        self.flipped = False
        """The columns run from right to left on screen; coordinates of the picture stay as they are."""
        self._shown_values: object = None
        self._shown_table: object = None
        self._shown_background: tuple[object, ...] = ()
        self._pixels: object = None
        """Kept, so that the memory by which they are known again is not given to other pixels."""
        self.box.sigRangeChanged.connect(self._range_has_changed)

    # --- what is shown -----------------------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, int] | None:
        """(rows, columns) of the picture."""
        return self._shape

    def show_background(self, background: Background) -> None:
        """Draw a picture; the view is fitted when it has another shape or spacing."""
        if background.flipped != self.flipped:
            self.flipped = background.flipped
            self.box.invertX(self.flipped)
        look = (background.low, background.high, background.inverted, background.arrivals)
        key = (*_memory(background.pixels), *look)
        if key != self._shown_background:
            self._draw(background)
            self._shown_background, self._pixels = key, background.pixels
        rows, columns = background.pixels.shape[:2]
        if (rows, columns) != self._shape or background.spacing != self._spacing:
            self._shape, self._spacing = (rows, columns), background.spacing
            row_mm, column_mm = background.spacing
            self.box.setAspectLocked(True, ratio=column_mm / row_mm)
            self.shape_changed.emit()
            self.fit()
        self.viewport().update()

    def _draw(self, background: Background) -> None:
        pixels = background.pixels
        if pixels.ndim == 3:
            self.background.setImage(np.ascontiguousarray(pixels[..., :3]), autoLevels=False, levels=(0, 255))
            self.background.setLookupTable(None)
            return
        self.background.setImage(np.ascontiguousarray(shades(background)), autoLevels=False, levels=(0, 255))

    def show_map(
        self, found: Scaled | None, values: np.ndarray | None, style: OverlayStyle, hard: bool
    ) -> None:
        """Draw a map over the picture; the same values with another style only change table, opacity or visibility."""
        visible = found is not None and values is not None and style.visible
        if found is not None and values is not None:
            table = overlay_table(style.colour_map, style.threshold, found.diverging)
            if table is not self._shown_table:
                self.overlay.setLookupTable(table, update=False)
            if values is not self._shown_values:
                self.overlay.setImage(
                    np.ascontiguousarray(values),
                    autoLevels=False,
                    levels=levels(found.scale, found.diverging),
                )
            elif table is not self._shown_table:
                self.overlay.updateImage()
            self._shown_values, self._shown_table = values, table
            if self.overlay.smooth is hard:
                self.overlay.smooth = not hard
                self.overlay.update()
            self.overlay.setOpacity(style.opacity)
        self.overlay.setVisible(visible)

    def show_findings(self, findings: FindingsView | None, style: OverlayStyle, hard: bool) -> None:
        """Draw the maps of several findings, each in its colour, in place of the one map; None for no findings."""
        drawn = findings.drawn if findings is not None and style.visible else ()
        while len(self._layers) < len(drawn):
            self._layers.append(_Layer(self.box))
        for layer, entry in zip(self._layers, drawn, strict=False):
            layer.show(entry, style, hard)
        for layer in self._layers[len(drawn) :]:
            layer.item.setVisible(False)
        if findings is not None:
            self.overlay.setVisible(False)

    # --- where things are --------------------------------------------------------------------------------------------

    def fit(self) -> None:
        """Show the whole picture."""
        if self._shape is None:
            return
        self._fitted = True
        rows, columns = self._shape
        width, height = max(self.viewport().width(), 1), max(self.viewport().height(), 1)
        row_mm, column_mm = self._spacing
        scale = self.fitted_scale() if self.common_scale is None else self.common_scale
        shown_columns, shown_rows = width / (scale * column_mm), height / (scale * row_mm)
        self.box.setRange(
            QRectF((columns - shown_columns) / 2, (rows - shown_rows) / 2, shown_columns, shown_rows),
            padding=0,
        )

    @property
    def fitted(self) -> bool:
        """Whether the whole picture is shown: nobody has zoomed or moved it."""
        return self._fitted

    def fitted_scale(self) -> float:
        """Screen pixels per millimetre at which the whole picture is seen."""
        if self._shape is None:
            return 1.0
        rows, columns = self._shape
        width, height = self.viewport().width() - 2 * self.margin, self.viewport().height() - 2 * self.margin
        row_mm, column_mm = self._spacing
        return float(max(min(width / (columns * column_mm), height / (rows * row_mm)), 1e-6))

    def zoom(self, factor: float, at: QPointF) -> None:
        """Magnify about a point of the screen."""
        self._fitted = False
        self.box.scaleBy((1 / factor, 1 / factor), center=self.to_picture(at))

    def pan(self, by: QPointF) -> None:
        """Move the picture with the mouse, screen pixels."""
        self._fitted = False
        a, b = self.to_picture(QPointF(0, 0)), self.to_picture(by)
        self.box.translateBy(x=a.x() - b.x(), y=a.y() - b.y())

    def show_as(self, other: PictureView) -> None:
        """Show the part of the picture that another view of the same size shows of a picture of the same shape."""
        self._fitted = other.fitted
        self.box.setRange(other.box.viewRect(), padding=0)

    def to_picture(self, point: QPointF) -> QPointF:
        """Picture coordinates (x column edge, y row edge) of a point of the viewport."""
        return QPointF(self.box.mapSceneToView(self._scene(point)))

    def to_screen(self, column: float, row: float) -> QPointF:
        """Point of the viewport of picture coordinates."""
        point = self.box.mapViewToScene(QPointF(column, row))
        return QPointF(self.viewportTransform().map(QPointF(point)))

    def picture_rect(self) -> QRectF:
        """The picture on the viewport."""
        if self._shape is None:
            return QRectF()
        rows, columns = self._shape
        return QRectF(self.to_screen(0, 0), self.to_screen(columns, rows)).normalized()

    def _scene(self, point: QPointF) -> QPointF:
        inverted, _ = self.viewportTransform().inverted()
        return QPointF(inverted.map(point))

    # --- Qt ----------------------------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        if self._fitted:
            self.fit()
        self.resized.emit()

    def close(self) -> bool:
        # pyqtgraph's own clears the scene while its items still have Python owners, which crashes.
        return QGraphicsView.close(self)

    def drawForeground(self, painter: QPainter, rect: QRectF) -> None:  # noqa: N802 - Qt's name
        painter.save()
        painter.resetTransform()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for draw in self.foreground:
            draw(painter, self)
        painter.restore()

    def _range_has_changed(self) -> None:
        # What is drawn over the items lies in screen pixels, where Qt does not see it move.
        self.viewport().update()
        self.range_changed.emit()

    def setCursorShape(self, shape: Qt.CursorShape) -> None:  # noqa: N802 - beside Qt's setCursor
        self.viewport().setCursor(shape)


def _memory(pixels: np.ndarray) -> tuple[object, ...]:
    """What two views of the same pixels of an image share; images are read-only, so it stands for their values."""
    return pixels.ctypes.data, pixels.shape, pixels.strides, pixels.dtype
