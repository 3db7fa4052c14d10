"""Curves of predictions: the receiver operating characteristic, and whether probabilities are what they say."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viewer.evaluation.score import Score
from viewer.foundation.errors import UsageError

_LEAST = 1e-7
"""A probability that is exactly 0 would make the likelihood of what happened 0, and its logarithm infinite."""


@dataclass(frozen=True, eq=False)
class RocCurve:
    """The receiver operating characteristic, from nothing called positive to everything.

    Attributes
    ----------
    false_positive_rate, true_positive_rate : (point,), both from 0 to 1.
    thresholds : (point,) a score from here on counts as positive; the first is above all scores.
    """

    false_positive_rate: NDArray[np.float64]
    true_positive_rate: NDArray[np.float64]
    thresholds: NDArray[np.float64]

    def to_json(self) -> dict[str, list[float | None]]:
        """The points; the first threshold, which lies above all scores, is null."""
        return {
            "fpr": [float(each) for each in self.false_positive_rate],
            "tpr": [float(each) for each in self.true_positive_rate],
            "thresholds": [None, *(float(each) for each in self.thresholds[1:])],
        }


def roc_curve(scores: ArrayLike, labels: ArrayLike) -> RocCurve | None:
    """The curve whose area is `auc`: one point for each different score; None when one kind is missing.

    Parameters
    ----------
    scores : (n,) any monotone score of being positive, finite.
    labels : (n,) true where positive.
    """
    values, positive = _both(scores, labels)
    if positive.all() or not positive.any():
        return None
    order = np.argsort(-values, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(values[order])), values.size - 1)
    hits = np.cumsum(positive[order])[ends]
    alarms = ends + 1 - hits
    return RocCurve(
        np.concatenate([[0.0], alarms / alarms[-1]]),
        np.concatenate([[0.0], hits / hits[-1]]),
        np.concatenate([[math.inf], values[order][ends]]),
    )


@dataclass(frozen=True)
class ReliabilityBin:
    """Predictions of about the same probability.

    Attributes
    ----------
    low, high : the probabilities; the last bin holds its upper end.
    mean_probability, observed : what was said on average, and how often it was so; nan in an empty bin.
    """

    low: float
    high: float
    n: int
    mean_probability: float
    observed: float

    def to_json(self) -> dict[str, Any]:
        empty = self.n == 0
        return {
            "low": self.low,
            "high": self.high,
            "n": self.n,
            "mean_probability": None if empty else self.mean_probability,
            "observed": None if empty else self.observed,
        }


def reliability(probabilities: ArrayLike, labels: ArrayLike, bins: int = 10) -> tuple[ReliabilityBin, ...]:
    """How often what is predicted with about the same probability is so, in bins of equal width."""
    values, positive = _both(probabilities, labels)
    place = np.clip((values * bins).astype(int), 0, bins - 1)
    found = []
    for number in range(bins):
        here = place == number
        n = int(here.sum())
        mean, observed = (float(values[here].mean()), float(positive[here].mean())) if n else (math.nan,) * 2
        found.append(ReliabilityBin(number / bins, (number + 1) / bins, n, mean, observed))
    return tuple(found)


def expected_calibration_error(table: tuple[ReliabilityBin, ...]) -> Score:
    """Mean distance between what was said and what was so, weighted by how many predictions a bin holds.

    References
    ----------
    Naeini et al. (2015), "Obtaining well calibrated probabilities using Bayesian binning", AAAI.
    """
    n = sum(each.n for each in table)
    rule = f"mean distance of predicted and observed share over {len(table)} bins of equal width"
    if n == 0:
        return Score("ece", math.nan, "lower", rule + "; not defined, there are none", n=0)
    value = sum(each.n * abs(each.mean_probability - each.observed) for each in table if each.n) / n
    return Score("ece", value, "lower", rule, n=n)


def log_losses(probabilities: ArrayLike, truth: ArrayLike, *, exclusive: bool) -> NDArray[np.float64]:
    """(n,) minus the logarithm of the probability that was given to what is so.

    Parameters
    ----------
    probabilities, truth : (n, class).
    exclusive : just one class is true of each (else the mean over the labels' binary cross-entropies).
    """
    p = np.clip(np.asarray(probabilities, dtype=np.float64), _LEAST, 1 - _LEAST)
    is_so = np.asarray(truth).astype(bool)
    if exclusive:
        return np.asarray(-np.log((p * is_so).sum(axis=1)))
    return np.asarray(-np.log(np.where(is_so, p, 1 - p)).mean(axis=1))


def _both(scores: ArrayLike, labels: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    values = np.asarray(scores, dtype=np.float64).ravel()
    positive = np.asarray(labels).ravel().astype(bool)
    if values.shape != positive.shape or not np.isfinite(values).all():
        raise UsageError("A curve needs one finite score for each label.", code="scores")
    return values, positive
