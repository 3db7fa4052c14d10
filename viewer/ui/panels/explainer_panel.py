"""How and for which class: the explainer with its parameters, the class, what is differentiated, and where."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QFont, QFontMetrics, QResizeEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from viewer.controllers.workbench import Workbench
from viewer.state.may_read import region_words
from viewer.state.method import REGION, is_segmentation, method_of
from viewer.state.session import DIFFERENCE, Session
from viewer.ui.attempt import attempt
from viewer.ui.panels.asking_row import AskingRow
from viewer.ui.panels.card import Chooser, described, heading, keeps_room, restyled
from viewer.ui.panels.explainer_form import ExplainerForm
from viewer.ui.panels.explainer_menu import ExplainerMenu

_FEWEST = 2
"""Buttons of classes in a row where their names have no room."""
_AROUND = 14
"""Of a button, what is not its name, logical pixels."""
_SCORES = (
    (
        "logit",
        "of the logit",
        "What raises the class's own output, before softmax or sigmoid: the usual choice.",
    ),
    (
        "probability",
        "of the probability",
        "What raises the probability; of two classes one map is the other's reverse, and a sure network has none.",
    ),
    ("margin", "of the margin", "What raises the class's output above the highest other one."),
)
_EVERYWHERE, _PIXEL, _BOX = (
    "ask about the whole picture",
    "ask about the crosshair",
    "ask about the selected box",
)


class ExplainerPanel(QWidget):
    """A chooser of explainers over a row of classes."""

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self._bench = bench
        self._targets: list[str] | None = None
        self._columns = 0
        self.buttons: dict[str, QPushButton] = {}
        self._group = QButtonGroup(self)
        self._group.setExclusive(True)
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(5)
        body.addWidget(heading("Explainer and class"))
        self.explainers = ExplainerMenu()
        self.form: ExplainerForm | None = None
        self.parameters = QPushButton("Set\u2026")
        self.parameters.clicked.connect(self._open_form)
        keeps_room(self.parameters)
        row = QHBoxLayout()
        row.setSpacing(5)
        row.addWidget(self.explainers, 1)
        row.addWidget(self.parameters)
        body.addLayout(row)
        self.asking = AskingRow(bench)
        body.addWidget(self.asking)
        self.explainers.activated.connect(
            lambda index: attempt(
                bench, lambda: bench.explaining.select_explainer(self.explainers.itemData(index))
            )
        )
        self._grid = QGridLayout()
        self._grid.setSpacing(5)
        body.addLayout(self._grid)
        self.score, self.region = Chooser(), Chooser()
        for name, words, tip in _SCORES:
            self.score.addItem(words, name)
            self.score.setItemData(self.score.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.region.addItems((_EVERYWHERE, _PIXEL, _BOX))
        for chooser in (self.score, self.region):
            chooser.setSizeAdjustPolicy(Chooser.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.score, 1)
        row.addWidget(self.asking.deviation)
        body.addLayout(row)
        body.addWidget(self.region)
        described(self.score, "What is explained", _SCORES[0][2])
        described(self.region, "Where", "Where the segmentation network is asked about the class.")
        self.score.activated.connect(
            lambda index: attempt(bench, lambda: bench.explaining.select_score(self.score.itemData(index)))
        )
        self.region.activated.connect(lambda index: attempt(bench, lambda: self._ask_where(index)))

    def show_session(self, session: Session) -> None:
        self.explainers.show_session(session)
        self.asking.show_session(session)
        self._show_parameters(session)
        score = self.score.findData(session.choice.score)
        if score != self.score.currentIndex():
            self.score.setCurrentIndex(score)
        self.score.setToolTip(_SCORES[score][2])
        self._show_region(session)
        targets = self._bench.explaining.targets()
        if targets != self._targets:
            self._targets = targets
            self._make_buttons(targets)
        self.setEnabled(session.model is not None)
        button = self.buttons.get(session.choice.target)
        if button is not None and not button.isChecked():
            button.setChecked(True)

    def _show_parameters(self, session: Session) -> None:
        method = method_of(session)
        there = [p for p in method.info.parameters if p.name != REGION]
        self.parameters.setVisible(bool(there))
        said = ", ".join(f"{name} {value}" for name, value in method.parameters.items())
        described(self.parameters, "Parameters", f"Parameters of {method.info.title}: {said}.")
        if self.form is not None and self.form.explainer != session.choice.explainer:
            self.form.close()
            self.form.deleteLater()
            self.form = None

    def _open_form(self) -> None:
        name = self._bench.session.choice.explainer
        if self.form is None:
            self.form = ExplainerForm(self._bench, name, self.window())
        self.form.show()
        self.form.raise_()
        self.form.activateWindow()

    def _show_region(self, session: Session) -> None:
        self.region.setVisible(is_segmentation(session))
        corners = len(session.choice.region.split(","))
        index = {1: 0, 2: 1}.get(corners, 2)
        if index != self.region.currentIndex():
            self.region.setCurrentIndex(index)
        self.region.setToolTip(f"The class is asked for in {region_words(session.choice.region)}.")

    def _ask_where(self, index: int) -> None:
        explaining = self._bench.explaining
        try:
            (explaining.ask_everywhere, explaining.ask_at_crosshair, explaining.ask_in_box)[index]()
        finally:
            self._show_region(self._bench.session)

    def _make_buttons(self, targets: list[str]) -> None:
        for old in self.buttons.values():
            self._group.removeButton(old)
            self._grid.removeWidget(old)
            old.hide()
            old.deleteLater()
        self.buttons = {}
        for name in targets:
            difference = name == DIFFERENCE
            button = QPushButton()
            button.setCheckable(True)
            button.setProperty("segment", True)
            button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            tip = "The map of the finding minus that of its opponent." if difference else f"Explain {name}."
            described(button, name, tip)
            button.clicked.connect(
                lambda _=False, name=name: attempt(
                    self._bench, lambda: self._bench.explaining.select_target(name)
                )
            )
            self._group.addButton(button)
            self.buttons[name] = button
        self._columns = 0
        self._lay_out()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay_out()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._lay_out()

    def _lay_out(self) -> None:
        """As many buttons in a row as have room for their names; what is still too long ends in dots, and has a tip."""
        chosen = QFont(self.font())
        chosen.setWeight(QFont.Weight.DemiBold)
        metrics, bold = self.fontMetrics(), QFontMetrics(chosen)
        words = {name: "Δ difference" if name == DIFFERENCE else name for name in self.buttons}
        widest = max((metrics.horizontalAdvance(said) for said in words.values()), default=0)
        columns = next((n for n in (3, 2) if widest <= self.width() // n - _AROUND), _FEWEST)
        for number, (name, button) in enumerate(self.buttons.items()):
            room = self.width() // columns - _AROUND
            long = bold.horizontalAdvance(words[name]) > room  # a chosen one has bold letters where they fit
            if button.property("long") is not long:
                button.setProperty("long", long)
                restyled(button)
            short = metrics.elidedText(words[name], Qt.TextElideMode.ElideRight, room).replace("&", "&&")
            if button.text() != short:
                button.setText(short)
            if columns != self._columns:
                self._grid.addWidget(button, number // columns, number % columns)
        self._columns = columns
