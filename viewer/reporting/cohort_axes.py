"""What figures of a cohort have in common: sizes, colours, how lines and heat maps are drawn, whose rows count."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.transforms import ScaledTranslation

from viewer.reporting.panels import FAINT, FONT, INK

SINGLE, DOUBLE = 85 / 25.4, 174 / 25.4
"""Inches: one and two columns of a journal."""

# Okabe and Ito's colours, safe for colour-blind readers; dashes tell apart what colours repeat.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")
DASHES = ("-", "--", "-.", ":")
STYLE: Any = {
    "font.family": FONT,
    "font.size": 7,
    "axes.linewidth": 0.6,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "lines.linewidth": 1.1,
    "legend.frameon": False,
    "legend.fontsize": 6,
    "legend.handlelength": 3.2,
    "pdf.fonttype": 42,
    "savefig.facecolor": "white",
}
BASELINE = "baseline:"
# What knows nothing of the network is grey, each always with its own dashes and points.
_BASELINES: Mapping[str, Any] = {
    "random": {"linestyle": "--", "marker": "x"},
    "centre": {"linestyle": "-.", "marker": "+"},
    "brightness": {"linestyle": (0, (4, 1.5, 1, 1.5, 1, 1.5)), "marker": "v"},
}
_MARKERS = ("o", "s", "^", "D")
# Of one value there is no line, only its point; at the frame half a point would be cut off.
POINTS: Mapping[str, Any] = {"markersize": 2.4, "clip_on": False, "zorder": 3}
LEGEND_LINE = 0.125
"""Inches."""

Document = Mapping[str, Any]
Row = Mapping[str, Any]


def is_baseline(explainer: str) -> bool:
    """Whether a map knows nothing of the network."""
    return explainer.startswith(BASELINE)


def legend_below(axes: Axes, columns: int) -> float:
    """A legend under the axes, where it covers no curve; how many inches that takes."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    # Inches and not a share of the axes: the layout gives the axes the height that the legend leaves.
    under_words = axes.transAxes + ScaledTranslation(0, -0.36, figure.dpi_scale_trans)
    axes.legend(ncols=columns, loc="upper center", bbox_to_anchor=(0.5, 0), bbox_transform=under_words)
    return LEGEND_LINE * math.ceil(len(axes.get_legend_handles_labels()[0]) / columns)


def explainer_line(explainer: str, place: int) -> dict[str, Any]:
    """How the curve of an explainer, or of a map that knows nothing of the network, is drawn."""
    if explainer.startswith(BASELINE):
        return {"color": FAINT, "linewidth": 0.9, **_BASELINES[explainer.removeprefix(BASELINE)], **POINTS}
    return {**line_style(place), "marker": _MARKERS[place // len(COLOURS) % len(_MARKERS)], **POINTS}


def line_style(number: int) -> dict[str, Any]:
    colour = COLOURS[number % len(COLOURS)]
    return {"color": colour, "linestyle": DASHES[number // len(COLOURS) % len(DASHES)]}


def room_at_one_value(axes: Axes, values: Sequence[float]) -> None:
    """One value is one tick in the middle, not a scale around it that nothing was measured on."""
    if len(set(values)) == 1 and values[0] > 0:
        axes.set_xlim(0, 2 * values[0])
        axes.set_xticks([values[0]], [f"{values[0]:g}"])


def heat(
    axes: Axes,
    grid: np.ndarray,
    across: Sequence[str],
    down: Sequence[str],
    words: Callable[[Any], str],
    colours: str,
    scale: tuple[float, float],
) -> None:
    """Cells with their numbers; what is not defined stays white and says so with a dash."""
    shown = axes.imshow(np.ma.masked_invalid(grid), cmap=colours, vmin=scale[0], vmax=scale[1], aspect="auto")
    size = 5.0 if grid.size > 60 else 6.5
    for (row, column), value in np.ndenumerate(grid):
        if np.isnan(value):
            axes.text(column, row, "-", ha="center", va="center", fontsize=size, color=FAINT)
            continue
        red, green, blue, _ = shown.to_rgba(value)
        ink = "black" if 0.3 * red + 0.59 * green + 0.11 * blue > 0.5 else "white"
        axes.text(column, row, words(value), ha="center", va="center", fontsize=size, color=ink)
    axes.set_xticks(range(len(across)), list(across))
    axes.set_yticks(range(len(down)), list(down))
    axes.tick_params(length=0, labelsize=6)


def chief_rows(document: Document) -> list[Row]:
    """Rows of one reader: all together where there are several, else a person before a mask."""
    rows = document["localisation"]
    readers = list(dict.fromkeys(row["reader"] for row in rows))
    if not readers:
        return []
    chief = (
        "all readers" if "all readers" in readers else next((r for r in readers if r != "mask"), readers[0])
    )
    return [row for row in rows if row["reader"] == chief]
