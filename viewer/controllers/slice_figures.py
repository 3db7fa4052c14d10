"""What a figure of an explained slice shows, from the same frozen views that the canvas shows.

Imported where figures are drawn, not where they are asked for: it brings matplotlib along.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from viewer.evaluation.regions import Region
from viewer.imaging.erasure import Erasure
from viewer.reporting.blend import Overlay, Tint
from viewer.reporting.content import Distance, FigureContent
from viewer.state.canvas_view import Background, OverlayStyle
from viewer.state.findings_view import FindingMap, FindingsView, legend_head, legend_words
from viewer.state.map_view import MapView, Picture
from viewer.state.may_read import Answer
from viewer.state.planes_view import PlanesView
from viewer.state.rulers import RulerMark
from viewer.state.segment_lines import Lines

DIVERGING = "berlin"
"""Colours of a difference of classes: blue, dark at zero, red, as on screen."""

_LEVELS: dict[Answer, Literal["plain", "caution", "stop"]] = {
    "yes": "plain",
    "with care": "caution",
    "no": "stop",
}


def figure_content(
    background: Background,
    found: MapView | None,
    values: Picture | None,
    style: OverlayStyle,
    *,
    title: str,
    unit: str,
    facts: tuple[tuple[str, str], ...],
    regions: tuple[Region, ...] = (),
    distances: tuple[RulerMark, ...] = (),
    watermark: str = "",
    mirrored: bool = False,
    boundaries: Lines | None = None,
    findings: FindingsView | None = None,
) -> FigureContent:
    """The content of a figure.

    Parameters
    ----------
    background : the patient, or what the network saw.
    found, values : the map, and the same drawn on the background (row, column); None where there is none.
    style : how the map is coloured; a map that is switched off is left out of the figure too.
    unit : what the numbers of the colour bar are.
    facts : (name, words) printed below the picture.
    distances : measured lines on the picture, at pixel centres as the canvas has them.
    mirrored : whether the background itself is mirrored.
    boundaries : where the segments of the map meet, on the background.
    findings : the maps of several findings, which are drawn in place of the one map.
    """
    pixels = background.pixels
    lines = tuple(_line(mark) for mark in distances)
    if (
        background.flipped
    ):  # a figure shows what the screen shows: everything turns, and the letters are the screen's
        columns = pixels.shape[1]
        pixels = pixels[:, ::-1]
        values = None if values is None else values[:, ::-1]
        regions = tuple(_flipped(region, columns) for region in regions)
        lines = tuple(_turned(line, columns) for line in lines)
        boundaries = None if boundaries is None else boundaries * (1, -1) + (0, columns)
    overlay, verdict = None, found.may_read if found else None
    if findings is not None:
        verdict = findings.verdict
    elif found is not None and values is not None and style.visible:
        overlay = Overlay(
            values=values,
            scale=(-found.scale if found.diverging else 0.0, found.scale),
            scale_name=found.scale_label,
            colour_map=DIVERGING if found.diverging else style.colour_map,
            opacity=style.opacity,
            threshold=style.threshold,
        )
    return FigureContent(
        picture=pixels,
        window=(background.low, background.high),
        spacing=background.spacing,
        overlay=overlay,
        tints=tuple(_tint(entry, style, background) for entry in findings.entries) if findings else (),
        tints_head=legend_head(findings) if findings else "",
        overlay_unit=unit,
        inverted=background.inverted,
        letters=background.letters,
        regions=regions,
        distances=lines,
        convention=next((note.split(":")[0] for note in background.notes if ":" in note), ""),
        title=title,
        verdict=verdict.line if verdict else "",
        level=_LEVELS[verdict.answer] if verdict else "plain",
        facts=facts,
        watermark=watermark,
        mirrored=mirrored,
        boundaries=boundaries,
    )


def erased_regions(erased: tuple[Erasure, ...], index: int) -> tuple[Region, ...]:
    """What was taken out of a slice before the network saw it, as boxes of a figure."""
    return tuple(
        Region(e.row_min, e.column_min, e.row_max, e.column_max, f"erased ({e.fill})", "erased", index)
        for e in erased
        if e.on(index)
    )


def plane_contents(planes: PlanesView | None, found: MapView) -> tuple[FigureContent, ...]:
    """The three planes of a volume with its map, for the foot of a figure; nothing where there are none."""
    if planes is None:
        return ()
    return tuple(
        figure_content(
            plane.background,
            found,
            plane.values,
            planes.style,
            title=f"{plane.name} {plane.index + 1} / {plane.count}",
            unit="",
            facts=(),
            boundaries=plane.boundaries,
        )
        for plane in planes.planes
    )


def _line(mark: RulerMark) -> Distance:
    """The state speaks of pixel centres, a figure of edges."""
    (row, column), (last_row, last_column) = mark.start, mark.end
    return Distance((row + 0.5, column + 0.5), (last_row + 0.5, last_column + 0.5), mark.text)


def _tint(entry: FindingMap, style: OverlayStyle, background: Background) -> Tint:
    """A finding as a figure draws it: what is hidden on screen is hidden there, and named in both."""
    values = entry.values if entry.shown and style.visible else None
    peak = entry.peak
    if background.flipped:
        values = None if values is None else values[:, ::-1]
        peak = None if peak is None else (peak[0], background.pixels.shape[1] - peak[1])
    return Tint(
        legend_words(entry),
        entry.number,
        entry.colour,
        values,
        entry.scale,
        peak,
        style.opacity,
        style.threshold,
    )


def _turned(line: Distance, columns: int) -> Distance:
    """A line on the picture whose columns run the other way."""
    (row, column), (last_row, last_column) = line.start, line.end
    return replace(line, start=(row, columns - column), end=(last_row, columns - last_column))


def _flipped(region: Region, columns: int) -> Region:
    """A region on the picture whose columns run the other way."""
    return replace(
        region,
        column_min=columns - region.column_max,
        column_max=columns - region.column_min,
        mask=None if region.mask is None else region.mask[..., ::-1],
    )
