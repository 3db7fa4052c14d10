"""A lesson: cases one after the other; the class votes, then the answer is revealed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random, SystemRandom
from typing import TYPE_CHECKING

import numpy as np

from viewer.controllers.beside import BesideVerbs
from viewer.controllers.cohort.truth_of import truth_for_case
from viewer.controllers.decoys import Map, RealMap, checked_kind, decoy_question, possible, real_maps
from viewer.controllers.latest import LatestRead
from viewer.controllers.looking import Wanted
from viewer.controllers.opening import Opening
from viewer.evaluation.cohort_table import TABLE, CohortImage, read_cohort
from viewer.foundation.errors import Cancelled, ReadError, UsageError
from viewer.foundation.job_runner import JobRunner
from viewer.foundation.progress import Progress
from viewer.imaging.contents import Contents
from viewer.imaging.image import MedicalImage
from viewer.state.case import Case, Truth
from viewer.state.lesson import Ballot, DecoyKind, Lesson, Step
from viewer.state.opened import Opened
from viewer.state.session import Notice, Session, Work
from viewer.state.veil import veil
from viewer.state.vote_view import ballot_of

if TYPE_CHECKING:
    from viewer.controllers.engine import TraceRequest

_TRIES = 6
"""Networks with random weights that are tried until one makes a map that is not empty."""
_WORK = "making a decoy"


class Teaching:
    """Verbs of a lesson.

    Parameters
    ----------
    draw : what chance decides by: the kind of a decoy and its place. None for one that nobody can foresee.
    """

    def __init__(
        self,
        session: Session,
        runner: JobRunner,
        opening: Opening,
        beside: BesideVerbs,
        draw: Random | None = None,
    ) -> None:
        self._session = session
        self._runner = runner
        self._opening = opening
        self._beside = beside
        self._draw = draw or SystemRandom()
        self._read = LatestRead(session, runner, purpose="lesson")
        session.events.case.connect(self._case_changed)
        session.events.entry.connect(self._case_changed)

    # --- beginning and ending ----------------------------------------------------------------------------------------

    def begin_folder(self, folder: Path | str) -> None:
        """Walk through a folder: the rows of its ``cohort.csv`` in their order, else its series by their names."""
        path = Path(folder)

        def done(found: tuple[tuple[Step, ...], Opened | None]) -> None:
            steps, opened = found
            self._begin(Lesson(steps, opened=opened))

        self._read.run("looking for cases", lambda token: _steps_of(path, token), done)

    def begin_cohort(self) -> None:
        """Walk through the cases that the table of the open cohort shows, in its order.

        Raises
        ------
        UsageError
            Without a cohort, or where it shows no case.
        """
        cohort = self._session.cohort
        lines = () if cohort is None else tuple(cohort.lines[index] for index in cohort.listed)
        steps = tuple(_of_row(line.image) for line in lines if line.usable)
        if not steps:
            raise UsageError("The table shows no case that could be opened.", code="no-case")
        self._begin(Lesson(steps))

    def begin_here(self) -> None:
        """A lesson of the open case alone: hide its answer.

        Raises
        ------
        UsageError
            Without a case.
        """
        session = self._session
        case = session.case
        if case is None or not case.whole:
            raise UsageError("Open an image first.", code="no-case")
        step = Step(session.entry, truth=case.truth)
        self._ready(Lesson((step,), opened=session.opened))
        session.case = case.with_truth(None)

    def end(self) -> None:
        """Show everything as usual again; votes are gone unless a handout was saved."""
        session, lesson = self._session, self._session.lesson
        if lesson is None:
            return
        self._read.give_up()
        if not lesson.away and not lesson.opening:
            self._give_truth(lesson.step)
        session.lesson = None

    def _begin(self, lesson: Lesson) -> None:
        self._ready(replace(lesson, opening=True))
        self._open(0)

    def _ready(self, lesson: Lesson) -> None:
        """The window as a class should see it: nothing beside the picture, and nothing that an earlier case left."""
        session = self._session
        self._beside.close()
        session.lesson = lesson
        session.workspace = "reading"
        session.view.seen = False
        session.overlay.visible = True

    # --- walking -----------------------------------------------------------------------------------------------------

    def advance(self) -> None:
        """What a clicker does: reveal an open question, else go on to the next case.

        Raises
        ------
        UsageError
            After the last case.
        """
        lesson = self._lesson()
        if lesson.reveals_first and veil(self._session) and not lesson.opening:
            self.reveal()
        else:
            self.step(1)

    def step(self, steps: int) -> None:
        """Go to the next case (1) or the previous one (-1); votes stay.

        Raises
        ------
        UsageError
            At the ends.
        """
        lesson = self._lesson()
        if lesson.away and not lesson.step.problem:  # back to where the lesson was
            self._open(lesson.at)
            return
        number = lesson.neighbour(steps)
        if number is None:
            raise UsageError(
                f"This is the {'last' if steps > 0 else 'first'} case of the lesson.", code="no-case"
            )
        self._open(number)

    def go(self, number: int) -> None:
        """Go to a case of the list, counted from 0."""
        lesson = self._lesson()
        if 0 <= number < len(lesson.steps) and (number != lesson.at or lesson.away):
            self._open(number)

    def _open(self, number: int) -> None:
        session, before = self._session, self._lesson()
        step = before.steps[number]
        # The veil falls before anything of the case can be seen.
        session.lesson = replace(before, at=number, opening=True, away=False, asking_maps=False)
        held: list[tuple[Truth | None, tuple[str, ...]]] = []

        def hold(image: MedicalImage) -> None:
            """Read what is known, and keep it out of the case."""
            held.append((None, ()) if step.row is None else _known(step.row, image))

        def then() -> None:
            lesson = session.lesson
            if lesson is None or lesson.at != number or not lesson.opening:
                return
            opened = lesson.steps[number]
            truth, labels = held[0] if held else (None, ())
            if opened.row is not None:  # which series it is, is known anew each time that it is opened
                opened = replace(opened, truth=truth, labels=labels, entry=session.entry)
            session.lesson = replace(lesson.with_step(opened), opening=False)
            if opened.revealed:
                self._give_truth(opened)

        def otherwise() -> None:
            lesson = session.lesson
            if lesson is None or lesson.at != number or not lesson.opening:
                return
            problem = session.notice.sentence if session.notice is not None else "It could not be opened."
            failed = replace(lesson.steps[number], problem=problem)
            session.lesson = replace(
                lesson.with_step(failed, number), at=before.at, opening=False, away=before.at == number
            )

        wanted = Wanted(truth_from=hold)
        if step.row is not None:
            self._opening.open_wanted([step.row.file], wanted, then=then, otherwise=otherwise)
        elif step.entry is not None and before.opened is not None:
            self._opening.open_entry(before.opened, step.entry, wanted, then, otherwise)
        else:
            session.lesson = before
            raise UsageError("This case was not read from a file: it cannot be opened again.", code="no-case")

    def _case_changed(self, *_: object) -> None:
        """Something that the lesson did not open is on screen: it is not veiled, and the lesson waits."""
        session, lesson = self._session, self._session.lesson
        if lesson is None or lesson.opening:
            return
        away = session.entry is not lesson.step.entry or bool(lesson.step.problem)
        if away != lesson.away:
            session.lesson = replace(lesson, away=away, asking_maps=lesson.asking_maps and not away)

    # --- voting and revealing ----------------------------------------------------------------------------------------

    def raise_hand(self, number: int, hands: int = 1) -> None:
        """Count hands for an option of the open question, or take some back (negative)."""
        ballot = self.ballot()
        if ballot is not None and 0 <= number < len(ballot.options):
            self.count(number, ballot.hands[number] + hands)

    def count(self, number: int, hands: int) -> None:
        """Say how many hands were counted for an option."""
        session, ballot = self._session, self.ballot()
        lesson = session.lesson
        if lesson is None or ballot is None or not 0 <= number < len(ballot.options):
            return
        counted = ballot.counted(number, hands)
        step, question = lesson.step, lesson.question
        if question is not None:
            step = replace(step, decoy=replace(question, ballot=counted))
        else:
            step = replace(step, ballot=counted)
        session.lesson = lesson.with_step(step)

    def ballot(self) -> Ballot | None:
        """The votes on what is on screen; None where there is nothing to vote on."""
        return ballot_of(self._session)

    def reveal(self) -> None:
        """Show the answer of the open question, or hide it again.

        Raises
        ------
        UsageError
            Without a lesson, or while the case is being opened.
        """
        session, lesson = self._session, self._lesson()
        if lesson.opening or lesson.away:
            raise UsageError("No case of the lesson is on screen.", code="no-case")
        step, question = lesson.step, lesson.question
        if question is not None:
            turned = replace(question, revealed=not question.revealed)
            session.lesson = lesson.with_step(replace(step, decoy=turned))
            return
        if not step.revealed:
            session.lesson = lesson.with_step(replace(step, revealed=True))
            self._give_truth(step)
        else:
            # First the veil, then the truth leaves: at no moment is something seen that should not be.
            session.lesson = lesson.with_step(replace(step, revealed=False))
            session.workspace = "reading"
            if session.case is not None:
                session.case = session.case.with_truth(None)

    def toggle_reveals_first(self) -> None:
        """Whether going on reveals an open question first."""
        lesson = self._lesson()
        self._session.lesson = replace(lesson, reveals_first=not lesson.reveals_first)

    def _give_truth(self, step: Step) -> None:
        case: Case | None = self._session.case
        if case is not None and step.truth is not None and case.truth is not step.truth:
            self._session.case = case.with_truth(step.truth)

    # --- a decoy among maps ------------------------------------------------------------------------------------------

    def ask_decoy(self, kind: DecoyKind | None = None) -> None:
        """Show real maps of the slice and a decoy among them; the class says which it is.

        Parameters
        ----------
        kind : of the decoy; None for one that chance decides.

        Raises
        ------
        UsageError
            Before the case has been revealed, or where the slice has too few maps.
        """
        session, lesson = self._session, self._lesson()
        if veil(session) or lesson.away:
            raise UsageError("Reveal the answer first: the maps would show it.", code="voting")
        real = real_maps(session)
        if len(real) < 2:
            raise UsageError(
                "This slice has too few maps that differ.",
                code="no-maps",
                action="Go to the peak, or choose another class or layer.",
            )
        chosen = checked_kind(kind, possible(session, real), self._draw)
        if chosen != "random-weights":
            self._pose(real, chosen, None)
            return
        self._randomised(real, chosen, fallback=kind is None)

    def leave_maps(self) -> None:
        """Back from the maps of a decoy question to the case."""
        lesson = self._lesson()
        if lesson.question is not None and not lesson.question.revealed:
            raise UsageError("The class is voting: reveal the answer first.", code="voting")
        self._session.lesson = replace(lesson, asking_maps=False)

    def _pose(self, real: tuple[RealMap, ...], kind: DecoyKind, random_weights: Map | None) -> None:
        session = self._session
        lesson = session.lesson
        if lesson is not None:
            question = decoy_question(session, real, kind, self._draw, random_weights)
            session.lesson = replace(lesson.with_step(replace(lesson.step, decoy=question)), asking_maps=True)

    def _randomised(self, real: tuple[RealMap, ...], kind: DecoyKind, *, fallback: bool) -> None:
        """Ask a network with random weights, on the lane where networks are asked."""
        session, like = self._session, real[0]
        lesson, reading, case = session.lesson, session.reading, session.case
        target, index = session.target_index, session.view.slice
        assert reading is not None
        assert case is not None
        assert target is not None
        variant, seed = reading.variant, self._draw.randrange(1 << 16)
        image = case.given(variant.erased)
        request = (
            *(variant.model, session.device, image, index, variant.mirror, variant.crop, variant.score),
            *((like.layer,), (target,), (like.explainer,)),
        )
        session.work = Work(_WORK)

        def work(progress: Progress) -> Map | None:
            from viewer.controllers import engine

            wanted: TraceRequest = engine.TraceRequest(*request)
            for number in range(_TRIES):
                progress.report(number, _TRIES)
                made = engine.trace_randomised(wanted, seed + number)
                found = np.maximum(made.maps[target, like.layer, like.explainer], 0)
                if np.isfinite(found).all() and found.max(initial=0.0) > 0:
                    return np.asarray(found, dtype=np.float32)
            return None

        def over() -> bool:
            """Whether somebody still waits for it."""
            if session.work is not None and session.work.name == _WORK:
                session.work = None
            return session.lesson is lesson and session.reading is reading and session.view.slice == index

        def done(found: Map | None) -> None:
            if not over():
                return
            if found is not None:
                self._pose(real, kind, found)
            elif fallback:
                self._pose(real, "random", None)
            else:
                session.notice = Notice("No network with random weights made a map that is not empty.")

        def failed(error: Exception) -> None:
            if over() and not isinstance(error, Cancelled):
                session.notice = Notice.of(error)

        self._runner.submit("compute", work, done=done, failed=failed)

    def _lesson(self) -> Lesson:
        if (lesson := self._session.lesson) is None:
            raise UsageError("There is no lesson: begin one first.", code="no-lesson")
        return lesson


def _of_row(row: CohortImage) -> Step:
    return Step(row=row)


def _known(row: CohortImage, image: MedicalImage) -> tuple[Truth | None, tuple[str, ...]]:
    labels = tuple(dict.fromkeys(label for marking in row.markings for label in marking.labels))
    return truth_for_case(row, image), labels


def _steps_of(folder: Path, token: Progress) -> tuple[tuple[Step, ...], Opened | None]:
    """The cases of a folder.

    Raises
    ------
    ReadError
        When there are none.
    """
    if (folder / TABLE).is_file():
        cohort = read_cohort(folder, token)
        skipped = tuple(
            Step(row=CohortImage(each.path, folder, each.path, ()), problem=each.reason)
            for each in cohort.skipped
        )
        return (*(_of_row(image) for image in cohort.images), *skipped), None
    opened = Opened.of([Contents.of(folder, token)])
    if not opened.entries:
        raise ReadError(f"There is no image in the folder '{folder.name}'.", code="no-image")
    return tuple(Step(entry) for entry in opened.entries), opened
