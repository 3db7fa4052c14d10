"""Everybody can use it: every control has a name and a tooltip, and the keyboard alone reaches all of them."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDialog,
    QLineEdit,
    QPlainTextEdit,
    QScrollBar,
    QWidget,
)

from tests.tiny import bright_spot
from viewer.actions.table import ACTIONS
from viewer.state.session import Notice
from viewer.ui.main_window import MainWindow

CONTROLS = (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
)
OF_QT = ("QTableCornerButton", "QComboBoxPrivateContainer", "QComboBoxPrivateScroller", "QComboBoxListView")
OPENED_HERE = (
    *("palette", "settings", "shortcuts", "keyboard-card", "running", "notices", "spacing", "about"),
)


def is_a_part(widget: QWidget) -> bool:
    """A part of another control, which speaks for it: the field of a spin box, the list of a chooser, a scroll bar."""
    parent = widget.parentWidget()
    while parent is not None:
        if isinstance(parent, (QAbstractSpinBox, QComboBox, QLineEdit)):
            return True
        if type(parent).__name__ in OF_QT:
            return True
        parent = parent.parentWidget()
    return (
        isinstance(widget, QScrollBar)
        or type(widget).__name__ in OF_QT
        or widget.objectName().startswith("qt_")
        or type(widget).__name__ == "QHeaderView"
    )


def controls(root: QWidget) -> list[QWidget]:
    found = [
        each for each in root.findChildren(QWidget) if isinstance(each, CONTROLS) and not is_a_part(each)
    ]
    return [each for each in found if each.window() is root.window()]


def nameless(root: QWidget) -> list[str]:
    """Controls without an accessible name (a button's words are one) or without a tooltip."""
    bad = []
    for each in controls(root):
        words = each.text() if isinstance(each, QAbstractButton) else ""
        if not (each.accessibleName() or words) or not each.toolTip():
            bad.append(
                f"{type(each).__name__} {each.objectName()} '{words}' in {type(each.parent()).__name__}"
            )
    return bad


@pytest.fixture
def full(driver) -> MainWindow:
    """A window with as much on screen as there can be."""
    driver.bench.boxing.add(2, 3, 10, 12)
    driver.session.notice = Notice("Something was said.")
    driver.settle()
    return driver.window


def test_every_control_of_the_window_has_a_name_and_a_tooltip(driver, full):
    assert len(controls(full)) > 40
    assert nameless(full) == []
    for name in [action.id for action in ACTIONS if action.id.startswith(("view.tab-", "view.workspace-"))]:
        full.act(name)
        driver.settle()
        assert nameless(full) == [], name


@pytest.mark.parametrize("name", [a.id for a in ACTIONS if a.dialog in OPENED_HERE])
def test_every_control_of_a_dialog_has_a_name_and_a_tooltip(driver, name):
    driver.window.act(name)
    QApplication.processEvents()
    [dialog] = [each for each in driver.window.findChildren(QDialog) if each.isVisible()]
    assert dialog.windowTitle()
    assert nameless(dialog) == []
    for _ in range(60):  # nothing in it holds the keyboard fast
        QTest.keyClick(QApplication.focusWidget() or dialog, Qt.Key.Key_Tab)
    QTest.keyClick(QApplication.focusWidget() or dialog, Qt.Key.Key_Escape)
    QApplication.processEvents()
    assert not [each for each in driver.window.findChildren(QDialog) if each.isVisible()], "Escape leaves"


def of_one_choice(widget: QWidget, others: list[QWidget]) -> bool:
    """A button of an exclusive group is come to when one of its group is: arrows go on from there."""
    group = widget.group() if isinstance(widget, QAbstractButton) else None
    exclusive = isinstance(widget, QAbstractButton) and widget.autoExclusive()
    return any(
        isinstance(each, QAbstractButton)
        and (
            (group is not None and group.exclusive() and each.group() is group)
            or (exclusive and each.autoExclusive() and each.parent() is widget.parent())
        )
        for each in others
    )


def reachable(root: QWidget) -> set[QWidget]:
    """Controls that Tab should come to."""
    return {
        each
        for each in controls(root)
        if each.isVisible()
        and each.isEnabled()
        and not (isinstance(each, QAbstractButton) and each.objectName() == "qt_toolbar_ext_button")
    }


def tabbed_through(first: QWidget, key: Qt.Key, held: Qt.KeyboardModifier) -> list[QWidget]:
    first.setFocus()
    QApplication.processEvents()
    found = [QApplication.focusWidget()]
    for _ in range(400):
        QTest.keyClick(QApplication.focusWidget(), key, held)
        at = QApplication.focusWidget()
        if at is found[0]:
            return found
        found.append(at)
    raise AssertionError("Tab does not come round")


@pytest.mark.parametrize("tab", ["boxes", "notes"])
def test_tab_comes_to_every_control_and_round(driver, full, tab):
    driver.bench.viewing.show_tab(tab)
    driver.settle()
    full.activateWindow()
    found = tabbed_through(driver.canvas, Qt.Key.Key_Tab, Qt.KeyboardModifier.NoModifier)
    missed = {each for each in reachable(full) - set(found) if not of_one_choice(each, found)}
    assert {(type(each).__name__, each.accessibleName()) for each in missed} == set()
    assert any(driver.canvas.isAncestorOf(each) or each is driver.canvas for each in found)
    back = tabbed_through(found[0], Qt.Key.Key_Backtab, Qt.KeyboardModifier.ShiftModifier)
    assert set(back) == set(found)


def test_a_case_is_opened_explained_boxed_and_saved_in_words_without_a_mouse(driver, tmp_path):
    """The palette reaches whatever has no control: what a person does first, by keys alone."""
    driver.bench.opening.show(bright_spot(5))
    driver.settle()
    driver.window.activateWindow()
    driver.canvas.setFocus()
    driver.key(Qt.Key.Key_Up)
    driver.key(Qt.Key.Key_T)
    driver.key(Qt.Key.Key_M, Qt.KeyboardModifier.ShiftModifier)
    assert driver.session.choice.mirror
    QTest.keyClick(driver.window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    QApplication.processEvents()
    line = QApplication.focusWidget()
    assert isinstance(line, QLineEdit)
    QTest.keyClicks(line, "volume")
    QTest.keyClick(line, Qt.Key.Key_Return)
    driver.settle()
    assert driver.session.workspace == "volume"
