"""The mirrored input with its map, small in a corner: what the network saw, never to be taken for the patient."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetrics, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from viewer.state.canvas_view import CanvasView, Inset
from viewer.ui import theme
from viewer.ui.canvas.colours import coloured, grey, overlay_table
from viewer.ui.canvas.marks import outlined

_WIDEST, _LEAST = 190, 90
"""Width where there is room, and where there is none, logical pixels."""
_HIGHEST = 260


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
        self._head, self._font = 20, QFont()
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
        self.update()

    def fit(self, room: int, high: int) -> None:
        """Take the room at the left of the picture, or its corner where that is too narrow.

        Parameters
        ----------
        room : width beside the picture and its letters, logical pixels.
        high : height above the letter at the left, logical pixels; counts where there is no room beside it.
        """
        if self.inset is None:
            return
        self._font = QFont(self.font())
        self._font.setPointSizeF(theme.points(9))
        self._font.setBold(True)
        metrics = QFontMetrics(self._font)
        words = self.inset.background.mark.split()
        least = max([_LEAST, *(metrics.horizontalAdvance(word) + 12 for word in words)])
        width = min(max(room, least), max(_WIDEST, least))
        lines = 1 if metrics.horizontalAdvance(self.inset.background.mark) + 12 <= width else 2
        self._head = lines * metrics.height() + 4
        background = self.inset.background
        rows, columns = background.pixels.shape[:2]
        row_mm, column_mm = background.spacing
        height = min(int(width * rows * row_mm / (columns * column_mm)), _HIGHEST) + self._head
        self.resize(width, height if width <= room else max(min(height, high), self._head + 40))

    @property
    def letters(self) -> tuple[str, ...]:
        """Letters at the (left, right, top, bottom) of the inset."""
        return (self.inset.background.letters or ()) if self.inset else ()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.inset is None or self._picture is None:
            return
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        painter.fillRect(self.rect(), theme.colour("canvas"))
        background = self.inset.background
        rows, columns = background.pixels.shape[:2]
        room = QRectF(0, self._head, self.width(), self.height() - self._head)
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
        font = self._font
        painter.setFont(font)
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        painter.drawText(QRectF(0, 0, self.width(), self._head), int(flags), background.mark)
        letters = background.letters
        if letters is not None:
            metrics = painter.fontMetrics()
            left, right = letters[:2]
            y = room.center().y() + metrics.ascent() / 2
            outlined(painter, QPointF(6, y), left, theme.colour("letter"), font)
            x = self.width() - 6 - metrics.horizontalAdvance(right)
            outlined(painter, QPointF(x, y), right, theme.colour("letter"), font)
