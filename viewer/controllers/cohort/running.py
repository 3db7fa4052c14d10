"""Evaluating a cohort: what is kept is taken, the rest is scored, and everything is put together."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from viewer.controllers.cohort.keeping import CASES, keep, kept, key_of
from viewer.controllers.cohort.order import CohortPlan, EvaluateOrder, planned
from viewer.controllers.cohort.summary import Summary, summarise
from viewer.controllers.cohort.sums import Record
from viewer.controllers.cohort.workers import scored_here, scored_in_processes
from viewer.controllers.map_files import make_folder
from viewer.evaluation.cohort_table import Cohort, CohortImage, SkippedImage, read_cohort
from viewer.foundation.errors import ReadError, UsageError
from viewer.foundation.progress import SILENT, Progress
from viewer.models.card import ModelCard

Arrived = Callable[[CohortImage, Record | str], None]


@dataclass(frozen=True, eq=False)
class Evaluated:
    """A cohort and its records, in the order of the table."""

    order: EvaluateOrder
    plan: CohortPlan
    card: ModelCard
    cohort: Cohort
    records: tuple[Record, ...]
    skipped: tuple[SkippedImage, ...]

    def summary(self) -> Summary:
        notes = {image.path: image.disputed for image in self.cohort.images if image.disputed}
        return summarise(self.order, self.plan, self.card, self.records, self.skipped, notes)


def wanted_cohort(order: EvaluateOrder, progress: Progress = SILENT) -> Cohort:
    """The table that an order names, of the split that it names.

    Raises
    ------
    ReadError, UsageError
        As `read_cohort` and `Cohort.of_split`.
    """
    cohort = read_cohort(order.cohort, progress).disputing(order.disputes)
    if unknown := sorted(set(order.disputes) - {image.path for image in cohort.images}):
        raise UsageError(
            f"The cohort has no image '{unknown[0]}' whose label could be disputed.", code="no-image"
        )
    return cohort.of_split(order.split) if order.split else cohort


def evaluate(order: EvaluateOrder, progress: Progress = SILENT) -> Evaluated:
    """Everything from the table to the records; see `run_plan`.

    Raises
    ------
    WhySliceError
        When there is no cohort, the model or the request is off, or nothing could be evaluated.
    Cancelled
        When the progress says so; what has been scored is kept, and the same order goes on from there.
    """
    cohort = wanted_cohort(order, progress)
    order.check()
    make_folder(order.out / CASES)  # before minutes of work, not after them
    plan = planned(order, progress)
    from viewer.controllers import engine

    return run_plan(order, plan, engine.load(order.model, order.device).card, cohort, progress)


def unscored(order: EvaluateOrder, plan: CohortPlan, cohort: Cohort) -> int:
    """How many images have to be asked about: of the others there is a record."""
    return sum(kept(order.out, key_of(plan, row)) is None for row in cohort.images)


def run_plan(
    order: EvaluateOrder,
    plan: CohortPlan,
    card: ModelCard,
    cohort: Cohort,
    progress: Progress = SILENT,
    arrived: Arrived | None = None,
    *,
    later: int = 0,
) -> Evaluated:
    """Score what is not kept.

    Parameters
    ----------
    arrived : told of each image that is ready, with its record or the reason why it has none.
    later : images that come after these, with other models: the time that is left counts them.
    """
    keys = {row.path: key_of(plan, row) for row in cohort.images}
    records = {row.path: found for row in cohort.images if (found := kept(order.out, keys[row.path]))}
    reasons: dict[str, str] = {}
    if arrived is not None:
        for row in cohort.images:
            if row.path in records:
                arrived(row, records[row.path])
    missing = [row for row in cohort.images if row.path not in records]
    clock = _Clock(len(cohort.images), len(records), progress, later)
    clock.tell()
    jobs = jobs_of(order, len(missing))
    scored = (
        scored_in_processes(plan, missing, jobs, clock.tell)
        if jobs
        else scored_here(plan, missing, clock.tell)
    )
    for row, answer in scored:
        if isinstance(answer, str):
            reasons[row.path] = answer
        else:
            keep(order.out, keys[row.path], answer)
            records[row.path] = answer
        clock.done += 1
        if arrived is not None:
            arrived(row, answer)
    clock.tell()
    skipped = (
        *cohort.skipped,
        *(SkippedImage(row.path, reasons[row.path]) for row in cohort.images if row.path in reasons),
    )
    if not records:
        raise ReadError(
            f"None of the {len(skipped)} images could be evaluated; of '{skipped[0].path}': {skipped[0].reason}"
            if skipped
            else "The cohort has no images.",
            code="nothing-evaluated",
        )
    in_order = tuple(records[row.path] for row in cohort.images if row.path in records)
    return Evaluated(order, plan, card, cohort, in_order, skipped)


def jobs_of(order: EvaluateOrder, images: int) -> int:
    """Worker processes: a graphics card is shared best by one, and few images are not worth starting any."""
    if order.jobs is not None:
        return min(order.jobs, images)
    if order.device not in ("auto", "cpu") or images < 3:
        return 0
    from viewer.controllers import engine

    if engine.load(order.model, order.device).device != "cpu":
        return 0
    return min(os.cpu_count() or 1, images)


@dataclass(eq=False)
class _Clock:
    """How far the run is and how long it will take, from the images that this run has scored."""

    total: int
    done: int
    progress: Progress
    later: int = 0

    def __post_init__(self) -> None:
        self._before, self._began = self.done, time.monotonic()

    def tell(self) -> None:
        """Report; raises `Cancelled` when somebody wants the run to stop."""
        self.progress.report(self.done, self.total, f"images of the cohort{self._left()}")

    def _left(self) -> str:
        made, left = self.done - self._before, self.total - self.done + self.later
        if not made or not left:
            return ""
        seconds = (time.monotonic() - self._began) / made * left
        return f", {left_words(seconds)} left"


def left_words(seconds: float) -> str:
    """A time that is left, as roughly as it is known."""
    if seconds < 90:
        return f"about {max(5, 5 * round(seconds / 5))} s"
    if seconds < 90 * 60:
        return f"about {round(seconds / 60)} min"
    return f"about {seconds / 3600:.1f} h"
