"""Taking parts of an input away: in which order, and what is put in their place. No torch here."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from viewer.foundation.errors import ExplainError, UsageError
from viewer.foundation.registry import nearest
from viewer.models.line_sampling import stretched

Input = NDArray[np.float32]
"""What a network takes: (channel, row, column) or (channel, slice, row, column)."""

TRANSFORMS = ("mean", "blur-11", "blur-21", "noise")
"""What replaces a pixel: the mean of its channel, a Gaussian blur of 11 or 21 pixels, random noise."""

_BLUR = re.compile(r"blur-(\d{1,3})")


def check_transform(name: str) -> None:
    """Raise `UsageError` for a transform that does not exist; any odd width of a blur from 3 up does."""
    found = _BLUR.fullmatch(name)
    if name in ("mean", "noise") or (found and int(found[1]) >= 3 and int(found[1]) % 2 == 1):
        return
    raise UsageError(f"There is no transform '{name}'{nearest(name, list(TRANSFORMS))}.", code="transform")


def importance_order(signed: NDArray, space: tuple[int, ...]) -> tuple[NDArray[np.intp], float]:
    """Pixels of an input from the most to the least important.

    Parameters
    ----------
    signed : a map on any grid over the input, before or after ReLU; what is not finite comes last.
    space : (row, column) or (slice, row, column) of the input.

    Returns
    -------
    order : (pixel,) flat indices. The map after ReLU, drawn linearly on the input, decides; where it is zero, the map
        before ReLU does, so that what speaks against the class comes last and no corner of the picture is preferred;
        equal values come by lowest index.
    positive : share of the pixels at which the map is above zero.

    Raises
    ------
    ExplainError
        When the map is the same everywhere, because then it orders nothing.
    """
    values = np.asarray(signed, dtype=np.float32)
    if values.ndim != len(space):
        raise UsageError(
            f"The map has {values.ndim} axes and the input {len(space)}, without its channels.",
            code="map-axes",
        )
    finite = np.isfinite(values)
    lowest = values[finite].min() if finite.any() else np.float32(0)
    values = np.where(finite, values, min(lowest, np.float32(0)))
    above = stretched(np.maximum(values, 0), space)
    # Where the drawn map is zero every cell around is at most zero, and so is the drawn signed map.
    key = np.where(above > 0, above, np.minimum(stretched(values, space), 0)).ravel()
    if key.size == 0 or key.max() == key.min():
        raise ExplainError(
            "The map is the same everywhere, so no pixel of it is more important than another.",
            code="empty-map",
        )
    return np.argsort(-key, kind="stable"), float(np.count_nonzero(above > 0)) / key.size


def random_order(pixels: int, seed: int) -> NDArray[np.intp]:
    """Pixels in an order that knows nothing."""
    return np.random.default_rng(seed).permutation(pixels)


def replaced_everywhere(ready: Input, transform: str, seed: int = 0) -> Input:
    """An input with every pixel replaced.

    Parameters
    ----------
    transform : ``mean``, of each channel of this input; ``blur-N``, Gaussian with a window of N pixels along every axis
        and the standard deviation that OpenCV and torchvision give it, 0.3 ((N - 1) / 2 - 1) + 0.8, the picture
        reflected at its edges; ``noise``, normal with mean and standard deviation of each channel.
    seed : of the noise.
    """
    check_transform(transform)
    axes = tuple(range(1, ready.ndim))
    if transform == "mean":
        means = ready.mean(axis=axes, keepdims=True, dtype=np.float64)
        return np.array(np.broadcast_to(means, ready.shape), dtype=np.float32)
    if transform == "noise":
        noise = np.random.default_rng(seed).standard_normal(ready.shape)
        mean = ready.mean(axis=axes, keepdims=True, dtype=np.float64)
        spread = ready.std(axis=axes, keepdims=True, dtype=np.float64)
        return np.asarray(mean + noise * spread, dtype=np.float32)
    width = int(transform.removeprefix("blur-"))
    blurred = ready
    for axis in axes:
        weights = _blur_weights(ready.shape[axis], width)
        blurred = np.moveaxis(np.tensordot(weights, blurred, axes=(1, axis)), 0, axis)
    return np.ascontiguousarray(blurred, dtype=np.float32)


def _blur_weights(length: int, width: int) -> NDArray[np.float32]:
    """(length, length) weights of a Gaussian blur of a line that is reflected about its first and last pixel."""
    reach = width // 2
    sigma = 0.3 * (reach - 1) + 0.8
    offsets = np.arange(-reach, reach + 1)
    kernel = np.exp(-0.5 * (offsets / sigma) ** 2)
    kernel /= kernel.sum()
    weights = np.zeros((length, length))
    line, last = np.arange(length), length - 1
    for offset, weight in zip(offsets, kernel, strict=True):
        place = np.abs((line + offset + last) % max(2 * last, 1) - last)
        weights[line, place] += weight
    return weights.astype(np.float32)


def altered(ready: Input, instead: Input, pixels: NDArray[np.intp]) -> Input:
    """An input with some pixels, in all channels, taken from another one.

    Parameters
    ----------
    pixels : flat indices on the grid of the input.
    """
    result = ready.copy()
    flat, other = result.reshape(len(ready), -1), instead.reshape(len(ready), -1)
    flat[:, pixels] = other[:, pixels]
    return result
