"""The tabs of the workspaces, from the same actions as menus and keys: words, tooltip and why one is not there."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

_PREFIX = "view.workspace-"


class WorkspaceTabs(QWidget):
    """One button per workspace; Tab reaches them, Space presses them.

    Parameters
    ----------
    actions : all actions of the window by id; those of workspaces are taken.
    """

    def __init__(self, actions: Mapping[str, QAction]) -> None:
        super().__init__()
        self.setAccessibleName("Workspaces")
        self.buttons: dict[str, QToolButton] = {}
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(5)
        for name, action in actions.items():
            if not name.startswith(_PREFIX):
                continue
            button = QToolButton()
            button.setDefaultAction(action)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            button.setAccessibleName(f"{action.text()} workspace")
            row.addWidget(button)
            self.buttons[name.removeprefix(_PREFIX)] = button
