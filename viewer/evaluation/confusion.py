"""Scores of predictions: the four outcomes and what follows from counting them."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from viewer.evaluation.score import Score
from viewer.foundation.errors import UsageError

Outcome = Literal["TP", "FP", "FN", "TN"]

WILSON = "Wilson (1927), JASA 22"

_Z = 1.959963984540054
"""Two-sided 95% quantile of the normal distribution."""


def outcome(probability: float, truth: bool, threshold: float = 0.5) -> Outcome:
    """The outcome of one decision: positive when `probability` reaches `threshold`."""
    if probability >= threshold:
        return "TP" if truth else "FP"
    return "FN" if truth else "TN"


def wilson_interval(successes: int, n: int) -> tuple[float, float]:
    """95% interval of a proportion; (nan, nan) of nothing.

    References
    ----------
    Wilson (1927), "Probable inference, the law of succession, and statistical inference", JASA 22.
    """
    if not 0 <= successes <= n:
        raise ValueError("there cannot be more successes than trials")
    if n == 0:
        return math.nan, math.nan
    share = successes / n
    scale = 1 + _Z**2 / n
    centre = (share + _Z**2 / (2 * n)) / scale
    half = _Z * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2)) / scale
    # At the ends the bound is exactly 0 or 1, and an interval always holds its own value.
    return (0.0 if successes == 0 else centre - half), (1.0 if successes == n else centre + half)


def confusion_scores(
    *, true_negative: int, false_negative: int, true_positive: int, false_positive: int
) -> dict[str, Score]:
    """What a confusion matrix amounts to.

    Returns
    -------
    dict of Score
        ``accuracy``, ``ppv``, ``npv``, ``sensitivity``, ``specificity``: fractions 0..1 with their 95% Wilson
        intervals; nan, with the reason in the rule, where nothing was counted.

    Raises
    ------
    UsageError
        When a count is negative or not a whole number.
    """
    tn, fn, tp, fp = (_count(each) for each in (true_negative, false_negative, true_positive, false_positive))
    return {
        "accuracy": _proportion("accuracy", tp + tn, tp + tn + fp + fn, "right decisions of all decisions"),
        "ppv": _proportion("ppv", tp, tp + fp, "true positives of all called positive"),
        "npv": _proportion("npv", tn, tn + fn, "true negatives of all called negative"),
        "sensitivity": _proportion("sensitivity", tp, tp + fn, "true positives of all that are positive"),
        "specificity": _proportion("specificity", tn, tn + fp, "true negatives of all that are negative"),
    }


def _count(value: int) -> int:
    if value != int(value) or value < 0:
        raise UsageError("The counts of a confusion matrix are whole numbers from 0 up.", code="counts")
    return int(value)


def _proportion(name: str, successes: int, n: int, words: str) -> Score:
    if n == 0:
        return Score(name, math.nan, "higher", f"{words}; not defined, there are none", n=0, range=(0, 1))
    low, high = wilson_interval(successes, n)
    rule = f"{words}: {successes} of {n}, 95% Wilson interval"
    return Score(name, successes / n, "higher", rule, low=low, high=high, n=n, range=(0, 1), source=WILSON)


def auc(scores: ArrayLike, labels: ArrayLike) -> Score:
    """Area under the receiver operating characteristic.

    Parameters
    ----------
    scores : (n,) any monotone score of being positive, finite.
    labels : (n,) true where positive.

    Returns
    -------
    Score
        The probability that a positive scores above a negative, ties counting half; nan when one kind is missing.
    """
    values = np.asarray(scores, dtype=np.float64).ravel()
    positive = np.asarray(labels).ravel().astype(bool)
    if values.shape != positive.shape or not np.isfinite(values).all():
        raise UsageError("The area under the curve needs one finite score for each label.", code="scores")
    count, rest = int(positive.sum()), int((~positive).sum())
    if count == 0 or rest == 0:
        return Score(
            "auc",
            math.nan,
            "higher",
            "area under the ROC; not defined, one kind is missing",
            n=values.size,
            range=(0, 1),
        )
    # Mann-Whitney: a positive's rank among all, ties sharing their mean rank.
    _, which, sizes = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(sizes) - (sizes - 1) / 2)[which]
    area = (ranks[positive].sum() - count * (count + 1) / 2) / (count * rest)
    return Score(
        "auc",
        float(area),
        "higher",
        f"area under the ROC, {count} positive, {rest} negative",
        n=values.size,
        range=(0, 1),
    )
