"""The case at the left: what is open, what is known of it, what is odd about it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from viewer.controllers.workbench import Workbench
from viewer.state.case import Case
from viewer.state.disputed import disputed_of
from viewer.state.opened import Peeked
from viewer.state.panel_views import StripView
from viewer.state.session import Session
from viewer.state.thumbnail import Thumbnail
from viewer.state.veil import veil
from viewer.ui.attempt import attempt
from viewer.ui.panels.card import (
    Card,
    DotLine,
    Elided,
    described,
    emptied,
    heading,
    plain_tip,
    restyled,
)
from viewer.ui.panels.series_list import SeriesList
from viewer.ui.panels.series_words import age_of, date_of, picture
from viewer.ui.privacy import name_of, without_names

_SIDE = 48
_SPACING = ("no-spacing", "spacing-by-hand")
_SEVERITY = {"note": "grey", "warning": "amber", "error": "red"}
_OUTCOMES = (
    ("TP", "hit", "the finding is there and the model says so"),
    ("FP", "false alarm", "the finding is not there and the model says it is"),
    ("FN", "miss", "the finding is there and the model does not say so"),
    ("TN", "rightly clear", "the finding is not there and the model says so"),
)


_Line = tuple[str, str, str, bool]
"""Colour, words, tooltip, and whether a button follows that asks for the distances of voxels."""


def _lines_of(session: Session) -> list[_Line]:
    """What is said about the open image, the worst first."""
    lines: list[_Line] = []
    if session.judgement is not None:
        verdict = session.judgement.applicability
        purpose = {"applies": "grey", "unproven": "amber", "does_not_apply": "red"}[verdict.verdict]
        lines.append((purpose, verdict.sentence, "", False))
    order = ("error", "warning", "note")
    path = session.case.image.source.path if session.case is not None else None
    for finding in sorted(session.diagnoses, key=lambda d: order.index(d.severity)):
        text = f"{finding.sentence} {finding.action}".strip()
        text = without_names(text, [path.name]) if session.phi_hidden and path is not None else text
        asks = finding.code in _SPACING and session.resampled is None
        lines.append((_SEVERITY[finding.severity], text, f"{finding.severity}: {finding.code}", asks))
    if session.case is not None and not session.diagnoses:
        lines.append(("grey", "Nothing odd was found in the file.", "", False))
    return lines


class CasePanel(Card):
    """Case, the other series beside it, patient, truth and findings about the input."""

    spacing_wanted = Signal()
    """The user wants to say how far apart the voxels are."""

    def __init__(self, bench: Workbench) -> None:
        super().__init__("Case")
        self._bench = bench
        self._case: Case | None = None
        self._peeked: Peeked | None = None
        self._pictured: Case | None = None
        self._turned = ""
        self._findings: tuple[object, ...] = ()
        self._said: list[_Line] = []
        self._dots: list[DotLine] = []
        self._outcomes: tuple[str, ...] | None = None
        self.body.addWidget(heading("Case"))
        self.body.addWidget(self._make_row())
        self.body.addLayout(self._make_series(bench))
        self._patient_heading, self._patient = heading("Patient"), QLabel()
        self._patient.setWordWrap(True)
        self._patient.setTextFormat(Qt.TextFormat.PlainText)
        self._patient.setAccessibleName("Patient")
        self.body.addWidget(self._patient_heading)
        self.body.addWidget(self._patient)
        self._make_truth()
        self.body.addWidget(heading("About this image"))
        self._undo = QPushButton("Undo resampling")
        described(self._undo, "Undo resampling", "Bring back the image as it was read.")
        self._undo.clicked.connect(lambda: attempt(bench, bench.grid.undo))
        self.body.addWidget(self._undo)
        self.body.addWidget(self._make_findings(), 1)

    def _make_row(self) -> QFrame:
        row = QFrame()
        row.setObjectName("chosen")
        line = QHBoxLayout(row)
        line.setContentsMargins(6, 6, 8, 6)
        line.setSpacing(9)
        self._thumbnail = QLabel()
        self._thumbnail.setFixedSize(_SIDE, _SIDE)
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
        row.hide()
        self._row = row
        return row

    def _make_series(self, bench: Workbench) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(2)
        head = QHBoxLayout()
        self._series_heading = heading("Series")
        self._all = QPushButton("All…")
        self._all.setObjectName("quiet")
        described(self._all, "All series", "Show all open series in a table, to sort and filter them.")
        self._all.clicked.connect(lambda: attempt(bench, bench.opening.offer))
        head.addWidget(self._series_heading)
        head.addStretch(1)
        head.addWidget(self._all)
        self.series = SeriesList(bench)
        column.addLayout(head)
        column.addWidget(self.series)
        return column

    def _make_truth(self) -> None:
        self._truth_heading, self._truth = heading("Truth"), QLabel()
        self._truth.setWordWrap(True)
        self._truth.setObjectName("muted")
        self._counts = QHBoxLayout()
        self._counts.setSpacing(5)
        self._chips: dict[str, QLabel] = {}
        for name, words_, sentence in _OUTCOMES:
            chip = QLabel()
            chip.setProperty("outcome", "grey")
            chip.setAlignment(Qt.AlignmentFlag.AlignCenter)
            chip.setToolTip(f"{name}: slices where {sentence}.")
            chip.setAccessibleName(f"{name}, {words_}")
            self._chips[name] = chip
            self._counts.addWidget(chip)
        self.disputed = DotLine("amber", "")
        self.body.addWidget(self._truth_heading)
        self.body.addWidget(self._truth)
        self.body.addLayout(self._counts)
        self.body.addWidget(self.disputed)

    def _make_findings(self) -> QScrollArea:
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
        return scroll

    def show_session(self, session: Session, strip: StripView | None) -> None:
        """The case of the session; returns at once where nothing has changed."""
        case = session.case
        if case is not self._case:
            self._case = case
            self._outcomes = None
            self._row.setVisible(case is not None)
            if case is not None:
                self._show_case(case)
        self._show_picture(session)
        self.series.show_session(session)
        several = self.series.isVisibleTo(self)
        self._series_heading.setVisible(several)
        self._all.setVisible(several)
        self._show_patient(session)
        self._undo.setVisible(session.resampled is not None)
        self._show_truth(case, strip)
        self._show_dispute(disputed_of(session) if case is not None and not veil(session) else "")
        findings = (case, session.judgement, session.model, session.phi_hidden)
        if any(a is not b for a, b in zip(findings, self._findings or (0, 0, 0, 0), strict=True)):
            self._findings = findings
            self._show_findings(session)

    def _show_case(self, case: Case) -> None:
        image = case.image
        self._title.set_full(case.title)
        rows, columns = case.plane.picture_shape(image.geometry.shape)
        parts = [f"{case.slices} × {rows} × {columns}" if case.slices > 1 else f"{rows} × {columns}"]
        parts += [image.modality] if image.modality else []
        parts += [case.plane.name] if image.geometry.oriented else []
        self._shape.set_full(" · ".join(parts))
        self._kind.setVisible(case.synthetic)
        self._kind.set_full("synthetic, not a person")
        self._row.setToolTip(plain_tip(image.description))

    def _show_picture(self, session: Session) -> None:
        """The small picture that was made while the series was read; an image without a path has none yet."""
        case = session.case
        peeked = session.peeked.get(session.entry) if session.entry is not None else None
        if peeked is None and case is not None and case.whole and session.entry is None:
            if self._pictured is not case:
                self._pictured, peeked = case, Peeked(Thumbnail.of(case.image))
            else:
                peeked = self._peeked
        convention = session.view.convention
        if peeked is not self._peeked or convention != self._turned:
            self._peeked, self._turned = peeked, convention
            thumbnail = peeked.thumbnail if peeked else None
            self._thumbnail.setPixmap(picture(thumbnail, _SIDE, self.devicePixelRatioF(), convention))

    def _show_patient(self, session: Session) -> None:
        patient = session.case.image.patient if session.case else None
        lines = []
        if patient is not None and not session.phi_hidden:
            person = " · ".join(word for word in (patient.sex, age_of(patient.age)) if word)
            lines = [
                name_of(patient.name),
                f"ID {patient.identifier}" if patient.identifier else "",
                f"born {date_of(patient.birth_date)}" if patient.birth_date else "",
                person,
                f"study {date_of(patient.study_date)}" if patient.study_date else "",
            ]
        text = "\n".join(line for line in lines if line)
        self._patient_heading.setVisible(bool(text))
        self._patient.setVisible(bool(text))
        self._patient.setText(text)

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
            chip.setProperty("outcome", purpose)
            restyled(chip)
        if truth is not None:
            slices = int(truth.positive_slices.sum())
            what = truth.positive_class or "the finding"
            text = f"{what} on {slices} of {len(truth.positive_slices)} slices"
            if truth.reader:
                text += f", by {truth.reader}"
            lines = [f"{text}.", *truth.notes] if truth.notes or known else [text]
            if known:  # the line above the four outcomes
                lines.append("Slices, at the model's threshold:")
            self._truth.setText((" " if not truth.notes else "\n").join(lines))

    def _show_dispute(self, note: str) -> None:
        self.disputed.setVisible(bool(note))
        self.disputed.say(f"Label disputed: {note}")

    def _show_findings(self, session: Session) -> None:
        """Lines that stay lines keep their place: another volume of a series must not make the list flicker."""
        wanted = _lines_of(session)
        if [line[0::3] for line in wanted] == [line[0::3] for line in self._said]:
            for widget, (_, text, tip, _) in zip(self._dots, wanted, strict=True):
                widget.say(text, tip)
        else:
            emptied(self._lines)
            self._dots = []
            for purpose, text, tip, asks in wanted:
                self._dots.append(DotLine(purpose, text, tip))
                self._lines.addWidget(self._dots[-1])
                if asks:
                    self._lines.addWidget(self._spacing_button(), 0, Qt.AlignmentFlag.AlignRight)
        self._said = wanted

    def _spacing_button(self) -> QPushButton:
        button = QPushButton("State the spacing…")
        described(button, "State the voxel spacing", "Say how far apart the voxels are.")
        button.clicked.connect(self.spacing_wanted)
        return button
