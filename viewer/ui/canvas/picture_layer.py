"""One image of a picture view: a slice, or a map in its colours, made into pixels when it is first drawn."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter

from viewer.ui.canvas.colours import Table, coloured

_Map = tuple[NDArray[Any], Table, float, bool]
"""Values, table, scale, diverging."""


class PictureLayer:
    """Covers the whole picture; the same values in another opacity are not coloured again.

    Attributes
    ----------
    opacity : 0..1.
    smooth : drawn smoothly; else hard pixels.
    """

    def __init__(self) -> None:
        self.visible = False
        self.opacity = 1.0
        self.smooth = True
        self._map: _Map | None = None
        self._pixels: QImage | None = None

    @property
    def values(self) -> NDArray[Any] | None:
        """The map, (row, column); None for a picture."""
        return self._map[0] if self._map is not None else None

    @property
    def table(self) -> Table | None:
        """The colours of the map, (step, 4)."""
        return self._map[1] if self._map is not None else None

    @property
    def pixels(self) -> QImage | None:
        """What is drawn, in the layout of the screen, which is drawn three times as fast as any other."""
        if self._pixels is None and self._map is not None:
            values, table, scale, diverging = self._map
            self.show_picture(coloured(values, scale, diverging, table))
        return self._pixels

    def show_picture(self, picture: QImage) -> None:
        """Draw these pixels from now on."""
        clear = picture.hasAlphaChannel()
        kinds = QImage.Format
        self._pixels = picture.convertToFormat(
            kinds.Format_ARGB32_Premultiplied if clear else kinds.Format_RGB32
        )

    def show_map(self, values: NDArray[Any], table: Table, scale: float, diverging: bool) -> None:
        """Draw a map from now on, in the colours of a table."""
        wanted = (values, table, scale, diverging)
        if self._map is None or not _same(wanted, self._map):
            self._map, self._pixels = wanted, None

    def draw(self, painter: QPainter, room: QRectF) -> None:
        """Draw it into a room, in the coordinates of the painter."""
        if not self.visible or (pixels := self.pixels) is None:
            return
        painter.setOpacity(self.opacity)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self.smooth)
        painter.drawImage(room, pixels)


def _same(one: _Map, other: _Map) -> bool:
    return one[0] is other[0] and one[1] is other[1] and one[2:] == other[2:]
