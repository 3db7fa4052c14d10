"""The small picture of one explained slice, or of the planes of a volume, made in milliseconds: for whole folders."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap

import numpy as np
from PIL import Image, ImageDraw, ImageFont, PngImagePlugin

from viewer.foundation.provenance import program_version
from viewer.foundation.whole_file import write_whole
from viewer.reporting.blend import blended, grey_levels
from viewer.reporting.content import FigureContent

_LONGEST, _WIDE, _GAP = 512, 1200, 8
_LINE = 15
_COLUMNS = 88
_PAPER, _INK, _AMBER, _LETTERS = (20, 23, 28), (214, 220, 226), (255, 184, 77), (255, 200, 97)
_BOUNDARY = (255, 236, 110)


def slice_picture(path: Path, content: FigureContent) -> None:
    """Write the overlaid picture with letters and what is needed to read it; voxels stay visible as steps.

    Parameters
    ----------
    path : ends in ``.png``; its folder exists.
    content : what to show; of the facts the words alone, of the regions the box and its label.

    Raises
    ------
    ExportError
        When the colour map does not exist or the file cannot be written.
    """
    height, width = _extent(content)
    _page(path, [content], _LONGEST / max(height, width), _LONGEST)


def planes_picture(path: Path, planes: Sequence[FigureContent]) -> None:
    """Write the planes of a volume side by side, all at one scale; the words are those of the first.

    Parameters
    ----------
    path : ends in ``.png``; its folder exists.
    planes : at least one.

    Raises
    ------
    ExportError
        When the colour map does not exist or the file cannot be written.
    """
    extents = [_extent(plane) for plane in planes]
    width = sum(across for _, across in extents)
    available = _WIDE - _GAP * (len(planes) - 1)
    _page(path, planes, min(available / width, _LONGEST / max(down for down, _ in extents)), _WIDE)


def _extent(content: FigureContent) -> tuple[float, float]:
    """(height, width) of a picture, mm."""
    rows, columns = content.picture.shape[:2]
    return rows * content.spacing[0], columns * content.spacing[1]


def _page(path: Path, contents: Sequence[FigureContent], scale: float, across: int) -> None:
    """Pictures side by side at `scale` pixels a millimetre, `across` pixels wide, and the words of the first below."""
    pictures = [_pixels(content, scale) for content in contents]
    height = max(picture.height for picture in pictures)
    font, content = ImageFont.load_default(11), contents[0]
    columns = _COLUMNS * across // _LONGEST
    lines = [
        line for words in (content.title, _words(content), content.verdict) for line in wrap(words, columns)
    ]
    page = Image.new("RGB", (across, height + _LINE * (len(lines) + 1) + 8), _PAPER)
    draw = ImageDraw.Draw(page)
    left = (across - sum(picture.width for picture in pictures) - _GAP * (len(pictures) - 1)) // 2
    for each, picture in zip(contents, pictures, strict=True):
        top = (height - picture.height) // 2
        page.paste(picture, (left, top))
        _letters(draw, each, (left, top, left + picture.width, top + picture.height))
        _regions(draw, each, (left, top, left + picture.width, top + picture.height))
        left += picture.width + _GAP
    for number, line in enumerate(lines):
        draw.text((6, height + 4 + _LINE * number), line, fill=_INK, font=font)
    mark = " ".join(f"RESEARCH USE ONLY   {content.watermark}".split("\n"))
    draw.text((6, height + 4 + _LINE * len(lines)), mark.rstrip(), fill=_AMBER, font=font)

    notes = PngImagePlugin.PngInfo()
    notes.add_text("Software", f"WhySlice {program_version()}")
    notes.add_text("Comment", "research use only")
    stream = io.BytesIO()
    page.save(stream, "PNG", pnginfo=notes)
    write_whole(path, stream.getvalue())


def _pixels(content: FigureContent, scale: float) -> Image.Image:
    base = grey_levels(content.picture, content.window, inverted=content.inverted)
    pixels = np.round(255 * blended(base, content.overlay, *content.tints)).astype(np.uint8)
    height, width = _extent(content)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    picture = Image.fromarray(pixels, "RGB").resize(size, Image.Resampling.NEAREST)
    if content.boundaries is not None:
        draw, (rows, columns) = ImageDraw.Draw(picture), content.picture.shape[:2]
        for (row, column), (last_row, last_column) in content.boundaries:
            start, end = (column, row), (last_column, last_row)
            points = [(x * size[0] / columns, y * size[1] / rows) for x, y in (start, end)]
            draw.line(points, fill=_BOUNDARY)
    return picture


def _words(content: FigureContent) -> str:
    return "  \u00b7  ".join(words for _, words in content.facts)


def _regions(draw: ImageDraw.ImageDraw, content: FigureContent, box: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = box
    rows, columns = content.picture.shape[:2]
    across, down = (right - left) / columns, (bottom - top) / rows
    for region in content.regions:
        x0, x1 = left + region.column_min * across, left + region.column_max * across
        y0, y1 = top + region.row_min * down, top + region.row_max * down
        draw.rectangle((x0, y0, x1, y1), outline=(0, 0, 0), width=3)
        draw.rectangle((x0, y0, x1, y1), outline=_LETTERS, width=1)
        place, anchor = ((x0, y0 - 3), "lb") if y0 - top > _LINE else ((x0, y1 + 3), "lt")
        font = ImageFont.load_default(11)
        across_all = draw.textlength(region.label, font=font)
        place = (max(min(place[0], right - across_all - 4), left + 4), place[1])
        draw.text(
            place,
            region.label,
            fill=_LETTERS,
            font=font,
            anchor=anchor,
            stroke_width=2,
            stroke_fill=(0, 0, 0),
        )


def _letters(draw: ImageDraw.ImageDraw, content: FigureContent, box: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = box
    font = ImageFont.load_default(16)

    def write(place: tuple[float, float], words: str, anchor: str) -> None:
        draw.text(
            place, words, fill=_LETTERS, font=font, anchor=anchor, stroke_width=2, stroke_fill=(0, 0, 0)
        )

    if content.letters is None:
        write((left + 6, top + 6), "side unknown", "lt")
    else:
        centre, middle = (left + right) / 2, (top + bottom) / 2
        for letter, place, anchor in zip(
            content.letters,
            ((left + 6, middle), (right - 6, middle), (centre, top + 6), (centre, bottom - 6)),
            ("lm", "rm", "mt", "mb"),
            strict=True,
        ):
            write(place, letter, anchor)
    if content.mirrored:
        write(((left + right) / 2, top + 28), "MIRRORED INPUT", "mt")
