"""From state to what is on screen: one frozen view per panel, made anew only when something it shows has changed.

A panel that is handed the same object twice has nothing to do, so a drag of the opacity slider costs no layer rail.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from viewer.state.boxes_view import BoxesView, boxes_view, map_boxes, paled, shown_readers
from viewer.state.canvas_view import (
    Background,
    CanvasView,
    canvas_view,
    shown_background,
    shown_findings,
)
from viewer.state.checks_view import known_findings
from viewer.state.compare_view import CompareView
from viewer.state.decoy_view import compared_view
from viewer.state.layers_view import LayersView, layers_view
from viewer.state.map_view import MapView, map_view, places_shown
from viewer.state.method import method_of
from viewer.state.panel_views import (
    LayerTile,
    PredictionView,
    StripView,
    prediction_view,
    rail_view,
    strip_view,
)
from viewer.state.planes_view import PlanesPresenter, PlanesView, workspace_shown
from viewer.state.replacing import ImportanceView, importance_view
from viewer.state.rulers import RulerMark, ruler_marks
from viewer.state.session import Session, Workspace
from viewer.state.sheet_view import SheetView, sheet_view
from viewer.state.veil import veil

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Screen:
    """Everything that the shown workspace shows.

    Attributes
    ----------
    rulers : the lines on the shown slice.
    planes : the three planes; None in another workspace, and while their grid is being made.
    layers : a tile for every layer; None in another workspace.
    sheet : every layer by every explainer, where that is wanted in place of the tiles; else None.
    compare : maps side by side; None in another workspace.
    """

    canvas: CanvasView | None
    map: MapView | None
    prediction: PredictionView | None
    rail: tuple[LayerTile, ...]
    strip: StripView | None
    boxes: BoxesView | None
    importance: ImportanceView
    rulers: tuple[RulerMark, ...]
    workspace: Workspace
    planes: PlanesView | None
    layers: LayersView | None
    sheet: SheetView | None
    compare: CompareView | None


class Presenter:
    """Makes the screen of a session, part by part, and remembers each part."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._parts: dict[str, tuple[tuple[Any, ...], Any]] = {}
        self._planes = PlanesPresenter(session)

    def screen(self, *, hurried: bool = False) -> Screen:
        """The screen of the state as it is now.

        Parameters
        ----------
        hurried : slices follow each other quickly: the maps of all layers stay those of an earlier one for now.
        """
        s = self._session
        method = method_of(s)
        choice = (method.shown_key, s.choice.layer, s.choice.target, s.choice.score, self._rounds())
        # Objects stand for themselves: cases, models and readings are replaced, never altered, except that a reading
        # grows, which `revision` counts.
        question = s.lesson.question if s.lesson is not None else None
        hidden = (veil(s), _Same(question))
        subject = (_Same(s.case), _Same(s.model), _Same(s.reading), _Same(s.judgement), hidden)
        shown = (*subject, s.view.slice, self._traced(), s.case is None or s.case.has(s.view.slice))
        found = self._part(
            "map",
            (*shown, choice, s.overlay.scale, self._scale_key(), self._verdicts()),
            lambda: map_view(s, s.reading, s.view.slice),
        )
        made = self._part(
            "map-boxes", (_Same(found), s.boxes.rule, s.boxes.value), lambda: map_boxes(s, found)
        )
        read = self._part("readers", (_Same(found), _Same(made), *shown), lambda: shown_readers(s, made))
        waits = s.asking and (s.asking.stage, s.asking.sentence)
        o = s.overlay
        style = (o.visible, o.opacity, o.threshold, o.colour_map, o.true_grid, o.boundaries, o.bare)
        seen = s.view.seen and (s.choice.mirror, s.choice.crop, s.choice.erased)
        turned = (s.view.convention, s.view.inverted)
        background = self._part(
            "background", (*shown, s.view.window, turned, seen, s.arrivals), lambda: shown_background(s)
        )
        given = (s.choice.mirror, s.choice.crop, s.choice.erased)
        look = (s.view.window, turned, s.arrivals, s.view.seen, s.view.cursor, given)
        f = s.findings
        together = f.together and (f.least, f.hidden, s.overlay.scale, self._series_key(), self._grows())
        findings = self._part(
            "findings", (*shown, choice, seen, o.true_grid, together), lambda: shown_findings(s)
        )
        workspace = workspace_shown(s)
        canvas = self._part(
            "canvas",
            (_Same(found), *shown, style, look, s.model_id, choice, waits, _Same(findings)),
            lambda: canvas_view(s, found, background, findings),
        )
        boxes = self._part(
            "boxes",
            (
                *(_Same(found), _Same(made), *shown, _Same(s.boxes.drawn), s.boxes.selected),
                *(_Same(s.judged), s.boxes.hidden_classes, s.boxes.hidden_readers),
            ),
            lambda: boxes_view(s, found, made, read),
        )
        return Screen(
            workspace=workspace,
            planes=self._planes.view(found) if workspace == "volume" else None,
            layers=self._layers((*shown, choice, turned, seen, s.overlay.true_grid), background, canvas)
            if workspace == "layers"
            else None,
            sheet=self._sheet((*shown, choice, turned), background, canvas)
            if workspace == "layers" and s.view.sheet
            else None,
            compare=self._part("compare", (*shown, *self._compare_key()), lambda: compared_view(s))
            if workspace == "compare"
            else None,
            importance=self._part(
                "importance",
                (
                    *shown,
                    choice,
                    s.revision,
                    s.replacing.transform,
                    s.replacing.fraction,
                    s.replacing.running,
                ),
                lambda: importance_view(s),
            ),
            rulers=self._part(
                "rulers",
                (_Same(s.case), s.view.slice, _Same(s.rulers.drawn), s.rulers.selected),
                lambda: ruler_marks(s.rulers, s.case.image, s.case.plane, s.view.slice) if s.case else (),
            ),
            canvas=canvas,
            map=found,
            prediction=self._part(
                "prediction", (*shown, choice, _Same(s.plain), s.revision), lambda: prediction_view(s)
            ),
            rail=self._parts["rail"][1]
            if hurried and "rail" in self._parts
            else self._part(
                "rail",
                (*shown, choice, s.overlay.scale, self._scale_key(), s.view.convention),
                lambda: rail_view(s),
            ),
            strip=self._strip((*subject, choice, s.revision)),
            boxes=boxes
            and self._part(
                "pale", (_Same(boxes), _Same(found), o.threshold), lambda: paled(boxes, found, o.threshold)
            ),
        )

    def _layers(
        self, key: tuple[Any, ...], background: Background | None, canvas: CanvasView | None
    ) -> LayersView:
        """The tiles; maps that are not made by the trace of the slice come one by one, which `revision` counts."""
        s, waiting = self._session, canvas.waiting if canvas is not None else ""
        grows = s.revision if method_of(s).on_demand or (s.reading is not None and s.reading.whole) else 0
        scale = (s.overlay.scale, self._scale_key())
        return self._part(
            "layers",
            (*key, _Same(background), s.model_id, waiting, grows, scale, _Same(s.cohort)),
            lambda: layers_view(s, background, waiting),
        )

    def _series_key(self) -> int:
        """Like `_scale_key`, of every class."""
        s = self._session
        if s.overlay.scale == "slice" or s.model is None or (s.case is not None and s.case.slices == 1):
            return 0
        card, layer, key = s.model.card, s.choice.layer, method_of(s).shown_key
        known = all(card.reference(layer, name, key) for name in card.classes)
        return 0 if s.overlay.scale == "reference" and known else s.revision

    def _grows(self) -> int:
        """Maps that are not made by the trace of a slice come one by one."""
        return self._session.revision if method_of(self._session).on_demand else 0

    def _sheet(
        self, key: tuple[Any, ...], background: Background | None, canvas: CanvasView | None
    ) -> SheetView:
        """The sheet; of a network of volumes layers come one by one, and a full memory loses some."""
        s, waiting = self._session, canvas.waiting if canvas is not None else ""
        how = (s.view.measure, s.view.against, s.choice.explainer, s.overlay.true_grid, s.revision)
        # An explainer that is asked on demand may wait; what a trace makes is there all the same.
        waits = "" if s.reading is not None and s.view.slice in s.reading.filled and not veil(s) else waiting
        return self._part(
            "sheet", (*key, _Same(background), *how, waits), lambda: sheet_view(s, background, waits)
        )

    def _compare_key(self) -> tuple[Any, ...]:
        """What the grid depends on besides case, model, reading and slice."""
        s = self._session
        c, view, choice = s.comparing, s.view, s.choice
        things = (c.readings, c.failed, c.layers, choice.parameters, s.plain, s.support, s.models)
        return (
            *map(_Same, things),
            *(c.kind, c.scale, c.explainers, c.asked, s.model_id, s.revision, s.arrivals, s.findings.least),
            *(choice.explainer, choice.layer, choice.score),
            *(s.overlay.scale, s.overlay.true_grid, s.overlay.boundaries),
            *(view.window, view.convention, view.inverted, view.cursor),
        )

    def _strip(self, key: tuple[Any, ...]) -> StripView | None:
        """The strip; it looks at every slice of the series, so a scrolled slice only moves its mark."""
        index = self._session.view.slice
        series = self._part("series", key, lambda: strip_view(self._session))
        if series is None or series.current == index:
            return series
        return self._part("strip", (_Same(series), index), lambda: replace(series, current=index))

    def _traced(self) -> bool:
        reading = self._session.reading
        return reading is not None and self._session.view.slice in reading.filled

    def _verdicts(self) -> tuple[tuple[str, str], ...]:
        """What trust checks have found of the shown map so far."""
        return tuple((name, finding.verdict) for name, finding in known_findings(self._session).items())

    def _rounds(self) -> tuple[Any, ...]:
        """What the shown map is made of: maps on demand get better in place, others come or come back."""
        reading, index = self._session.reading, self._session.view.slice
        if reading is None:
            return ()
        return tuple(
            (
                reading.rounds.get(place),
                _Same(reading.atlas.facts(place.layer, place.target, place.key, index)),
            )
            for place in places_shown(self._session, reading, index)
        )

    def _scale_key(self) -> int:
        """Only a scale over the series changes when another slice arrives; it stands in for a missing reference too."""
        s = self._session
        if s.overlay.scale == "slice" or s.model is None or s.target_index is None:
            return 0
        card, name = s.model.card, s.model.card.classes[s.target_index]
        key = method_of(s).shown_key
        known = all(card.reference(layer.name, name, key) for layer in s.model.layers)
        return 0 if s.overlay.scale == "reference" and known else s.revision

    def _part(self, name: str, key: tuple[Any, ...], make: Callable[[], T]) -> T:
        known = self._parts.get(name)
        if known is None or known[0] != key:
            known = (key, make())
            self._parts[name] = known
        return known[1]


class _Same:
    """Compares an object by identity, and keeps it alive so that the identity stays its own."""

    def __init__(self, thing: object) -> None:
        self._thing = thing

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self._thing is other._thing

    __hash__ = None  # type: ignore[assignment]
