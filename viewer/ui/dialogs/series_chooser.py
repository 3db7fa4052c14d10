"""Several series were found: which one?"""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QKeyEvent, QPainter, QPixmap, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QListWidget,
    QPushButton,
    QToolButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from viewer.controllers.workbench import Workbench
from viewer.imaging.series import Unreadable
from viewer.state.display import Convention
from viewer.state.opened import Opened, Peeked, SeriesEntry
from viewer.ui import theme
from viewer.ui.attempt import attempt
from viewer.ui.panels.card import described, plain_tip
from viewer.ui.panels.series_words import (
    findings_of,
    icon,
    parts_of,
    patient_words,
    severity_of,
    size_of,
    spacing_of,
)
from viewer.ui.privacy import without_names

_COLUMNS = ("series", "remarks", "modality", "images", "size", "spacing", "b-values and volumes")
_SIGN = 1
_SIDE, _DOT = 60, 16
_MEASURED = 40
_HEIGHT = _SIDE + 6
_SIGNS = {"error": "red", "warning": "amber", "note": "grey"}
_UPWARDS = frozenset({QTreeWidget.CursorAction.MoveUp, QTreeWidget.CursorAction.MovePageUp})
_DOWNWARDS = frozenset(
    {
        QTreeWidget.CursorAction.MoveDown,
        QTreeWidget.CursorAction.MovePageDown,
        QTreeWidget.CursorAction.MoveHome,
    }
)
_ORDER = ("", "note", "warning", "error")


class _Row(QTreeWidgetItem):
    """One series; sorts by what a column means rather than by its letters."""

    def __init__(self, entry: SeriesEntry) -> None:
        super().__init__()
        self.entry = entry
        info = entry.info
        self.keys: list[Any] = [
            entry.words(hidden=True).casefold(),
            _ORDER.index(severity_of(info)),
            info.modality,
            info.frames,
            info.shape,
            info.spacing_mm,
            (info.b_values, len(info.volumes)),
        ]

    def __lt__(self, other: QTreeWidgetItem) -> bool:
        tree = self.treeWidget()
        if not isinstance(other, _Row) or tree is None:
            return False
        column = tree.sortColumn()
        return (self.keys[column], self.entry.number) < (other.keys[column], other.entry.number)


class _Tree(QTreeWidget):
    """Keys go from series to series; the heading of a patient is passed over."""

    def moveCursor(self, action: QTreeWidget.CursorAction, held: Qt.KeyboardModifier) -> QModelIndex:
        index = super().moveCursor(action, held)
        item: QTreeWidgetItem | None = self.itemFromIndex(index)
        if isinstance(item, _Row) or action not in _UPWARDS | _DOWNWARDS:
            return index
        while item is not None and not isinstance(item, _Row):
            item = self.itemAbove(item) if action in _UPWARDS else self.itemBelow(item)
        return self.currentIndex() if item is None else self.indexFromItem(item, max(index.column(), 0))


class SeriesChooser(QDialog):
    """The series of everything that was opened; Enter or a double click opens one.

    Not modal: the open case can still be read. Patients are numbered, and named only where patient data is shown.
    """

    def __init__(self, bench: Workbench, choice: Opened, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bench = bench
        self.choice = choice
        self._rows: dict[SeriesEntry, _Row] = {}
        self._groups: dict[int, QTreeWidgetItem] = {}
        self._shown: tuple[object, bool, Convention] | None = None
        self._pictures: dict[SeriesEntry, Peeked] = {}
        self.setWindowTitle("Choose a series")
        self.setModal(False)
        self.resize(1040, 620)
        self.setStyleSheet(_style())
        body = QVBoxLayout(self)
        body.setSpacing(8)
        body.addLayout(self._head())
        self.tree = self._make_tree()
        body.addWidget(self.tree, 1)
        body.addLayout(self._unreadable())
        body.addLayout(self._buttons())
        self.show_session()
        self._select_first()
        self.tree.setFocus()

    # --- parts -------------------------------------------------------------------------------------------------------

    def _head(self) -> QHBoxLayout:
        row = QHBoxLayout()
        several = len(self.choice.patients)
        words = f"{len(self.choice.entries)} series"
        words += f" of {several} patients" if several > 1 else ""
        words += (
            ". Which one should be shown beside the open one?" if self.choice.for_beside else ". Which one?"
        )
        self.words = QLabel(words)
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("Filter: words, modality, b-value")
        self.filter.setClearButtonEnabled(True)
        self.filter.setFixedWidth(260)
        described(
            self.filter,
            "Filter",
            "Show only series whose description, modality or b-values hold these words.",
        )
        self.filter.textChanged.connect(self._filter)
        row.addWidget(self.words)
        row.addStretch(1)
        row.addWidget(self.filter)
        return row

    def _make_tree(self) -> QTreeWidget:
        tree = _Tree()
        described(tree, "Series", "Enter or a double click opens the series.")
        tree.setColumnCount(len(_COLUMNS))
        tree.setHeaderLabels(_COLUMNS)
        tree.headerItem().setToolTip(
            _SIGN, "What is odd about a series: red, amber or grey; rest the mouse on the dot."
        )
        tree.setIconSize(QSize(_SIDE, _SIDE))
        tree.setAllColumnsShowFocus(True)
        tree.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        grouped = len(self.choice.patients) > 1
        tree.setRootIsDecorated(grouped)
        tree.setIndentation(14 if grouped else 0)
        ratio = self.devicePixelRatioF()
        for patient in self.choice.patients:
            made = [_Row(entry) for entry in self.choice.of_patient(patient)]
            for row in made:
                self._fill(row, ratio)
                # Before it is in the tree, where each word costs a signal.
                self._describe(row, None, self._bench.session.phi_hidden)
                self._rows[row.entry] = row
            if grouped:
                self._groups[patient] = group = QTreeWidgetItem()
                group.addChildren(made)
                group.setFlags(Qt.ItemFlag.ItemIsEnabled)
                tree.addTopLevelItem(group)
                group.setFirstColumnSpanned(True)
            else:
                tree.addTopLevelItems(made)
        tree.expandAll()
        header = tree.header()
        header.setStretchLastSection(False)
        header.setResizeContentsPrecision(_MEASURED)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        header.setSectionsClickable(True)
        header.setSortIndicatorShown(True)
        header.setMinimumSectionSize(30)
        # Only a click sorts: the order of the files is the order of the examination.
        header.sectionClicked.connect(self._sort)
        tree.itemActivated.connect(lambda item, _: self.accept() if isinstance(item, _Row) else None)
        tree.itemSelectionChanged.connect(self._follow)
        return tree

    def _fill(self, row: _Row, ratio: float) -> None:
        info = row.entry.info
        for column, text in enumerate(
            (
                "",
                "",
                info.modality or "—",
                str(info.frames),
                size_of(info),
                spacing_of(info),
                parts_of(info) or "—",
            )
        ):
            row.setText(column, text)
        row.setIcon(0, icon(None, _SIDE, ratio))
        row.setSizeHint(0, QSize(0, _HEIGHT))

    def _unreadable(self) -> QVBoxLayout:
        """Files that could not be read, folded away until somebody asks."""
        column = QVBoxLayout()
        column.setSpacing(4)
        count = len(self.choice.unreadable)
        self.fold = QToolButton()
        self.fold.setObjectName("quiet")
        self.fold.setCheckable(True)
        self.fold.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.fold.setArrowType(Qt.ArrowType.RightArrow)
        self.fold.setText(f"{count} {'file is' if count == 1 else 'files are'} no image that can be shown")
        described(self.fold, "Files that could not be read", "Show which files could not be read, and why.")
        self.broken = QListWidget()
        self.broken.setFrameShape(QFrame.Shape.NoFrame)
        self.broken.setWordWrap(True)
        self.broken.setMaximumHeight(110)
        self.broken.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        described(self.broken, "Files that could not be read", "One sentence for each file.")
        self.broken.hide()
        self.fold.setVisible(count > 0)
        self.fold.toggled.connect(self._unfold)
        column.addWidget(self.fold)
        column.addWidget(self.broken)
        return column

    def _unfold(self, on: bool) -> None:
        self.fold.setArrowType(Qt.ArrowType.DownArrow if on else Qt.ArrowType.RightArrow)
        self.broken.setVisible(on)

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        buttons.rejected.connect(self.reject)
        self.open_button, self.beside_button = QPushButton("Open"), QPushButton("Open beside")
        self.open_button.setDefault(True)
        described(self.open_button, "Open", "Show the series.")
        described(
            self.beside_button, "Open beside", "Show the series beside the open one, linked by position."
        )
        self.open_button.clicked.connect(self.accept)
        self.beside_button.clicked.connect(self.accept_beside)
        row.addStretch(1)
        for widget in (buttons, self.beside_button, self.open_button):
            row.addWidget(widget)
        return row

    # --- following the state -----------------------------------------------------------------------------------------

    def show_session(self) -> None:
        """Bring pictures and words up to the state; only what has changed is touched."""
        session = self._bench.session
        self.beside_button.setVisible(session.case is not None and not self.choice.for_beside)
        key = (session.peeked, session.phi_hidden, session.view.convention)
        if self._shown is not None and self._shown[0] is key[0] and self._shown[1:] == key[1:]:
            return
        first = self._shown is None
        again = self._shown is not None and self._shown[1] != session.phi_hidden
        turned = self._shown is not None and self._shown[2] != session.view.convention
        self._shown = key
        hidden, ratio = session.phi_hidden, self.devicePixelRatioF()
        for entry, row in self._rows.items():
            peeked = session.peeked.get(entry)
            if peeked is not None and (turned or peeked is not self._pictures.get(entry)):
                self._pictures[entry] = peeked
                row.setIcon(0, icon(peeked, _SIDE, ratio, session.view.convention))
            elif not again:
                continue
            self._describe(row, peeked, hidden)
        for patient, group in self._groups.items():
            group.setText(0, patient_words(self.choice, patient, session.peeked, hidden=hidden))
        if first or again:
            self.broken.clear()
            for number, each in enumerate(self.choice.unreadable, start=1):
                self.broken.addItem(_sentence(each, number, hidden))

    def _describe(self, row: _Row, peeked: Peeked | None, hidden: bool) -> None:
        info = row.entry.info
        row.setText(0, row.entry.words(hidden=hidden))
        severity = severity_of(info, peeked)
        findings = findings_of(info, peeked, hidden=hidden)
        if severity:
            row.setIcon(_SIGN, _sign(_SIGNS[severity]))
        for column in (_SIGN, 0):
            row.setToolTip(column, plain_tip(findings))
        row.setData(_SIGN, Qt.ItemDataRole.AccessibleTextRole, findings)

    def _select_first(self) -> None:
        open_one = self._rows.get(self._bench.session.entry) if self._bench.session.entry else None
        first = open_one or self._rows[_default(self.choice)]
        self.tree.setCurrentItem(first)
        self._follow()

    def _follow(self) -> None:
        chosen = self.current is not None
        self.open_button.setEnabled(chosen)
        self.beside_button.setEnabled(chosen)

    def _sort(self, column: int) -> None:
        self.tree.sortItems(column, self.tree.header().sortIndicatorOrder())

    def _filter(self, text: str) -> None:
        words = text.casefold().split()
        hidden = self._bench.session.phi_hidden
        for entry, row in self._rows.items():
            info = entry.info
            said = f"{entry.words(hidden=hidden)} {info.modality} {parts_of(info)} {size_of(info)}".casefold()
            row.setHidden(not all(word in said for word in words))
        for patient, group in self._groups.items():
            group.setHidden(all(self._rows[entry].isHidden() for entry in self.choice.of_patient(patient)))
        current = self.tree.currentItem()
        if current is None or current.isHidden():
            seen = next((row for row in self._rows.values() if not row.isHidden()), None)
            if seen is not None:
                self.tree.setCurrentItem(seen)
            else:
                self.tree.clearSelection()
        self._follow()

    # --- choosing ----------------------------------------------------------------------------------------------------

    @property
    def current(self) -> SeriesEntry | None:
        row = self.tree.currentItem()
        return row.entry if isinstance(row, _Row) and not row.isHidden() else None

    def accept(self) -> None:
        if self.choice.for_beside:
            self.accept_beside()
        elif (entry := self.current) is not None:
            super().accept()
            attempt(self._bench, lambda: self._bench.opening.choose(entry))

    def accept_beside(self) -> None:
        if (entry := self.current) is not None:
            super().accept()
            attempt(self._bench, lambda: self._bench.beside.choose(entry))

    def reject(self) -> None:
        super().reject()
        # Closing for the next folder must not dismiss that one.
        if self._bench.session.chooser is self.choice:
            self._bench.opening.dismiss_chooser()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        # Once, when the style is there, and from the first rows: a folder may hold thousands.
        for column in range(1, len(_COLUMNS)):
            self.tree.resizeColumnToContents(column)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Down and self.filter.hasFocus():
            self.tree.setFocus()
            return
        super().keyPressEvent(event)


def _default(choice: Opened) -> SeriesEntry:
    """The first series; where that is of a diffusion examination, its highest b-value, never a map made from it."""
    first = choice.entries[0]
    ranks = {
        entry: rank
        for entry in choice.of_patient(first.patient)
        if entry.contents is first.contents
        and (rank := entry.contents.diffusion_rank(entry.info.id)) is not None
    }
    # The first of those that are alike, as in `max`.
    return max(ranks, key=ranks.__getitem__) if first in ranks else first


def _sentence(each: Unreadable, number: int, hidden: bool) -> str:
    """Why a file could not be read; its name may be the patient's."""
    if not hidden:
        return each.sentence
    sentence = each.sentence.replace(f"'{each.path.name}'", f"File {number}")
    return without_names(sentence)


def _sign(purpose: str) -> QIcon:
    pixmap = QPixmap(_DOT, _DOT)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.colour(purpose))
    painter.drawEllipse(QRectF(_DOT / 2 - 5, _DOT / 2 - 5, 10, 10))
    painter.end()
    return QIcon(pixmap)


def _style() -> str:
    """Rows that stay readable when chosen; a fold that is a line of words rather than a switch."""
    shown = theme.current()
    return f"""
        QTreeWidget, QListWidget {{ background: {shown.card}; border: 1px solid {shown.border}; border-radius: 6px; }}
        QTreeWidget::item {{ padding: 2px 8px; }}
        QTreeWidget::item:selected {{ background: {shown.selected}; color: {shown.text}; }}
        QTreeWidget::item:hover:!selected {{ background: {shown.raised}; }}
        QToolButton#quiet, QToolButton#quiet:checked {{
            background: transparent; border: none; color: {shown.text}; font-weight: normal; padding: 4px 10px 4px 4px;
        }}
    """
