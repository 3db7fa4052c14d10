"""A sheet of paper measured in inches from its top left corner, and the foot that every figure has."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from viewer.foundation.provenance import program_version
from viewer.reporting.panels import FAINT, FONT, INK

MARGIN, LINE = 0.25, 0.165
"""Inches."""
LEVELS = {"plain": ("#eef1f4", INK), "caution": ("#fff1d6", "#7a4b00"), "stop": ("#fde3e1", "#8c1d18")}
"""Paper and ink of words by how serious they are."""
_RULE = "#c9cfd6"


class Sheet:
    """A figure measured in inches from its top left corner.

    Attributes
    ----------
    figure : what has been drawn.
    """

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self.figure = Figure(figsize=(width, height), facecolor="white")

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        bottom = self.height - top - height
        return self.figure.add_axes(
            (left / self.width, bottom / self.height, width / self.width, height / self.height)
        )

    def text(self, left: float, top: float, words: str, **style: Any) -> None:
        settings: dict[str, Any] = {
            "fontsize": 8,
            "color": INK,
            "va": "top",
            "ha": "left",
            "family": FONT,
        } | style
        self.figure.text(left / self.width, 1 - top / self.height, words, **settings)

    def block(self, top: float, height: float, colour: str) -> None:
        """A filled bar across the sheet."""
        corner = (MARGIN / self.width, 1 - (top + height) / self.height)
        size = (1 - 2 * MARGIN / self.width, height / self.height)
        self.figure.add_artist(Rectangle(corner, *size, facecolor=colour, edgecolor="none"))

    def rule(self, top: float) -> None:
        """A thin line across the sheet."""
        self.block(top, 0.006, _RULE)

    def foot(self, top: float) -> None:
        """What the sheet is for and what made it."""
        self.rule(top)
        self.text(MARGIN, top + 0.08, "RESEARCH USE ONLY", color="#8f5200", weight="bold", fontsize=7.5)
        version = f"WhySlice {program_version()}"
        self.text(self.width - MARGIN, top + 0.08, version, color=FAINT, fontsize=7, ha="right")
