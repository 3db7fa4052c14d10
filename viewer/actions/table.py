"""One table of everything that a person can do: menus, shortcuts, toolbar and palette are made from it."""

from __future__ import annotations

from viewer.actions.action import Action
from viewer.actions.boxes_actions import BOXES_ACTIONS
from viewer.actions.case_actions import CASE_ACTIONS
from viewer.actions.edit_actions import EDIT_ACTIONS
from viewer.actions.experiment_actions import EXPERIMENT_ACTIONS
from viewer.actions.help_actions import HELP_ACTIONS
from viewer.actions.input_actions import INPUT_ACTIONS
from viewer.actions.map_actions import MAP_ACTIONS
from viewer.actions.teach_actions import TEACH_ACTIONS
from viewer.actions.view_actions import VIEW_ACTIONS

ACTIONS: tuple[Action, ...] = (
    *CASE_ACTIONS,
    *EDIT_ACTIONS,
    *VIEW_ACTIONS,
    *MAP_ACTIONS,
    *INPUT_ACTIONS,
    *BOXES_ACTIONS,
    *EXPERIMENT_ACTIONS,
    *TEACH_ACTIONS,
    *HELP_ACTIONS,
)
