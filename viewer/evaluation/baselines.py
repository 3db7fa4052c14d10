"""Maps of no network, to stand beside every explainer: what a score is worth shows only against them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

PREFIX = "baseline:"
"""Before the name of a baseline where explainers are listed."""

BASELINES: Mapping[str, str] = {
    f"{PREFIX}random": "a random value in every pixel that the network saw",
    f"{PREFIX}blob": "a round blob in the middle of what the network saw, a quarter of it wide at half height",
    f"{PREFIX}brightness": "the brightness of the image itself",
}
"""Name -> what it is."""


def baseline_maps(picture: NDArray, within: NDArray[np.bool_], seed: int) -> dict[str, NDArray[np.float32]]:
    """The map of each of `BASELINES`.

    Parameters
    ----------
    picture : grey values, (row, column) or (slice, row, column), any unit.
    within : bool of that shape: what the network saw. The maps are 0 outside.
    seed : of the random map.
    """
    rng = np.random.default_rng(seed)
    random = rng.random(picture.shape, dtype=np.float32)
    random[random == 0] = np.finfo(np.float32).tiny  # 0 never counts
    made = {
        "random": random,
        "blob": _blob(within),
        "brightness": _above_least(picture, within),
    }
    return {f"{PREFIX}{name}": np.where(within, map_, np.float32(0)) for name, map_ in made.items()}


def _blob(within: NDArray[np.bool_]) -> NDArray[np.float32]:
    """A Gaussian about the middle of the box of what was seen."""
    falls = np.zeros(within.shape, dtype=np.float64)
    for axis in range(within.ndim):
        others = tuple(each for each in range(within.ndim) if each != axis)
        seen = np.flatnonzero(within.any(axis=others))
        if seen.size == 0:
            return np.zeros(within.shape, dtype=np.float32)
        low, high = seen[0], seen[-1] + 1
        # Full width at half maximum is 2.355 standard deviations.
        sigma = (high - low) / 4 / 2.3548
        along = (np.arange(within.shape[axis]) + 0.5 - (low + high) / 2) / sigma
        falls += along.reshape([-1 if each == axis else 1 for each in range(within.ndim)]) ** 2
    # The smallest number that counts: a blob that fades to 0 would have fewer pixels than it is asked for.
    return np.maximum(np.exp(-falls / 2), np.finfo(np.float32).tiny).astype(np.float32)


def _above_least(picture: NDArray, within: NDArray[np.bool_]) -> NDArray[np.float32]:
    values = np.nan_to_num(np.asarray(picture, dtype=np.float32), posinf=0.0, neginf=0.0)
    return values - values[within].min() if within.any() else np.zeros_like(values)
