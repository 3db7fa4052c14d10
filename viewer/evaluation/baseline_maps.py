"""Maps that know nothing of the network. An explanation that localises no better than these has not explained."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from viewer.models.line_sampling import stretched

Map = NDArray[np.float32]
BLOB = 0.25
"""Standard deviation of the centred blob as a share of each axis."""


def random_map(shape: tuple[int, ...], seed: int = 0, grid: tuple[int, ...] | None = None) -> Map:
    """Uniform noise in (0, 1].

    Parameters
    ----------
    shape : (row, column) or (slice, row, column).
    grid : draw one value for each cell of a coarser grid, linear between their centres, so that the random map is as
        coarse as the map beside it; None for one value for each pixel.
    """
    noise = (1 - np.random.default_rng(seed).random(grid or shape)).astype(np.float32)
    return noise if grid is None else stretched(noise, shape)


def centred_blob(shape: tuple[int, ...]) -> Map:
    """A Gaussian in the middle: what a map is worth that has only learned where people put things."""
    blob = np.ones(shape, dtype=np.float32)
    for axis, length in enumerate(shape):
        place = ((np.arange(length) + 0.5) / length - 0.5) / BLOB
        blob *= (
            np.exp(-0.5 * place**2)
            .astype(np.float32)
            .reshape([-1 if a == axis else 1 for a in range(len(shape))])
        )
    return blob


def brightness_map(grey: NDArray) -> Map:
    """The image's own brightness above its darkest pixel; pixels that are not finite are 0."""
    values = np.asarray(grey, dtype=np.float32)
    finite = np.isfinite(values)
    darkest = values[finite].min() if finite.any() else 0
    return np.where(finite, values - darkest, 0).astype(np.float32)


def baseline_maps(grey: NDArray, seed: int = 0, grid: tuple[int, ...] | None = None) -> dict[str, Map]:
    """All of them for a grey picture or volume: ``random`` (see `random_map`), ``centre`` and ``brightness``."""
    shape = np.asarray(grey).shape
    return {
        "random": random_map(shape, seed, grid),
        "centre": centred_blob(shape),
        "brightness": brightness_map(grey),
    }
