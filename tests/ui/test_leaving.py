"""Closing the case, leaving the program, and the second key for doing something again."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from tests.tiny import bright_spot

CTRL = Qt.KeyboardModifier.ControlModifier


def test_a_closed_case_leaves_an_empty_window_and_another_can_be_opened(driver):
    driver.bench.boxing.draw_mode(True)
    driver.key(Qt.Key.Key_W, CTRL)
    session = driver.session
    assert session.case is session.reading is session.opened is session.entry is None
    assert not session.boxes.drawn
    assert not driver.window.menus.actions["case.close"].isEnabled()
    assert driver.window.menus.actions["case.close"].toolTip().endswith("No image is open.")
    driver.bench.opening.show(bright_spot(9, at=(4, 8, 20)))
    driver.settle()
    assert session.reading is not None
    assert session.reading.filled


def test_a_case_beside_is_closed_with_it(study):
    entries = study.session.chooser.entries
    study.bench.opening.choose(entries[0])
    study.settle()
    study.bench.beside.choose(entries[1])
    study.settle()
    assert study.session.beside is not None
    study.window.act("case.close")
    study.settle()
    assert study.session.case is study.session.beside is None


def test_the_case_of_a_lesson_stays(driver):
    driver.bench.teaching.begin_here()
    driver.settle()
    driver.window.act("case.close")
    assert driver.session.case is not None
    assert not driver.window.menus.actions["case.close"].isEnabled()


def test_ctrl_q_closes_the_window(driver):
    assert driver.window.isVisible()
    QTest.keyClick(driver.window, Qt.Key.Key_Q, CTRL)
    assert not driver.window.isVisible()


def test_ctrl_y_does_again_until_it_is_given_to_something_else(driver):
    bench, choice = driver.bench, driver.session.choice
    bench.explaining.toggle_mirror()
    driver.settle()
    driver.key(Qt.Key.Key_Z, CTRL)
    assert not choice.mirror
    driver.key(Qt.Key.Key_Y, CTRL)
    assert choice.mirror
    driver.key(Qt.Key.Key_Z, CTRL)
    bench.preferring.set("shortcuts", {"view.invert": "Ctrl+Y"})
    driver.settle()
    driver.key(Qt.Key.Key_Y, CTRL)
    assert driver.session.view.inverted
    assert not choice.mirror
