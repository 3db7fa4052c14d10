"""Maps on small pictures: a view whose picture has no more pixels than a tile can show."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from viewer.models.input_view import CropBox, InputView
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
        return view.cells(raw) if cells else view.back(raw)
    if isinstance(view, VolumeCut):
        return thinned(view.cells(raw) if cells else view.back(raw), step)
    rows, columns = view.picture_shape
    box = view.box
    edges = (box.row_min, box.column_min, box.row_max, box.column_max)
    size = (rows // step, columns // step)  # the remainder is cut off, as it is of the picture
    small = replace(view, picture_shape=size, box=CropBox(*(edge / step for edge in edges)))
    coarse = step * min(n / length for n, length in zip(raw.shape, (box.height, box.width), strict=True))
    if coarse > 1:  # several cells in a pixel: the strongest one is shown, so that small foci stay visible
        raw = _strongest(raw, int(np.ceil(coarse)))
    return small.cells(raw) if cells else small.back(raw)


def step_of(shape: tuple[int, ...]) -> int:
    """Pixels of a picture (row, column) that become one of a tile's along each side."""
    return max(1, -(-max(shape[:2]) // SIDE))


def thinned(picture: NDArray[Any], step: int) -> NDArray[Any]:
    """The middle pixel of every `step` x `step` of a picture; the remainder is cut off."""
    rows, columns = (n // step * step for n in picture.shape[:2])
    return picture[step // 2 : rows : step, step // 2 : columns : step]


def _strongest(raw: Picture, size: int) -> Picture:
    """Around every cell the value of largest magnitude."""
    high, low = ndimage.maximum_filter(raw, size), ndimage.minimum_filter(raw, size)
    return np.asarray(np.where(high >= -low, high, low), dtype=np.float32)
