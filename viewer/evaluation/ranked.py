"""A map whose pixels are put in order once, for all the shares of it that are looked at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


class RankedMap:
    """The most important pixels of a map; the same as `mask_from_map` with the rule ``top-percent``, sorted once.

    Parameters
    ----------
    map : (row, column) or (slice, row, column). Negative, zero and non-finite pixels never count.
    most : largest percent that will be asked for.
    within : bool of the same shape; pixels outside neither count nor are counted.
    """

    def __init__(self, map: ArrayLike, most: float = 100.0, within: NDArray[np.bool_] | None = None) -> None:
        values = np.asarray(map)
        usable = np.isfinite(values) & (values > 0)
        if within is not None:
            if within.shape != values.shape:
                raise ValueError("`within` has the shape of the map")
            usable &= within
        self.shape = values.shape
        self.counted = values.size if within is None else int(np.count_nonzero(within))
        places = np.flatnonzero(usable)
        chosen = values.ravel()[places]
        keep = min(self._count(most), places.size)
        if 0 < keep < places.size:
            limit = np.partition(chosen, -keep)[-keep]
            near = chosen >= limit
            places, chosen = places[near], chosen[near]
        # Stable, and places ascend: equal values by lowest index.
        self._order = places[np.argsort(-chosen, kind="stable")][:keep]

    @property
    def peak(self) -> tuple[int, ...] | None:
        """Index of the largest pixel, the lowest index among equals; None of an empty map."""
        if self._order.size == 0:
            return None
        return tuple(int(each) for each in np.unravel_index(self._order[0], self.shape))

    def mask(self, percent: float) -> NDArray[np.bool_]:
        """The pixels that count at a percentage."""
        mask = np.zeros(self.shape, dtype=bool)
        mask.flat[self._order[: self._count(percent)]] = True
        return mask

    def masks(self, percents: Sequence[float]) -> list[NDArray[np.bool_]]:
        return [self.mask(percent) for percent in percents]

    def _count(self, percent: float) -> int:
        return round(percent / 100 * self.counted)
