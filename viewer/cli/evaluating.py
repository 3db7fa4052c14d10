"""``evaluate``: predictions and maps of a whole cohort, as tables, figures and one report."""

from __future__ import annotations

from argparse import Namespace
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from viewer.cli.answer import Answer, table
from viewer.cli.asking import split_names, wish_of
from viewer.cli.terminal import Terminal
from viewer.controllers.cohort.files import write_evaluation
from viewer.controllers.cohort.look import BASELINE, BRIGHTNESS
from viewer.controllers.cohort.order import FRACTIONS, TRANSFORMS, EvaluateOrder
from viewer.controllers.cohort.side_by_side import evaluate_each
from viewer.evaluation.cohort_table import read_disputes
from viewer.evaluation.iou_curve import PERCENTAGES
from viewer.evaluation.prediction_table import CHIEF_SCORES
from viewer.foundation.errors import UsageError

_NONE = "none"
_SHOWN = 12


def evaluate(options: Namespace, terminal: Terminal) -> Answer:
    """Evaluate a cohort. Ctrl-C stops after an image; the same command goes on from there."""
    models = _models(options.model)
    order = EvaluateOrder(
        cohort=options.cohort,
        model=models[0],
        out=options.out,
        explainers=split_names(options.explainers),
        layers=split_names(options.layers),
        targets=split_names(options.target),
        settings=tuple(options.set),
        score=options.score,
        wish=wish_of(options),
        device=options.device,
        slices=options.slices,
        rule=options.rule,
        values=_numbers(options.values, "values")
        or (PERCENTAGES if options.rule == "top-percent" else (0.5,)),
        transforms=_transforms(options.transforms),
        fractions=_numbers(options.fractions, "fractions") or FRACTIONS,
        split=options.split,
        include=options.include,
        jobs=options.jobs,
        misclassified=options.misclassified,
        disputes={} if options.disputed is None else read_disputes(options.disputed),
        draws=options.draws,
        examples=options.examples,
        seed=options.seed,
    )
    with terminal.stoppable():
        found, *others = evaluate_each(order, models, terminal.progress)
        document = write_evaluation(found, terminal.progress, beside=others)
    for each in document["skipped"]:
        terminal.warn(f"skipped '{each['path']}': {each['reason']}")
    for each in document["left_out"]:
        terminal.warn(f"left out {each['explainer']} on {each['layer']}: {each['reason']}")
    for each in document["not_counted"]:
        terminal.warn(
            f"not counted ({each['times']} times in {each['images']} images): {each['what'].rstrip('.')}."
        )
    for each in document.get("models", ())[1:]:
        if each["skipped"]:
            terminal.warn(
                f"the model '{each['model']}' skipped {each['skipped']} images; they are named in its folder."
            )
    return Answer(document, _described(document))


def _models(text: str) -> tuple[str, ...]:
    """Several between commas; a folder whose name has one is a folder."""
    return (text,) if "," not in text or Path(text).exists() else split_names([text])


def _numbers(words: list[str], option: str) -> tuple[float, ...]:
    try:
        return tuple(float(word) for word in split_names(words))
    except ValueError:
        raise UsageError(f"--{option} takes numbers between commas.") from None


def _transforms(words: list[str]) -> tuple[str, ...]:
    names = split_names(words)
    return () if names == (_NONE,) else names or TRANSFORMS


def _described(document: dict[str, Any]) -> str:
    parts = [
        f"{document['images']} images of {document['patients']} patients, {len(document['skipped'])} skipped"
    ]
    if document["disputed"]:
        outcomes = Counter(each["outcome"] or "truth unknown" for each in document["disputed"])
        said = ", ".join(f"{name} {count}" for name, count in outcomes.items())
        parts.append(f"{len(document['disputed'])} with a disputed label, counted apart: {said}")
    for unit in ("per_patient", "per_slice"):
        found = document["predictions"][unit]
        if found is None or not found["n"]:
            continue
        rows = [
            (name, _number(score["value"]), _interval(score["low"], score["high"]), score["rule"])
            for name, score in found["scores"].items()
            if name in CHIEF_SCORES
        ]
        parts.append(f"{unit.replace('_', ' ')} ({found['n']}), {found['rule']}; {found['unit_rule']}")
        parts.append(table(("score", "value", "95%", "rule"), rows))
    from viewer.reporting.cohort_page import best_thresholds

    best = best_thresholds(document["localisation"])
    if best:
        parts.append(f"localisation: {document['rules']['localisation']}")
        parts.append(
            table(
                ("class", "explainer", "layer", "reader", "best %", "IoU", "pointing", "energy", "n"),
                [
                    (
                        row["class"],
                        row["explainer"],
                        row["layer"],
                        row["reader"],
                        f"{row['value']:g}",
                        _number(row["iou"]),
                        _number(row["pointing"]),
                        _number(row["energy"]),
                        row["n"],
                    )
                    for row in best[:_SHOWN]
                ],
            )
        )
        if len(best) > _SHOWN:
            parts.append(f"and {len(best) - _SHOWN} more rows in localisation.csv")
        parts += _beaten_by_brightness(best)
    if document.get("side_by_side"):
        parts.append("models side by side: " + document["rules"]["side_by_side"])
        parts.append(_compared(document["side_by_side"]))
    parts.append(f"report: {document['files']['report']}")
    return "\n".join(parts)


def _beaten_by_brightness(best: Sequence[Mapping[str, Any]]) -> list[str]:
    """In a sentence for each class and reader which maps are no better than the image's own brightness."""
    sentences = []
    for bright in (row for row in best if row["explainer"] == BRIGHTNESS and row["iou"] is not None):
        beaten = [
            f"{row['explainer']} on {row['layer']} ({_number(row['iou'])})"
            for row in best
            if (row["class"], row["reader"]) == (bright["class"], bright["reader"])
            and not row["explainer"].startswith(BASELINE)
            and (row["iou"] or 0.0) <= bright["iou"]
        ]
        if beaten:
            sentences.append(
                f"the image's own brightness, which knows nothing of the network, finds {bright['class']} of "
                f"'{bright['reader']}' as well or better (IoU {_number(bright['iou'])}) than {', '.join(beaten)}"
            )
    return sentences


def _compared(rows: list[dict[str, Any]]) -> str:
    head = ("of", "class", "reader", "score", *(each["model"] for each in rows[0]["values"]))
    cells = [
        (
            row["unit"],
            row["class"],
            row["reader"],
            row["measure"],
            *(
                f"{each['value']}"
                if row["measure"] == "n" and each["value"] is not None
                else f"{_number(each['value'])} {_interval(each['low'], each['high'])}".strip()
                for each in row["values"]
            ),
        )
        for row in rows
    ]
    return table(head, cells)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:.3f}-{high:.3f}"
