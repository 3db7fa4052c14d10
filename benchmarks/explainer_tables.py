"""``python -m benchmarks.explainer_tables``: what every explainer is worth on synthetic cases, and what it takes.

Writes a part of ``docs/explainers.md``: a table for each cohort whose plugin and model are there. Stopped, the same
command goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.markdown import interval, number, table
from benchmarks.measuring import best_of
from benchmarks.stroke_explainers import FEWER, SLOW, together
from benchmarks.unseen_cases import SEED, on_one_line, unseen_cases
from viewer import api
from viewer.controllers.cohort.files import write_evaluation
from viewer.controllers.cohort.look import BASELINE, BRIGHTNESS
from viewer.controllers.cohort.order import FRACTIONS, EvaluateOrder
from viewer.controllers.cohort.running import evaluate
from viewer.explainers.declaration import EXPLAINERS
from viewer.explainers.explainer_info import INPUT_LAYER
from viewer.foundation.errors import WhySliceError
from viewer.foundation.progress import Progress
from viewer.imaging.image import MedicalImage
from viewer.models.classifier import Classifier
from viewer.models.shelf import model_cards
from viewer.plugin_host import host
from viewer.training.generator import GENERATORS

_PAGE = Path("docs/explainers.md")
_BEGIN, _END = "<!-- measured -->", "<!-- end of what is measured -->"
_CHECK = "weight-randomisation"
_BRIGHTNESS = "brightness"
"""The explainer of a plugin that shows the image: measured like the others, and listed with the baselines."""
_FEWER = {
    "lime": {"samples": 60},
    "kernel-shap": {"samples": 60},
    "rise": {"samples": 60},
    "smoothgrad": {"samples": 10},
    "gradient-shap": {"samples": 10},
    "mc-dropout": {"samples": 10},
    "integrated-gradients": {"steps": 10},
    "occlusion": {"stride": 16},
}
"""Under random weights each map is made two dozen times."""
_LONG = 4000.0
"""Milliseconds from which on a map is timed once."""

Row = Mapping[str, Any]
Measured = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Study:
    """A cohort and the model that is asked about it.

    Attributes
    ----------
    split : the part of the cohort whose maps are made; empty for all.
    cases : what is drawn, in words.
    """

    title: str
    generator: str
    model: str
    split: str
    cases: str


_STUDIES = (
    Study("Stroke: diffusion-weighted images", "stroke-dwi", "stroke-gap", "stroke", "patients"),
    Study("Chest: X-ray films of several findings", "chest-xray", "chest-resnet18", "", "films"),
)

_INTRODUCTION = """What every explainer is worth on synthetic cases that no training has seen, and what it takes.
Everything here is about synthetic images and the bundled networks: it says how explainers compare there, and nothing
about patients. The bundled networks were trained with the masks of their lesions where their cards say so; their maps
are then taught to point at them. Explainers of a layer are measured on the model's default layer; which layer is best
for each is in the [study of stroke-gap](studies/stroke_explainers.md)."""
_COLUMNS = """- **pointing**: share of maps whose highest pixel lies in what the reader marked.
- **energy**: share of the map's positive mass that lies there.
- **IoU**: of each marked region with the best box of the map, at the threshold (most important percent of the
  pixels, in brackets) that is best for the explainer; it is chosen after the fact, for all explainers alike. In square
  brackets the 95% interval from drawing patients again; over several classes there is none.
- **deletion**: what the probability of the class loses when the most important pixels are replaced by the mean,
  averaged over 2, 5, 10, 20 and 50% of the pixels. Higher is better.
- **random weights**: mean rank correlation of the map with those of networks that are random from the output down. A
  map that stays has not been made by what the network learned: from 0.35 on it is doubtful, from 0.5 on it fails.
- **time**: from the picture to one map, time of the processor on one thread, other programs not counted. The six
  explainers of one trace (Grad-CAM to element-wise Grad-CAM) take that together.

Rows in italics are baselines that ask the network nothing: the image's own brightness, a blob in the middle, a random
value in each cell of the layer. **An explainer that is no better than brightness has not explained.**"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.explainer_tables")
    parser.add_argument("--cases", type=int, default=8, help="of each cohort (default 8)")
    parser.add_argument("--checked", type=int, default=1, help="of them under random weights (default 1)")
    parser.add_argument("--jobs", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("out/explainer-tables"))
    options = parser.parse_args()
    host.activate()
    command = f"python -m benchmarks.explainer_tables --cases {options.cases} --checked {options.checked}"
    parts = [
        f"Made by `{command}` (seed {SEED}).",
        _INTRODUCTION,
        _COLUMNS,
    ]
    models = {card.id for card in model_cards()[0]}
    for study in _STUDIES:
        if study.generator in GENERATORS and study.model in models:
            parts += _section(study, options, on_one_line())
    before, _, rest = _PAGE.read_text(encoding="utf-8").partition(_BEGIN)
    _, _, after = rest.partition(_END)
    _PAGE.write_text(before + "\n\n".join([_BEGIN, *parts, _END]) + after, encoding="utf-8")
    print(f"\n{_PAGE}; tables in {options.out}")


def _section(study: Study, options: argparse.Namespace, progress: Progress) -> list[str]:
    folder = options.out / study.model
    cohort = unseen_cases(
        study.generator,
        options.cases,
        folder / f"cohort-{options.cases}",
        progress,
        by_label=bool(study.split),
    )
    order = EvaluateOrder(
        cohort,
        study.model,
        folder / "maps",
        explainers=tuple(name for name in EXPLAINERS if name not in SLOW),
        slices="peak",
        split=study.split,
        transforms=("mean",),
        jobs=options.jobs,
    )
    orders = [
        order,
        *(
            replace(
                order,
                explainers=names,
                settings=(("samples", str(samples)),),
                out=folder / f"maps-{names[0]}",
            )
            for names, samples in FEWER.items()
        ),
    ]
    found = [write_evaluation(evaluate(each, progress), progress) for each in orders]
    document = together([found[0], *found])
    rows = _of_reader(document["localisation"])
    missing = {each["explainer"] for each in document["left_out"]}
    names = [name for name in EXPLAINERS if name not in missing]
    classifier = api.load_model(study.model)
    asked = _asked(document, cohort, rows, max(1, options.checked))
    measured = _measured(
        classifier, names, asked, options.checked, folder / f"measured-{options.checked}.json", progress
    )
    lines = sorted(
        (_line(name, rows, document, measured) for name in _listed(names)), key=lambda each: each[0]
    )
    counted = max((row["n"] for row in rows), default=0), max((row["patients"] for row in rows), default=0)
    fewer = "; ".join(f"{', '.join(names)} {samples}" for names, samples in FEWER.items())
    few = ", ".join(
        f"{name} {what} {value}" for name, given in _FEWER.items() for what, value in given.items()
    )
    layer = next((row["layer"] for row in rows if row["layer"] != INPUT_LAYER), INPUT_LAYER)
    about = (
        f"`{study.model}`, layer {layer}; {options.cases} {study.cases} drawn, maps of "
        f"{'those with the finding' if study.split else 'all'}: {document['rules']['localisation']}. At most "
        f"{counted[0]} maps of {counted[1]} {study.cases} count for pointing, energy and IoU. Parameters are the "
        f"defaults but for the number of samples where there is one ({fewer}); times are those of the defaults. "
        f"Random weights: {options.checked} maps of each explainer, each against two draws of up to twelve "
        f"stages, with fewer rounds ({few})."
    )
    return [
        f"### {study.title}",
        about,
        table(
            ("explainer", "pointing", "energy", "IoU (at)", "deletion", "random weights", "time", "n"),
            [cells for _, cells in lines],
        ),
        "\n".join(
            [
                *(f"- {each['explainer']}: {each['reason']}" for each in document["left_out"]),
                *(f"- {each['what']} ({each['times']} times)" for each in document["not_counted"]),
                *(f"- {each['path']}: {each['reason']}" for each in document["skipped"]),
                *(f"- {name} under random weights: {why}" for name, why in _reasons(measured).items()),
            ]
        ),
    ]


def _of_reader(rows: Iterable[Row]) -> list[Row]:
    """Those of one reader: the boxes that the generator drew as a reader would, else its masks."""
    found = list(rows)
    readers = list(dict.fromkeys(row["reader"] for row in found))
    chosen = next((reader for reader in readers if reader != "mask"), readers[0] if readers else "")
    return [row for row in found if row["reader"] == chosen]


def _asked(
    document: Row, cohort: Path, rows: Sequence[Row], count: int
) -> list[tuple[MedicalImage, int | None, str]]:
    """Image, slice and class of some cases whose finding was found."""
    classes = list(dict.fromkeys(row["class"] for row in rows))
    found: list[tuple[MedicalImage, int | None, str]] = []
    for case in document["cases"]:
        name = next((name for name in classes if case["outcomes"].get(name) == "TP"), None)
        if name is not None and len(found) < count:
            found.append((api.read_image(cohort / case["path"]), case["slice"], name))
    return found


def _measured(
    classifier: Classifier,
    names: Iterable[str],
    asked: Sequence[tuple[MedicalImage, int | None, str]],
    checked: int,
    file: Path,
    progress: Progress,
) -> Measured:
    """Explainer -> ``ms`` of a map, and ``kept`` under random weights, each value once it is known, kept in a file."""
    known: Measured = json.loads(file.read_text()) if file.is_file() else {}
    for name in names:
        if name in known or not asked:
            continue
        image, index, target = asked[0]
        task = partial(api.explain, classifier, image, explainer=name, slice=index, target=target)
        [milliseconds] = best_of([task], repeats=1, warm=0)
        if milliseconds < _LONG:
            [milliseconds] = best_of([task], repeats=3, warm=0)
        kept, why = [], ""
        for count, (image, index, target) in enumerate(asked[:checked]):
            progress.report(count, checked, f"{name} under random weights")
            try:
                [found] = api.check(
                    classifier,
                    image,
                    explainer=name,
                    slice=index,
                    target=target,
                    checks=[_CHECK],
                    **_FEWER.get(name, {}),
                )
            except WhySliceError as error:
                why = error.sentence
                continue
            kept.append(found.value)
            why = why or (found.sentence if found.value is None else "")
        known[name] = {"ms": milliseconds, "kept": kept, "why": why}
        file.write_text(json.dumps(known, indent=1))
    return known


def _reasons(measured: Measured) -> dict[str, str]:
    return {name: each["why"] for name, each in measured.items() if each["why"]}


def _listed(names: Iterable[str]) -> list[str]:
    return [*names, f"{BASELINE}random", f"{BASELINE}centre"]


def _line(
    name: str, rows: Sequence[Row], document: Row, measured: Measured
) -> tuple[tuple[float, str], tuple[str, ...]]:
    """What to sort by, and the cells of an explainer: means over classes, weighed by their maps."""
    source = BRIGHTNESS if name == _BRIGHTNESS else name
    own = [row for row in rows if row["explainer"] == source]
    if name == f"{BASELINE}random" and own:  # of the layer that the explainers stand on
        layer = next((row["layer"] for row in own if row["layer"] != INPUT_LAYER), INPUT_LAYER)
        own = [row for row in own if row["layer"] == layer]
    values = list(dict.fromkeys(row["value"] for row in own))
    at = max(values, key=lambda value: _mean(own, value, "iou") or 0.0, default=0.0)
    chosen = [row for row in own if row["value"] == at]
    single = chosen[0] if len(chosen) == 1 else {}
    iou = _mean(own, at, "iou")
    known = measured.get(name, {})
    kept = [value for value in known.get("kept", ()) if value is not None]
    shown = name.removeprefix(BASELINE)
    return (-(iou or 0.0), name), (
        f"*{shown}*" if name != shown or name == _BRIGHTNESS else shown,
        number(_mean(own, at, "pointing")),
        number(_mean(own, at, "energy")),
        f"{number(iou)} {interval(single.get('iou_low'), single.get('iou_high'), 2)}".rstrip()
        + f" ({at:g}%)",
        number(_deletion(name, document)),
        number(math.fsum(kept) / len(kept) if kept else None),
        _time(known.get("ms")) if not name.startswith(BASELINE) else "",
        str(sum(row["n"] for row in chosen)),
    )


def _mean(rows: Iterable[Row], value: float, measure: str) -> float | None:
    known = [row for row in rows if row["value"] == value and row[measure] is not None]
    n = sum(row["n"] for row in known)
    return math.fsum(row[measure] * row["n"] for row in known) / n if n else None


def _deletion(name: str, document: Row) -> float | None:
    """Mean fall of the class's probability over all fractions and classes."""
    found: dict[float, list[tuple[float, int]]] = {}
    for row in document["pixel_importance"]:
        if row["explainer"] == name and row["class"] == row["map_class"] and row["delta"] is not None:
            found.setdefault(row["fraction"], []).append((row["delta"], row["n"]))
    if set(found) != set(FRACTIONS):
        return None
    each = [math.fsum(d * n for d, n in pairs) / sum(n for _, n in pairs) for pairs in found.values()]
    return math.fsum(each) / len(each)


def _time(milliseconds: float | None) -> str:
    if milliseconds is None:
        return "-"
    return f"{milliseconds / 1000:.1f} s" if milliseconds >= 1000 else f"{milliseconds:.0f} ms"


if __name__ == "__main__":
    main()
