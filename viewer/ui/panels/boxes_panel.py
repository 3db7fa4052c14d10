"""The table of boxes: who drew what, and how the map agrees with it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QItemSelectionModel, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from viewer.actions.keys import key_of
from viewer.controllers.workbench import Workbench
from viewer.evaluation.score import Score
from viewer.state.boxes_view import BoxesView, BoxRow, area_words
from viewer.state.session import Session
from viewer.ui import theme
from viewer.ui.attempt import attempt
from viewer.ui.dialogs.palette import key_words
from viewer.ui.panels.bottom_card import BottomPage
from viewer.ui.panels.card import Chooser, Elided, described

COLUMNS = ("box", "reader", "IoU", "IoBB", "energy inside", "pointing", "area", "width \u00d7 height")
RULES: tuple[tuple[str, float, str], ...] = (
    *(("top-percent", float(n), f"most important {n} %") for n in (1, 2, 3, 5, 8, 10, 20)),
    *(("fraction-of-max", n / 100, f"above {n} % of maximum") for n in (15, 30, 50, 70)),
)
_DASH = "—"
_COLOURS = {"drawn": "accent", "reader": "green", "map": "amber"}


class BoxTable(QTableWidget):
    """A table that says what to do while it is empty."""

    empty = ""

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.rowCount() == 0:
            painter = QPainter(self.viewport())
            painter.setPen(theme.colour("muted"))
            painter.drawText(self.viewport().rect(), Qt.AlignmentFlag.AlignCenter, self.empty)


class BoxesPanel(BottomPage):
    """The rule, and the table."""

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self._bench = bench
        self._view: BoxesView | None = None
        self._filling = False
        self.head = QWidget()
        row = QHBoxLayout(self.head)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(10)
        self._rule_line = Elided(name="muted")
        row.addWidget(self._rule_line, 1)
        self.rule = Chooser()
        for _, _, words in RULES:
            self.rule.addItem(words)
        described(
            self.rule, "Rule for the map's boxes", "How boxes are made from the map: of the network's input."
        )
        row.addWidget(self.rule)
        self.table = BoxTable(0, len(COLUMNS))
        self._style_table()
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.addWidget(self.table, 1)
        self.rule.activated.connect(
            lambda index: attempt(bench, lambda: bench.boxing.set_rule(RULES[index][0], RULES[index][1]))
        )
        self.table.itemChanged.connect(self._renamed)
        self.table.itemSelectionChanged.connect(self._picked)

    def _style_table(self) -> None:
        table = self.table
        table.setHorizontalHeaderLabels(COLUMNS)
        described(
            table,
            "Boxes",
            "Double click a name of yours to change it; Del on the image deletes the selected box.",
        )
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(theme.scaled(26))
        table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        table.horizontalHeader().setDefaultAlignment(
            Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        )
        table.horizontalHeader().setHighlightSections(False)
        table.setShowGrid(False)
        table.setTabKeyNavigation(False)  # Tab leads on
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked | QAbstractItemView.EditTrigger.EditKeyPressed
        )
        table.setMinimumHeight(60)

    def show_boxes(self, view: BoxesView | None, session: Session) -> None:
        """Fill the table; returns at once for the same view and rule."""
        self._show_rule(session)
        key = key_words(key_of(session, "boxes.draw"))
        press = f"Press {key} and drag" if key else "Choose Boxes > Draw a box and drag"
        self.table.empty = f"No boxes on this slice. {press} on the image to draw one."
        if view is self._view:
            return
        self._view = view
        rows = view.rows if view else ()
        self._rule_line.set_full(view.rule if view else "")
        self._filling = True
        try:
            self.table.setRowCount(len(rows))
            for number, row in enumerate(rows):
                for column, text in enumerate(_words(row, session)):
                    self._put(number, column, text, row)
            chosen = next((n for n, row in enumerate(rows) if row.mark.selected), None)
            if chosen is None:
                self.table.clearSelection()
            else:
                flags = QItemSelectionModel.SelectionFlag
                self.table.selectionModel().select(
                    self.table.model().index(chosen, 0), flags.ClearAndSelect | flags.Rows
                )
        finally:
            self._filling = False

    def changeEvent(self, event: QEvent) -> None:
        """Another theme or size of the text: the words have their colours from it."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange):
            self._view = None
            self.table.verticalHeader().setDefaultSectionSize(theme.scaled(26))

    def _show_rule(self, session: Session) -> None:
        wanted = (session.boxes.rule, session.boxes.value)
        index = next((n for n, rule in enumerate(RULES) if rule[:2] == wanted), -1)
        if self.rule.currentIndex() != index:
            self.rule.setCurrentIndex(index)

    def _put(self, number: int, column: int, text: str, row: BoxRow) -> None:
        item = self.table.item(number, column)
        if item is None:
            item = QTableWidgetItem()
            self.table.setItem(number, column, item)
        if item.text() != text:
            item.setText(text)
        editable = column == 0 and row.mark.kind == "drawn"
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        item.setFlags(flags | Qt.ItemFlag.ItemIsEditable if editable else flags)
        item.setForeground(
            theme.colour(_COLOURS[row.mark.kind]) if column == 0 else QColor(theme.current().text)
        )
        if 2 <= column <= 5 and row.scores:
            baseline = row.baseline[column - 2].rule
            item.setToolTip(
                f"{row.scores[column - 2].rule}\nIn brackets, of the image's brightness: {baseline}"
            )
        else:
            item.setToolTip("")

    def _renamed(self, item: QTableWidgetItem) -> None:
        if self._filling or item.column() != 0 or self._view is None:
            return
        identity = self._view.rows[item.row()].mark.identity
        if identity is not None:
            name = item.text()
            attempt(self._bench, lambda: self._bench.boxing.rename(identity, name))

    def _picked(self) -> None:
        if self._filling or self._view is None:
            return
        rows = self.table.selectionModel().selectedRows()
        if rows:
            self._bench.boxing.select(self._view.rows[rows[0].row()].mark.identity)


def _words(row: BoxRow, session: Session) -> tuple[str, ...]:
    """A line of the table as text; the reader of a box of the map is the rule that made it."""
    region, boxes = row.mark.region, session.boxes
    reader = region.reader
    if row.mark.kind == "map":
        reader = (
            f"top {boxes.value:g} %" if boxes.rule == "top-percent" else f"> {boxes.value * 100:g} % of max"
        )
    scores = [_beside(*pair) for pair in zip(row.scores, row.baseline, strict=True)] or [_DASH] * 4
    area = _DASH if row.area_cm2 is None else area_words(row.area_cm2 * 100)
    size = _DASH if row.size_mm is None else f"{row.size_mm[1]:.0f} × {row.size_mm[0]:.0f} mm"
    return (region.label or row.mark.kind, reader, *scores, area, size)


def _beside(score: Score, baseline: Score) -> str:
    """A score of the map and, in brackets, of the image's own brightness."""
    return f"{_number(score)}  ({_number(baseline)})"


def _number(score: Score) -> str:
    if not score.defined:
        return _DASH
    if score.name == "pointing":
        return "hit" if score.value >= 0.5 else "miss"
    return f"{score.value:.2f}"
