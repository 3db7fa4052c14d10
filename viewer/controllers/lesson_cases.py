"""The cases of a lesson: looked for in files, folders and tables, and found again after a restart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from viewer.evaluation.cohort_table import TABLE, CohortImage, read_cohort
from viewer.foundation.errors import ReadError, UsageError
from viewer.foundation.progress import Progress
from viewer.imaging.contents import Contents
from viewer.state.kept_lesson import KeptLesson, KeptStep
from viewer.state.lesson import Ballot, Step
from viewer.state.opened import Opened


def steps_of(
    where: Sequence[Path], series: str | None, token: Progress
) -> tuple[tuple[Step, ...], Opened | None]:
    """The cases of paths, in their order.

    Raises
    ------
    ReadError
        When there are none.
    UsageError
        When a series is named and there is none of that name, or more than one place where it could be.
    """
    if series is not None:
        if len(where) != 1 or (where[0] / TABLE).is_file():
            raise UsageError(
                "A series is named of one file or folder; of several, and of a cohort, every case is taken.",
                code="series-of-several",
            )
        one = Contents.of(where[0], token)
        info, opened = one.info_of(series), Opened.of([one])
        return tuple(Step(entry) for entry in opened.entries if entry.info is info), opened
    parts: list[Contents | Sequence[Step]] = []
    for path in where:
        if (path / TABLE).is_file():
            parts.append(_rows_of(path, token))
        else:
            parts.append(_contents_of(path, token, alone=len(where) == 1))
    opened = Opened.of([part for part in parts if isinstance(part, Contents)])
    steps: list[Step] = []
    for part in parts:
        if isinstance(part, Contents):
            steps += [Step(entry) for entry in opened.entries if entry.contents is part]
        else:
            steps += part
    if all(step.problem for step in steps):
        names = ", ".join(f"'{path.name}'" for path in where)
        raise ReadError(f"There is no image in {names}.", code="no-image")
    return tuple(steps), opened if opened.entries else None


def _rows_of(folder: Path, token: Progress) -> list[Step]:
    cohort = read_cohort(folder, token)
    skipped = [
        Step(row=CohortImage(each.path, folder, each.path, ()), problem=each.reason, folder=folder)
        for each in cohort.skipped
    ]
    return [*(Step(row=image, folder=cohort.folder) for image in cohort.images), *skipped]


def _contents_of(path: Path, token: Progress, *, alone: bool) -> Contents | list[Step]:
    """What a path holds; one of several that holds nothing is a case that cannot be opened."""
    try:
        return Contents.of(path, token)
    except ReadError as error:
        if alone:
            raise
        return [Step(problem=error.sentence)]


def steps_again(kept: KeptLesson, token: Progress) -> tuple[tuple[Step, ...], Opened | None]:
    """The cases of a kept lesson, in their order; one that is not there any more says so."""
    places = dict.fromkeys((step.where, step.of_table) for step in kept.steps)
    tables: dict[str, Mapping[str, Step]] = {}
    series: dict[str, Contents] = {}
    sentences: dict[str, str] = {}
    for where, of_table in places:
        try:
            if of_table:
                tables[where] = {step.row.path: step for step in _rows_of(Path(where), token) if step.row}
            else:
                series[where] = Contents.of(Path(where), token)
        except ReadError as error:
            sentences[where] = error.sentence
    opened = Opened.of(list(series.values()))

    def again(step: KeptStep) -> Step:
        ballot = Ballot(step.options, step.hands) if step.options else None
        truth_path = Path(step.truth) if step.truth else None
        found = Step(ballot=ballot, revealed=step.revealed, truth_path=truth_path)
        if (row := tables.get(step.where, {}).get(step.name)) is not None:
            return replace(row, ballot=ballot, revealed=step.revealed)
        contents = series.get(step.where)
        for entry in opened.entries:
            if entry.contents is contents and entry.info.id == step.name:
                return replace(found, entry=entry)
        return replace(found, problem=sentences.get(step.where, "The case is not there any more."))

    return tuple(map(again, kept.steps)), opened if opened.entries else None
