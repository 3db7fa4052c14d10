"""Figures of an evaluated cohort at the widths of journals: curves, matrices, and layer by method as a heat map."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from viewer.foundation.errors import ExportError
from viewer.foundation.provenance import program_version
from viewer.reporting.class_figures import importance_curves, importance_of_classes, iou_of_classes
from viewer.reporting.cohort_axes import (
    BASELINE,
    DOUBLE,
    LEGEND_LINE,
    SINGLE,
    STYLE,
    Document,
    Row,
    chief_rows,
    explainer_line,
    heat,
    legend_below,
    line_style,
    room_at_one_value,
)
from viewer.reporting.cohort_units import units_of
from viewer.reporting.panels import FAINT, INK


def cohort_figures(document: Document) -> Iterator[tuple[str, Figure]]:
    """Every figure that a document has numbers for, with its name.

    Parameters
    ----------
    document : of ``whyslice evaluate``.
    """
    makers: tuple[tuple[str, Callable[[Document], Figure | None]], ...] = (
        ("roc", _roc),
        ("calibration", _calibration),
        ("confusion", _confusion),
        ("iou", _iou),
        ("iou_of_classes", iou_of_classes),
        ("pixel_importance", _importance),
        ("importance_of_classes", importance_of_classes),
        ("importance_curves", importance_curves),
        ("layers", _layers),
    )
    for name, make in makers:
        with rc_context(STYLE):
            figure = make(document)
        if figure is not None:
            yield name, figure


def rendered(figure: Figure, kind: str, dpi: int = 300) -> bytes:
    """A figure as ``png`` or ``pdf``.

    Raises
    ------
    ExportError
        For another kind.
    """
    if kind not in ("png", "pdf"):
        raise ExportError(f"Figures are written as PNG and PDF, not as '{kind}'.", code="figure-format")
    stream = io.BytesIO()
    FigureCanvasAgg(figure)
    program = f"WhySlice {program_version()}"
    notes = (
        {"Software": program, "Comment": "research use only"}
        if kind == "png"
        else {"Creator": program, "Subject": "research use only", "CreationDate": None}
    )
    with rc_context(STYLE):
        figure.savefig(stream, format=kind, dpi=dpi, metadata=notes)
    return stream.getvalue()


def _tables(document: Document) -> list[tuple[str, Mapping[str, Any]]]:
    """The prediction tables that are worth showing, with the word for what each counts."""
    predictions = document["predictions"]
    return [(f"{word}s", predictions[name]) for name, word in units_of(document).items()]


def _classes(document: Document, table: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The classes worth a curve: of two the finding alone, as the other is its mirror image."""
    positive = document["predictions"]["positive_class"]
    classes = table["classes"]
    if positive and len(classes) == 2:
        return [each for each in classes if each["class"] == positive]
    return list(classes)


def _square(title: str = "") -> tuple[Figure, Axes]:
    figure = Figure(figsize=(SINGLE, SINGLE * 0.95), layout="constrained")
    axes = figure.add_subplot()
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_aspect("equal")
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=0.6, linestyle=":")
    axes.set_title(title, fontsize=7)
    return figure, axes


def _roc(document: Document) -> Figure | None:
    figure, axes = _square()
    number = 0
    for unit, table in _tables(document):
        for each in _classes(document, table):
            if each["roc"] is None:
                continue
            score = each["scores"]["auc"]
            label = f"{each['class']}, {unit}: AUC {_with_interval(score)}"
            # A perfect curve lies on the frame, which would hide it.
            axes.plot(
                each["roc"]["fpr"],
                each["roc"]["tpr"],
                label=label,
                clip_on=False,
                zorder=3,
                **line_style(number),
            )
            number += 1
    if number == 0:
        return None
    axes.set_xlabel("1 - specificity")
    axes.set_ylabel("sensitivity")
    figure.set_figheight(figure.get_figheight() + legend_below(axes, 1))
    return figure


def _calibration(document: Document) -> Figure | None:
    figure, axes = _square()
    number = 0
    for unit, table in _tables(document):
        for each in _classes(document, table):
            bins = [b for b in each["calibration"] if b["n"]]
            if not bins:
                continue
            ece = each["scores"]["ece"]["value"]
            sizes = [4 + 26 * math.sqrt(b["n"] / table["n"]) for b in bins]
            said, so = [b["mean_probability"] for b in bins], [b["observed"] for b in bins]
            style = line_style(number)
            axes.plot(said, so, label=f"{each['class']}, {unit}: ECE {ece:.3f}", clip_on=False, **style)
            axes.scatter(said, so, s=sizes, color=style["color"], clip_on=False, zorder=3)
            number += 1
    if number == 0:
        return None
    axes.set_xlabel("predicted probability")
    axes.set_ylabel("observed share")
    figure.set_figheight(figure.get_figheight() + legend_below(axes, 1))
    return figure


def _confusion(document: Document) -> Figure | None:
    panels = [panel for unit, table in _tables(document) for panel in _matrices(document, unit, table)]
    if not panels:
        return None
    across = min(len(panels), 4)
    down = math.ceil(len(panels) / across)
    width = SINGLE if across < 3 else DOUBLE
    figure = Figure(figsize=(width, width / across * down * 0.95 + 0.2), layout="constrained")
    for number, (title, names, counts) in enumerate(panels, start=1):
        axes = figure.add_subplot(down, across, number)
        heat(axes, counts, names, names, str, "Blues", (0, float(counts.max()) or 1.0))
        axes.set_title(title, fontsize=7)
        axes.set_xlabel("decided")
        axes.set_ylabel("true")
    return figure


def _matrices(
    document: Document, unit: str, table: Mapping[str, Any]
) -> Iterator[tuple[str, list[str], np.ndarray]]:
    names = list(document["predictions"]["classes"])
    if table["matrix"] is not None:
        yield unit, names, np.array(table["matrix"])
        return
    for each in table["classes"]:
        counts = each["confusion"]
        matrix = np.array([[counts["tn"], counts["fp"]], [counts["fn"], counts["tp"]]])
        yield f"{each['class']}, {unit}", ["no", "yes"], matrix


def _iou(document: Document) -> Figure | None:
    """IoU at every threshold: of each explainer on its best layer, with what knows nothing of the network."""
    rows = chief_rows(document)
    if not rows:
        return None
    names = list(dict.fromkeys(row["class"] for row in rows))
    width = SINGLE if len(names) == 1 else DOUBLE
    figure = Figure(figsize=(width, SINGLE * 0.85 * math.ceil(len(names) / 2)), layout="constrained")
    agreed = {row["class"]: row["iou"] for row in document["readers"]}
    below = 0.0
    for number, name in enumerate(names, start=1):
        axes = figure.add_subplot(math.ceil(len(names) / 2), min(len(names), 2), number)
        for place, (explainer, layer) in enumerate(_best_layers(rows, name).items()):
            own = [r for r in rows if (r["class"], r["explainer"], r["layer"]) == (name, explainer, layer)]
            style = explainer_line(explainer, place)
            values = [row["value"] for row in own]
            axes.plot(values, [row["iou"] for row in own], label=_label(explainer, layer), **style)
            if not explainer.startswith(BASELINE) and own[0]["iou_low"] is not None:
                axes.fill_between(
                    values,
                    [row["iou_low"] for row in own],
                    [row["iou_high"] for row in own],
                    color=style["color"],
                    alpha=0.1,
                    linewidth=0,
                )
        if name in agreed:
            axes.axhline(agreed[name], color=INK, linewidth=0.8, linestyle=":", label="between readers")
        rule = rows[0]["rule"]
        axes.set_xlabel("most important pixels, %" if rule == "top-percent" else "fraction of the maximum")
        axes.set_ylabel("IoU with the best box")
        axes.set_ylim(bottom=0)
        room_at_one_value(axes, [row["value"] for row in rows])
        axes.set_title(f"{name}, {rows[0]['reader']}", fontsize=7)
        below = max(below, legend_below(axes, 2))
    figure.set_figheight(figure.get_figheight() + below * math.ceil(len(names) / 2))
    return figure


def _importance(document: Document) -> Figure | None:
    """Fall of the probability of the map's own class, one panel for each replacement."""
    rows = [row for row in document["pixel_importance"] if row["class"] == row["map_class"]]
    if not rows:
        return None
    transforms = list(dict.fromkeys(row["transform"] for row in rows))
    names = list(dict.fromkeys(row["map_class"] for row in rows))
    figure = Figure(layout="constrained")
    located = chief_rows(document)
    lines: dict[str, Any] = {}
    for down, name in enumerate(names):
        chosen = _best_layers(located, name)
        first: Axes | None = None
        for across, transform in enumerate(transforms):
            axes = figure.add_subplot(
                len(names), len(transforms), down * len(transforms) + across + 1, sharey=first
            )
            first = first or axes
            mine = [r for r in rows if (r["map_class"], r["transform"]) == (name, transform)]
            for place, explainer in enumerate(dict.fromkeys(row["explainer"] for row in mine)):
                of = [row for row in mine if row["explainer"] == explainer]
                layer = chosen.get(explainer, of[0]["layer"])
                own = [row for row in of if row["layer"] == layer] or of
                (line,) = axes.plot(
                    [r["fraction"] for r in own],
                    [r["delta"] for r in own],
                    **explainer_line(explainer, place),
                )
                lines.setdefault(_label(explainer, own[0]["layer"]), line)
            axes.axhline(0, color=FAINT, linewidth=0.5)
            room_at_one_value(axes, [row["fraction"] for row in mine])
            axes.set_title(transform, fontsize=7)
            axes.set_xlabel("replaced, %")
            if across == 0:
                axes.set_ylabel(f"p({name}) less p(replaced)")
            else:
                axes.tick_params(labelleft=False)
    figure.legend(list(lines.values()), list(lines), loc="outside lower center", ncols=4)
    figure.set_size_inches(DOUBLE, 1.75 * len(names) + 0.3 + LEGEND_LINE * math.ceil(len(lines) / 4))
    return figure


def _layers(document: Document) -> Figure | None:
    """Layer by method: pointing, energy, the best IoU, and the overlap of opposing classes."""
    rows = chief_rows(document)
    if not rows:
        return None
    name = rows[0]["class"]
    rows = [row for row in rows if row["class"] == name]
    explainers = list(dict.fromkeys(row["explainer"] for row in rows))
    layers = list(dict.fromkeys(row["layer"] for row in rows))
    overlaps = {(row["layer"], row["explainer"]): row["overlap"] for row in document["class_overlap"]}
    measures: list[tuple[str, Callable[[list[Row]], float | None], str]] = [
        ("pointing", lambda own: own[0]["pointing"], "viridis"),
        ("energy inside", lambda own: own[0]["energy"], "viridis"),
        (
            "best IoU",
            lambda own: max((r["iou"] for r in own if r["iou"] is not None), default=None),
            "viridis",
        ),
    ]
    tables = [(title, _grid(rows, layers, explainers, value), colours) for title, value, colours in measures]
    if overlaps:
        grid = np.array([[_nan(overlaps.get((la, ex))) for ex in explainers] for la in layers])
        tables.append(("class overlap", grid, "magma"))
    height = 0.5 + 0.17 * len(layers) + 0.055 * max(map(len, explainers))
    figure = Figure(figsize=(DOUBLE, 2 * height), layout="constrained")
    for number, (title, grid, colours) in enumerate(tables, start=1):
        axes = figure.add_subplot(2, 2, number)
        known = grid[np.isfinite(grid)]
        scale = (0.0, float(known.max()) if known.size and known.max() > 0 else 1.0)
        heat(axes, grid, explainers, layers, lambda v: f"{v:.2f}".lstrip("0") or "0", colours, scale)
        axes.set_title(f"{title}, {name}", fontsize=7)
        axes.tick_params(axis="x", labelrotation=90)
    return figure


def _grid(
    rows: Sequence[Row],
    layers: Sequence[str],
    explainers: Sequence[str],
    value: Callable[[list[Row]], float | None],
) -> np.ndarray:
    places: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        places.setdefault((row["layer"], row["explainer"]), []).append(row)
    return np.array(
        [[_nan(value(places[la, ex]) if (la, ex) in places else None) for ex in explainers] for la in layers]
    )


def _best_layers(rows: Sequence[Row], name: str) -> dict[str, str]:
    """Explainer -> its layer with the highest IoU at any threshold, chosen after the fact."""
    best: dict[str, tuple[float, str]] = {}
    for row in rows:
        if row["class"] == name and row["iou"] is not None:
            known = best.get(row["explainer"])
            if known is None or row["iou"] > known[0]:
                best[row["explainer"]] = (row["iou"], row["layer"])
    return {explainer: layer for explainer, (_, layer) in best.items()}


def _label(explainer: str, layer: str) -> str:
    name = explainer.removeprefix(BASELINE)
    return name if layer == "input" else f"{name}, {layer}"


def _with_interval(score: Mapping[str, Any]) -> str:
    if score["low"] is None:
        return f"{score['value']:.3f}"
    return f"{score['value']:.3f} ({score['low']:.3f}-{score['high']:.3f})"


def _nan(value: float | None) -> float:
    return math.nan if value is None else value
