"""Menus and shortcuts from the one table of actions; enabled and checked follow the state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import get_args

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QToolButton, QWidget

from viewer.actions.action import Action, Dialog, Menu
from viewer.actions.keys import keys_of, second_keys_of
from viewer.actions.table import ACTIONS
from viewer.controllers.workbench import Workbench
from viewer.state.session import Session
from viewer.ui.attempt import attempt

IN_THE_CONTEXT_MENU = ("Map", "View", "Input", "Boxes")


class Menus(QObject):
    """Every action as a Qt action.

    Parameters
    ----------
    window, canvas : the widgets that shortcuts belong to; those of the canvas work only while it, or what is in it, has
        the focus.
    ask : opens a dialog and does what it is for.
    """

    def __init__(
        self, bench: Workbench, window: QWidget, canvas: QWidget, ask: Callable[[Dialog], None]
    ) -> None:
        super().__init__(window)
        self._bench = bench
        self._ask = ask
        self.actions: dict[str, QAction] = {}
        self._shown: dict[str, tuple[bool, str, str]] = {}
        self._keys: Mapping[str, str] | None = None
        for action in ACTIONS:
            made = self._make(action)
            (canvas if action.where == "canvas" else window).addAction(made)
            self.actions[action.id] = made
        self.follow(bench.session)

    def bar(self) -> QMenuBar:
        """The menu bar."""
        bar = QMenuBar()
        bar.setNativeMenuBar(False)
        bar.setAccessibleName("Menus")
        for name in get_args(Menu):
            self._fill(bar.addMenu(name), name)
        return bar

    def folded(self, bar: QMenuBar) -> QToolButton:
        """All menus of a bar behind one button, for where there is no room for it."""
        button, menu = QToolButton(), QMenu(bar)
        menu.addActions(bar.actions())
        button.setText("Menu")
        button.setObjectName("narrow")
        button.setMenu(menu)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.setAccessibleName("Menus")
        button.setToolTip("All menus: there is no room for them side by side.")
        return button

    def context_menu(self, parent: QWidget) -> QMenu:
        """The menu of a right click on the image."""
        menu = QMenu(parent)
        for name in IN_THE_CONTEXT_MENU:
            self._fill(menu.addMenu(name), name)
        return menu

    def trigger(self, identity: str) -> None:
        """Do an action, as a click in its menu would."""
        self.actions[identity].trigger()

    def follow(self, session: Session) -> None:
        """Enable and check what the state says, and give every action its key."""
        if session.settings.shortcuts is not self._keys:
            self._keys = session.settings.shortcuts
            seconds = second_keys_of(self._keys)
            for identity, key in keys_of(self._keys).items():
                keys = (key, seconds.get(identity, ""))
                self.actions[identity].setShortcuts([QKeySequence(each) for each in keys if each])
        for action in ACTIONS:
            made = self.actions[action.id]
            tip = f"{action.tip} {action.reason(session)}".strip()
            shown = (action.is_enabled(session), tip, action.words(session))
            if self._shown.get(action.id) != shown:  # asking Qt costs more than remembering
                self._shown[action.id] = shown
                made.setEnabled(shown[0])
                made.setToolTip(shown[1])
                made.setText(shown[2].replace("&", "&&"))
            if made.isVisible() != (there := action.shown(session)):
                made.setVisible(there)
            if action.checked is not None and made.isChecked() != (checked := action.checked(session)):
                made.setChecked(checked)

    def _fill(self, menu: QMenu, name: str) -> None:
        menu.setToolTipsVisible(True)
        inner: dict[str, QMenu] = {}
        for action in ACTIONS:
            if action.menu != name:
                continue
            if action.submenu and action.submenu not in inner:
                inner[action.submenu] = menu.addMenu(action.submenu)
                inner[action.submenu].setToolTipsVisible(True)
            inner.get(action.submenu, menu).addAction(self.actions[action.id])

    def _make(self, action: Action) -> QAction:
        made = QAction(action.text, self)
        made.setObjectName(action.id)
        made.setToolTip(action.tip)
        made.setStatusTip(action.tip)
        if action.where == "canvas":
            made.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        made.setCheckable(action.checked is not None)
        made.triggered.connect(lambda _=False, action=action: self._trigger(action))
        return made

    def _trigger(self, action: Action) -> None:
        if action.dialog is not None:
            self._ask(action.dialog)
        elif (verb := action.verb) is not None:
            attempt(self._bench, lambda: verb(self._bench))
        # A click has toggled the tick already; the state decides.
        self.follow(self._bench.session)
