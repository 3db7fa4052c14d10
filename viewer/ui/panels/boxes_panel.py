"""The table of boxes: who drew what, and how the map agrees with it."""

from __future__ import annotations

import math

from PySide6.QtCore import QEvent, QItemSelectionModel, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QMenu,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from viewer.actions.keys import key_of
from viewer.controllers.workbench import Workbench
from viewer.evaluation.score import Score
from viewer.state.boxes_view import BoxesView, BoxRow, area_words
from viewer.state.reader_lines import SHOWN_SCORES, SummaryRow
from viewer.state.session import Session
from viewer.ui import theme
from viewer.ui.attempt import attempt
from viewer.ui.key_words import key_words
from viewer.ui.panels.bottom_card import BottomPage
from viewer.ui.panels.card import Chooser, Elided, described, keeps_room
from viewer.ui.panels.curve_plot import CurvePlot, PlottedCurve
from viewer.ui.panels.whole_table import WholeTable

COLUMNS = (
    "box",
    "reader",
    "IoU",
    "IoBB",
    "energy inside",
    "pointing",
    "Dice",
    "peak away",
    "area",
    "width \u00d7 height",
)
_SCORE = "0.00  (0.00)"
_WIDEST = (
    *("stroke", "top 10 %", _SCORE, _SCORE, _SCORE, "miss  (miss)", _SCORE),
    *("100 mm  (100 mm)", "100.0 cm\u00b2", "100 \u00d7 100 mm"),
)
"""Of each column; names and readers end in dots where they are longer, and have tips."""
_FIRST = 2
"""Column of the first score."""
RULES: tuple[tuple[str, float, str], ...] = (
    *(("top-percent", float(n), f"most important {n} %") for n in (1, 2, 3, 5, 8, 10, 20)),
    *(("fraction-of-max", n / 100, f"above {n} % of maximum") for n in (15, 30, 50, 70)),
    ("top-area-of-truth", 1.0, "as much as readers marked"),
)
_DASH = "—"
_BESIDE = "; in brackets: the image's own brightness as a map"
_PALE = (
    "By the rule of the boxes this is among the most important, but it lies below the threshold of the overlay, so "
    "there is no colour. Lower the threshold to see it."
)
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
        self._lines: tuple[BoxRow | SummaryRow, ...] = ()
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
        self.shown = QPushButton("Readers \u25be")
        described(
            self.shown,
            "Readers' boxes",
            "Which of the readers' boxes are shown, by class and by reader; scores are of all of them.",
        )
        self._shown_menu = QMenu(self.shown)
        self._shown_menu.aboutToShow.connect(self._fill_shown)
        self.shown.setMenu(self._shown_menu)
        row.addWidget(self.shown)
        row.addWidget(self.rule)
        self.table = BoxTable(0, len(COLUMNS))
        self._style_table()
        self.focus = Elided(name="muted")
        self.curve = CurvePlot("IoU at every threshold")
        keeps_room(self.curve)
        keeps_room(self.shown)
        for absent in (self.shown, self.curve):
            absent.hide()
        left = QVBoxLayout()
        left.setSpacing(2)
        left.addWidget(WholeTable(self.table, _WIDEST), 1)
        left.addWidget(self.focus)
        body = QHBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(12)
        body.addLayout(left, 1)
        body.addWidget(self.curve)
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

    def show_boxes(self, view: BoxesView | None, session: Session) -> None:
        """Fill the table; returns at once for the same view and rule."""
        self._show_rule(session)
        key = key_words(key_of(session, "boxes.draw"))
        press = f"Press {key} and drag" if key else "Choose Boxes > Draw a box and drag"
        self.table.empty = f"No boxes on this slice. {press} on the image to draw one."
        if view is self._view:
            return
        self._view = view
        rows = self._lines = _lines(view)
        hidden = f"{view.filtered} readers' boxes hidden. " if view and view.filtered else ""
        beside = _BESIDE if view is not None and any(row.baseline for row in view.rows) else ""
        self._rule_line.set_full(hidden + _pale_words(view) + view.rule + beside if view else "")
        self.shown.setVisible(bool(view and (len(view.labels) > 1 or len(view.readers) > 1 or view.filtered)))
        self.focus.set_full(view.focus if view else "")
        self._plot(view)
        self._filling = True
        try:
            self.table.setRowCount(len(rows))
            for number, row in enumerate(rows):
                for column, text in enumerate(_words(row, session)):
                    self._put(number, column, text, row)
            chosen = next(
                (n for n, row in enumerate(rows) if isinstance(row, BoxRow) and row.mark.selected), None
            )
            if chosen is None:
                self.table.clearSelection()
            else:
                flags = QItemSelectionModel.SelectionFlag
                self.table.selectionModel().select(
                    self.table.model().index(chosen, 0), flags.ClearAndSelect | flags.Rows
                )
        finally:
            self._filling = False

    def _fill_shown(self) -> None:
        """The labels and readers of the slice, those that are shown checked."""
        menu, view, session = self._shown_menu, self._view, self._bench.session
        menu.clear()
        if view is None:
            return
        verbs, boxes = self._bench.findings, session.boxes
        for names, hidden, verb in (
            (view.labels, boxes.hidden_classes, verbs.toggle_label),
            (view.readers, boxes.hidden_readers, verbs.toggle_reader),
        ):
            for name in names:
                action = menu.addAction((name or "without a name").replace("&", "&&"))
                action.setCheckable(True)
                action.setChecked(name not in hidden)
                action.triggered.connect(
                    lambda _=False, verb=verb, name=name: attempt(self._bench, lambda: verb(name))
                )
            menu.addSeparator()
        menu.addAction("Show all").triggered.connect(verbs.show_all_boxes)

    def changeEvent(self, event: QEvent) -> None:
        """Another theme or size of the text: the words have their colours from it."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange):
            self._view = None

    def _show_rule(self, session: Session) -> None:
        wanted = (session.boxes.rule, session.boxes.value)
        index = next((n for n, rule in enumerate(RULES) if rule[:2] == wanted), -1)
        if self.rule.currentIndex() != index:
            self.rule.setCurrentIndex(index)

    def _plot(self, view: BoxesView | None) -> None:
        """IoU with the best box against the percentage, on a logarithmic axis, and the readers' own agreement."""
        curves, ticks, top = [], [], 1.0
        points = view.curve if view is not None else ()
        by_percent = [point for point in points if point.rule.rule == "top-percent"]
        by_fraction = [point for point in points if point.rule.rule == "fraction-of-max"]
        if view is not None and by_percent:
            low, high = (math.log(by_percent[end].rule.value) for end in (0, -1))
            along = [(math.log(point.rule.value) - low) / (high - low) for point in by_percent]
            ticks = [(x, f"{point.rule.value:g} %") for x, point in zip(along, by_percent, strict=True)]
            curves.append(
                PlottedCurve(
                    "top %",
                    tuple((x, point.best) for x, point in zip(along, by_percent, strict=True)),
                    "accent",
                    dots=True,
                )
            )
            # Strict thresholds stand at the left of either curve.
            falling = tuple((1 - point.rule.value, point.best) for point in by_fraction)
            curves.append(PlottedCurve("of max", falling, "amber", dots=True))
            if view.yardstick is not None:
                flat = ((0.0, view.yardstick), (1.0, view.yardstick))
                curves.append(PlottedCurve("readers", flat, "green", dashed=True))
        self.curve.show_curves(curves, ticks, top)
        self.curve.setVisible(bool(curves))
        if view is not None and points:
            words = "\n".join(f"{point.rule}: {point.best:.2f} ({point.boxes} boxes)" for point in points)
            self.curve.setToolTip(
                f"IoU of '{view.curve_of}' with the best box of the map at every threshold; from 90% of the maximum at "
                f"the left to 10% at the right. The best one is known only afterwards.\n{words}"
            )

    def _put(self, number: int, column: int, text: str, row: BoxRow | SummaryRow) -> None:
        item = self.table.item(number, column)
        if item is None:
            item = QTableWidgetItem()
            self.table.setItem(number, column, item)
        if item.text() != text:
            item.setText(text)
        kind = row.mark.kind if isinstance(row, BoxRow) else "reader"
        editable = column == 0 and kind == "drawn"
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        item.setFlags(flags | Qt.ItemFlag.ItemIsEditable if editable else flags)
        own = row.mark.colour if isinstance(row, BoxRow) else ""
        first = QColor(own) if own else theme.colour(_COLOURS[kind])
        pale = isinstance(row, BoxRow) and row.mark.pale
        item.setForeground(theme.colour("muted") if pale else first if column == 0 else theme.colour("text"))
        tip = text if column < _FIRST else _tip(row, column - _FIRST)
        item.setToolTip(_PALE if pale and column < _FIRST else tip)

    def _renamed(self, item: QTableWidgetItem) -> None:
        if self._filling or item.column() != 0 or self._view is None:
            return
        row = self._lines[item.row()]
        identity = row.mark.identity if isinstance(row, BoxRow) else None
        if identity is not None:
            name = item.text()
            attempt(self._bench, lambda: self._bench.boxing.rename(identity, name))

    def _picked(self) -> None:
        if self._filling or self._view is None:
            return
        rows = self.table.selectionModel().selectedRows()
        if rows:
            row = self._lines[rows[0].row()]
            self._bench.boxing.select(row.mark.identity if isinstance(row, BoxRow) else None)


def _pale_words(view: BoxesView) -> str:
    """How many boxes of the map stand where the overlay shows nothing, and why."""
    pale = sum(mark.pale for mark in view.of_map)
    return f"{pale} of {len(view.of_map)} map boxes pale: below the overlay's threshold. " if pale else ""


def _lines(view: BoxesView | None) -> tuple[BoxRow | SummaryRow, ...]:
    """Boxes of people, what is to be said of several readers, boxes of the map."""
    if view is None:
        return ()
    people = [row for row in view.rows if row.mark.kind != "map"]
    return (*people, *view.summary, *(row for row in view.rows if row.mark.kind == "map"))


def _words(row: BoxRow | SummaryRow, session: Session) -> tuple[str, ...]:
    """A line of the table as text; the reader of a box of the map is the rule that made it."""
    if isinstance(row, SummaryRow):
        baseline = row.baseline or (None,) * len(row.scores)
        return (row.name, row.reader, *map(_beside, row.scores, baseline), _DASH, _DASH)
    region, boxes = row.mark.region, session.boxes
    reader = region.reader
    if row.mark.kind == "map":
        reader = next(
            (words for rule, value, words in _SHORT if (rule, value) == (boxes.rule, boxes.value)), ""
        )
    scores = [*map(_beside, row.scores, row.baseline)] or [_DASH] * len(SHOWN_SCORES)
    area = _DASH if row.area_cm2 is None else area_words(row.area_cm2 * 100)
    pixels = (region.row_max - region.row_min, region.column_max - region.column_min)
    (height, width), unit = (pixels, "px") if row.size_mm is None else (row.size_mm, "mm")
    size = f"{width:.0f} × {height:.0f} {unit}"
    return (region.label or row.mark.kind, reader, *scores, area, size)


_SHORT = tuple(
    (
        rule,
        value,
        f"top {value:g} %"
        if rule == "top-percent"
        else f"> {value * 100:g} % of max"
        if rule == "fraction-of-max"
        else "as much as marked",
    )
    for rule, value, _ in RULES
)


def _tip(row: BoxRow | SummaryRow, which: int) -> str:
    """The rule of a score, and of the maps that know nothing."""
    if not 0 <= which < len(SHOWN_SCORES) or which >= len(row.scores):
        return ""
    score = row.scores[which]
    if score is None:
        return ""
    lines = [score.rule]
    if row.baseline and (baseline := row.baseline[which]) is not None:
        lines.append(f"In brackets, of the image's brightness: {baseline.rule}")
    if isinstance(row, BoxRow):
        lines += [f"{name}: {_number(scores[which])}" for name, scores in row.others]
    return "\n".join(lines)


def _beside(score: Score | None, baseline: Score | None) -> str:
    """A score of the map and, in brackets, of the image's own brightness."""
    if score is None:
        return _DASH
    return _number(score) if baseline is None else f"{_number(score)}  ({_number(baseline)})"


def _number(score: Score) -> str:
    if not score.defined:
        return _DASH
    if score.name == "pointing" and score.value in (0, 1) and not score.rule.startswith("mean"):
        return "hit" if score.value else "miss"
    if score.name == "peak-distance":
        return f"{score.value:.0f} {'mm' if 'mm from' in score.rule else 'px'}"
    return f"{score.value:.2f}"
