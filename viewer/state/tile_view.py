"""Maps on small pictures: a view whose picture has no more pixels than a tile can show."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.imaging.pixel_box import PixelBox
from viewer.models.input_view import InputView
from viewer.models.line_sampling import sampling
from viewer.models.volume_cut import VolumeCut

SIDE = 256
"""Most pixels along a side of a tile's map: as many as a tile has on a screen of double density, or nearly."""

Picture = NDArray[np.float32]


def small_map(view: InputView | VolumeCut, raw: Picture, *, cells: bool) -> Picture:
    """A map on the picture of its view with at most `SIDE` pixels along a side, (row, column).

    Parameters
    ----------
    raw : on its own grid over the network's input.
    cells : every pixel has the value of the cell that it lies in, else linear between their centres.
    """
    step = step_of(view.picture_shape)
    if step == 1:
        return view.cells(raw) if cells else _drawn(view, raw)
    if isinstance(view, VolumeCut):
        return thinned(view.cells(raw) if cells else view.back(raw), step)
    rows, columns = view.picture_shape
    box = view.box
    edges = (box.row_min, box.column_min, box.row_max, box.column_max)
    size = (rows // step, columns // step)  # the remainder is cut off, as it is of the picture
    small = replace(view, picture_shape=size, box=PixelBox(*(edge / step for edge in edges)))
    coarse = step * min(n / length for n, length in zip(raw.shape, (box.height, box.width), strict=True))
    if coarse > 1:  # several cells in a pixel: the strongest one is shown, so that small foci stay visible
        raw = _strongest(raw, int(np.ceil(coarse)))
    return small.cells(raw) if cells else _drawn(small, raw)


def _drawn(view: InputView | VolumeCut, raw: Picture) -> Picture:
    """What `view.back` draws, for many small pictures at a time.

    A pixel lies between two cells along each axis, so the weights are nearly all zero; as dense matrices they are
    handed to the threads of the linear algebra library, which wait for each other longer than all tiles take.
    """
    if isinstance(view, VolumeCut):
        return view.back(raw)
    (height, width), box = view.picture_shape, view.box
    rows = _weights(height, box.row_min, box.row_max, raw.shape[0], False)
    columns = _weights(width, box.column_min, box.column_max, raw.shape[1], view.mirror)
    return np.asarray((columns @ (rows @ raw.astype(np.float32)).T).T, dtype=np.float32)


@lru_cache(maxsize=256)
def _weights(length: int, low: float, high: float, size: int, reverse: bool) -> Any:
    """The weights of `viewer.models.line_sampling.sampling`, sparse: (length, size)."""
    from scipy import sparse  # not before it is needed: the window is there first

    return sparse.csr_array(sampling(length, low, high, size, reverse))


def step_of(shape: tuple[int, ...]) -> int:
    """Pixels of a picture (row, column) that become one of a tile's along each side."""
    return max(1, -(-max(shape[:2]) // SIDE))


def thinned(picture: NDArray[Any], step: int) -> NDArray[Any]:
    """The middle pixel of every `step` x `step` of a picture; the remainder is cut off."""
    rows, columns = (n // step * step for n in picture.shape[:2])
    return picture[step // 2 : rows : step, step // 2 : columns : step]


def _strongest(raw: Picture, size: int) -> Picture:
    """Around every cell the value of largest magnitude."""
    from scipy import ndimage  # not before it is needed: the window is there first

    high, low = ndimage.maximum_filter(raw, size), ndimage.minimum_filter(raw, size)
    return np.asarray(np.where(high >= -low, high, low), dtype=np.float32)
