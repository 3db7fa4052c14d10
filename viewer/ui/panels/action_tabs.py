"""A row of tabs, from the same actions as menus and keys: words, tooltip and why one is not there."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget


class ActionTabs(QWidget):
    """One button for each action whose id begins with a prefix; Tab reaches them, Space presses them.

    Parameters
    ----------
    actions : all actions of the window by id.
    prefix : of those that are tabs; the rest of the id is the name of the tab.
    name : accessible name of the row.
    noun : what each tab opens; stands behind its words where there is nothing to be seen.
    """

    def __init__(self, actions: Mapping[str, QAction], prefix: str, name: str, noun: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.buttons: dict[str, QToolButton] = {}
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(0, 0, 0, 0)
        self.row.setSpacing(5)
        for identity, action in actions.items():
            if not identity.startswith(prefix):
                continue
            button = QToolButton()
            button.setDefaultAction(action)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            button.setAccessibleName(f"{action.text()} {noun}")
            self.row.addWidget(button)
            self.buttons[identity.removeprefix(prefix)] = button
