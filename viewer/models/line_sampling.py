"""One axis of a grid drawn on another: the weights that the views of pictures and of volumes are made of.

A crop, a mirror and a change of size along an axis are one matrix; a picture takes two of them, a volume three.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]


def _cubic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keys' cubic convolution kernel with a = -0.5 (R. Keys, 1981)."""
    x = np.abs(x)
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))


@lru_cache(maxsize=256)
def reduction(length: int, low: float, high: float, size: int, reverse: bool) -> Matrix:
    """(size, length) bicubic weights that sample [low, high) of a line of `length` pixels at `size` points.

    The kernel is widened when the line is reduced, so that nothing is skipped. Weight that falls outside the
    line counts as background.
    """
    step = (high - low) / size
    centres = low + (np.arange(size) + 0.5) * step
    if reverse:
        centres = centres[::-1]
    width = max(step, 1.0)
    margin = int(np.ceil(2 * width)) + 1
    pixels = np.arange(-margin - int(max(0, -low)), length + margin + int(max(0, high - length))) + 0.5
    weights = _cubic((pixels[None, :] - centres[:, None]) / width)
    weights /= weights.sum(axis=1, keepdims=True)
    inside = weights[:, (pixels > 0) & (pixels < length)].astype(np.float32)
    inside.setflags(write=False)
    return np.ascontiguousarray(inside)


@lru_cache(maxsize=256)
def sampling(length: int, low: float, high: float, size: int, reverse: bool) -> Matrix:
    """(length, size) linear weights that draw a line of `size` cells spread over [low, high) on `length` pixels."""
    centres = np.arange(length) + 0.5
    position = (centres - low) / (high - low)
    inside = (position >= 0) & (position < 1)
    if reverse:
        position = 1 - position
    cell = np.clip(position * size - 0.5, 0, size - 1)
    left = np.minimum(cell.astype(int), max(size - 2, 0))
    share = cell - left
    weights = np.zeros((length, size), dtype=np.float32)
    line = np.arange(length)
    weights[line, left] += (1 - share) * inside
    if size > 1:
        weights[line, left + 1] += share * inside
    weights.setflags(write=False)
    return weights


def cell_of(length: int, low: float, high: float, size: int, reverse: bool) -> NDArray[np.int64]:
    """For each of `length` pixels the index of the cell that it lies in, or -1 outside [low, high)."""
    position = (np.arange(length) + 0.5 - low) / (high - low)
    inside = (position >= 0) & (position < 1)
    cell = np.clip(((1 - position) if reverse else position) * size, 0, size - 1).astype(np.int64)
    return np.where(inside, cell, -1)


def stretched(cells: NDArray, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """A grid of cells drawn on another grid over the same field, linear between the centres of the cells."""
    drawn = np.asarray(cells, dtype=np.float32)
    for axis, (length, count) in enumerate(zip(shape, drawn.shape, strict=True)):
        weights = sampling(length, 0, length, count, False)
        drawn = np.moveaxis(np.tensordot(weights, drawn, axes=(1, axis)), 0, axis)
    return np.ascontiguousarray(drawn)
