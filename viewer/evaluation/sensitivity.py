"""How far a map moves when its input hardly does."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from viewer.evaluation.score import Score


def relative_change(map: ArrayLike, changed: ArrayLike) -> Score:
    """Euclidean norm of the difference of two maps over the norm of the first; nan when that one is empty.

    0 for the same map; about 1.4 for two maps of one size that have nothing in common.
    """
    first, second = (np.asarray(each, dtype=np.float64).ravel() for each in (map, changed))
    if first.shape != second.shape:
        raise ValueError("maps are compared on one grid")
    scale = float(np.abs(first).max(initial=0.0))
    rule = "norm of the difference of the maps over the norm of the first"
    if scale == 0:
        return Score("relative-change", math.nan, "lower", rule + "; not defined, the map is empty")
    # Maps may be tiny in absolute terms, so they are brought to their own scale before anything is squared.
    first, second = first / scale, second / scale
    value = float(np.linalg.norm(second - first) / np.linalg.norm(first))
    return Score("relative-change", value, "lower", rule, n=first.size)


def max_sensitivity(map: ArrayLike, changed: Sequence[ArrayLike]) -> Score:
    """The largest `relative_change` over the maps of slightly changed inputs.

    Yeh et al., On the (in)fidelity and sensitivity of explanations, NeurIPS 2019 (SENS_MAX), over the norm of the map
    as captum's ``sensitivity_max`` has it, so that it does not depend on the unit of the map.
    """
    found = [relative_change(map, each).value for each in changed]
    rule = "largest norm of the map's change over the norm of the map, of the changed inputs"
    known = [value for value in found if not math.isnan(value)]
    if not known:
        return Score("max-sensitivity", math.nan, "lower", rule + "; not defined, the map is empty", n=0)
    return Score("max-sensitivity", max(known), "lower", rule, n=len(known))
