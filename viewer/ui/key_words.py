"""Keys as people read them."""

from PySide6.QtGui import QKeySequence


def key_words(shortcut: str) -> str:
    """A key as this system writes it."""
    return QKeySequence(shortcut).toString(QKeySequence.SequenceFormat.NativeText)
