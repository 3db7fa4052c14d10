"""``python -m benchmarks.stroke_explainers``: what the maps of `stroke-gap` are worth on unseen synthetic patients.

Makes patients that no training has seen, evaluates the network with all explainers on all layers, and writes
``docs/studies/stroke_explainers.md``. Stopped, the same command goes on where it was.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.markdown import interval, number, table
from benchmarks.unseen_cases import SEED, on_one_line, unseen_cases
from viewer.controllers.cohort.files import write_evaluation
from viewer.controllers.cohort.look import BASELINE
from viewer.controllers.cohort.order import EvaluateOrder
from viewer.controllers.cohort.running import evaluate
from viewer.evaluation.prediction_table import CHIEF_SCORES
from viewer.explainers.declaration import EXPLAINERS
from viewer.plugin_host import host
from viewer.reporting.cohort_page import best_thresholds

_MODEL = "stroke-gap"
_PAGE = Path("docs/studies/stroke_explainers.md")
_SAMPLED = ("score-cam", "mc-dropout", "smoothgrad", "gradient-shap")
_SWITCHED = ("lime", "kernel-shap", "rise")
SLOW = (*_SAMPLED, *_SWITCHED)
"""Tens to thousands of passes a map: with fewer samples, and on the model's default layer alone."""
FEWER = {_SAMPLED: 20, _SWITCHED: 200}
_IS_A_BASELINE = "brightness"
"""An explainer of a plugin that shows the image; it stands among the baselines already."""
_ILL = "stroke"
_FRACTION = 5.0
_READER = "simulated reader"

_ABOUT = """The generator draws these patients apart from those of training. Everything here is about synthetic
heads: it says how the program measures and how its methods compare, and nothing about patients. The network was
trained with the lesion masks of such heads, so its maps are taught to point at lesions."""
_MAPS = """Truth is the boxes of the simulated reader. IoU is with the best box, at the best of the thresholds
1, 2, 3, 5, 8, 10 and 20% (in brackets), which is chosen after the fact; 95% intervals from drawing patients
again. *Overlap* is that of the maps of the two classes; *fall* is what p(stroke) loses when the most important 5%
of the pixels are replaced by the mean, on the peak slice of every patient with a lesion."""
_EXPERIMENTS = """Each figure of the stroke study, described and made from synthetic patients:
[the stroke study's figures](stroke_experiments.md)."""
_BASELINES = """Rows in italics know nothing of the network: the image's own brightness, a blob in the middle,
and a random value in each cell of the layer. An explainer that is no better has not explained."""

Row = Mapping[str, Any]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stroke_explainers")
    parser.add_argument("--patients", type=int, default=10)
    parser.add_argument("--quick", action="store_true", help="without explainers of many passes")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("out/stroke-explainers"))
    options = parser.parse_args(arguments)
    progress = on_one_line()
    folder = options.out / f"cohort-{options.patients}"
    cohort = unseen_cases("stroke-dwi", options.patients, folder, progress, by_label=True)
    host.activate()
    whole = EvaluateOrder(
        cohort,
        _MODEL,
        options.out / "predictions",
        explainers=("grad-cam",),
        targets=("stroke",),
        slices="peak",
        transforms=(),
        jobs=options.jobs,
    )
    ill = replace(
        whole,
        out=options.out / "maps",
        explainers=tuple(name for name in EXPLAINERS if name not in (*SLOW, _IS_A_BASELINE)),
        layers=("all",),
        split=_ILL,
        transforms=("mean",),
        fractions=(_FRACTION,),
    )
    orders = [whole, ill]
    for names, samples in () if options.quick else FEWER.items():
        settings = (("samples", str(samples)),)
        out = options.out / f"maps-{names[0]}"
        orders.append(replace(ill, explainers=names, layers=(), settings=settings, out=out))
    document = together([write_evaluation(evaluate(each, progress), progress) for each in orders])
    _PAGE.parent.mkdir(parents=True, exist_ok=True)
    _PAGE.write_text(page(document, options), encoding="utf-8")
    print(f"\n{_PAGE}; tables and figures in {options.out}")


def together(documents: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Predictions of the first evaluation with the maps of the others, and the baselines of the second alone."""
    first, second, *more = documents
    found = {**second, "predictions": first["predictions"], "skipped": first["skipped"]}
    for name in ("localisation", "pixel_importance", "class_overlap", "left_out", "not_counted"):
        rows = [row for document in more for row in document[name]]
        found[name] = [
            *second[name],
            *(row for row in rows if not row.get("explainer", "").startswith(BASELINE)),
        ]
    return found


def page(document: Mapping[str, Any], options: argparse.Namespace) -> str:
    """The page in Markdown."""
    chief = [row for row in document["localisation"] if row["reader"] == _READER]
    layers = [layer for layer in dict.fromkeys(row["layer"] for row in chief) if layer != "input"]
    overlap = {(row["explainer"], row["layer"]): row["overlap"] for row in document["class_overlap"]}
    fall = {
        (row["explainer"], row["layer"], row["fraction"]): row["delta"]
        for row in document["pixel_importance"]
        if row["class"] == row["map_class"]
    }
    explainers = list(dict.fromkeys(row["explainer"] for row in chief))
    of_layers = [
        name for name in explainers if any(r["explainer"] == name and r["layer"] in layers for r in chief)
    ]
    most = max((row["n"] for row in chief), default=0), max((row["patients"] for row in chief), default=0)
    command = f"python -m benchmarks.stroke_explainers --patients {options.patients}"
    parts = [
        "# stroke-gap on unseen synthetic patients",
        f"Made by `{command}{' --quick' if options.quick else ''}` (seed {SEED}).",
        _ABOUT,
        "## Predictions",
        *_predictions(document["predictions"]),
        "## Maps",
        f"{document['rules']['localisation'].capitalize()}; n is {most[0]} slices of {most[1]} patients at most.",
        _MAPS,
        "### The best layer of each explainer",
        table(
            (
                "explainer",
                "layer",
                "IoU (at)",
                "pointing",
                "energy inside",
                "overlap",
                "fall 5%",
                "n",
            ),
            [_map_cells(row, overlap, fall) for row in _first_of_each(best_thresholds(chief))],
        ),
        _BASELINES,
    ]
    for title, measure, rule in (
        ("Pointing", "pointing", "share of slices on which the map's highest pixel lies in a lesion"),
        ("Energy inside", "energy", "share of the map's positive mass in lesions"),
        ("Best IoU", "iou", "highest mean IoU over the thresholds"),
    ):
        parts += [
            f"### {title}, layer by method",
            f"{rule[:1].upper()}{rule[1:]}.",
            _grid(chief, layers, of_layers, measure),
        ]
    parts += [
        "### Overlap of the two classes, layer by method",
        "Sum of minima over sum of maxima: 0 when the maps are disjoint, 1 when they are equal.",
        table(
            ("layer", *(name for name in of_layers if any(key[0] == name for key in overlap))),
            [
                (
                    layer,
                    *(
                        number(overlap.get((name, layer)))
                        for name in of_layers
                        if any(k[0] == name for k in overlap)
                    ),
                )
                for layer in layers
            ],
        ),
        "## Experiments",
        _EXPERIMENTS,
        "## Left out",
        "\n".join(
            [
                f"- {', '.join(SLOW)}: tens to thousands of passes a map."
                if options.quick
                else f"- {', '.join(SLOW)} on other layers than the model's default; "
                + "; ".join(f"{', '.join(names)} have {n} samples" for names, n in FEWER.items())
                + " where they take samples.",
                f"- {_IS_A_BASELINE}: shows the image and stands among the baselines.",
                *(f"- {name}: {why}" for name, why in _reasons(document["left_out"]).items()),
                *(f"- {each['what']} ({each['times']} times)" for each in document["not_counted"]),
                *(f"- {each['path']}: {each['reason']}" for each in document["skipped"]),
            ]
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _predictions(predictions: Mapping[str, Any]) -> Iterable[str]:
    for unit in ("per_patient", "per_slice"):
        found = predictions[unit]
        counts = next(each["confusion"] for each in found["classes"] if each["class"] == "stroke")
        cells = ", ".join(f"{name.upper()} {counts[name]}" for name in ("tp", "fp", "fn", "tn"))
        rule = f"{found['unit_rule']}; {found['rule']}"
        yield f"{unit.replace('_', ' ').capitalize()} ({found['n']} of {found['patients']} patients; {rule}): {cells}."
        yield table(
            ("score", "value", "95%", "95%, patients drawn again"),
            [
                (
                    name,
                    number(score["value"], 3),
                    interval(score["low"], score["high"]),
                    interval(score["bootstrap_low"], score["bootstrap_high"]),
                )
                for name, score in found["scores"].items()
                if name in CHIEF_SCORES
            ],
        )


def _first_of_each(rows: list[Row]) -> list[Row]:
    """The best row of each explainer."""
    best: dict[str, Row] = {}
    for row in rows:
        best.setdefault(row["explainer"], row)
    return list(best.values())


def _map_cells(row: Row, overlap: Mapping[Any, Any], fall: Mapping[Any, Any]) -> tuple[str, ...]:
    name, layer = row["explainer"], row["layer"]
    shown = f"*{name.removeprefix('baseline:')}*" if name.startswith("baseline:") else name
    key = (name, "input" if name == "baseline:random" else layer)
    return (
        shown,
        layer,
        f"{number(row['iou'])} {interval(row['iou_low'], row['iou_high'], 2)} ({row['value']:g}%)",
        f"{number(row['pointing'])} {interval(row['pointing_low'], row['pointing_high'], 2)}",
        f"{number(row['energy'])} {interval(row['energy_low'], row['energy_high'], 2)}",
        number(overlap.get((name, layer))),
        number(fall.get((*key, _FRACTION))),
        str(row["n"]),
    )


def _grid(rows: list[Row], layers: list[str], names: list[str], measure: str) -> str:
    best: dict[tuple[str, str], float] = {}
    for row in rows:
        key = (row["explainer"], row["layer"])
        if row[measure] is not None:
            best[key] = max(best.get(key, 0.0), row[measure])
    head = ("layer", *(f"*{name.removeprefix('baseline:')}*" if ":" in name else name for name in names))
    return table(head, [(layer, *(number(best.get((name, layer))) for name in names)) for layer in layers])


def _reasons(left_out: list[Row]) -> dict[str, str]:
    return {each["explainer"]: each["reason"] for each in left_out}


if __name__ == "__main__":
    main()
