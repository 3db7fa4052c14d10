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


def test_letters_that_find_nothing_say_so(palette):
    QTest.keyClicks(palette.line, "qqqq")
    assert palette.rows.rowCount() == 0
    assert not palette.list.isVisible()
    assert palette.nothing.isVisible()
    assert "\u201cqqqq\u201d" in palette.nothing.text()
    QTest.keyClick(palette.line, Qt.Key.Key_Down)
    QTest.keyClick(palette.line, Qt.Key.Key_Return)
    assert palette.isVisible()


def test_opacity_threshold_and_colours_are_done_from_the_palette(driver):
    overlay = driver.session.overlay
    before = overlay.opacity, overlay.threshold
    for identity in ("map.less-opacity", "map.threshold-up", "map.colours-viridis"):
        driver.window.act(identity)
    assert overlay.opacity == pytest.approx(before[0] - 0.1)
    assert overlay.threshold == pytest.approx(before[1] + 0.1)
    assert overlay.colour_map == "viridis"


def test_brightness_and_contrast_move_the_window(driver):
    before = driver.session.view.window
    driver.window.act("view.brighter")
    assert driver.session.view.window.centre < before.centre
    driver.window.act("view.darker")
    driver.window.act("view.more-contrast")
    assert driver.session.view.window.width < before.width
    driver.window.act("view.less-contrast")
    assert driver.session.view.window.width == pytest.approx(before.width)
    assert driver.session.view.window.centre == pytest.approx(before.centre)


@pytest.mark.parametrize("workspace", ["reading", "volume"])
def test_the_picture_is_magnified_and_fitted(driver, workspace):
    driver.bench.viewing.set_workspace(workspace)
    driver.settle()
    view = driver.picture if workspace == "reading" else driver.window.stage.planes.panes[0]
    whole = view.seen.width()
    driver.window.act("view.zoom-in")
    assert view.seen.width() == pytest.approx(whole / 1.25)
    driver.window.act("view.zoom-out")
    driver.window.act("view.zoom-out")
    assert view.seen.width() == pytest.approx(whole * 1.25)
    driver.window.act("view.fit")
    assert view.seen.width() == pytest.approx(whole)


def test_tiles_are_magnified_and_brought_back(driver):
    driver.bench.viewing.set_workspace("layers")
    driver.settle()
    usual = driver.session.view.tile
    driver.window.act("view.zoom-in")
    assert driver.session.view.tile == pytest.approx(usual * 1.25)
    driver.window.act("view.fit")
    assert driver.session.view.tile == pytest.approx(usual)
