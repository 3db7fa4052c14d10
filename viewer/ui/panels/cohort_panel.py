"""The Cohort workspace: the cases of a table with their outcomes, a run with its progress, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QProgressBar,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from viewer.controllers.workbench import Workbench
from viewer.reporting.cohort_page import best_thresholds
from viewer.state.cohort import GROUPS, CohortLine, CohortOnScreen, Group
from viewer.state.session import Session
from viewer.ui import theme
from viewer.ui.attempt import attempt
from viewer.ui.panels.card import Chooser, Elided, described

_CASES = ("case", "truth", "probability", "slice", "outcome", "note")
_WIDTHS = (120, 96, 82, 48, 66)
"""Of the columns but the last, logical pixels."""
_SCORES = ("score", "value", "95 %", "patients drawn again", "rule")
_MAPS = ("explainer", "layer", "reader", "best at", "IoU", "pointing", "energy", "n")
_EXPLAINERS = (
    ("usual", "Grad-CAM, Grad-CAM++, LayerCAM"),
    ("shown", "the shown explainer"),
    ("trace", "all of one trace"),
)
_LAYERS = (("shown", "the shown layer"), ("all", "all layers"))
_FIGURES = {
    "roc": "ROC curve",
    "calibration": "Calibration",
    "confusion": "Confusion",
    "iou": "IoU by threshold",
    "pixel_importance": "Pixel importance",
    "layers": "Layer by method",
}
_COLOURS: Mapping[Group, str] = {
    "TP": "green",
    "TN": "green",
    "FP": "amber",
    "FN": "red",
    "disputed": "amber",
    "waiting": "muted",
    "skipped": "muted",
}
_WORDS: Mapping[Group, str] = {
    "TP": "true positives: the finding is there and was found",
    "FP": "false positives: called although it is not there",
    "FN": "false negatives: missed",
    "TN": "true negatives: not there and not called",
    "disputed": "a reviewer holds the label to be wrong; they are counted apart",
    "waiting": "not scored yet, or of unknown truth",
    "skipped": "could not be evaluated; the note says why",
}
_DASH = "—"


class CohortPanel(QWidget):
    """Table at the left, curves and tables of the run at the right.

    Parameters
    ----------
    ask : opens the dialog of an action by its id.
    """

    def __init__(self, bench: Workbench, ask: Callable[[str], None]) -> None:
        super().__init__()
        self._bench = bench
        self._lines: dict[int, tuple[CohortLine, bool]] = {}
        self._listed: tuple[int, ...] = ()
        self._of: object = None
        self._document: object = None
        self.words = Elided(name="muted")
        self.open = self._button(
            "Open cohort…", "Open a folder with cohort.csv.", lambda: ask("case.open-cohort")
        )
        self.run = self._button(
            "Run", "Score every case with the chosen model; what has been scored is taken.", bench.cohorts.run
        )
        self.stop = self._button("Stop", "Stop the run; what has been scored is kept.", bench.cohorts.stop)
        self.save = self._button(
            "Save results…",
            "Write the tables, figures and one HTML report into a folder.",
            lambda: ask("case.save-cohort"),
        )
        self.explainers, self.layers = Chooser(), Chooser()
        for chooser, entries, name, tip in (
            (self.explainers, _EXPLAINERS, "Explainers", "Which explainers the next run compares."),
            (self.layers, _LAYERS, "Layers", "Which layers the next run compares."),
        ):
            for _, words in entries:
                chooser.addItem(words)
            described(chooser, name, tip)
        self.pixels = QCheckBox("pixel importance")
        described(
            self.pixels,
            "Pixel importance",
            "Replace the most important pixels by their mean and ask again; takes most of the time of a run.",
        )
        cohorts = bench.cohorts
        self.explainers.activated.connect(
            lambda index: attempt(bench, lambda: cohorts.choose(explainers=_EXPLAINERS[index][0]))  # type: ignore[arg-type]
        )
        self.layers.activated.connect(
            lambda index: attempt(bench, lambda: cohorts.choose(layers=_LAYERS[index][0]))  # type: ignore[arg-type]
        )
        self.pixels.clicked.connect(lambda on: attempt(bench, lambda: cohorts.choose(pixels=on)))
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(6)
        self.progress.setAccessibleName("Progress of the cohort")
        self.said = Elided(name="muted")
        self.filters: dict[Group, QPushButton] = {}
        self.table = _table(_CASES, "Cases of the cohort")
        for column, width in enumerate(_WIDTHS):
            self.table.setColumnWidth(column, theme.scaled(width))
        self.table.itemActivated.connect(self._activated)
        self.views = Chooser()
        described(self.views, "Results", "Which curve or table of the run is shown.")
        self.scores, self.maps = (
            _table(_SCORES, "Scores of the predictions"),
            _table(_MAPS, "Scores of the maps"),
        )
        self.figure = Figure()
        self.pages = QStackedWidget()
        self.views.activated.connect(self._show_view)
        self._arrange()

    def _button(self, text: str, tip: str, verb: Callable[[], object]) -> QPushButton:
        button = QPushButton(text)
        described(button, text.rstrip("…"), tip)
        button.clicked.connect(lambda: attempt(self._bench, verb))
        return button

    def _arrange(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(self.words, 1)
        for widget in (self.open, self.run, self.stop, self.save):
            top.addWidget(widget)
        options = QHBoxLayout()
        options.setSpacing(8)
        for text, choice in (("Compare", self.explainers), ("on", self.layers)):
            label = QLabel(text)
            label.setObjectName("muted")
            options.addWidget(label)
            options.addWidget(choice)
        options.addWidget(self.pixels)
        options.addWidget(self.said, 1)
        filters = QHBoxLayout()
        filters.setSpacing(4)
        for group in GROUPS:
            button = QPushButton(group)
            button.setCheckable(True)
            described(button, f"Show {group}", f"Show only these: {_WORDS[group]}.")
            button.clicked.connect(
                lambda _=False, group=group: attempt(
                    self._bench, lambda: self._bench.cohorts.toggle_group(group)
                )
            )
            self.filters[group] = button
            filters.addWidget(button)
        filters.addStretch(1)
        left, right = QWidget(), QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(filters)
        column.addWidget(self.table, 1)
        other = QVBoxLayout(right)
        other.setContentsMargins(0, 0, 0, 0)
        other.setSpacing(4)
        other.addWidget(self.views)
        for page in (self.scores, self.maps, self.figure):
            self.pages.addWidget(page)
        other.addWidget(self.pages, 1)
        both = QSplitter(Qt.Orientation.Horizontal)
        both.setHandleWidth(8)
        both.setChildrenCollapsible(False)
        both.addWidget(left)
        both.addWidget(right)
        both.setSizes([520, 420])
        body = QVBoxLayout(self)
        body.setContentsMargins(4, 2, 4, 2)
        body.setSpacing(6)
        body.addLayout(top)
        body.addLayout(options)
        body.addWidget(self.progress)
        body.addWidget(both, 1)

    # --- mirroring the state -----------------------------------------------------------------------------------------

    def show_session(self, session: Session) -> None:
        """Bring everything up to the state."""
        cohort = session.cohort
        self.words.set_full(_title(cohort, session))
        running = cohort is not None and cohort.run is not None
        self.run.setVisible(not running)
        self.run.setEnabled(cohort is not None and session.model is not None)
        self.stop.setVisible(running)
        self.save.setEnabled(cohort is not None and cohort.document is not None)
        for widget in (self.explainers, self.layers, self.pixels):
            widget.setEnabled(cohort is not None and not running)
        self.progress.setVisible(running)
        self.said.set_full(_said(cohort))
        if cohort is None:
            self.table.setRowCount(0)
            self._lines, self._listed, self._of, self._document = {}, (), None, None
            self._show_document(None)
            return
        if cohort.run is not None:
            self.progress.setRange(0, cohort.run.total)
            self.progress.setValue(cohort.run.done)
        self.explainers.setCurrentIndex([name for name, _ in _EXPLAINERS].index(cohort.explainers))
        self.layers.setCurrentIndex([name for name, _ in _LAYERS].index(cohort.layers))
        self.pixels.setChecked(cohort.pixels)
        for group, button in self.filters.items():
            count = cohort.counts[group]
            button.setText(f"{group} {count}")
            button.setEnabled(count > 0 or group in cohort.shown)
            button.setChecked(group in cohort.shown)
        self._show_lines(cohort, session.phi_hidden)
        if cohort.document is not self._document:
            self._document = cohort.document
            self._show_document(cohort)

    def take_room(self, shown: bool, hidden: Iterable[QWidget], back: Iterable[QWidget]) -> None:
        """While the table is shown, what is about one image is not; `back` comes back by itself afterwards."""
        for about in hidden if shown else ():
            about.hide()
        for about in back:
            about.setVisible(not shown)

    def _show_lines(self, cohort: CohortOnScreen, hidden: bool) -> None:
        if cohort.cohort is not self._of or cohort.listed != self._listed:
            self._of, self._listed, self._lines = cohort.cohort, cohort.listed, {}
            self.table.setRowCount(len(self._listed))
        for row, index in enumerate(self._listed):
            line = cohort.lines[index]
            if self._lines.get(row) == (line, hidden):
                continue
            self._lines[row] = (line, hidden)
            for column, text in enumerate(_cells(index, line, hidden)):
                item = QTableWidgetItem(text)
                item.setToolTip(text if column == len(_CASES) - 1 else "")
                if column == 4:
                    item.setForeground(theme.colour(_COLOURS[line.group]))
                self.table.setItem(row, column, item)
        if cohort.current in self._listed:
            self.table.setCurrentCell(self._listed.index(cohort.current), 0)

    def _activated(self, item: QTableWidgetItem) -> None:
        index = self._listed[item.row()]
        attempt(self._bench, lambda: self._bench.cohorts.open_case(index))

    # --- results -----------------------------------------------------------------------------------------------------

    def _show_document(self, cohort: CohortOnScreen | None) -> None:
        document = None if cohort is None else cohort.document
        before = self.views.currentText()
        self.views.clear()
        self._entries: list[tuple[str, str, Any]] = []
        if document is None or cohort is None:
            self.views.setEnabled(False)
            self._fill(self.scores, [])
            self.pages.setCurrentWidget(self.scores)
            return
        for unit, words in (("per_patient", "Scores per patient"), ("per_slice", "Scores per slice")):
            table = document["predictions"][unit]
            if table and table["n"]:
                self._entries.append((words, "scores", table))
        if document["localisation"]:
            self._entries.append(("Scores of the maps", "maps", document["localisation"]))
        self._entries += [
            (words, "figure", cohort.figures[name])
            for name, words in _FIGURES.items()
            if name in cohort.figures
        ]
        self.views.setEnabled(True)
        for words, _, _ in self._entries:
            self.views.addItem(words)
        self.views.setCurrentIndex(max(0, self.views.findText(before)))
        self._show_view(self.views.currentIndex())

    def _show_view(self, index: int) -> None:
        if not 0 <= index < len(self._entries):
            return
        _, kind, content = self._entries[index]
        if kind == "scores":
            self._fill(self.scores, [_score_cells(name, score) for name, score in content["scores"].items()])
            self.pages.setCurrentWidget(self.scores)
        elif kind == "maps":
            self._fill(self.maps, _map_rows(content))
            self.pages.setCurrentWidget(self.maps)
        else:
            self.figure.show_png(content)
            self.pages.setCurrentWidget(self.figure)

    def _fill(self, table: QTableWidget, rows: list[tuple[str, ...]]) -> None:
        table.setRowCount(len(rows))
        for number, row in enumerate(rows):
            for column, text in enumerate(row):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                table.setItem(number, column, item)
        table.resizeColumnsToContents()


class Figure(QWidget):
    """A figure as it is saved, on white, as large as there is room."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Figure of the cohort")
        self.pixmap = QPixmap()
        self._png = b""

    def show_png(self, png: bytes) -> None:
        """Show a picture."""
        if png is not self._png:
            self._png = png
            self.pixmap.loadFromData(png, "PNG")
            self.update()

    def minimumSizeHint(self) -> QSize:
        return QSize(240, 200)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.pixmap.isNull():
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        size = self.pixmap.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        ratio = self.devicePixelRatioF()
        shown = self.pixmap.scaled(
            size * ratio, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
        painter.drawPixmap(QRect((self.width() - size.width()) // 2, 0, size.width(), size.height()), shown)


class _Table(QTableWidget):
    """A table that is read and not edited."""

    def __init__(self, columns: tuple[str, ...], name: str, empty: str) -> None:
        super().__init__(0, len(columns))
        self._empty = empty
        tip = "Enter, or a double click, opens the case." if columns is _CASES else "What the run has found."
        described(self, name, tip)
        self.setTabKeyNavigation(False)  # Tab leads on
        self.setHorizontalHeaderLabels(list(columns))
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(24)
        header = self.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setStretchLastSection(True)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.rowCount() == 0:
            painter = QPainter(self.viewport())
            painter.setPen(theme.colour("muted"))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.viewport().rect().adjusted(12, 0, -12, 0), int(flags), self._empty)


def _table(columns: tuple[str, ...], name: str) -> QTableWidget:
    empty = (
        "Open a folder with cohort.csv. 'whyslice generate stroke-dwi' makes one."
        if columns is _CASES
        else "Run to see scores and curves."
    )
    return _Table(columns, name, empty)


def _title(cohort: CohortOnScreen | None, session: Session) -> str:
    if cohort is None:
        return "No cohort is open"
    name = "Cohort" if session.phi_hidden else cohort.cohort.folder.name
    images, cases = len(cohort.cohort.images), cohort.cohort.cases
    words = f"{name}: {images} images of {cases} cases" if images != cases else f"{name}: {cases} cases"
    if unusable := len(cohort.cohort.skipped):
        words += f", {unusable} {'row' if unusable == 1 else 'rows'} of the table cannot be used"
    if cohort.model_id:
        words += f", scored by {cohort.model_id}"
    return words


def _said(cohort: CohortOnScreen | None) -> str:
    if cohort is None:
        return ""
    if cohort.run is not None:
        return f"{cohort.run.done} of {cohort.run.total} {cohort.run.words}"
    return cohort.sentence


def _cells(index: int, line: CohortLine, hidden: bool) -> tuple[str, ...]:
    known = line.classes is not None
    return (
        f"case {index + 1}" if hidden else line.image.case,
        ", ".join(line.classes or ("none",)) if known else "; ".join(_labels(line)) or _DASH,
        _DASH if line.probability is None else f"{line.probability:.3f}",
        _DASH if line.slice is None else str(line.slice + 1),
        line.outcome or _DASH,
        "; ".join(
            filter(None, (_without_names(line.reason) if hidden else line.reason, *_uncounted(line, hidden)))
        ),
    )


def _uncounted(line: CohortLine, hidden: bool) -> list[str]:
    """What was left out of a case; a label is no name, it stands in the column beside it anyway."""
    labels = set(_labels(line))
    return [
        _without_names(words) if hidden and not any(f"'{label}'" in words for label in labels) else words
        for words in line.uncounted
    ]


def _without_names(sentence: str) -> str:
    """What stands in quotes may name a file."""
    return "'…'".join(sentence.split("'")[::2])


def _labels(line: CohortLine) -> list[str]:
    return list(dict.fromkeys(label for each in line.image.markings for label in each.labels))


def _score_cells(name: str, score: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        name,
        _DASH if score["value"] is None else f"{score['value']:.3f}",
        _interval(score["low"], score["high"]),
        _interval(score["bootstrap_low"], score["bootstrap_high"]),
        score["rule"],
    )


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:.3f}–{high:.3f}"


def _map_rows(rows: list[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Of each map and reader the best threshold, the best map first."""
    return [
        (
            row["explainer"].replace("baseline:", "no network: "),
            row["layer"],
            row["reader"],
            f"{row['value']:g} %" if row["rule"] == "top-percent" else f"{row['value']:g} of max",
            *(_DASH if row[name] is None else f"{row[name]:.3f}" for name in ("iou", "pointing", "energy")),
            str(row["n"]),
        )
        for row in best_thresholds(rows)
    ]
