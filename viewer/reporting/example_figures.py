"""Images of a cohort with the maps of their classes, readers' boxes and boxes of the maps; numbers, never names."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from viewer.evaluation.regions import Region
from viewer.reporting.cohort_axes import COLOURS, DASHES, DOUBLE, STYLE

_GREEN, _PURPLE = "#2fd6a3", "#e08bff"
_MOST = 5
"""Pictures beside each other."""
_LINE = 130
"""Characters in a line that is as wide as the figure; those of a title share them."""

Picture = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Panel:
    """One picture of a montage.

    Attributes
    ----------
    title : words above it.
    grey : (row, column).
    map : (row, column) values after ReLU; None for none. It is coloured up to its own maximum, which the caption says.
    regions, boxes : what readers marked, and boxes of the map.
    colours : label -> colour of the readers' boxes; without one they are green.
    """

    title: str
    grey: Picture
    spacing: tuple[float, float] = (1.0, 1.0)
    map: Picture | None = None
    regions: tuple[Region, ...] = ()
    boxes: tuple[Region, ...] = ()
    colours: Mapping[str, str] = field(default_factory=dict)


def class_lines(classes: Sequence[str]) -> dict[str, str]:
    """A colour for every class."""
    return {name: COLOURS[number % len(COLOURS)] for number, name in enumerate(classes)}


def montage(rows: Sequence[Sequence[Panel]], note: str) -> Figure | None:
    """Rows of pictures.

    Parameters
    ----------
    note : what colours and boxes mean, below the pictures.
    """
    rows = [list(row)[:_MOST] for row in rows if row]
    if not rows:
        return None
    with rc_context(STYLE):
        return _montage(rows, note)


def _montage(rows: Sequence[Sequence[Panel]], note: str) -> Figure:
    across = max(map(len, rows))
    side = DOUBLE / across
    figure = Figure(figsize=(DOUBLE, (side + 0.32) * len(rows) + 0.35), layout="constrained")
    readers = list(dict.fromkeys(region.reader for row in rows for panel in row for region in panel.regions))
    for down, row in enumerate(rows):
        for place, panel in enumerate(row):
            axes = figure.add_subplot(len(rows), across, down * across + place + 1)
            _draw(axes, panel, readers, letters=round(_LINE / across) - 2)
    dashes = ", ".join(f"{name} {_WORDS[number % len(_WORDS)]}" for number, name in enumerate(readers))
    words = textwrap.fill(f"{note}{'; readers: ' + dashes if dashes else ''}", _LINE)
    figure.supxlabel(words, fontsize=5.5)
    return figure


_WORDS = ("solid", "dashed", "dash-dot", "dotted")


def _draw(axes: Axes, panel: Panel, readers: Sequence[str], letters: int) -> None:
    rows, columns = panel.grey.shape
    extent = (0, columns, rows, 0)
    aspect = panel.spacing[0] / panel.spacing[1]
    low, high = np.percentile(panel.grey, (0.5, 99.5))
    axes.imshow(panel.grey, cmap="gray", vmin=low, vmax=max(high, low + 1e-6), extent=extent, aspect=aspect)
    if panel.map is not None and panel.map.max() > 0:
        shares = panel.map / panel.map.max()
        axes.imshow(
            shares,
            cmap="inferno",
            vmin=0,
            vmax=1,
            alpha=np.clip(shares / 0.4, 0, 0.65),
            extent=extent,
            aspect=aspect,
        )
    for region in panel.boxes:
        axes.add_patch(_outline(region, _PURPLE, "-", 0.9))
    for region in panel.regions:
        colour = panel.colours.get(region.label, _GREEN)
        axes.add_patch(_outline(region, colour, DASHES[readers.index(region.reader) % len(DASHES)], 0.9))
    axes.set_xlim(0, columns)
    axes.set_ylim(rows, 0)
    axes.set_title(textwrap.fill(panel.title, letters), fontsize=5.5, pad=2)
    axes.set_axis_off()


def _outline(region: Region, colour: str, dashes: str, width: float) -> Rectangle:
    return Rectangle(
        (region.column_min, region.row_min),
        region.column_max - region.column_min,
        region.row_max - region.row_min,
        fill=False,
        edgecolor=colour,
        linestyle=dashes,
        linewidth=width,
    )
