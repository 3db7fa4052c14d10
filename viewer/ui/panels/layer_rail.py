"""Every layer's map of the shown slice, small: choosing one costs no pass of the network."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QGridLayout, QScrollArea, QSizePolicy, QWidget

from viewer.controllers.workbench import Workbench
from viewer.state.panel_views import LayerTile
from viewer.ui import theme
from viewer.ui.attempt import attempt
from viewer.ui.canvas.colours import coloured, colours

_PER_ROW = 3
_PICTURE = 54
_HEIGHT = _PICTURE + 21
_WORDS = {"empty": "empty", "negative_only": "only against", "near_zero": "near zero"}


class Tile(QWidget):
    """One layer."""

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._tile: LayerTile | None = None
        self._image: QImage | None = None
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(70, _HEIGHT)

    minimumSizeHint = sizeHint

    @property
    def is_chosen(self) -> bool:
        return self._tile is not None and self._tile.chosen

    def show_tile(self, tile: LayerTile, colour_map: str) -> None:
        self._tile = tile
        self._image = None
        if tile.thumbnail is not None:
            self._image = coloured(tile.thumbnail, 1.0, tile.diverging, colours(colour_map, tile.diverging))
        layer = tile.layer
        facts = [f"{layer.name}, {layer.type}, {' × '.join(str(n) for n in layer.shape)}"]
        facts += ["the model's own first choice"] if tile.default else []
        facts += [f"the same output as {layer.same_as}"] if layer.same_as else []
        facts += [f"map: {_WORDS[tile.state]}"] if tile.state in _WORDS else []
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
        if self._image is not None:
            side = min(frame.width(), frame.height()) - 4
            ratio = self._image.width() / self._image.height()
            place = QRectF(0, 0, min(side * ratio, frame.width() - 4), side)
            place.moveCenter(frame.center())
            painter.drawImage(place, self._image)
        if tile.state in _WORDS:
            painter.setPen(theme.DARK_MUTED)
            painter.drawText(frame, Qt.AlignmentFlag.AlignCenter, _WORDS[tile.state])
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
        rows, columns = tile.layer.grid[0], tile.layer.grid[-1]
        grid = f"{rows}²" if rows == columns else f"{rows}×{columns}"
        place = QRectF(1, _PICTURE, self.width() - 2, 18)
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
    """The tiles, three a row, in the order of the forward pass."""

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self._bench = bench
        self._shown: tuple[object, str] = ((), "")
        self.tiles: list[Tile] = []
        self.setAccessibleName("Layers")
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setMinimumHeight(2 * _HEIGHT + 8)
        inner = QWidget()
        inner.setObjectName("scrolled")
        self._grid = QGridLayout(inner)
        self._grid.setContentsMargins(0, 0, 4, 0)
        self._grid.setSpacing(5)
        self._grid.setAlignment(Qt.AlignmentFlag.AlignTop)
        for column in range(_PER_ROW):
            self._grid.setColumnStretch(column, 1)
        self.setWidget(inner)

    def show_rail(self, rail: tuple[LayerTile, ...], colour_map: str) -> None:
        """Show the tiles; returns at once for the same ones."""
        if self._shown[0] is rail and self._shown[1] == colour_map:
            return
        self._shown = (rail, colour_map)
        while len(self.tiles) < len(rail):
            tile = Tile()
            tile.chosen.connect(self._choose)
            self._grid.addWidget(tile, len(self.tiles) // _PER_ROW, len(self.tiles) % _PER_ROW)
            self.tiles.append(tile)
        for tile, view in zip(self.tiles, rail, strict=False):
            tile.show_tile(view, colour_map)
        for number, tile in enumerate(self.tiles):
            tile.setVisible(number < len(rail))
            if number < len(rail) and rail[number].chosen:
                self._reveal(tile)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        for tile in self.tiles:
            if tile.is_chosen:
                self._reveal(tile)

    def _reveal(self, tile: Tile) -> None:
        """Scroll by whole rows until the tile is wholly seen."""
        self._grid.activate()
        step = _HEIGHT + self._grid.spacing()
        row = self.tiles.index(tile) // _PER_ROW
        bar = self.verticalScrollBar()
        rows = max(1, (self.viewport().height() + self._grid.spacing()) // step)
        first = -(-bar.value() // step)
        if not first <= row < first + rows:
            first = row if row < first else row - rows + 1
        bar.setValue(first * step)

    def _choose(self, name: str) -> None:
        attempt(self._bench, lambda: self._bench.explaining.select_layer(name))
