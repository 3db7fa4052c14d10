"""Figures of networks with several findings: what the maps of each class do to every class, and where they lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from viewer.reporting.cohort_axes import (
    DOUBLE,
    POINTS,
    SINGLE,
    Document,
    Row,
    chief_rows,
    heat,
    is_baseline,
    legend_below,
    line_style,
    room_at_one_value,
)
from viewer.reporting.panels import FAINT

_LEAST = 3
"""Classes from which on there is more to say than of one class and the rest."""
_CHIEF_FRACTION = 10.0
"""Percent replaced that the heat maps show, where it was measured (Chrysoula 2023, figure 31)."""


def importance_of_classes(document: Document) -> Figure | None:
    """Class of the map by class of the prediction: the mean fall of the probability, a panel for each replacement."""
    rows = _chief_importance(document)
    if not rows:
        return None
    classes = list(document["predictions"]["classes"])
    mapped = [name for name in classes if any(row["map_class"] == name for row in rows)]
    fractions = sorted({row["fraction"] for row in rows})
    fraction = _CHIEF_FRACTION if _CHIEF_FRACTION in fractions else fractions[len(fractions) // 2]
    transforms = list(dict.fromkeys(row["transform"] for row in rows))
    known = {(row["map_class"], row["class"], row["transform"], row["fraction"]): row for row in rows}
    reach = max((abs(row["delta"]) for row in rows if row["delta"] is not None), default=0.0) or 1.0
    across = min(len(transforms), 2)
    down = -(-len(transforms) // across)
    side = 0.55 + 0.16 * len(mapped) + 0.055 * max(map(len, classes))
    figure = Figure(figsize=(DOUBLE if across > 1 else SINGLE, side * down), layout="constrained")
    for number, transform in enumerate(transforms, start=1):
        axes = figure.add_subplot(down, across, number)
        grid = np.array(
            [[_delta(known.get((name, other, transform, fraction))) for other in classes] for name in mapped]
        )
        heat(axes, grid, classes, mapped, lambda v: f"{v:+.2f}", "RdBu_r", (-reach, reach))
        axes.set_title(f"{transform}, {fraction:g}% replaced", fontsize=7)
        axes.set_xlabel("fall of the probability of")
        axes.set_ylabel("by the map of")
        axes.tick_params(axis="x", labelrotation=90)
    return figure


def importance_curves(document: Document) -> Figure | None:
    """The same at every fraction: a row for each class of the map, a column for each replacement, a line per class."""
    rows = _chief_importance(document)
    if not rows:
        return None
    classes = list(document["predictions"]["classes"])
    mapped = [name for name in classes if any(row["map_class"] == name for row in rows)]
    transforms = list(dict.fromkeys(row["transform"] for row in rows))
    figure = Figure(figsize=(DOUBLE, 1.35 * len(mapped) + 0.5), layout="constrained")
    lines: dict[str, Any] = {}
    for down, name in enumerate(mapped):
        first = None
        for across, transform in enumerate(transforms):
            place = down * len(transforms) + across + 1
            axes = figure.add_subplot(len(mapped), len(transforms), place, sharey=first)
            first = first or axes
            for number, other in enumerate(classes):
                own = [
                    r
                    for r in rows
                    if (r["map_class"], r["class"], r["transform"]) == (name, other, transform)
                ]
                width = 1.8 if other == name else 0.9
                (line,) = axes.plot(
                    [r["fraction"] for r in own],
                    [r["delta"] for r in own],
                    **{**line_style(number), "linewidth": width, **POINTS},
                    marker="o" if other == name else ".",
                )
                lines.setdefault(other, line)
            axes.axhline(0, color=FAINT, linewidth=0.5)
            if down == 0:
                axes.set_title(transform, fontsize=7)
            if down == len(mapped) - 1:
                axes.set_xlabel("replaced, %")
            if across == 0:
                axes.set_ylabel(f"map of\n{name}", fontsize=6)
            else:
                axes.tick_params(labelleft=False)
    figure.legend(list(lines.values()), list(lines), loc="outside lower center", ncols=4)
    return figure


def iou_of_classes(document: Document) -> Figure | None:
    """Mean IoU with the best box of each class's map at every threshold, of the first explainer, in one axes."""
    rows = [row for row in chief_rows(document) if not is_baseline(row["explainer"])]
    names = list(dict.fromkeys(row["class"] for row in rows))
    if len(names) < 2:
        return None
    explainer, layer = rows[0]["explainer"], rows[0]["layer"]
    own = [row for row in rows if (row["explainer"], row["layer"]) == (explainer, layer)]
    classes = list(document["predictions"]["classes"])
    figure = Figure(figsize=(SINGLE, SINGLE * 0.9), layout="constrained")
    axes = figure.add_subplot()
    for name in names:
        of = [row for row in own if row["class"] == name]
        axes.plot(
            [row["value"] for row in of],
            [row["iou"] for row in of],
            label=f"{name} (n {of[0]['n']})" if of else name,
            marker="o",
            **{**line_style(classes.index(name)), **POINTS},
        )
    axes.set_title(f"{explainer}, {layer}, {own[0]['reader']}", fontsize=7)
    rule = own[0]["rule"]
    axes.set_xlabel("most important pixels, %" if rule == "top-percent" else "fraction of the maximum")
    axes.set_ylabel("IoU with the best box")
    axes.set_ylim(bottom=0)
    room_at_one_value(axes, [row["value"] for row in own])
    figure.set_figheight(figure.get_figheight() + legend_below(axes, 2))
    return figure


def percentage_tables(document: Document) -> list[dict[str, Any]]:
    """IoU at every threshold, a column for each class: of every explainer, layer and reader, and way of counting boxes.

    Ways: ``best box`` of the map, ``union`` of its boxes against the union of the reader's, ``mean`` over its boxes.
    """
    ways = (("best box", "iou"), ("union", "iou_union"), ("mean", "iou_mean"))
    rows = document["localisation"]
    names = [name for name in document["predictions"]["classes"] if any(row["class"] == name for row in rows)]
    groups: dict[tuple[str, str, str], dict[tuple[float, str], Row]] = {}
    for row in rows:
        key = (row["explainer"], row["layer"], row["reader"])
        groups.setdefault(key, {})[row["value"], row["class"]] = row
    return [
        {
            "explainer": explainer,
            "layer": layer,
            "reader": reader,
            "boxes": way,
            "value": value,
            **{name: _value(found.get((value, name)), measure) for name in names},
        }
        for (explainer, layer, reader), found in groups.items()
        for way, measure in ways
        for value in dict.fromkeys(value for value, _ in found)
    ]


def _chief_importance(document: Document) -> Sequence[Row]:
    """Rows of the first explainer on its first layer, of networks with several findings."""
    predictions = document["predictions"]
    if predictions.get("task") != "multilabel" or len(predictions["classes"]) < _LEAST:
        return ()
    rows = [row for row in document["pixel_importance"] if not is_baseline(row["explainer"])]
    if not rows:
        return ()
    chief = (rows[0]["explainer"], rows[0]["layer"])
    return [row for row in rows if (row["explainer"], row["layer"]) == chief]


def _delta(row: Row | None) -> float:
    return float("nan") if row is None or row["delta"] is None else float(row["delta"])


def _value(row: Mapping[str, Any] | None, measure: str) -> float | None:
    return None if row is None else row[measure]
