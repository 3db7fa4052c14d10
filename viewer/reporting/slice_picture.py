"""The small picture of one explained slice, made in milliseconds: for folders with a picture per slice."""

from __future__ import annotations

import io
from pathlib import Path
from textwrap import wrap

import numpy as np
from PIL import Image, ImageDraw, ImageFont, PngImagePlugin

from viewer.foundation.provenance import program_version
from viewer.foundation.whole_file import write_whole
from viewer.reporting.blend import blended, grey_levels
from viewer.reporting.content import FigureContent

_LONGEST = 512
_LINE = 15
_COLUMNS = 88
_PAPER, _INK, _AMBER, _LETTERS = (20, 23, 28), (214, 220, 226), (255, 184, 77), (255, 200, 97)


def slice_picture(path: Path, content: FigureContent) -> None:
    """Write the overlaid picture with letters and what is needed to read it; voxels stay visible as steps.

    Parameters
    ----------
    path : ends in ``.png``; its folder exists.
    content : what to show; of the facts the words alone, of the regions nothing.

    Raises
    ------
    ExportError
        When the colour map does not exist or the file cannot be written.
    """
    base = grey_levels(content.picture, content.window, inverted=content.inverted)
    pixels = np.round(255 * blended(base, content.overlay)).astype(np.uint8)
    rows, columns = pixels.shape[:2]
    height, width = rows * content.spacing[0], columns * content.spacing[1]
    scale = _LONGEST / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    picture = Image.fromarray(pixels, "RGB").resize(size, Image.Resampling.NEAREST)

    font = ImageFont.load_default(11)
    lines = [
        line for words in (content.title, _words(content), content.verdict) for line in wrap(words, _COLUMNS)
    ]
    page = Image.new("RGB", (_LONGEST, size[1] + _LINE * (len(lines) + 1) + 8), _PAPER)
    left = (_LONGEST - size[0]) // 2
    page.paste(picture, (left, 0))
    draw = ImageDraw.Draw(page)
    _letters(draw, content, (left, 0, left + size[0], size[1]))
    for number, line in enumerate(lines):
        draw.text((6, size[1] + 4 + _LINE * number), line, fill=_INK, font=font)
    mark = " ".join(f"RESEARCH USE ONLY   {content.watermark}".split("\n"))
    draw.text((6, size[1] + 4 + _LINE * len(lines)), mark.rstrip(), fill=_AMBER, font=font)

    notes = PngImagePlugin.PngInfo()
    notes.add_text("Software", f"WhySlice {program_version()}")
    notes.add_text("Comment", "research use only")
    stream = io.BytesIO()
    page.save(stream, "PNG", pnginfo=notes)
    write_whole(path, stream.getvalue())


def _words(content: FigureContent) -> str:
    return "  \u00b7  ".join(words for _, words in content.facts)


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
