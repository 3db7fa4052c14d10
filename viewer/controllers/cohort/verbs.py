"""Verbs of the Cohort workspace: open a table, run it, stop, look at a case, go to the next."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from viewer.controllers.cohort.disputes import keep_disputes, kept_disputes
from viewer.controllers.cohort.files import write_evaluation
from viewer.controllers.cohort.look import predicted
from viewer.controllers.cohort.order import CohortPlan, EvaluateOrder, planned
from viewer.controllers.cohort.running import Evaluated, run_plan
from viewer.controllers.cohort.sums import Record
from viewer.controllers.cohort.truth_of import truth_for_case
from viewer.controllers.latest import LatestRead
from viewer.controllers.looking import Wanted
from viewer.controllers.map_files import make_folder
from viewer.controllers.opening import Opening
from viewer.evaluation.cohort_table import Cohort, CohortImage, read_cohort
from viewer.explainers.declaration import EXPLAINERS
from viewer.foundation import paths
from viewer.foundation.errors import Cancelled, UsageError
from viewer.foundation.job_runner import JobHandle, JobRunner
from viewer.foundation.progress import Progress
from viewer.models.card import ModelCard
from viewer.state.cohort import (
    CohortLine,
    CohortOnScreen,
    CohortRun,
    ExplainersWish,
    Group,
    LayersWish,
    fresh_lines,
)
from viewer.state.session import Notice, Session

_TRANSFORM = ("mean",)
"""What a run in the window replaces pixels by; the command line has the others."""


@dataclass(frozen=True, eq=False)
class _Shown:
    """What a run leaves on screen."""

    document: Mapping[str, Any]
    figures: Mapping[str, bytes]


class Cohorts:
    """Verbs of the Cohort workspace.

    Parameters
    ----------
    opening : brings a case into Reading.
    jobs : worker processes of a run; None for one per core but one, which is the window's. 0 works in the lane itself,
        for tests: there the network must not be asked anything else meanwhile.
    """

    def __init__(
        self, session: Session, runner: JobRunner, opening: Opening, jobs: int | None = None
    ) -> None:
        self._session = session
        self._runner = runner
        self._opening = opening
        self._read = LatestRead(session, runner)
        self._job: JobHandle | None = None
        self._run = 0
        self._evaluated: Evaluated | None = None
        self.jobs = max(1, (os.cpu_count() or 2) - 1) if jobs is None else jobs

    # --- opening -----------------------------------------------------------------------------------------------------

    def open(self, folder: Path | str) -> None:
        """Read the table of a cohort and show it."""
        path = Path(folder)

        def done(cohort: Cohort) -> None:
            self.stop()
            self._evaluated = None
            self._session.cohort = CohortOnScreen.of(cohort.disputing(kept_disputes(cohort.folder)))
            self._session.workspace = "cohort"

        self._read.run("reading the table", lambda token: read_cohort(path, token), done)

    def dispute(self, index: int, note: str) -> None:
        """Say why the label of a case is wrong; an empty note takes that back. Kept for the next time, and exported.

        The tables are counted again.
        """
        cohort = self._session.cohort
        if cohort is None or not 0 <= index < len(cohort.lines) or not cohort.lines[index].usable:
            return
        line = cohort.lines[index]
        notes = {line.image.path: note.strip()}
        table = cohort.cohort.disputing(notes)
        keep_disputes(table)
        image = next(each for each in table.images if each.path == line.image.path)
        self._session.cohort = replace(
            cohort.with_line(index, replace(line, image=image, disputed=image.disputed)), cohort=table
        )
        if (found := self._evaluated) is not None:
            self._evaluated = replace(found, cohort=found.cohort.disputing(notes))
            again = self._evaluated
            self._read.run("counting again", lambda _: _shown(again), self._counted)

    def _counted(self, shown: _Shown) -> None:
        self._change(document=shown.document, figures=shown.figures)

    def close(self) -> None:
        """Show no cohort any more; what has been scored stays on disk."""
        self.stop()
        self._session.cohort = None
        if self._session.workspace == "cohort":
            self._session.workspace = "reading"

    # --- what is shown -----------------------------------------------------------------------------------------------

    def show_groups(self, groups: frozenset[Group]) -> None:
        """Show only these outcomes; all with none."""
        self._change(shown=groups)

    def toggle_group(self, group: Group) -> None:
        """Show a group too, or no more."""
        if (cohort := self._session.cohort) is not None:
            self._change(shown=cohort.shown ^ {group})

    def choose(
        self,
        *,
        explainers: ExplainersWish | None = None,
        layers: LayersWish | None = None,
        pixels: bool | None = None,
    ) -> None:
        """What the next run asks for."""
        wishes = {"explainers": explainers, "layers": layers, "pixels": pixels}
        self._change(**{name: value for name, value in wishes.items() if value is not None})

    def _change(self, **fields: Any) -> None:
        if self._session.cohort is not None:
            self._session.cohort = replace(self._session.cohort, **fields)

    # --- cases -------------------------------------------------------------------------------------------------------

    def open_case(self, index: int) -> None:
        """Open a case in Reading, with its truth, on the slice that stands for it.

        Raises
        ------
        UsageError
            Of a row that cannot be used, with the reason.
        """
        cohort = self._session.cohort
        if cohort is None or not 0 <= index < len(cohort.lines):
            return
        line = cohort.lines[index]
        if not line.usable:
            raise UsageError(line.reason, code="no-image")
        self._session.cohort = replace(cohort, current=index)
        self._session.workspace = "reading"
        self._opening.open_wanted(
            [line.image.file],
            Wanted(truth_from=lambda image: truth_for_case(line.image, image), slice=line.slice),
            line.image.series or None,
        )

    def step(self, step: int) -> None:
        """Open the next (1) or previous (-1) case of those that the table shows.

        Raises
        ------
        UsageError
            At the ends.
        """
        cohort = self._session.cohort
        if cohort is None:
            return
        index = cohort.neighbour(step)
        if index is None:
            raise UsageError(
                f"This is the {'last' if step > 0 else 'first'} case of the list.", code="no-case"
            )
        self.open_case(index)

    # --- running -----------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Evaluate the cohort with the chosen model; what has been scored before is taken.

        Raises
        ------
        UsageError
            Without a model.
        """
        session, cohort = self._session, self._session.cohort
        if cohort is None or cohort.run is not None:
            return
        if session.model is None:
            raise UsageError("Choose a model first.", code="no-model")
        order = self._order(cohort)
        card = session.model.card
        self._run += 1
        run = self._run
        finding = card.positive_class or card.classes[0]
        session.cohort = replace(
            cohort,
            lines=fresh_lines(cohort.cohort),
            finding=finding,
            model_id=card.id,
            run=CohortRun(0, len(cohort.cohort.images), "preparing"),
            sentence="",
            document=None,
            figures={},
        )

        def ready(plan: CohortPlan) -> None:
            if run == self._run:
                self._score(run, order, plan, card, cohort.cohort)

        # The plan looks at the network, so it is made where nothing else does.
        self._job = self._runner.submit(
            "compute",
            lambda token: planned(order, token),
            done=ready,
            failed=lambda error: self._failed(run, error),
        )

    def stop(self) -> None:
        """Stop the run; what has been scored is kept, and `run` goes on from there."""
        if self._job is not None:
            self._job.cancel()

    def save(self, folder: Path) -> None:
        """Write tables, figures and the report of the last run into a folder."""
        found = self._evaluated
        if found is None:
            return

        def work(progress: Progress) -> Path:
            make_folder(folder)
            write_evaluation(replace(found, order=replace(found.order, out=folder)), progress)
            return folder

        def done(where: Path) -> None:
            self._session.notice = Notice(
                f"Tables, figures and report.html are in '{where.name}'.", severity="note", names_files=True
            )

        self._read.run("writing the report", work, done)

    def _order(self, cohort: CohortOnScreen) -> EvaluateOrder:
        session = self._session
        choice = session.choice
        names: tuple[str, ...] = ()
        if cohort.explainers == "shown":
            names = (choice.explainer,)
        elif cohort.explainers == "trace":
            names = tuple(name for name, info in EXPLAINERS.items() if info.in_atlas)
        layers = ("all",) if cohort.layers == "all" else (choice.layer,) if choice.layer else ()
        given = choice.parameters.get(choice.explainer, {}) if cohort.explainers == "shown" else {}
        place = hashlib.sha256(f"{cohort.cohort.folder}\n{session.model_id}".encode()).hexdigest()[:16]
        return EvaluateOrder(
            cohort.cohort.folder,
            session.model_id,
            paths.user_data() / "cohorts" / place,
            explainers=names,
            layers=layers,
            settings=tuple((name, str(value)) for name, value in given.items()),
            device=session.device,
            transforms=_TRANSFORM if cohort.pixels else (),
            jobs=self.jobs,
        )

    def _score(
        self, run: int, order: EvaluateOrder, plan: CohortPlan, card: ModelCard, cohort: Cohort
    ) -> None:
        parts: deque[tuple[CohortImage, Record | str]] = deque()

        def work(token: Progress) -> tuple[Evaluated, _Shown]:
            make_folder(order.out / "cases")
            found = run_plan(
                order, plan, card, cohort, token, lambda row, answer: parts.append((row, answer))
            )
            token.report(len(cohort.images), len(cohort.images), "putting the tables together")
            return found, _shown(found)

        def progress(done: int, total: int, words: str) -> None:
            if run == self._run:
                self._arrive(parts, card)
                self._change(run=CohortRun(done, total, words))

        def done(answer: tuple[Evaluated, _Shown]) -> None:
            if run != self._run:
                return
            self._arrive(parts, card)
            self._job = None
            found, shown = answer
            now = self._session.cohort
            self._evaluated = found if now is None else replace(found, cohort=now.cohort)
            self._change(run=None, document=shown.document, figures=shown.figures)

        def failed(error: Exception) -> None:
            if run == self._run:
                self._arrive(parts, card)
            self._failed(run, error)

        self._job = self._runner.submit("cohort", work, done=done, failed=failed, progress=progress)

    def _arrive(self, parts: deque[tuple[CohortImage, Record | str]], card: ModelCard) -> None:
        """Put what has been scored since the last look into the table."""
        cohort = self._session.cohort
        if cohort is None or not parts:
            return
        places = {line.image.path: index for index, line in enumerate(cohort.lines) if line.usable}
        lines = list(cohort.lines)
        while parts:
            row, answer = parts.popleft()
            if row.path in places:
                known = lines[places[row.path]]
                fresh = line_of(row, answer, card, cohort.finding)
                # What has been disputed meanwhile stays so.
                lines[places[row.path]] = replace(fresh, image=known.image, disputed=known.disputed)
        self._session.cohort = replace(cohort, lines=tuple(lines))

    def _failed(self, run: int, error: Exception) -> None:
        if run != self._run:
            return
        self._job = None
        cohort = self._session.cohort
        if cohort is None:
            return
        if isinstance(error, Cancelled):
            made = sum(line.probability is not None for line in cohort.lines)
            self._change(
                run=None,
                sentence=f"Stopped: {made} of {len(cohort.cohort.images)} are scored. Run goes on from there.",
            )
            return
        self._change(run=None)
        self._session.notice = Notice.of(error)


def line_of(row: CohortImage, answer: Record | str, card: ModelCard, finding: str) -> CohortLine:
    """An image of the table once it has been scored, or has failed to be."""
    if isinstance(answer, str):
        return CohortLine(row, reason=answer)
    k = card.classes.index(finding)
    known = answer["classes"]
    outcome: Any = ""
    if known is not None:
        (outcome,) = predicted(card, [answer["probabilities"]], [frozenset(known)], [""]).outcomes(finding)
    return CohortLine(
        row,
        None if known is None else tuple(known),
        float(answer["probabilities"][k]),
        answer["peak"],
        outcome,
        uncounted=tuple(answer["problems"]),
    )


def _shown(found: Evaluated) -> _Shown:
    from viewer.reporting.cohort_figures import cohort_figures, rendered

    document = found.summary().document
    figures = {name: rendered(figure, "png", 200) for name, figure in cohort_figures(document)}
    return _Shown(document, figures)
