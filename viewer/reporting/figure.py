"""One explained slice as a figure for a paper, a slide or a report.

The picture stands twice: as it is, and with the map over it, so that a reader can judge what lies underneath. What is
needed to read the map stands below.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from viewer.foundation.errors import ExportError
from viewer.foundation.provenance import program_version
from viewer.foundation.whole_file import write_whole
from viewer.reporting.blend import blended, grey_levels
from viewer.reporting.content import FigureContent
from viewer.reporting.panels import (
    FAINT,
    draw_bar,
    draw_boundaries,
    draw_distances,
    draw_legend,
    draw_picture,
    draw_regions,
    draw_tags,
    draw_tint_legend,
)
from viewer.reporting.sheet import LEVELS, LINE, MARGIN, Sheet

FORMATS = ("png", "pdf", "svg")
_STYLE: Any = {
    "pdf.fonttype": 42,
    "svg.hashsalt": "whyslice",
}  # text stays text; the same figure, the same file
# Inches.
_WIDTH = 7.2
_GAP = 0.12
_BAR = 0.75
_TALLEST = 5.2
_TALLEST_PLANE = 2.6
_NAMES = 1.05


def save_figure(
    path: Path, content: FigureContent, *, planes: Sequence[FigureContent] = (), dpi: int = 300
) -> None:
    """Write a figure as PNG, PDF or SVG; a failure leaves an older file as it was.

    Parameters
    ----------
    path : ends in ``.png``, ``.pdf`` or ``.svg``; its folder exists.
    content : what to show.
    planes : of a volume, the planes that stand in a row below, all at one scale; of each the picture, the map, the
        letters and the title.
    dpi : pixels per inch of a PNG, and of the pictures in the others, 30 to 1200; the figure is 7.2 inches wide.

    Raises
    ------
    ExportError
        When the name, the resolution or the colour map is wrong or the file cannot be written.
    """
    kind = path.suffix.lower()[1:]
    if kind not in FORMATS:
        raise ExportError(
            f"A figure is written as PNG, PDF or SVG; '{path.name}' ends in none of .png, .pdf and .svg.",
            code="figure-format",
        )
    write_whole(path, _figure(content, planes, dpi, kind))


def figure_png(content: FigureContent, *, planes: Sequence[FigureContent] = (), dpi: int = 300) -> bytes:
    """A figure as the bytes of a PNG; parameters and failures are those of `save_figure`."""
    return _figure(content, planes, dpi, "png")


def _figure(content: FigureContent, planes: Sequence[FigureContent], dpi: int, kind: str) -> bytes:
    if not 30 <= dpi <= 1200:
        raise ExportError("The resolution of a figure lies between 30 and 1200 dpi.", code="figure-dpi")
    program, use = f"WhySlice {program_version()}", "research use only"
    notes: dict[str, dict[str, str | None]] = {  # what made it, and neither who nor when
        "png": {"Software": program, "Comment": use},
        "pdf": {"Creator": program, "Subject": use, "CreationDate": None},
        "svg": {"Creator": program, "Description": use, "Date": None},
    }
    figure = _drawn(content, planes)
    stream = io.BytesIO()
    FigureCanvasAgg(figure)
    with rc_context(_STYLE):
        figure.savefig(stream, format=kind, dpi=dpi, metadata=notes[kind])
    return stream.getvalue()


def _drawn(content: FigureContent, planes: Sequence[FigureContent] = ()) -> Figure:
    mapped = content.overlay is not None or any(tint.values is not None for tint in content.tints)
    panels = 2 if mapped else 1
    bar = 0.0 if content.overlay is None else _BAR
    rows, columns = content.picture.shape[:2]
    aspect = rows * content.spacing[0] / (columns * content.spacing[1])
    width = min((_WIDTH - 2 * MARGIN - bar - _GAP * (panels - 1)) / panels, _TALLEST / aspect)
    height = width * aspect
    facts = _wrapped(content.facts)
    verdict = textwrap.wrap(content.verdict, 100)

    parts = {
        "title": 0.3 if content.title else 0.0,
        "pictures": height + 0.12,
        "tints": LINE * (len(content.tints) + 1) + 0.08 if content.tints_head else 0.0,
        "legend": 0.26 if content.regions else 0.0,
        "planes": _planes_height(planes),
        "verdict": 0.165 * len(verdict) + 0.28 if verdict else 0.0,
        "facts": LINE * len(facts) + (0.1 if facts else 0.0),
        "foot": 0.24,
    }
    tops = {}
    place = MARGIN
    for name, size in parts.items():
        tops[name] = place
        place += size
    page = Sheet(_WIDTH, place + 0.1)

    if content.title:
        page.text(MARGIN, tops["title"], content.title, fontsize=11, weight="bold")
    left = (_WIDTH - panels * width - _GAP * (panels - 1) - bar) / 2
    _draw_pictures(page, content, panels, (left, tops["pictures"], width, height))
    if content.tints_head:
        tall = LINE * (len(content.tints) + 1)
        named = page.axes(left, tops["tints"], _WIDTH - left - MARGIN, tall)
        named.set_xlim(0, _WIDTH - left - MARGIN)
        named.set_ylim(tall, 0)
        draw_tint_legend(named, content.tints_head, content.tints, LINE)
    if content.regions:
        legend = page.axes(left, tops["legend"], _WIDTH - left - MARGIN, 0.16)
        legend.set_xlim(0, _WIDTH - left - MARGIN)
        legend.set_ylim(0, 0.16)
        draw_legend(legend, content.regions)
    if planes:
        _draw_planes(page, planes, tops["planes"])
    if verdict:
        paper, ink = LEVELS[content.level]
        page.block(tops["verdict"], parts["verdict"] - 0.12, paper)
        page.text(MARGIN + 0.1, tops["verdict"] + 0.08, "\n".join(verdict), color=ink, linespacing=1.4)
    for number, (name, words) in enumerate(facts):
        page.text(MARGIN, tops["facts"] + LINE * number, name, color=FAINT, fontsize=7.5)
        page.text(MARGIN + _NAMES, tops["facts"] + LINE * number, words, fontsize=7.5)
    page.foot(tops["foot"])
    return page.figure


def _draw_pictures(
    page: Sheet, content: FigureContent, panels: int, place: tuple[float, float, float, float]
) -> None:
    left, top, width, height = place
    base = grey_levels(content.picture, content.window, inverted=content.inverted)
    for panel in range(panels):
        axes = page.axes(left + panel * (width + _GAP), top, width, height)
        last = panel == panels - 1
        maps = (content.overlay, *content.tints) if last else ()
        draw_picture(axes, blended(base, *maps), content, width)
        if last:
            draw_tags(axes, content.tints)
            draw_boundaries(axes, content.boundaries)
            draw_regions(axes, content.regions)
            draw_distances(axes, content.distances)
    if content.overlay is not None:
        bar = page.axes(left + panels * (width + _GAP) - 0.02, top, 0.12, height)
        draw_bar(bar, content.overlay, content.overlay_unit)


def _planes_scale(planes: Sequence[FigureContent]) -> float:
    """Inches a millimetre at which the planes fit side by side."""
    extents = [_extent(plane) for plane in planes]
    across = (_WIDTH - 2 * MARGIN - _GAP * (len(planes) - 1)) / sum(width for _, width in extents)
    return min(across, _TALLEST_PLANE / max(height for height, _ in extents))


def _planes_height(planes: Sequence[FigureContent]) -> float:
    if not planes:
        return 0.0
    return LINE + max(height for height, _ in map(_extent, planes)) * _planes_scale(planes) + 0.16


def _draw_planes(page: Sheet, planes: Sequence[FigureContent], top: float) -> None:
    scale = _planes_scale(planes)
    total = sum(width for _, width in map(_extent, planes)) * scale + _GAP * (len(planes) - 1)
    left = (_WIDTH - total) / 2
    for plane in planes:
        height, width = (mm * scale for mm in _extent(plane))
        page.text(left, top, plane.title, fontsize=7.5, color=FAINT)
        base = grey_levels(plane.picture, plane.window, inverted=plane.inverted)
        axes = page.axes(left, top + LINE, width, height)
        draw_picture(axes, blended(base, plane.overlay), plane, width)
        draw_boundaries(axes, plane.boundaries)
        left += width + _GAP


def _extent(content: FigureContent) -> tuple[float, float]:
    """(height, width) of a picture, mm."""
    rows, columns = content.picture.shape[:2]
    return rows * content.spacing[0], columns * content.spacing[1]


def _wrapped(facts: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    """Facts in lines that fit; a continued line has no name."""
    lines: list[tuple[str, str]] = []
    for name, words in facts:
        for number, line in enumerate(textwrap.wrap(words, 92) or [""]):
            lines.append((name if number == 0 else "", line))
    return lines
