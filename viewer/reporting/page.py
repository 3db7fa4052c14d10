"""Draws a page: rows of pictures, tables, curves and words, from top to bottom, for a screen or for paper."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse

from viewer.foundation.errors import ExportError
from viewer.foundation.provenance import program_version
from viewer.foundation.whole_file import write_whole
from viewer.reporting.blend import blended, grey_levels
from viewer.reporting.page_content import (
    Block,
    Page,
    PageCurve,
    PagePanel,
    PageRow,
    PageTable,
    PageWords,
)
from viewer.reporting.panels import FAINT, INK, draw_boundaries, draw_picture, draw_regions
from viewer.reporting.sheet import LEVELS, LINE, MARGIN, Sheet

ON_SCREEN = 110
"""Pixels an inch of a page that is looked at; on paper there are more."""
_ON_PAPER = 200
_GAP, _BELOW = 0.08, 0.16
_HEADING = 0.24
_TALLEST = 3.4
_CURVE = 1.05
_ROW = 0.185
_CARE = "#8f5200"
_NAMES = 1.05
_LETTERS_PER_INCH = {6.5: 19.5, 7.0: 18.0, 7.5: 16.8, 8.0: 15.8}
"""Letters of DejaVu Sans that fit an inch, on average, by their size in points."""
_STYLE: Any = {"pdf.fonttype": 42}  # text stays text


def page_figure(page: Page) -> Figure:
    """The page as a figure."""
    return _Layout(page).draw()


def page_png(page: Page, dpi: int = ON_SCREEN) -> bytes:
    """The page as a PNG."""
    stream = io.BytesIO()
    figure = page_figure(page)
    FigureCanvasAgg(figure)
    notes = {"Software": f"WhySlice {program_version()}", "Comment": "research use only"}
    figure.savefig(stream, format="png", dpi=dpi, metadata=notes)
    return stream.getvalue()


def pages_pdf(pages: Sequence[Page]) -> bytes:
    """Pages as one PDF; it says what made it, and neither who nor when."""
    stream = io.BytesIO()
    notes = {
        "Creator": f"WhySlice {program_version()}",
        "Title": pages[0].title,
        "Subject": "research use only",
        "CreationDate": None,
    }
    with rc_context(_STYLE), PdfPages(stream, metadata=notes) as file:
        for page in pages:
            file.savefig(page_figure(page), dpi=_ON_PAPER)
    return stream.getvalue()


def save_pages(path: Path, pages: Sequence[Page], dpi: int = _ON_PAPER) -> None:
    """Write pages as PDF, or one as PNG; a failure leaves an older file as it was.

    Parameters
    ----------
    path : ends in ``.pdf`` or ``.png``; its folder exists.
    pages : at least one; a PNG holds the first.

    Raises
    ------
    ExportError
        For another ending, or when the file cannot be written.
    """
    kind = path.suffix.lower()
    if kind not in (".pdf", ".png"):
        raise ExportError(
            f"A page is written as PDF or PNG; '{path.name}' ends in neither .pdf nor .png.",
            code="figure-format",
        )
    write_whole(path, pages_pdf(pages) if kind == ".pdf" else page_png(pages[0], dpi))


def _wrapped(words: str, inches: float, size: float = 7.5) -> list[str]:
    """Lines that fit so many inches; breaks in the words are kept."""
    letters = max(8, int(inches * _LETTERS_PER_INCH[size]))
    return [
        line for part in words.splitlines() for line in wrap(part, letters, break_on_hyphens=False) or [""]
    ]


class _Layout:
    """Measures a page from top to bottom, then draws it: each block says its height, and how it is drawn there."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._inner = page.width - 2 * MARGIN

    def draw(self) -> Figure:
        page = self._page
        question = _wrapped(page.question, self._inner, 8.0)
        facts = self._facts()
        top = MARGIN + 0.32 + (LINE * len(question) + 0.06 if question else 0)
        tops = []
        for block in page.blocks:
            tops.append(top)
            top += self._height(block)
        foot = top + LINE * len(facts) + 0.08
        sheet = Sheet(page.width, max(page.height, foot + 0.34))
        sheet.text(MARGIN, MARGIN, page.title, fontsize=12, weight="bold")
        if page.person:
            sheet.text(page.width - MARGIN, MARGIN + 0.02, page.person, fontsize=8.5, ha="right")
        for number, line in enumerate(question):
            sheet.text(MARGIN, MARGIN + 0.3 + LINE * number, line, color=FAINT)
        for block, place in zip(page.blocks, tops, strict=True):
            self._draw_block(sheet, block, place)
        for number, (name, words) in enumerate(facts):
            sheet.text(MARGIN, top + LINE * number, name, color=FAINT, fontsize=7.5)
            sheet.text(MARGIN + _NAMES, top + LINE * number, words, fontsize=7.5)
        sheet.foot(sheet.height - 0.34)
        return sheet.figure

    def _facts(self) -> list[tuple[str, str]]:
        return [
            (name if number == 0 else "", line)
            for name, words in self._page.facts
            for number, line in enumerate(_wrapped(words, self._inner - _NAMES))
        ]

    # --- blocks ------------------------------------------------------------------------------------------------------

    def _height(self, block: Block) -> float:
        heading = _HEADING if block.heading else 0.0
        if isinstance(block, PageRow):
            return heading + self._row_of(block).height
        if isinstance(block, PageTable):
            return heading + _ROW * (1 + sum(map(len, self._lines_of(block)))) + _BELOW
        if isinstance(block, PageCurve):
            return heading + _CURVE + 0.42
        return heading + LINE * len(self._paragraphs(block)) + 0.16 + _BELOW

    def _draw_block(self, sheet: Sheet, block: Block, top: float) -> None:
        if block.heading:
            sheet.text(MARGIN, top, block.heading, fontsize=8.5, weight="bold")
            top += _HEADING
        if isinstance(block, PageRow):
            self._row_of(block).draw(sheet, top)
        elif isinstance(block, PageTable):
            self._draw_table(sheet, block, top)
        elif isinstance(block, PageCurve):
            self._draw_curve(sheet, block, top)
        else:
            self._draw_words(sheet, block, top)

    def _row_of(self, row: PageRow) -> _Pictures:
        return _Pictures(row, self._inner)

    def _paragraphs(self, block: PageWords) -> list[str]:
        return [part for line in block.lines for part in _wrapped(line, self._inner - 0.2, 8.0)]

    def _draw_words(self, sheet: Sheet, block: PageWords, top: float) -> None:
        lines = self._paragraphs(block)
        paper, ink = LEVELS[block.level]
        sheet.block(top, LINE * len(lines) + 0.14, paper)
        for number, line in enumerate(lines):
            sheet.text(MARGIN + 0.1, top + 0.07 + LINE * number, line, color=ink)

    def _shares(self, table: PageTable) -> list[float]:
        shares = table.shares or (1.0,) * len(table.head)
        return [share / sum(shares) * self._inner for share in shares]

    def _lines_of(self, table: PageTable) -> list[list[list[str]]]:
        """Of each row its lines, each with a part of every cell."""
        found = []
        for row in table.rows:
            cells = [
                _wrapped(word, width - 0.1) for word, width in zip(row, self._shares(table), strict=True)
            ]
            deep = max(map(len, cells))
            found.append([[cell[n] if n < len(cell) else "" for cell in cells] for n in range(deep)])
        return found

    def _draw_table(self, sheet: Sheet, table: PageTable, top: float) -> None:
        shares = self._shares(table)
        lefts = [MARGIN + sum(shares[:number]) for number in range(len(shares))]
        for left, word in zip(lefts, table.head, strict=True):
            sheet.text(left, top, word, color=FAINT, fontsize=7.5)
        sheet.rule(top + _ROW - 0.03)
        for line in (line for row in self._lines_of(table) for line in row):
            top += _ROW
            for left, word in zip(lefts, line, strict=True):
                sheet.text(left, top, word, fontsize=7.5)

    def _draw_curve(self, sheet: Sheet, curve: PageCurve, top: float) -> None:
        axes = sheet.axes(MARGIN + 0.42, top, self._inner - 0.5, _CURVE)
        places = np.arange(1, len(curve.values) + 1)
        if curve.low is not None and curve.high is not None:
            axes.vlines(places, curve.low, curve.high, color="#9aa7b4", linewidth=3.2)
        axes.plot(places, curve.values, "o", color="#0b5fa5", markersize=3.6)
        if curve.threshold is not None:
            axes.axhline(curve.threshold, color=_CARE, linewidth=0.9, linestyle=(0, (4, 3)))
        axes.set_ylim(-0.03, 1.03)
        axes.set_xlim(0.4, len(places) + 0.6)
        axes.tick_params(labelsize=7, length=2, color=FAINT, labelcolor=INK)
        axes.set_ylabel(curve.unit, fontsize=7, color=INK)
        axes.set_xlabel("slice", fontsize=7, color=INK, labelpad=1)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)


class _Pictures:
    """A row of pictures of one width, with their words."""

    def __init__(self, row: PageRow, inner: float) -> None:
        self._row = row
        across = max(row.across, len(row.panels), 1)
        aspects = [_aspect(panel) for panel in row.panels]
        self._width = min((inner - _GAP * (across - 1)) / across, _TALLEST / max(aspects))
        self._deep = self._width * max(aspects)
        self._small = self._width < 1.0
        self._size = 6.5 if self._small else 7.5
        self._above = max(len(self._lines(panel.title)) for panel in row.panels)
        self._notes = max(len(self._lines(panel.note)) + len(self._lines(panel.care)) for panel in row.panels)
        self._step = 0.12 if self._small else 0.145

    @property
    def height(self) -> float:
        """Inches, with the space below."""
        return (
            self._step * (self._above + self._notes)
            + self._deep
            + 0.04
            + _BELOW * (0.6 if self._small else 1)
        )

    def _lines(self, words: str) -> list[str]:
        return _wrapped(words, self._width, self._size) if words else []

    def draw(self, sheet: Sheet, top: float) -> None:
        for number, panel in enumerate(self._row.panels):
            left = MARGIN + number * (self._width + _GAP)
            title = self._lines(panel.title)
            self._write(sheet, left, top + self._step * (self._above - len(title)), title, INK)
            place = top + self._step * self._above + 0.02
            self._draw_panel(sheet, panel, left, place)
            place += self._deep + 0.03
            notes = self._lines(panel.note)
            self._write(sheet, left, place, notes, INK)
            self._write(sheet, left, place + self._step * len(notes), self._lines(panel.care), _CARE)

    def _write(self, sheet: Sheet, left: float, top: float, lines: Sequence[str], ink: str) -> None:
        for number, line in enumerate(lines):
            sheet.text(left, top + self._step * number, line, fontsize=self._size, color=ink)

    def _draw_panel(self, sheet: Sheet, panel: PagePanel, left: float, top: float) -> None:
        content = panel.content
        deep = self._width * _aspect(panel)
        axes = sheet.axes(left, top + (self._deep - deep) / 2, self._width, deep)
        base = grey_levels(content.picture, content.window, inverted=content.inverted)
        letter = min(9.0, max(4.0, 5.2 * self._width))
        draw_picture(axes, blended(base, content.overlay, *content.tints), content, self._width, letter)
        draw_boundaries(axes, content.boundaries)
        draw_regions(axes, content.regions)
        if panel.ring is not None:
            rows, columns = content.picture.shape[:2]
            across = 0.13 * columns
            down = across * rows / columns / _aspect(panel)
            row, column = panel.ring
            for ink, thick in (("black", 2.4), ("#7fe0ff", 1.1)):
                axes.add_patch(
                    Ellipse((column, row), across, down, fill=False, edgecolor=ink, linewidth=thick)
                )


def _aspect(panel: PagePanel) -> float:
    """Height over width of a picture, in millimetres."""
    rows, columns = panel.content.picture.shape[:2]
    down, across = panel.content.spacing
    return float(rows * down / (columns * across))
