"""When slices count as uneven or tilted: one rule for what is said of a series and for what is resampled."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

TILTED = 0.2
"""Degrees from which a stack counts as tilted."""
_SHARE, _MM, _MOST = 0.05, 0.02, 0.3
"""A distance is odd that differs from the usual one by the first share and by this much, mm, or by the last share."""


def odd_gaps(depths: Array) -> NDArray[np.intp]:
    """Numbers of the gaps between ascending depths (mm) that are not like the others; none for fewer than two."""
    gaps = np.diff(depths)
    if not len(gaps):
        return np.empty(0, dtype=np.intp)
    usual = float(np.median(gaps))
    return np.flatnonzero(np.abs(gaps - usual) > max(_SHARE * usual, min(_MM, _MOST * usual)))


def tilt_degrees(along: float, across: float) -> float:
    """Degrees between a stack and the normal of its slices, from how far (mm) it runs along it and across it."""
    return math.degrees(math.atan2(across, along))
