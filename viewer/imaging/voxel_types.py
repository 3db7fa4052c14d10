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
                wide = stored.astype(np.int64 if candidate.itemsize > 2 else np.int32)
                return (wide * int(slope) + int(intercept)).astype(candidate)
    wanted = np.float64 if stored.dtype == np.float64 else np.float32
    return np.asarray(stored.astype(np.float64) * slope + intercept, dtype=wanted)


def common_type(types: list[np.dtype[Any]]) -> np.dtype[Any]:
    """The smallest type that holds values of all these types; float32 when integers meet floats of 32 bits."""
    first = np.result_type(*types)
    if first == np.float64 and np.dtype(np.float64) not in types:
        return np.dtype(np.float32)
    return first


def not_finite(voxels: NDArray[Any]) -> tuple[Diagnosis, ...]:
    """A finding when values are NaN or infinite, with their number."""
    if voxels.dtype.kind != "f":
        return ()
    bad = int(voxels.size - np.count_nonzero(np.isfinite(voxels)))
    if not bad:
        return ()
    return (
        Diagnosis(
            "not-finite",
            "warning",
            f"{bad:,} of {voxels.size:,} voxels are not numbers; they are left out of windows and shown darkest.",
        ),
    )
