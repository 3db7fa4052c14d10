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
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


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


def _unit(
    pixels: Pixels,
    *,
    lower: float = 0.0,
    upper: float = 100.0,
    black: float | None = None,
    white: float | None = None,
) -> Pixels:
    """[0, 1] between two percentiles of the picture, or between the values `black` and `white`; cut outside.

    Training code that divides by 255 goes by values and not by the picture: ``black`` 0, ``white`` 255. A flat picture
    becomes 0 where percentiles are asked for.
    """
    if black is None or white is None:
        low, high = np.percentile(pixels, [lower, upper])
    if black is not None:
        low = black
    if white is not None:
        high = white
    if not high > low:
        return np.zeros(pixels.shape, dtype=np.float32)
    return np.asarray(np.clip((pixels - low) / (high - low), 0, 1), dtype=np.float32)


def _range(pixels: Pixels, **ends: float) -> Pixels:
    """[-1, 1] in place of the [0, 1] of `_unit`; a flat picture becomes -1."""
    return np.asarray(_unit(pixels, **ends) * 2 - 1, dtype=np.float32)


def _channels(
    pixels: Pixels,
    *,
    mean: tuple[float, ...] = (0.0,),
    std: tuple[float, ...] = (1.0,),
    **ends: float,
) -> Pixels:
    """[0, 1] as `_unit` has it, then (x - mean) / std per channel: (channel, row, column)."""
    unit = _unit(pixels, **ends)
    return np.stack([(unit - m) / s for m, s in zip(mean, std, strict=True)]).astype(np.float32)


def _imagenet(pixels: Pixels, **ends: float) -> Pixels:
    """`_channels` with the mean and deviation of ImageNet's three channels."""
    return _channels(pixels, mean=IMAGENET_MEAN, std=IMAGENET_STD, **ends)


def _identity(pixels: Pixels) -> Pixels:
    return np.asarray(pixels, dtype=np.float32)


NORMALISATIONS: Mapping[str, Callable[..., Pixels]] = {
    "tissue-median": _tissue_median,
    "zscore": _zscore,
    "unit": _unit,
    "range": _range,
    "channels": _channels,
    "imagenet": _imagenet,
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
        (row, column), or (channel, row, column) for ``channels`` and ``imagenet``.

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


def in_channels(values: NDArray[np.float32], channels: int, dims: int) -> NDArray[np.float32]:
    """What a normalisation gave as (channel, *space): grey is repeated in every channel.

    Raises
    ------
    ModelError
        When the normalisation makes other channels than the network takes.
    """
    if values.ndim == dims:
        values = values[None]
    if len(values) == 1:
        return np.repeat(values, channels, axis=0)
    if len(values) != channels:
        raise ModelError(
            f"The normalisation makes {len(values)} channels, and the network takes {channels}.",
            code="channels",
        )
    return values
