"""What the network is given: mirror, crop, what is erased of it, and a look at exactly that."""

from __future__ import annotations

from PySide6.QtCore import QEvent
from PySide6.QtGui import QActionGroup, QResizeEvent
from PySide6.QtWidgets import QGridLayout, QMenu, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from viewer.controllers.erasing import marked_here
from viewer.controllers.workbench import Workbench
from viewer.imaging.erasure import Fill
from viewer.models.card import Crop
from viewer.state.session import Session
from viewer.ui.attempt import attempt
from viewer.ui.panels.card import described, heading

CROPS: tuple[tuple[Crop, str, str], ...] = (
    ("none", "No crop", "Crop"),
    ("brain", "Brain mask", "Crop: brain"),
    ("body", "Body, in three dimensions", "Crop: body"),
    ("percentile", "70th percentile (as in the paper)", "Crop: 70th"),
)
FILLINGS: tuple[tuple[Fill, str], ...] = (
    ("surroundings", "Filled from its surroundings"),
    ("mean", "Filled with the picture's mean"),
    ("blur", "Blurred beyond reading"),
)
_MARKED = 8
"""Labels of readers that the menu offers."""


class InputPanel(QWidget):
    """Four controls of the network's input."""

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self._bench = bench
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(5)
        body.addWidget(heading("Input"))
        self.mirror, self.crop = QPushButton("Mirror"), QPushButton("Crop")
        self.seen = QPushButton("What the network saw")
        self.mirror.setCheckable(True)
        self.seen.setCheckable(True)
        self.crop.setCheckable(True)
        self.erase = QPushButton("Erase")
        self.erase.setCheckable(True)
        for widget in (self.mirror, self.crop, self.erase, self.seen):
            widget.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        for widget, name, tip in (
            (
                self.mirror,
                "Mirror the input",
                "Give the network the mirrored patient; the picture stays.",
            ),
            (self.crop, "Crop the input", "Cut the network's input; the menu Input steps through the rules."),
            (
                self.erase,
                "Erase a part of the input",
                "Take a part of the picture out of what the network is given, such as a marker; the picture stays.",
            ),
            (self.seen, "What the network saw", "Show exactly what went into the network."),
        ):
            described(widget, name, tip)
        menu = QMenu(self.crop)
        group = QActionGroup(menu)
        self._rules = {}
        for rule, words, _ in CROPS:
            action = menu.addAction(words)
            action.setCheckable(True)
            action.triggered.connect(
                lambda _=False, rule=rule: attempt(bench, lambda: bench.explaining.set_crop(rule))
            )
            group.addAction(action)
            self._rules[rule] = action
        self.crop.setMenu(menu)
        self.erase.setMenu(self._erase_menu())
        self._grid = QGridLayout()
        self._grid.setSpacing(5)
        body.addLayout(self._grid)
        body.addWidget(self.seen)
        self._columns = 0
        self._lay_out()
        self.mirror.clicked.connect(lambda: attempt(bench, bench.explaining.toggle_mirror))
        self.seen.clicked.connect(lambda: attempt(bench, bench.viewing.toggle_seen))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay_out()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._lay_out()

    def _lay_out(self) -> None:
        """All in a row, or two where large text has no room."""
        widest = max(self.fontMetrics().horizontalAdvance(f"{short} \u25be") for _, _, short in CROPS)
        columns = 3 if widest <= self.width() // 3 - 12 else 2
        if columns != self._columns:
            self._columns = columns
            for number, button in enumerate((self.mirror, self.crop, self.erase)):
                self._grid.addWidget(button, number // columns, number % columns)

    def _erase_menu(self) -> QMenu:
        """Made anew when it opens: it offers what is selected and what readers marked on the slice."""
        menu = QMenu(self.erase)

        def fill() -> None:
            menu.clear()
            bench, session = self._bench, self._bench.session
            menu.addAction("Draw a box to erase").triggered.connect(lambda: bench.erasing.draw_mode(True))
            box = menu.addAction("Erase the selected box")
            box.setEnabled(session.boxes.selected is not None)
            box.triggered.connect(lambda: attempt(bench, bench.erasing.erase_selected))
            labels = dict.fromkeys(region.label for region in marked_here(session) if region.label)
            for label in list(labels)[:_MARKED]:
                action = menu.addAction(f"Erase what readers call '{label}'")
                action.triggered.connect(
                    lambda _=False, label=label: attempt(bench, lambda: bench.erasing.erase_marked(label))
                )
            back = menu.addAction("Put back what was erased")
            back.setEnabled(bool(session.choice.erased))
            back.triggered.connect(lambda: attempt(bench, bench.erasing.put_back))
            menu.addSeparator()
            group = QActionGroup(menu)
            for name, words in FILLINGS:
                way = menu.addAction(words)
                way.setCheckable(True)
                way.setChecked(session.choice.erase_with == name)
                way.triggered.connect(
                    lambda _=False, name=name: attempt(bench, lambda: bench.erasing.set_fill(name))
                )
                group.addAction(way)

        menu.aboutToShow.connect(fill)
        return menu

    def show_session(self, session: Session) -> None:
        self.setEnabled(session.case is not None and session.model is not None)
        choice = session.choice
        for button, on in (
            (self.mirror, choice.mirror),
            (self.crop, choice.crop != "none"),
            (self.erase, bool(choice.erased) or session.view.erasing),
            (self.seen, session.view.seen),
        ):
            if button.isChecked() != on:
                button.setChecked(on)
        offered = self._bench.explaining.crops()
        for rule, action in self._rules.items():
            action.setVisible(rule in offered)
        text = next(short for rule, _, short in CROPS if rule == choice.crop) + " ▾"
        if self.crop.text() != text:
            self.crop.setText(text)
        count = len(choice.erased)
        words = "Drag ..." if session.view.erasing else f"Erased: {count} ▾" if count else "Erase ▾"
        if self.erase.text() != words:
            self.erase.setText(words)
        if not self._rules[choice.crop].isChecked():
            self._rules[choice.crop].setChecked(True)
