"""The sheet of the Layers workspace: layers by explainers, of which only the cells are drawn that are seen."""

from __future__ import annotations

from PySide6.QtCore import (
    QAbstractTableModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QKeyEvent, QPainter, QPen, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import (
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from viewer.controllers.workbench import Workbench
from viewer.state.canvas_view import OverlayStyle
from viewer.state.layers_view import LayerMap, grid_words
from viewer.state.sheet_view import SheetView
from viewer.ui import theme
from viewer.ui.attempt import attempt
from viewer.ui.panels.card import described
from viewer.ui.panels.tile_keys import STEPS, is_ours
from viewer.ui.panels.tile_pictures import TilePictures

Index = QModelIndex | QPersistentModelIndex
NOTCH = 120
_LEAST = 84


class _Model(QAbstractTableModel):
    """The cells as Qt's views ask for them."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.view = SheetView((), (), "", "", None)

    def show_view(self, view: SheetView) -> None:
        same = (self.view.layers, self.view.explainers) == (view.layers, view.explainers)
        if not same:
            self.beginResetModel()
        self.view = view
        if same:
            last = self.index(self.rowCount() - 1, self.columnCount() - 1)
            self.dataChanged.emit(self.index(0, 0), last)
        else:
            self.endResetModel()

    def rowCount(self, parent: object = None) -> int:
        return len(self.view.layers)

    def columnCount(self, parent: object = None) -> int:
        return len(self.view.explainers)

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> object:
        row, column = index.row(), index.column()
        if not (0 <= row < len(self.view.layers) and 0 <= column < len(self.view.explainers)):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.view.cell(row, column).words
        tips = (
            Qt.ItemDataRole.ToolTipRole,
            Qt.ItemDataRole.AccessibleTextRole,
            Qt.ItemDataRole.AccessibleDescriptionRole,
        )
        if role in tips:
            cell = self.view.cell(row, column)
            lines = [f"{cell.name}{', chosen' if cell.chosen else ''}", cell.words]
            lines += (
                [f"largest raw value {cell.found.maximum:.3g}"] if isinstance(cell.found, LayerMap) else []
            )
            return "\n".join(lines)
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = int(Qt.ItemDataRole.DisplayRole)
    ) -> object:
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return None
        if orientation == Qt.Orientation.Horizontal:
            return self.view.titles[section] if section < len(self.view.explainers) else None
        if section >= len(self.view.layers):
            return None
        layer = self.view.layers[section]
        return f"{layer.name}\n{grid_words(layer.grid)}"


class _Cells(QStyledItemDelegate):
    """Draws a cell: the map over the slice and the number, in a shade that follows it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.view = SheetView((), (), "", "", None)
        self.pictures = TilePictures()

    def show_view(self, view: SheetView, style: OverlayStyle | None) -> None:
        self.view = view
        self.pictures.show(view, view.background, style)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        row, column = index.row(), index.column()
        if not (row < len(self.view.layers) and column < len(self.view.explainers)):
            return
        cell = self.view.cell(row, column)
        whole: QRect = option.rect
        state: QStyle.StateFlag = option.state
        room = QRectF(whole.adjusted(3, 3, -3, -3))
        line = painter.fontMetrics().height()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        picture = room.adjusted(2, 2, -2, -line - 5)
        painter.save()
        self.pictures.draw(painter, picture, cell.name, cell.found)
        painter.restore()
        words = QRectF(room.left() + 2, room.bottom() - line - 2, room.width() - 4, line + 2)
        if cell.agreement == cell.agreement:
            painter.fillRect(words, theme.colour("accent", max(cell.agreement, 0.0) * 0.55))
        painter.setPen(theme.DARK_TEXT if isinstance(cell.found, LayerMap) else theme.DARK_MUTED)
        text = painter.fontMetrics().elidedText(cell.words, Qt.TextElideMode.ElideRight, int(words.width()))
        painter.drawText(words, Qt.AlignmentFlag.AlignCenter, text)
        focused = bool(state & QStyle.StateFlag.State_HasFocus)
        if cell.chosen or focused:
            pen = QPen(theme.colour("accent" if cell.chosen else "letter"), 2)
            pen.setStyle(Qt.PenStyle.SolidLine if cell.chosen else Qt.PenStyle.DotLine)
            painter.setPen(pen)
            painter.drawRoundedRect(room, 4, 4)
        painter.restore()


class LayerSheet(QTableView):
    """Click a cell, or go to it with the arrows and press Return: its layer and explainer are chosen."""

    wheel_turned = Signal(int)

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self._bench = bench
        self._model, self._cells = _Model(self), _Cells(self)
        self.setModel(self._model)
        self.setItemDelegate(self._cells)
        self.setObjectName("tiles")
        described(
            self,
            "Layers by explainers",
            "Click a cell, or go to it with the arrows and press Return: its layer and explainer are chosen. "
            "A double click shows the map in Reading.",
        )
        self.setShowGrid(False)
        self.setSelectionMode(QTableView.SelectionMode.NoSelection)
        self.setVerticalScrollMode(QTableView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        for header in (self.horizontalHeader(), self.verticalHeader()):
            header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
            header.setSectionsClickable(False)
            header.setHighlightSections(False)
        self.setCornerButtonEnabled(False)
        self.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
        self.horizontalHeader().setTextElideMode(Qt.TextElideMode.ElideRight)
        self.clicked.connect(self._choose)
        self.activated.connect(self._choose)
        self.doubleClicked.connect(lambda _: bench.viewing.set_workspace("reading"))

    def show_sheet(self, view: SheetView, style: OverlayStyle | None) -> None:
        """Draw the sheet; returns at once for the same view and style."""
        if view is self._model.view and style == self._cells.pictures.style:
            return
        fresh = (view.layers, view.explainers) != (self._model.view.layers, self._model.view.explainers)
        self._cells.show_view(view, style)
        self._model.show_view(view)
        self._lay_out()
        if fresh:
            self._go_to_chosen()
        self.viewport().update()

    @property
    def view(self) -> SheetView:
        return self._model.view

    def _go_to_chosen(self) -> None:
        """The cell of the map on screen, where there is one."""
        choice, view = self._bench.session.choice, self._model.view
        rows = [layer.name for layer in view.layers]
        if choice.layer in rows:
            column = view.explainers.index(choice.explainer) if choice.explainer in view.explainers else 0
            place = self._model.index(rows.index(choice.layer), column)
            self.setCurrentIndex(place)
            self.scrollTo(place, QTableView.ScrollHint.PositionAtCenter)

    def _lay_out(self) -> None:
        """Columns share the width."""
        count = max(1, self._model.columnCount())
        side = max(theme.scaled(_LEAST), (self.viewport().width() - 2) // count)
        high = min(side, theme.scaled(130)) + self.fontMetrics().height()
        if self.horizontalHeader().defaultSectionSize() != side:
            self.horizontalHeader().setDefaultSectionSize(side)
        if self.verticalHeader().defaultSectionSize() != high:
            self.verticalHeader().setDefaultSectionSize(high)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay_out()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """The wheel scrolls the slices as it does everywhere; with Shift it goes through the sheet."""
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            turned = event.angleDelta().y() or event.angleDelta().x()
            bar = self.verticalScrollBar()
            bar.setValue(bar.value() - turned)
        else:
            self.wheel_turned.emit(event.angleDelta().y())
        event.accept()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride and is_ours(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier and Qt.Key(event.key()) in STEPS:
            self.wheel_turned.emit(NOTCH * STEPS[Qt.Key(event.key())])
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self._choose(self.currentIndex())
        elif event.key() == Qt.Key.Key_Space:
            event.ignore()  # the canvas hides the map
        else:
            super().keyPressEvent(event)

    def sizeHint(self) -> QSize:
        return QSize(400, 300)

    def _choose(self, index: QModelIndex) -> None:
        view, bench = self.view, self._bench
        if not index.isValid() or index.row() >= len(view.layers):
            return
        layer, explainer = view.layers[index.row()].name, view.explainers[index.column()]

        def choose() -> None:
            bench.explaining.select_layer(layer)
            bench.explaining.select_explainer(explainer)

        attempt(bench, choose)
