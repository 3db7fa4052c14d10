"""``python -m benchmarks.chest_study``: the tables of the chest X-ray study, on unseen synthetic films, beside its own.

Makes films that no training has seen, evaluates a multilabel network on them with every explainer there is, erases the
burned-in markers, and writes ``docs/studies/chest_xray.md``. Stopped, the same command goes on where it was.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.markdown import interval, number, table
from benchmarks.stroke_study import together
from benchmarks.unseen_cases import SEED, on_one_line, unseen_cases
from viewer import api
from viewer.controllers.cohort.files import write_evaluation
from viewer.controllers.cohort.order import EvaluateOrder
from viewer.controllers.cohort.running import evaluate
from viewer.evaluation.cohort_table import TABLE
from viewer.explainers.declaration import EXPLAINERS
from viewer.foundation.errors import WhySliceError
from viewer.foundation.progress import Progress
from viewer.plugin_host import host

_MODEL = "chest-resnet18"
_GENERATOR = "chest-xray"
_PAGE = Path("docs/studies/chest_xray.md")
_PICTURES = ("examples", "iou_of_classes", "importance_of_classes")
_TRACED = ("grad-cam", "grad-cam++", "layer-cam", "hires-cam", "xgrad-cam", "element-cam")
_FEWER = {("score-cam", "mc-dropout", "gradient-shap"): 10, ("lime", "kernel-shap", "rise"): 100}
"""Explainers of many passes, with fewer samples than usual."""
_NOISY = ("0.1", "0.2")
"""Noise of SmoothGrad over Grad-CAM, fractions of the input's range; 50 samples, as published."""
_IS_A_BASELINE = "brightness"
_TRANSFORMS = ("mean", "blur-11", "blur-21")
_CHECKED = ("grad-cam", "grad-cam++", "layer-cam", "hires-cam", "eigen-cam", "gradient", "input-x-gradient",
            "guided-backprop", "deconvnet", "guided-grad-cam", "lrp")  # fmt: skip
"""Explainers of a few passes: their maps are made again under random weights."""
_ALL_READERS = "all readers"
_HEALTHY = "No finding"

# Chrysoula 2023: F1 (Table 3, 7 classes) and mean IoU at 1, 2, 3, 5, 8, 10, 20% (Table 6).
_PUBLISHED_F1 = {
    "Aortic enlargement": 0.86,
    "Cardiomegaly": 0.83,
    "Lung opacity": 0.55,
    "Pleural effusion": 0.69,
    "Pleural thickening": 0.65,
    "Pulmonary fibrosis": 0.57,
    _HEALTHY: 0.96,
}
_PUBLISHED_MICRO = 0.81
_PERCENT = (1, 2, 3, 5, 8, 10, 20)
_PUBLISHED_IOU = {
    "Aortic enlargement": (0.178, 0.201, 0.192, 0.154, 0.114, 0.094, 0.05),
    "Cardiomegaly": (0.126, 0.195, 0.223, 0.237, 0.223, 0.213, 0.162),
    "Lung opacity": (0.085, 0.123, 0.136, 0.15, 0.135, 0.125, 0.087),
    "Pleural effusion": (0.095, 0.134, 0.152, 0.173, 0.178, 0.172, 0.127),
    "Pleural thickening": (0.019, 0.024, 0.023, 0.023, 0.02, 0.018, 0.012),
    "Pulmonary fibrosis": (0.057, 0.07, 0.076, 0.078, 0.067, 0.061, 0.047),
}

_ABOUT = """The generator draws these films apart from those of training. Everything here is about synthetic films: it
says how the program measures and how its methods compare, and nothing about patients. The published numbers are of
real films (VinDr-CXR), another network (ResNet-50) and seven classes of the same names; they stand beside ours to show
the same tables, not to be beaten."""
_EVERY = """Means over classes of the best IoU at any percentage, pointing and energy inside; rows in italics know
nothing of the network. An explainer that is no better has not explained. The first six explainers and the baselines are
measured on all films, the others on the first {slow} of them, which is why n differs."""
_CHECKS = """Seconds a map are of one core of a busy machine, with the samples named below. Areas under the curves of
deletion (low is good) and insertion (high is good; 10 steps, mean) and the mean rank correlation of the map with those
under random weights (low is good) are of the surest class of {checked} films, random weights of the first 2 of them."""

Document = Mapping[str, Any]
Row = Mapping[str, Any]


def shown_name(explainer: str) -> str:
    """An explainer; what knows nothing of the network in italics."""
    return f"*{explainer.removeprefix('baseline:')}*" if explainer.startswith("baseline:") else explainer


def main() -> None:
    """Make the films, evaluate, write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chest_study")
    parser.add_argument("--films", type=int, default=300, help="films for predictions and fast explainers")
    parser.add_argument(
        "--mapped", type=int, default=60, help="of them, for pixel importance and the markers"
    )
    parser.add_argument("--slow", type=int, default=12, help="of them, for all other explainers; 0 for none")
    parser.add_argument("--checked", type=int, default=4, help="of them, for deletion and random weights")
    parser.add_argument("--model", default=_MODEL)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("out/chest-study"))
    options = parser.parse_args()
    progress = on_one_line()
    host.activate()
    sizes = (options.films, options.mapped, options.slow)
    # The first films of a larger cohort are those of a smaller one.
    cohorts = {
        count: unseen_cases(_GENERATOR, count, options.out / f"cohort-{count}", progress)
        for count in dict.fromkeys(sizes)
        if count
    }
    whole = EvaluateOrder(
        cohorts[options.films],
        options.model,
        options.out / "films",
        explainers=_TRACED,
        transforms=(),
        jobs=options.jobs,
        examples=2,
    )
    importance = replace(
        whole,
        cohort=cohorts[options.mapped],
        out=options.out / "importance",
        explainers=_TRACED[:1],
        transforms=_TRANSFORMS,
        examples=1,
    )
    found = write_evaluation(evaluate(whole, progress), progress)
    weighed = write_evaluation(evaluate(importance, progress), progress)
    few = cohorts.get(options.slow)
    slow = [_evaluated(each, progress) for each in _slow_orders(whole, few, options.out)] if few else []
    erased = _erased(options.model, cohorts[options.mapped], options.mapped, progress)
    checked = _checked(options.model, few, options.checked, options.out, progress) if few else {}
    pictures = _kept_pictures({"films": found, "importance": weighed}, options.out)
    _PAGE.parent.mkdir(parents=True, exist_ok=True)
    _PAGE.write_text(
        page(options, found, weighed, together([found, found, *slow]), erased, checked, pictures),
        encoding="utf-8",
    )
    print(f"\n{_PAGE}; tables and figures in {options.out}")


def _slow_orders(whole: EvaluateOrder, cohort: Path, out: Path) -> Iterable[EvaluateOrder]:
    base = replace(whole, cohort=cohort, examples=0)
    few = {name for names in _FEWER for name in names}
    single = tuple(name for name in EXPLAINERS if name not in (*_TRACED, *few, "smoothgrad", _IS_A_BASELINE))
    yield replace(base, out=out / "single", explainers=single)
    for names, samples in _FEWER.items():
        settings: tuple[tuple[str, str], ...] = (("samples", str(samples)),)
        yield replace(base, out=out / f"few-{names[0]}", explainers=names, settings=settings)
    for noise in _NOISY:
        settings = (("of", "grad-cam"), ("noise", noise))
        yield replace(base, out=out / f"smooth-{noise}", explainers=("smoothgrad",), settings=settings)


def _evaluated(order: EvaluateOrder, progress: Progress) -> dict[str, Any]:
    """The document of an order; rows of SmoothGrad say how much noise."""
    document = write_evaluation(evaluate(order, progress), progress)
    noise = dict(order.settings).get("noise")
    if noise is not None:
        for name in ("localisation", "pixel_importance"):
            document[name] = [{**row, "explainer": f"{row['explainer']} {noise}"} for row in document[name]]
    return document


def _rows(cohort: Path) -> list[dict[str, str]]:
    with (cohort / TABLE).open(newline="", encoding="utf-8") as stream:
        return list({row["path"]: row for row in csv.DictReader(stream)}.values())


def _erased(model: str, cohort: Path, count: int, progress: Progress) -> list[dict[str, Any]]:
    """Probabilities of every film before and after its burned-in letters are filled from their surroundings."""
    classifier, found = api.load_model(model), []
    for place, row in enumerate(_rows(cohort)[:count]):
        progress.report(place, count, "erasing markers")
        boxes = json.loads(row.get("marker") or "[]")
        if not boxes:
            continue
        image = api.read_image(cohort / row["path"])
        without = image
        for box in boxes:
            edges = (box[name] for name in ("row_min", "column_min", "row_max", "column_max"))
            without = api.erase(without, *edges)
        before, after = (api.predict(classifier, each).case for each in (image, without))
        share = sum(
            (box["row_max"] - box["row_min"]) * (box["column_max"] - box["column_min"]) for box in boxes
        ) / (image.voxels.shape[1] * image.voxels.shape[2])
        found.append(
            {
                "label": row["label"],
                "before": before,
                "after": after,
                "share": share,
                "mass": _mass_in(classifier, image, boxes),
            }
        )
    return found


def _mass_in(classifier: api.Classifier, image: api.MedicalImage, boxes: Sequence[Row]) -> float | None:
    """Share of the map of the healthy class inside the markers; None where it has no map."""
    if _HEALTHY not in classifier.card.classes:
        return None
    map_ = api.explain(classifier, image, explainer="grad-cam", target=_HEALTHY).map
    total = float(map_.sum())
    if total <= 0:
        return None
    inside = map_ * 0
    for box in boxes:
        part = (
            slice(round(box["row_min"]), round(box["row_max"])),
            slice(round(box["column_min"]), round(box["column_max"])),
        )
        inside[part] = map_[part]
    return float(inside.sum()) / total


def _checked(
    model: str, cohort: Path, count: int, out: Path, progress: Progress
) -> dict[str, dict[str, list[float]]]:
    """Explainer -> seconds a map, areas under deletion and insertion, and likeness under random weights.

    Of the surest class of every film that has a finding.
    """
    kept = out / f"checked-{model}-{count}.json"
    if kept.is_file():
        return json.loads(kept.read_text(encoding="utf-8"))  # type: ignore[no-any-return]
    classifier = api.load_model(model)
    ill = [row for row in _rows(cohort) if row["label"] != _HEALTHY][:count]
    samples = {name: number for names, number in _FEWER.items() for name in names}
    found: dict[str, dict[str, list[float]]] = {}
    names = [name for name in EXPLAINERS if name != _IS_A_BASELINE]
    for place, row in enumerate(ill):
        image = api.read_image(cohort / row["path"])
        for at, name in enumerate(names):
            progress.report(place * len(names) + at, count * len(names), f"checking {name}")
            own = found.setdefault(name, {"seconds": [], "deletion": [], "insertion": [], "random": []})
            settings: dict[str, Any] = {"samples": samples[name]} if name in samples else {}
            if name == "smoothgrad":
                settings = {"of": "grad-cam"}
            began = time.perf_counter()
            try:
                made = api.explain(classifier, image, explainer=name, **settings)
                own["seconds"].append(time.perf_counter() - began)
                scores = api.pixel_importance(
                    classifier, image, made, fractions=(10,), transforms=("mean",), steps=10, random_orders=1
                ).scores
                for kind in ("deletion", "insertion"):
                    own[kind].append(next(s.value for s in scores if s.name == f"{kind}-area"))
                if name in _CHECKED and place < 2:
                    (finding,) = api.check(
                        classifier, image, explainer=name, checks=["weight-randomisation"], **settings
                    )
                    if finding.value is not None:
                        own["random"].append(finding.value)
            except WhySliceError as error:
                print(f"\n{name}: {error}")
    kept.write_text(json.dumps(found), encoding="utf-8")
    return found


def _kept_pictures(documents: Mapping[str, Document], out: Path) -> dict[str, str]:
    """Copies of the figures that the page shows, small enough for a repository."""
    from PIL import Image

    folder = _PAGE.parent / _PAGE.stem
    folder.mkdir(parents=True, exist_ok=True)
    kept = {}
    for name in documents:
        for picture in (*_PICTURES, "replaced", "roc", "confusion"):
            source = out / name / f"{picture}.png"
            if source.is_file() and picture not in kept:
                image = Image.open(source).convert("RGB")
                image.thumbnail((1100, 1600))
                image.quantize(128).save(folder / f"{picture}.png", optimize=True)
                kept[picture] = f"{_PAGE.stem}/{picture}.png"
    return kept


def page(
    options: argparse.Namespace,
    found: Document,
    weighed: Document,
    every: Document,
    erased: Sequence[Row],
    checked: Mapping[str, Mapping[str, Sequence[float]]],
    pictures: Mapping[str, str],
) -> str:
    """The page in Markdown."""
    command = (
        f"python -m benchmarks.chest_study --films {options.films} --mapped {options.mapped} --slow {options.slow} "
        f"--checked {options.checked} --model {options.model}"
    )
    parts = [
        f"# {options.model} on unseen synthetic films",
        f"Made by `{command}` (seed {SEED}).",
        _ABOUT,
        "## Predictions (Table 3, Figures 21 and 22)",
        *_predictions(found["predictions"]),
        _picture(pictures, "roc", "ROC curves."),
        _picture(pictures, "confusion", "Confusion per label."),
        "## Maps with readers' boxes (Figures 24 to 29)",
        _picture(pictures, "examples", "Of every class the surest true positives, and its surest error."),
        "## IoU by percentage (Tables 5 and 6, Figure 30)",
        (
            f"{found['rules']['localisation'].capitalize()}. Grad-CAM on the default layer; `/` separates ours and the "
            "published mean. The best percentage is known only afterwards."
        ),
        *_percentages(found),
        _picture(pictures, "iou_of_classes", "Mean IoU with the best box, by percentage and class."),
        "### How well readers agree with each other",
        table(
            ("class", "IoU between readers", "Dice", "films"),
            [
                (
                    row["class"],
                    f"{number(row['iou'])} {interval(row['iou_low'], row['iou_high'], 2)}",
                    number(row["dice"]),
                    str(row["n"]),
                )
                for row in found["readers"]
            ],
        ),
        "## Every explainer",
        _EVERY.format(slow=options.slow),
        _explainers(every, checked),
        _CHECKS.format(checked=options.checked),
        "### The same class by class, on all films",
        *_by_class(found),
        "## Pixel importance (Figures 31 and 32)",
        (
            f"{weighed['rules']['pixel_importance'].capitalize()}. Grad-CAM, {weighed['images']} films; 10% of the "
            "pixels replaced by the mean; rows are the class of the map, columns the class whose probability falls."
        ),
        _heat(weighed),
        _picture(pictures, "importance_of_classes", "The same for every replacement."),
        _picture(pictures, "replaced", "The input with the most important 10% replaced."),
        "## Was the network reading the marker?",
        *_markers(erased, found),
        "## Left out",
        "\n".join(
            [
                *(f"- {', '.join(names)}: {samples} samples." for names, samples in _FEWER.items()),
                f"- {_IS_A_BASELINE}: shows the image and stands among the baselines.",
                "- Layers other than the default one; random weights for explainers of many passes.",
                *(
                    f"- {name}: {why}"
                    for name, why in {e["explainer"]: e["reason"] for e in every["left_out"]}.items()
                ),
                *(f"- {each['what']} ({each['times']} times)" for each in every["not_counted"][:20]),
                *(f"- {each['path']}: {each['reason']}" for each in found["skipped"]),
            ]
        ),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _picture(pictures: Mapping[str, str], name: str, words: str) -> str:
    return f"![{words}]({pictures[name]})" if name in pictures else ""


def _predictions(predictions: Document) -> Iterable[str]:
    found = predictions["per_patient"]
    yield f"{found['n']} films. {found['rule'].capitalize()}."
    rows = []
    for each in found["classes"]:
        f1, auc, counts = each["scores"]["f1"], each["scores"]["auc"], each["confusion"]
        rows.append(
            (
                each["class"],
                f"{number(f1['value'])} {interval(f1['bootstrap_low'], f1['bootstrap_high'], 2)}",
                number(_PUBLISHED_F1.get(each["class"])),
                f"{number(auc['value'], 3)} {interval(auc['bootstrap_low'], auc['bootstrap_high'])}",
                *(str(counts[cell]) for cell in ("tp", "fp", "fn", "tn")),
            )
        )
    micro = found["scores"].get("f1-micro")
    if micro is not None:
        value = f"{number(micro['value'])} {interval(micro['bootstrap_low'], micro['bootstrap_high'], 2)}"
        rows.append(("**micro**", value, number(_PUBLISHED_MICRO), "", "", "", "", ""))
    yield table(("class", "F1", "F1 published", "AUC", "TP", "FP", "FN", "TN"), rows)
    yield "The published AUCs are 0.93 to 0.99."


def _percentages(found: Document) -> Iterable[str]:
    rows = [
        row
        for row in found["localisation"]
        if row["reader"] == _ALL_READERS and row["explainer"] == _TRACED[0]
    ]
    names = [name for name in _PUBLISHED_IOU if any(row["class"] == name for row in rows)]
    for title, measure in (
        ("best box", "iou"),
        ("all boxes against all", "iou_union"),
        ("mean box", "iou_mean"),
    ):
        cells = []
        for place, percent in enumerate(_PERCENT):
            line = [f"{percent}%"]
            for name in names:
                own = next((r for r in rows if r["class"] == name and r["value"] == percent), None)
                ours = number(own[measure] if own else None, 3)
                line.append(f"{ours} / {_PUBLISHED_IOU[name][place]:.3f}" if measure == "iou" else ours)
            cells.append(line)
        yield f"{title.capitalize()}:"
        yield table(("top", *names), cells)


def _explainers(every: Document, checked: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    rows = [row for row in every["localisation"] if row["reader"] == _ALL_READERS]
    classes = list(dict.fromkeys(row["class"] for row in rows))
    lines = []
    for name in dict.fromkeys(row["explainer"] for row in rows):
        own = [row for row in rows if row["explainer"] == name]
        best = [
            max((r["iou"] for r in own if r["class"] == c and r["iou"] is not None), default=None)
            for c in classes
        ]
        firsts = [next((r for r in own if r["class"] == c), None) for c in classes]
        times = checked.get(name.split(" ")[0], {})
        lines.append(
            (
                _mean(best),
                [
                    shown_name(name),
                    number(_mean(best)),
                    number(_mean([r["pointing"] if r else None for r in firsts])),
                    number(_mean([r["energy"] if r else None for r in firsts])),
                    *(
                        number(_mean(times.get(key, ())), 2)
                        for key in ("seconds", "deletion", "insertion", "random")
                    ),
                    str(sum(r["n"] for r in firsts if r)),
                ],
            )
        )
    lines.sort(key=lambda line: -(line[0] or 0.0))
    head = (
        "explainer",
        "best IoU",
        "pointing",
        "energy",
        "s/map",
        "deletion",
        "insertion",
        "random weights",
        "n",
    )
    return table(head, [cells for _, cells in lines])


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return mean(known) if known else None


def _by_class(found: Document) -> Iterable[str]:
    rows = [row for row in found["localisation"] if row["reader"] == _ALL_READERS]
    names = list(dict.fromkeys(row["explainer"] for row in rows))
    classes = [name for name in _PUBLISHED_IOU if any(row["class"] == name for row in rows)]
    for title, measure in (("Best IoU", "iou"), ("Pointing", "pointing"), ("Energy inside", "energy")):
        cells = []
        for name in names:
            line = [shown_name(name)]
            for each in classes:
                own = [
                    r[measure]
                    for r in rows
                    if (r["explainer"], r["class"]) == (name, each) and r[measure] is not None
                ]
                line.append(number(max(own, default=None)))
            cells.append(line)
        yield f"{title}:"
        yield table(("explainer", *classes), cells)


def _heat(weighed: Document) -> str:
    classes = weighed["predictions"]["classes"]
    rows = [
        row
        for row in weighed["pixel_importance"]
        if row["explainer"] == _TRACED[0] and row["transform"] == "mean" and row["fraction"] == 10
    ]
    known = {(row["map_class"], row["class"]): row for row in rows}
    mapped = [name for name in classes if any(key[0] == name for key in known)]
    return table(
        ("map of", *classes, "films"),
        [
            (
                name,
                *(
                    f"{known[name, other]['delta']:+.2f}" if (name, other) in known else "-"
                    for other in classes
                ),
                str(next(row["n"] for key, row in known.items() if key[0] == name)),
            )
            for name in mapped
        ],
    )


def _markers(erased: Sequence[Row], found: Document) -> Iterable[str]:
    classes = found["predictions"]["classes"]
    if not erased:
        yield "No film has a marker whose place is known."
        return
    masses = [row["mass"] for row in erased if row["mass"] is not None]
    yield (
        f"The burned-in letters of {len(erased)} films were filled from their surroundings (`--erase`). They take "
        f"{100 * mean(row['share'] for row in erased):.1f}% of a film; of the map of *{_HEALTHY}* "
        + (f"{100 * mean(masses):.1f}% lies there." if masses else "there is nothing to say.")
    )
    lines = []
    for place, name in enumerate(classes):
        changes = [row["after"][place] - row["before"][place] for row in erased]
        flips = sum((row["after"][place] >= 0.5) != (row["before"][place] >= 0.5) for row in erased)
        lines.append(
            (name, f"{mean(changes):+.3f}", f"{min(changes):+.2f} to {max(changes):+.2f}", str(flips))
        )
    yield table(("class", "mean change of p", "range", "decisions that flip"), lines)


if __name__ == "__main__":
    main()
