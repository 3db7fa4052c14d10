"""Pictures of numbers, and the few shapes that films are drawn with."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Field = NDArray[np.float32]


def ramp(distance: Any, width: float) -> Field:
    """Return 0 to 1 smoothly over `width` on both sides of distance 0."""
    t = np.clip(np.asarray(distance, dtype=np.float32) * np.float32(0.5 / width) + np.float32(0.5), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t), dtype=np.float32)


def bell(distance: Any, width: float) -> Field:
    """Return 1 at distance 0 and 0 from `width` on, smoothly."""
    t = np.clip(1.0 - (np.asarray(distance, dtype=np.float32) / np.float32(width)) ** 2, 0.0, 1.0)
    return np.asarray(t * t, dtype=np.float32)


def dome(distance: Any) -> Field:
    """Return how thick a ball of radius 1 is at a distance from its middle, 1 to 0."""
    return np.asarray(
        np.sqrt(np.clip(1.0 - np.asarray(distance, dtype=np.float32) ** 2, 0.0, 1.0)), dtype=np.float32
    )


def cloud(rng: np.random.Generator, shape: tuple[int, int], cells: float) -> Field:
    """Return smooth noise with deviation 1 whose spots are about so many cells of 1/100 of the film wide."""
    scale = max(shape) / 100.0 * cells
    step = max(1, int(scale))
    small = rng.normal(size=(shape[0] // step + 4, shape[1] // step + 4)).astype(np.float32)
    small = ndimage.gaussian_filter(small, max(scale / step, 0.6))
    if step > 1:
        zoomed = ndimage.zoom(small, step, order=1)
        start = rng.integers(0, step, size=2)
        small = zoomed[start[0] : start[0] + shape[0], start[1] : start[1] + shape[1]]
    field = small[: shape[0], : shape[1]]
    return np.asarray((field - field.mean()) / (field.std() + 1e-6), dtype=np.float32)
