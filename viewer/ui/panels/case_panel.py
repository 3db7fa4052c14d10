"""The case at the left: what is open, what is known of it, what is odd about it."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from viewer.imaging.windows import default_window
from viewer.state.canvas_view import background_of
from viewer.state.case import Case
from viewer.state.panel_views import StripView
from viewer.state.session import Session
from viewer.ui import theme
from viewer.ui.canvas.colours import grey
from viewer.ui.panels.card import Card, DotLine, Elided, emptied, heading

_SEVERITY = {"note": "grey", "warning": "amber", "error": "red"}
_OUTCOMES = (
    ("TP", "hit", "the finding is there and the model says so"),
    ("FP", "false alarm", "the finding is not there and the model says it is"),
    ("FN", "miss", "the finding is there and the model does not say so"),
    ("TN", "rightly clear", "the finding is not there and the model says so"),
)


class Thumbnail(QWidget):
    """The middle slice, small."""

    def __init__(self, side: int = 48) -> None:
        super().__init__()
        self._image: QImage | None = None
        self._ratio = 1.0
        self.setFixedSize(side, side)

    def show_case(self, case: Case) -> None:
        background = background_of(case, case.slices // 2, default_window(case.image))
        rows, columns = background.pixels.shape[:2]
        self._ratio = columns * background.spacing[1] / (rows * background.spacing[0])
        self._image = grey(background)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        clip = QPainterPath()
        clip.addRoundedRect(QRectF(self.rect()), 4, 4)
        painter.setClipPath(clip)
        painter.fillRect(self.rect(), theme.colour("canvas"))
        if self._image is not None:
            side = float(self.width())
            place = QRectF(0, 0, side * min(self._ratio, 1), side / max(self._ratio, 1))
            place.moveCenter(QRectF(self.rect()).center())
            scaled = self._image.scaled(
                (place.size() * self.devicePixelRatioF()).toSize(),
                Qt.AspectRatioMode.IgnoreAspectRatio,
                Qt.TransformationMode.SmoothTransformation,
            )
            painter.drawImage(place, scaled)


class CasePanel(Card):
    """Case, truth and findings about the input."""

    def __init__(self) -> None:
        super().__init__("Case")
        self._case: Case | None = None
        self._findings: tuple[object, ...] = ()
        self._outcomes: tuple[str, ...] | None = None
        self.body.addWidget(heading("Case"))
        row = QFrame()
        row.setStyleSheet(f"QFrame {{ background: {theme.current().selected}; border-radius: 6px; }}")
        line = QHBoxLayout(row)
        line.setContentsMargins(6, 6, 8, 6)
        line.setSpacing(9)
        self._thumbnail = Thumbnail()
        line.addWidget(self._thumbnail)
        words = QVBoxLayout()
        words.setSpacing(2)
        self._title, self._shape, self._kind = (
            Elided(name="title"),
            Elided(name="muted"),
            Elided(name="amber"),
        )
        for label in (self._title, self._shape, self._kind):
            words.addWidget(label)
        line.addLayout(words, 1)
        self.body.addWidget(row)
        self._row = row
        row.hide()
        self._patient = Elided(name="muted")
        self.body.addWidget(self._patient)
        self._truth_heading, self._truth = heading("Truth"), QLabel()
        self._truth.setWordWrap(True)
        self._truth.setObjectName("muted")
        self._counts = QHBoxLayout()
        self._counts.setSpacing(5)
        self._chips: dict[str, QLabel] = {}
        for name, words_, sentence in _OUTCOMES:
            chip = QLabel()
            chip.setAlignment(Qt.AlignmentFlag.AlignCenter)
            chip.setToolTip(f"{name}: slices where {sentence}.")
            chip.setAccessibleName(f"{name}, {words_}")
            self._chips[name] = chip
            self._counts.addWidget(chip)
        self.body.addWidget(self._truth_heading)
        self.body.addWidget(self._truth)
        self.body.addLayout(self._counts)
        self.body.addWidget(heading("About this image"))
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        inner = QWidget()
        inner.setObjectName("scrolled")
        self._lines = QVBoxLayout(inner)
        self._lines.setContentsMargins(0, 0, 4, 0)
        self._lines.setSpacing(7)
        self._lines.setAlignment(Qt.AlignmentFlag.AlignTop)
        scroll.setWidget(inner)
        self.body.addWidget(scroll, 1)

    def show_session(self, session: Session, strip: StripView | None) -> None:
        """The case of the session; returns at once where nothing has changed."""
        case = session.case
        if case is not self._case:
            self._case = case
            self._outcomes = None
            self._row.setVisible(case is not None)
            if case is not None:
                self._show_case(case)
        self._show_patient(session)
        self._show_truth(case, strip)
        findings = (case, session.judgement, session.model)
        if any(a is not b for a, b in zip(findings, self._findings or (0, 0, 0), strict=True)):
            self._findings = findings
            self._show_findings(session)

    def _show_case(self, case: Case) -> None:
        image = case.image
        self._thumbnail.show_case(case)
        self._title.set_full(case.title)
        rows, columns = case.plane.picture_shape(image.geometry.shape)
        parts = [f"{case.slices} × {rows} × {columns}" if case.slices > 1 else f"{rows} × {columns}"]
        parts += [image.modality] if image.modality else []
        parts += [case.plane.name] if image.geometry.oriented else []
        self._shape.set_full(" · ".join(parts))
        self._kind.setVisible(case.synthetic)
        self._kind.set_full("synthetic, not a person")
        self._row.setToolTip(image.description)

    def _show_patient(self, session: Session) -> None:
        patient = session.case.image.patient if session.case else None
        words = [patient.name, patient.identifier, patient.birth_date, patient.sex] if patient else []
        text = " · ".join(word for word in words if word)
        self._patient.setVisible(bool(text) and not session.phi_hidden)
        self._patient.set_full("" if session.phi_hidden else text)

    def _show_truth(self, case: Case | None, strip: StripView | None) -> None:
        truth = case.truth if case else None
        for widget in (self._truth_heading, self._truth):
            widget.setVisible(truth is not None)
        outcomes = strip.outcomes if strip is not None and truth is not None else ()
        if outcomes == self._outcomes:
            return
        self._outcomes = outcomes
        known = any(outcomes)
        for name, chip in self._chips.items():
            chip.setVisible(known)
            count = outcomes.count(name)
            purpose = {"TP": "green", "FP": "amber", "FN": "red", "TN": "grey"}[name] if count else "grey"
            chip.setText(f"{name} {count}")
            chip.setStyleSheet(
                f"background: {theme.current().raised}; color: {getattr(theme.current(), purpose)};"
                "border-radius: 5px; padding: 3px 2px;"
            )
        if truth is not None:
            slices = int(truth.positive_slices.sum())
            what = truth.positive_class or "the finding"
            text = f"{what} on {slices} of {len(truth.positive_slices)} slices"
            if truth.reader:
                text += f", by {truth.reader}"
            if known:
                text += ". Slices, at the model's threshold:"
            self._truth.setText(text)

    def _show_findings(self, session: Session) -> None:
        emptied(self._lines)
        if session.judgement is not None:
            verdict = session.judgement.applicability
            purpose = {"applies": "grey", "unproven": "amber", "does_not_apply": "red"}[verdict.verdict]
            self._lines.addWidget(DotLine(purpose, verdict.sentence))
        order = ("error", "warning", "note")
        for finding in sorted(session.diagnoses, key=lambda d: order.index(d.severity)):
            text = f"{finding.sentence} {finding.action}".strip()
            self._lines.addWidget(
                DotLine(_SEVERITY[finding.severity], text, f"{finding.severity}: {finding.code}")
            )
        if session.case is not None and not session.diagnoses:
            self._lines.addWidget(DotLine("grey", "Nothing odd was found in the file."))
