"""Where the body is in one picture: the rules that crop the input of a network.

A picture here has the axes (row, column), any unit, right way round (bright tissue on dark air). Boxes are half-open
pixel edges (row_min, column_min, row_max, column_max).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Box = tuple[int, int, int, int]

_PERCENTILE = 70.0
_KNEE = 0.02
_SMOOTHING = 1.5
_MARGIN = 0.02
_AIR, _PADDED = -1000.0, -1000.5
"""Hounsfield units: nothing is darker than air, and what is stored below it pads the corners outside the scanner."""


def percentile_box(picture: NDArray[Any]) -> Box:
    """Bounding box of everything above the picture's 70th percentile; the crop of the stroke study (Avci 2021).

    The study draws contours around those pixels and takes their common bounding box, which is the bounding box of the
    pixels themselves. Where the head fills less than 30% of the picture, noise lies above the threshold too and little
    or nothing is cropped: `brain_box` is for that. A picture with nothing above the threshold is kept whole.
    """
    values = _finite(picture)
    return _box(values > np.percentile(values, _PERCENTILE)) if values.size else (0, 0, *values.shape)


def brain_box(picture: NDArray[Any]) -> Box:
    """Bounding box of `body_mask` with a margin of 2% of the picture; robust against noise far from the head."""
    mask = body_mask(picture)
    rows, columns = mask.shape
    row_min, column_min, row_max, column_max = _box(mask)
    down, right = max(1, round(_MARGIN * rows)), max(1, round(_MARGIN * columns))
    return (
        max(0, row_min - down),
        max(0, column_min - right),
        min(rows, row_max + down),
        min(columns, column_max + right),
    )


def body_mask(picture: NDArray[Any]) -> NDArray[np.bool_]:
    """The largest connected thing in a picture, with its holes filled.

    Otsu's threshold is taken on a smoothed picture in a logarithmic scale: there tissue stands apart from air, while on
    the linear scale a large bright lesion would be split from the brain instead.

    Returns
    -------
    (row, column) bool
        All true for an empty picture, where nothing stands out.
    """
    # These two take a quarter of a second to load, and the window opens without them.
    import skimage.filters
    from scipy import ndimage

    threshold_otsu: Any = skimage.filters.threshold_otsu  # it ships no types
    values = _finite(picture)
    whole = np.ones(values.shape, dtype=np.bool_)
    if values.size == 0:
        return whole
    if values.min() < _PADDED:
        values = np.maximum(values, _AIR)
    values = values - values.min()
    bright = float(np.percentile(values, 99.5)) or float(values.max())
    if bright <= 0:
        return whole
    smooth = ndimage.gaussian_filter(values, sigma=_SMOOTHING * max(1.0, min(values.shape) / 256))
    scaled = np.log1p(np.minimum(smooth, bright) / (_KNEE * bright))
    if scaled.max() - scaled.min() < 1e-6:
        return whole
    mask = scaled > threshold_otsu(scaled)
    radius = max(1, round(min(values.shape) / 96))
    disc = ndimage.iterate_structure(ndimage.generate_binary_structure(2, 1), radius)
    opened = ndimage.binary_opening(mask, structure=disc)
    labels, count = ndimage.label(opened if opened.any() else mask)
    if count == 0:
        return whole
    largest = labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))
    padded = np.pad(largest, 2 * radius)
    closed = ndimage.binary_closing(padded, structure=disc, iterations=2)
    filled = ndimage.binary_fill_holes(closed)[2 * radius : -2 * radius, 2 * radius : -2 * radius]
    return np.asarray(filled, dtype=np.bool_)


def _finite(picture: NDArray[Any]) -> NDArray[np.float32]:
    values = np.asarray(picture, dtype=np.float32)
    if values.ndim != 2:
        raise ValueError("a picture has the axes (row, column)")
    finite = np.isfinite(values)
    if finite.all():
        return values
    return np.where(finite, values, values[finite].min() if finite.any() else np.float32(0))


def _box(mask: NDArray[np.bool_]) -> Box:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return 0, 0, mask.shape[0], mask.shape[1]
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1
