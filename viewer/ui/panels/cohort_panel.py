"""The Cohort workspace: the cases of a table with their outcomes, a run with its progress, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSplitter,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from viewer.controllers.workbench import Workbench
from viewer.state.cohort import GROUPS, CohortLine, CohortOnScreen, Group
from viewer.state.session import Session
from viewer.ui import theme
from viewer.ui.attempt import attempt
from viewer.ui.panels.card import Chooser, Elided, described
from viewer.ui.panels.cohort_results import CohortResults
from viewer.ui.panels.models_menu import ModelsMenu
from viewer.ui.panels.read_table import ReadTable

_CASES = ("case", "truth", "probability", "slice", "outcome", "note")
_WIDTHS = (120, 96, 82, 48, 66)
"""Of the columns but the last, logical pixels."""
_EXPLAINERS = (
    ("usual", "Grad-CAM, Grad-CAM++, LayerCAM"),
    ("shown", "the shown explainer"),
    ("trace", "all of one trace"),
)
_LAYERS = (("shown", "the shown layer"), ("all", "all layers"))
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
_OPENS = "Enter, or a double click, opens the case."
_NO_COHORT = "Open a folder with cohort.csv. 'whyslice generate stroke-dwi' makes one."


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
        self.words = Elided(name="muted")
        self.open = self._button(
            "Open cohort…", "Open a folder with cohort.csv.", lambda: ask("case.open-cohort")
        )
        self.models = ModelsMenu(bench)
        self.run = self._button(
            "Run",
            "Score every case with the chosen models; what has been scored is taken.",
            bench.cohorts.run,
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
        self.table = ReadTable(_CASES, "Cases of the cohort", _OPENS, _NO_COHORT)
        for column, width in enumerate(_WIDTHS):
            self.table.setColumnWidth(column, theme.scaled(width))
        self.table.itemActivated.connect(self._activated)
        self.results = CohortResults()
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
        for widget in (self.models, self.open, self.run, self.stop, self.save):
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
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(filters)
        column.addWidget(self.table, 1)
        both = QSplitter(Qt.Orientation.Horizontal)
        both.setHandleWidth(8)
        both.setChildrenCollapsible(False)
        both.addWidget(left)
        both.addWidget(self.results)
        both.setSizes([470, 470])
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
        self.models.show_session(session)
        self.results.show_cohort(cohort, session.phi_hidden)
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
            self._lines, self._listed, self._of = {}, (), None
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


def _title(cohort: CohortOnScreen | None, session: Session) -> str:
    if cohort is None:
        return "No cohort is open"
    name = "Cohort" if session.phi_hidden else cohort.cohort.folder.name
    images, cases = len(cohort.cohort.images), cohort.cohort.cases
    words = f"{name}: {images} images of {cases} cases" if images != cases else f"{name}: {cases} cases"
    if unusable := len(cohort.cohort.skipped):
        words += f", {unusable} {'row' if unusable == 1 else 'rows'} of the table cannot be used"
    if cohort.model_id:
        compared = () if cohort.document is None else cohort.document.get("models", ())
        beside = ", ".join(each["model"] for each in compared[1:])
        words += f", scored by {cohort.model_id}" + (f"; beside it {beside}" if beside else "")
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
        _note(line, hidden),
    )


def _note(line: CohortLine, hidden: bool) -> str:
    """Why a case was skipped, why its label is disputed, what was left out of it."""
    reason = _without_names(line.reason) if hidden else line.reason
    disputed = f"disputed: {line.disputed}" if line.disputed and not line.reason else ""
    return "; ".join(filter(None, (reason, disputed, *_uncounted(line, hidden))))


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
