"""The Layers workspace: a tile for every layer, of which only those are drawn that are seen."""

from __future__ import annotations

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QRectF,
    QSize,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import (
    QFocusEvent,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QListView,
    QPushButton,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from viewer.controllers.workbench import Workbench
from viewer.state.canvas_view import OverlayStyle
from viewer.state.layers_view import STATES, LayerEntry, LayerMap, LayersView
from viewer.state.sheet_view import AGAINST, MEASURES, SheetView
from viewer.ui import theme
from viewer.ui.attempt import attempt
from viewer.ui.canvas.picture_pane import Canvas
from viewer.ui.panels.card import Chooser, Elided, described
from viewer.ui.panels.layer_sheet import LayerSheet
from viewer.ui.panels.tile_keys import STEPS, is_ours
from viewer.ui.panels.tile_pictures import TilePictures

_LINES = 3
_NOTCH, _ZOOM = 120, 1.0015
Index = QModelIndex | QPersistentModelIndex


def tile_words(entry: LayerEntry, found: LayerMap | str) -> tuple[str, str]:
    """What stands under a tile, besides its name and grid: shape and flags, then the map."""
    shape = f"{entry.shape}  {entry.flags}".strip()
    if isinstance(found, str):
        return shape, found
    if found.state in ("empty", "negative_only"):  # its largest value is 0
        return shape, STATES[found.state]
    share = f"{found.maximum:.2g} of {found.scale:.2g}"
    return shape, f"{STATES[found.state]}, {share}" if found.state in STATES else f"max {share}"


def lines_of(view: LayersView) -> int:
    """Lines of words under each tile: one more where a cohort has been evaluated."""
    return _LINES + any(entry.cohort for entry in view.entries)


class _Model(QAbstractListModel):
    """The tiles as Qt's views ask for them: words for those who listen, tips for those who point."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.view = LayersView((), "", "", None)

    def show_view(self, view: LayersView) -> None:
        same = [e.name for e in view.entries] == [e.name for e in self.view.entries]
        if not same:
            self.beginResetModel()
        self.view = view
        if same:
            self.dataChanged.emit(self.index(0), self.index(self.rowCount() - 1))
        else:
            self.endResetModel()

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.view.entries)

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> object:
        if not 0 <= index.row() < len(self.view.entries):
            return None
        entry = self.view.entries[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return entry.name
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"Layer {entry.name}{', chosen' if entry.chosen else ''}"
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleDescriptionRole):
            found = self.view.map(index.row())
            shape, words = tile_words(entry, found)
            lines = [f"{entry.name}, {entry.layer.type}", f"{shape}; map grid {entry.grid}", words]
            lines += [f"full colour: {found.scale_label}"] if isinstance(found, LayerMap) else []
            lines += (
                [f"{entry.cohort}; best threshold and reader, chosen after the fact"] if entry.cohort else []
            )
            lines += ["the model's own first choice"] if entry.default else []
            return "\n".join(lines)
        return None


class _Tiles(QStyledItemDelegate):
    """Draws a tile: the map over the slice, and three lines of words."""

    def __init__(self, parent: QListView) -> None:
        super().__init__(parent)
        self.view = LayersView((), "", "", None)
        self.size = QSize(1, 1)
        self.pictures = TilePictures()

    @property
    def style_(self) -> OverlayStyle | None:
        return self.pictures.style

    def show_view(self, view: LayersView, style: OverlayStyle | None) -> None:
        self.view = view
        self.pictures.show(view, view.background, style)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return self.size

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        if not 0 <= index.row() < len(self.view.entries):
            return
        entry, found = self.view.entries[index.row()], self.view.map(index.row())
        whole: QRect = option.rect
        state: QStyle.StateFlag = option.state
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        tile = QRectF(whole.adjusted(3, 3, -3, -3))
        line = painter.fontMetrics().height()
        picture = tile.adjusted(4, 4, -4, -lines_of(self.view) * line - 6)
        painter.save()
        self.pictures.draw(painter, picture, entry.name, found)
        painter.restore()
        self._words(
            painter, QRectF(tile.left() + 6, picture.bottom() + 3, tile.width() - 12, line), entry, found
        )
        focused = bool(state & QStyle.StateFlag.State_HasFocus)
        pen = QPen(theme.colour("accent" if entry.chosen else "letter" if focused else "border"))
        pen.setWidthF(2 if entry.chosen or focused else 1)
        if focused and not entry.chosen:
            pen.setStyle(Qt.PenStyle.DotLine)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(pen)
        painter.drawRoundedRect(tile, 4, 4)
        if entry.default:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("letter"))
            painter.drawEllipse(QRectF(tile.right() - 11, tile.top() + 5, 6, 6))
        painter.restore()

    @staticmethod
    def _words(painter: QPainter, line: QRectF, entry: LayerEntry, found: LayerMap | str) -> None:
        metrics, right = painter.fontMetrics(), Qt.AlignmentFlag.AlignRight
        left = Qt.AlignmentFlag.AlignLeft
        shape, words = tile_words(entry, found)
        room = int(line.width()) - metrics.horizontalAdvance(entry.grid) - 6
        painter.setPen(theme.DARK_TEXT)
        painter.drawText(line, left, metrics.elidedText(entry.name, Qt.TextElideMode.ElideMiddle, room))
        painter.setPen(theme.DARK_MUTED)
        painter.drawText(line, right, entry.grid)
        for number, text in enumerate((shape, words, *filter(None, [entry.cohort])), 1):
            place = line.translated(0, number * line.height())
            warned = number == 2 and isinstance(found, LayerMap) and found.state in STATES
            painter.setPen(theme.colour("letter") if warned else theme.DARK_MUTED)
            painter.drawText(
                place, left, metrics.elidedText(text, Qt.TextElideMode.ElideRight, int(line.width()))
            )


class _List(QListView):
    """Tiles in rows: arrows go from tile to tile, Return takes one, the wheel scrolls the slices."""

    left = Signal()
    wheel_turned = Signal(int)
    opacity_turned, size_turned = Signal(int), Signal(int)
    sized = Signal()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.sized.emit()

    def event(self, event: QEvent) -> bool:
        # Arrows are keys of the window too (slice, layer); among tiles they go to the next tile.
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride and is_ours(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.activated.emit(self.currentIndex())
            return
        if key in STEPS and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.wheel_turned.emit(_NOTCH * STEPS[key])
            return
        if key == Qt.Key.Key_Space:
            event.ignore()  # the canvas hides the map
            return
        super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space:
            event.ignore()
        else:
            super().keyReleaseEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.left.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        turned, held = event.angleDelta().y() or event.angleDelta().x(), event.modifiers()
        event.accept()
        if held & Qt.KeyboardModifier.ControlModifier:
            self.size_turned.emit(turned)
        elif held & Qt.KeyboardModifier.ShiftModifier:
            self.opacity_turned.emit(turned)
        else:
            self.wheel_turned.emit(turned)


class LayersBoard(Canvas):
    """A line of words, a button where layers wait to be traced, and the tiles."""

    menu_wanted = Signal(QPoint)

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(bench, parent)
        self.setAccessibleName("Layers of the network")
        self._view: LayersView | None = None
        self._without = ""
        self._turned = 0
        self.title, self.offer = Elided(), Elided()
        for label, colour in ((self.title, theme.DARK_TEXT), (self.offer, theme.DARK_MUTED)):
            label.setStyleSheet(f"color: {colour.name()};")
        self.bare = QCheckBox("maps alone")
        described(self.bare, "Maps alone", "Show the maps without the picture under them.")
        self.bare.setStyleSheet(f"color: {theme.DARK_TEXT.name()};")
        self.bare.clicked.connect(lambda _: bench.viewing.toggle_bare())
        self.trace = QPushButton("Trace the other layers")
        described(
            self.trace,
            "Trace the other layers",
            "Trace every layer whose map is not there, one after the other.",
        )
        self.trace.clicked.connect(lambda: attempt(bench, bench.explaining.trace_all_layers))
        self.tiles = _List()
        described(self.tiles, "Layers", "")
        self.tiles.setToolTip(
            "Click a tile, or go to it with the arrows and press Return: its layer is explained. "
            "A double click shows it in Reading. The wheel scrolls the slices, as Ctrl with Up and Down do."
        )
        self.model, self.delegate = _Model(self.tiles), _Tiles(self.tiles)
        self.tiles.setModel(self.model)
        self.tiles.setItemDelegate(self.delegate)
        self.tiles.setObjectName("tiles")
        self.tiles.setViewMode(QListView.ViewMode.IconMode)
        self.tiles.setMovement(QListView.Movement.Static)
        self.tiles.setResizeMode(QListView.ResizeMode.Adjust)
        self.tiles.setUniformItemSizes(True)
        self.tiles.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.tiles.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.tiles.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.tiles.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.tiles.customContextMenuRequested.connect(
            lambda at: self.menu_wanted.emit(self.tiles.viewport().mapToGlobal(at))
        )
        self.tiles.clicked.connect(self._choose)
        self.tiles.activated.connect(self._choose)
        self.tiles.doubleClicked.connect(self._read)
        self.tiles.left.connect(self.show_again)
        self.tiles.wheel_turned.connect(self._turn)
        self.tiles.size_turned.connect(lambda by: bench.viewing.zoom_tiles(_ZOOM**by))
        self.tiles.opacity_turned.connect(
            lambda by: bench.viewing.set_opacity(bench.session.overlay.opacity + 0.05 * by / _NOTCH)
        )
        self.tiles.sized.connect(self._lay_out)
        self._scroll = QTimer(self)
        self._scroll.setSingleShot(True)
        self._scroll.setInterval(0)
        self._scroll.timeout.connect(self._step)
        self.setFocusProxy(self.tiles)
        self.sheet = LayerSheet(bench)
        self.sheet.wheel_turned.connect(self._turn)
        self.sheet.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.sheet.customContextMenuRequested.connect(
            lambda at: self.menu_wanted.emit(self.sheet.viewport().mapToGlobal(at))
        )
        self.sheet.hide()
        self.wanted = QToolButton()
        self.wanted.setObjectName("narrow")
        self.wanted.setCheckable(True)
        self.wanted.setText("By explainers")
        self.wanted.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        described(
            self.wanted,
            "Layers by explainers",
            "A sheet of every layer by every explainer of a trace, with how far their maps agree.",
        )
        self.wanted.clicked.connect(lambda _: bench.viewing.toggle_sheet())
        self.measures, self.against = Chooser(), Chooser()
        for chooser, words, name, tip in (
            (self.measures, MEASURES, "Measure", "How far two maps agree: by which number."),
            (self.against, AGAINST, "Compared with", "Which map each map of the sheet is compared with."),
        ):
            for key, text in words.items():
                chooser.addItem(text, key)
            described(chooser, name, tip)
        self.measures.activated.connect(
            lambda n: bench.viewing.compare_sheet(measure=self.measures.itemData(n))
        )
        self.against.activated.connect(
            lambda n: bench.viewing.compare_sheet(against=self.against.itemData(n))
        )
        head = QHBoxLayout()
        head.setContentsMargins(8, 6, 8, 4)
        head.setSpacing(12)
        head.addWidget(self.title, 1)
        head.addWidget(self.measures)
        head.addWidget(self.against)
        head.addWidget(self.wanted)
        head.addWidget(self.bare)
        head.addWidget(self.offer)
        head.addWidget(self.trace)
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(0)
        body.addLayout(head)
        body.addWidget(self.tiles, 1)
        body.addWidget(self.sheet, 1)

    def show_sheet(self, view: SheetView | None, style: OverlayStyle | None) -> None:
        """Show the sheet in place of the tiles, or the tiles again."""
        shown = view is not None
        self.wanted.setChecked(shown)
        for chooser in (self.measures, self.against):
            chooser.setVisible(shown)
        if view is None:
            self.sheet.hide()
            self.setFocusProxy(self.tiles)
            return
        state = self._bench.session.view
        self.measures.setCurrentIndex(self.measures.findData(state.measure))
        self.against.setCurrentIndex(self.against.findData(state.against))
        self.title.set_full(view.title)
        self._without = view.without
        for widget in (self.tiles, self.bare, self.offer, self.trace):
            widget.hide()
        self.sheet.setVisible(bool(view.layers))
        self.sheet.show_sheet(view, style)
        if self.focusProxy() is not self.sheet:
            focused = self.tiles.hasFocus()
            self.setFocusProxy(self.sheet)
            if focused:
                self.sheet.setFocus()
        self._view = None  # the tiles are laid out anew when they come back
        self.update()

    def show_layers(self, view: LayersView, style: OverlayStyle | None) -> None:
        """Draw the tiles, or why there are none; returns at once for the same view and style."""
        self.show_sheet(None, style)
        self._lay_out()
        if view is self._view and style == self.delegate.style_:
            return
        self._view, self._without = view, view.without
        self.title.set_full(view.title)
        self.bare.setChecked(self._bench.session.overlay.bare)
        self.bare.setVisible(bool(view.entries))
        for label in (self.offer, self.trace):
            label.setVisible(bool(view.offer))
        self.offer.set_full(view.offer)
        self.trace.setEnabled(not view.tracing)
        self.tiles.setVisible(bool(view.entries))
        self.delegate.show_view(view, style)
        self.model.show_view(view)
        self._lay_out()
        if not self.tiles.currentIndex().isValid():
            chosen = next((n for n, entry in enumerate(view.entries) if entry.chosen), 0)
            self.tiles.setCurrentIndex(self.model.index(chosen))
        self.tiles.viewport().update()
        self.update()

    def _lay_out(self) -> None:
        """Tiles share the width of the window."""
        room = self.tiles.viewport().width() - 2
        count = max(1, room // theme.scaled(self._bench.session.view.tile))
        side = room // count
        lines = lines_of(self.model.view)
        size = QSize(side, side + lines * self.tiles.fontMetrics().height() + 2)
        if size != self.delegate.size:
            self.delegate.size = size
            self.tiles.setGridSize(size)
            self.tiles.scrollTo(self.tiles.currentIndex())

    def _choose(self, index: QModelIndex) -> None:
        if self._view is not None and index.isValid():
            name = self._view.entries[index.row()].name
            attempt(self._bench, lambda: self._bench.explaining.select_layer(name))

    def _read(self, index: QModelIndex) -> None:
        if index.isValid():
            self._bench.viewing.set_workspace("reading")

    def _turn(self, by: int) -> None:
        self._turned += by
        self._scroll.start()

    def _step(self) -> None:
        """One verb for everything that was turned since the last turn of the event loop."""
        notches = int(self._turned / _NOTCH)
        self._turned -= notches * _NOTCH
        if notches:
            self._bench.viewing.step(notches)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.colour("canvas"))
        if self._without:
            painter.setPen(theme.DARK_MUTED)
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect().adjusted(20, 20, -20, -20), flags, self._without)
