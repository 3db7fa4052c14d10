"""How like a map is to something that needs no network: the edges of its image, and the image's own brightness."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viewer.evaluation.agreement import rank_correlation
from viewer.evaluation.baseline_maps import brightness_map
from viewer.evaluation.score import Score
from viewer.models.line_sampling import cell_of

Picture = NDArray[np.float32]


def edge_map(grey: ArrayLike) -> Picture:
    """Strength of the edges of an image: magnitude of its Sobel gradient.

    Parameters
    ----------
    grey : (row, column) or (slice, row, column), any unit.

    Returns
    -------
    ndarray
        Same shape, float32, at least 0, in grey values per pixel.
    """
    from scipy import ndimage

    values = brightness_map(np.asarray(grey))
    squares = [
        ndimage.sobel(values, axis=axis, mode="nearest").astype(np.float64) ** 2
        for axis in range(values.ndim)
    ]
    # Sobel's weights add up to 8 in a plane and to 32 in a volume for a slope of one.
    steepness = np.sqrt(np.sum(squares, axis=0)) / (8 if values.ndim == 2 else 32)
    return np.asarray(steepness, dtype=np.float32)


def pooled(values: ArrayLike, grid: tuple[int, ...]) -> Picture:
    """Mean over the cells of a coarser grid on the same field; axes along which the grid is not coarser stay.

    Parameters
    ----------
    values : (row, column) or (slice, row, column).
    grid : number of cells along each axis.
    """
    found = np.asarray(values, dtype=np.float64)
    for axis, size in enumerate(grid):
        length = found.shape[axis]
        if size < length:
            cell = cell_of(length, 0, length, size, False)
            weights = np.zeros((size, length))
            weights[cell, np.arange(length)] = 1
            weights /= weights.sum(axis=1, keepdims=True)
            found = np.moveaxis(np.tensordot(weights, found, (1, axis)), 0, axis)
    return found.astype(np.float32)


def likeness(
    map: ArrayLike, picture: ArrayLike, name: str, words: str, within: NDArray[np.bool_] | None = None
) -> Score:
    """Rank correlation of a map with a picture, cell by cell of the map's own grid.

    The picture is averaged over the cells of the map, so that a coarse map is not excused by its coarseness.

    Parameters
    ----------
    map : on its own grid over the network's input.
    picture : what it is compared with, on the network's input.
    name, words : of the score, and what the picture is.
    within : bool on the network's input; cells of which less than half lies in it are left out, so that a map which
        lies in the body at all is not called alike for that. None for everywhere.
    """
    values = np.asarray(map, dtype=np.float64)
    other, chosen = pooled(picture, values.shape), np.ones(values.shape, dtype=np.bool_)
    where = ""
    if within is not None:
        chosen = pooled(within, values.shape) >= 0.5
        where = " in the body"
    found = rank_correlation(values[chosen], other[chosen])
    rule = f"rank correlation with {words}, over the map's own cells{where}"
    rule += "" if found.defined else "; not defined, one of the two is constant"
    return Score(name, found.value, "lower", rule, n=int(chosen.sum()))
