"""The list of explainers: three, then the others by family; what the network does not have is greyed, and says why."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QStyledItemDelegate

from viewer.explainers.declaration import EXPLAINERS
from viewer.state.method import FAMILIES, FIRST, equal_here, menu, method_of, why_not
from viewer.state.session import Session
from viewer.ui import theme
from viewer.ui.panels.card import Chooser, described

_POPUP_WIDTH = 330


class ExplainerMenu(Chooser):
    """A combo box whose entries follow the network and the chosen layer."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: tuple[object, ...] = ()
        self._names: list[str] = []
        self._dressed = (theme.current().name, theme.points(1))
        self.setMaxVisibleItems(40)
        self.setSizeAdjustPolicy(Chooser.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)
        self.view().setMinimumWidth(_POPUP_WIDTH)
        # The only delegate that a style sheet can grey an entry of.
        self.setItemDelegate(QStyledItemDelegate(self))
        described(self, "Explainer", "How the map is made.")
        self._make()

    def show_session(self, session: Session) -> None:
        if menu() != self._names:  # a plugin has brought another one
            self._make()
            self._shown = ()
        facts = (session.support, session.choice.layer, session.model, session.choice.parameters)
        if facts != self._shown:
            self._shown = facts
            self._follow(session)
        index = self.findData(session.choice.explainer)
        if index != self.currentIndex():
            self.setCurrentIndex(index)
        self.setToolTip(tip(session, session.choice.explainer))

    def _make(self) -> None:
        model = QStandardItemModel(self)
        self._names = menu()
        family = ""
        for name in self._names:
            info = EXPLAINERS[name]
            if name not in FIRST and info.family != family:
                family = info.family
                head = QStandardItem(f"more: {FAMILIES.get(family, family)}")
                head.setFlags(Qt.ItemFlag.NoItemFlags)
                head.setForeground(theme.colour("muted"))
                font = head.font()
                font.setBold(True)
                font.setPointSizeF(theme.points(8.5))
                head.setFont(font)
                model.appendRow(head)
            item = QStandardItem(info.title)
            item.setData(name, Qt.ItemDataRole.UserRole)
            if info.warning:
                item.setIcon(_warning_icon())
            model.appendRow(item)
        self.setModel(model)

    def changeEvent(self, event: QEvent) -> None:
        """Another theme: words and dots have their colours from it."""
        super().changeEvent(event)
        wanted = (theme.current().name, theme.points(1))  # Qt tells of one change several times
        if event.type() == QEvent.Type.PaletteChange and self._names and wanted != self._dressed:
            self._dressed = wanted
            self._make()
            self._shown = ()

    def _follow(self, session: Session) -> None:
        model = self.model()
        assert isinstance(model, QStandardItemModel)
        for row in range(model.rowCount()):
            item = model.item(row)
            name = item.data(Qt.ItemDataRole.UserRole)
            if name is None:
                continue
            equal, why = equal_here(session, name), why_not(session, name)
            beside = "  (not here)" if why else f"  (same map as {' and '.join(equal)})" if equal else ""
            item.setText(EXPLAINERS[name].title + beside)
            item.setEnabled(not why)
            item.setForeground(theme.colour("muted", 0.5) if why else theme.colour("text"))
            item.setToolTip(tip(session, name))


def tip(session: Session, name: str) -> str:
    """What the map says, how it is made, who says so, and what stands against it here."""
    info = method_of(session).info if name == session.choice.explainer else EXPLAINERS[name]
    equal, why = equal_here(session, name), why_not(session, name)
    parts = [
        f"Not here: {why}" if why else "",
        info.summary,
        info.formula,
        info.source,
        f"Warning: {info.warning}" if info.warning else "",
        f"Same map as {' and '.join(equal)} on this layer, by construction." if equal else "",
    ]
    return "\n".join(part for part in parts if part)


def _warning_icon() -> QIcon:
    picture = QPixmap(10, 10)
    picture.fill(QColor(0, 0, 0, 0))
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.colour("amber"))
    painter.drawEllipse(1, 1, 8, 8)
    painter.end()
    return QIcon(picture)
