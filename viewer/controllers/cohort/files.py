"""An evaluated cohort as files: tables, figures, one page, and what made them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from viewer.controllers.cohort.examples import example_figures, example_rows, examples
from viewer.controllers.cohort.running import Evaluated
from viewer.controllers.cohort.side_by_side import FOLDER, compare, table_rows
from viewer.controllers.map_files import make_folder
from viewer.foundation.progress import SILENT, Progress
from viewer.foundation.provenance import provenance, write_provenance
from viewer.foundation.whole_file import write_whole

DOCUMENT, PAGE, RECORD = "evaluation.json", "report.html", "provenance.json"
_TABLES = (
    "localisation",
    "places",
    "pixel_importance",
    "focus",
    "class_overlap",
    "readers",
    "skipped",
    "second_look",
    "disputed",
)
_ON_PAGE_DPI = 160


def write_evaluation(
    found: Evaluated, progress: Progress = SILENT, *, beside: Sequence[Evaluated] = ()
) -> dict[str, Any]:
    """Write everything into the folder of the order.

    Parameters
    ----------
    beside : other models on the same cohort; everything about each goes into a folder of its own, and what is compared
        stands beside the first.

    Returns
    -------
    dict
        The document of ``whyslice evaluate``; ``files`` says what was written.

    Raises
    ------
    ExportError
        When a file cannot be written.
    """
    from viewer.reporting.class_figures import percentage_tables
    from viewer.reporting.cohort_figures import cohort_figures, rendered
    from viewer.reporting.cohort_page import cohort_page

    out = found.order.out
    progress.report(0, 1, "putting the tables together")
    document = found.summary().document
    tables = {name: document[name] for name in _TABLES} | {
        "cases": _case_rows(document),
        "predictions": _prediction_rows(document),
        "iou_by_percentage": percentage_tables(document),
    }
    if beside:
        others = []
        for each in beside:
            folder = out / FOLDER / each.card.id
            make_folder(folder)
            others.append(write_evaluation(replace(each, order=replace(each.order, out=folder)), progress))
        every = list(zip((found, *beside), (document, *others), strict=True))
        document |= compare(every, [other["files"]["report"] for other in others])
        tables["models"] = table_rows(document["side_by_side"])
    written = []
    pictures: dict[str, bytes] = {}
    shown = examples(found, document, found.order.examples, progress)
    tables |= {"example_iou": example_rows(shown)}
    for name, rows in tables.items():
        if not rows:  # a table without a line has no columns either
            continue
        path = out / f"{name}.csv"
        write_whole(path, _csv(rows).encode())
        written.append(path.name)
    for name, figure in (*cohort_figures(document), *example_figures(shown, found.plan.classes)):
        progress.report(0, 1, f"drawing {name.replace('_', ' ')}")
        for kind in ("png", "pdf"):
            write_whole(out / f"{name}.{kind}", rendered(figure, kind))
            written.append(f"{name}.{kind}")
        pictures[name] = rendered(figure, "png", _ON_PAGE_DPI)
    if found.order.misclassified:
        written += _write_misclassified(found, document, progress)
    record = record_of(found)
    write_provenance(out / RECORD, record)
    write_whole(out / PAGE, cohort_page(document, pictures, record).encode())
    document["provenance"] = str(out / RECORD)
    document["files"] = {
        "folder": str(out),
        "report": str(out / PAGE),
        "document": str(out / DOCUMENT),
        "written": [*written, PAGE, RECORD, DOCUMENT],
    }
    write_whole(out / DOCUMENT, (json.dumps(document, allow_nan=False, indent=1) + "\n").encode())
    return document


def _write_misclassified(found: Evaluated, document: dict[str, Any], progress: Progress) -> list[str]:
    """The figure of the cases that the model gets wrong, those with a disputed label too; names of its files."""
    from viewer.controllers.cohort.misclassified import Wrong, misclassified
    from viewer.reporting.page import save_pages

    finding = found.card.positive_class or found.card.classes[0]
    outcomes = {case["path"]: case["outcomes"].get(finding, "") for case in document["cases"]}
    disputed = {each["path"]: each["outcome"] for each in document["disputed"]}
    wrong = [
        Wrong(image, number, outcome, image.path in disputed)
        for number, image in enumerate(found.cohort.images, start=1)
        if (outcome := disputed.get(image.path) or outcomes.get(image.path, "")) in ("FN", "FP")
    ]
    if not wrong:
        document["misclassified"] = {"value": None, "sentence": "No case is misclassified.", "cases": []}
        return []
    order = found.order
    shown = misclassified(order.model, wrong, progress, device=order.device, most=order.misclassified)
    document["misclassified"] = shown.to_json()
    names = [f"misclassified.{kind}" for kind in ("png", "pdf")]
    for name in names:
        save_pages(order.out / name, (shown.page,))
    return names


def record_of(found: Evaluated) -> dict[str, Any]:
    """Enough to make the evaluation again; images by the hash of their voxels, not by name."""
    request = {
        name: value
        for name, value in found.plan.to_json().items()
        if name not in ("model", "weights_sha256", "left_out")
    }
    request |= {"include": found.order.include, "split": found.order.split, "draws": found.order.draws}
    return provenance(
        model=found.card.id,
        weights_sha256=found.plan.weights_sha256,
        fingerprint=found.plan.fingerprint,
        request=request,
        inputs_sha256=[record["sha256"] for record in found.records],
        images=len(found.records),
        skipped=len(found.skipped),
        disputed=sum(bool(image.disputed) for image in found.cohort.images),
    )


def _case_rows(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    classes = document["predictions"]["classes"]
    return [
        {
            "path": case["path"],
            "case": case["case"],
            "split": case["split"],
            "truth": "" if case["classes"] is None else ";".join(case["classes"]),
            **{f"p({name})": p for name, p in zip(classes, case["probabilities"], strict=True)},
            "slice": case["slice"],
            **{f"outcome({name})": case["outcomes"].get(name, "") for name in classes},
            "applicability": case["applicability"],
            "sha256": case["sha256"],
        }
        for case in document["cases"]
    ]


def _prediction_rows(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row per unit, class and score; the scores of the whole stand under an empty class."""
    rows: list[dict[str, Any]] = []
    for unit in ("per_patient", "per_slice"):
        table = document["predictions"][unit]
        if table is None:
            continue
        groups = [("", table["scores"]), *((each["class"], each["scores"]) for each in table["classes"])]
        for name, scores in groups:
            rows += [
                {"unit": table["unit"], "class": name, "score": key, **score} for key, score in scores.items()
            ]
        for each in table["classes"]:
            rows += [
                {"unit": table["unit"], "class": each["class"], "score": cell, "value": count}
                for cell, count in each["confusion"].items()
            ]
    return rows


def _csv(rows: Iterable[Mapping[str, Any]]) -> str:
    """A table whose columns are all that any row has."""
    listed: Sequence[Mapping[str, Any]] = list(rows)
    columns = list(dict.fromkeys(name for row in listed for name in row))
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, columns, lineterminator="\r\n")
    writer.writeheader()
    for row in listed:
        writer.writerow({name: _cell(value) for name, value in row.items()})
    return stream.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return ";".join(map(str, value))
    # A spreadsheet takes a text that begins so for a formula.
    if isinstance(value, str) and value[:1] in "=+@\t\r" and value:
        return f"'{value}"
    return value


def remembered(folder: Path) -> dict[str, Any] | None:
    """The document of an earlier evaluation; None where there is none that can be read."""
    try:
        found = json.loads((folder / DOCUMENT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and "predictions" in found else None
