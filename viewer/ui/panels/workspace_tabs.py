"""The tabs of the workspaces."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtGui import QAction

from viewer.ui.panels.action_tabs import ActionTabs
from viewer.ui.panels.card import restyled


class WorkspaceTabs(ActionTabs):
    """One button per workspace.

    Parameters
    ----------
    actions : all actions of the window by id; those of workspaces are taken.
    """

    def __init__(self, actions: Mapping[str, QAction]) -> None:
        super().__init__(actions, "view.workspace-", "Workspaces", "workspace")

    def set_narrow(self, narrow: bool) -> None:
        """Take as little room as the words need, or the usual one."""
        name = "narrow" if narrow else ""
        self.row.setSpacing(2 if narrow else 5)
        for button in self.buttons.values():
            if button.objectName() != name:
                button.setObjectName(name)
                restyled(button)
