"""The page of the chest X-ray study in Markdown: its tables, with the published numbers beside ours."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from statistics import mean
from typing import Any

from benchmarks.chest_explainers import FEWER, IS_A_BASELINE, is_sampled
from benchmarks.chest_markers import HEALTHY
from benchmarks.markdown import interval, number, table
from benchmarks.unseen_cases import SEED

BASIC = "grad-cam"
"""The explainer of the paper."""
_ALL_READERS = "all readers"

# Chrysoula 2023: F1 (Table 3, 7 classes) and mean IoU at 1, 2, 3, 5, 8, 10, 20% (Table 6).
_PUBLISHED_F1 = {
    "Aortic enlargement": 0.86,
    "Cardiomegaly": 0.83,
    "Lung opacity": 0.55,
    "Pleural effusion": 0.69,
    "Pleural thickening": 0.65,
    "Pulmonary fibrosis": 0.57,
    HEALTHY: 0.96,
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
measured on all films, the others on the first {slow} of them, which is why n (maps times readers) differs: rows of a
few maps cannot be ranked among rows of hundreds, nor among each other."""
_CHECKS = """Seconds a map went by on a very busy machine, the first one with the loading, with the samples named below;
`docs/explainers.md` has time of the processor. Areas under the curves of
deletion (low is good) and insertion (high is good; 10 steps, mean) and the mean rank correlation of the map with those
under random weights (low is good) are of the surest class of {checked} films, random weights of the first 2 of them."""

Document = Mapping[str, Any]


def _shown_name(explainer: str) -> str:
    """An explainer; what knows nothing of the network in italics."""
    return f"*{explainer.removeprefix('baseline:')}*" if explainer.startswith("baseline:") else explainer


def page(
    options: argparse.Namespace,
    found: Document,
    weighed: Document,
    every: Document,
    markers: Iterable[str],
    checked: Mapping[str, Mapping[str, Sequence[float]]],
    pictures: Mapping[str, str],
) -> str:
    """The page in Markdown."""
    command = (
        f"python -m benchmarks.chest_study --films {options.films} --mapped {options.mapped} --marked {options.marked} "
        f"--slow {options.slow} --checked {options.checked} --model {options.model} --reader {options.reader}"
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
        *markers,
        "## Left out",
        "\n".join(
            [
                *(
                    f"- {', '.join(name for name in names if is_sampled(name))}: {samples} samples."
                    for names, samples in FEWER.items()
                ),
                f"- {IS_A_BASELINE}: shows the image and stands among the baselines.",
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
        row for row in found["localisation"] if row["reader"] == _ALL_READERS and row["explainer"] == BASIC
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
                    _shown_name(name),
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
            line = [_shown_name(name)]
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
        if row["explainer"] == BASIC and row["transform"] == "mean" and row["fraction"] == 10
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
