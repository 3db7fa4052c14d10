"""The mirrored input with its map, small in a corner: what the network saw, never to be taken for the patient."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from viewer.state.canvas_view import CanvasView, Inset
from viewer.ui import theme
from viewer.ui.canvas.colours import coloured, grey, overlay_table
from viewer.ui.canvas.marks import outlined

_WIDTH = 190
_HEAD = 20


class InsetView(QWidget):
    """Upper left corner of the canvas; lets the mouse through."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAccessibleName("Mirrored input")
        self.inset: Inset | None = None
        self._picture: QImage | None = None
        self._overlay: QImage | None = None
        self._opacity = 0.0
        self.hide()

    def show_inset(self, view: CanvasView) -> None:
        self.inset = view.inset
        self.setVisible(view.inset is not None)
        if view.inset is None:
            return
        background = view.inset.background
        self._picture = grey(background)
        self._overlay, self._opacity = None, view.style.opacity
        if view.inset.values is not None and view.map is not None and view.style.visible:
            table = overlay_table(view.style.colour_map, view.style.threshold, view.map.diverging)
            self._overlay = coloured(view.inset.values, view.map.scale, view.map.diverging, table)
        self.setAccessibleDescription(background.mark)
        self.resize(self.sizeHint())
        self.update()

    @property
    def letters(self) -> tuple[str, ...]:
        """Letters at the (left, right, top, bottom) of the inset."""
        return (self.inset.background.letters or ()) if self.inset else ()

    def sizeHint(self) -> QSize:
        if self.inset is None:
            return QSize(0, 0)
        background = self.inset.background
        rows, columns = background.pixels.shape[:2]
        row_mm, column_mm = background.spacing
        height = int(_WIDTH * rows * row_mm / (columns * column_mm))
        return QSize(_WIDTH, min(height, 260) + _HEAD)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.inset is None or self._picture is None:
            return
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        painter.fillRect(self.rect(), theme.colour("canvas"))
        background = self.inset.background
        rows, columns = background.pixels.shape[:2]
        room = QRectF(0, _HEAD, self.width(), self.height() - _HEAD)
        ratio = columns * background.spacing[1] / (rows * background.spacing[0])
        width = min(room.width(), room.height() * ratio)
        place = QRectF(0, 0, width, width / ratio)
        place.moveCenter(room.center())
        painter.drawImage(place, self._picture)
        if self._overlay is not None:
            painter.setOpacity(self._opacity)
            painter.drawImage(place, self._overlay)
            painter.setOpacity(1)
        painter.setPen(QPen(theme.colour("letter"), 1.5))
        painter.drawRect(QRectF(self.rect()).adjusted(0.75, 0.75, -0.75, -0.75))
        font = painter.font()
        font.setPointSizeF(theme.points(9))
        font.setBold(True)
        painter.setFont(font)
        painter.drawText(QRectF(0, 0, self.width(), _HEAD), Qt.AlignmentFlag.AlignCenter, background.mark)
        letters = background.letters
        if letters is not None:
            metrics = painter.fontMetrics()
            left, right = letters[:2]
            y = room.center().y() + metrics.ascent() / 2
            outlined(painter, QPointF(6, y), left, theme.colour("letter"), font)
            x = self.width() - 6 - metrics.horizontalAdvance(right)
            outlined(painter, QPointF(x, y), right, theme.colour("letter"), font)
