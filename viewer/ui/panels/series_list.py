"""The series that are open, in a list with small pictures: one click shows another one."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QRect, QSize, Qt
from PySide6.QtGui import QIcon, QKeyEvent, QMouseEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QListWidget,
    QListWidgetItem,
    QMenu,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from viewer.controllers.workbench import Workbench
from viewer.state.opened import Opened, Peeked, SeriesEntry
from viewer.state.session import Session
from viewer.ui import theme
from viewer.ui.attempt import attempt
from viewer.ui.panels.card import described
from viewer.ui.panels.series_words import findings_of, icon, parts_of, patient_words, severity_of, size_of

_SIDE = 40
_ROW, _HEAD = 50, 24
_LEAST_ROWS, _MOST_ROWS = 1.5, 5.5
"""Rows that are seen at once; the half one says that there are more."""
_ENTRY = Qt.ItemDataRole.UserRole
_BELOW = Qt.ItemDataRole.UserRole + 1
_SEVERITY = Qt.ItemDataRole.UserRole + 2
_SHOWN = Qt.ItemDataRole.UserRole + 3
_SIGNS = {"error": "red", "warning": "amber"}


class _Painter(QStyledItemDelegate):
    """A picture with two lines of words, or a heading."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(100, theme.scaled(_ROW if index.data(_ENTRY) is not None else _HEAD))

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        place = QRect(option.rect)
        state = option.state
        if index.data(_ENTRY) is None:
            painter.setPen(theme.colour("muted"))
            text = painter.fontMetrics().elidedText(
                index.data(), Qt.TextElideMode.ElideRight, place.width() - 4
            )
            painter.drawText(place.adjusted(2, 4, -2, 0), Qt.AlignmentFlag.AlignVCenter, text)
            painter.restore()
            return
        ground = place.adjusted(0, 1, 0, -1)
        shown, beside = index.data(_SHOWN) == "open", index.data(_SHOWN) == "beside"
        hovered = bool(state & QStyle.StateFlag.State_MouseOver)
        if shown or hovered:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("selected" if shown else "raised"))
            painter.drawRoundedRect(ground, 6, 6)
        if state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(theme.colour("accent"))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(ground.adjusted(0, 0, -1, -1), 6, 6)
        thumbnail: QIcon = index.data(Qt.ItemDataRole.DecorationRole)
        thumbnail.paint(painter, QRect(ground.left() + 4, ground.center().y() - _SIDE // 2 + 1, _SIDE, _SIDE))
        words = ground.adjusted(_SIDE + 12, 5, -18, -5)
        purpose = _SIGNS.get(index.data(_SEVERITY))
        metrics = painter.fontMetrics()
        for line, (text, colour) in enumerate(((index.data(), "text"), (index.data(_BELOW), "muted"))):
            painter.setPen(theme.colour(colour))
            cut = metrics.elidedText(text, Qt.TextElideMode.ElideRight, words.width())
            half = QRect(
                words.left(), words.top() + line * words.height() // 2, words.width(), words.height() // 2
            )
            painter.drawText(half, Qt.AlignmentFlag.AlignVCenter, cut)
        if purpose is not None:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour(purpose))
            painter.drawEllipse(QPoint(ground.right() - 10, ground.top() + 14), 4, 4)
        if beside:
            painter.setPen(theme.colour("accent"))
            painter.drawText(
                QRect(ground.right() - 20, ground.bottom() - 22, 18, 18), Qt.AlignmentFlag.AlignCenter, "◫"
            )
        painter.restore()


class SeriesList(QListWidget):
    """A click or Enter shows a series, with Ctrl beside the open one. Arrow keys move without reading anything."""

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bench = bench
        self._opened: Opened | None = None
        self._rows: dict[SeriesEntry, QListWidgetItem] = {}
        self._heads: dict[int, QListWidgetItem] = {}
        self._seen: tuple[object, ...] = ()
        self._pictures: dict[SeriesEntry, Peeked | None] = {}
        self._marks: dict[SeriesEntry, str] = {}
        self.setItemDelegate(_Painter(self))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self.setObjectName("series")
        described(self, "Series", "Click shows a series; Ctrl+click shows it beside the open one.")
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._menu)
        self.hide()

    def show_session(self, session: Session) -> None:
        """The list, where there is something to choose from; only what has changed is touched."""
        opened = session.opened if session.opened and len(session.opened.entries) > 1 else None
        if opened is not self._opened:
            self._opened, self._seen = opened, ()
            self._fill(opened, session)
            self.setVisible(opened is not None)
        beside = session.beside.entry if session.beside else None
        key = (session.peeked, session.entry, beside, session.phi_hidden, session.view.convention)
        if opened is None or (
            len(self._seen) == len(key) and all(a is b for a, b in zip(key, self._seen, strict=True))
        ):
            return
        again = bool(self._seen) and self._seen[3:] != key[3:]
        moved = not self._seen or self._seen[1] is not session.entry
        self._seen = key
        for entry, item in self._rows.items():
            peeked = session.peeked.get(entry)
            if again or peeked is not self._pictures.get(entry):
                self._describe(item, entry, peeked, hidden=session.phi_hidden)
            mark = "open" if entry is session.entry else "beside" if entry is beside else ""
            if mark != self._marks.get(entry, ""):
                self._marks[entry] = mark
                item.setData(_SHOWN, mark)
        for patient, head in self._heads.items():
            head.setText(patient_words(opened, patient, session.peeked, hidden=session.phi_hidden))
        if moved and session.entry in self._rows:
            self.setCurrentItem(self._rows[session.entry])

    def _fill(self, opened: Opened | None, session: Session) -> None:
        self.clear()
        self._rows, self._heads, self._pictures, self._marks = {}, {}, {}, {}
        if opened is None:
            return
        for patient in opened.patients:
            if len(opened.patients) > 1:
                self._heads[patient] = self._head("")
            known: set[SeriesEntry] = set()
            for entry in opened.of_patient(patient):
                if entry in known:
                    continue
                parts = opened.parts(entry)
                if parts and len(parts) < len(opened.entries):
                    self._head("Parts of one diffusion series")
                for part in parts or (entry,):
                    known.add(part)
                    item = QListWidgetItem()
                    item.setData(_ENTRY, part.number)
                    # Before it is in the list, where each word costs a signal: a folder may hold thousands.
                    self._describe(item, part, session.peeked.get(part), hidden=session.phi_hidden)
                    self.addItem(item)
                    self._rows[part] = item
        # Counted and not asked of every row: a folder may hold thousands.
        row, head = theme.scaled(_ROW), theme.scaled(_HEAD)
        height = len(self._rows) * row + (self.count() - len(self._rows)) * head + 4
        self.setMinimumHeight(min(height, round(_LEAST_ROWS * row)))
        self.setMaximumHeight(min(height, round(_MOST_ROWS * row)))
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        return QSize(120, self.maximumHeight())

    def _head(self, text: str) -> QListWidgetItem:
        item = QListWidgetItem(text, self)
        item.setFlags(Qt.ItemFlag.NoItemFlags)
        return item

    def _describe(
        self, item: QListWidgetItem, entry: SeriesEntry, peeked: Peeked | None, *, hidden: bool
    ) -> None:
        self._pictures[entry] = peeked
        info = entry.info
        item.setText(entry.words(hidden=hidden))
        item.setData(_BELOW, " · ".join(w for w in (info.modality, size_of(info), parts_of(info)) if w))
        item.setData(_SEVERITY, severity_of(info, peeked))
        item.setIcon(icon(peeked, _SIDE, self.devicePixelRatioF(), self._bench.session.view.convention))
        tip = [entry.words(hidden=hidden), findings_of(info, peeked, hidden=hidden)]
        item.setToolTip("\n".join(line for line in tip if line))

    # --- choosing ----------------------------------------------------------------------------------------------------

    def entry_of(self, item: QListWidgetItem | None) -> SeriesEntry | None:
        return next((entry for entry, row in self._rows.items() if row is item), None)

    def item_of(self, entry: SeriesEntry) -> QListWidgetItem:
        return self._rows[entry]

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        if event.button() == Qt.MouseButton.LeftButton:
            beside = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
            self._choose(self.entry_of(self.itemAt(event.position().toPoint())), beside=beside)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            beside = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
            self._choose(self.entry_of(self.currentItem()), beside=beside)
            return
        super().keyPressEvent(event)

    def _choose(self, entry: SeriesEntry | None, *, beside: bool = False) -> None:
        if entry is not None:
            bench = self._bench
            verb = bench.beside.choose if beside else bench.opening.choose
            attempt(bench, lambda: verb(entry))

    def _menu(self, at: QPoint) -> None:
        entry = self.entry_of(self.itemAt(at))
        if entry is None:
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Open", lambda: self._choose(entry))
        menu.addAction("Open beside", lambda: self._choose(entry, beside=True))
        menu.popup(self.viewport().mapToGlobal(at))
