"""The sheet of layers by explainers as a picture: every map over the slice, with the number of its agreement."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, PngImagePlugin

from viewer.foundation.provenance import program_version
from viewer.foundation.whole_file import write_whole
from viewer.reporting.blend import Overlay, blended, grey_levels

_SIDE, _GAP, _NAMES, _LINE = 112, 6, 120, 15
_PAPER, _INK, _FAINT, _AMBER, _CHOSEN = (
    *((255, 255, 255), (27, 31, 36), (91, 101, 112), (122, 75, 0)),
    (31, 111, 191),
)


@dataclass(frozen=True, eq=False)
class SheetPicture:
    """One map of the sheet.

    Attributes
    ----------
    values : (row, column), at least 0, on the pixels of the slice; None where there is no map.
    words : below it: the number, or what is the matter.
    chosen : whether it is the map on screen.
    """

    values: NDArray | None
    words: str
    chosen: bool = False


@dataclass(frozen=True, eq=False)
class SheetContent:
    """The sheet.

    Attributes
    ----------
    slice : (row, column) grey values or (row, column, 3) colours.
    window, spacing, inverted, letters : as of a figure.
    rows, columns : names of layers and explainers.
    cells : row by row.
    """

    slice: NDArray
    window: tuple[float, float]
    spacing: tuple[float, float]
    inverted: bool
    letters: tuple[str, str, str, str] | None
    title: str
    rows: Sequence[str]
    columns: Sequence[str]
    cells: Sequence[Sequence[SheetPicture]]
    colour_map: str = "inferno"
    opacity: float = 0.7
    threshold: float = 0.0


def save_layer_sheet(path: Path, content: SheetContent) -> None:
    """Write the sheet as PNG.

    Raises
    ------
    ExportError
        When it cannot be written.
    """
    high, wide = (n * mm for n, mm in zip(content.slice.shape[:2], content.spacing, strict=True))
    scale = _SIDE / max(high, wide)
    size = max(1, round(wide * scale)), max(1, round(high * scale))
    step = (size[0] + _GAP, size[1] + _LINE + _GAP)
    head = 2 * _LINE + 14
    page = Image.new(
        "RGB", (_NAMES + step[0] * len(content.columns) + 8, head + step[1] * len(content.rows) + 24), _PAPER
    )
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(11)
    draw.text((8, 4), content.title, fill=_INK, font=font)
    for column, name in enumerate(content.columns):
        draw.text((_NAMES + column * step[0], _LINE + 8), name, fill=_FAINT, font=font)
    base = grey_levels(content.slice, content.window, inverted=content.inverted)
    for row, name in enumerate(content.rows):
        top = head + row * step[1]
        draw.text((8, top + size[1] // 2), name, fill=_INK, font=font, anchor="lm")
        for column, cell in enumerate(content.cells[row]):
            place = (_NAMES + column * step[0], top)
            page.paste(_picture(base, cell, content).resize(size, Image.Resampling.BILINEAR), place)
            _letters(draw, content, place, size)
            if cell.chosen:
                edges = (place[0] - 2, place[1] - 2, place[0] + size[0] + 1, place[1] + size[1] + 1)
                draw.rectangle(edges, outline=_CHOSEN, width=2)
            draw.text((place[0], top + size[1] + 1), cell.words, fill=_INK, font=font)
    foot = f"RESEARCH USE ONLY   WhySlice {program_version()}"
    draw.text((8, page.height - 18), foot, fill=_AMBER, font=font)
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Software", f"WhySlice {program_version()}")
    notes.add_text("Comment", "research use only")
    stream = io.BytesIO()
    page.save(stream, "PNG", pnginfo=notes)
    write_whole(path, stream.getvalue())


def _picture(base: NDArray[np.float64], cell: SheetPicture, content: SheetContent) -> Image.Image:
    overlay = None
    if cell.values is not None and float(np.max(cell.values, initial=0.0)) > 0:
        overlay = Overlay(
            cell.values,
            (0.0, float(np.max(cell.values))),
            colour_map=content.colour_map,
            opacity=content.opacity,
            threshold=content.threshold,
        )
    return Image.fromarray(np.round(255 * blended(base, overlay)).astype(np.uint8), "RGB")


def _letters(
    draw: ImageDraw.ImageDraw, content: SheetContent, place: tuple[int, int], size: tuple[int, int]
) -> None:
    if content.letters is None:
        return
    font, middle = ImageFont.load_default(10), place[1] + size[1] // 2
    ends = ((place[0] + 3, content.letters[0], "lm"), (place[0] + size[0] - 3, content.letters[1], "rm"))
    for x, letter, anchor in ends:
        draw.text((x, middle), letter, fill=(255, 200, 97), font=font, anchor=anchor)
