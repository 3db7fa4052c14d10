"""Regions in which activations differ from those of a pass that was kept; one region for each image of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Places = NDArray[np.int64]
"""(image, axis): where a region begins."""


@dataclass(frozen=True, eq=False)
class Patch:
    """The part of an activation that differs, or may differ; all around it is as it was kept.

    Attributes
    ----------
    start : of the region in each image; it lies within the activation.
    values : (image, channel, *size): all regions of a batch are of one size, so they are computed together.
    """

    start: Places
    values: Tensor

    @property
    def size(self) -> tuple[int, ...]:
        return tuple(self.values.shape[2:])

    @property
    def stop(self) -> Places:
        stop: Places = self.start + np.array(self.size)
        return stop

    def of(self, values: Tensor) -> Patch:
        """Other values in the same place."""
        return Patch(self.start, values)


def blocks(kept: Tensor, start: Places, size: Sequence[int]) -> Tensor:
    """(image, channel, *size) copied from a kept activation (1, channel, *space), one block for each start."""
    made = kept.new_empty((len(start), kept.shape[1], *size))
    for image, begin in enumerate(start.tolist()):
        made[image].copy_(kept[0][(slice(None), *_slices(begin, size))])
    return made


def put(patch: Patch, into: Tensor, origin: Places) -> Tensor:
    """Copy the regions into blocks (image, channel, *size) that begin at `origin`, as far as they lie inside."""
    size, room = patch.size, tuple(into.shape[2:])
    shift = patch.start - origin
    first = np.maximum(shift, 0)
    last = np.minimum(shift + np.array(size), np.array(room))
    for image in np.flatnonzero((last > first).all(axis=1)).tolist():
        there = tuple(slice(a, b) for a, b in zip(first[image].tolist(), last[image].tolist(), strict=True))
        here = tuple(
            slice(s.start - d, s.stop - d) for s, d in zip(there, shift[image].tolist(), strict=True)
        )
        into[image][(slice(None), *there)].copy_(patch.values[image][(slice(None), *here)])
    return into


def widened(patch: Patch, kept: Tensor, start: Places, size: tuple[int, ...]) -> Tensor:
    """The values in other, larger regions: what the patch holds, and around it what was kept."""
    if size == patch.size and np.array_equal(start, patch.start):
        return patch.values
    return put(patch, blocks(kept, start, size), start)


def whole(patch: Patch, kept: Tensor) -> Tensor:
    """(image, channel, *space) the whole activations."""
    made = kept.expand(len(patch.start), *kept.shape[1:]).clone()
    return put(patch, made, np.zeros_like(patch.start))


def joined(low: Places, high: Places, space: Sequence[int]) -> tuple[Places, tuple[int, ...]]:
    """Regions of one size that hold what lies from `low` to `high` (exclusive) in each image, inside `space`."""
    room = np.array(space)
    size = np.minimum(np.maximum((high - low).max(axis=0), 1), room)
    return np.clip(low, 0, room - size), tuple(size.tolist())


def occluded(kept: Tensor, baseline: Tensor, low: Places, high: Places) -> Patch:
    """Windows of an input (1, channel, *space) replaced by those of a baseline."""
    start, size = joined(low, high, kept.shape[2:])
    made = blocks(kept, start, size)
    for image, (a, b, origin) in enumerate(zip(low.tolist(), high.tolist(), start.tolist(), strict=True)):
        there = tuple(slice(i - o, j - o) for i, j, o in zip(a, b, origin, strict=True))
        here = tuple(slice(i, j) for i, j in zip(a, b, strict=True))
        made[image][(slice(None), *there)].copy_(baseline[0][(slice(None), *here)])
    return Patch(start, made)


def _slices(begin: Sequence[int], size: Sequence[int]) -> tuple[slice, ...]:
    return tuple(slice(a, a + n) for a, n in zip(begin, size, strict=True))


def padded(kept: Tensor, low: Sequence[int], high: Sequence[int], fill: float) -> Tensor:
    """A kept activation with a margin of one value."""
    if not any((*low, *high)):
        return kept
    pairs = [number for pair in zip(reversed(low), reversed(high), strict=True) for number in pair]
    return torch.nn.functional.pad(kept, pairs, value=fill)
