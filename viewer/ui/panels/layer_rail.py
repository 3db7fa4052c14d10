"""Every layer's map of the shown slice, small: choosing one costs no pass of the network.

Of a network of volumes only the layers that were asked for are there; the others say what a click will cost.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QScrollArea, QSizePolicy, QWidget

from viewer.controllers.workbench import Workbench
from viewer.state.layers_view import STATES, grid_words
from viewer.state.panel_views import LayerTile
from viewer.ui import theme
from viewer.ui.attempt import attempt
from viewer.ui.canvas.colours import coloured, colours

_PER_ROW, _FEWEST = 3, 2
"""Tiles in a row; long names, and the grid of a volume beside them, take more room."""
_PICTURE = 54
_NO_LAYER = "This explainer looks at the input: no layer is chosen."


def _height() -> int:
    """Height of a tile: the picture and a line of words."""
    return _PICTURE + theme.scaled(21)


class Tile(QWidget):
    """One layer."""

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._tile: LayerTile | None = None
        self._image: QImage | None = None
        self._colour_map = ""
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(70, _height())

    minimumSizeHint = sizeHint

    @property
    def is_chosen(self) -> bool:
        return self._tile is not None and self._tile.chosen

    def show_tile(self, tile: LayerTile, colour_map: str) -> None:
        self._tile, self._colour_map = tile, colour_map
        self._image = None
        layer = tile.layer
        facts = [f"{layer.name}, {layer.type}, {' × '.join(str(n) for n in layer.shape)}"]
        facts += ["the model's own first choice"] if tile.default else []
        facts += [f"the same output as {layer.same_as}"] if layer.same_as else []
        facts += [f"map: {STATES[tile.state]}"] if tile.state in STATES else []
        facts += [tile.offer.replace("\n", ", about ")] if tile.offer else []
        self.setToolTip("\n".join(facts))
        self.setAccessibleName(f"Layer {layer.name}{', chosen' if tile.chosen else ''}")
        self.setAccessibleDescription("; ".join(facts))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        tile = self._tile
        if tile is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = QRectF(1, 1, self.width() - 2, _PICTURE - 2)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("canvas"))
        painter.drawRoundedRect(frame, 4, 4)
        if self._image is None and tile.thumbnail is not None:  # most tiles are scrolled out of sight
            table = colours(self._colour_map, tile.diverging)
            self._image = coloured(tile.thumbnail, 1.0, tile.diverging, table)
        if self._image is not None:
            side = min(frame.width(), frame.height()) - 4
            ratio = self._image.width() / self._image.height()
            place = QRectF(0, 0, min(side * ratio, frame.width() - 4), side)
            place.moveCenter(frame.center())
            painter.drawImage(place, self._image)
        if words := STATES.get(tile.state, tile.offer):
            painter.setPen(theme.DARK_MUTED)
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(frame.adjusted(3, 2, -3, -2), flags, words)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        focused = self.hasFocus() and not tile.chosen
        line = theme.colour("accent" if tile.chosen or focused else "border")
        painter.setPen(
            QPen(line, 2 if tile.chosen else 1, Qt.PenStyle.DotLine if focused else Qt.PenStyle.SolidLine)
        )
        painter.drawRoundedRect(frame, 4, 4)
        if tile.default:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("letter"))
            painter.drawEllipse(QRectF(frame.right() - 10, frame.top() + 4, 6, 6))
        self._words(painter, tile)

    def _words(self, painter: QPainter, tile: LayerTile) -> None:
        grid = grid_words(tile.layer.grid)
        place = QRectF(1, _PICTURE, self.width() - 2, theme.scaled(18))
        metrics = painter.fontMetrics()
        room = int(place.width()) - metrics.horizontalAdvance(grid) - 5
        painter.setPen(theme.colour("text" if tile.chosen else "muted"))
        painter.drawText(
            place,
            Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter,
            metrics.elidedText(tile.layer.name, Qt.TextElideMode.ElideMiddle, room),
        )
        painter.setPen(theme.colour("muted"))
        painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, grid)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._tile is not None:
            self.chosen.emit(self._tile.layer.name)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self._tile is not None:
            self.chosen.emit(self._tile.layer.name)
        else:
            super().keyPressEvent(event)


class LayerRail(QScrollArea):
    """The tiles, two or three a row, in the order of the forward pass."""

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self._bench = bench
        self._shown: tuple[tuple[LayerTile, ...], str] = ((), "")
        self._per_row = 0
        self.tiles: list[Tile] = []
        self.setAccessibleName("Layers")
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._level()
        inner = QWidget()
        inner.setObjectName("scrolled")
        self._grid = QGridLayout(inner)
        self._grid.setContentsMargins(0, 0, 4, 0)
        self._grid.setSpacing(5)
        self._grid.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._lay_out(_PER_ROW)
        self.no_layer = QLabel(_NO_LAYER)
        self.no_layer.setObjectName("muted")
        self.no_layer.setWordWrap(True)
        self.no_layer.hide()
        self._grid.addWidget(self.no_layer, 0, 0, 1, _PER_ROW)
        self.setWidget(inner)

    def show_rail(self, rail: tuple[LayerTile, ...], colour_map: str) -> None:
        """Show the tiles; returns at once for the same ones."""
        if self._shown[0] is rail and self._shown[1] == colour_map:
            return
        self._shown = (rail, colour_map)
        self._lay_out(self._fitting(rail))
        while len(self.tiles) < len(rail):
            tile = Tile()
            tile.chosen.connect(self._choose)
            self._place(len(self.tiles), tile)
            self.tiles.append(tile)
        without = bool(rail) and not any(tile.chosen for tile in rail)
        self.no_layer.setVisible(without)
        if without:
            self.verticalScrollBar().setValue(0)
        for tile, view in zip(self.tiles, rail, strict=False):
            tile.show_tile(view, colour_map)
        for number, tile in enumerate(self.tiles):
            tile.setVisible(number < len(rail) and not without)
            if number < len(rail) and rail[number].chosen:
                self._reveal(tile)

    def _fitting(self, rail: tuple[LayerTile, ...]) -> int:
        """Tiles in a row: three, or two where names and grids would have no room."""
        metrics = self.fontMetrics()
        said = (tile.layer.name + grid_words(tile.layer.grid) for tile in rail)
        widest = max(map(metrics.horizontalAdvance, said), default=0)
        return _PER_ROW if widest + 8 <= (self.width() - 20) // _PER_ROW - 4 else _FEWEST

    def _lay_out(self, per_row: int) -> None:
        if per_row == self._per_row:
            return
        self._per_row = per_row
        for column in range(_PER_ROW):
            self._grid.setColumnStretch(column, 1 if column < per_row else 0)
        for number, tile in enumerate(self.tiles):
            self._place(number, tile)

    def _place(self, number: int, tile: Tile) -> None:
        self._grid.addWidget(tile, 1 + number // self._per_row, number % self._per_row)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        rail, _ = self._shown
        self._lay_out(self._fitting(rail))
        for tile in self.tiles:
            if tile.is_chosen:
                self._reveal(tile)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange and self._per_row:
            self._level()
            self._lay_out(self._fitting(self._shown[0]))

    def _level(self) -> None:
        """Two whole rows are seen at the least."""
        self.setMinimumHeight(2 * _height() + 8)
        for tile in self.tiles:
            tile.updateGeometry()

    def _reveal(self, tile: Tile) -> None:
        """Scroll by whole rows until the tile is wholly seen."""
        self._grid.activate()
        step = _height() + self._grid.spacing()
        row = self.tiles.index(tile) // self._per_row
        bar = self.verticalScrollBar()
        rows = max(1, (self.viewport().height() + self._grid.spacing()) // step)
        first = -(-bar.value() // step)
        if not first <= row < first + rows:
            first = row if row < first else row - rows + 1
        bar.setValue(first * step)

    def _choose(self, name: str) -> None:
        attempt(self._bench, lambda: self._bench.explaining.select_layer(name))
