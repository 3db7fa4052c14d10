"""A handout of a lesson: every revealed case is kept as it was when it was left, and written as one HTML file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from viewer.controllers.exporting import figure_of
from viewer.controllers.latest import LatestRead
from viewer.controllers.shown import shown_slice
from viewer.controllers.slice_figures import figure_content
from viewer.foundation.errors import ExportError, UsageError
from viewer.foundation.job_runner import JobRunner
from viewer.foundation.progress import Progress
from viewer.foundation.provenance import provenance
from viewer.foundation.whole_file import write_whole
from viewer.reporting.content import FigureContent
from viewer.reporting.handout import Leaf, Vote, handout_page
from viewer.state.canvas_view import OverlayStyle, background_of
from viewer.state.decoy_view import OPEN, answer_words
from viewer.state.lesson import DecoyQuestion, Lesson, Pressed, Step
from viewer.state.map_view import MapView
from viewer.state.may_read import MayRead
from viewer.state.session import Notice, Session
from viewer.state.veil import veil
from viewer.state.vote_view import case_answer

TITLE = "Handout"


class HandingOut:
    """Verbs for the handout."""

    def __init__(self, session: Session, runner: JobRunner) -> None:
        self._session = session
        self._read = LatestRead(session, runner, purpose="handout")

    def press(self) -> None:
        """Keep the case on screen as it is now; nothing where it is not of the lesson, or hidden."""
        session, lesson = self._session, self._session.lesson
        if lesson is None or lesson.opening or lesson.away or veil(session) or session.case is None:
            return
        session.lesson = lesson.with_step(replace(lesson.step, pressed=pressed(session, lesson.step)))

    def save(self, path: Path | str) -> None:
        """Write the revealed cases, in their order, as one HTML file.

        Raises
        ------
        UsageError
            Without a lesson, or before a case has been revealed.
        """
        path = Path(path)
        path = path if path.suffix else path.with_suffix(".html")
        if path.suffix.lower() not in (".html", ".htm"):
            raise UsageError(
                f"A handout is written as HTML; '{path.name}' does not end in .html.", code="format"
            )
        self.press()
        lesson = self._session.lesson
        leaves = leaves_of(lesson) if lesson is not None else ()
        if lesson is None or not leaves:
            raise UsageError("No case has been revealed yet.", code="nothing-revealed")
        note = note_of(lesson, leaves)

        def done(_: None) -> None:
            self._session.notice = Notice.of_saved(path)

        self._read.run("writing the handout", lambda token: write_handout(path, leaves, note, token), done)


def write_handout(path: Path, leaves: Sequence[Leaf], note: str, progress: Progress) -> None:
    """Draw and write a handout.

    Raises
    ------
    ExportError
        When it cannot be written.
    """
    page = handout_page(leaves, TITLE, note, progress)
    write_whole(path, page.encode())


def pressed(session: Session, step: Step) -> Pressed:
    """The case on screen as a handout shows it: slice, map, answer, provenance."""
    case = session.case
    assert case is not None
    view, record = session.view, None
    try:
        shown = shown_slice(session)
    except ExportError:  # the slice has no map: it is shown alone
        background = background_of(
            case, view.slice, view.window, convention=view.convention, inverted=view.inverted
        )
        style = OverlayStyle(False, 0.0, 0.0, session.overlay.colour_map)
        figure = figure_content(background, None, None, style, title=case.title, unit="", facts=())
    else:
        canvas = replace(shown.canvas, style=replace(shown.canvas.style, visible=True, bare=False))
        figure, record = figure_of(replace(shown, canvas=canvas)), shown.record
    model, truth, right, probabilities = case_answer(session, step)
    maps = () if step.decoy is None else _maps(session, step.decoy)
    return Pressed(
        _alone(figure), (model, truth), right, probabilities, tuple(map(_alone, maps)), record or provenance()
    )


def _alone(content: FigureContent) -> FigureContent:
    """With pixels of its own: a slice must not keep its whole volume in memory."""
    return replace(content, picture=np.array(content.picture))


def _maps(session: Session, question: DecoyQuestion) -> tuple[FigureContent, ...]:
    case, view, overlay = session.case, session.view, session.overlay
    assert case is not None
    background = background_of(
        case, question.slice, view.window, convention=view.convention, inverted=view.inverted
    )
    style = OverlayStyle(True, overlay.opacity, overlay.threshold, overlay.colour_map)
    found = []
    for name, each in zip(question.names, question.maps, strict=True):
        decoy = MapView(
            *(each.values, each.values, (0, 0, 0, 0), each.largest, "its own largest value"),
            *(False, "ok", MayRead("yes", ()), 0.0),
        )
        title = f"{name}: {each.title}{' (the decoy)' if each.decoy else ''}"
        content = figure_content(background, decoy, each.values, style, title=title, unit="", facts=())
        found.append(replace(content, verdict="", watermark="DECOY" if each.decoy else ""))
    return tuple(found)


def leaves_of(lesson: Lesson) -> tuple[Leaf, ...]:
    """The revealed cases, in their order."""
    return tuple(
        _leaf(number, step, step.pressed)
        for number, step in enumerate(lesson.steps, start=1)
        if step.revealed and step.pressed is not None
    )


def _leaf(number: int, step: Step, kept: Pressed) -> Leaf:
    vote = None
    if step.ballot is not None and step.ballot.total:
        rows = tuple(
            (
                name,
                hands,
                f"model {kept.probabilities[name]:.2f}" if name in kept.probabilities else "",
                name in kept.right,
            )
            for name, hands in zip(step.ballot.options, step.ballot.hands, strict=True)
        )
        vote = Vote("The class said", rows)
    question = step.decoy if step.decoy is not None and step.decoy.revealed else None
    map_vote = None
    how: tuple[str, ...] = ()
    if question is not None:
        how = (
            answer_words(question),
            *(
                f"{name}: {each.how}"
                for name, each in zip(question.names, question.maps, strict=True)
                if not each.decoy
            ),
        )
        if question.ballot.total:
            map_vote = Vote(
                f"{OPEN}. The class said",
                tuple(
                    (name, hands, "decoy" if each.decoy else "real", each.decoy)
                    for name, hands, each in zip(
                        question.names, question.ballot.hands, question.maps, strict=True
                    )
                ),
            )
    return Leaf(
        number,
        kept.figure,
        kept.answers,
        vote,
        kept.maps if question is not None else (),
        map_vote,
        how,
        kept.record,
    )


def note_of(lesson: Lesson, leaves: Sequence[Leaf]) -> str:
    """How much of the lesson is in the handout."""
    failed = sum(bool(step.problem) for step in lesson.steps)
    again = sum(step.revealed and step.pressed is None and not step.problem for step in lesson.steps)
    left = len(lesson.steps) - len(leaves) - failed - again
    words = [f"{len(leaves)} of {len(lesson.steps)} cases"]
    words += [f"{left} were not revealed and are left out"] if left else []
    words += [f"{again} were revealed before a restart, not opened since, and are left out"] if again else []
    words += [f"{failed} could not be opened"] if failed else []
    return "; ".join(words) + "."
