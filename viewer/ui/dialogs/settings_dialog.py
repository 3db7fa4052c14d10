"""The settings: every change is taken up at once and kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QScrollArea,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from viewer.controllers.workbench import Workbench
from viewer.foundation.settings import RANGES
from viewer.ui import theme
from viewer.ui.attempt import attempt
from viewer.ui.panels.card import Chooser, described, heading
from viewer.ui.panels.model_panel import DEVICES

_Choices = tuple[tuple[Any, str], ...]
_THEMES: _Choices = (("dark", "Dark"), ("light", "Light"))
_SIZES: _Choices = tuple((n / 100, f"{n} %") for n in (80, 90, 100, 110, 125, 150, 175, 200))
_SIDES: _Choices = (
    ("radiological", "Radiological: patient's right on the left"),
    ("neurological", "Neurological: patient's left on the left"),
)
_DRAGS: _Choices = (("crosshair", "Moves the crosshair"), ("window", "Changes the grey-level window"))
_DEVICES: _Choices = tuple((name, {"auto": "The best there is"}.get(name, name)) for name in DEVICES)
_PRIVACY = (
    "Nothing is sent anywhere, and nothing that a file says of its patient is kept. What is kept holds names of files, "
    "which may be the patient's; only you can read it."
)


class SettingsDialog(QDialog):
    """A form in four parts."""

    def __init__(self, bench: Workbench, parent: QWidget) -> None:
        super().__init__(parent)
        self._bench = bench
        self._shown: dict[str, Callable[[Any], None]] = {}
        self.fields: dict[str, QWidget] = {}
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Settings")
        inner = QWidget()
        inner.setObjectName("scrolled")
        self._body = QVBoxLayout(inner)
        self._body.setContentsMargins(20, 14, 20, 8)
        self._body.setSpacing(7)
        self._part("Appearance")
        self._choose("theme", "Theme", _THEMES, "Colours of the window; pictures stay on dark ground.")
        self._choose(
            "text_size", "Text size", _SIZES, "Of everything that is written; large for a projector."
        )
        self._part("Reading")
        self._choose("convention", "Display", _SIDES, "Which way round patients are shown.")
        self._choose(
            "left_drag", "Left drag", _DRAGS, "What a left drag on the image does; with Shift the other."
        )
        self._part("Computing")
        self._choose("device", "Device", _DEVICES, "Where networks run.")
        self._megabytes(
            "atlas_budget_mb", "Memory for maps", "Maps beyond it leave and are made again when looked at."
        )
        self._part("Privacy")
        self._tick(
            "phi_hidden", "Hide patient data when the program starts", "The button at the top shows it."
        )
        self._tick("recent", "Keep a list of recent cases", "Off: the list is forgotten, on disk too.")
        self._tick(
            "sessions", "Keep sessions, to go on after a restart", "Off: they are forgotten, on disk too."
        )
        words = QLabel(_PRIVACY)
        words.setWordWrap(True)
        words.setObjectName("muted")
        self._body.addWidget(words)
        self._body.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inner)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 12)
        whole.addWidget(scroll, 1)
        whole.addWidget(self._buttons())
        bench.session.events.settings.connect(self._show)
        self.finished.connect(lambda _: bench.session.events.settings.disconnect(self._show))
        self._show()
        room = inner.sizeHint()
        self.resize(
            min(max(room.width() + 30, theme.scaled(470)), parent.width() - 40),
            min(room.height() + theme.scaled(70), parent.height() - 40),
        )

    def _buttons(self) -> QDialogButtonBox:
        kinds = QDialogButtonBox.StandardButton
        buttons = QDialogButtonBox(kinds.RestoreDefaults | kinds.Close)
        buttons.setContentsMargins(20, 0, 20, 0)
        for button in buttons.buttons():
            button.setIcon(QIcon())  # those of the style are dark on dark
        buttons.rejected.connect(self.reject)
        usual = buttons.button(kinds.RestoreDefaults)
        usual.setAutoDefault(False)
        described(
            usual, "Restore defaults", "Every setting as it was when the program came, keys among them."
        )
        usual.clicked.connect(lambda: attempt(self._bench, self._bench.preferring.reset))
        described(buttons.button(kinds.Close), "Close", "Leave the settings; they are kept already.")
        return buttons

    # --- fields ------------------------------------------------------------------------------------------------------

    def _part(self, name: str) -> None:
        self._body.addSpacing(4)
        self._body.addWidget(heading(name))
        self._form = QFormLayout()
        self._form.setHorizontalSpacing(14)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._body.addLayout(self._form)

    def _add(self, name: str, words: str, field: QWidget, tip: str, show: Callable[[Any], None]) -> None:
        described(field, words, tip)
        self.fields[name], self._shown[name] = field, show
        if isinstance(field, QCheckBox):
            self._form.addRow(field)
        else:
            label = QLabel(words)
            theme.keep(label, "setMinimumWidth", 112)
            label.setBuddy(field)
            self._form.addRow(label, field)

    def _choose(self, name: str, words: str, choices: _Choices, tip: str) -> None:
        field = Chooser()
        for _, text in choices:
            field.addItem(text)
        values = [value for value, _ in choices]
        field.activated.connect(lambda index: self._set(name, values[index]))
        self._add(
            name, words, field, tip, lambda v: field.setCurrentIndex(values.index(v) if v in values else -1)
        )

    def _megabytes(self, name: str, words: str, tip: str) -> None:
        field = QSpinBox()
        field.setRange(*(int(edge) for edge in RANGES[name]))
        field.setSingleStep(64)
        field.setSuffix(" MB")
        field.lineEdit().setTextMargins(6, 0, 6, 0)
        field.setKeyboardTracking(False)  # half a number is no wish
        field.valueChanged.connect(lambda value: self._set(name, value))
        self._add(name, words, field, tip, field.setValue)

    def _tick(self, name: str, words: str, tip: str) -> None:
        field = QCheckBox(words)
        field.clicked.connect(lambda on: self._set(name, on))
        self._add(name, words, field, tip, field.setChecked)

    def _set(self, name: str, value: Any) -> None:
        attempt(self._bench, lambda: self._bench.preferring.set(name, value))

    def _show(self, *_: object) -> None:
        for name, show in self._shown.items():
            field = self.fields[name]
            field.blockSignals(True)
            show(getattr(self._bench.session.settings, name))
            field.blockSignals(False)
