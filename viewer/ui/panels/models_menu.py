"""Which models score a cohort: a list with a check mark for each, which stays open while several are chosen."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QMenu, QPushButton, QWidget

from viewer.controllers.workbench import Workbench
from viewer.state.cohort import models_beside, why_not_beside
from viewer.state.session import Session
from viewer.ui.attempt import attempt
from viewer.ui.panels.card import described

_TIP = (
    "Which models the next run scores, one after the other. The chosen model is always among them: its cases and maps "
    "are shown, and the table of all stands beside."
)


class ModelsMenu(QPushButton):
    """``Models ▾``: the chosen one and those that stand beside it."""

    def __init__(self, bench: Workbench) -> None:
        super().__init__("Models \u25be")
        self._bench = bench
        self._menu = _CheckList(self)
        self._menu.aboutToShow.connect(self._fill)
        self.setMenu(self._menu)
        described(self, "Models", _TIP)

    def show_session(self, session: Session) -> None:
        """How many are chosen, and which."""
        cohort, model = session.cohort, session.model
        names = [] if model is None else [model.card.id]
        if cohort is not None and model is not None:
            names += models_beside(cohort, model.card, session.models)
        self.setText(f"Models: {len(names)} \u25be" if len(names) > 1 else "Models \u25be")
        self.setEnabled(cohort is not None and cohort.run is None and model is not None)
        said = ", ".join(names)
        self.setAccessibleName(f"Models: {said}" if said else "Models")
        self.setToolTip(f"{_TIP}\n{said}" if len(names) > 1 else _TIP)

    def _fill(self) -> None:
        session, menu = self._bench.session, self._menu
        menu.clear()
        if session.model is None or session.cohort is None:
            return
        chosen = session.model.card
        first = menu.addAction(f"{chosen.id} (the chosen model)".replace("&", "&&"))
        first.setCheckable(True)
        first.setChecked(True)
        first.setEnabled(False)
        for card in session.models:
            if card.id in (chosen.id, session.model_id):
                continue
            why = why_not_beside(chosen, card)
            action = menu.addAction(card.id.replace("&", "&&"))
            action.setCheckable(True)
            action.setChecked(not why and card.id in session.cohort.beside)
            action.setEnabled(not why)
            action.setToolTip(why or card.name)
            action.setStatusTip(action.toolTip())
            action.triggered.connect(lambda _=False, action=action, name=card.id: self._toggle(action, name))

    def _toggle(self, action: QAction, name: str) -> None:
        attempt(self._bench, lambda: self._bench.cohorts.toggle_model(name))
        cohort = self._bench.session.cohort
        action.setChecked(cohort is not None and name in cohort.beside)


class _CheckList(QMenu):
    """A menu that a click, or Space, on a check mark leaves open; Enter chooses and closes, Escape closes."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setToolTipsVisible(True)
        self.setAccessibleName("Models")

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if not _ticked(self.actionAt(event.position().toPoint())):
            super().mouseReleaseEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() != Qt.Key.Key_Space or not _ticked(self.activeAction()):
            super().keyPressEvent(event)


def _ticked(action: QAction | None) -> bool:
    """Tick or untick an entry; False where it is none that can be."""
    if action is None or not action.isCheckable() or not action.isEnabled():
        return False
    action.trigger()
    return True
