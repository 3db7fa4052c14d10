"""An explanation: a map with everything that is needed to read it, or to refuse to. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from viewer.imaging.geometry import Geometry

MapState = Literal["ok", "empty", "negative_only", "near_zero"]
Map = NDArray[np.float32]

IMPROBABLE = 0.05
"""A class less probable than this is flagged: its map may show what is left over rather than evidence."""

NEAR_ZERO_SHARE = 0.01
"""A map whose maximum is below this share of the model's reference is near zero."""

NEAR_ZERO_TOTAL = 1e-6
"""Without a reference: a map that would sum to less than this even if every cell had its maximum.

The sum of a map is of the order of the score that it explains (exactly the score less the biases for a layer behind
which the network is linear), so such a map speaks for less than a millionth of a logit, which moves no probability
by more than a quarter of a millionth. A bound on the maximum alone would call honest maps of large grids empty,
because their cells share the sum. (Those of CAM and Grad-CAM++ do not: they sum over places where Grad-CAM takes the
mean. Nor do those of guided gradients, which leave out what speaks against the class.)
"""


def map_state(signed: NDArray, reference: float | None = None, *, shared: bool = True) -> MapState:
    """Whether a signed map can be read.

    Parameters
    ----------
    signed : the map before ReLU, in units of the score, on its own grid.
    reference : the model's full scale for this layer, class and method, when known.
    shared : whether the cells share the score among them (`ExplainerInfo.shares_score`).

    Returns
    -------
    str
        ``empty`` all exactly zero; ``negative_only`` nothing speaks for the class; ``near_zero`` the maximum is
        below 1% of the reference or, without one, below `NEAR_ZERO_TOTAL` divided by the number of cells that
        share the score; else ``ok``.
    """
    if signed.size == 0:
        return "empty"
    maximum, minimum = float(signed.max()), float(signed.min())
    if maximum == 0 and minimum == 0:
        return "empty"
    if maximum <= 0:
        return "negative_only"
    floor = NEAR_ZERO_SHARE * reference if reference else NEAR_ZERO_TOTAL / (signed.size if shared else 1)
    return "near_zero" if maximum < floor else "ok"


@dataclass(frozen=True, eq=False)
class Explanation:
    """Why the model gave one class its score, as far as one explainer can say.

    Attributes
    ----------
    explainer, layer, target, class_name : what was explained and how; `layer` is ``input`` for explainers without one.
    score : ``logit``, ``probability`` or ``margin``: what was differentiated.
    signed : (row, column), or (slice, row, column) of a volume, float32 before ReLU, on the map's own grid as the
        network saw the input (mirrored when it was).
    picture_map : the map after ReLU, drawn on the picture as it is shown, or on the volume in reading order (linear,
        zero outside the crop), the mirror undone.
    map : the same on the image: in the file's own order of axes; for an array input on its grid.
    probability : of the class on this input.
    state : ``ok``, ``empty``, ``negative_only`` or ``near_zero``.
    flags : ``improbable_class``, ``equal_by_construction``, ``softmax-inside``, ``squashed-output``, ``not-finite``,
        ``incomplete`` (the values do not add up to the difference of the scores), ``poor-fit`` (the linear model that
        the map is made of does not follow the network).
    equal_to : explainers that make the same picture on this layer by construction.
    deviation : standard deviation of `signed` over what was sampled; None where nothing was.
    segments : which part of the input each cell of `signed` belongs to, from 1 on; None where there are none.
    facts : numbers that say how far the map can be trusted, see `viewer.explainers.map_facts`.
    slice : index in the image's reading plane; None for an array.
    geometry : of the explained image; None for an array.
    parameters : of the explainer.
    provenance : enough to make it again, nothing about the patient.
    """

    explainer: str
    layer: str
    target: int
    class_name: str
    score: str
    signed: Map
    picture_map: Map
    map: Map
    probability: float
    state: MapState
    flags: tuple[str, ...] = ()
    equal_to: tuple[str, ...] = ()
    deviation: Map | None = None
    segments: NDArray[np.int32] | None = None
    facts: Mapping[str, float] = field(default_factory=dict)
    slice: int | None = None
    geometry: Geometry | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def raw(self) -> Map:
        """The map after ReLU on its own grid, unnormalised, in units of the score."""
        return np.maximum(self.signed, 0)

    @property
    def method(self) -> str:
        return self.explainer

    @property
    def raw_max(self) -> float:
        """Largest value of the raw map, at least 0."""
        return max(0.0, float(self.signed.max(initial=0.0)))
