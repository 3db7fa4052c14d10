"""Taking back and doing again."""

from __future__ import annotations

from viewer.actions.action import Action
from viewer.actions.conditions import has_case
from viewer.state.history import Step
from viewer.state.session import Session


def _words(verb: str, steps: tuple[Step, ...]) -> str:
    return f"{verb}: {steps[-1].words}" if steps else verb


def _why_no_undo(session: Session) -> str:
    return "" if session.history.past else "Nothing has been done to this case that could be undone."


def _why_no_redo(session: Session) -> str:
    return "" if session.history.future else "Nothing has been undone."


EDIT_ACTIONS: tuple[Action, ...] = (
    Action(
        "edit.undo",
        "Undo",
        "Edit",
        "Take back what was done last to boxes, lines, notes or the input of the network.",
        lambda bench: bench.undoing.undo(),
        shortcut="Ctrl+Z",
        why_not=_why_no_undo,
        label=lambda s: _words("Undo", s.history.past),
        also="undo revert back",
    ),
    Action(
        "edit.redo",
        "Redo",
        "Edit",
        "Do again what was taken back.",
        lambda bench: bench.undoing.redo(),
        shortcut="Ctrl+Shift+Z",
        second="Ctrl+Y",
        why_not=_why_no_redo,
        label=lambda s: _words("Redo", s.history.future),
        also="repeat again",
    ),
    Action(
        "edit.copy-view",
        "Copy the view",
        "Edit",
        "Put a picture of what is shown on the clipboard, without what identifies the patient.",
        dialog="copy-view",
        shortcut="Ctrl+C",
        where="canvas",
        enabled=has_case,
        also="screenshot capture clipboard snapshot grab picture",
    ),
    Action(
        "edit.settings",
        "Settings\u2026",
        "Edit",
        "Theme, size of the text, display, device, memory and privacy.",
        dialog="settings",
        shortcut="Ctrl+,",
        also="preferences options theme dark light mode font language device gpu memory",
    ),
    Action(
        "edit.shortcuts",
        "Keyboard shortcuts\u2026",
        "Edit",
        "Change the keys of all actions.",
        dialog="shortcuts",
        also="hotkeys keybindings bindings keymap",
    ),
)
