"""What the panels beside the image show: prediction, layer rail, slice strip. Frozen, made by pure functions."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viewer.evaluation.confusion import outcome
from viewer.explainers.layer_info import LayerInfo
from viewer.models.volume_cut import VolumeCut
from viewer.state.display import is_flipped
from viewer.state.map_view import is_diverging, map_scale, places_shown, shown_map, shown_state, signed_map
from viewer.state.may_read import region_words
from viewer.state.method import is_segmentation, method_of
from viewer.state.series_reading import Steadiness
from viewer.state.session import DIFFERENCE, Session
from viewer.state.veil import WORDS, veil
from viewer.state.volume_words import ONE_ANSWER, WHOLE, tile_words

_THUMBNAIL = 48


@dataclass(frozen=True)
class ClassBar:
    """One class of the prediction: name, probability of the shown slice (None until known), whether it is explained."""

    name: str
    probability: float | None
    threshold: float
    chosen: bool
    other_input: float | None = None
    """Probability with the other input (without mirror and crop), where it differs and is known."""


@dataclass(frozen=True)
class PredictionView:
    """The prediction panel.

    Attributes
    ----------
    subject : what the numbers are probabilities of.
    case_line : the case's number and the rule that made it; empty until the series is filled.
    steady : what was measured of how steady this is, a sentence each.
    """

    subject: str
    bars: tuple[ClassBar, ...]
    case_line: str
    verdict: str
    verdict_sentence: str
    steady: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class LayerTile:
    """One layer of the rail.

    Attributes
    ----------
    thumbnail : (row, column) values 0..1 (-1..1 for a difference) of the layer's own scale; None until traced.
    state : of the map, ``ok`` or why there is none.
    """

    layer: LayerInfo
    thumbnail: NDArray[np.float32] | None
    state: str
    chosen: bool
    default: bool
    diverging: bool
    offer: str = ""
    """Words in place of the thumbnail, of a layer that is computed when it is clicked."""


@dataclass(frozen=True, eq=False)
class StripView:
    """The slice strip.

    Attributes
    ----------
    probability : (slice,) of the chosen class, NaN where not known yet.
    mass : (slice,) sum of the raw map after ReLU, NaN where not known yet.
    outcomes : (slice,) ``TP``, ``FP``, ``FN``, ``TN`` or empty where truth or probability is unknown.
    peak : slice with the highest probability; None until the series is filled.
    whole : there is one probability, of the whole volume, and none of single slices.
    """

    class_name: str
    probability: NDArray[np.float64]
    mass: NDArray[np.float64]
    outcomes: tuple[str, ...]
    current: int
    threshold: float
    peak: int | None
    filled: int
    whole: bool = False


def prediction_view(session: Session) -> PredictionView | None:
    """The prediction panel for the shown slice."""
    if session.case is None or session.model is None or session.judgement is None:
        return None
    card, index = session.model.card, session.view.slice
    hidden = veil(session) == "answer"
    reading, other = (None, None) if hidden else (session.reading, session.plain)
    here = reading.atlas.probabilities(index) if reading else None
    compared = other if other is not reading else None
    plain = compared.atlas.probabilities(index) if compared else None
    chosen = session.choice.target
    bars = tuple(
        ClassBar(
            name,
            None if here is None else float(here[i]),
            card.threshold(name),
            chosen in (name, DIFFERENCE),
            None if plain is None else float(plain[i]),
        )
        for i, name in enumerate(card.classes)
    )
    subject = "this image" if session.case.slices == 1 else f"slice {index + 1} of {session.case.slices}"
    if card.dims == 3:
        subject = WHOLE
    return PredictionView(
        subject=subject,
        bars=bars,
        case_line=WORDS if hidden else _where_words(session) + _case_line(session),
        verdict=session.judgement.applicability.verdict,
        verdict_sentence=session.judgement.applicability.sentence,
        steady=() if hidden else _steady(session),
    )


def _steady(session: Session) -> tuple[str, ...]:
    """What was measured on the shown slice, each with what it does not say."""
    reading, index, target = session.reading, session.view.slice, session.target_index
    found = reading.steady.get(reading.question(index)) if reading is not None else None
    if reading is None or found is None or target is None:
        return ()
    lines = [_interval_words(session, reading.probability(index, target), found, target)]
    places = places_shown(session, reading, index)
    if places and (correlation := found.mirrored.get(places[0])) is not None:
        lines.append(
            "map of the mirrored input: not comparable, a map is constant"
            if np.isnan(correlation)
            else f"map of the mirrored input: correlation {correlation:.2f}"
        )
    return tuple(lines)


def _interval_words(session: Session, output: float, found: Steadiness, target: int) -> str:
    assert session.model is not None
    name = session.model.card.classes[target]
    if not found.passes:
        return f"{name}: output {output:.2f}; the network has no dropout, so it has no interval"
    low, high = found.intervals[target]
    return (
        f"{name}: output {output:.2f}; {found.passes} dropout passes {low:.2f}\u2013{high:.2f}; says nothing about "
        "unfamiliar scans"
    )


def _where_words(session: Session) -> str:
    """Of a segmentation: where its probability is one of."""
    if not is_segmentation(session):
        return ""
    words = f"mean over {region_words(session.choice.region)}"
    return f"{words}; " if _case_line(session) else words


def _case_line(session: Session) -> str:
    reading, case, model = session.reading, session.case, session.model
    if reading is None or case is None or model is None or case.slices == 1:
        return ""
    if reading.whole:
        return ONE_ANSWER if reading.filled else ""
    filled = reading.filled
    if len(filled) < case.slices:
        return f"case: after {len(filled)} of {case.slices} slices"
    name = model.card.positive_class
    if not name:
        return ""
    target = model.card.classes.index(name)
    peak = max(filled, key=lambda i: reading.probability(i, target))
    p = reading.probability(peak, target)
    return f"case: {name} {p:.2f}, the highest, on slice {peak + 1}"


def rail_view(session: Session) -> tuple[LayerTile, ...]:
    """A tile per layer for the shown slice, explainer and class; none is chosen where the explainer needs none."""
    model, reading, index = session.model, session.reading, session.view.slice
    if model is None:
        return ()
    needs_layer = method_of(session).info.needs_layer
    flipped = session.case is not None and is_flipped(session.case.plane, session.view.convention)
    tiles = []
    for layer in model.layers:
        signed = (
            signed_map(session, reading, index, layer.name) if reading is not None and needs_layer else None
        )
        thumbnail, state = None, ""
        if signed is not None and reading is not None:
            raw = shown_map(session, signed)
            scale, _ = map_scale(session, reading, layer.name, raw)
            view = reading.views[index]
            if isinstance(view, VolumeCut):
                raw = view.small(raw)  # where the shown slice cuts it, the mirror undone
            step = max(1, int(np.ceil(max(raw.shape) / _THUMBNAIL)))
            thumbnail = np.clip(_pooled(raw, step) / scale, -1, 1)
            if (
                reading.variant.mirror and not reading.whole
            ) != flipped:  # as the patient is shown, whatever the network was given
                thumbnail = thumbnail[:, ::-1]
            state = shown_state(session, signed, layer.name)
        tiles.append(
            LayerTile(
                layer,
                thumbnail,
                state,
                chosen=needs_layer and layer.name == session.choice.layer,
                default=layer.name == model.card.default_layer,
                diverging=is_diverging(session),
                offer=tile_words(session, layer) if thumbnail is None and model.card.dims == 3 else "",
            )
        )
    return tuple(tiles)


def _pooled(raw: NDArray[np.float32], step: int) -> NDArray[np.float32]:
    """The value of largest magnitude of every `step` x `step` cells, so that small foci stay visible."""
    if step == 1:
        return raw
    rows, columns = (n // step * step for n in raw.shape)
    blocks = raw[:rows, :columns].reshape(rows // step, step, columns // step, step).swapaxes(1, 2)
    cells = blocks.reshape(rows // step, columns // step, step * step)
    strongest = np.abs(cells).argmax(axis=2)
    return np.take_along_axis(cells, strongest[..., None], axis=2)[..., 0]


def strip_view(session: Session) -> StripView | None:
    """The slice strip for the chosen class, layer and explainer."""
    case, model, reading, target = session.case, session.model, session.reading, session.target_index
    if case is None or model is None or target is None:
        return None
    name = model.card.classes[target]
    threshold = model.card.threshold(name)
    probability, whole = np.full(case.slices, np.nan), model.card.dims == 3
    mass = np.full(case.slices, np.nan)
    filled: Collection[int] = ()
    if veil(session) == "answer":  # slices can be chosen, and nothing tells one from another
        reading = None
    if reading is not None:
        filled = reading.filled
        for index in () if reading.whole else filled:
            probability[index] = reading.probability(index, target)
        method = method_of(session)
        mass = np.asarray(reading.atlas.mass(method.layer, target, method.key), dtype=np.float64)
    return StripView(
        class_name=name,
        probability=probability,
        mass=mass,
        outcomes=("",) * case.slices if veil(session) else _outcomes(session, probability, name, threshold),
        current=session.view.slice,
        threshold=threshold,
        peak=int(np.nanargmax(probability)) if len(filled) == case.slices and not whole else None,
        filled=len(filled),
        whole=whole,
    )


def _outcomes(
    session: Session, probability: NDArray[np.float64], name: str, threshold: float
) -> tuple[str, ...]:
    """Outcome of every slice with respect to the positive class; empty where truth is unknown."""
    assert session.case is not None
    assert session.model is not None
    truth, positive = session.case.truth, session.model.card.positive_class
    if truth is None or not positive or (truth.positive_class and truth.positive_class != positive):
        return ("",) * len(probability)
    if name != positive:  # two classes: the outcome is that of the finding, whatever class is shown
        reading, target = session.reading, session.model.card.classes.index(positive)
        filled = reading.filled if reading is not None and not reading.whole else ()
        probability = np.array(
            [
                reading.probability(i, target) if reading and i in filled else np.nan
                for i in range(len(probability))
            ]
        )
        threshold = session.model.card.threshold(positive)
    return tuple(
        "" if np.isnan(p) else outcome(float(p), bool(t), threshold)
        for p, t in zip(probability, truth.positive_slices, strict=True)
    )
