"""A page of pictures, words, tables and curves, as plain values; `viewer.reporting.page` draws it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viewer.reporting.content import FigureContent, Level


@dataclass(frozen=True, eq=False)
class PagePanel:
    """One picture of a row.

    Attributes
    ----------
    content : the picture with its map and letters; of its words the watermark and the mark of a mirrored input.
    title : words above it.
    note : words below it, such as a probability.
    care : words below that, in amber: why it is to be read with care; empty for none.
    ring : (row, column) in pixel edges of the picture, where a ring is drawn; None for none.
    """

    content: FigureContent
    title: str = ""
    note: str = ""
    care: str = ""
    ring: tuple[float, float] | None = None


@dataclass(frozen=True, eq=False)
class PageRow:
    """Pictures side by side.

    Attributes
    ----------
    heading : words above the row; empty for none.
    across : pictures for which there is room, so that rows of a grid have columns in common; at least as many as there
        are panels.
    """

    panels: tuple[PagePanel, ...]
    heading: str = ""
    across: int = 0


@dataclass(frozen=True, eq=False)
class PageTable:
    """Words in rows and columns.

    Attributes
    ----------
    rows : as many words each as `head`.
    heading : words above it.
    shares : of the width, one for each column; empty for equal ones.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    heading: str = ""
    shares: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class PageCurve:
    """One number for each slice.

    Attributes
    ----------
    values : (slice,) 0..1.
    low, high : (slice,) ends of an interval; None where there is none.
    threshold : line across; None for none.
    unit : what the values are.
    heading : words above it.
    """

    values: NDArray[np.float32]
    unit: str
    heading: str = ""
    low: NDArray[np.float32] | None = None
    high: NDArray[np.float32] | None = None
    threshold: float | None = None


@dataclass(frozen=True, eq=False)
class PageWords:
    """A paragraph, or several in a list.

    Attributes
    ----------
    level : how serious it is.
    heading : words above it.
    """

    lines: tuple[str, ...]
    level: Level = "plain"
    heading: str = ""


Block = PageRow | PageTable | PageCurve | PageWords


@dataclass(frozen=True, eq=False)
class Page:
    """A page for a paper, a slide or a report. There is no place in it for a patient's name but `person`.

    Attributes
    ----------
    title : one short line.
    question : what the page answers, in a sentence; empty for none.
    blocks : from top to bottom.
    facts : (name, words) at the foot: model, image, map, scale.
    person : who it is of; empty while patient data is hidden.
    width : inches.
    height : inches; 0 for as much as is needed.
    """

    title: str
    blocks: tuple[Block, ...]
    question: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    person: str = ""
    width: float = 9.0
    height: float = 0.0


def in_rows(panels: Sequence[PagePanel], across: int, heading: str = "") -> tuple[PageRow, ...]:
    """Panels broken into rows of `across`; the heading stands above the first."""
    return tuple(
        PageRow(tuple(panels[start : start + across]), heading if start == 0 else "", across)
        for start in range(0, len(panels), across)
    )
