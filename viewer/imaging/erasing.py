"""Taking parts out of an image: the same image where a marker, a letter or a lesion is not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from viewer.foundation.errors import UsageError
from viewer.foundation.registry import nearest
from viewer.imaging.diagnoses import ERASED, Diagnosis
from viewer.imaging.erasure import FILLS, Erasure, Fill
from viewer.imaging.image import MedicalImage

_RING = 3
"""Pixels around a box whose mean stands for what lies on that side of it: one row alone is as noisy as its pixels."""

Pixels = tuple[int, int, int, int]
"""row_min, column_min, row_max, column_max, half-open."""


def erase(
    image: MedicalImage,
    row_min: float,
    column_min: float,
    row_max: float,
    column_max: float,
    *,
    slice: int | None = None,
    fill: Fill = "surroundings",
) -> MedicalImage:
    """The image without what a box holds, so that a network can be asked whether it was reading that.

    Parameters
    ----------
    row_min, column_min, row_max, column_max : half-open pixel edges on the picture of the reading plane; pixels whose
        centre lies inside are replaced.
    slice : of the reading plane; None for every slice.
    fill : ``surroundings`` (each pixel the mean of what lies beyond the four sides, the nearer the heavier), ``mean``
        (of the picture) or ``blur`` (Gaussian, with half of the box's shorter side as its standard deviation).

    Returns
    -------
    MedicalImage
        Other voxels of the same kind; `erased` and a diagnosis say what was done.

    Raises
    ------
    UsageError
        When the box holds no pixel, there is no such slice or fill, or there is nothing around the box to fill it with.
    """
    return with_erasures(image, (Erasure(row_min, column_min, row_max, column_max, slice, fill),))


def with_erasures(image: MedicalImage, erasures: Sequence[Erasure]) -> MedicalImage:
    """The image without what several boxes hold, one after the other; see `erase`."""
    if not erasures:
        return image
    plane = image.plane
    count, shape = plane.count(image.geometry.shape), plane.picture_shape(image.geometry.shape)
    voxels = image.voxels.copy()
    for each in erasures:
        box = erased_pixels(each, shape, count)
        for index in range(count) if each.slice is None else (each.slice,):
            _fill(plane.picture(voxels, index), box, each.fill)
    erased = replace(
        image,
        voxels=voxels,
        erased=(*image.erased, *erasures),
        diagnoses=(*image.diagnoses, *map(_finding, erasures)),
    )
    if image.intensity.inverted:
        # White of the whole film is what its grey values are counted from: what was taken out must not shift the rest.
        erased.__dict__["extremes"] = image.extremes
    return erased


def erased_pixels(erasure: Erasure, shape: tuple[int, int], slices: int) -> Pixels:
    """The pixels of a picture (rows, columns) whose centres lie in a box.

    Raises
    ------
    UsageError
        When there are none, or it has no meaning otherwise.
    """
    edges = (erasure.row_min, erasure.column_min, erasure.row_max, erasure.column_max)
    if erasure.fill not in FILLS:
        raise UsageError(
            f"There is no way '{erasure.fill}' to fill what is erased{nearest(erasure.fill, list(FILLS))}.",
            code="erase",
        )
    if not all(math.isfinite(edge) for edge in edges):
        raise UsageError("The edges of what is erased are numbers.", code="erase")
    if erasure.slice is not None and not 0 <= erasure.slice < slices:
        raise UsageError(
            f"There is no slice {erasure.slice} to erase from: they run from 0 to {slices - 1}.", code="erase"
        )
    rows, columns = shape
    top, bottom = (min(max(math.ceil(edge - 0.5), 0), rows) for edge in (edges[0], edges[2]))
    left, right = (min(max(math.ceil(edge - 0.5), 0), columns) for edge in (edges[1], edges[3]))
    if bottom <= top or right <= left:
        raise UsageError(
            f"The box {', '.join(f'{edge:g}' for edge in edges)} (row and column where it begins, row and column where "
            f"it ends) holds no pixel of the picture, which has {rows} rows and {columns} columns.",
            code="erase",
        )
    if (top, left, bottom, right) == (0, 0, rows, columns):
        raise UsageError("The box is the whole picture: nothing would be left to look at.", code="erase")
    return top, left, bottom, right


def _fill(picture: NDArray, box: Pixels, fill: Fill) -> None:
    """Replace the pixels of a box of a writable picture (row, column[, channel])."""
    if picture.ndim == 3:
        for channel in range(picture.shape[2]):
            _fill(picture[..., channel], box, fill)
        return
    top, left, bottom, right = box
    values = _finite(picture)
    if fill == "mean":
        new = np.full((bottom - top, right - left), values.mean())
    elif fill == "blur":
        new = _blurred(values, box)
    else:
        new = _led_over(values, box)
    if picture.dtype.kind in "iu":
        limits = np.iinfo(picture.dtype)
        new = np.clip(np.rint(new), limits.min, limits.max)
    picture[top:bottom, left:right] = new.astype(picture.dtype)


def _finite(picture: NDArray) -> NDArray[np.float64]:
    values = picture.astype(np.float64)
    finite = np.isfinite(values)
    if finite.all():
        return values
    return np.where(finite, values, values[finite].mean() if finite.any() else 0.0)


def _blurred(values: NDArray[np.float64], box: Pixels) -> NDArray[np.float64]:
    from scipy.ndimage import gaussian_filter  # not before it is needed: the window is there first

    top, left, bottom, right = box
    sigma = max(min(bottom - top, right - left) / 2, 1.0)
    reach = math.ceil(4 * sigma)
    first_row, first_column = max(top - reach, 0), max(left - reach, 0)
    part = values[first_row : bottom + reach, first_column : right + reach]
    blurred = gaussian_filter(part, sigma, mode="nearest", truncate=4.0)
    height, width = bottom - top, right - left
    return np.asarray(blurred[top - first_row :, left - first_column :][:height, :width], dtype=np.float64)


def _led_over(values: NDArray[np.float64], box: Pixels) -> NDArray[np.float64]:
    """Each pixel the mean of what lies straight beyond the four sides, weighted by one over its distance to them."""
    top, left, bottom, right = box
    rows, columns = values.shape
    height, width = bottom - top, right - left
    down, across = np.arange(height)[:, None], np.arange(width)[None, :]
    total, weights = np.zeros((height, width)), np.zeros((height, width))
    sides = (
        (top > 0, values[max(top - _RING, 0) : top, left:right], 0, down + 1),
        (bottom < rows, values[bottom : bottom + _RING, left:right], 0, height - down),
        (left > 0, values[top:bottom, max(left - _RING, 0) : left], 1, across + 1),
        (right < columns, values[top:bottom, right : right + _RING], 1, width - across),
    )
    for there, ring, axis, distance in sides:
        if there:
            total = total + ring.mean(axis=axis, keepdims=True) / distance
            weights = weights + 1.0 / distance
    return total / weights


def _finding(erasure: Erasure) -> Diagnosis:
    return Diagnosis(
        ERASED,
        "warning",
        f"A part of the image was erased before the network saw it: {erasure.words}.",
    )
