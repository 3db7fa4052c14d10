"""Verbs of the Cohort workspace: open a table, run it, stop, look at a case, go to the next."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from dataclasses import replace
from pathlib import Path
from typing import Any

from viewer.controllers.cohort.disputes import keep_disputes, kept_disputes
from viewer.controllers.cohort.files import write_evaluation
from viewer.controllers.cohort.keeping import CASES
from viewer.controllers.cohort.on_screen import Shown, disputing, line_of, shown_of, stopped_words
from viewer.controllers.cohort.order import EvaluateOrder
from viewer.controllers.cohort.running import Evaluated
from viewer.controllers.cohort.side_by_side import FOLDER, Entrant, entrants, run_each
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
    CohortOnScreen,
    CohortRun,
    ExplainersWish,
    Group,
    LayersWish,
    fresh_lines,
    models_beside,
    why_not_beside,
)
from viewer.state.session import Notice, Session

_TRANSFORM = ("mean",)
"""What a run in the window replaces pixels by; the command line has the others."""


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
        self._evaluated: tuple[Evaluated, ...] = ()
        self.jobs = max(1, (os.cpu_count() or 2) - 1) if jobs is None else jobs

    # --- opening -----------------------------------------------------------------------------------------------------

    def open(self, folder: Path | str) -> None:
        """Read the table of a cohort and show it."""
        path = Path(folder)

        def done(cohort: Cohort) -> None:
            self.stop()
            self._evaluated = ()
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
        if self._evaluated:
            again = self._evaluated = disputing(self._evaluated, notes)
            self._read.run("counting again", lambda _: shown_of(again), self._counted)

    def _counted(self, shown: Shown) -> None:
        self._change(document=shown.document, figures=shown.figures, saved="")

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

    def toggle_model(self, model_id: str) -> None:
        """Set a model beside the chosen one in the next run, or no more.

        Raises
        ------
        UsageError
            When there is no such model here, or it cannot stand beside the chosen one; the sentence says why.
        """
        session, cohort = self._session, self._session.cohort
        if cohort is None or session.model is None:
            return
        if model_id not in cohort.beside:
            other = next((card for card in session.models if card.id == model_id), None)
            if other is None:
                raise UsageError(f"There is no model '{model_id}' on this machine.", code="no-such-model")
            if why := why_not_beside(session.model.card, other):
                raise UsageError(f"'{model_id}' is not compared: {why}", code="models")
        wanted = {*cohort.beside} ^ {model_id}
        self._change(beside=tuple(card.id for card in session.models if card.id in wanted))

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
        """Evaluate the cohort with the chosen model and those beside it; what has been scored before is taken.

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
        orders = self._orders(cohort)
        card = session.model.card
        self._run += 1
        run, self._evaluated = self._run, ()
        finding = card.positive_class or card.classes[0]
        session.cohort = replace(
            cohort,
            lines=fresh_lines(cohort.cohort),
            finding=finding,
            model_id=card.id,
            run=CohortRun(0, len(orders) * len(cohort.cohort.images), "preparing"),
            sentence="",
            document=None,
            figures={},
            saved="",
        )

        def ready(every: list[Entrant]) -> None:
            if run == self._run:
                self._score(run, every, cohort.cohort)

        # The plans look at the networks, so they are made where nothing else does.
        self._job = self._runner.submit(
            "compute",
            lambda token: entrants(orders, token),
            done=ready,
            failed=lambda error: self._failed(run, error),
        )

    def stop(self) -> None:
        """Stop the run; what has been scored is kept, and `run` goes on from there."""
        if self._job is not None:
            self._job.cancel()

    def save(self, folder: Path) -> None:
        """Write tables, figures and the report of the last run into a folder; other models have folders in it."""
        if not self._evaluated:
            return
        first, *others = self._evaluated

        def work(progress: Progress) -> Path:
            make_folder(folder)
            write_evaluation(replace(first, order=replace(first.order, out=folder)), progress, beside=others)
            return folder

        def done(where: Path) -> None:
            more = f"; those of the other models in its folder '{FOLDER}'" if others else ""
            self._change(saved=where.name)
            self._session.notice = Notice(
                f"Tables, figures and report.html are in '{where.name}'{more}.",
                severity="note",
                names_files=True,
                saved=where / "report.html",
            )

        self._read.run("writing the report", work, done)

    def _orders(self, cohort: CohortOnScreen) -> list[EvaluateOrder]:
        """What is asked of the chosen model, and of each beside it on its own default layer."""
        session = self._session
        assert session.model is not None
        beside = models_beside(cohort, session.model.card, session.models)
        names = dict.fromkeys((session.model_id, *beside))
        return [self._order(cohort, name) for name in names]

    def _order(self, cohort: CohortOnScreen, model: str) -> EvaluateOrder:
        session = self._session
        choice = session.choice
        names: tuple[str, ...] = ()
        if cohort.explainers == "shown":
            names = (choice.explainer,)
        elif cohort.explainers == "trace":
            names = tuple(name for name, info in EXPLAINERS.items() if info.in_atlas)
        shown = (choice.layer,) if choice.layer and model == session.model_id else ()
        given = choice.parameters.get(choice.explainer, {}) if cohort.explainers == "shown" else {}
        place = hashlib.sha256(f"{cohort.cohort.folder}\n{model}".encode()).hexdigest()[:16]
        return EvaluateOrder(
            cohort.cohort.folder,
            model,
            paths.user_data() / "cohorts" / place,
            explainers=names,
            layers=("all",) if cohort.layers == "all" else shown,
            settings=tuple((name, str(value)) for name, value in given.items()),
            device=session.device,
            transforms=_TRANSFORM if cohort.pixels else (),
            jobs=self.jobs,
        )

    def _score(self, run: int, every: list[Entrant], cohort: Cohort) -> None:
        parts: deque[tuple[CohortImage, Record | str]] = deque()
        card, total = every[0].card, len(every) * len(cohort.images)

        def work(token: Progress) -> tuple[tuple[Evaluated, ...], Shown]:
            for each in every:
                make_folder(each.order.out / CASES)
            found = tuple(run_each(every, cohort, token, lambda row, answer: parts.append((row, answer))))
            token.report(total, total, "putting the tables together")
            return found, shown_of(found)

        def progress(done: int, of: int, words: str) -> None:
            if run == self._run:
                self._arrive(parts, card)
                self._change(run=CohortRun(done, of, words))

        def done(answer: tuple[tuple[Evaluated, ...], Shown]) -> None:
            if run != self._run:
                return
            self._arrive(parts, card)
            self._job = None
            found, shown = answer
            now = self._session.cohort
            self._evaluated = (
                found if now is None else tuple(replace(each, cohort=now.cohort) for each in found)
            )
            self._change(run=None, document=shown.document, figures=shown.figures)
            if now is not None and now.cohort is not cohort:  # something was disputed meanwhile
                again = self._evaluated
                self._read.run("counting again", lambda _: shown_of(again), self._counted)

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
            self._change(run=None, sentence=stopped_words(cohort))
            return
        self._change(run=None)
        self._session.notice = Notice.of(error)
