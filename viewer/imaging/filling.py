"""A volume that is filled slice by slice, in whatever order slices come.

Its values are final from the first slice on: rescaled, in a type that the header lets expect. Where a slice does not
fit, the volume moves to a wider type; whoever looks at the earlier one keeps what had arrived by then.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.imaging.voxel_types import common_type, rescaled

_CANDIDATES = (np.dtype(np.int16), np.dtype(np.uint16), np.dtype(np.int32))

Rescale = tuple[float, float]


def expected_type(
    stored: np.dtype[Any], limits: tuple[int, int], rescales: set[Rescale]
) -> np.dtype[Any] | None:
    """The type of a rescaled volume as far as its header tells; None when only the values can tell.

    Parameters
    ----------
    stored : type of the stored values.
    limits : lowest and highest value that the header allows for.
    rescales : slope and intercept of every slice.
    """
    if stored.kind not in "iu":
        return None
    if rescales == {(1.0, 0.0)}:
        return stored
    if not all(float(part).is_integer() for rescale in rescales for part in rescale):
        return np.dtype(np.float32)
    ends = [end * int(slope) + int(intercept) for slope, intercept in rescales for end in limits]
    for candidate in (stored, *_CANDIDATES[:2]):
        if _holds(candidate, min(ends), max(ends)):
            return candidate
    return None


class Filling:
    """Voxels (slice, row, column[, channel]) on their way into memory.

    Parameters
    ----------
    slices : how many there will be.
    expected : see `expected_type`.

    Attributes
    ----------
    arrived : (slice,) bool.
    """

    def __init__(self, slices: int, expected: np.dtype[Any] | None) -> None:
        self.arrived = np.zeros(slices, dtype=bool)
        self._expected = expected
        self._voxels: NDArray[Any] | None = None

    @property
    def voxels(self) -> NDArray[Any]:
        """What is there; only slices that have arrived mean anything."""
        assert self._voxels is not None
        return self._voxels

    @property
    def shown(self) -> NDArray[Any]:
        """The same, to be looked at while it goes on being filled: nobody else writes into it."""
        view = self.voxels.view()
        view.setflags(write=False)
        return view

    def put(self, place: int, stored: NDArray[Any], rescale: Rescale) -> None:
        """Rescale a slice and put it in its place.

        Raises
        ------
        ValueError
            When it is of another shape than the slices before it.
        """
        values = rescaled(stored, *rescale)
        if self._voxels is None:
            first = self._expected
            kind = values.dtype if first is None or not _fits(values, first) else first
            # Zeroed, not merely reserved: what has not arrived is black, and never the memory of something else.
            self._voxels = np.zeros((len(self.arrived), *values.shape), kind)
        elif values.shape != self._voxels.shape[1:]:
            raise ValueError("slices of one volume have one shape")
        if not _fits(values, self._voxels.dtype):
            self._voxels = self._voxels.astype(self._wider(stored.dtype, values))
        self._voxels[place] = values
        self.arrived[place] = True

    def _wider(self, stored: np.dtype[Any], values: NDArray[Any]) -> np.dtype[Any]:
        """The first type that holds what has arrived and `values`."""
        assert self._voxels is not None
        present = self._voxels[self.arrived]
        if values.dtype.kind in "iu" and present.dtype.kind in "iu" and values.size and present.size:
            low = min(int(present.min()), int(values.min()))
            high = max(int(present.max()), int(values.max()))
            for candidate in (stored, *_CANDIDATES):
                if candidate.kind in "iu" and _holds(candidate, low, high):
                    return candidate
        return common_type([present.dtype, values.dtype])


def _fits(values: NDArray[Any], kind: np.dtype[Any]) -> bool:
    if np.can_cast(values.dtype, kind, casting="safe") or (kind == np.float32 and values.dtype.kind in "iu"):
        return True
    if values.dtype.kind not in "iu" or kind.kind not in "iu" or not values.size:
        return False
    return _holds(kind, int(values.min()), int(values.max()))


def _holds(kind: np.dtype[Any], low: int, high: int) -> bool:
    limits = np.iinfo(kind)
    return limits.min <= low and high <= limits.max
