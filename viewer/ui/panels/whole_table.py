"""A table of which nothing is cut: columns as wide as their words, and only whole rows."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHeaderView, QTableView, QWidget

from viewer.ui.panels.bottom_card import lines_of

_LEAST = 63
"""Height of the rows of the smallest window, logical pixels: three, and of larger ones as many as fill it."""
_PADDING = 18
"""Around the words of a cell, logical pixels."""


class WholeTable(QWidget):
    """The place of a table: it takes as much of it as whole rows fill.

    Columns share what room they do not need; where they need more than there is, the table is scrolled sideways.

    Parameters
    ----------
    table : its rows have one height.
    widest : for each column the widest number that is usual in it, or the shortest words that are to be read whole.
        Widths follow from these and from the headings, not from the cells, so nothing moves from slice to slice.
    grows : the column that gets all the room that is left over; None for each its share.
    """

    def __init__(self, table: QTableView, widest: Sequence[str], *, grows: int | None = None) -> None:
        super().__init__()
        self._table, self._widest, self._grows = table, tuple(widest), grows
        self._scrolled = False
        table.setParent(self)
        lines_of(table)
        table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        for watched in (table.horizontalHeader(), table.viewport()):
            watched.installEventFilter(self)
        self.setSizePolicy(table.sizePolicy())

    def show_columns(self, widest: Sequence[str]) -> None:
        """Other columns."""
        if tuple(widest) != self._widest:
            self._widest = tuple(widest)
            self._spread()

    def sizeHint(self) -> QSize:
        return self._table.sizeHint()

    def minimumSizeHint(self) -> QSize:
        row = self._row()
        return QSize(120, self._beside() + self._bar() + max(round(_LEAST / row), 1) * row)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Resize, QEvent.Type.FontChange) and (
            watched is self._table.horizontalHeader()
        ):
            if event.type() == QEvent.Type.FontChange:
                lines_of(self._table)
            self.updateGeometry()
            self._place()
            self._spread()
        elif watched is self._table.viewport() and event.type() == QEvent.Type.Resize:
            self._spread()
        return super().eventFilter(watched, event)

    def _place(self) -> None:
        row, beside = self._row(), self._beside()
        beside += self._bar() if self._scrolled else 0
        rows = max((self.height() - beside) // row, 1)
        self._table.setGeometry(0, 0, self.width(), min(beside + rows * row, self.height()))

    def _row(self) -> int:
        return max(self._table.verticalHeader().defaultSectionSize(), 1)

    def _beside(self) -> int:
        """What is no row: the headings."""
        return self._table.horizontalHeader().height() + 2 * self._table.frameWidth()

    def _bar(self) -> int:
        return self._table.horizontalScrollBar().sizeHint().height()

    def _spread(self) -> None:
        table, header, metrics = self._table, self._table.horizontalHeader(), self._table.fontMetrics()
        count = min(header.count(), len(self._widest))
        if not count:
            return
        least = [
            max(header.sectionSizeHint(column), metrics.horizontalAdvance(self._widest[column]) + _PADDING)
            for column in range(count)
        ]
        spare = max(table.viewport().width() - sum(least), 0)
        scrolled = table.viewport().width() < sum(least)
        if scrolled is not self._scrolled:
            self._scrolled = scrolled
            self._place()
        for column, wide in enumerate(least):
            share = spare * (column + 1) // count - spare * column // count
            if self._grows is not None:
                share = spare if column == self._grows else 0
            header.resizeSection(column, wide + share)
