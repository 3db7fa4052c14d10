"""The experiments in the window: each opens the workspace that shows it live, and is made on the compute lane."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from viewer.controllers.experiments.declaration import EXPERIMENTS
from viewer.controllers.experiments.order import EXPLAINERS_SHOWN, ExperimentOrder, Look
from viewer.controllers.explaining import Explaining
from viewer.controllers.latest import LatestRead
from viewer.controllers.viewing import Viewing
from viewer.foundation.errors import UsageError, WhySliceError, one_sentence
from viewer.foundation.job_runner import JobRunner
from viewer.foundation.progress import Progress
from viewer.imaging.image import PatientInfo
from viewer.models.card import Crop, ModelCard
from viewer.state.canvas_view import OverlayStyle
from viewer.state.case import Case
from viewer.state.disputed import disputed_of, line_of_open
from viewer.state.experiment import ExperimentOnScreen
from viewer.state.method import is_segmentation
from viewer.state.planes_view import why_no_planes
from viewer.state.session import DIFFERENCE, Notice, Session
from viewer.state.veil import veil

if TYPE_CHECKING:
    from viewer.reporting.page_content import Page

SUMMARY, MISCLASSIFIED = "patient-summary", "misclassified"
TITLES = {SUMMARY: "Patient summary", MISCLASSIFIED: "Misclassified cases"}


@dataclass(frozen=True, eq=False)
class _Shown:
    sentence: str
    value: float | None
    pages: tuple[Page, ...]
    pictures: tuple[bytes, ...]


class Experiments:
    """Verbs of the menu Experiments."""

    def __init__(self, session: Session, runner: JobRunner, explaining: Explaining, viewing: Viewing) -> None:
        self._session = session
        self._explaining = explaining
        self._viewing = viewing
        self._made = LatestRead(session, runner, self._given_up, purpose="experiment", lane="compute")
        self._saved = LatestRead(session, runner, purpose="saving an experiment")
        session.events.case.connect(self._case_changed)

    # --- verbs -------------------------------------------------------------------------------------------------------

    def run(self, name: str) -> None:
        """Show an experiment live in its workspace, and make its picture and its number.

        Raises
        ------
        UsageError
            When there is none of that name, or it cannot be made now.
        """
        info = EXPERIMENTS.find(name)
        order = self._order()
        if info.compares is not None:
            self._explaining.comparing.select(info.compares)
        if info.workspace != "volume" or not why_no_planes(self._session.case):
            self._viewing.set_workspace(info.workspace)

        def work(progress: Progress) -> _Shown:
            from viewer.controllers.experiments.running import run_experiment

            found = run_experiment(name, order, progress)
            return _shown(found.sentence, found.value, (found.page,))

        self._make(name, info.title, work)

    def summarise(self) -> None:
        """Read the patient as a patient: which slices are called, how sure, where.

        Raises
        ------
        UsageError
            When it cannot be done now.
        """
        order = replace(self._order(), slice=None)
        order = replace(order, explainers=order.explainers[:1])

        def work(progress: Progress) -> _Shown:
            from viewer.controllers.experiments.patient_pages import patient_pages, told
            from viewer.controllers.experiments.patient_reading import read_patient

            found = read_patient(order, progress)
            return _shown(" ".join(told(found)), found.probability, patient_pages(found))

        self._make(SUMMARY, TITLES[SUMMARY], work)

    def misclassified(self) -> None:
        """Show the cases of the cohort that the model gets wrong, those that it misses first.

        Raises
        ------
        UsageError
            Without a cohort that has been run.
        """
        cohort, session = self._session.cohort, self._session
        if why := why_no_misclassified(session):
            raise UsageError(why, code="no-cohort")
        assert cohort is not None
        lines = tuple(line for line in cohort.lines if line.outcome in ("FN", "FP"))
        self._session.cohort = replace(cohort, shown=frozenset(("FN", "FP")))
        self._viewing.set_workspace("cohort")
        model, device, look = session.model_id, session.device, self._look()

        def work(progress: Progress) -> _Shown:
            from viewer.controllers.cohort.misclassified import Wrong, misclassified

            wrong = tuple(
                Wrong(line.image, number + 1, line.outcome, bool(line.disputed))
                for number, line in enumerate(cohort.lines)
                if line in lines
            )
            found = misclassified(model, wrong, progress, device=device, look=look)
            return _shown(found.sentence, found.value, (found.page,))

        self._make(MISCLASSIFIED, TITLES[MISCLASSIFIED], work)

    def cancel(self) -> None:
        """Make it no more."""
        self._made.cancel()

    def close(self) -> None:
        """Show it no more."""
        self._made.give_up()
        self._session.experiment = None

    def save(self, path: Path) -> None:
        """Save the pages: ``.pdf`` holds all, ``.png`` the first. They name the patient while patient data is shown."""
        shown = self._session.experiment
        if shown is None or not shown.pages:
            raise UsageError("There is no experiment to save.", code="no-experiment")
        person = "" if self._session.phi_hidden else shown.person
        pages = tuple(replace(page, person=person) for page in shown.pages)

        def work(_: Progress) -> None:
            from viewer.reporting.page import save_pages

            save_pages(path, pages)

        def done(_: None) -> None:
            self._session.notice = Notice.of_saved(path)

        self._saved.run("drawing the pages", work, done)

    # --- how it is made ----------------------------------------------------------------------------------------------

    def _make(self, name: str, title: str, work: Callable[[Progress], _Shown]) -> None:
        session = self._session
        person = _person(session.case)

        def guarded(progress: Progress) -> _Shown | WhySliceError:
            try:
                return work(progress)
            except WhySliceError as error:  # an answer too: it stands where the number would
                return error

        def done(answer: _Shown | WhySliceError) -> None:
            if isinstance(answer, WhySliceError):
                session.experiment = ExperimentOnScreen(name, title, "failed", one_sentence(answer))
                return
            session.experiment = ExperimentOnScreen(
                *(name, title, "ready", answer.sentence, answer.value, answer.pages, answer.pictures, person)
            )

        session.experiment = ExperimentOnScreen(name, title)
        self._made.run(title.lower(), guarded, done)

    def _given_up(self) -> None:
        if self._session.experiment is not None and self._session.experiment.stage == "running":
            self._session.experiment = None

    def _case_changed(self, case: Case | None, old: Case | None = None) -> None:
        """Another case: what was said of the last one is gone. Another truth of the same image changes nothing."""
        shown = self._session.experiment
        if shown is None or shown.name == MISCLASSIFIED:
            return
        if case is None or old is None or case.image is not old.image:
            self.close()

    def _order(self) -> ExperimentOrder:
        session = self._session
        if why := why_no_experiment(session):
            raise UsageError(why, code="no-experiment")
        assert session.case is not None
        choice = session.choice
        explainer = choice.explainer
        crop: Crop = choice.crop
        return ExperimentOrder(
            session.model_id,
            session.case.image,
            session.view.slice,
            "" if choice.target == DIFFERENCE else choice.target,
            EXPLAINERS_SHOWN if explainer == EXPLAINERS_SHOWN[0] else (explainer,),
            choice.layer,
            choice.score,
            choice.mirror,
            crop,
            session.device,
            (),
            self._facts(),
            session.case.synthetic,
            self._look(),
        )

    def _look(self) -> Look:
        overlay, view, case = self._session.overlay, self._session.view, self._session.case
        style = OverlayStyle(True, overlay.opacity, overlay.threshold, overlay.colour_map)
        window = view.window if case is not None else None
        return Look(style, window, view.convention, view.inverted)

    def _facts(self) -> tuple[tuple[str, str], ...]:
        """What the table of the cohort knows of the open case, and whether its label is disputed."""
        cohort, index = self._session.cohort, line_of_open(self._session)
        known = () if cohort is None or index is None else cohort.lines[index].image.facts
        return (*known, ("label", "disputed")) if disputed_of(self._session) else known


def why_no_experiment(session: Session) -> str:
    """Why no experiment can be made now, a sentence; empty where it can."""
    if session.case is None:
        return "No image is open."
    if session.model is None:
        return "No model is loaded."
    if not session.case.whole:
        return "The series is still being read."
    if is_segmentation(session):
        return "A segmentation network has no class of the whole image."
    if veil(session):
        return "The lesson has not revealed the answer yet."
    if session.judgement is not None and not session.judgement.may_run:
        return "The model was not made for this image."
    return ""


def why_no_other(session: Session, fits: Callable[[ModelCard, ModelCard], bool], missing: str) -> str:
    """Why an experiment that compares models cannot be made now."""
    if (why := why_no_experiment(session)) or session.model is None:
        return why
    card = session.model.card
    there = any(fits(card, other) for other in session.models if other.id != card.id and other.weights)
    return "" if there else missing


def why_no_misclassified(session: Session) -> str:
    """Why there are no misclassified cases to show."""
    if session.cohort is None or session.model is None:
        return "Open a cohort and evaluate it first."
    if session.cohort.run is not None:
        return "The cohort is still being evaluated."
    if veil(session):
        return "The lesson has not revealed the answer yet."
    if session.cohort.model_id not in (session.model_id, session.model.card.id):
        return "Evaluate the cohort with the chosen model first."
    wrong = any(line.outcome in ("FN", "FP") for line in session.cohort.lines)
    return "" if wrong else "No case of the cohort is misclassified."


def _person(case: Case | None) -> str:
    from viewer.controllers.experiments.person import person_words

    return person_words(case.image.patient if case is not None else PatientInfo())


def _shown(sentence: str, value: float | None, pages: tuple[Page, ...]) -> _Shown:
    from viewer.reporting.page import page_png

    return _Shown(sentence, value, pages, tuple(page_png(page) for page in pages))
