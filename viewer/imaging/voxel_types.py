"""Voxel values in the smallest type that holds them: integers stay integers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.imaging.diagnoses import Diagnosis


def rescaled(stored: NDArray[Any], slope: float, intercept: float) -> NDArray[Any]:
    """``stored * slope + intercept``.

    Parameters
    ----------
    stored : array of integers or floats, any shape.
    slope, intercept : finite.

    Returns
    -------
    array
        `stored` itself for the identity; the stored integer type, int16, uint16 or int32, whichever comes first that
        holds every value, when slope and intercept are whole numbers; float32 otherwise (float64 stays float64).
    """
    if slope == 1 and intercept == 0:
        return stored
    if (
        stored.dtype.kind in "iub"
        and float(slope).is_integer()
        and float(intercept).is_integer()
        and stored.size
    ):
        ends = sorted(int(end) * int(slope) + int(intercept) for end in (stored.min(), stored.max()))
        for candidate in (stored.dtype, np.dtype(np.int16), np.dtype(np.uint16), np.dtype(np.int32)):
            limits = np.iinfo(candidate)
            if limits.min <= ends[0] and ends[1] <= limits.max:
                wide = np.dtype(np.int64 if candidate.itemsize > 2 else np.int32)
                return _in_parts(stored, int(slope), int(intercept), wide, candidate)
    wanted = np.dtype(np.float64 if stored.dtype == np.float64 else np.float32)
    return _in_parts(stored, slope, intercept, np.dtype(np.float64), wanted)


def _in_parts(
    stored: NDArray[Any], slope: float, intercept: float, wide: np.dtype[Any], wanted: np.dtype[Any]
) -> NDArray[Any]:
    """The rescale in a wider type than the result's, a part at a time: a whole volume is never held in that type."""
    result = np.empty(stored.shape, dtype=wanted)
    parts = zip(stored, result, strict=True) if stored.ndim > 2 else ((stored, result),)
    for source, target in parts:
        target[...] = source.astype(wide) * wide.type(slope) + wide.type(intercept)
    return result


def common_type(types: list[np.dtype[Any]]) -> np.dtype[Any]:
    """The smallest type that holds values of all these types; float32 when integers meet floats of 32 bits."""
    first = np.result_type(*types)
    if first == np.float64 and np.dtype(np.float64) not in types:
        return np.dtype(np.float32)
    return first


def value_findings(voxels: NDArray[Any]) -> tuple[Diagnosis, ...]:
    """Findings about the values alone: some that are no numbers, or nothing but one value."""
    findings = []
    finite = voxels
    if voxels.dtype.kind == "f":
        good = np.isfinite(voxels)
        bad = int(voxels.size - np.count_nonzero(good))
        if bad:
            finite = voxels[good]
            findings.append(
                Diagnosis(
                    "not-finite",
                    "warning",
                    f"{bad:,} of {voxels.size:,} voxels are not numbers; they are left out of windows "
                    "and shown darkest.",
                )
            )
    if finite.size == 0 or finite.min() == finite.max():
        findings.append(
            Diagnosis(
                "no-contrast",
                "warning",
                "There is no picture: every voxel has the same value.",
                "Whatever a model says of it means nothing.",
            )
        )
    return tuple(findings)
