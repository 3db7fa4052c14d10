"""Can this map be trusted? A row for each check, and small pictures of what the chosen one compared."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from viewer.controllers.workbench import Workbench
from viewer.evaluation.checks.declaration import CHECKS, CheckInfo
from viewer.evaluation.checks.finding import Finding, Panel
from viewer.state.checks_view import CheckRow, ChecksView, checks_view
from viewer.state.session import Session
from viewer.ui import theme
from viewer.ui.attempt import attempt
from viewer.ui.canvas.colours import coloured, colours, image_of
from viewer.ui.panels.bottom_card import BottomPage
from viewer.ui.panels.card import Elided, described
from viewer.ui.panels.whole_table import WholeTable

COLUMNS = ("check", "number", "verdict", "what was found")
_COLOURS = {"fails": "red", "doubtful": "amber", "no objection": "text", "not defined": "muted"}
_STAGES = {"running": "checking …", "waiting": "waits", "not made": "—", "made": ""}
_GAP, _LINE = 8, 17
_WIDEST = (
    max((CHECKS[name].title for name in CHECKS), key=len),
    "-0.0000",
    "no objection",
    "what was found, in words",
)
"""Of each column; the last one ends in dots, and the chosen row has it whole below the table."""
_PICTURES = 420
_SHARE = 0.2
"""How closely the pictures follow the size of the text."""


class CheckPictures(QWidget):
    """What a check compared, side by side, each map over its own largest value."""

    def __init__(self) -> None:
        super().__init__()
        self._tiles: list[tuple[Panel, QImage]] = []
        self._words = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(240, 60)
        self.setAccessibleName("Pictures of the check")

    def sizeHint(self) -> QSize:
        return QSize(theme.scaled(_PICTURES, _SHARE), theme.scaled(120))

    def show_finding(self, finding: Finding | None, words: str) -> None:
        """Pictures of a finding; `words` where there are none."""
        panels = finding.panels if finding is not None else ()
        self._tiles = [(panel, _image(panel)) for panel in panels]
        self._words = words
        said = [f"{panel.title} {panel.note}".strip() for panel in panels]
        self.setAccessibleDescription(", ".join(said))
        self.setToolTip("\n".join([*said, "Each map over its own largest value."]) if said else "")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if not self._tiles:
            painter.setPen(theme.colour("muted"))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect(), flags, self._words)
            return
        count, line = len(self._tiles), theme.scaled(_LINE)
        room = (self.width() - _GAP * (count - 1)) / count
        beside = self._words_wide(painter) + _GAP
        # In a low window the words stand at the right of the pictures, which are larger then.
        low = room - beside >= self.height() > 2 * line
        side = min(room - beside if low else room, self.height() - (0 if low else 2 * line))
        step = side + _GAP + (beside if low else 0)
        left = (self.width() - step * count + _GAP) / 2
        top = max(0.0, (self.height() - side - (0 if low else 2 * line)) / 2)
        for panel, image in self._tiles:
            box = QRectF(left, top, side, side)
            painter.fillRect(box, theme.colour("canvas"))
            scale = side / max(image.width(), image.height())
            width, height = image.width() * scale, image.height() * scale
            place = QRectF(box.center().x() - width / 2, box.center().y() - height / 2, width, height)
            painter.drawImage(place, image)
            metrics = painter.fontMetrics()
            painter.setPen(theme.colour("muted"))
            words = QRectF(left - _GAP / 2, box.bottom(), side + _GAP, line)
            across = Qt.AlignmentFlag.AlignCenter
            if low:
                words = QRectF(box.right() + _GAP, box.center().y() - line, beside, line)
                across = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
            title = metrics.elidedText(panel.title, Qt.TextElideMode.ElideRight, int(words.width()))
            painter.drawText(words, across, title)
            painter.setPen(theme.colour("text"))
            painter.drawText(words.translated(0, line), across, _note(panel))
            left += step

    def _words_wide(self, painter: QPainter) -> float:
        """Width of the longest words about a picture."""
        metrics = painter.fontMetrics()
        said = [words for panel, _ in self._tiles for words in (panel.title, _note(panel))]
        return float(max(map(metrics.horizontalAdvance, said)))


def _note(panel: Panel) -> str:
    return panel.note if panel.kind == "picture" or panel.values.any() else "empty"


class ChecksPanel(BottomPage):
    """The table, the pictures, and the button that makes every check."""

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self._bench = bench
        self._key: tuple[object, ...] = ()
        self._rows: tuple[CheckRow, ...] = ()
        self.head = QWidget()
        row = QHBoxLayout(self.head)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(10)
        self.subject = Elided(name="muted")
        self.button = QPushButton("Check this map")
        described(self.button, "Check this map", "Ask all checks of this map; what is known stays.")
        self.button.clicked.connect(lambda: attempt(bench, bench.explaining.checking.run))
        row.addWidget(self.subject, 1)
        row.addWidget(self.button)
        self.table = QTableWidget(len(CHECKS), len(COLUMNS))
        self._style_table()
        self.pictures = CheckPictures()
        self.sentence = Elided()
        theme.keep(self.pictures, "setFixedWidth", _PICTURES, _SHARE)
        beside = QHBoxLayout()
        beside.setSpacing(12)
        beside.addWidget(WholeTable(self.table, _WIDEST, grows=len(COLUMNS) - 1), 1)
        beside.addWidget(self.pictures)
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(3)
        body.addLayout(beside, 1)
        body.addWidget(self.sentence)
        self.table.itemSelectionChanged.connect(self._show_chosen)
        self.table.cellActivated.connect(self._make)

    def _style_table(self) -> None:
        table = self.table
        table.setHorizontalHeaderLabels(COLUMNS)
        described(table, "Checks", "Enter, or a double click, makes the chosen check alone.")
        table.verticalHeader().hide()
        header = table.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setHighlightSections(False)
        table.setShowGrid(False)
        table.setTabKeyNavigation(False)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)

    def changeEvent(self, event: QEvent) -> None:
        """Another theme or size of the text: the words have their colours from it."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange):
            self._key = ()

    def show_session(self, session: Session) -> None:
        """The checks of the map on screen; returns at once where nothing has changed."""
        view = checks_view(session)
        findings = tuple(row.finding for row in view.rows)
        stages = tuple(row.stage for row in view.rows)
        seconds = None if view.seconds is None else round(view.seconds)
        key = (view.subject, view.why_not, view.left, seconds, view.running, stages, *map(id, findings))
        if key == self._key:
            return
        self._key, self._rows = key, view.rows
        self.subject.set_full(view.why_not or view.subject)
        self._show_button(view, seconds)
        for number, row in enumerate(view.rows):
            self._put(number, row)
        self._choose(view)
        self._show_chosen()

    def _show_button(self, view: ChecksView, seconds: int | None) -> None:
        about = "" if not seconds else f" ({seconds} s)" if seconds < 120 else f" ({seconds // 60} min)"
        idle = "Check this map" + about if view.left else "Checked"
        self.button.setText("Checking …" if view.running else idle)
        self.button.setEnabled(not view.why_not and not view.running and view.left > 0)
        tip = view.why_not or (
            "Ask all checks of this map; what is known stays. Cancel is in the line below."
            if view.left
            else "Every check of this map has been made; another slice, class, layer or explainer is another map."
        )
        self.button.setToolTip(tip)

    def _put(self, number: int, row: CheckRow) -> None:
        finding = row.finding
        value = "" if finding is None or finding.value is None else f"{finding.value:.2g}"
        verdict = _STAGES[row.stage] if finding is None else finding.verdict
        words = row.info.question if finding is None else finding.sentence
        colour = QColor(getattr(theme.current(), _COLOURS[finding.verdict] if finding else "muted"))
        for column, text in enumerate((row.info.title, value, verdict, words)):
            item = self.table.item(number, column)
            if item is None:
                item = QTableWidgetItem()
                item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
                self.table.setItem(number, column, item)
            item.setText(text)
            item.setToolTip(_tip(row.info, finding))
            plain = QColor(theme.current().muted if finding is None and column == 3 else theme.current().text)
            item.setForeground(colour if column in (1, 2) else plain)

    def _choose(self, view: ChecksView) -> None:
        """Without a choice of the user the row that needs looking at most is chosen."""
        if self.table.selectionModel().selectedRows():
            return
        made = [(number, row.finding) for number, row in enumerate(view.rows) if row.finding is not None]
        if made and not view.running:
            worst = min(made, key=lambda each: list(_COLOURS).index(each[1].verdict))
            self.table.selectRow(worst[0])

    def _show_chosen(self) -> None:
        rows = self.table.selectionModel().selectedRows()
        if not rows or not self._rows:
            self.pictures.show_finding(None, "Choose a check to see what it compared.")
            self.sentence.set_full("")
            return
        row = self._rows[rows[0].row()]
        self.pictures.show_finding(row.finding, row.info.question if row.finding is None else "No pictures.")
        self.sentence.set_full(row.info.question if row.finding is None else row.finding.sentence)

    def _make(self, number: int, _: int) -> None:
        if self._rows and self._rows[number].finding is None:
            name = self._rows[number].info.name
            attempt(self._bench, lambda: self._bench.explaining.checking.run((name,)))


def _tip(info: CheckInfo, finding: Finding | None) -> str:
    limits = f"doubtful from {info.doubtful:g}, " + (
        "never more" if info.fails is None else f"fails from {info.fails:g}"
    )
    found = "" if finding is None else f"{finding.sentence}\n\n"
    return f"{found}{info.question}\nNumber: {info.measure}.\n{limits}: {info.reason}.\n{info.source}."


def _image(panel: Panel) -> QImage:
    values = np.nan_to_num(panel.values)
    if panel.kind == "map":
        diverging = bool(values.min(initial=0.0) < 0)
        reach = float(np.abs(values).max(initial=0.0)) or 1.0
        return coloured(values, reach, diverging, colours("inferno", diverging))
    low, high = float(values.min()), float(values.max())
    shades: NDArray[np.uint8] = np.rint(255 * (values - low) / ((high - low) or 1.0)).astype(np.uint8)
    return image_of(np.repeat(shades[..., None], 3, axis=2))
