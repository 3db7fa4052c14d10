"""The Layers workspace: a tile for every layer that can be evaluated, with its map over the shown slice.

Pure functions. Everything is read from the atlas. A tile's picture is made when somebody looks at it, so that tiles
which are scrolled out of sight cost nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.explainers.layer_info import SAME_OUTPUT, LayerInfo
from viewer.models.applicability import NOT_MADE_FOR_IT
from viewer.models.input_view import InputView
from viewer.models.volume_cut import VolumeCut
from viewer.state.canvas_view import Background, whole_input
from viewer.state.map_view import is_difference, is_diverging, map_scale, shown_map, shown_state, signed_map
from viewer.state.method import method_of
from viewer.state.series_reading import SeriesReading
from viewer.state.session import DIFFERENCE, ModelFacts, Session
from viewer.state.tile_view import small_map
from viewer.state.volume_reading import VolumeReading
from viewer.state.volume_words import memory_words, tile_words

NO_CASE = "Open an image: the tiles show its maps, layer by layer."
NO_MODEL = "Choose a model: the tiles show the maps of its layers."
STATES = {"empty": "empty", "negative_only": "only against", "near_zero": "near zero"}
"""State of a map -> what a tile says of it."""
_FLAGS = {
    "reused": "runs several times",
    "followed-by-in-place": "overwritten later",
    "before-global-pool": "before the pool",
    "channels-last": "channels last",
}
"""Flag of a layer -> what a tile says of it."""


@dataclass(frozen=True, eq=False)
class LayerMap:
    """The map of a layer as a tile draws it.

    Attributes
    ----------
    values : (row, column) on the small picture, raw values, the mirror undone.
    scale : raw value shown as full colour; > 0.
    scale_label : in words, what the scale is.
    maximum : largest raw value of the map, of both signs where it is `diverging`.
    state : of the map, ``ok`` or what is the matter with it.
    """

    values: NDArray[np.float32]
    scale: float
    scale_label: str
    diverging: bool
    maximum: float
    state: str


@dataclass(frozen=True)
class LayerEntry:
    """One tile.

    Attributes
    ----------
    name, shape, grid : of the layer, in words.
    flags : what is to be known of it, in words; empty for nothing.
    cohort : how its maps fared on the evaluated cohort, in words; empty where that is not known.
    """

    layer: LayerInfo
    shape: str
    grid: str
    flags: str
    chosen: bool
    default: bool
    cohort: str = ""

    @property
    def name(self) -> str:
        return self.layer.name


@dataclass(frozen=True, eq=False)
class LayersView:
    """The Layers workspace.

    Attributes
    ----------
    entries : a tile each, in the order of the forward pass; empty where there is nothing to show.
    without : why there are no tiles, in a sentence; empty where there are.
    title : what the tiles show, in words.
    background : the shown slice.
    offer : of a network of volumes, what tracing the other layers means; empty where there is nothing to trace.
    tracing : whether the other layers are being traced.
    """

    entries: tuple[LayerEntry, ...]
    without: str
    title: str
    background: Background | None
    offer: str = ""
    tracing: bool = False
    _make: Callable[[str], LayerMap | str] = field(default=lambda _: "")
    _made: dict[str, LayerMap | str] = field(default_factory=dict)

    def map(self, number: int) -> LayerMap | str:
        """The map of a tile, made when it is first asked for, or why there is none."""
        name = self.entries[number].name
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]


def layers_view(session: Session, background: Background | None, waiting: str) -> LayersView:
    """The tiles for the shown slice, the chosen explainer and class.

    Parameters
    ----------
    background : the shown slice.
    waiting : why there is no map of it yet, in words; empty otherwise.
    """
    case, model, reading = session.case, session.model, session.reading
    if case is None or model is None or background is None:
        words = NO_CASE if case is None else (waiting if session.model_id else NO_MODEL)
        return LayersView((), words, "", background)
    method = method_of(session)
    if not method.info.needs_layer:
        words = f"{method.info.title} looks at the input: it has no layers. Choose another explainer."
        return LayersView((), words, "", background)
    known = [layer for layer in model.layers if layer.differentiable]
    scores = cohort_scores(session)
    entries = tuple(replace(_entry(session, each), cohort=scores.get(each.name, "")) for each in known)
    return LayersView(
        entries,
        "",
        _title(session, background, len(known), len(model.layers) - len(known)),
        background,
        offer=_offer(session),
        tracing=isinstance(reading, VolumeReading) and bool(reading.wanted),
        _make=partial(_layer_map, session, (model, reading, session.view.slice), waiting),
    )


def _entry(session: Session, layer: LayerInfo) -> LayerEntry:
    assert session.model is not None
    flags = [f"= {layer.same_as}"] if layer.same_as else []
    flags += [_FLAGS.get(f, f) for f in layer.flags if not f.startswith(SAME_OUTPUT)]
    return LayerEntry(
        layer,
        "\u00d7".join(map(str, layer.shape)),
        grid_words(layer.grid),
        ", ".join(flags),
        chosen=layer.name == session.choice.layer,
        default=layer.name == session.model.card.default_layer,
    )


def cohort_scores(session: Session) -> dict[str, str]:
    """Layer -> how maps of the chosen explainer and class fared on the cohort that was evaluated with this model.

    Of every layer the threshold and the reader with the highest IoU, chosen after the fact.
    """
    cohort, model, target = session.cohort, session.model, session.target_index
    if cohort is None or cohort.document is None or model is None or target is None:
        return {}
    if cohort.model_id != model.card.id or is_difference(session):
        return {}
    best: dict[str, Mapping[str, Any]] = {}
    for row in cohort.document["localisation"]:
        if (row["explainer"], row["class"]) == (session.choice.explainer, model.card.classes[target]):
            known = best.get(row["layer"])
            if known is None or (row["iou"] or 0.0) > (known["iou"] or 0.0):
                best[row["layer"]] = row
    return {
        layer: f"cohort: pointing {_score(row['pointing'])}, IoU {_score(row['iou'])} (n {row['n']})"
        for layer, row in best.items()
    }


def _score(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def is_outside(session: Session) -> bool:
    """Whether the model was not made for the open image, and the user wants its answer all the same."""
    return session.judgement is not None and session.judgement.applicability.verdict == "does_not_apply"


def grid_words(grid: tuple[int, ...]) -> str:
    """``7²``, ``7×9`` or, of a volume, ``8×12×12`` (slices first)."""
    if len(grid) == 2 and grid[0] == grid[1]:
        return f"{grid[0]}\u00b2"
    return "\u00d7".join(map(str, grid))


def _layer_map(
    session: Session,
    subject: tuple[ModelFacts, SeriesReading | None, int],
    waiting: str,
    name: str,
) -> LayerMap | str:
    """What one tile shows of the slice, or why it shows nothing."""
    model, reading, index = subject
    if session.model is not model or session.reading is not reading:
        return ""  # somebody looks at a view whose time is over; the next one is on its way
    signed = signed_map(session, reading, index, name) if reading is not None else None
    if reading is None or signed is None:
        return _missing(session, reading, index, name, waiting)
    raw = shown_map(session, signed)
    scale, label = map_scale(session, reading, name, raw)
    view: InputView | VolumeCut = reading.views[index]
    if session.view.seen:
        view = whole_input(view)
    return LayerMap(
        small_map(view, raw, cells=session.overlay.true_grid),
        scale,
        label,
        is_diverging(session),
        float((np.abs(raw) if is_diverging(session) else raw).max(initial=0.0)),
        shown_state(session, signed, name),
    )


def _missing(session: Session, reading: SeriesReading | None, index: int, name: str, waiting: str) -> str:
    """Why a layer has no map."""
    assert session.model is not None
    if reading is None or (index not in reading.filled and not reading.whole):
        return waiting or "not explained yet"
    if reading.whole:
        layer = next(layer for layer in session.model.layers if layer.name == name)
        if isinstance(reading, VolumeReading) and name in reading.wanted and reading.tracing != name:
            return "waits to be traced"
        return tile_words(session, layer) or waiting
    method, target = method_of(session, name), session.target_index
    if method.on_demand:
        return "not computed: press to compute"
    made = target is not None and reading.atlas.facts(name, target, method.shown_key, index) is not None
    return "left the memory for maps: press to make it again" if made else "not explained yet"


def _title(session: Session, background: Background, known: int, left_out: int) -> str:
    case, choice = session.case, session.choice
    assert case is not None
    what = "difference of classes" if is_difference(session) else choice.target
    if choice.target == DIFFERENCE and not is_difference(session):
        what = "the finding"
    parts = [NOT_MADE_FOR_IT] if is_outside(session) else []
    parts += [background.mark] if background.mark else []
    parts += [f"{known} layers", method_of(session).words, what]
    parts += [f"slice {session.view.slice + 1} / {case.slices}"] if case.slices > 1 else []
    parts += ["every layer on its own scale"]
    parts += [f"{left_out} without a gradient left out"] if left_out else []
    return " \u00b7 ".join(parts)


def untraced(session: Session) -> tuple[LayerInfo, ...]:
    """Layers of a network of volumes whose maps are not there, in the order of the forward pass; twins once."""
    reading, model = session.reading, session.model
    if not isinstance(reading, VolumeReading) or model is None:
        return ()
    method = method_of(session)
    if not method.info.in_atlas or not method.info.needs_layer or model.card.task == "segmentation":
        return ()
    return tuple(
        layer
        for layer in model.layers
        if layer.differentiable
        and layer.same_as is None
        and not reading.atlas.has(0, layer=layer.name, methods=(method.key,))
    )


def _offer(session: Session) -> str:
    rest = untraced(session)
    assert session.model is not None
    if not rest or session.judgement is None or not session.judgement.may_run:
        return ""
    most = max((session.model.needs.get(layer.name, 0) for layer in rest), default=0)
    memory = f", at most {memory_words(most)} at a time" if most else ""
    return f"{len(rest)} of the layers are not traced{memory}"
