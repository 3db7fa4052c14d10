"""The program itself."""

from __future__ import annotations

from viewer.actions.action import Action

HELP_ACTIONS: tuple[Action, ...] = (
    Action(
        "help.find",
        "Search commands\u2026",
        "Help",
        "Find anything that can be done here by a few letters of its name.",
        dialog="palette",
        shortcut="Ctrl+K",
        also="command palette",
    ),
    Action(
        "help.keys",
        "Keyboard card",
        "Help",
        "What every key and every movement of the mouse does.",
        dialog="keyboard-card",
        shortcut="F1",
        also="hotkeys shortcuts mouse cheat cheatsheet help",
    ),
    Action(
        "help.running",
        "What runs\u2026",
        "Help",
        "Everything that runs, how far it is, and a button that stops it alone.",
        dialog="running",
        also="jobs progress tasks queue background",
    ),
    Action(
        "help.notices",
        "Notices of this session\u2026",
        "Help",
        "Everything that was said, and its details for whoever is asked for help.",
        dialog="notices",
        also="log logs messages errors bug problem",
    ),
    Action(
        "help.about",
        "About WhySlice",
        "Help",
        "Version, licence and what this program is not for.",
        dialog="about",
        also="version licence license credits",
    ),
)
