"""Several models on one cohort, side by side: what each predicts, and where its default map points."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from viewer.controllers.cohort.keeping import CASES
from viewer.controllers.cohort.order import CohortPlan, EvaluateOrder, planned
from viewer.controllers.cohort.running import Arrived, Evaluated, run_plan, unscored, wanted_cohort
from viewer.controllers.map_files import make_folder
from viewer.evaluation.cohort_table import Cohort
from viewer.evaluation.prediction_table import CHIEF_SCORES
from viewer.foundation.errors import ReadError, UsageError
from viewer.foundation.progress import SILENT, Progress
from viewer.models.card import ModelCard
from viewer.reporting.cohort_page import best_thresholds

FOLDER = "models"
"""Beside the results of the first model: the results of the others, a folder for each."""
SIDE_BY_SIDE_RULE = (
    "95% intervals are of each model by itself and not of the difference; maps are those of each model's first "
    "explainer on its default layer, IoU at the best of the thresholds, chosen after the fact; n differs where a model "
    "could not read an image, or a map does not count because its class was not predicted correctly"
)
_UNITS = {"per_patient": "patient", "per_slice": "slice"}
_OF_MAPS = ("iou", "pointing", "energy")

Document = Mapping[str, Any]
Entry = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Entrant:
    """A model that is about to be evaluated beside others."""

    order: EvaluateOrder
    plan: CohortPlan
    card: ModelCard


def evaluate_each(
    order: EvaluateOrder, models: Sequence[str], progress: Progress = SILENT
) -> list[Evaluated]:
    """The same order for each of several models; records of all lie in one folder, each under its model's key.

    Parameters
    ----------
    models : ids or folders, at least one; each is evaluated once, in this order.

    Raises
    ------
    UsageError
        As `entrants`.
    WhySliceError, Cancelled
        As `evaluate`.
    """
    cohort = wanted_cohort(order, progress)
    order.check()
    make_folder(order.out / CASES)  # before minutes of work, not after them
    return run_each(
        entrants([replace(order, model=model) for model in dict.fromkeys(models)], progress), cohort, progress
    )


def entrants(orders: Sequence[EvaluateOrder], progress: Progress = SILENT) -> list[Entrant]:
    """What each of several models will do; touches the networks, so it belongs on the compute lane.

    Raises
    ------
    UsageError
        When two have one id, or one has not what is asked for; nothing has been evaluated then.
    WhySliceError
        As `planned`.
    """
    from viewer.controllers import engine

    found = [
        Entrant(each, planned(each, progress), engine.load(each.model, each.device).card) for each in orders
    ]
    ids = Counter(each.card.id for each in found)
    if twice := [name for name, times in ids.items() if times > 1]:
        raise UsageError(f"Two of the models have the id '{twice[0]}'.", code="models")
    return found


def run_each(
    every: Sequence[Entrant], cohort: Cohort, progress: Progress = SILENT, arrived: Arrived | None = None
) -> list[Evaluated]:
    """Evaluate one model after the other, with one progress over all of them.

    Parameters
    ----------
    arrived : told of the images of the first, as by `run_plan`.

    Raises
    ------
    ReadError
        When one could not evaluate a single image; what has been scored is kept.
    Cancelled
        When the progress says so; the same goes on from there.
    """
    waiting = [unscored(each.order, each.plan, cohort) for each in every]
    found = []
    for number, each in enumerate(every):
        turn = progress if len(every) == 1 else _Turn(progress, number, len(every), each.card.id)
        try:
            found.append(
                run_plan(
                    *(each.order, each.plan, each.card, cohort, turn, None if number else arrived),
                    later=sum(waiting[number + 1 :]),
                )
            )
        except ReadError as error:
            if len(every) == 1:
                raise
            raise ReadError(f"With '{each.card.id}': {error.sentence}", code=error.code) from error
    return found


@dataclass(frozen=True)
class _Turn:
    """The progress of one model among several: images of all of them are counted."""

    progress: Progress
    number: int
    of: int
    model: str

    def report(self, done: int, total: int, text: str = "") -> None:
        words = f"{text} \u00b7 {self.model}, model {self.number + 1} of {self.of}"
        self.progress.report(self.number * total + done, self.of * total, words)


def compare(documents: Sequence[tuple[Evaluated, Document]], reports: Sequence[str] = ()) -> dict[str, Any]:
    """What the document of the first model says of all of them.

    Parameters
    ----------
    documents : at least two models, the first first.
    reports : where the report of each of the others lies; empty where none has been written.

    Returns
    -------
    dict
        ``models``, ``side_by_side`` and the rule of both.
    """
    entries = [entry_of(*each) for each in documents]
    for entry, report in zip(entries[1:], reports, strict=False):
        entry["report"] = report
    return {
        "models": entries,
        "side_by_side": side_by_side(entries),
        "rules": {**documents[0][1]["rules"], "side_by_side": SIDE_BY_SIDE_RULE},
    }


def entry_of(found: Evaluated, document: Document) -> Entry:
    """What of a model's document stands beside other models.

    Returns
    -------
    dict
        ``localisation`` are the rows of the first explainer on the model's default layer (where it was not asked for,
        on the first layer), each at its best threshold.
    """
    layer, explainer = found.plan.chief
    rows = [row for row in document["localisation"] if (row["layer"], row["explainer"]) == (layer, explainer)]
    predictions = document["predictions"]
    return {
        "model": found.card.id,
        "images": document["images"],
        "skipped": len(document["skipped"]),
        "classes": predictions["classes"],
        "positive_class": predictions["positive_class"],
        "explainer": explainer,
        "layer": layer,
        "predictions": {unit: _chief(predictions[unit]) for unit in _UNITS},
        "localisation": best_thresholds(rows),
    }


def _chief(table: Document | None) -> Document | None:
    """The scores that are read first, of the whole and of each class."""
    if table is None:
        return None
    return {
        "n": table["n"],
        "patients": table["patients"],
        "rule": table["rule"],
        "scores": _of_chief(table["scores"]),
        "classes": {each["class"]: _of_chief(each["scores"]) for each in table["classes"]},
    }


def _of_chief(scores: Document) -> dict[str, Any]:
    return {name: scores[name] for name in CHIEF_SCORES if name in scores}


def side_by_side(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Rows of one measure each.

    Returns
    -------
    list of dict
        ``unit`` (``patient``, ``slice`` or ``map``), ``class`` (empty for the whole), ``reader`` (of maps), ``measure``
        and ``values``: ``{"model", "value", "low", "high"}`` of every model, null where it has no such number.
    """
    rows: dict[tuple[str, str, str, str], dict[str, tuple[float | None, ...]]] = {}

    def put(entry: Entry, key: tuple[str, str, str, str], *values: float | None) -> None:
        rows.setdefault(key, {})[entry["model"]] = values

    alike = len({entry["positive_class"] for entry in entries}) == 1
    for unit, name in _UNITS.items():
        tables = [(entry, entry["predictions"][unit]) for entry in entries]
        known = [(entry, table) for entry, table in tables if table is not None and table["n"]]
        # One finding stands for the whole; of several, or of different ones, each stands for itself.
        single = alike and all("sensitivity" in table["scores"] for _, table in known)
        for entry, table in known:
            put(entry, (name, "", "", "n"), table["n"], None, None)
            groups = {"": table["scores"]} if single else {"": table["scores"], **table["classes"]}
            for group, scores in groups.items():
                for measure, score in scores.items():
                    put(entry, (name, group, "", measure), score["value"], score["low"], score["high"])
    for entry in entries:
        for row in entry["localisation"]:
            key = ("map", row["class"], row["reader"])
            put(entry, (*key, "n"), row["n"], None, None)
            for measure in _OF_MAPS:
                put(entry, (*key, measure), row[measure], row[f"{measure}_low"], row[f"{measure}_high"])
    return [
        {
            "unit": unit,
            "class": group,
            "reader": reader,
            "measure": measure,
            "values": [
                dict(
                    zip(("model", "value", "low", "high"), (name, *found.get(name, (None,) * 3)), strict=True)
                )
                for name in (entry["model"] for entry in entries)
            ],
        }
        for (unit, group, reader, measure), found in sorted(rows.items(), key=lambda each: _place(each[0]))
    ]


def _place(key: tuple[str, str, str, str]) -> tuple[Any, ...]:
    """Units, classes and readers together, scores in the order in which they are read."""
    unit, group, reader, measure = key
    order = ("n", *CHIEF_SCORES, *_OF_MAPS)
    return (*_UNITS.values(), "map").index(unit), group, reader, order.index(measure)


def table_rows(rows: Sequence[Document]) -> list[dict[str, Any]]:
    """The same as lines of a table, with three columns for each model."""
    return [
        {name: row[name] for name in ("unit", "class", "reader", "measure")}
        | {
            column: value
            for each in row["values"]
            for column, value in (
                (each["model"], each["value"]),
                (f"{each['model']} low", each["low"]),
                (f"{each['model']} high", each["high"]),
            )
        }
        for row in rows
    ]
