"""The picture of an experiment beside the window: page below page, as it is saved, without the patient."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QScrollArea, QVBoxLayout, QWidget

from viewer.controllers.workbench import Workbench
from viewer.state.experiment import ExperimentOnScreen
from viewer.state.veil import veil
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


class ExperimentPicture:
    """The window beside the main one: made with the first picture, gone with the case."""

    def __init__(self, bench: Workbench, act: Callable[[str], None], parent: QWidget) -> None:
        self._bench, self._act, self._parent = bench, act, parent
        self._shown: ExperimentOnScreen | None = None
        self.window: ExperimentWindow | None = None

    def show_session(self) -> None:
        """Open by itself once a picture is there, and close where there is none any more."""
        session = self._bench.session
        shown = None if veil(session) else session.experiment
        if shown is self._shown:
            return
        self._shown = shown
        if shown is not None and shown.stage == "ready":
            self.open()
        elif self.window is not None:
            self.window.hide()

    def open(self) -> None:
        """Show the picture of the experiment, in front."""
        shown = self._bench.session.experiment
        # Where only a picture of the main window is wanted, nobody is there to look at another one.
        if shown is None or self._parent.testAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen):
            return
        if self.window is None:
            self.window = ExperimentWindow(self._act, self._parent)
        self.window.show_experiment(shown)
        self.window.show()
        self.window.raise_()
