"""The command palette: everything that can be done, found by a few letters, with its key or why it is not there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QFont, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QDialog,
    QLabel,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from viewer.actions.finding import Found, find
from viewer.actions.keys import keys_of
from viewer.actions.table import ACTIONS
from viewer.controllers.workbench import Workbench
from viewer.ui import theme
from viewer.ui.key_words import key_words
from viewer.ui.panels.card import described

_Index = QModelIndex | QPersistentModelIndex
_PAD = 10
_WIDTH, _ROWS = 620, 11
_HOW = "Type a few letters; up and down choose, Enter does it."
_NOTHING = (
    "Nothing that can be done here is called \u201c{}\u201d. Try fewer letters, or another word for it."
)
_FOUND, _KEY = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1


class _Rows(QAbstractListModel):
    """What fits, as a list for Qt and for screen readers."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.found: tuple[Found, ...] = ()
        self.keys: Mapping[str, str] = {}

    def show_found(self, found: tuple[Found, ...], keys: Mapping[str, str]) -> None:
        self.beginResetModel()
        self.found, self.keys = found, keys
        self.endResetModel()

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - the signature is Qt's
        return 0 if parent.isValid() else len(self.found)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        one = self.found[index.row()]
        if role == _FOUND:
            return one
        if role == _KEY:
            return key_words(self.keys.get(one.action.id, ""))
        if role == Qt.ItemDataRole.DisplayRole:
            return one.words
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{one.action.tip} {one.why_not}".strip()
        if role == Qt.ItemDataRole.AccessibleTextRole:
            parts = (one.words, one.by, one.action.menu, self.data(index, _KEY))
            return ", ".join(word for word in (*parts, "" if one.enabled else one.why_not) if word)
        return None


class _Painter(QStyledItemDelegate):
    """Menu, words with the typed letters bold, and at the right the key or why it is not there."""

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        return QSize(200, option.fontMetrics.height() + 14)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        one: Found = index.data(_FOUND)
        room = option.rect.adjusted(2, 1, -2, -1)
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("selected"))
            painter.drawRoundedRect(room, 5, 5)
        room = room.adjusted(_PAD, 0, -_PAD, 0)
        aside = str(index.data(_KEY)) if one.enabled else one.why_not
        own = option.fontMetrics.horizontalAdvance(f"{one.action.menu}  {one.words}  {one.by}") + 3 * _PAD
        aside = option.fontMetrics.elidedText(
            aside, Qt.TextElideMode.ElideRight, max(room.width() - own, room.width() // 3)
        )
        self._write(painter, option.font, room, aside, "muted", right=True)
        taken = option.fontMetrics.horizontalAdvance(aside) + 2 * _PAD
        room.setRight(max(room.right() - taken, room.left() + room.width() // 3))
        at = self._write(painter, option.font, room, f"{one.action.menu}  ", "muted")
        for n, letter in enumerate(one.words):
            room.setLeft(at)
            font = QFont(option.font)
            font.setBold(n in one.hits)
            purpose = "accent" if n in one.hits else "text" if one.enabled else "muted"
            at = self._write(painter, font, room, letter, purpose)
        if one.by:
            room.setLeft(at)
            self._write(painter, option.font, room, f"  {one.by}", "accent")
        painter.restore()

    @staticmethod
    def _write(
        painter: QPainter, font: QFont, room: QRect, text: str, purpose: str, *, right: bool = False
    ) -> int:
        """Write and return where the words end."""
        painter.setFont(font)
        painter.setPen(theme.colour(purpose))
        side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
        painter.drawText(room, side | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine, text)
        return room.left() + painter.fontMetrics().horizontalAdvance(text)


class Palette(QDialog):
    """A line to type into and what fits below it; Enter does what is chosen, Escape leaves."""

    chosen = Signal(str)
    """Id of the action to be done, after the palette has closed."""

    def __init__(self, bench: Workbench, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Dialog | Qt.WindowType.FramelessWindowHint)
        self._bench = bench
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setObjectName("palette")
        self.setWindowTitle("Search commands")
        body = QVBoxLayout(self)
        body.setContentsMargins(10, 10, 10, 10)
        self.line, self.rows, self.list = QLineEdit(), _Rows(self), QListView()
        self.line.setPlaceholderText("What do you want to do?")
        self.line.setClearButtonEnabled(True)
        described(self.line, "Search commands", _HOW)
        self.list.setModel(self.rows)
        self.list.setItemDelegate(_Painter(self.list))
        self.list.setUniformItemSizes(True)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setFrameShape(QListView.Shape.NoFrame)
        described(self.list, "Commands", "Click one to do it.")
        body.addWidget(self.line)
        self.nothing = QLabel()
        self.nothing.setTextFormat(Qt.TextFormat.PlainText)
        self.nothing.setWordWrap(True)
        self.nothing.setObjectName("muted")
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.nothing.setContentsMargins(_PAD, _PAD, _PAD, 0)
        body.addWidget(self.list, 1)
        body.addWidget(self.nothing, 1)
        self.line.installEventFilter(self)
        self.line.textChanged.connect(self._look)
        self.list.clicked.connect(lambda index: self._choose(index.row()))
        self._look("")
        self._place(parent)

    def _place(self, window: QWidget) -> None:
        """Below the top of the window, and inside it."""
        high = self.list.sizeHintForRow(0) * _ROWS + self.line.sizeHint().height() + 40
        self.resize(min(theme.scaled(_WIDTH), window.width() - 40), min(high, window.height() - 80))
        at = window.mapToGlobal(window.rect().topLeft())
        self.move(at.x() + (window.width() - self.width()) // 2, at.y() + 46)

    def _look(self, typed: str) -> None:
        session = self._bench.session
        self.rows.show_found(find(typed, ACTIONS, session), keys_of(session.settings.shortcuts))
        self.list.setCurrentIndex(self.rows.index(0))
        nothing = "" if self.rows.found else _NOTHING.format(" ".join(typed.split()))
        self.nothing.setText(nothing)
        self.list.setVisible(not nothing)
        self.nothing.setVisible(bool(nothing))
        self.line.setToolTip(nothing or _HOW)
        described(self.line, "Search commands", nothing or _HOW)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keys that belong to the list while one types."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            steps = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_PageUp: -8, Qt.Key.Key_PageDown: 8}
            key = Qt.Key(event.key())
            if key in steps:
                self._step(steps[key])
                return True
            if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._choose(self.list.currentIndex().row())
                return True
        return super().eventFilter(watched, event)

    def _step(self, steps: int) -> None:
        count = self.rows.rowCount()
        if count:
            at = self.list.currentIndex().row() + steps
            at = at % count if abs(steps) == 1 else min(max(at, 0), count - 1)
            self.list.setCurrentIndex(self.rows.index(at))

    def _choose(self, row: int) -> None:
        """Do it; what cannot be done now says why and stays."""
        if not 0 <= row < len(self.rows.found) or not self.rows.found[row].enabled:
            return
        identity = self.rows.found[row].action.id
        self.accept()
        self.chosen.emit(identity)
