"""The picture of an experiment beside the window: page below page, as it is saved, without the patient."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QScrollArea, QVBoxLayout, QWidget

from viewer.state.experiment import ExperimentOnScreen
from viewer.ui.panels.card import described

_WIDEST, _TALLEST = 1180, 860


class ExperimentWindow(QDialog):
    """Stays open beside the window until it is closed."""

    def __init__(self, act: Callable[[str], None], parent: QWidget) -> None:
        super().__init__(parent)
        self.setModal(False)
        body = QVBoxLayout(self)
        body.setContentsMargins(10, 10, 10, 10)
        self._pages = QWidget()
        self._column = QVBoxLayout(self._pages)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(10)
        scroll = QScrollArea()
        scroll.setWidget(self._pages)
        scroll.setWidgetResizable(True)
        scroll.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        described(scroll, "Picture of the experiment", "As it is saved.")
        body.addWidget(scroll, 1)
        kinds = QDialogButtonBox.StandardButton
        buttons = QDialogButtonBox(kinds.Save | kinds.Close)
        self.save, close = buttons.button(kinds.Save), buttons.button(kinds.Close)
        described(self.save, "Save", "Save it as PDF or PNG.")
        described(close, "Close", "Close the picture; the strip over the image brings it back.")
        self.save.clicked.connect(lambda: act("experiment.save"))
        close.clicked.connect(self.reject)
        body.addWidget(buttons)
        self.pictures: list[QLabel] = []

    def show_experiment(self, shown: ExperimentOnScreen) -> None:
        """Show its pages."""
        self.setWindowTitle(shown.title)
        for label in self.pictures:
            self._column.removeWidget(label)
            label.deleteLater()
        self.pictures = []
        for number, page in enumerate(shown.pictures, start=1):
            pixmap = QPixmap()
            pixmap.loadFromData(page)
            label = QLabel()
            label.setPixmap(pixmap)
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
            label.setAccessibleName(f"{shown.title}, page {number}")
            label.setAccessibleDescription(shown.sentence)
            self._column.addWidget(label)
            self.pictures.append(label)
        widest = max((label.pixmap().width() for label in self.pictures), default=600)
        tallest = sum(label.pixmap().height() for label in self.pictures)
        self.resize(min(widest + 50, _WIDEST), min(tallest + 90, _TALLEST))
