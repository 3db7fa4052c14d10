"""Where a segmentation network is asked about a class: said on the picture, needed on the grid of its input."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from viewer.foundation.errors import ExplainError, UsageError
from viewer.models.input_view import InputView, plain_array
from viewer.models.volume_view import VolumeView

Mask = NDArray[np.bool_]
EVERYWHERE = "all"

_AXES = {2: ("row", "column"), 3: ("slice", "row", "column")}


class Drawn(Protocol):
    """A box or a mask as somebody drew it, e.g. `viewer.api.Region`; edges are half-open."""

    @property
    def edges(self) -> Sequence[tuple[float, float]]: ...
    @property
    def mask(self) -> Mask | None: ...


def input_region(region: str | NDArray | Drawn, view: InputView | VolumeView) -> Mask | None:
    """A region on the grid of the network's input, bool (*space); None for everywhere.

    Every cell of the input whose middle lies in the region belongs to it, and every cell that holds the middle of one
    of its pixels, so that a region of one pixel is never lost.

    Parameters
    ----------
    region : ``all``; ``row,column``; ``row_min,column_min,row_max,column_max`` (half-open pixel edges; in a volume the
        slice stands first in each corner), as text or as numbers; a mask with the axes of the picture, or of the volume
        in reading order; or a box or mask as an object (`viewer.api.Region`).

    Raises
    ------
    UsageError
        When it cannot be read, has other axes or lies outside the picture.
    ExplainError
        When the network does not see any of it (it lies outside the crop).
    """
    shape = _shape(view)
    if isinstance(region, str):
        if region.strip() == EVERYWHERE:
            return None
        mask = _box(_numbers(region, shape), shape)
    elif isinstance(region, np.ndarray) or not hasattr(region, "mask"):
        mask = _of_numbers(region, shape)
    elif region.mask is not None:
        mask = region.mask
    elif len(region.edges) == len(shape):
        mask = _box(tuple(zip(*region.edges, strict=True)), shape)
    else:
        raise UsageError(
            f"The region has {len(region.edges)} axes, the picture {len(shape)}.", code="region-shape"
        )
    if mask.shape != shape:
        raise UsageError(
            f"The region has the shape {_by(mask.shape)}, the picture {_by(shape)}.", code="region-shape"
        )
    if not mask.any():
        raise UsageError("The region is empty.", code="region-empty")
    seen = _on_input(mask, view)
    if not seen.any():
        raise ExplainError(
            "The network sees nothing of the region: it lies outside the crop.", code="region-unseen"
        )
    return seen


def _of_numbers(region: object, shape: tuple[int, ...]) -> Mask:
    """A pixel, a box or a mask as an array, a tensor or lists."""
    values = plain_array(region)
    return (
        _box(_numbers(",".join(map(repr, values.tolist())), shape), shape)
        if values.ndim == 1
        else values != 0
    )


def check_region(region: str, dims: int) -> None:
    """Refuse a text that is no region, before anything is computed.

    Raises
    ------
    UsageError
    """
    if region.strip() != EVERYWHERE:
        _numbers(region, (0,) * dims)


def _numbers(text: str, shape: tuple[int, ...]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The low and high edges of a pixel or a box."""
    dims, axes = len(shape), _AXES[len(shape)]
    try:
        values = [float(word) for word in text.split(",")]
    except ValueError:
        values = []
    if len(values) in (dims, 2 * dims) and all(math.isfinite(value) for value in values):
        low, high = tuple(values[:dims]), tuple(values[dims:])
        if not high:
            low = tuple(math.floor(value + 0.5) for value in low)
            return low, tuple(value + 1 for value in low)
        if all(a < b for a, b in zip(low, high, strict=True)):
            return low, high
    corners = ",".join([f"{axis}_min" for axis in axes] + [f"{axis}_max" for axis in axes])
    raise UsageError(
        f"The region '{text}' is not one: it is all, {','.join(axes)} or {corners}.", code="bad-region"
    )


def _box(edges: Any, shape: tuple[int, ...]) -> Mask:
    """The pixels whose middles lie in a box, at least the one that holds its middle."""
    low, high = edges
    mask = np.zeros(shape, dtype=bool)
    spans = []
    for a, b, length in zip(low, high, shape, strict=True):
        first, last = math.ceil(a - 0.5), math.ceil(b - 0.5)
        if first >= last:
            first = math.floor((a + b) / 2)
            last = first + 1
        if last <= 0 or first >= length:
            raise UsageError(f"The region lies outside the picture of {_by(shape)}.", code="region-outside")
        spans.append(slice(max(first, 0), min(last, length)))
    mask[tuple(spans)] = True
    return mask


def _on_input(mask: Mask, view: InputView | VolumeView) -> Mask:
    grid = tuple(view.rule.size)
    lines, insides = [], []
    for axis, count in enumerate(grid):
        at: list[Any] = [0.0] * len(grid)
        at[axis] = np.arange(count, dtype=float)
        back = view.to_volume(*at) if isinstance(view, VolumeView) else view.to_picture(*at)
        line = np.floor(np.asarray(back[axis]) + 0.5).astype(int)
        insides.append((line >= 0) & (line < mask.shape[axis]))
        lines.append(np.clip(line, 0, mask.shape[axis] - 1))
    seen = mask[np.ix_(*lines)]
    for axis, inside in enumerate(insides):
        seen &= inside.reshape([-1 if a == axis else 1 for a in range(len(grid))])
    places: list[Any] = list(np.argwhere(mask).T.astype(float))
    cells = np.floor(np.stack(view.to_input(*places)) + 0.5).astype(int)
    kept = ((cells >= 0) & (cells < np.array(grid)[:, None])).all(axis=0)
    seen[tuple(cells[:, kept])] = True
    return seen


def _shape(view: InputView | VolumeView) -> tuple[int, ...]:
    return view.volume_shape if isinstance(view, VolumeView) else view.picture_shape


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(str(n) for n in shape)
