"""A lesson: cases one after the other; the class votes, then the answer is revealed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from viewer.controllers.beside import BesideVerbs
from viewer.controllers.cohort.truth_of import truth_for_case
from viewer.controllers.decoy_asking import DecoyAsking
from viewer.controllers.handing_out import HandingOut
from viewer.controllers.latest import LatestRead
from viewer.controllers.lesson_cases import steps_again, steps_of
from viewer.controllers.looking import Wanted
from viewer.controllers.opening import Opening
from viewer.controllers.truth import read_truth
from viewer.evaluation.cohort_table import CohortImage
from viewer.foundation.errors import UsageError
from viewer.foundation.job_runner import JobRunner
from viewer.imaging.image import MedicalImage
from viewer.state.case import Case, Truth
from viewer.state.kept_lesson import KeptLesson
from viewer.state.lesson import Ballot, Lesson, Step
from viewer.state.opened import Opened
from viewer.state.session import Notice, Session
from viewer.state.veil import veil
from viewer.state.vote_view import ballot_of, peak_slice


def _nobody(_: bool) -> None:
    """Nobody wants to be told."""


class Teaching:
    """Verbs of a lesson.

    Attributes
    ----------
    handing_out, decoys : verbs of the handout, and of decoy questions.
    """

    def __init__(
        self,
        session: Session,
        runner: JobRunner,
        opening: Opening,
        beside: BesideVerbs,
    ) -> None:
        self._session = session
        self._runner = runner
        self._opening = opening
        self._beside = beside
        self.handing_out = HandingOut(session, runner)
        self.decoys = DecoyAsking(session, runner, self.handing_out.press)
        self._read = LatestRead(session, runner, purpose="lesson")
        self._wanted = Wanted()
        session.events.case.connect(self._case_changed)
        session.events.entry.connect(self._case_changed)

    # --- beginning and ending ----------------------------------------------------------------------------------------

    def begin(self, *where: Path | str, series: str | None = None, wanted: Wanted | None = None) -> None:
        """Walk through files and folders: rows of a ``cohort.csv`` in their order, else series by their names.

        Parameters
        ----------
        series : the one series of the one path that is walked through; None for all of them.
        wanted : how each case is read; its truth and slice have no meaning here.
        """
        paths = [Path(path) for path in where]

        def done(found: tuple[tuple[Step, ...], Opened | None]) -> None:
            steps, opened = found
            self._wanted = wanted or Wanted()
            self._begin(Lesson(steps, opened=opened))

        self._read.run("looking for cases", lambda token: steps_of(paths, series, token), done)

    def begin_cohort(self) -> None:
        """Walk through the cases that the table of the open cohort shows, in its order.

        Raises
        ------
        UsageError
            Without a cohort, or where it shows no case.
        """
        cohort = self._session.cohort
        lines = () if cohort is None else tuple(cohort.lines[index] for index in cohort.listed)
        steps = tuple(
            Step(row=line.image, folder=cohort.cohort.folder) for line in lines if cohort and line.usable
        )
        if not steps:
            raise UsageError("The table shows no case that could be opened.", code="no-case")
        self._wanted = Wanted()
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
        step = Step(session.entry, truth=case.truth, truth_path=session.truth_path)
        self._wanted = Wanted()
        self._ready(Lesson((step,), opened=session.opened))
        session.case = case.with_truth(None)

    def resume(self, kept: KeptLesson, wanted: Wanted, told: Callable[[bool], None]) -> None:
        """Go on with a lesson that was kept: votes and what was revealed come back; maps of questions do not.

        Parameters
        ----------
        wanted : how the case that was on screen was read.
        told : called when that case is on screen, with False where nothing came of it. Of a lesson that waited for
            something else no case is opened.
        """

        def done(found: tuple[tuple[Step, ...], Opened | None]) -> None:
            steps, opened = found
            self._wanted = Wanted()
            lesson = Lesson(steps, kept.at, opened, reveals_first=kept.reveals_first)
            if kept.away:
                self._ready(replace(lesson, away=True))
                told(True)
                return
            if lesson.step.problem:
                self._session.notice = Notice(
                    f"The lesson is not brought back: {lesson.step.problem}", names_files=True
                )
                told(False)
                return
            self._ready(replace(lesson, opening=True))
            self._open(kept.at, wanted, told)

        self._read.run("looking for cases", lambda token: steps_again(kept, token), done)

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
        session.experiment = None
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

    def _open(
        self, number: int, reading: Wanted | None = None, told: Callable[[bool], None] = _nobody
    ) -> None:
        self.handing_out.press()
        session, before = self._session, self._lesson()
        step = before.steps[number]
        # The veil falls before anything of the case can be seen.
        session.lesson = replace(before, at=number, opening=True, away=False, asking_maps=False)
        held: list[tuple[Truth | None, tuple[str, ...]]] = []

        def hold(image: MedicalImage) -> None:
            """Read what is known, and keep it out of the case."""
            if step.row is not None:
                held.append(_known(step.row, image))
            elif step.truth_path is not None:
                held.append((read_truth(step.truth_path, image), ()))

        def then() -> None:
            lesson = session.lesson
            if lesson is None or lesson.at != number or not lesson.opening:
                return
            opened = lesson.steps[number]
            truth, labels = held[0] if held else (None, ())
            if held:  # which series it is, is known anew each time that it is opened
                opened = replace(opened, truth=truth, labels=labels, entry=session.entry)
            session.lesson = replace(lesson.with_step(opened), opening=False)
            if opened.revealed:
                self._give_truth(opened)
            told(True)

        def otherwise() -> None:
            lesson = session.lesson
            if lesson is None or lesson.at != number or not lesson.opening:
                return
            problem = session.notice.sentence if session.notice is not None else "It could not be opened."
            failed = replace(lesson.steps[number], problem=problem)
            session.lesson = replace(
                lesson.with_step(failed, number), at=before.at, opening=False, away=before.at == number
            )
            told(False)

        wanted = replace(reading or self._wanted, truth_from=hold)
        if step.row is not None:
            series = step.row.series or None
            self._opening.open_wanted([step.row.file], wanted, series, then, otherwise)
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
            # The case itself leaves the screen after its entry: it can still be kept as it was.
            if away and session.reading is not None:
                self.handing_out.press()
                lesson = self._lesson()
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
            self._look_where_it_is()
            self.handing_out.press()
        else:
            # First the veil, then the truth leaves: at no moment is something seen that should not be.
            session.lesson = lesson.with_step(replace(step, revealed=False))
            session.workspace = "reading"
            if session.case is not None:
                session.case = session.case.with_truth(None)

    def _look_where_it_is(self) -> None:
        """Show the slice that the answer is about, unless the class has drawn on the one that is shown."""
        session = self._session
        reading, case = session.reading, session.case
        if reading is None or case is None or reading.whole or len(reading.filled) < case.slices:
            return
        if not any(box.slice == session.view.slice for box in session.boxes.drawn.values()):
            session.view.slice = peak_slice(session)

    def toggle_reveals_first(self) -> None:
        """Whether going on reveals an open question first."""
        lesson = self._lesson()
        self._session.lesson = replace(lesson, reveals_first=not lesson.reveals_first)

    def _give_truth(self, step: Step) -> None:
        case: Case | None = self._session.case
        if case is not None and step.truth is not None and case.truth is not step.truth:
            self._session.case = case.with_truth(step.truth)

    def _lesson(self) -> Lesson:
        if (lesson := self._session.lesson) is None:
            raise UsageError("There is no lesson: begin one first.", code="no-lesson")
        return lesson


def _known(row: CohortImage, image: MedicalImage) -> tuple[Truth | None, tuple[str, ...]]:
    labels = tuple(dict.fromkeys(label for marking in row.markings for label in marking.labels))
    return truth_for_case(row, image), labels
