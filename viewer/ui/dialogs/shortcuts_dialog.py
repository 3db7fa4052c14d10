"""The keys of all actions: found, changed, taken from one another, brought back."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QKeyCombination, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from viewer.actions.action import Action
from viewer.actions.finding import find
from viewer.actions.keys import keys_of, owner_of, with_key
from viewer.actions.table import ACTIONS
from viewer.controllers.workbench import Workbench
from viewer.foundation.errors import SettingsError
from viewer.foundation.keys import typeable
from viewer.ui import theme
from viewer.ui.attempt import attempt
from viewer.ui.key_words import key_words
from viewer.ui.panels.card import Elided, described

_HELD = (Qt.Key.Key_Control, Qt.Key.Key_Shift, Qt.Key.Key_Alt, Qt.Key.Key_Meta, Qt.Key.Key_AltGr)
_IDENTITY = Qt.ItemDataRole.UserRole


class KeyButton(QPushButton):
    """Pressed, it waits for one key; Escape gives up, Tab leads on as everywhere."""

    pressed_key = Signal(str)
    """The key as `QKeySequence` writes it, with what was held."""

    def __init__(self) -> None:
        super().__init__("Change the key")
        self.waiting = False
        self.clicked.connect(lambda: self.wait(True))

    def wait(self, on: bool) -> None:
        """Wait for a key, or no more."""
        self.waiting = on
        self.setText("Press a key…" if on else "Change the key")

    def event(self, event: QEvent) -> bool:
        if self.waiting and isinstance(event, QKeyEvent) and event.key() != Qt.Key.Key_Tab:
            if event.type() == QEvent.Type.ShortcutOverride:
                event.accept()
                return True
            if event.type() == QEvent.Type.KeyPress:
                self._take(event)
                return True
        if event.type() == QEvent.Type.FocusOut:
            self.wait(False)
        return super().event(event)

    def _take(self, event: QKeyEvent) -> None:
        key, held = Qt.Key(event.key()), event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if key in _HELD:
            return
        self.wait(False)
        if key == Qt.Key.Key_Escape and held == Qt.KeyboardModifier.NoModifier:
            return
        if key == Qt.Key.Key_Enter:
            key = Qt.Key.Key_Return
        # A sign that is typed with Shift on this keyboard is typed without on another one.
        if event.text() and not event.text().isalnum() and event.text().isprintable():
            held &= ~Qt.KeyboardModifier.ShiftModifier
        text = QKeySequence(QKeyCombination(held, key)).toString(QKeySequence.SequenceFormat.PortableText)
        self.pressed_key.emit(text)


class ShortcutsDialog(QDialog):
    """A table of actions and keys, and what can be done to the chosen one."""

    def __init__(self, bench: Workbench, parent: QWidget) -> None:
        super().__init__(parent)
        self._bench = bench
        self.wanted = ""
        """The key that was pressed and belongs to another action; it waits for a decision."""
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Keyboard shortcuts")
        self.filter, self.table = QLineEdit(), QTableWidget(0, 2)
        self.filter.setPlaceholderText("Find an action")
        self.filter.setClearButtonEnabled(True)
        described(self.filter, "Find an action", "A few letters of its name.")
        self._style_table()
        self.said = Elided(name="amber")
        self.change, self.take = KeyButton(), QPushButton("Use it here instead")
        self.none, self.usual, self.all = (
            QPushButton("No key"),
            QPushButton("Usual key"),
            QPushButton("All usual keys"),
        )
        self.done_ = QPushButton("Close")
        for button, tip in (
            (self.change, "Press it, then the key that the chosen action shall have."),
            (self.take, "Take the key from the action that has it."),
            (self.none, "The chosen action has no key."),
            (self.usual, "The chosen action has the key that it came with."),
            (self.all, "Every action has the key that it came with."),
            (self.done_, "Leave; the keys are kept already."),
        ):
            described(button, button.text(), tip)
            button.setAutoDefault(False)
        self._arrange(parent)
        self.filter.textChanged.connect(self._fill)
        self.table.itemSelectionChanged.connect(self._chosen)
        self.table.itemActivated.connect(lambda _: self._begin())
        self.change.pressed_key.connect(self._pressed)
        self.take.clicked.connect(lambda: self._give(self.wanted))
        self.none.clicked.connect(lambda: self._give(""))
        self.usual.clicked.connect(self._give_usual)
        self.all.clicked.connect(lambda: self._keep({}))
        self.done_.clicked.connect(self.accept)
        self._fill()

    def _style_table(self) -> None:
        table = self.table
        described(table, "Actions and their keys", "Enter changes the key of the chosen action.")
        table.setHorizontalHeaderLabels(["action", "key"])
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(theme.scaled(26))
        head = table.horizontalHeader()
        head.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        head.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        head.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        head.setHighlightSections(False)
        table.setShowGrid(False)
        table.setTabKeyNavigation(False)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)

    def _arrange(self, parent: QWidget) -> None:
        body = QVBoxLayout(self)
        body.setContentsMargins(16, 14, 16, 14)
        body.addWidget(self.filter)
        body.addWidget(self.table, 1)
        line = QHBoxLayout()
        line.addWidget(self.said, 1)
        line.addWidget(self.take)
        body.addLayout(line)
        row = QHBoxLayout()
        for button in (self.change, self.none, self.usual):
            row.addWidget(button)
        row.addStretch(1)
        row.addWidget(self.all)
        row.addWidget(self.done_)
        body.addLayout(row)
        # Room for the button that comes and goes: nothing moves.
        self.said.setMinimumHeight(self.take.sizeHint().height())
        self.resize(min(theme.scaled(640), parent.width() - 40), min(theme.scaled(600), parent.height() - 60))

    # --- showing -----------------------------------------------------------------------------------------------------

    def _fill(self, *_: object) -> None:
        """The actions that fit, in the order of the menus."""
        session, chosen = self._bench.session, self._identity()
        fit = {one.action.id for one in find(self.filter.text(), ACTIONS, session)}
        rows = [action for action in ACTIONS if action.id in fit]
        keys, own = keys_of(session.settings.shortcuts), session.settings.shortcuts
        self.table.blockSignals(True)
        self.table.setRowCount(len(rows))
        for number, action in enumerate(rows):
            words = QTableWidgetItem(f"{action.menu}: {action.text}")
            words.setData(_IDENTITY, action.id)
            words.setToolTip(action.tip)
            key = QTableWidgetItem(key_words(keys[action.id]))
            if action.id in own:
                usual = key_words(action.shortcut) or "none"
                key.setForeground(theme.colour("accent"))
                key.setToolTip(f"Yours; usually {usual}.")
            self.table.setItem(number, 0, words)
            self.table.setItem(number, 1, key)
        at = next((n for n, action in enumerate(rows) if action.id == chosen), 0)
        self.table.blockSignals(False)
        if rows:
            self.table.selectRow(at)
        self._chosen()

    def _chosen(self) -> None:
        self.wanted = ""
        self._say("")
        there = self._action() is not None
        for button in (self.change, self.none, self.usual):
            button.setEnabled(there)

    def _say(self, text: str) -> None:
        self.said.set_full(text)
        self.take.setVisible(bool(self.wanted))

    def _identity(self) -> str:
        row = self.table.currentRow()
        item = self.table.item(row, 0) if row >= 0 else None
        return str(item.data(_IDENTITY)) if item is not None else ""

    def _action(self) -> Action | None:
        identity = self._identity()
        return next((action for action in ACTIONS if action.id == identity), None)

    # --- changing ----------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        self.change.setFocus()
        self.change.wait(True)

    def _pressed(self, text: str) -> None:
        """A key for the chosen action, unless it is no good or another one's."""
        action, own = self._action(), self._bench.session.settings.shortcuts
        self.wanted = ""
        if action is None:
            return
        try:
            key = typeable(text)
        except SettingsError as error:
            self._say(error.sentence)
            return
        other = owner_of(key, own, but=action.id)
        if other is None:
            self._give(key)
            return
        self.wanted = key
        self._say(f"{key_words(key)} is the key of “{other.text}”.")
        self.take.setFocus()

    def _give(self, key: str) -> None:
        if (action := self._action()) is not None:
            self._keep(with_key(action.id, key, self._bench.session.settings.shortcuts))

    def _give_usual(self) -> None:
        """The usual key, also where another action has got it meanwhile: that is asked about."""
        if (action := self._action()) is not None:
            self._pressed(action.shortcut) if action.shortcut else self._give("")

    def _keep(self, shortcuts: dict[str, str]) -> None:
        attempt(self._bench, lambda: self._bench.preferring.set("shortcuts", shortcuts))
        self._fill()
