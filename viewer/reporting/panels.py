"""The parts of a figure: the picture with its letters and boxes, the colour bar, the legend of readers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from viewer.evaluation.regions import Region
from viewer.reporting.blend import Overlay, Tint
from viewer.reporting.content import Distance, FigureContent

FONT = ["DejaVu Sans", "sans-serif"]
INK, FAINT = "#1b1f24", "#5b6570"
_LETTERS = "#ffc861"
_BOUNDARY = "#ffec6e"

Dashes = tuple[float, tuple[float, ...]]


@dataclass(frozen=True)
class Stroke:
    """How a reader's boxes are drawn; dashes tell readers apart where colours do not."""

    colour: str
    dashes: Dashes = (0, ())


# Okabe and Ito's colours, safe for colour-blind readers.
_KNOWN = {
    "map": Stroke("#e69f00", (0, (4, 2))),
    "map, pale": Stroke("#8f6a1e", (0, (1, 2))),
    "truth": Stroke("#2fd6a3", (0, (1, 1.2))),
    "you": Stroke("#56b4e9"),
}
_NAMES = {"map": "boxes of the map", "map, pale": "boxes of it below the display's threshold"}
_OTHERS = (
    Stroke("#cc79a7", (0, (6, 2, 1, 2))),
    Stroke("#f0e442", (0, (3, 1))),
    Stroke("#ffffff", (0, (2, 2))),
)


def strokes(regions: tuple[Region, ...]) -> dict[str, Stroke]:
    """The stroke of each reader, in the order of first appearance."""
    names = list(dict.fromkeys(region.reader for region in regions))
    others = [name for name in names if name not in _KNOWN]
    return {name: _KNOWN.get(name) or _OTHERS[others.index(name) % len(_OTHERS)] for name in names}


def draw_picture(
    axes: Axes, colours: NDArray[np.float64], content: FigureContent, width: float, letter: float = 9
) -> None:
    """Draw pixels, letters, the word about a mirrored input and the watermark.

    Parameters
    ----------
    width : of the axes, inches.
    letter : size of the anatomical letters, points; what else is written is smaller in proportion.
    """
    rows, columns = colours.shape[:2]
    # Edges are whole numbers here, as in a Region: pixel i reaches from i to i + 1.
    axes.imshow(colours, extent=(0, columns, rows, 0), interpolation="nearest", aspect="auto")
    axes.set_xlim(0, columns)
    axes.set_ylim(rows, 0)
    axes.set_axis_off()
    if content.watermark:
        longest = max(len(line) for line in content.watermark.splitlines())
        axes.text(
            0.5,
            0.5,
            content.watermark,
            transform=axes.transAxes,
            ha="center",
            va="center",
            rotation=30,
            color="white",
            alpha=0.32,
            weight="bold",
            family=FONT,
            path_effects=[withStroke(linewidth=1.5, foreground="black", alpha=0.35)],
            fontsize=min(24, 0.9 * width * 72 / (0.62 * longest)),
        )
    if content.letters is None:
        _letter(axes, "side unknown", (0.025, 0.975), "left", "top", size=letter * 7 / 9)
    else:
        left, right, top, bottom = content.letters
        _letter(axes, left, (0.025, 0.5), "left", "center", size=letter)
        _letter(axes, right, (0.975, 0.5), "right", "center", size=letter)
        _letter(axes, top, (0.5, 0.98), "center", "top", size=letter)
        _letter(axes, bottom, (0.5, 0.02), "center", "bottom", size=letter)
    if content.mirrored:
        _letter(axes, "MIRRORED INPUT", (0.5, 0.9), "center", "top", size=letter * 7 / 9)
    if content.convention:
        _letter(axes, content.convention, (0.025, 0.02), "left", "bottom", size=letter * 5.5 / 9)


def _letter(axes: Axes, text: str, place: tuple[float, float], across: str, along: str, size: float) -> None:
    axes.text(
        *place,
        text,
        transform=axes.transAxes,
        ha=across,
        va=along,
        color=_LETTERS,
        fontsize=size,
        weight="bold",
        family=FONT,
        path_effects=[withStroke(linewidth=2, foreground="black")],
    )


def draw_boundaries(axes: Axes, lines: NDArray | None) -> None:
    """Draw where segments meet; `lines` as `FigureContent.boundaries`."""
    if lines is not None:
        axes.add_collection(
            LineCollection(list(lines[..., ::-1]), colors=_BOUNDARY, linewidths=0.7, alpha=0.8)
        )


def draw_regions(axes: Axes, regions: tuple[Region, ...]) -> None:
    """Draw boxes as boxes and masks as contours, with their labels."""
    style = strokes(regions)
    for region in regions:
        stroke = style[region.reader]
        if region.mask is not None and region.mask.ndim == 2:
            # A border of background closes the contour of a mask that touches the edge.
            mask = np.pad(region.mask, 1).astype(float)
            rows, columns = (np.arange(size) - 0.5 for size in mask.shape)
            outline = axes.contour(
                columns,
                rows,
                mask,
                levels=[0.5],
                colors=[stroke.colour],
                linestyles=[stroke.dashes],
                linewidths=1.3,
            )
            outline.set_path_effects([withStroke(linewidth=2.6, foreground=(0, 0, 0, 0.6))])
        else:
            axes.add_patch(
                Rectangle(
                    (region.column_min, region.row_min),
                    region.column_max - region.column_min,
                    region.row_max - region.row_min,
                    fill=False,
                    edgecolor=stroke.colour,
                    linestyle=stroke.dashes,
                    linewidth=1.2,
                    path_effects=[withStroke(linewidth=2.4, foreground=(0, 0, 0, 0.6))],
                )
            )
        if region.label:
            axes.annotate(
                region.label,
                (region.column_min, region.row_min),
                xytext=(0, 2),
                textcoords="offset points",
                color=stroke.colour,
                fontsize=6.5,
                family=FONT,
                path_effects=[withStroke(linewidth=1.8, foreground="black")],
                annotation_clip=True,
            )


def draw_distances(axes: Axes, distances: tuple[Distance, ...]) -> None:
    """Draw measured lines with short strokes across their ends, and their lengths."""
    colour = _KNOWN["you"].colour
    for each in distances:
        (top, left), (bottom, right) = each.start, each.end
        line = Line2D((left, right), (top, bottom), color=colour, linewidth=1.2, marker="+", markersize=6)
        line.set_path_effects([withStroke(linewidth=2.6, foreground=(0, 0, 0, 0.6))])
        axes.add_line(line)
        row, column = max(each.start, each.end)
        axes.annotate(
            each.text,
            (column, row),
            xytext=(0, -4),
            textcoords="offset points",
            ha="center",
            va="top",
            color=colour,
            fontsize=6.5,
            family=FONT,
            path_effects=[withStroke(linewidth=1.8, foreground="black")],
            annotation_clip=True,
        )


def draw_legend(axes: Axes, regions: tuple[Region, ...]) -> None:
    """Draw one swatch and name for each reader, on axes that measure inches."""
    axes.set_axis_off()
    height = axes.get_ylim()[1]
    left = 0.0
    for reader, stroke in strokes(regions).items():
        # The strokes are made for dark pictures, so their swatch is dark too.
        axes.add_patch(Rectangle((left, 0.02), 0.34, height - 0.04, facecolor=INK, edgecolor="none"))
        line = Line2D((left + 0.05, left + 0.29), (height / 2,) * 2, color=stroke.colour, linewidth=1.4)
        line.set_linestyle(stroke.dashes)
        axes.add_line(line)
        name = _NAMES.get(reader, reader or "unnamed")
        axes.text(left + 0.4, height / 2, name, fontsize=7, va="center", color=INK, family=FONT)
        left += 0.62 + 0.062 * len(name)


def draw_tags(axes: Axes, tints: tuple[Tint, ...]) -> None:
    """Draw the number of each finding where its map is largest."""
    for tint in tints:
        if tint.values is None or tint.peak is None:
            continue
        row, column = tint.peak
        axes.text(
            column,
            row,
            str(tint.number),
            ha="center",
            va="center",
            color="white",
            fontsize=6.5,
            weight="bold",
            family=FONT,
            bbox={
                "boxstyle": "circle,pad=0.25",
                "facecolor": (0.05, 0.055, 0.07, 0.85),
                "edgecolor": tint.colour,
                "linewidth": 1.2,
            },
        )


def draw_tint_legend(axes: Axes, head: str, tints: tuple[Tint, ...], line: float) -> None:
    """Draw a swatch and words for each finding below each other, on axes that measure inches from the top.

    A finding whose map is not drawn has an empty swatch.
    """
    axes.set_axis_off()
    axes.text(0, line / 2, head, fontsize=7, va="center", color=FAINT, family=FONT)
    for place, tint in enumerate(tints, start=1):
        middle = (place + 0.5) * line
        drawn = tint.values is not None
        axes.add_patch(
            Rectangle(
                (0.02, middle - 0.045),
                0.16,
                0.09,
                facecolor=tint.colour if drawn else "none",
                edgecolor=INK,
                linewidth=0.5,
            )
        )
        axes.text(
            0.26, middle, tint.words, fontsize=7.5, va="center", color=INK if drawn else FAINT, family=FONT
        )


def draw_bar(axes: Axes, overlay: Overlay, unit: str) -> None:
    """Draw the colour bar in raw values, with a mark where the map begins to be shown."""
    low, high = overlay.scale
    bar = axes.figure.colorbar(ScalarMappable(Normalize(low, high), overlay.colours), cax=axes)
    bar.outline.set_linewidth(0.5)
    axes.tick_params(labelsize=7, length=2, color=FAINT, labelcolor=INK)
    if unit:
        axes.set_ylabel(unit, fontsize=7, family=FONT, color=INK, labelpad=4)
    if 0 < overlay.threshold < 1:
        value = overlay.threshold * max(abs(low), abs(high))
        for mark in (value, -value) if low < 0 else (value,):
            axes.axhline(mark, color="white", linewidth=0.8)
