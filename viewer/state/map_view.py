"""The map on screen: from the atlas to picture pixels, with its scale and what may be said of it. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from viewer.evaluation.agreement import class_overlap
from viewer.evaluation.checks.declaration import CHECKS
from viewer.explainers.explanation import MapState, map_state
from viewer.explainers.map_facts import POOR_FIT
from viewer.models.card import RECOVERED, SQUASHED
from viewer.models.input_view import InputView
from viewer.models.volume_cut import VolumeCut
from viewer.state.may_read import MapFacts, MayRead, may_read
from viewer.state.method import Method, equal_here, is_segmentation, method_of, segments_key
from viewer.state.series_reading import Place, SeriesReading
from viewer.state.session import DIFFERENCE, ModelFacts, Session
from viewer.state.veil import veil
from viewer.state.volume_reading import VolumeReading

Picture = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class MapView:
    """One map, ready to be drawn.

    Attributes
    ----------
    raw : the map on its layer's grid, after ReLU; signed where `diverging`. Of a network of volumes the map of the
        whole volume (slice, row, column), which `picture` cuts.
    picture : the same on the picture (row, column), linear between the centres of the map's cells, zero outside the
        network's input. Scores are computed on it, however it is drawn.
    inside : (row_min, column_min, row_max, column_max) whole pixels of the picture that the network saw.
    scale : raw value shown as full colour; > 0.
    scale_label : in words, what the scale is.
    diverging : zero-centred: a difference of classes, or a map that shows evidence against the class too.
    may_read : the verdict.
    segments : which part of the input each cell of `raw` belongs to, from 1 on; None where there are none.
    """

    raw: Picture
    picture: Picture
    inside: tuple[int, int, int, int]
    scale: float
    scale_label: str
    diverging: bool
    state: str
    may_read: MayRead
    probability: float
    segments: NDArray[np.int32] | None = None


def opponent(model: ModelFacts, reading: SeriesReading, index: int, target: int) -> int | None:
    """The class that `target` stands against: the other of two, else the most probable other one."""
    others = [c for c in range(len(model.card.classes)) if c != target]
    return max(others, key=lambda c: reading.probability(index, c)) if others else None


def signed_map(session: Session, reading: SeriesReading, index: int, layer: str) -> Picture | None:
    """The chosen map of a slice on its own grid, signed; None until it is made.

    An explainer that needs no layer has one map, whatever `layer` is. In place of the map it may be its deviation,
    which is never negative.
    """
    target = session.target_index
    if session.model is None or target is None or index not in reading.filled or veil(session):
        return None
    method = method_of(session, layer)
    if is_difference(session):
        other = opponent(session.model, reading, index, target)
        if other is None:
            return None
        return reading.atlas.difference(method.layer, target, other, method.key, index)
    return reading.atlas.signed(method.layer, target, method.shown_key, index)


def is_difference(session: Session) -> bool:
    """Whether one class is shown against another; a deviation belongs to one class."""
    return session.choice.target == DIFFERENCE and not method_of(session).deviation


def is_diverging(session: Session) -> bool:
    """Whether both signs are drawn: of a difference of classes, and of shares of a score, which may be negative."""
    method = method_of(session)
    return is_difference(session) or (method.info.diverging and not method.deviation)


def shown_map(session: Session, signed: Picture) -> Picture:
    """What is drawn of a signed map: all of it where both signs are drawn, else the positive part."""
    return signed if is_diverging(session) else np.maximum(signed, 0)


def shown_positive(signed: Picture, method: Method) -> Picture:
    """What is drawn of the map of one class by a method."""
    return signed if method.info.diverging and not method.deviation else np.maximum(signed, 0)


def asked(session: Session, target: int | None) -> tuple[int, bool]:
    """The class that is meant, and whether its difference from its opponent is: `target`, else what is chosen."""
    assert session.target_index is not None
    return (session.target_index, is_difference(session)) if target is None else (target, False)


def map_scale(
    session: Session, reading: SeriesReading, layer: str, raw: Picture, target: int | None = None
) -> tuple[float, str]:
    """Raw value shown as full colour, and what it is called.

    Parameters
    ----------
    target : a class in place of what is chosen.
    """
    assert session.model is not None
    index, difference = asked(session, target)
    card, wanted, method = session.model.card, session.overlay.scale, method_of(session, layer)
    what = "deviation, " if method.deviation else ""
    if wanted == "slice" and not reading.whole:
        return _positive(float(np.abs(raw).max(initial=0.0))), f"{what}this slice only"
    if wanted == "reference" and (known := _reference(session, layer, target)) is not None:
        return _positive(known), "model reference"
    indices = range(len(card.classes)) if difference else (index,)
    key = method.shown_key
    both = is_diverging(session) and not is_difference(session)
    extreme = reading.atlas.series_reach if both else reading.atlas.series_maximum
    highest = max(extreme(method.layer, c, key) or 0.0 for c in indices)
    total = session.case.slices if session.case else 0
    filled = len(reading.filled)
    if method.on_demand:
        filled = int(np.isfinite(reading.atlas.mass(method.layer, index, key)).sum())
    if reading.whole:
        return _positive(highest), f"{what}maximum of this volume"
    words = "series maximum" if filled >= total else f"maximum of {filled} of {total} slices"
    return _positive(highest), what + words


def has_reference(session: Session) -> bool:
    """Whether the card knows the full scale of what is chosen."""
    if session.model is None or session.target_index is None:
        return False
    return _reference(session, session.choice.layer) is not None


def _reference(session: Session, layer: str, target: int | None = None) -> float | None:
    """The card's full scale of what is shown, the largest one for a difference; the card was measured on logits."""
    assert session.model is not None
    index, difference = asked(session, target)
    card, choice, method = session.model.card, session.choice, method_of(session, layer)
    names = card.classes if difference else (card.classes[index],)
    known = [r for name in names if (r := card.reference(method.layer, name, method.shown_key)) is not None]
    return max(known) if known and choice.score == "logit" else None


def shown_state(session: Session, signed: Picture, layer: str, target: int | None = None) -> MapState:
    """The state of the chosen map, or of that of a class; a difference has evidence on either side of zero."""
    looked_at = np.abs(signed) if asked(session, target)[1] else signed
    shared = method_of(session, layer).info.shares_score
    return map_state(looked_at, _reference(session, layer, target), shared=shared)


def _positive(value: float) -> float:
    return value if value > 0 else 1.0


def map_view(session: Session, reading: SeriesReading | None, index: int) -> MapView | None:
    """The map of slice `index` as chosen in the session; None until it is traced."""
    if reading is None or session.model is None or session.judgement is None or session.target_index is None:
        return None
    signed = signed_map(session, reading, index, session.choice.layer)
    if signed is None:
        return None
    view = reading.views[index]
    raw = shown_map(session, signed)
    scale, label = map_scale(session, reading, session.choice.layer, raw)
    facts = map_facts(session, reading, index, signed)
    return MapView(
        raw=raw,
        picture=view.back(raw),
        inside=pixels_inside(view),
        scale=scale,
        scale_label=label,
        diverging=is_diverging(session),
        state=facts.state,
        may_read=may_read(facts, session.judgement.applicability),
        probability=facts.probability,
        segments=_segments(session, reading, index),
    )


def pixels_inside(view: InputView | VolumeCut) -> tuple[int, int, int, int]:
    """Picture pixels whose centre lies inside the network's input, half-open: those on which a map is drawn."""
    if isinstance(view, VolumeCut):
        return view.inside
    rows, columns = view.picture_shape
    box = view.box
    return (
        max(math.ceil(box.row_min - 0.5), 0),
        max(math.ceil(box.column_min - 0.5), 0),
        min(math.ceil(box.row_max - 0.5), rows),
        min(math.ceil(box.column_max - 0.5), columns),
    )


def map_facts(
    session: Session, reading: SeriesReading, index: int, signed: Picture, wanted: int | None = None
) -> MapFacts:
    """What is known of the chosen map of a slice, or of that of the class `wanted`."""
    assert session.model is not None
    card, choice, (target, _) = session.model.card, session.choice, asked(session, wanted)
    method, flags = method_of(session), _flags(session, reading, index, wanted)
    other = opponent(session.model, reading, index, target)
    overlap = None
    # Findings that can be there together do not oppose; neither do maps that know no class, nor the parts of an image.
    opposed = card.task not in ("multilabel", "segmentation") and not method.info.class_free
    if other is not None and opposed and not method.deviation:
        pair = partial(_overlap, reading, method, index, target, other)
        if isinstance(reading, VolumeReading):
            key = ("overlap", target, other, method.layer, method.key, session.revision)
            overlap = reading.remembered(key, pair)
        else:
            overlap = pair()
    return MapFacts(
        shown_state(session, signed, choice.layer, wanted),
        card.classes[target],
        reading.probability(index, target),
        overlap,
        reading.variant.mirror,
        equal_to=equal_here(session, choice.explainer),
        squashed=SQUASHED in reading.flags,
        recovered=RECOVERED in reading.flags and choice.score == "logit",
        warning=method.info.warning,
        score=choice.score,
        two_classes=len(card.classes) == 2 and card.task != "multilabel",
        part=_part(session, reading, index, wanted),
        incomplete="incomplete" in flags,
        not_finite="not-finite" in flags,
        poor_fit=POOR_FIT in flags,
        doubts=_doubts(session, reading, index, wanted),
        numbers=shown_numbers(session, reading, index, wanted),
        deviation=method.deviation,
        region=choice.region if is_segmentation(session) else "",
        whole=reading.whole,
        erased=sum(each.on(index) for each in reading.variant.erased),
    )


def _doubts(session: Session, reading: SeriesReading, index: int, wanted: int | None) -> tuple[str, ...]:
    """What trust checks found against the map of a class, failures first; the overlap of classes is said anyway."""
    if is_difference(session) or method_of(session).deviation:
        return ()
    places = places_shown(session, reading, index, wanted)
    found = [finding for place in places for finding in reading.checks.get(place, {}).values()]
    words = {"fails": "fails", "doubtful": "is doubtful"}
    return tuple(
        f"the check \u201c{CHECKS[finding.name].title.lower()}\u201d {words[verdict]}"
        for verdict in words
        for finding in found
        if finding.verdict == verdict and finding.name != "class-overlap"
    )


def _overlap(reading: SeriesReading, method: Method, index: int, target: int, other: int) -> float | None:
    """How much the maps of two classes overlap; None where one of them is not there or empty."""
    mine, theirs = (
        np.maximum(found, 0)
        if (found := reading.atlas.signed(method.layer, c, method.key, index)) is not None
        else None
        for c in (target, other)
    )
    if mine is None or theirs is None or not mine.any() or not theirs.any():
        return None
    return float(class_overlap(mine, theirs).value)


def places_shown(
    session: Session, reading: SeriesReading, index: int, target: int | None = None
) -> tuple[Place, ...]:
    """Where the maps stand that the chosen map, or a class's, is made of: one, for a difference of classes two."""
    model = session.model
    if session.target_index is None or model is None or index not in reading.filled:
        return ()
    method, (target, difference) = method_of(session), asked(session, target)
    wanted = [target]
    if difference:
        other = opponent(model, reading, index, target)
        wanted += [] if other is None else [other]
    return tuple(Place(reading.question(index), each, method.layer, method.key) for each in wanted)


def _part(session: Session, reading: SeriesReading, index: int, target: int | None) -> str:
    """How much of an unfinished map is there, in words; empty for a finished one."""
    known = [reading.rounds.get(place) for place in places_shown(session, reading, index, target)]
    open_ = [rounds for rounds in known if rounds is not None and not rounds.complete]
    return f"{open_[0].done} of {open_[0].total}" if open_ else ""


def _flags(session: Session, reading: SeriesReading, index: int, target: int | None) -> tuple[str, ...]:
    places = places_shown(session, reading, index, target)
    return tuple(flag for place in places if (r := reading.rounds.get(place)) is not None for flag in r.flags)


def shown_numbers(
    session: Session, reading: SeriesReading, index: int, target: int | None = None
) -> Mapping[str, float]:
    """What the explainer found out about the shown map, in numbers; a difference of two maps has none of its own."""
    if target is None and is_difference(session):
        return {}
    known = [reading.rounds.get(place) for place in places_shown(session, reading, index, target)]
    return known[0].facts if known and known[0] is not None else {}


def _segments(session: Session, reading: SeriesReading, index: int) -> NDArray[np.int32] | None:
    """The segments that the shown map is made of, on its own grid."""
    if method_of(session).deviation:
        return None
    for place in places_shown(session, reading, index):
        segments = reading.atlas.signed(place.layer, place.target, segments_key(place.key), place.slice)
        if segments is not None:
            return np.rint(segments).astype(np.int32)
    return None
