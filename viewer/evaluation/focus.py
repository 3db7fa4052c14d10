"""How focused a map is: one small spot, or a little of everything."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viewer.evaluation.score import Score

HALF = 0.5


def focus_scores(
    map: ArrayLike,
    *,
    within: NDArray[np.bool_] | None = None,
    spacing: tuple[float, ...] | None = None,
) -> tuple[Score, ...]:
    """Focus of the positive part of a map.

    Parameters
    ----------
    map : (row, column) or (slice, row, column); negative and non-finite pixels count as 0.
    within : bool of the same shape; pixels outside, such as those the network never saw, are not looked at.
    spacing : mm along each axis; None for pixels.

    Returns
    -------
    tuple of Score
        ``half-max-area``: mm2 (mm3) or pixels of at least half the maximum; ``half-max-share``: the same as a share of
        all pixels; ``entropy``: of the distribution of the map's mass, 0 for one pixel, 1 for a constant map;
        ``gini``: inequality of the pixels, 0 for a constant map, near 1 for one pixel; ``foci``: connected pieces of
        at least half the maximum (8 neighbours, 26 in 3D); ``vertical-spread``: standard deviation of the mass along
        the rows, as a share of their number (a constant map has 0.289). None is better in itself. All are nan of an
        empty map.

    References
    ----------
    Hurley and Rickard (2009), "Comparing measures of sparsity", IEEE Trans. Inf. Theory 55, for the Gini index.
    """
    values = np.asarray(map)
    usable = np.isfinite(values) & (values > 0)
    if within is not None:
        if within.shape != values.shape:
            raise ValueError("`within` has the shape of the map")
        usable &= within
    positive = np.where(usable, values, 0).astype(np.float64)
    chosen = positive.ravel() if within is None else positive[within]
    largest = float(chosen.max(initial=0.0))
    unit, cell = "pixels", 1.0
    if spacing is not None:
        unit, cell = ("mm\u00b2", "mm\u00b3")[values.ndim - 2], math.prod(spacing)
    if largest < np.finfo(np.float64).tiny:
        return tuple(
            _score(name, math.nan, f"{rule}; not defined, the map is empty") for name, rule in _RULES.items()
        )
    from scipy import ndimage  # not before it is needed: the window is there first

    positive /= largest  # maps may be tiny in absolute terms
    high = positive >= HALF
    count = int(np.count_nonzero(high))
    pieces = int(ndimage.label(high, structure=np.ones((3,) * high.ndim, dtype=bool))[1])
    chosen = chosen / largest
    return (
        _score("half-max-area", count * cell, f"{unit}, {_RULES['half-max-area']}", count),
        _score("half-max-share", count / chosen.size, _RULES["half-max-share"], chosen.size),
        _score("entropy", _entropy(chosen), _RULES["entropy"], chosen.size),
        _score("gini", _gini(chosen), _RULES["gini"], chosen.size),
        _score("foci", float(pieces), _RULES["foci"], pieces),
        _score("vertical-spread", _spread(positive), _RULES["vertical-spread"]),
    )


_RULES = {
    "half-max-area": "area of at least half the maximum",
    "half-max-share": "share of the pixels of at least half the maximum",
    "entropy": "entropy of the map's mass over that of a constant map",
    "gini": "Gini index of the pixels",
    "foci": "connected pieces of at least half the maximum",
    "vertical-spread": "standard deviation of the map's mass along the rows, as a share of their number",
}
_UPPER = {"half-max-area": math.inf, "foci": math.inf, "vertical-spread": 0.5}
_SOURCES = {"gini": "Hurley and Rickard (2009), IEEE Trans. Inf. Theory 55", "entropy": "Shannon (1948)"}


def _score(name: str, value: float, rule: str, n: int | None = None) -> Score:
    return Score(
        name, value, "none", rule, n=n, range=(0.0, _UPPER.get(name, 1.0)), source=_SOURCES.get(name, "")
    )


def _entropy(values: NDArray[np.float64]) -> float:
    if values.size < 2:
        return 0.0
    share = values[values > 0] / values.sum()
    # One that is nearly constant may round to a hair above 1.
    return min(max(float(-(share * np.log(share)).sum() / math.log(values.size)), 0.0), 1.0)


def _gini(values: NDArray[np.float64]) -> float:
    ordered, n = np.sort(values), values.size
    ranks = np.arange(1, n + 1)
    return max(float(((2 * ranks - n - 1) @ ordered) / (n * ordered.sum())), 0.0)


def _spread(positive: NDArray[np.float64]) -> float:
    rows = positive.sum(axis=tuple(axis for axis in range(positive.ndim) if axis != positive.ndim - 2))
    place = (np.arange(rows.size) + 0.5) / rows.size
    weights = rows / rows.sum()
    centre = float(weights @ place)
    return math.sqrt(float(weights @ (place - centre) ** 2))
