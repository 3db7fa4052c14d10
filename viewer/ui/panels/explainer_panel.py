"""How and for which class: the explainer and the class."""

from __future__ import annotations

from PySide6.QtWidgets import (
    QButtonGroup,
    QGridLayout,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from viewer.controllers.workbench import Workbench
from viewer.explainers.declaration import EXPLAINERS
from viewer.state.session import DIFFERENCE, Session
from viewer.ui.attempt import attempt
from viewer.ui.panels.card import Chooser, described, heading

_PER_ROW = 3


class ExplainerPanel(QWidget):
    """A chooser of explainers over a row of classes."""

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self._bench = bench
        self._targets: list[str] | None = None
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(5)
        body.addWidget(heading("Explainer and class"))
        self.explainers = Chooser()
        for name, info in EXPLAINERS.items():
            if not info.in_atlas:
                continue
            self.explainers.addItem(info.title, name)
            self.explainers.setItemData(self.explainers.count() - 1, info.summary, _tip_role())
        described(self.explainers, "Explainer", "How the map is made.")
        body.addWidget(self.explainers)
        self.explainers.activated.connect(
            lambda index: attempt(
                bench, lambda: bench.explaining.select_explainer(self.explainers.itemData(index))
            )
        )
        self._grid = QGridLayout()
        self._grid.setSpacing(5)
        body.addLayout(self._grid)
        self.buttons: dict[str, QPushButton] = {}
        self._group = QButtonGroup(self)
        self._group.setExclusive(True)

    def show_session(self, session: Session) -> None:
        index = self.explainers.findData(session.choice.explainer)
        if index != self.explainers.currentIndex():
            self.explainers.setCurrentIndex(index)
            info = EXPLAINERS[session.choice.explainer]
            self.explainers.setToolTip(f"{info.summary}\n{info.formula}\n{info.source}")
        targets = self._bench.explaining.targets()
        if targets != self._targets:
            self._targets = targets
            self._make_buttons(targets)
        self.setEnabled(session.model is not None)
        button = self.buttons.get(session.choice.target)
        if button is not None and not button.isChecked():
            button.setChecked(True)

    def _make_buttons(self, targets: list[str]) -> None:
        for old in self.buttons.values():
            self._group.removeButton(old)
            self._grid.removeWidget(old)
            old.hide()
            old.deleteLater()
        self.buttons = {}
        for number, name in enumerate(targets):
            difference = name == DIFFERENCE
            button = QPushButton("Δ difference" if difference else name.replace("&", "&&"))
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
            self._grid.addWidget(button, number // _PER_ROW, number % _PER_ROW)
            self.buttons[name] = button


def _tip_role() -> int:
    from PySide6.QtCore import Qt

    return int(Qt.ItemDataRole.ToolTipRole)
