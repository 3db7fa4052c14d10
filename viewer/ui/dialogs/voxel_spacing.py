"""How far apart the voxels are, asked of the user where the file does not know it, or knows it wrongly."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFormLayout,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from viewer.controllers.workbench import Workbench
from viewer.state.case import Case
from viewer.ui.attempt import attempt
from viewer.ui.panels.card import described

_AXES = (
    ("Slices", "Distance from the middle of a slice to the middle of the next one."),
    ("Rows", "Distance between neighbouring pixels of a column: the height of a pixel."),
    ("Columns", "Distance between neighbouring pixels of a row: the width of a pixel."),
)
_LEAST, _MOST, _DECIMALS = 0.001, 1000.0, 4


class VoxelSpacing(QDialog):
    """Three distances in mm, along the axes of the file; a single slice has only two."""

    def __init__(self, bench: Workbench, case: Case, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bench = bench
        self._case = case
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Voxel spacing")
        body = QVBoxLayout(self)
        body.setContentsMargins(22, 18, 22, 16)
        body.setSpacing(12)
        words = QLabel(
            "How far apart are the voxels? Distances, sizes of boxes and what a model is given follow from it, and "
            "every export says that it was stated by hand."
        )
        words.setWordWrap(True)
        words.setMinimumWidth(380)
        body.addWidget(words)
        form = QFormLayout()
        self.steps: list[QDoubleSpinBox] = []
        for (name, tip), step in zip(_AXES, case.image.geometry.spacing_mm, strict=True):
            box = QDoubleSpinBox()
            box.setRange(_LEAST, _MOST)
            box.setDecimals(_DECIMALS)
            box.setSingleStep(0.1)
            box.setSuffix(" mm")
            box.setValue(step)
            described(box, f"{name}, mm", tip)
            self.steps.append(box)
            if len(self.steps) > 1 or case.image.geometry.shape[0] > 1:
                form.addRow(name, box)
        body.addLayout(form)
        kinds = QDialogButtonBox.StandardButton
        buttons = QDialogButtonBox(kinds.Ok | kinds.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        ok, cancel = buttons.button(kinds.Ok), buttons.button(kinds.Cancel)
        described(ok, "OK", "Go by these distances.")
        described(cancel, "Cancel", "Leave everything as it is.")
        body.addWidget(buttons)
        self.steps[-2].setFocus()
        self.steps[-2].selectAll()

    def accept(self) -> None:
        """Take the distances over, unless another case has come meanwhile."""
        super().accept()
        bench = self._bench
        if bench.session.case is not self._case:
            return
        # What was not touched is as exact as it was: a box rounds what it shows.
        before = self._case.image.geometry.spacing_mm
        slice_, row, column = (
            was if abs(box.value() - was) <= 10**-_DECIMALS else box.value()
            for box, was in zip(self.steps, before, strict=True)
        )
        attempt(bench, lambda: bench.grid.set_spacing((slice_, row, column)))
