"""Where the window stands on the screen: never larger than the screen, and as the user left it."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QWidget

from viewer.foundation.settings import Settings

_FRAME = QSize(8, 34)
"""What a window manager draws around a window, at the most usual; its own is known only once it has drawn it."""


def open_on_screen(window: QWidget, settings: Settings, usual: QSize) -> None:
    """Show a window as it was left, or in its usual size; one for which there is no room fills the screen.

    Parameters
    ----------
    usual : size of a window that was never left, logical pixels.
    """
    room = _room(window)
    wanted = QSize(settings.window_width or usual.width(), settings.window_height or usual.height())
    window.setMinimumSize(window.minimumSize().boundedTo(room))
    window.resize(wanted.boundedTo(room))
    fits = wanted.width() <= room.width() and wanted.height() <= room.height()
    if settings.window_maximised or not fits:
        window.showMaximized()
    else:
        window.show()


def as_it_stands(window: QWidget, settings: Settings) -> Settings:
    """The settings with the size of a window, and whether it fills the screen; its usual size where it does."""
    filling = bool(window.windowState() & (Qt.WindowState.WindowMaximized | Qt.WindowState.WindowFullScreen))
    size = window.normalGeometry().size() if filling else window.size()
    if size.isEmpty():
        return settings
    return replace(
        settings,
        window_width=size.width(),
        window_height=size.height(),
        window_maximised=bool(window.windowState() & Qt.WindowState.WindowMaximized),
    )


def _room(window: QWidget) -> QSize:
    """The largest size for which the screen has room, without panels and docks of the desktop."""
    return window.screen().availableGeometry().size() - _FRAME
