"""Sums over boxes in constant time, however large the map and wherever the box is dragged."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viewer.evaluation.regions import Edges


class EnergyTable:
    """Sums of the positive part of a map over any box in constant time, however large the map.

    A summed-area table with linear interpolation between its entries, which is exact for boxes that cut through pixels.

    Parameters
    ----------
    map : (row, column) or (slice, row, column); negative and non-finite pixels count as 0. A mask is counted, in half
        the memory.
    """

    def __init__(self, map: ArrayLike) -> None:
        values = np.asarray(map)
        self._table = np.zeros(
            [size + 1 for size in values.shape], dtype=np.int32 if values.dtype == np.bool_ else np.float64
        )
        # The border of zeros is the empty box; everything else is summed in place, because maps can be large.
        sums = self._table[(slice(1, None),) * values.ndim]
        np.copyto(sums, values, where=np.isfinite(values) & (values > 0))
        for axis in range(values.ndim):
            np.cumsum(sums, axis=axis, out=sums)

    @property
    def total(self) -> float:
        """Sum over the whole map."""
        return float(self._table[(-1,) * self._table.ndim])

    def inside(self, edges: Edges) -> float:
        """Sum over a box; the part of the box outside the map adds nothing.

        Parameters
        ----------
        edges : (low, high) per axis in half-open pixel edges, see `Region.edges`.
        """
        part = self._table
        if len(edges) != part.ndim:
            raise ValueError("the box has the axes of the map")
        positions, weights = zip(
            *(self._entries(axis, *pair) for axis, pair in enumerate(edges)), strict=True
        )
        part = part[np.ix_(*positions)]
        for weight in weights:
            part = np.tensordot(weight, part, axes=(0, 0))
        return float(part)

    def inside_each(self, edges: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sums over many boxes at once.

        Parameters
        ----------
        edges : (box, axis, 2) whole numbers within the map.
        """
        corners = edges.astype(np.intp)
        sums = np.zeros(len(corners))
        for sides in product((0, 1), repeat=self._table.ndim):
            at = tuple(corners[:, axis, side] for axis, side in enumerate(sides))
            sign = (-1) ** (len(sides) - sum(sides))
            sums += sign * np.asarray(self._table[at], dtype=np.float64)
        return sums

    def _entries(self, axis: int, low: float, high: float) -> tuple[list[int], list[float]]:
        """The four entries along an axis, with weights, whose sum is the integral from `low` to `high`."""
        last = self._table.shape[axis] - 1
        positions, weights = [], []
        for edge, sign in ((low, -1.0), (high, 1.0)):
            place = min(max(edge, 0.0), float(last))
            below = min(int(place), last - 1)
            positions += [below, below + 1]
            weights += [sign * (1 - (place - below)), sign * (place - below)]
        return positions, weights
