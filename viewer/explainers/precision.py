"""May maps be computed in half precision? Asked of a network once per kind of map, by computing both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from viewer.models.card import ScoreType
from viewer.models.classifier import Classifier

HALF = "half-precision"
"""Flag: the maps were computed in half precision."""

CORRELATION = 0.99
"""Maps in half precision correlate at least so with those in full precision, or are not used."""

PROBABILITY = 0.005
"""No probability may move by more."""

MapKey = tuple[int, str, str]
"""(class index, layer, method)."""

_judged: WeakKeyDictionary[nn.Module, dict[tuple[torch.dtype, ScoreType], dict[MapKey, bool]]]
_judged = WeakKeyDictionary()


def judgement(classifier: Classifier, half: torch.dtype, score: ScoreType) -> dict[MapKey, bool]:
    """Which maps of a score may be computed in that precision, as far as it is known."""
    return _judged.setdefault(classifier.module, {}).setdefault((half, score), {})


class Traced(Protocol):
    """What is compared of a trace."""

    @property
    def probabilities(self) -> NDArray[np.float32]: ...

    @property
    def maps(self) -> Mapping[MapKey, NDArray[np.float32]]: ...


def agreement(full: Traced, half: Traced) -> Mapping[MapKey, bool]:
    """For each map whether both traces say the same, in every image."""
    moved = float(np.abs(full.probabilities - half.probabilities).max())
    if not moved <= PROBABILITY:
        return dict.fromkeys(full.maps, False)
    return {
        key: all(_alike(one, half.maps[key][number]) for number, one in enumerate(maps))
        for key, maps in full.maps.items()
    }


def _alike(full: NDArray[np.float32], half: NDArray[np.float32]) -> bool:
    a, b = full.ravel().astype(np.float64), half.ravel().astype(np.float64)
    a, b = a - a.mean(), b - b.mean()
    size = np.sqrt((a @ a) * (b @ b))
    if not size > 0:  # a flat map has no correlation: the other one is to be the same
        return bool(np.allclose(full, half, rtol=0.01, atol=1e-12))
    return bool((a @ b) / size >= CORRELATION)
