"""What the Compare workspace compares. Plain data that announces its changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from psygnal import SignalGroupDescriptor

from viewer.explainers.explainer_info import Value
from viewer.state.series_reading import SeriesReading, Variant

CompareKind = Literal["explainers", "noise", "models", "inputs"]
"""The columns of the grid; its rows are the classes."""
CompareScale = Literal["grid", "column"]
"""What has one scale: the whole grid, or each column."""
USUAL_SCALES: Mapping[CompareKind, CompareScale] = {
    "explainers": "column",
    "noise": "grid",
    "models": "grid",
    "inputs": "grid",
}
"""Explainers measure in units of their own: on the demo patient Grad-CAM++ is 300 times as large as Grad-CAM."""
MOST = 6
"""Columns at a time."""


@dataclass(frozen=True)
class Cell:
    """What a tile shows of the shown slice.

    Attributes
    ----------
    target : name of a class.
    settings : parameters of the explainer in place of those that the user has set for it; None for those.
    """

    variant: Variant
    explainer: str
    target: str
    settings: tuple[tuple[str, Value], ...] | None = None


@dataclass
class Comparing:
    """The choice of what is compared, and what has been asked for it.

    Attributes
    ----------
    explainers : the columns where explainers are compared; empty for the usual ones.
    readings : of inputs and models that are not the chosen ones. Replaced as a whole, never altered in place.
    layers : model -> the layer that its maps lie on; the same.
    failed : slice and cell, or slice and variant, that could not be computed -> why; the same.
    asked : slice, and the cell or variant that is being computed; None for nothing.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()
    kind: CompareKind = "explainers"
    scale: CompareScale = USUAL_SCALES["explainers"]
    explainers: tuple[str, ...] = ()
    readings: Mapping[Variant, SeriesReading] = field(default_factory=dict)
    layers: Mapping[str, str] = field(default_factory=dict)
    failed: Mapping[tuple[int, Cell | Variant], str] = field(default_factory=dict)
    asked: tuple[int, Cell | Variant] | None = None
