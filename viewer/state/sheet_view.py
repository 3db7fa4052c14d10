"""The sheet of layers by explainers: every map that one trace makes of a slice, and how far they agree.

Pure functions. Everything is read from the atlas; a cell is made when somebody looks at it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from viewer.evaluation.agreement import correlation, top_overlap
from viewer.evaluation.likeness import pooled
from viewer.explainers.declaration import EXPLAINERS
from viewer.explainers.explanation import map_state
from viewer.explainers.layer_info import LayerInfo
from viewer.models.line_sampling import stretched
from viewer.state.canvas_view import Background
from viewer.state.layers_view import NO_CASE, NO_MODEL, STATES, LayerMap
from viewer.state.method import is_segmentation, traced_methods
from viewer.state.series_reading import SeriesReading
from viewer.state.session import Against, Measure, Session
from viewer.state.tile_view import small_map

MEASURES: dict[Measure, str] = {"correlation": "correlation", "top-overlap": "top 5% in common"}
AGAINST: dict[Against, str] = {
    "chosen": "with the chosen map",
    "layer": "with the layer before",
    "explainer": "with the explainer at the left",
}
FINEST = 64
"""Cells along an axis of the grid that two maps are compared on, at most."""

Map = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class SheetCell:
    """One map of the sheet.

    Attributes
    ----------
    found : to be drawn, on its own scale; why there is none, in words.
    agreement : with the map that it is compared with, NaN where that is not defined or there is none.
    """

    name: str
    found: LayerMap | str
    agreement: float
    chosen: bool

    @property
    def words(self) -> str:
        """What stands in the cell besides the picture."""
        if isinstance(self.found, str):
            return self.found
        if self.found.state in STATES:
            return STATES[self.found.state]
        return "-" if np.isnan(self.agreement) else f"{self.agreement:.2f}"


@dataclass(frozen=True, eq=False)
class SheetView:
    """The sheet.

    Attributes
    ----------
    layers, explainers : its rows and columns.
    without : why there is none, in a sentence; empty where there is.
    title : what it shows.
    numbers : what the numbers are.
    """

    layers: tuple[LayerInfo, ...]
    explainers: tuple[str, ...]
    without: str
    title: str
    background: Background | None
    numbers: str = ""
    _make: Callable[[int, int], SheetCell] | None = None
    _made: dict[tuple[int, int], SheetCell] = field(default_factory=dict)

    def cell(self, row: int, column: int) -> SheetCell:
        """A cell, made when it is first asked for."""
        place = (row, column)
        if place not in self._made:
            assert self._make is not None
            self._made[place] = self._make(row, column)
        return self._made[place]

    @property
    def titles(self) -> tuple[str, ...]:
        return tuple(EXPLAINERS[name].title for name in self.explainers)


def sheet_view(session: Session, background: Background | None, waiting: str) -> SheetView:
    """The sheet of the shown slice and the chosen class.

    Parameters
    ----------
    waiting : why there is no map of the slice yet, in words; empty otherwise.
    """
    case, model, reading = session.case, session.model, session.reading
    if case is None or model is None or background is None:
        return SheetView((), (), NO_CASE if case is None else (waiting or NO_MODEL), "", background)
    if is_segmentation(session):
        words = "Maps of a segmentation network depend on where it is asked: see them in Reading."
        return SheetView((), (), words, "", background)
    if reading is None or session.view.slice not in reading.filled or waiting:
        return SheetView((), (), waiting or "This slice is not explained yet.", "", background)
    # What puts out the same as an earlier layer has the same row again, which would only look like agreement.
    layers = tuple(layer for layer in model.layers if layer.differentiable and layer.same_as is None)
    explainers = traced_methods()
    sheet = _Sheet(session, reading, session.view.slice, layers, explainers)
    numbers = f"numbers: {MEASURES[session.view.measure]} {AGAINST[session.view.against]}"
    return SheetView(
        layers, explainers, "", _title(session), background, numbers, partial(_Sheet.cell, sheet)
    )


def _title(session: Session) -> str:
    assert session.case is not None
    assert session.model is not None
    assert session.target_index is not None
    parts = [session.model.card.classes[session.target_index]]
    parts += [f"slice {session.view.slice + 1} / {session.case.slices}"] if session.case.slices > 1 else []
    return " \u00b7 ".join([*parts, "every map on its own scale"])


@dataclass(frozen=True, eq=False)
class _Sheet:
    session: Session
    reading: SeriesReading
    index: int
    layers: tuple[LayerInfo, ...]
    explainers: tuple[str, ...]

    def raw(self, row: int, column: int) -> Map | None:
        return self._map(self.layers[row].name, self.explainers[column])

    def _map(self, layer: str, explainer: str) -> Map | None:
        target = self.session.target_index
        if target is None:
            return None
        signed = self.reading.atlas.signed(layer, target, explainer, self.index)
        return None if signed is None else np.maximum(signed, 0)

    def other(self, row: int, column: int) -> Map | None:
        """The map that a cell is compared with."""
        against, choice = self.session.view.against, self.session.choice
        if against == "chosen":
            return self._map(choice.layer, choice.explainer)
        if against == "layer":
            return self.raw(row - 1, column) if row else None
        return self.raw(row, column - 1) if column else None

    def cell(self, row: int, column: int) -> SheetCell:
        session = self.session
        layer, explainer = self.layers[row].name, self.explainers[column]
        name = f"{EXPLAINERS[explainer].title}, {layer}"
        chosen = (layer, explainer) == (session.choice.layer, session.choice.explainer)
        raw = self.raw(row, column) if session.reading is self.reading else None
        if raw is None:
            return SheetCell(name, "not there", np.nan, chosen)
        highest = float(raw.max(initial=0.0))
        target = session.target_index
        assert target is not None
        signed = self.reading.atlas.signed(layer, target, explainer, self.index)
        found = LayerMap(
            small_map(self.reading.views[self.index], raw, cells=session.overlay.true_grid),
            highest if highest > 0 else 1.0,
            "its own largest value",
            False,
            highest,
            map_state(raw if signed is None else signed, None),
        )
        other = self.other(row, column)
        value = np.nan if other is None else agreement(raw, other, session.view.measure)
        return SheetCell(name, found, value, chosen)


def agreement(a: Map, b: Map, measure: Measure) -> float:
    """How far two maps of one input agree, on the finer of their grids but none finer than `FINEST` along an axis.

    The coarser map is linear between the centres of its cells; a finer one is averaged over the cells of the grid.
    """
    grid = tuple(min(max(pair), FINEST) for pair in zip(a.shape, b.shape, strict=True))
    first, second = (_on(each, grid) for each in (a, b))
    score = correlation(first, second) if measure == "correlation" else top_overlap(first, second)
    return float(score.value)


def _on(values: Map, grid: tuple[int, ...]) -> Map:
    fine = pooled(values, grid)
    return fine if fine.shape == grid else stretched(fine, grid)
