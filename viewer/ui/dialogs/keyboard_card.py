"""What every key and every movement of the mouse does, on one page."""

from __future__ import annotations

from typing import get_args

from PySide6.QtCore import Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from viewer.actions.action import Menu
from viewer.actions.keys import keys_of
from viewer.actions.table import ACTIONS
from viewer.controllers.workbench import Workbench
from viewer.ui import theme
from viewer.ui.key_words import key_words
from viewer.ui.panels.card import described, heading

_Line = tuple[str, str]
MOUSE: tuple[_Line, ...] = (
    ("wheel", "slice"),
    ("Ctrl+wheel", "zoom"),
    ("right drag", "zoom"),
    ("Shift+wheel", "opacity of the map"),
    ("middle drag", "move the picture"),
    ("Alt+left drag", "move the picture"),
    ("double click", "fit the picture"),
    ("right click", "menu"),
    ("hold Space", "hide the map"),
)
DRAGS = {
    "crosshair": (("left drag", "crosshair"), ("Shift+left drag", "grey-level window")),
    "window": (("left drag", "grey-level window"), ("Shift+left drag", "crosshair")),
}
_COLUMNS = 3


class KeyboardCard(QDialog):
    """Groups of lines in columns; the keys are those of the user."""

    def __init__(self, bench: Workbench, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Keyboard card")
        settings = bench.session.settings
        keys = keys_of(settings.shortcuts)
        groups: list[tuple[str, tuple[_Line, ...]]] = []
        for menu in get_args(Menu):
            lines = tuple(
                (key_words(keys[action.id]), action.words(bench.session))
                for action in ACTIONS
                if action.menu == menu and keys[action.id]
            )
            groups.append((menu, lines))
        groups.append(("Mouse on the image", (*DRAGS[settings.left_drag], *MOUSE)))
        inner = QWidget()
        inner.setObjectName("scrolled")
        row = QHBoxLayout(inner)
        row.setContentsMargins(18, 12, 18, 8)
        row.setSpacing(26)
        columns: list[list[tuple[str, tuple[_Line, ...]]]] = [[] for _ in range(_COLUMNS)]
        for group in groups:  # each into the column that is shortest so far
            if group[1]:
                min(columns, key=lambda column: sum(len(lines) + 2 for _, lines in column)).append(group)
        for column in columns:
            row.addWidget(_column(column), 1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(inner)
        described(scroll, "Keys", "Every key and what it does; arrows scroll.")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        for button in buttons.buttons():
            button.setIcon(QIcon())  # those of the style are dark on dark
        buttons.rejected.connect(self.reject)
        described(buttons.button(QDialogButtonBox.StandardButton.Close), "Close", "Leave the card.")
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 12, 12)
        body.addWidget(scroll, 1)
        body.addWidget(buttons)
        room = inner.sizeHint()
        self.resize(
            min(room.width() + 40, parent.width() - 40), min(room.height() + 70, parent.height() - 60)
        )


def _column(groups: list[tuple[str, tuple[_Line, ...]]]) -> QWidget:
    column = QWidget()
    body = QVBoxLayout(column)
    body.setContentsMargins(0, 0, 0, 0)
    for name, lines in groups:
        body.addWidget(heading(name))
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(3)
        grid.setColumnMinimumWidth(
            0, theme.scaled(74)
        )  # of the column: a label's own would let its key be cut
        grid.setColumnStretch(1, 1)
        for number, (key, words) in enumerate(lines):
            shown, said = QLabel(key), QLabel(words)
            shown.setObjectName("key")
            said.setTextFormat(Qt.TextFormat.PlainText)
            grid.addWidget(shown, number, 0)
            grid.addWidget(said, number, 1)
        body.addLayout(grid)
        body.addSpacing(10)
    body.addStretch(1)
    return column
