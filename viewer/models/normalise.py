"""Normalisations that a model card can name. One picture (row, column) of grey values in, network values out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.foundation.errors import ModelError
from viewer.foundation.registry import nearest

Pixels = NDArray[np.float32]

_BINS = 64


def tissue_threshold(pixels: Pixels) -> float:
    """Otsu's threshold between background and tissue, in the units of `pixels`.

    Found on the square root of the values, which draws bright lesions towards the tissue, so that the two classes which
    Otsu's method separates are background and tissue rather than tissue and lesion (N. Otsu, 1979).
    """
    roots = np.sqrt(np.clip(pixels, 0.0, None))
    top = float(np.percentile(roots, 99.5))
    if not top > 0.0:
        return 0.0
    counts, edges = np.histogram(np.minimum(roots, top), bins=_BINS, range=(0.0, top))
    centres = 0.5 * (edges[:-1] + edges[1:])
    below = np.cumsum(counts).astype(np.float64)
    above = below[-1] - below
    mass = np.cumsum(counts * centres)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (mass / below - (mass[-1] - mass) / above) ** 2
    split = int(np.argmax(np.nan_to_num(between[:-1], nan=-1.0)))
    return float(edges[split + 1] ** 2)


def _tissue_median(pixels: Pixels, *, clip: float = 5.0) -> Pixels:
    """Multiples of the tissue's median, cut at `clip`, minus one: tissue lies near 0, air at -1.

    A z-score would compress a large bright lesion, because the lesion itself widens the deviation.
    """
    tissue = pixels[pixels > tissue_threshold(pixels)]
    median = float(np.median(tissue)) if tissue.size else 0.0
    if not median > 0.0:
        return np.full(pixels.shape, -1.0, dtype=np.float32)
    return np.asarray(np.clip(pixels / median, 0.0, clip) - 1.0, dtype=np.float32)


def _zscore(pixels: Pixels) -> Pixels:
    """Mean 0, standard deviation 1 of the picture; a flat picture becomes 0."""
    deviation = float(pixels.std())
    return np.asarray((pixels - pixels.mean()) / deviation if deviation > 0 else pixels * 0, dtype=np.float32)


def _range(pixels: Pixels, *, lower: float = 0.0, upper: float = 100.0) -> Pixels:
    """[-1, 1] between two percentiles of the picture, cut outside; a flat picture becomes -1."""
    low, high = np.percentile(pixels, [lower, upper])
    if not high > low:
        return np.full(pixels.shape, -1.0, dtype=np.float32)
    return np.asarray(np.clip((pixels - low) / (high - low), 0, 1) * 2 - 1, dtype=np.float32)


def _channels(
    pixels: Pixels,
    *,
    mean: tuple[float, ...] = (0.0,),
    std: tuple[float, ...] = (1.0,),
    lower: float = 0.0,
    upper: float = 100.0,
) -> Pixels:
    """[0, 1] between two percentiles, then (x - mean) / std per channel: (channel, row, column)."""
    unit = (_range(pixels, lower=lower, upper=upper) + 1) / 2
    return np.stack([(unit - m) / s for m, s in zip(mean, std, strict=True)]).astype(np.float32)


def _identity(pixels: Pixels) -> Pixels:
    return np.asarray(pixels, dtype=np.float32)


NORMALISATIONS: Mapping[str, Callable[..., Pixels]] = {
    "tissue-median": _tissue_median,
    "zscore": _zscore,
    "range": _range,
    "channels": _channels,
    "none": _identity,
}


def normalise(name: str, pixels: Pixels, **parameters: Any) -> Pixels:
    """Normalise one picture.

    Parameters
    ----------
    name : one of `NORMALISATIONS`.
    pixels : (row, column) float32, after crop and resize.
    **parameters : of that normalisation, as written in the model card.

    Returns
    -------
    ndarray
        (row, column), or (channel, row, column) for ``channels``.

    Raises
    ------
    ModelError
        For an unknown name or parameter.
    """
    try:
        rule = NORMALISATIONS[name]
    except KeyError:
        raise ModelError(
            f"There is no normalisation '{name}'{nearest(name, list(NORMALISATIONS))}."
        ) from None
    try:
        return rule(pixels, **parameters)
    except TypeError:
        raise ModelError(
            f"The normalisation '{name}' does not take the parameters {', '.join(parameters)}."
        ) from None
