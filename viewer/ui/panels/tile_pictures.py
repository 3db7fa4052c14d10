"""Pictures of tiles: one slice under many maps, each coloured when it is first seen."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter

from viewer.state.canvas_view import Background, OverlayStyle
from viewer.state.layers_view import LayerMap
from viewer.ui import theme
from viewer.ui.canvas.colours import coloured, colours, grey, overlay_table
from viewer.ui.canvas.marks import outlined, small_font


class TilePictures:
    """The slice and the maps of a view.

    Attributes
    ----------
    drawn : maps that have been coloured: those of tiles that nobody sees are not.
    """

    def __init__(self) -> None:
        self.style: OverlayStyle | None = None
        self.drawn = 0
        self._of: object = None
        self._background: Background | None = None
        self._slice: QImage | None = None
        self._slice_of: Background | None = None
        self._maps: dict[str, QImage] = {}

    def show(self, view: object, background: Background | None, style: OverlayStyle | None) -> None:
        """Take another view; what was coloured for the same one is kept."""
        if view is not self._of or style != self.style:
            self._maps.clear()
        self._of, self._background, self.style = view, background, style

    def draw(self, painter: QPainter, room: QRectF, name: str, found: LayerMap | str) -> None:
        """Draw one tile into a room, the slice at its top; the map under a name that no other map has."""
        background = self._background
        if background is None:
            return
        rows, columns = background.pixels.shape[:2]
        height, width = rows * background.spacing[0], columns * background.spacing[1]
        scale = min(room.width() / width, room.height() / height)
        place = QRectF(0, 0, round(width * scale), round(height * scale))
        place.moveTo(round(room.center().x() - place.width() / 2), round(room.top()))
        ratio = painter.device().devicePixelRatioF()
        style = self.style
        if style is None or not style.bare:
            painter.drawImage(place.topLeft(), self._shown_slice(background, place.size().toSize(), ratio))
        if isinstance(found, LayerMap) and style is not None and style.visible:
            painter.save()
            painter.setOpacity(1 if style.bare else style.opacity)
            painter.drawImage(place, self._shown_map(name, found, style, background.flipped))
            painter.restore()
        if (letters := background.letters) is not None:
            painter.setFont(small_font(painter))
            base = place.center().y() + painter.fontMetrics().ascent() / 2
            width = painter.fontMetrics().horizontalAdvance(letters[1])
            for word, x in ((letters[0], place.left() + 2), (letters[1], place.right() - 2 - width)):
                outlined(painter, QPointF(x, base), word, theme.colour("letter"), painter.font())

    def _shown_slice(self, background: Background, wanted: QSize, ratio: float) -> QImage:
        """The slice, scaled once for all tiles: laying down the same pixels costs little."""
        size = wanted * ratio
        if self._slice is None or background is not self._slice_of or self._slice.size() != size:
            pixels = background.pixels
            image = grey(replace(background, pixels=pixels[:, ::-1]) if background.flipped else background)
            kind = QImage.Format.Format_RGB32
            smooth = Qt.TransformationMode.SmoothTransformation
            self._slice = image.scaled(size, Qt.AspectRatioMode.IgnoreAspectRatio, smooth).convertToFormat(
                kind
            )
            self._slice.setDevicePixelRatio(ratio)
            self._slice_of = background
        return self._slice

    def _shown_map(self, name: str, found: LayerMap, style: OverlayStyle, flipped: bool) -> QImage:
        if name not in self._maps:
            if style.bare:
                table = colours(style.colour_map, found.diverging)
            else:
                table = overlay_table(style.colour_map, style.threshold, found.diverging)
            values = found.values[:, ::-1] if flipped else found.values
            image = coloured(values, found.scale, found.diverging, table)
            self._maps[name] = image.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)
            self.drawn += 1
        return self._maps[name]
