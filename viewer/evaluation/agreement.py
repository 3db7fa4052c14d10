"""How alike two maps are: an input and its mirror image, two classes, two layers, two models."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viewer.evaluation.boxes import mask_from_map
from viewer.evaluation.score import Score


def _pair(a: ArrayLike, b: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    first, second = (
        np.nan_to_num(np.asarray(each, dtype=np.float64), posinf=0.0, neginf=0.0) for each in (a, b)
    )
    if first.shape != second.shape:
        raise ValueError("maps are compared on one grid")
    return first, second


def correlation(a: ArrayLike, b: ArrayLike) -> Score:
    """Pearson correlation of two maps of one shape, pixel by pixel; nan when one of them is constant."""
    first, second = _pair(a, b)
    first, second = first.ravel() - first.mean(), second.ravel() - second.mean()
    # Maps may be tiny in absolute terms, so each is brought to its own scale before anything is squared.
    scales = [float(np.abs(each).max(initial=0.0)) for each in (first, second)]
    if min(scales) == 0:
        return Score(
            "correlation",
            math.nan,
            "higher",
            "Pearson correlation of pixels; not defined, a map is constant",
            range=(-1, 1),
        )
    first, second = first / scales[0], second / scales[1]
    value = float(first @ second / math.sqrt(float(first @ first) * float(second @ second)))
    rule = "Pearson correlation of pixels"
    return Score("correlation", min(max(value, -1.0), 1.0), "higher", rule, n=first.size, range=(-1, 1))


def rank_correlation(a: ArrayLike, b: ArrayLike) -> Score:
    """Spearman's rank correlation of two maps of one shape; ties share their mean rank; nan when one is constant.

    It asks whether two maps call the same pixels more important than others, whatever their units and their scales.
    """
    from scipy.stats import rankdata

    first, second = _pair(a, b)
    found = correlation(rankdata(first), rankdata(second))
    rule = "Spearman's rank correlation of pixels"
    if not found.defined:
        return Score("rank-correlation", math.nan, "higher", rule + "; not defined, a map is constant")
    return Score("rank-correlation", found.value, "higher", rule, n=first.size)


def structural_similarity(a: ArrayLike, b: ArrayLike) -> Score:
    """Mean structural similarity (SSIM) of two maps, each over its own largest magnitude; nan when one is empty.

    Wang et al., Image quality assessment: from error visibility to structural similarity, IEEE TIP 2004; windows of 7
    pixels, fewer where the map has fewer. Two maps that are nearly empty nearly everywhere are similar by it.
    """
    import skimage.metrics

    first, second = _pair(a, b)
    rule = "mean structural similarity, each map over its largest magnitude"
    scales = [float(np.abs(each).max(initial=0.0)) for each in (first, second)]
    window = min(7, *first.shape)
    window -= 1 - window % 2
    if min(scales) == 0 or window < 3:
        why = "a map is empty" if min(scales) == 0 else "the maps have fewer than 3 cells along an axis"
        return Score("ssim", math.nan, "higher", f"{rule}; not defined, {why}")
    ssim: Any = skimage.metrics.structural_similarity  # it ships no types
    value = ssim(
        first / scales[0],
        second / scales[1],
        win_size=window,
        data_range=2.0 if min(first.min(), second.min()) < 0 else 1.0,
    )
    return Score("ssim", float(value), "higher", rule, n=first.size)


def top_overlap(a: ArrayLike, b: ArrayLike, percent: float = 5.0) -> Score:
    """Share of the most important pixels that two maps have in common; nan when one of them is empty.

    Parameters
    ----------
    percent : how many pixels count as most important, see `boxes.mask_from_map`.
    """
    first, second = (mask_from_map(each, rule="top-percent", value=percent) for each in _pair(a, b))
    rule = f"pixels in both maps' most important {percent:g}%, of the larger set"
    size = max(int(first.sum()), int(second.sum()))
    if not first.any() or not second.any():
        return Score(
            "top-overlap", math.nan, "higher", rule + "; not defined, a map is empty", n=0, range=(0, 1)
        )
    return Score(
        "top-overlap", float(np.count_nonzero(first & second)) / size, "higher", rule, n=size, range=(0, 1)
    )


def mirror_consistency(map: ArrayLike, mirrored_back: ArrayLike, percent: float = 5.0) -> tuple[Score, Score]:
    """`correlation` and `top_overlap` of the map of an input and the map of its mirror image, mirrored back."""
    return correlation(map, mirrored_back), top_overlap(map, mirrored_back, percent)


def class_overlap(a: ArrayLike, b: ArrayLike) -> Score:
    """How far the maps of two opposing classes cover the same place.

    Returns
    -------
    Score
        Sum of the pixelwise minima over the sum of the maxima, of the positive parts: 0 when disjoint, 1 when equal;
        nan when both are empty. Lower is better: a map that serves both classes does not discriminate.
    """
    first, second = (np.maximum(each, 0.0) for each in _pair(a, b))
    largest = float(np.maximum(first, second).sum())
    rule = "sum of minima over sum of maxima of the two maps' positive parts"
    if largest == 0:
        return Score(
            "class-overlap", math.nan, "lower", rule + "; not defined, both maps are empty", range=(0, 1)
        )
    return Score(
        "class-overlap", float(np.minimum(first, second).sum()) / largest, "lower", rule, range=(0, 1)
    )
