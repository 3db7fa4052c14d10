"""The maps of a decoy question: real ones of the shown slice, and one that only looks like them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from viewer.evaluation.baseline_maps import brightness_map, random_map
from viewer.evaluation.likeness import pooled
from viewer.explainers.declaration import EXPLAINERS, equals
from viewer.explainers.layer_info import LayerInfo
from viewer.foundation.errors import UsageError
from viewer.models.input_view import InputView
from viewer.state.lesson import Ballot, DecoyKind, DecoyMap, DecoyQuestion
from viewer.state.map_view import opponent, pixels_inside
from viewer.state.method import traced_methods
from viewer.state.session import ModelFacts, Session

Map = NDArray[np.float32]
KINDS: tuple[DecoyKind, ...] = get_args(DecoyKind)
REAL = 3
_ALIKE = 0.02
"""Maps that differ by less than this share of full colour everywhere look the same."""


@dataclass(frozen=True, eq=False)
class RealMap:
    """A map that the network has been asked for.

    Attributes
    ----------
    raw : on the layer's grid, after ReLU.
    """

    explainer: str
    layer: str
    raw: Map

    @property
    def words(self) -> str:
        return f"{EXPLAINERS[self.explainer].title}, {self.layer}"


def real_maps(session: Session) -> tuple[RealMap, ...]:
    """Maps of the chosen class on the shown slice that look different from each other, at most `REAL`.

    Explainers on the chosen layer come first, then other layers, the nearest first. None of them takes a pass.
    """
    found: list[RealMap] = []
    for explainer, layer in _candidates(session):
        raw = _known(session, explainer, layer, session.target_index)
        if raw is not None and not any(_alike(raw, other.raw) for other in found):
            found.append(RealMap(explainer, layer, raw))
        if len(found) == REAL:
            break
    return tuple(found)


def _candidates(session: Session) -> Iterator[tuple[str, str]]:
    model, chosen = session.model, session.choice.layer
    if model is None:
        return
    layers = [layer for layer in model.layers if layer.differentiable]
    here = next((n for n, layer in enumerate(layers) if layer.name == chosen), len(layers) - 1)
    by_distance = sorted(range(len(layers)), key=lambda n: (abs(n - here), -n))
    for number in by_distance:
        if layers[number].same_as is None or number == here:
            for explainer in _different(layers[number]) if number == here else (_first(session),):
                yield explainer, layers[number].name


def _first(session: Session) -> str:
    """The chosen explainer where a trace makes its maps, else the first one that it does."""
    names = traced_methods()
    return session.choice.explainer if session.choice.explainer in names else names[0]


def _different(layer: LayerInfo) -> Iterator[str]:
    """Explainers of a trace, of those that are equal on the layer by construction one."""
    left_out: set[str] = set()
    for name in traced_methods():
        if name not in left_out:
            left_out.update(equals(name, layer))
            yield name


def _known(session: Session, explainer: str, layer: str, target: int | None) -> Map | None:
    """The positive part of a map that is there; None where it is not, or is empty."""
    reading = session.reading
    if reading is None or target is None or session.view.slice not in reading.filled:
        return None
    signed = reading.atlas.signed(layer, target, explainer, session.view.slice)
    raw = None if signed is None else np.maximum(signed, 0)
    return raw if raw is not None and raw.max(initial=0.0) > 0 else None


def _alike(a: Map, b: Map) -> bool:
    if a.shape != b.shape:
        return False
    return bool(np.abs(a / a.max() - b / b.max()).max() < _ALIKE)


def possible(session: Session, real: Sequence[RealMap]) -> tuple[DecoyKind, ...]:
    """Kinds of decoys that can be made on the shown slice."""
    model, reading = session.model, session.reading
    if model is None or reading is None or not real:
        return ()
    found: list[DecoyKind] = ["random"]
    if (
        not reading.whole
    ):  # of a volume a copy of the network takes too long, and it is not looked at slice by slice
        found += ["random-weights", "brightness"]
    if _other_class(session, real[0]) is not None:
        found.append("other-class")
    return tuple(kind for kind in KINDS if kind in found)


def _other_class(session: Session, like: RealMap) -> tuple[str, Map] | None:
    """The class against the explained one, and its map."""
    model, reading, target = session.model, session.reading, session.target_index
    if model is None or reading is None or target is None:
        return None
    other = opponent(model, reading, session.view.slice, target)
    raw = None if other is None else _known(session, like.explainer, like.layer, other)
    if other is None or raw is None or _alike(raw, like.raw):
        return None
    return model.card.classes[other], raw


def made_decoy(
    session: Session, like: RealMap, kind: DecoyKind, draw: Random, random_weights: Map | None = None
) -> DecoyMap:
    """A decoy of a kind, on the grid of a real map.

    Parameters
    ----------
    random_weights : the map of a network with random weights, on the layer's grid.
    """
    title = EXPLAINERS[like.explainer].title
    target = _target_words(session)
    seed = draw.randrange(1 << 16)
    if kind == "other-class":
        found = _other_class(session, like)
        assert found is not None
        name, raw = found
        short = f"{title} of {name}"
        how = f"{title} on {like.layer} of the class {name}, not of {target}."
    elif kind == "random-weights":
        assert random_weights is not None
        raw, short = random_weights, f"{title}, random weights"
        how = f"{title} on {like.layer} of a copy of the network in which every weight was drawn at random."
    elif kind == "random":
        raw, short = random_map(like.raw.shape, seed), "random numbers"
        how = f"a random number in each cell of the grid of {like.layer} (seed {seed}); no network was asked."
    else:
        raw, short = _brightness(session, like), "brightness"
        how = f"the image's own brightness, averaged over the cells of {like.layer}; no network was asked."
    return _drawn(session, raw, short, how, decoy=True)


def _brightness(session: Session, like: RealMap) -> Map:
    """Brightness of what the network saw, on the grid of a map of its input."""
    assert session.case is not None
    assert session.reading is not None
    view = session.reading.views[session.view.slice]
    picture = np.asarray(session.case.picture(session.view.slice), dtype=np.float32)
    grey = picture if picture.ndim == 2 else picture.mean(axis=2)
    if session.case.image.intensity.inverted:
        grey = -grey
    row_min, column_min, row_max, column_max = pixels_inside(view)
    found = pooled(brightness_map(grey[row_min:row_max, column_min:column_max]), like.raw.shape)
    return found[:, ::-1] if isinstance(view, InputView) and view.mirror else found


def _drawn(session: Session, raw: Map, title: str, how: str, *, decoy: bool = False) -> DecoyMap:
    assert session.reading is not None
    view = session.reading.views[session.view.slice]
    values = np.asarray(view.back(np.asarray(raw, dtype=np.float32)), dtype=np.float32)
    # Of a volume the slice shows a part of the map: full colour is what is largest on it.
    largest = float(values.max(initial=0.0))
    return DecoyMap(title, how, values, largest if largest > 0 else 1.0, decoy)


def decoy_question(
    session: Session,
    real: Sequence[RealMap],
    kind: DecoyKind,
    draw: Random,
    random_weights: Map | None = None,
) -> DecoyQuestion:
    """Real maps and a decoy in an order that nobody knows."""
    target = _target_words(session)
    maps = [
        _drawn(session, each.raw, each.words, f"{each.words}: asked of the network about {target}.")
        for each in real
    ]
    maps.append(made_decoy(session, real[0], kind, draw, random_weights))
    draw.shuffle(maps)
    return DecoyQuestion(
        tuple(maps),
        Ballot.of([f"Map {number + 1}" for number in range(len(maps))]),
        session.view.slice,
        target,
        kind,
    )


def _target_words(session: Session) -> str:
    model: ModelFacts | None = session.model
    target = session.target_index
    assert model is not None
    assert target is not None
    return model.card.classes[target]


def checked_kind(kind: DecoyKind | None, found: Sequence[DecoyKind], draw: Random) -> DecoyKind:
    """The kind that is wanted, or one that is drawn.

    Raises
    ------
    UsageError
        When there is no such decoy here.
    """
    if kind is None:
        return draw.choice(list(found))
    if kind not in found:
        why = {
            "other-class": "no other class has a map of its own here",
            "random-weights": "a copy of a network of volumes takes too long",
            "brightness": "a network of volumes does not look at single slices",
        }
        raise UsageError(f"This decoy cannot be made: {why.get(kind, 'there is no map')}.", code="no-decoy")
    return kind
