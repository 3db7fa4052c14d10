"""Strips that come and go lie over the workspace: nothing moves for them."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QPoint, QSize
from PySide6.QtWidgets import QVBoxLayout, QWidget

from viewer.ui import theme

_WIDEST = 760
"""Width of a strip where there is room, logical pixels at the usual size of the text."""
_GAP = 6
_MOVED = frozenset({QEvent.Type.Resize, QEvent.Type.Move})
_TOLD = frozenset({QEvent.Type.ShowToParent, QEvent.Type.HideToParent})


class FloatingStrips(QWidget):
    """One below the other, over the upper or the lower edge of a place. As large as the strips, so all else is reached.

    Parameters
    ----------
    parent : what they are drawn over.
    place : the part of it along whose edge they lie.
    """

    def __init__(self, parent: QWidget, place: QWidget, strips: Sequence[QWidget]) -> None:
        super().__init__(parent)
        self._over, self._place = parent, place
        self._strips = tuple(strips)
        self._at_foot = False
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        for strip in strips:
            column.addWidget(strip)
        for widget in (parent, place, *strips):
            widget.installEventFilter(self)
        self.hide()

    def lie(self, *, at_foot: bool) -> None:
        """Along the lower edge where a workspace has its controls at the upper one; above whatever was raised."""
        if at_foot != self._at_foot:
            self._at_foot = at_foot
            self.place()
        self.raise_()

    def event(self, event: QEvent) -> bool:
        done = super().event(event)
        if event.type() == QEvent.Type.LayoutRequest:  # a strip says something longer
            self.place()
        return done

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (_TOLD if watched in self._strips else _MOVED):
            self.place()
        return super().eventFilter(watched, event)

    def place(self) -> None:
        """In the middle of the edge; gone where there is nothing to say."""
        wanted = any(not strip.isHidden() for strip in self._strips)
        self.setVisible(wanted)
        layout = self.layout()
        if not wanted or layout is None:
            return
        corner, room = self._place.mapTo(self._over, QPoint()), self._place.size()
        width = max(min(theme.scaled(_WIDEST), room.width() - 2 * _GAP), 1)
        high = layout.totalHeightForWidth(width) if layout.hasHeightForWidth() else layout.sizeHint().height()
        down = room.height() - high - _GAP if self._at_foot else _GAP
        self.resize(QSize(width, high))
        self.move(corner + QPoint((room.width() - width) // 2, max(down, 0)))
