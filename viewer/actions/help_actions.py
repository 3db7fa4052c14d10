"""The program itself."""

from __future__ import annotations

from viewer.actions.action import Action

HELP_ACTIONS: tuple[Action, ...] = (
    Action(
        "help.about",
        "About WhySlice",
        "Help",
        "Version, licence and what this program is not for.",
        dialog="about",
    ),
)
