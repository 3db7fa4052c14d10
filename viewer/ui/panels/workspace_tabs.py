"""The tabs of the workspaces."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtGui import QAction

from viewer.ui.panels.action_tabs import ActionTabs


class WorkspaceTabs(ActionTabs):
    """One button per workspace.

    Parameters
    ----------
    actions : all actions of the window by id; those of workspaces are taken.
    """

    def __init__(self, actions: Mapping[str, QAction]) -> None:
        super().__init__(actions, "view.workspace-", "Workspaces", "workspace")
