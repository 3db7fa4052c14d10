"""Changing keys in the dialog, and what the window then does and says."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel

from viewer.foundation import settings as settings_file
from viewer.ui.dialogs.keyboard_card import KeyboardCard
from viewer.ui.dialogs.shortcuts_dialog import ShortcutsDialog


@pytest.fixture(autouse=True)
def own_file(tmp_path, monkeypatch):
    monkeypatch.setattr(settings_file, "default_path", lambda: tmp_path / "settings.json")


@pytest.fixture
def dialog(driver):
    driver.window.act("edit.shortcuts")
    QApplication.processEvents()
    [found] = driver.window.findChildren(ShortcutsDialog)
    return found


def press(driver, dialog, action: str, key: Qt.Key, held=Qt.KeyboardModifier.NoModifier) -> None:
    dialog.filter.setText(action)
    QTest.keyClick(dialog.table, Qt.Key.Key_Return)
    QTest.keyClick(dialog.change, key, held)
    driver.settle()


def test_a_key_is_changed_and_works_at_once(driver, dialog):
    press(driver, dialog, "what the network saw", Qt.Key.Key_K)
    assert driver.session.settings.shortcuts == {"input.seen": "K"}
    assert settings_file.load()[0].shortcuts == {"input.seen": "K"}
    dialog.accept()
    driver.settle()
    driver.window.activateWindow()
    driver.canvas.setFocus()
    driver.key(Qt.Key.Key_I)
    assert not driver.session.view.seen
    driver.key(Qt.Key.Key_K)
    assert driver.session.view.seen


def test_a_key_of_another_action_is_said_and_taken_only_when_asked(driver, dialog):
    press(driver, dialog, "what the network saw", Qt.Key.Key_N)
    assert driver.session.settings.shortcuts == {}
    assert "Invert grey" in dialog.said.full
    assert dialog.take.isVisible()
    dialog.take.click()
    driver.settle()
    assert driver.session.settings.shortcuts == {"input.seen": "N", "view.invert": ""}
    assert not dialog.take.isVisible()
    dialog.usual.click()
    driver.settle()
    assert driver.session.settings.shortcuts == {"view.invert": ""}
    dialog.all.click()
    assert driver.session.settings.shortcuts == {}


@pytest.mark.parametrize("key", [Qt.Key.Key_BracketLeft, Qt.Key.Key_Adiaeresis])
def test_a_key_that_not_every_keyboard_has_is_refused_in_words(driver, dialog, key):
    press(driver, dialog, "what the network saw", key)
    assert "keyboard" in dialog.said.full
    assert driver.session.settings.shortcuts == {}


def test_a_key_is_taken_away_and_escape_gives_up_waiting(driver, dialog):
    dialog.filter.setText("invert grey")
    dialog.none.click()
    assert driver.session.settings.shortcuts == {"view.invert": ""}
    dialog.change.click()
    assert dialog.change.waiting
    QTest.keyClick(dialog.change, Qt.Key.Key_Escape)
    assert not dialog.change.waiting
    assert dialog.isVisible()


def test_the_card_and_the_hints_show_the_keys_as_they_are(driver):
    driver.bench.preferring.set("shortcuts", {"boxes.draw": "K", "case.open-file": "F9"})
    driver.settle()
    assert "K: box" in driver.window.status._hint.full
    driver.key(Qt.Key.Key_F1)
    [card] = driver.window.findChildren(KeyboardCard)
    words = [label.text() for label in card.findChildren(QLabel)]
    assert words[words.index("Draw a box") - 1] == "K"
    assert words[words.index("Open file…") - 1] == "F9"
    assert "Ctrl+O" not in words
