"""Intervals by drawing patients again: what belongs to one patient stays together."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

DRAWS = 1000


class PatientDraws:
    """How often each patient is in each of many samples that are drawn with replacement.

    Parameters
    ----------
    patients : (n,) who each observation is of.
    draws : number of samples.
    seed : the same seed draws the same samples.

    Attributes
    ----------
    which : (n,) number of the patient of each observation.
    weights : (draw, patient) whole numbers.

    References
    ----------
    Efron and Tibshirani (1993), "An introduction to the bootstrap"; the percentile interval.
    """

    def __init__(self, patients: Sequence[Hashable], draws: int = DRAWS, seed: int = 0) -> None:
        numbers: dict[Hashable, int] = {}
        self.which = np.array([numbers.setdefault(each, len(numbers)) for each in patients], dtype=np.intp)
        self.patients = len(numbers)
        rng = np.random.default_rng(seed)
        share = np.full(self.patients, 1 / self.patients) if self.patients else np.zeros(0)
        self.weights: NDArray[np.int64] = (
            rng.multinomial(self.patients, share, size=draws)
            if self.patients
            else np.zeros((draws, 0), dtype=np.int64)
        )

    def sums(self, values: ArrayLike) -> NDArray[np.float64]:
        """Sum of an observation's values in every sample.

        Parameters
        ----------
        values : (n,) or (n, value).

        Returns
        -------
        ndarray
            (draw,) or (draw, value).
        """
        each = np.asarray(values, dtype=np.float64)
        of_patient = np.zeros((self.patients, *each.shape[1:]))
        np.add.at(of_patient, self.which, each)
        return np.asarray(self.weights @ of_patient)

    def mean_interval(self, values: ArrayLike) -> tuple[float, float]:
        """95% interval of the mean of (n,) values, those that are nan left out."""
        each = np.asarray(values, dtype=np.float64)
        known = np.isfinite(each)
        both = self.sums(np.stack([np.where(known, each, 0.0), known], axis=1))
        with np.errstate(invalid="ignore", divide="ignore"):
            return interval(both[:, 0] / both[:, 1])

    def auc_interval(self, scores: ArrayLike, labels: ArrayLike) -> tuple[float, float]:
        """95% interval of the area under the ROC; samples with one kind alone are left out."""
        values = np.asarray(scores, dtype=np.float64)
        positive = np.asarray(labels).astype(bool)
        if positive.all() or not positive.any():
            return math.nan, math.nan
        order = np.argsort(values, kind="stable")
        _, first = np.unique(values[order], return_index=True)
        areas = np.full(len(self.weights), np.nan)
        for number, weights in enumerate(self.weights):
            each = weights[self.which[order]]
            above = np.add.reduceat(each * positive[order], first)
            below = np.add.reduceat(each * ~positive[order], first)
            pairs = above.sum() * below.sum()
            if pairs:
                areas[number] = (above * (np.cumsum(below) - below / 2)).sum() / pairs
        return interval(areas)


def interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """2.5th and 97.5th percentile of a statistic over the samples; (nan, nan) where fewer than two are defined."""
    known = values[np.isfinite(values)]
    if known.size < 2:
        return math.nan, math.nan
    low, high = np.percentile(known, [2.5, 97.5])
    return float(low), float(high)
