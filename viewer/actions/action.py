"""Something that a person can do.

An action that needs an answer first (a file name) has a `dialog` instead of a `verb`; the window asks and then calls
the controller itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from viewer.actions.conditions import REASONS
from viewer.controllers.workbench import Workbench
from viewer.state.session import Session

Menu = Literal["Case", "Edit", "View", "Map", "Input", "Boxes", "Experiments", "Teach", "Help"]
Dialog = Literal[
    "open-file",
    "open-folder",
    "open-beside",
    "load-truth",
    "open-cohort",
    "save-cohort",
    "begin-lesson",
    "save-handout",
    "spacing",
    "save-figure",
    "save-maps",
    "save-experiment",
    "dispute",
    "save-sheet",
    "palette",
    "settings",
    "shortcuts",
    "copy-view",
    "zoom-in",
    "zoom-out",
    "fit",
    "quit",
    "running",
    "notices",
    "keyboard-card",
    "about",
]
Where = Literal["window", "canvas"]


def _always(_: Session) -> bool:
    return True


@dataclass(frozen=True)
class Action:
    """Something that a person can do.

    Attributes
    ----------
    id : stable name, ``subject.verb``.
    text : words for the menu.
    tip : one sentence for the tooltip.
    also : words, with spaces between them, that other programs have for it; the palette finds it by them.
    shortcut : portable key sequence, empty for none.
    second : another key that does the same wherever no action has it; empty for none.
    where : ``canvas`` shortcuts work only while the canvas has the focus.
    enabled : from the state alone.
    checked : for actions that are on or off; None for others.
    why_not : why the action is not there now, in a sentence; empty when it is. Goes into the tooltip.
    submenu : name of the menu inside its menu that it stands in; empty for none.
    shown : whether menus and lists have it at all; for rows of which there are as many as there are things.
    label : words for the menu that depend on the state, in place of `text`.
    """

    id: str
    text: str
    menu: Menu
    tip: str
    verb: Callable[[Workbench], object] | None = None
    dialog: Dialog | None = None
    shortcut: str = ""
    where: Where = "window"
    enabled: Callable[[Session], bool] = _always
    checked: Callable[[Session], bool] | None = None
    why_not: Callable[[Session], str] | None = None
    label: Callable[[Session], str] | None = None
    submenu: str = ""
    shown: Callable[[Session], bool] = _always
    also: str = ""
    second: str = ""

    def is_enabled(self, session: Session) -> bool:
        """Whether it can be done now."""
        return self.enabled(session) and not (self.why_not is not None and self.why_not(session))

    def reason(self, session: Session) -> str:
        """Why it cannot be done now, in a sentence; empty when it can be."""
        known = REASONS.get(self.enabled)
        if known is not None and not self.enabled(session):
            return known(session)
        return "" if self.why_not is None else self.why_not(session)

    def words(self, session: Session) -> str:
        """Its words for menus and lists, as the state has them."""
        return self.text if self.label is None else self.label(session)
