"""The card under the picture: tabs over one page each, and the status line."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QHBoxLayout, QSizePolicy, QStackedWidget, QTableView, QWidget

from viewer.state.session import BottomTab
from viewer.ui import theme
from viewer.ui.panels.action_tabs import ActionTabs
from viewer.ui.panels.card import Card

QWIDGETSIZE_MAX = (1 << 24) - 1
"""Qt's own name and number for a widget without a greatest height."""
ROW = 21
"""Height of a line of a table under the picture, logical pixels at the usual size of the text."""


def lines_of(table: QTableView) -> None:
    """Give a table of a page its lines: close together, because the picture needs the room."""
    for header in (table.verticalHeader(), table.horizontalHeader()):
        header.setMinimumSectionSize(theme.scaled(ROW))
    table.verticalHeader().setDefaultSectionSize(theme.scaled(ROW))
    table.horizontalHeader().setFixedHeight(theme.scaled(ROW + 1))


class BottomPage(QWidget):
    """What a tab opens.

    Attributes
    ----------
    head : its controls; they stand in the row of the tabs, at their right.
    """

    head: QWidget


class BottomCard(Card):
    """Tabs, the page of the chosen one, the status line.

    All pages have one size, so nothing moves when another one is chosen.

    Parameters
    ----------
    actions : all actions of the window by id; those of tabs are taken.
    pages : tab -> page; a tab without one has no action either.
    """

    def __init__(
        self, actions: Mapping[str, QAction], pages: Mapping[BottomTab, BottomPage], status: QWidget
    ) -> None:
        super().__init__("Figures and status")
        self.pages, self.status = dict(pages), status
        self.tabs = ActionTabs(actions, "view.tab-", "Figures", "tab")
        self.tabs.row.setSpacing(0)
        for button in self.tabs.buttons.values():
            button.setObjectName("tab")
        self.heads, self.stack = QStackedWidget(), QStackedWidget()
        for page in self.pages.values():
            self.heads.addWidget(page.head)
            self.stack.addWidget(page)
        self.top = QWidget()
        row = QHBoxLayout(self.top)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        row.addWidget(self.tabs)
        row.addWidget(self.heads, 1)
        self.top.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.body.setSpacing(3)
        self.body.addWidget(self.top)
        self.body.addWidget(self.stack, 1)
        self.body.addWidget(status)

    def show_tab(self, name: BottomTab) -> None:
        """Bring a page to the front; the keyboard stays where it was, unless that is what goes."""
        page = self.pages[name]
        if self.stack.currentWidget() is page:
            return
        focused = QApplication.focusWidget()
        if focused is not None and (self.heads.isAncestorOf(focused) or self.stack.isAncestorOf(focused)):
            self.tabs.buttons[name].setFocus()
        self.heads.setCurrentWidget(page.head)
        self.stack.setCurrentWidget(page)

    def show_pages(self, shown: bool) -> None:
        """With the tabs and their page, or the status line alone and no higher than that."""
        self.top.setVisible(shown)
        self.stack.setVisible(shown)
        self.setMaximumHeight(QWIDGETSIZE_MAX if shown else self.sizeHint().height())
