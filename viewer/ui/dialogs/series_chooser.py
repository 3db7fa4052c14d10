"""Several series were found: which one?"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from viewer.controllers.workbench import Workbench
from viewer.imaging.series import SeriesInfo
from viewer.state.session import SeriesChoice
from viewer.ui.panels.card import described

_COLUMNS = ("series", "description", "modality", "slices × rows × columns", "frames", "b-values", "patient")


class SeriesChooser(QDialog):
    """A table of series; Enter or a double click opens one. Not modal: the open case can still be read."""

    def __init__(self, bench: Workbench, choice: SeriesChoice, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bench = bench
        self.choice = choice
        self.setWindowTitle("Choose a series")
        self.setModal(False)
        self.resize(860, 380)
        body = QVBoxLayout(self)
        body.addWidget(QLabel(f"There are {len(choice.series)} series. Which one should be opened?"))
        self.table = QTableWidget(len(choice.series), len(_COLUMNS))
        described(self.table, "Series", "Enter or a double click opens the series.")
        self.table.setHorizontalHeaderLabels(_COLUMNS)
        self.table.verticalHeader().hide()
        self.table.setShowGrid(False)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        patients = list(dict.fromkeys(info.patient_key for info in choice.series))
        self.table.setColumnHidden(len(_COLUMNS) - 1, len(patients) == 1)
        for number, info in enumerate(choice.series):
            # Patients are told apart by number, not by name: the folder may hold more than one.
            patient = str(patients.index(info.patient_key) + 1)
            for column, text in enumerate((*_words(info), patient)):
                item = QTableWidgetItem(text)
                item.setToolTip("\n".join(d.sentence for d in info.diagnoses))
                self.table.setItem(number, column, item)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
        self.table.selectRow(0)
        body.addWidget(self.table, 1)
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Open | QDialogButtonBox.StandardButton.Cancel
        )
        body.addWidget(buttons)
        self.table.itemActivated.connect(lambda _: self.accept())
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)

    def accept(self) -> None:
        row = self.table.currentRow()
        if row < 0:
            return
        super().accept()
        self._bench.opening.open(self.choice.path, series=self.choice.series[row].id)

    def reject(self) -> None:
        super().reject()
        # Closing for the next folder must not dismiss that one.
        if self._bench.session.chooser is self.choice:
            self._bench.opening.dismiss_chooser()


def _words(info: SeriesInfo) -> tuple[str, ...]:
    return (
        info.id,
        info.description or "—",
        info.modality or "—",
        " × ".join(str(n) for n in info.shape),
        str(info.frames),
        _b_values(info.b_values),
    )


def _b_values(values: tuple[float, ...]) -> str:
    if len(values) > 5:
        return f"{len(values)} from {values[0]:g} to {values[-1]:g}"
    return ", ".join(f"{value:g}" for value in values) or "—"
