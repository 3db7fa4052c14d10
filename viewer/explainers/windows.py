"""Windows that slide over an input: where they stand, in which order they are visited, what map their values make."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viewer.explainers.explainer_info import Value
from viewer.foundation.errors import UsageError

Cells = NDArray[np.int64]
"""(window, axis): number of each window along each axis."""

_AXES = {2: ("rows", "columns"), 3: ("slices", "rows", "columns")}
_COARSEST = 2
"""Windows along an axis of the coarsest map: few enough to be there within a second."""


@dataclass(frozen=True)
class Windows:
    """A grid of windows over an input; the last one of an axis is cut at the edge.

    Attributes
    ----------
    space : extent of the input, ([slice,] row, column).
    patch, stride : size of a window and the way to the next one, per axis, in voxels of the input.
    """

    space: tuple[int, ...]
    patch: tuple[int, ...]
    stride: tuple[int, ...]

    @classmethod
    def over(cls, space: Sequence[int], patch: Value, stride: Value) -> Windows:
        """The windows that parameters ask for: one number for all axes, or one for each as ``4,16,16``.

        One number means at most the number of slices along them, since volumes are often thin.

        Raises
        ------
        UsageError
            When the patch is larger than the image, or the stride leaves voxels between the windows.
        """
        space = tuple(space)
        size, step = along_axes(patch, len(space), "patch"), along_axes(stride, len(space), "stride")
        if len(space) == 3 and "," not in str(patch):
            size = (min(size[0], space[0]), *size[1:])
        if len(space) == 3 and "," not in str(stride):
            step = (min(step[0], size[0]), *step[1:])
        for axis, n, p, s in zip(_AXES[len(space)], space, size, step, strict=True):
            if p > n:
                raise UsageError(
                    f"A patch of {p} {axis} is larger than the network's input of {n}: choose at most {n}.",
                    code="patch-too-large",
                )
            if s > p:
                raise UsageError(
                    f"A stride of {s} {axis} with a patch of {p} leaves voxels that no window covers: choose at most "
                    f"{p}.",
                    code="stride-too-large",
                )
        return cls(space, size, step)

    @property
    def counts(self) -> tuple[int, ...]:
        """Number of windows along each axis."""
        each = zip(self.space, self.patch, self.stride, strict=True)
        return tuple(math.ceil((n - p) / s) + 1 for n, p, s in each)

    @property
    def total(self) -> int:
        return math.prod(self.counts)

    def edges(self, cells: Cells) -> tuple[Cells, Cells]:
        """First voxel of each window and the one after its last, (window, axis)."""
        low = cells * np.array(self.stride)
        return low, np.minimum(low + np.array(self.patch), np.array(self.space))

    def levels(self) -> Iterator[tuple[int, Cells]]:
        """All windows once: first few that are far apart, then always those halfway between.

        Yields
        ------
        int
            How far apart the windows visited so far are once these are, in windows.
        Cells
            The windows of the level.
        """
        step = 1
        while math.ceil(max(self.counts) / step) > _COARSEST:
            step *= 2
        coarsest = step
        while step:
            grid = np.meshgrid(*(np.arange(0, n, step) for n in self.counts), indexing="ij")
            cells = np.stack([axis.ravel() for axis in grid], axis=1)
            if step < coarsest:
                cells = cells[(cells % (2 * step) != 0).any(axis=1)]
            if len(cells):
                yield step, cells
            step //= 2

    def ends(self) -> Cells:
        """The first window, the last and the middle one."""
        last = np.array(self.counts) - 1
        return np.unique(np.stack([0 * last, last // 2, last]), axis=0)

    def map(self, values: NDArray[np.float64], known: NDArray[np.bool_], step: int) -> NDArray[np.float32]:
        """Mean over the windows that cover a voxel; a window not visited yet has the value of a visited neighbour.

        Parameters
        ----------
        values : of the windows, on their grid; those that are not finite are left out.
        known : which windows were visited, on the same grid.
        step : every window whose numbers are multiples of it was visited.

        Returns
        -------
        NDArray
            (*space); 0 where every window was left out.
        """
        nearest = [
            np.minimum((np.arange(n) + step // 2) // step * step, (n - 1) // step * step) for n in self.counts
        ]
        filled = np.where(known, values, values[np.ix_(*nearest)])
        weights = np.isfinite(filled)
        total, weight = np.where(weights, filled, 0.0), weights.astype(float)
        for axis in range(len(self.space)):
            covers = self._covers(axis)
            total, weight = (
                np.moveaxis(np.tensordot(covers, each, (0, axis)), 0, axis) for each in (total, weight)
            )
        mean = np.divide(total, weight, out=np.zeros_like(total), where=weight > 0)
        return np.asarray(mean, dtype=np.float32)

    def _covers(self, axis: int) -> NDArray[np.float64]:
        """(window, voxel) 1 where a window covers a voxel along one axis."""
        low = np.arange(self.counts[axis])[:, None] * self.stride[axis]
        at = np.arange(self.space[axis])[None]
        return ((at >= low) & (at < low + self.patch[axis])).astype(float)


def along_axes(value: Value, dims: int, name: str) -> tuple[int, ...]:
    """A whole number for each axis, from one for all or from one for each.

    Raises
    ------
    UsageError
        When there are more or fewer than axes.
    """
    numbers = [int(word) for word in str(value).split(",")]
    if len(numbers) not in (1, dims):
        raise UsageError(
            f"The {name} '{value}' has {len(numbers)} numbers, and the network's input has {dims} axes: give one "
            "number for all, or one for each.",
            code="axes",
        )
    return tuple(numbers) if len(numbers) == dims else tuple(numbers * dims)
