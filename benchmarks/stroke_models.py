"""``python -m benchmarks.stroke_models``: the study's networks side by side on unseen synthetic patients.

Writes ``docs/studies/stroke.md``: Table 2 of the study beside ours, where the maps of each network point, and
how they stand the mirror. Stopped, the same command goes on where it was.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.markdown import interval, number, table
from benchmarks.unseen_cases import SEED, on_one_line, unseen_cases
from viewer import api
from viewer.controllers.cohort.files import write_evaluation
from viewer.controllers.cohort.order import EvaluateOrder
from viewer.controllers.cohort.running import evaluate
from viewer.evaluation.agreement import correlation
from viewer.evaluation.checks.input_changes import flips_in_training
from viewer.evaluation.cohort_table import TABLE
from viewer.foundation.progress import Progress
from viewer.models.classifier import Classifier
from viewer.models.shelf import model_cards
from viewer.plugin_host import host
from viewer.reporting.cohort_page import best_thresholds

_PAGE = Path("docs/studies/stroke.md")
_EXPLAINERS = ("grad-cam", "grad-cam++", "hires-cam", "layer-cam", "xgrad-cam", "element-cam", "gradient")
_ILL, _WELL, _READER = "stroke", "no stroke", "simulated reader"
_VOLUMES = "stroke-3d"
_TWINS = ("stroke-gap-short", "stroke-gap-plain", "stroke-gap-unmirrored")
"""Trained alike, on the same patients, but for one thing each."""
_TWIN_LAYERS = ("relu4", "relu5")
_MIRRORED = 30
"""Patients whose map is compared with that of the mirrored input."""

_PUBLISHED = {
    # accuracy, sensitivity, specificity in percent, "AUC" and NLL of the study's Table 2; None where it gives none
    "stroke-baseline": (95.52, None, None, None, None),
    "stroke-dense": (94.83, 78.88, 99.28, 0.8908, 0.1668),
    "stroke-flat": (92.69, 69.23, 99.24, 0.8424, 0.3871),
    "stroke-gap": (94.34, 75.72, 99.54, 0.8763, 0.1994),
    "stroke-shallow": (89.77, 54.00, 99.75, 0.7687, 0.2821),
    "stroke-mrs": (92.06, None, None, None, 0.2329),
}
_ABOUT = """The networks learned from synthetic heads, and so are these patients, drawn apart from those of training.
The study's figures are of real patients whose slices were split without regard to whom they belong to. The two tables
do not compete: they show what the program says when the same question is put to both. The study's "AUC" was computed on
arg-max labels and is a balanced accuracy; it stands beside ours under that name."""
_PARTS = """Beside this page: [every explainer on every layer of `stroke-gap`](stroke_explainers.md), [scans that
differ from those of training](stroke_shifts.md), [the study's figures](stroke_experiments.md). `python -m
benchmarks.stroke_study` makes all four."""
_POINTING = """The slice with the highest probability of stroke of every patient with a lesion whom the network called
one, at the model's default layer; truth is the boxes of the simulated reader. IoU at the best of the thresholds 1, 2,
3, 5, 8, 10 and 20%, chosen after the fact. *Brightness* is the picture itself: an explainer that is no better has not
explained. What each network was taught stands on its card: heads that were trained on the convolutions of another
network are compared as heads, and not as networks of their own."""
_ABOUT_TWINS = """Three trainings of one recipe on the same 600 patients, with the same seed and as many steps (8 epochs
at half and 2 at full size, 6,400 slices each), much shorter than that of `stroke-gap`: with lesion masks and mirrored
pictures, without the masks, and without mirrored pictures. So a difference between two rows comes from that one thing,
or from chance: each was trained once. Maps are Grad-CAM, scored as above, and the mirror as below."""
_MIRROR = """Correlation of the Grad-CAM map of stroke at the model's default layer (a coarse layer is more forgiving)
with that of the mirrored input, mirrored back, on the slice with the highest probability of stroke; mean over patients
called stroke whose map is not empty."""

Row = Mapping[str, Any]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stroke_models")
    parser.add_argument("--patients", type=int, default=200)
    parser.add_argument("--volumes", type=int, help="patients for the network of volumes (default: all)")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("out/stroke-models"))
    options = parser.parse_args(arguments)
    progress = on_one_line()
    host.activate()
    cohort = unseen_cases(
        "stroke-dwi", options.patients, options.out / f"cohort-{options.patients}", progress
    )
    models = [name for name in (*_PUBLISHED, *_TWINS, _VOLUMES) if _has_weights(name)]
    documents = {name: _evaluated(name, cohort, options, progress) for name in models}
    mirrored = {name: _mirror(name, cohort, options.out, progress) for name in models if name != _VOLUMES}
    _PAGE.write_text(page(documents, mirrored, options), encoding="utf-8")
    print(f"\n{_PAGE}; tables and figures in {options.out}")


def _has_weights(name: str) -> bool:
    return any(card.id == name and card.weights is not None for card in model_cards()[0])


def _evaluated(name: str, cohort: Path, options: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    """Predictions of everybody, and maps of the slice that stands for each."""
    classes = api.load_model(name).classes
    degrees = len(classes) > 2
    if name == _VOLUMES and options.volumes:
        cohort = _with_other_rows(cohort, f"first-{options.volumes}", lambda rows: rows[: options.volumes])
    order = EvaluateOrder(
        _by_outcome(cohort, classes) if degrees else cohort,
        name,
        options.out / name,
        explainers=("grad-cam",) if degrees else _EXPLAINERS,
        layers=_TWIN_LAYERS if name in _TWINS else (),
        slices="peak",
        transforms=(),
        jobs=options.jobs,
    )
    return write_evaluation(evaluate(order, progress), progress)


def _by_outcome(cohort: Path, classes: tuple[str, ...]) -> Path:
    """The same cohort with the outcome as its label, as the network of outcomes has it."""

    def graded(rows: list[dict[str, str]]) -> list[dict[str, str]]:
        for row in rows:
            if row["label"] == _ILL:
                row["label"] = classes[1 if int(row["mrs"]) <= 2 else 2]
                boxes = [{**box, "label": row["label"]} for box in json.loads(row["boxes"])]
                row["boxes"] = json.dumps(boxes, separators=(",", ":"))
        return rows

    return _with_other_rows(cohort, "outcome", graded)


def _with_other_rows(
    cohort: Path, name: str, change: Callable[[list[dict[str, str]]], list[dict[str, str]]]
) -> Path:
    """The same images beside another table."""
    other = cohort.with_name(f"{cohort.name}-{name}")
    if (other / TABLE).is_file():
        return other
    shutil.copytree(cohort, other, copy_function=os.link, ignore=lambda _, names: {TABLE} & set(names))
    with (cohort / TABLE).open(newline="", encoding="utf-8") as stream:
        rows = change(list(csv.DictReader(stream)))
    with (other / TABLE).open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return other


def _mirror(name: str, cohort: Path, out: Path, progress: Progress) -> dict[str, Any]:
    """How alike the map and that of the mirrored input are."""
    kept = out / name / "mirror.json"
    if kept.is_file():
        found: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
        return found
    model = api.load_model(name)
    ill = [index for index, label in enumerate(model.classes) if label != _WELL]
    values: list[float] = []
    with (cohort / TABLE).open(newline="", encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["label"] == _ILL]
    for done, row in enumerate(rows):
        if len(values) == _MIRRORED:
            break
        progress.report(done, len(rows), f"mirroring for {name}")
        values += _correlations(model, api.read_image(cohort / row["path"]), ill)
    found = {
        "n": len(values),
        "mean": float(np.mean(values)) if values else None,
        "flips": flips_in_training(model.card),
    }
    kept.write_text(json.dumps(found), encoding="utf-8")
    return found


def _correlations(model: Classifier, image: api.MedicalImage, ill: list[int]) -> Iterator[float]:
    probabilities = np.array([each.probabilities for each in api.predict(model, image).slices])[:, ill]
    slice_, degree = np.unravel_index(int(probabilities.argmax()), probabilities.shape)
    if probabilities.sum(axis=1)[slice_] < 0.5:
        return
    both = [
        api.explain(model, image, explainer="grad-cam", target=ill[degree], slice=int(slice_), mirror=mirror)
        for mirror in (False, True)
    ]
    if all(each.state == "ok" for each in both):
        yield correlation(both[0].map, both[1].map).value


def page(
    documents: Mapping[str, Mapping[str, Any]],
    mirrored: Mapping[str, Mapping[str, Any]],
    options: argparse.Namespace,
) -> str:
    """The page in Markdown."""
    fewer = f" --volumes {options.volumes}" if options.volumes else ""
    parts = [
        "# The stroke study on unseen synthetic patients",
        f"Made by `python -m benchmarks.stroke_models --patients {options.patients}{fewer}` (seed {SEED}).",
        _ABOUT,
        _PARTS,
        *_predictions(documents),
        "## Where the maps point",
        _POINTING,
        _maps(documents),
        *_twins(documents, mirrored),
        "## The mirror",
        _MIRROR,
        table(
            ("model", "correlation", "mirrored in training", "n"),
            [
                (
                    name,
                    number(found["mean"]),
                    {True: "yes", False: "no"}.get(found["flips"], "not said"),
                    str(found["n"]),
                )
                for name, found in mirrored.items()
            ],
        ),
    ]
    skipped = [
        f"- {name}, {each['path']}: {each['reason']}"
        for name, d in documents.items()
        for each in d["skipped"]
    ]
    if skipped:
        parts += ["## Left out", "\n".join(skipped)]
    return "\n\n".join(parts) + "\n"


def _predictions(documents: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    yield "## Slice by slice"
    head = ("model", "accuracy", "sensitivity", "specificity", "AUC", "balanced accuracy", "NLL", "ECE", "n")
    yield table(
        head,
        [
            _ours(name, d["predictions"]["per_slice"])
            for name, d in documents.items()
            if d["predictions"]["per_slice"] and d["predictions"]["per_slice"]["n"]
        ],
    )
    yield "The study's own figures, in percent where it gives percent:"
    yield table(
        ("model", "accuracy", "sensitivity", "specificity", 'balanced accuracy (its "AUC")', "NLL"),
        [
            (name, *("-" if value is None else f"{value:g}" for value in values))
            for name, values in _PUBLISHED.items()
        ],
    )
    yield "## Patient by patient"
    yield "The slice with the highest probability of stroke stands for the patient; a network of volumes says one."
    yield table(head, [_ours(name, d["predictions"]["per_patient"]) for name, d in documents.items()])


def _ours(name: str, found: Mapping[str, Any]) -> tuple[str, ...]:
    scores = found["scores"]

    def cell(measure: str) -> str:
        score = scores.get(measure)
        if score is None:
            return "-"
        return f"{number(score['value'], 3)} {interval(score['low'], score['high'])}".strip()

    measures = ("accuracy", "sensitivity", "specificity", "auc", "balanced-accuracy", "nll", "ece")
    return (name, *(cell(measure) for measure in measures), str(found["n"]))


def _twins(
    documents: Mapping[str, Mapping[str, Any]], mirrored: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    """What the lesion masks and the mirroring of training change, where the three networks are there."""
    if not set(_TWINS) <= set(documents):
        return
    rows = []
    for name in _TWINS:
        document = documents[name]
        scores = document["predictions"]["per_slice"]["scores"]
        chief = [row for row in document["localisation"] if row["reader"] == _READER]
        best = {row["layer"]: row for row in best_thresholds(chief) if row["explainer"] == "grad-cam"}
        for layer in _TWIN_LAYERS:
            row = best[layer]
            rows.append(
                (
                    name,
                    number(scores["auc"]["value"], 3),
                    layer,
                    f"{number(row['iou'])} ({row['value']:g}%)",
                    f"{number(row['pointing'])} {interval(row['pointing_low'], row['pointing_high'], 2)}",
                    f"{number(row['energy'])} {interval(row['energy_low'], row['energy_high'], 2)}",
                    str(row["n"]),
                    number(mirrored[name]["mean"]),
                )
            )
    yield "## What masks and mirroring in training change"
    yield _ABOUT_TWINS
    yield table(
        ("model", "AUC, slices", "layer", "IoU (at)", "pointing", "energy inside", "n", "mirror"), rows
    )


def _maps(documents: Mapping[str, Mapping[str, Any]]) -> str:
    rows = []
    for name, document in documents.items():
        own = [row for row in document["localisation"] if row["reader"] == _READER]
        for row in best_thresholds(own):
            shown = row["explainer"].removeprefix("baseline:")
            rows.append(
                (
                    name,
                    f"*{shown}*" if shown != row["explainer"] else shown,
                    row["layer"],
                    f"{number(row['iou'])} {interval(row['iou_low'], row['iou_high'], 2)} ({row['value']:g}%)",
                    f"{number(row['pointing'])} {interval(row['pointing_low'], row['pointing_high'], 2)}",
                    f"{number(row['energy'])} {interval(row['energy_low'], row['energy_high'], 2)}",
                    str(row["n"]),
                )
            )
    return table(("model", "explainer", "layer", "IoU (at)", "pointing", "energy inside", "n"), rows)


if __name__ == "__main__":
    main()
