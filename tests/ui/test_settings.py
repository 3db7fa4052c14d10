"""The settings dialog, driven as a user would; theme and text size while the window is there."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QFontMetricsF
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialogButtonBox, QLabel

from viewer.foundation import settings as settings_file
from viewer.foundation.settings import Settings
from viewer.ui import theme
from viewer.ui.dialogs.settings_dialog import SettingsDialog
from viewer.ui.panels.card import ElidedTwice


@pytest.fixture(autouse=True)
def own_file(tmp_path, monkeypatch, qapp):
    monkeypatch.setattr(settings_file, "default_path", lambda: tmp_path / "settings.json")
    yield
    theme.apply(qapp, "dark")


@pytest.fixture
def dialog(driver):
    QTest.keyClick(driver.window, Qt.Key.Key_Comma, Qt.KeyboardModifier.ControlModifier)
    QApplication.processEvents()
    [found] = driver.window.findChildren(SettingsDialog)
    return found


def choose(driver, dialog, name: str, row: int) -> None:
    """With the keyboard, as somebody who cannot see the list."""
    field = dialog.fields[name]
    field.setFocus()
    QTest.keyClick(field, Qt.Key.Key_Home)
    for _ in range(row):
        QTest.keyClick(field, Qt.Key.Key_Down)
    driver.settle()


def test_the_theme_changes_while_the_window_is_there(driver, dialog):
    choose(driver, dialog, "theme", 1)
    assert driver.session.settings.theme == "light"
    assert theme.current().name == "light"
    light = driver.window.grab().toImage()
    at = driver.window.case_panel.mapTo(driver.window, QPoint(20, driver.window.case_panel.height() - 12))
    assert light.pixelColor(at).name() == theme.LIGHT.card
    choose(driver, dialog, "theme", 0)
    assert driver.window.grab().toImage().pixelColor(at).name() == theme.DARK.card


def test_nothing_keeps_a_colour_of_the_theme_before(driver, dialog):
    choose(driver, dialog, "theme", 1)
    table = driver.window.boxes.table
    colours = {table.item(n, 0).foreground().color().name() for n in range(table.rowCount())}
    assert colours <= {theme.LIGHT.accent, theme.LIGHT.green, theme.LIGHT.amber}
    assert theme.DARK.accent not in driver.window.strip._legend.text()


def test_the_text_grows_and_comes_back(driver, dialog):
    label = next(each for each in driver.window.findChildren(QLabel) if each.objectName() == "heading")
    high, wide = QFontMetricsF(label.font()).height(), driver.window.case_panel.width()
    brand = driver.window.top.brand.fontMetrics().height()
    choose(driver, dialog, "text_size", 5)
    assert driver.session.settings.text_size == 1.5
    assert QFontMetricsF(label.font()).height() == pytest.approx(1.5 * high, rel=0.12)
    assert driver.window.case_panel.width() > 1.2 * wide
    assert driver.window.top.brand.fontMetrics().height() > brand
    for words in driver.window.findChildren(ElidedTwice):
        assert words.height() >= 2 * words.fontMetrics().lineSpacing()
    choose(driver, dialog, "text_size", 2)
    assert QFontMetricsF(label.font()).height() == pytest.approx(high)
    assert driver.window.case_panel.width() == wide


def test_the_left_drag_follows_its_setting(driver, dialog):
    choose(driver, dialog, "left_drag", 1)
    dialog.reject()
    window = driver.session.view.window
    driver.drag(driver.at(10, 10), driver.at(20, 20))
    assert driver.session.view.window != window
    assert driver.session.view.cursor is None


def test_a_number_is_typed_and_defaults_come_back(driver, dialog):
    field = dialog.fields["atlas_budget_mb"]
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "128")
    QTest.keyClick(field, Qt.Key.Key_Tab)
    driver.settle()
    assert driver.session.atlas_budget == 128 << 20
    dialog.findChild(QDialogButtonBox).button(QDialogButtonBox.StandardButton.RestoreDefaults).click()
    driver.settle()
    assert driver.session.settings == Settings()
    assert field.value() == 512


def test_a_closed_dialog_is_gone_and_hears_no_more(driver, dialog):
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    QApplication.processEvents()
    QApplication.sendPostedEvents(None, 0)
    assert not driver.window.findChildren(SettingsDialog)
    driver.bench.preferring.set("phi_hidden", False)
    driver.settle()
