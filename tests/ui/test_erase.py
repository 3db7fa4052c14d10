"""Erasing by key, mouse and menu; the picture says what is erased."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt


def test_e_and_a_drag_erase_and_ctrl_z_puts_it_back(driver):
    session = driver.session
    before = session.reading.probability(4, 1)
    driver.key(Qt.Key.Key_E)
    assert session.view.erasing
    assert driver.window.input.erase.text().startswith("Drag")
    driver.drag(driver.at(7, 19), driver.at(13, 25))
    (erased,) = session.choice.erased
    assert (erased.row_min, erased.column_max) == pytest.approx((7, 25), abs=0.2)
    assert session.boxes.drawn == {}
    assert session.reading.probability(4, 1) < before
    assert driver.canvas.erased.erased == (erased,)
    assert driver.window.input.erase.text().startswith("Erased: 1")
    assert "erased" in driver.window.screen_.map.may_read.line
    bars = driver.window.screen_.prediction.bars
    assert bars[1].other_input == pytest.approx(before)
    driver.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert session.choice.erased == ()
    assert driver.canvas.erased.erased == ()


def test_the_menu_offers_what_can_be_erased_now(driver):
    menu = driver.window.input.erase.menu()
    menu.aboutToShow.emit()
    names = {action.text(): action for action in menu.actions()}
    assert not names["Erase the selected box"].isEnabled()
    assert not names["Put back what was erased"].isEnabled()
    driver.bench.boxing.add(7, 19, 13, 25)
    menu.aboutToShow.emit()
    names = {action.text(): action for action in menu.actions()}
    names["Erase the selected box"].trigger()
    assert len(driver.session.choice.erased) == 1
    names["Blurred beyond reading"].trigger()
    assert driver.session.choice.erased[0].fill == "blur"


def test_escape_leaves_erasing(driver):
    driver.key(Qt.Key.Key_E)
    driver.key(Qt.Key.Key_Escape)
    assert not driver.session.view.erasing


def test_a_box_that_is_the_whole_picture_is_refused_in_a_sentence(driver):
    driver.key(Qt.Key.Key_E)
    driver.drag(driver.at(-1, -1), driver.at(33, 33))
    assert driver.session.choice.erased == ()
    assert "whole picture" in driver.session.notice.sentence
