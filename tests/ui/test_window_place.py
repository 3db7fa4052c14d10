"""The window on a screen that is smaller than it, and the same window again at the next start."""

from __future__ import annotations

import json

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QWidget

from viewer.app import _keep_place
from viewer.foundation import settings as settings_file
from viewer.foundation.settings import Settings
from viewer.ui.window_place import as_it_stands, open_on_screen

USUAL = QSize(1440, 980)


@pytest.fixture
def opened(qtbot):
    def opened(settings: Settings, usual: QSize = USUAL, least: tuple[int, int] = (300, 200)) -> QWidget:
        window = QWidget()
        window.setMinimumSize(*least)
        qtbot.addWidget(window)
        open_on_screen(window, settings, usual)
        return window

    return opened


def test_a_window_for_which_there_is_no_room_fills_the_screen_and_is_not_larger(opened):
    window = opened(Settings(), least=(500, 900))  # the screen of the tests is 800 x 800
    room = window.screen().availableGeometry()
    assert window.isMaximized()
    assert room.contains(window.geometry())
    assert room.width() >= window.normalGeometry().width()
    assert window.minimumHeight() < room.height()


def test_a_window_comes_back_as_it_was_left(opened):
    first = opened(Settings(), QSize(600, 700))
    assert not first.isMaximized()
    first.resize(640, 720)
    left = as_it_stands(first, Settings(theme="light"))
    assert (left.window_width, left.window_height, left.window_maximised) == (640, 720, False)
    assert left.theme == "light"
    again = opened(left)
    assert (again.width(), again.height(), again.isMaximized()) == (640, 720, False)


def test_a_window_that_filled_the_screen_does_so_again_and_has_a_size_to_go_back_to(opened):
    first = opened(Settings(), QSize(600, 700))
    first.showMaximized()
    left = as_it_stands(first, Settings())
    assert (left.window_width, left.window_height, left.window_maximised) == (600, 700, True)
    assert opened(left).isMaximized()


def test_full_screen_is_not_remembered(opened):
    window = opened(Settings(), QSize(600, 700))
    window.setWindowState(window.windowState() | Qt.WindowState.WindowFullScreen)
    assert as_it_stands(window, Settings()).window_maximised is False


def test_the_place_is_kept_beside_what_another_window_has_set(bare, tmp_path, monkeypatch):
    path = tmp_path / "settings.json"
    monkeypatch.setattr(settings_file, "default_path", lambda: path)
    settings_file.save(Settings(theme="light"))
    _keep_place(bare.window)
    found, dropped = settings_file.load()
    assert (found.theme, found.window_width, found.window_height) == ("light", 1300, 900)
    assert dropped == []
    path.write_text(json.dumps({"window_width": -3}))
    _keep_place(bare.window)  # what could not be read is left for its owner to mend
    assert json.loads(path.read_text()) == {"window_width": -3}
