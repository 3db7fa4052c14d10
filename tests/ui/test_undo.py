"""Ctrl+Z and Ctrl+Shift+Z in the window, and what the menu says."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from tests.tiny import bright_spot

CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


def test_one_drag_is_one_step_in_words(driver):
    driver.bench.boxing.draw_mode(True)
    driver.drag(driver.at(4, 4), driver.at(14, 16))
    drawn = driver.session.boxes.drawn
    assert len(drawn) == 1
    driver.drag(driver.at(4, 10), driver.at(9, 10))
    assert driver.session.boxes.drawn != drawn
    menus = driver.window.menus.actions
    assert menus["edit.undo"].text() == "Undo: move box"
    driver.key(Qt.Key.Key_Z, CTRL)
    assert driver.session.boxes.drawn == drawn
    assert menus["edit.undo"].text() == "Undo: draw box"
    assert menus["edit.redo"].text() == "Redo: move box"
    driver.key(Qt.Key.Key_Z, CTRL)
    assert driver.session.boxes.drawn == {}
    assert not menus["edit.undo"].isEnabled()
    driver.key(Qt.Key.Key_Z, CTRL | SHIFT)
    driver.key(Qt.Key.Key_Z, CTRL | SHIFT)
    assert menus["edit.undo"].text() == "Undo: move box"


def test_the_mirrored_input_is_undone_by_key(driver, passes):
    driver.key(Qt.Key.Key_M, SHIFT)
    assert driver.session.choice.mirror
    count = len(passes)
    driver.key(Qt.Key.Key_Z, CTRL)
    assert not driver.session.choice.mirror
    assert len(passes) == count, "the maps of the patient as he is are still there"


def test_notes_are_typed_undone_and_gone_with_the_case(driver):
    driver.key(Qt.Key.Key_F12)
    field = driver.window.notes.field
    assert field.isVisible()
    field.setFocus()
    QTest.keyClicks(field, "warm rim")
    driver.settle()
    assert driver.session.notes.text == "warm rim"
    QTest.keyClick(field, Qt.Key.Key_Z, CTRL)
    driver.settle()
    assert driver.session.notes.text == field.toPlainText() == ""
    QTest.keyClick(field, Qt.Key.Key_Z, CTRL | SHIFT)
    driver.settle()
    assert field.toPlainText() == "warm rim"
    QTest.keyClick(field, Qt.Key.Key_Tab)
    assert not field.hasFocus(), "Tab leads on"
    driver.bench.opening.show(bright_spot(3))
    driver.settle()
    assert field.toPlainText() == ""
