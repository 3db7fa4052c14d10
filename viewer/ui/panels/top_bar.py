"""The row at the top: menus, workspaces, what this program is not, patient data, search; all from the one table."""

from __future__ import annotations

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from viewer.actions.keys import key_of
from viewer.state.session import Session
from viewer.ui import theme
from viewer.ui.key_words import key_words
from viewer.ui.menus import Menus
from viewer.ui.panels.card import described, restyled
from viewer.ui.panels.workspace_tabs import WorkspaceTabs

_NARROW, _TIGHT = 1390, 1560
"""Widths below which it says less, and below which its menus stand closer, logical pixels."""


class TopBar(QWidget):
    """A narrow one has no room for the name of the program and for words that a tooltip has too.

    Where even that is too much its menus fold into one button: the workspaces, and that this is for research, stay.
    """

    def __init__(self, menus: Menus) -> None:
        super().__init__()
        self._key = ""
        self.brand, self.research = QLabel("WhySlice"), QLabel("RESEARCH USE ONLY")
        self.brand.setObjectName("brand")
        self.research.setObjectName("research")
        self.research.setToolTip(
            "Not a medical device: no diagnosis and no treatment may rest on what is shown here."
        )
        self.phi, self.search = QPushButton("PHI shown"), QPushButton()
        self.phi.setCheckable(True)
        described(self.phi, "Patient data", "Hide or show everything that identifies the patient.")
        self.phi.clicked.connect(lambda: menus.trigger("case.hide-phi"))
        described(self.search, "Search commands", "Find anything that can be done here by a few letters.")
        self.search.clicked.connect(lambda: menus.trigger("help.find"))
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.addWidget(self.brand)
        self._menus, self._tabs = menus.bar(), WorkspaceTabs(menus.actions)
        self.folded = menus.folded(self._menus)
        self._row.addWidget(self._menus)
        self._row.addWidget(self.folded)
        self._row.addWidget(self._tabs)
        self._row.addStretch(1)
        self._row.addWidget(self.research)
        self._row.addWidget(self.phi)
        self._row.addWidget(self.search)

    def show_session(self, session: Session) -> None:
        self._key = key_words(key_of(session, "help.find"))
        self.phi.setText("PHI hidden" if session.phi_hidden else "PHI shown")
        self.phi.setChecked(not session.phi_hidden)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        # The style's padding comes with the first show only.
        self.phi.setMinimumWidth(
            self.phi.fontMetrics().horizontalAdvance("PHI hidden") + theme.scaled(44, 0.3)
        )
        narrow = self.width() < theme.scaled(_NARROW)
        tight = self.width() < theme.scaled(_TIGHT)
        words = "Search" if tight else "Search commands"
        self.search.setText(self._key if narrow and self._key else f"{words}  {self._key}".strip())
        self.brand.setVisible(not narrow)
        # Hidden or shown, it takes the same room.
        self.phi.setMinimumWidth(self.phi.fontMetrics().horizontalAdvance("PHI hidden") + 26)
        spacing = 6 if narrow else 14
        self._row.setSpacing(spacing)
        self._tabs.set_narrow(narrow)
        name = "narrow" if tight else ""
        if self._menus.objectName() != name:
            self._menus.setObjectName(name)
            restyled(self._menus)
        self._fold(narrow, spacing)

    def _fold(self, narrow: bool, spacing: int) -> None:
        """The menus as a bar where all of the row has room, else as one button."""
        beside = (self._tabs, self.research, self.phi, self.search)
        wide = sum(widget.sizeHint().width() for widget in (self._menus, *beside))
        folds = narrow and wide + spacing * (len(beside) + 1) > self.width()
        self._menus.setVisible(not folds)
        self.folded.setVisible(folds)
