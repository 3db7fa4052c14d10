"""Which findings are on the picture: all that are probable enough, each of them shown or hidden."""

from __future__ import annotations

from PySide6.QtGui import QColor, QIcon, QPixmap
from PySide6.QtWidgets import QCheckBox, QDoubleSpinBox, QHBoxLayout, QVBoxLayout, QWidget

from viewer.controllers.workbench import Workbench
from viewer.state.canvas_view import CanvasView
from viewer.state.findings_view import FindingMap, may_be_together
from viewer.state.session import Session
from viewer.ui import theme
from viewer.ui.attempt import attempt
from viewer.ui.panels.card import described, heading


class FindingsPanel(QWidget):
    """A switch with its threshold, and a line for every probable finding; only where findings can be there together."""

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self._bench = bench
        self._entries: tuple[FindingMap, ...] = ()
        self.checks: dict[str, QCheckBox] = {}
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(3)
        body.addWidget(heading("Findings on the picture"))
        self.together, self.least = QCheckBox("All with p \u2265"), QDoubleSpinBox()
        described(
            self.together,
            "All findings",
            "A map in a colour of its own for every finding that is probable enough; else the chosen class alone.",
        )
        self.least.setRange(0, 1)
        self.least.setSingleStep(0.05)
        self.least.setDecimals(2)
        self.least.setKeyboardTracking(False)
        described(self.least, "Least probability", "From this probability on a finding has a map.")
        row = QHBoxLayout()
        row.setSpacing(5)
        row.addWidget(self.together)
        row.addWidget(self.least)
        row.addStretch(1)
        body.addLayout(row)
        self._list = QVBoxLayout()
        self._list.setSpacing(1)
        body.addLayout(self._list)
        self.together.clicked.connect(lambda: attempt(bench, bench.findings.toggle_together))
        self.least.valueChanged.connect(
            lambda value: attempt(bench, lambda: bench.findings.set_least(round(value, 2)))
        )
        self.hide()

    def show_session(self, session: Session, canvas: CanvasView | None) -> None:
        self.setVisible(may_be_together(session))
        findings = session.findings
        if self.together.isChecked() != findings.together:
            self.together.setChecked(findings.together)
        if round(self.least.value(), 2) != round(findings.least, 2):
            self.least.blockSignals(True)
            self.least.setValue(findings.least)
            self.least.blockSignals(False)
        view = canvas.findings if canvas is not None else None
        entries = view.entries if view is not None else ()
        if [entry.name for entry in entries] != list(self.checks):
            self._make(entries)
        for entry in entries:
            box = self.checks[entry.name]
            box.setText(f"{entry.number}  {entry.name.replace('&', '&&')}  {entry.probability:.2f}")
            box.setToolTip(entry.missing or (entry.may_read.line if entry.may_read else ""))
            if box.isChecked() != entry.shown:
                box.setChecked(entry.shown)

    def _make(self, entries: tuple[FindingMap, ...]) -> None:
        for old in self.checks.values():
            self._list.removeWidget(old)
            old.hide()
            old.deleteLater()
        self.checks = {}
        side = theme.scaled(11)
        for entry in entries:
            swatch = QPixmap(side, side)
            swatch.fill(QColor(entry.colour))
            box = QCheckBox()
            box.setIcon(QIcon(swatch))
            box.setAccessibleName(f"Show {entry.name}")
            box.clicked.connect(
                lambda _=False, name=entry.name: attempt(
                    self._bench, lambda: self._bench.findings.toggle_finding(name)
                )
            )
            self._list.addWidget(box)
            self.checks[entry.name] = box
