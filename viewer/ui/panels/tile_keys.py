"""Keys among tiles: arrows go from tile to tile, although they are keys of the window too (slice, layer)."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent

STEPS = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1}
"""With Ctrl, from slice to slice."""


def is_ours(event: QKeyEvent) -> bool:
    """Whether a key goes from tile to tile, or with Ctrl from slice to slice."""
    held = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    if held == Qt.KeyboardModifier.ControlModifier:
        return event.key() in STEPS
    return held == Qt.KeyboardModifier.NoModifier and event.key() in (
        *(Qt.Key.Key_Left, Qt.Key.Key_Right),
        *STEPS,
    )
