"""The picture of a check: what was compared, side by side, and what was found, in words."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, PngImagePlugin

from viewer.foundation.provenance import program_version
from viewer.foundation.whole_file import write_whole
from viewer.reporting.blend import Overlay

_TILE, _GAP, _LINE, _EDGE = 240, 10, 15, 10
_PAPER, _INK, _AMBER = (20, 23, 28), (214, 220, 226), (255, 184, 77)

Tile = tuple[str, NDArray[np.float32], bool]
"""Words, values (row, column), and whether they are a map, in colours, or a picture, in greys."""


def check_picture(path: Path, tiles: Sequence[Tile], lines: Sequence[str]) -> None:
    """Write small pictures side by side, each over its own range, and words below.

    Parameters
    ----------
    path : ends in ``.png``; its folder exists.
    tiles : at least one.
    lines : what was found.

    Raises
    ------
    ExportError
        When the file cannot be written.
    """
    pictures = [_tile(values, is_map=is_map) for _, values, is_map in tiles]
    width = max(2 * _EDGE + len(tiles) * (_TILE + _GAP) - _GAP, 520)
    words = [part for line in lines for part in wrap(line, width // 7)]
    top = _EDGE + _TILE + 4 + _LINE
    page = Image.new("RGB", (width, top + _LINE * (len(words) + 1) + _EDGE), _PAPER)
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(11)
    for number, (tile, picture) in enumerate(zip(tiles, pictures, strict=True)):
        left = _EDGE + number * (_TILE + _GAP)
        page.paste(picture, (left + (_TILE - picture.width) // 2, _EDGE + (_TILE - picture.height) // 2))
        draw.text((left + _TILE / 2, _EDGE + _TILE + 4), tile[0], fill=_INK, font=font, anchor="mt")
    for number, line in enumerate(words):
        draw.text((_EDGE, top + 6 + _LINE * number), line, fill=_INK, font=font)
    mark = "RESEARCH USE ONLY   each map over its own largest value"
    draw.text((_EDGE, top + 6 + _LINE * len(words)), mark, fill=_AMBER, font=font)
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Software", f"WhySlice {program_version()}")
    notes.add_text("Comment", "research use only")
    stream = io.BytesIO()
    page.save(stream, "PNG", pnginfo=notes)
    write_whole(path, stream.getvalue())


def _tile(values: NDArray[np.float32], *, is_map: bool) -> Image.Image:
    finite = np.nan_to_num(values.astype(np.float64), posinf=0.0, neginf=0.0)
    low, high = float(finite.min(initial=0.0)), float(finite.max(initial=0.0))
    if is_map:
        reach = max(abs(low), high) or 1.0
        both = low < 0
        colours = Overlay(
            finite, (-reach if both else 0.0, reach), colour_map="berlin" if both else "inferno"
        ).colours
        share = (finite / reach + 1) / 2 if both else finite / reach
        pixels = np.asarray(colours(np.clip(share, 0, 1)))[..., :3]
    else:
        low = float(finite.min())
        pixels = np.repeat(((finite - low) / ((finite.max() - low) or 1.0))[..., None], 3, axis=2)
    rows, columns = values.shape
    scale = _TILE / max(rows, columns)
    size = max(1, round(columns * scale)), max(1, round(rows * scale))
    return Image.fromarray(np.round(255 * pixels).astype(np.uint8), "RGB").resize(
        size, Image.Resampling.NEAREST
    )
