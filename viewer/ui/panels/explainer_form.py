"""The parameters of an explainer as a form, made from its declaration; not modal, so that the map stays in sight."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from viewer.controllers.workbench import Workbench
from viewer.explainers.declaration import EXPLAINERS, cost, resolved
from viewer.explainers.explainer_info import ExplainerInfo, Parameter, Value
from viewer.foundation.errors import UsageError
from viewer.state.asking import time_words
from viewer.state.method import REGION, menu, sight_of, why_not
from viewer.state.session import Session
from viewer.ui import theme
from viewer.ui.attempt import attempt
from viewer.ui.panels.card import Chooser, described

_WIDTH = 400


class Note(QLabel):
    """Words that wrap and are never cut: a form asks for their height before their width is known."""

    def __init__(self) -> None:
        super().__init__()
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)

    def say(self, text: str, colour: str) -> None:
        self.setText(text)
        self.setStyleSheet(f"color: {colour};")
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        needed = self.heightForWidth(max(self.width(), 1))
        if needed != self.minimumHeight():
            self.setMinimumHeight(needed)


class Field(QWidget):
    """One parameter: its control, and below it what it means or why its value is refused."""

    def __init__(self, parameter: Parameter, explainer: str, value: Value, choices: tuple[str, ...]) -> None:
        super().__init__()
        self.parameter = parameter
        self._explainer = explainer
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 4)
        body.setSpacing(2)
        self.control = self._make(choices)
        described(self.control, parameter.name, _tip(parameter))
        self.put(value)
        body.addWidget(self.control)
        self.note = Note()
        body.addWidget(self.note)
        self.check()

    def _make(self, choices: tuple[str, ...]) -> QLineEdit | QComboBox | QCheckBox:
        if self.parameter.type == "bool":
            return QCheckBox()
        if choices:
            made = Chooser()
            made.addItems(choices)
            made.setEditable(self.parameter.number_too)
            return made
        return QLineEdit()

    @property
    def text(self) -> str:
        """What is in the field."""
        if isinstance(self.control, QCheckBox):
            return "yes" if self.control.isChecked() else "no"
        return self.control.text() if isinstance(self.control, QLineEdit) else self.control.currentText()

    def put(self, value: Value) -> None:
        if isinstance(self.control, QCheckBox):
            self.control.setChecked(bool(value))
        elif isinstance(self.control, QLineEdit):
            self.control.setText(f"{value:g}" if isinstance(value, float) else str(value))
        else:
            self.control.setCurrentText(str(value))

    def value(self) -> Value:
        """The value in the parameter's own type.

        Raises
        ------
        UsageError
            When it is not allowed.
        """
        return self.parameter.checked(self.text, self._explainer)

    def check(self) -> bool:
        """Whether the value is allowed; the reason why not stands below the field."""
        try:
            self.value()
        except UsageError as error:
            self.note.say(error.sentence, theme.current().red)
            return False
        self.note.say(_note(self.parameter), theme.current().muted)
        return True

    def listen(self, changed: object) -> None:
        control = self.control
        if isinstance(control, QCheckBox):
            control.toggled.connect(changed)
        elif isinstance(control, QLineEdit):
            control.textChanged.connect(changed)
        else:
            control.currentTextChanged.connect(changed)


class ExplainerForm(QDialog):
    """Fields for every parameter of one explainer, and what they will cost.

    Parameters
    ----------
    explainer : name; the form of another one is another form.
    """

    def __init__(self, bench: Workbench, explainer: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bench = bench
        self.explainer = explainer
        info = EXPLAINERS.find(explainer)
        self.setWindowTitle(f"Parameters of {info.title}")
        self.setMinimumWidth(_WIDTH)
        body = QVBoxLayout(self)
        about = QLabel(about_words(info))
        about.setWordWrap(True)
        about.setTextFormat(Qt.TextFormat.PlainText)
        about.setObjectName("muted")
        body.addWidget(about)
        self._form = QFormLayout()
        self._form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        body.addLayout(self._form)
        self.estimate = QLabel()
        self.estimate.setObjectName("muted")
        self.estimate.setWordWrap(True)
        body.addWidget(self.estimate)
        body.addStretch(1)
        buttons = QDialogButtonBox()
        kinds, roles = QDialogButtonBox.StandardButton, QDialogButtonBox.ButtonRole
        self.apply = buttons.addButton("Apply", roles.ApplyRole)
        self.reset = buttons.addButton("Reset to defaults", roles.ResetRole)
        close = buttons.addButton(kinds.Close)
        described(self.apply, "Apply", "Explain with these parameters.")
        described(self.reset, "Reset to defaults", "Put the defaults of the publication into the fields.")
        described(close, "Close", "Close the form; what was applied stays.")
        self.apply.setDefault(True)
        self.apply.clicked.connect(self._apply)
        self.reset.clicked.connect(lambda: self._fill({}))
        buttons.rejected.connect(self.close)
        body.addWidget(buttons)
        self.fields: dict[str, Field] = {}
        self._fill(dict(bench.session.choice.parameters.get(explainer, {})))

    def _fill(self, given: dict[str, Value]) -> None:
        """Fields for the explainer as these parameters make it (SmoothGrad has those of the one inside it too)."""
        info = resolved(self.explainer, given)
        while self._form.rowCount():
            self._form.removeRow(0)
        self.fields = {}
        for parameter in info.parameters:
            if parameter.name == REGION:
                continue
            field = Field(
                parameter,
                self.explainer,
                given.get(parameter.name, parameter.default),
                _choices(parameter, self._bench.session),
            )
            field.listen(lambda *_, name=parameter.name: self._changed(name))
            self.fields[parameter.name] = field
            self._form.addRow(parameter.name, field)
        self._check()

    def _changed(self, name: str) -> None:
        if name == "of":
            own = {p.name for p in EXPLAINERS.find(self.explainer).parameters}
            self._fill({key: f.text for key, f in self.fields.items() if key in own})
            return
        self._check()

    def _check(self) -> None:
        good = [field.check() for field in self.fields.values()]
        self.apply.setEnabled(all(good))
        self.estimate.setText(self._cost_words() if all(good) else "Mend the fields in red first.")
        self.adjustSize()

    def _cost_words(self) -> str:
        support = self._bench.session.support
        values = self.values()
        info, sight = resolved(self.explainer, values), sight_of(self._bench.session)
        try:
            passes = cost(self.explainer, values, sight)
            count = info.rounds_wanted(info.checked(values), sight)
        except UsageError as error:
            return error.sentence
        words = f"{count} {info.unit} a slice" if info.unit else f"{passes:g} passes of the network a slice"
        if support is None:
            return words
        each = support.seconds.get(self.explainer, support.pass_seconds)
        return f"{words}: {time_words(passes * each)}"

    def values(self) -> dict[str, Value]:
        """What is in the fields, in the parameters' own types."""
        return {name: field.value() for name, field in self.fields.items()}

    def _apply(self) -> None:
        attempt(self._bench, lambda: self._bench.explaining.set_parameters(self.explainer, self.values()))


def about_words(info: ExplainerInfo) -> str:
    """An explainer in a few lines: what its map says, how it is made, who says so."""
    lines = [info.summary, info.formula, info.source, f"Warning: {info.warning}" if info.warning else ""]
    return "\n".join(line for line in lines if line)


def _choices(parameter: Parameter, session: Session) -> tuple[str, ...]:
    if parameter.name != "of" or parameter.choices:
        return parameter.choices
    # An explainer inside another one: those that the network has.
    return tuple(
        name
        for name in menu()
        if not any(p.name == "of" for p in EXPLAINERS[name].parameters) and not why_not(session, name)
    )


def _note(parameter: Parameter) -> str:
    """Unit, range, default and where it comes from."""
    low, high = parameter.minimum, parameter.maximum
    parts = [parameter.unit]
    if low is not None and high is not None:
        parts.append(f"{_number(low)} to {_number(high)}" if high < 2**31 - 1 else f"from {_number(low)}")
    default = f"{parameter.default:g}" if isinstance(parameter.default, float) else str(parameter.default)
    parts.append(f"default {default}" + (f" ({parameter.source})" if parameter.source else ""))
    return "; ".join(part for part in parts if part)


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:g}"


def _tip(parameter: Parameter) -> str:
    return "\n".join(part for part in (parameter.help, parameter.source) if part)
