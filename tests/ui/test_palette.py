"""The command palette, driven by the keyboard."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from viewer.ui.dialogs.palette import Palette


@pytest.fixture
def palette(driver):
    QTest.keyClick(driver.window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    QApplication.processEvents()
    [found] = driver.window.findChildren(Palette)
    return found


def test_typing_and_enter_do_what_was_found(driver, palette):
    QTest.keyClicks(palette.line, "mirror inp")
    assert palette.rows.found[0].action.id == "input.mirror"
    QTest.keyClick(palette.line, Qt.Key.Key_Return)
    driver.settle()
    assert driver.session.choice.mirror
    assert not driver.window.findChildren(Palette)


def test_up_and_down_go_round_and_escape_leaves_everything(driver, palette):
    before = driver.session.view.slice
    QTest.keyClick(palette.line, Qt.Key.Key_Up)
    assert palette.list.currentIndex().row() == palette.rows.rowCount() - 1
    QTest.keyClick(palette.line, Qt.Key.Key_Down)
    QTest.keyClick(palette.line, Qt.Key.Key_PageDown)
    assert palette.list.currentIndex().row() == 8
    QTest.keyClick(palette.line, Qt.Key.Key_Escape)
    driver.settle()
    assert driver.session.view.slice == before
    assert not driver.window.findChildren(Palette)


def test_what_cannot_be_done_says_why_and_stays(driver, palette):
    QTest.keyClicks(palette.line, "next volume")
    [one] = palette.rows.found[:1]
    assert one.why_not == "The series has only one volume."
    spoken = palette.rows.data(palette.rows.index(0), Qt.ItemDataRole.AccessibleTextRole)
    assert one.why_not in spoken
    QTest.keyClick(palette.line, Qt.Key.Key_Return)
    assert palette.isVisible()


def test_a_click_does_it_and_the_button_opens_it(driver):
    driver.window.top.search.click()
    [palette] = driver.window.findChildren(Palette)
    QTest.keyClicks(palette.line, "invert")
    QApplication.processEvents()
    at = palette.list.visualRect(palette.rows.index(0)).center()
    QTest.mouseClick(palette.list.viewport(), Qt.MouseButton.LeftButton, pos=at)
    driver.settle()
    assert driver.session.view.inverted


def test_letters_that_find_nothing_leave_an_empty_list(palette):
    QTest.keyClicks(palette.line, "qqqq")
    assert palette.rows.rowCount() == 0
    QTest.keyClick(palette.line, Qt.Key.Key_Down)
    QTest.keyClick(palette.line, Qt.Key.Key_Return)
    assert palette.isVisible()
