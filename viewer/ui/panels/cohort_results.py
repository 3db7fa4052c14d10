"""What a run of the cohort has found: scores, maps, models side by side, figures; one of them at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QStackedWidget, QTableWidgetItem, QVBoxLayout, QWidget

from viewer.reporting.cohort_page import best_thresholds
from viewer.reporting.cohort_units import units_of
from viewer.state.cohort import CohortOnScreen
from viewer.ui.panels.card import Chooser, described
from viewer.ui.panels.read_table import Figure, ReadTable

_SCORES = ("score", "value", "95 %", "patients drawn again", "rule")
_MAPS = ("explainer", "layer", "reader", "best at", "IoU", "pointing", "energy", "n")
_FIGURES = {
    "roc": "ROC curve",
    "calibration": "Calibration",
    "confusion": "Confusion",
    "iou": "IoU by threshold",
    "pixel_importance": "Pixel importance",
    "layers": "Layer by method",
}
_FOUND, _EMPTY = "What the run has found.", "Run to see scores and curves."
_DASH = "\u2014"
_UNITS = {"patient": "per_patient", "slice": "per_slice"}
"""What a row of the table of models counts -> the table of predictions that it is from."""

Row = Mapping[str, Any]


class CohortResults(QWidget):
    """A chooser above, a table or a figure below it."""

    def __init__(self) -> None:
        super().__init__()
        self._of: tuple[object, ...] = ()
        self._entries: list[tuple[str, str, Any]] = []
        self.views = Chooser()
        described(self.views, "Results", "Which curve or table of the run is shown.")
        self.scores = ReadTable(_SCORES, "Scores of the predictions", _FOUND, _EMPTY)
        self.maps = ReadTable(_MAPS, "Scores of the maps", _FOUND, _EMPTY)
        self.models = ModelsTable()
        self.figure = Figure()
        self.pages = QStackedWidget()
        for page in (self.scores, self.maps, self.models, self.figure):
            self.pages.addWidget(page)
        self.views.activated.connect(self._show_view)
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(4)
        body.addWidget(self.views)
        body.addWidget(self.pages, 1)

    def show_cohort(self, cohort: CohortOnScreen | None, hidden: bool) -> None:
        """Bring it up to the state.

        Parameters
        ----------
        hidden : no name of a file or folder may be seen.
        """
        facts = () if cohort is None else (cohort.document, cohort.saved, hidden)
        if facts == self._of:
            return
        self._of = facts
        document = None if cohort is None else cohort.document
        before = self.views.currentText()
        self.views.clear()
        self._entries = [] if document is None or cohort is None else _entries(document, cohort, hidden)
        self.views.setEnabled(bool(self._entries))
        if not self._entries:
            self.scores.fill([])
            self.pages.setCurrentWidget(self.scores)
            return
        for words, _, _ in self._entries:
            self.views.addItem(words)
        self.views.setCurrentIndex(max(0, self.views.findText(before)))
        self._show_view(self.views.currentIndex())

    def _show_view(self, index: int) -> None:
        if not 0 <= index < len(self._entries):
            return
        _, kind, content = self._entries[index]
        if kind == "scores":
            self.scores.fill([_score_cells(name, score) for name, score in content["scores"].items()])
            self.pages.setCurrentWidget(self.scores)
        elif kind == "maps":
            self.maps.fill(_map_rows(content))
            self.pages.setCurrentWidget(self.maps)
        elif kind == "models":
            self.models.show_models(*content)
            self.pages.setCurrentWidget(self.models)
        else:
            self.figure.show_png(content)
            self.pages.setCurrentWidget(self.figure)


class ModelsTable(QWidget):
    """The study's Table 2 for this cohort: a row for each score, a column for each model."""

    def __init__(self) -> None:
        super().__init__()
        self.table = ReadTable(("score",), "Models side by side", _FOUND, _EMPTY)
        self.words = QLabel()
        self.words.setObjectName("muted")
        self.words.setWordWrap(True)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(4)
        body.addWidget(self.table, 1)
        body.addWidget(self.words)

    def show_models(self, document: Row, where: str) -> None:
        """Show what the document says of its models.

        Parameters
        ----------
        where : a sentence that says where their reports lie.
        """
        names = [each["model"] for each in document["models"]]
        table = self.table
        table.clearSpans()
        table.setColumnCount(1 + len(names))
        table.setHorizontalHeaderLabels(["score", *names])
        lines = _compared(document)
        # Headings go over all columns: none is as wide as they are.
        table.fill([line if len(line) > 1 else ("",) for line in lines])
        for number, line in enumerate(lines):
            if len(line) == 1:
                table.setSpan(number, 0, 1, 1 + len(names))
                item = QTableWidgetItem(line[0])
                font = item.font()
                font.setBold(True)
                item.setFont(font)
                table.setItem(number, 0, item)
        words = f"{where} {_about_models(document)}"
        self.words.setText(words)
        self.words.setAccessibleName(words)


def _entries(document: Row, cohort: CohortOnScreen, hidden: bool) -> list[tuple[str, str, Any]]:
    """What can be shown: words, kind, content."""
    found: list[tuple[str, str, Any]] = []
    if document.get("side_by_side"):
        where = _where(document, "" if hidden else cohort.saved) if cohort.saved else _NOT_SAVED
        found.append(("Models side by side", "models", (document, where)))
    found += [
        (f"Scores per {word}", "scores", document["predictions"][name])
        for name, word in units_of(document).items()
    ]
    if document["localisation"]:
        found.append(("Scores of the maps", "maps", document["localisation"]))
    found += [
        (words, "figure", cohort.figures[name]) for name, words in _FIGURES.items() if name in cohort.figures
    ]
    return found


_NOT_SAVED = "Save results writes this table (models.csv) and a report of each model."


def _where(document: Row, folder: str) -> str:
    """Where the reports lie; `folder` is empty where its name may not be seen."""
    first, *others = (each["model"] for each in document["models"])
    place = f"'{folder}'" if folder else "the folder that was chosen"
    rest = ", ".join(f"models/{name}/report.html" for name in others)
    return f"Saved in {place}: models.csv; report.html of {first} with this table; {rest}."


def _compared(document: Row) -> list[tuple[str, ...]]:
    """Lines of the table of models; a line with one cell is a heading."""
    lines: list[tuple[str, ...]] = []
    heading, units = "", units_of(document)
    for row in document["side_by_side"]:
        if row["unit"] in _UNITS:
            word = units.get(_UNITS[row["unit"]])
            if word is None:
                continue
            words = f"per {word}" + (f": {row['class']}" if row["class"] else "")
        else:
            words = f"maps of {row['class']}, reader {row['reader']}"
        if words != heading:
            heading = words
            lines.append((words,))
        lines.append((row["measure"], *(_value(row["measure"], each) for each in row["values"])))
    return lines


def _value(measure: str, each: Row) -> str:
    if each["value"] is None:
        return _DASH
    if measure == "n":
        return str(each["value"])
    return f"{each['value']:.3f}  {_interval(each['low'], each['high'])}".rstrip()


def _about_models(document: Row) -> str:
    maps = "; ".join(
        f"{each['model']}: {each['explainer']} on {each['layer']}" for each in document["models"]
    )
    skipped = "".join(
        f" {each['model']} skipped {each['skipped']} of the images."
        for each in document["models"]
        if each["skipped"]
    )
    return f"{document['rules']['side_by_side']}. Maps: {maps}.{skipped}"


def _score_cells(name: str, score: Row) -> tuple[str, ...]:
    return (
        name,
        _DASH if score["value"] is None else f"{score['value']:.3f}",
        _interval(score["low"], score["high"]),
        _interval(score["bootstrap_low"], score["bootstrap_high"]),
        score["rule"],
    )


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:.3f}–{high:.3f}"


def _map_rows(rows: Sequence[Row]) -> list[tuple[str, ...]]:
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
