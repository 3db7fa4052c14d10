"""The tabs under the picture: with a mouse, with keys, without anything moving."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QWidget

from viewer.ui.panels.bottom_card import BottomCard, BottomPage


class Page(BottomPage):
    def __init__(self, height: int) -> None:
        super().__init__()
        self.head = QPushButton("control")
        self.control = QPushButton("inside", self)
        self.setMinimumHeight(height)


@pytest.fixture
def card(qtbot) -> BottomCard:
    owner = QWidget()
    actions = {}
    for name in ("view.tab-low", "view.tab-high", "view.else"):
        actions[name] = QAction(name.rpartition("-")[2], owner)
        actions[name].setCheckable(True)
    found = BottomCard(actions, {"low": Page(40), "high": Page(120)}, QLabel("status"))
    owner.setParent(found)
    qtbot.addWidget(found)
    found.resize(600, 300)
    found.show_tab("low")
    found.show()
    qtbot.waitExposed(found)
    return found


def test_each_tab_has_a_button_and_nothing_else_has(card):
    assert list(card.tabs.buttons) == ["low", "high"]
    assert card.tabs.buttons["low"].focusPolicy() & Qt.FocusPolicy.TabFocus
    assert card.tabs.buttons["high"].accessibleName() == "high tab"


def test_a_page_comes_with_its_controls_and_nothing_moves(card):
    def places():
        return [w.geometry() for w in (card, card.top, card.tabs, card.stack, card.status)]

    before, least = places(), card.minimumSizeHint()
    card.show_tab("high")
    QApplication.processEvents()
    assert card.pages["high"].isVisible()
    assert card.pages["high"].head.isVisible()
    assert not card.pages["low"].isVisible()
    assert not card.pages["low"].head.isVisible()
    assert places() == before
    assert card.minimumSizeHint() == least


def test_the_keyboard_stays_where_it_is_unless_that_goes(card):
    card.tabs.buttons["low"].setFocus()
    card.show_tab("high")
    assert QApplication.focusWidget() is card.tabs.buttons["low"]
    card.pages["high"].control.setFocus()
    card.show_tab("low")
    assert QApplication.focusWidget() is card.tabs.buttons["low"]
    card.pages["low"].head.setFocus()
    card.show_tab("high")
    assert QApplication.focusWidget() is card.tabs.buttons["high"]


def test_every_tab_of_the_window_has_a_page_and_a_key(driver):
    bottom = driver.window.bottom
    assert set(bottom.tabs.buttons) == set(bottom.pages)
    for name in bottom.pages:
        key = driver.window.menus.actions[f"view.tab-{name}"].shortcut()
        assert not key.isEmpty()
        QTest.keyClick(driver.window, Qt.Key(key[0].key()), key[0].keyboardModifiers())
        driver.settle()
        assert driver.session.tab == name
        assert bottom.pages[name].isVisible()
        assert bottom.tabs.buttons[name].isChecked()


def test_three_planes_have_the_room_of_the_tabs(driver):
    QTest.keyClick(driver.window, Qt.Key.Key_F5)
    driver.settle()
    assert not driver.window.bottom.top.isVisible()
    assert not driver.window.menus.actions["view.tab-boxes"].isEnabled()
    QTest.keyClick(driver.window, Qt.Key.Key_F2)
    driver.settle()
    assert driver.window.bottom.top.isVisible()
