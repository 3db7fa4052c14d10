"""How much of a map lies outside the body."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viewer.evaluation.score import Score


def mass_outside(map: ArrayLike, body: NDArray[np.bool_]) -> tuple[Score, Score]:
    """Share of a map's mass outside the body, and the share of the area that lies there: what an even map would have.

    Parameters
    ----------
    map : (row, column) or (slice, row, column); the magnitude of every value counts.
    body : bool of the same shape.

    Returns
    -------
    (mass, area)
        Both 0..1; the mass is nan for an empty map.
    """
    values = np.abs(np.nan_to_num(np.asarray(map, dtype=np.float64), posinf=0.0, neginf=0.0))
    if values.shape != body.shape:
        raise ValueError("a map and the body are compared on one grid")
    total = float(values.sum())
    rule = "sum of the map's magnitude outside the body over its sum everywhere"
    area = Score(
        "area-outside",
        float(np.mean(~body)),
        "none",
        "share of the network's input outside the body",
        n=body.size,
    )
    if total == 0:
        return Score("mass-outside", math.nan, "lower", rule + "; not defined, the map is empty", n=0), area
    return Score("mass-outside", float(values[~body].sum()) / total, "lower", rule, n=values.size), area
