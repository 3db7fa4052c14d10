"""Superpixels and supervoxels: connected parts of an input of about one value each (SLIC)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from skimage.segmentation import slic

from viewer.foundation.errors import ExplainError, UsageError

Labels = NDArray[np.int32]

_TRIES = 6
_NEAR = 0.1
"""As near to the number that was asked for as is worth another try."""


def segments_of(ready: NDArray[np.float32], count: int) -> Labels:
    """Divide an input into about `count` segments; the same input gives the same ones.

    SLIC in its variant without a free parameter (SLICO, Achanta et al., SLIC superpixels, IEEE TPAMI 2012), on all
    channels together, each scaled to its own range; connected, and as large as each other where nothing tells voxels
    apart.

    Parameters
    ----------
    ready : (channel, *space) what the network takes.

    Returns
    -------
    ndarray
        int32 (*space), 1 to the number of segments.

    Raises
    ------
    UsageError
        More segments than voxels.
    ExplainError
        The input cannot be divided.
    """
    voxels = int(np.prod(ready.shape[1:]))
    if count > voxels:
        raise UsageError(
            f"The network's input has {voxels} voxels, fewer than the {count} segments asked for.",
            code="too-many-segments",
        )
    values = _scaled(ready)
    found, best = 0, None
    wish, low, high = count, 1, voxels
    for _ in range(_TRIES):
        labels = slic(
            values,
            n_segments=wish,
            compactness=0.1,
            slic_zero=True,
            channel_axis=-1,
            start_label=1,
            convert2lab=False,
        )
        number = int(labels.max())
        if number > 1 and (best is None or abs(number - count) < abs(found - count)):
            found, best = number, labels
        if abs(number - count) <= _NEAR * count:
            break
        # Seeds lie on a regular grid, and small segments are joined to their neighbours, so a wish is not a promise.
        low, high = (wish, high) if number < count else (low, wish)
        if high - low < 2:
            break
        wish = round(wish * count / number)
        if not low < wish < high:
            wish = (low + high) // 2
    if best is None:
        raise ExplainError(
            "The network's input is one segment, so there is nothing to compare it with: ask for more segments.",
            code="one-segment",
        )
    _, consecutive = np.unique(best, return_inverse=True)
    return consecutive.reshape(best.shape).astype(np.int32) + 1


def _scaled(ready: NDArray[np.float32]) -> NDArray[np.float64]:
    """(*space, channel) 0..1."""
    values = np.moveaxis(ready.astype(np.float64), 0, -1)
    axes = tuple(range(values.ndim - 1))
    low, high = values.min(axis=axes), values.max(axis=axes)
    scaled: NDArray[np.float64] = (values - low) / np.where(high > low, high - low, 1.0)
    return scaled
