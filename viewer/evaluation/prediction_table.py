"""Everything that follows from predictions of which the truth is known: one table for one unit (slice or patient)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.evaluation.bootstrap import DRAWS, PatientDraws, interval
from viewer.evaluation.confusion import Outcome, auc, confusion_scores
from viewer.evaluation.curves import expected_calibration_error, log_losses, reliability, roc_curve
from viewer.evaluation.score import Score

DEFAULT_THRESHOLD = 0.5
CHIEF_SCORES = (
    "accuracy",
    "sensitivity",
    "specificity",
    "ppv",
    "npv",
    "f1",
    "auc",
    "balanced-accuracy",
    "nll",
    "ece",
)
"""Names of the scores that a person reads first."""


@dataclass(frozen=True, eq=False)
class Predicted:
    """Predictions with their truth.

    Attributes
    ----------
    classes : in the order of the network's outputs.
    probabilities : (n, class), finite.
    truth : (n, class) bool; of exclusive classes just one is true in each row.
    patients : (n,) who each row is of.
    exclusive : the classes exclude each other; else each is a label by itself.
    positive_class : the class that is the finding; empty where there is none.
    thresholds : class -> probability from which it counts as present; 0.5 where it is not named.
    """

    classes: tuple[str, ...]
    probabilities: NDArray[np.float64]
    truth: NDArray[np.bool_]
    patients: tuple[str, ...]
    exclusive: bool = True
    positive_class: str = ""
    thresholds: Mapping[str, float] | None = None

    def threshold(self, name: str) -> float:
        return (self.thresholds or {}).get(name, DEFAULT_THRESHOLD)

    @property
    def two(self) -> bool:
        """One finding or its absence: decided by the finding's threshold, not by which class is larger."""
        return self.exclusive and len(self.classes) == 2 and bool(self.positive_class)

    @property
    def rule(self) -> str:
        """How a probability becomes a decision, in words."""
        if not self.exclusive:
            return "each label is present from its threshold on"
        if self.two:
            return f"{self.positive_class} from a probability of {self.threshold(self.positive_class):g} on"
        return "the most probable class"

    @cached_property
    def decided(self) -> NDArray[np.bool_]:
        """(n, class) what was decided."""
        p = self.probabilities
        if not self.exclusive:
            return np.asarray(p >= [self.threshold(name) for name in self.classes])
        decided = np.zeros(p.shape, dtype=bool)
        if self.two:
            finding = self.classes.index(self.positive_class)
            present = p[:, finding] >= self.threshold(self.positive_class)
            decided[:, finding], decided[:, 1 - finding] = present, ~present
        elif len(p):
            decided[np.arange(len(p)), p.argmax(axis=1)] = True
        return decided

    def outcomes(self, name: str) -> list[Outcome]:
        """(n,) outcome of each decision about a class."""
        k = self.classes.index(name)
        pairs = zip(self.decided[:, k], self.truth[:, k], strict=True)
        return [("TP" if so else "FP") if said else ("FN" if so else "TN") for said, so in pairs]


@dataclass(frozen=True, eq=False)
class ClassTable:
    """One class against the rest.

    Attributes
    ----------
    counts : ``tn, fn, tp, fp``.
    scores : by name; `low` and `high` of proportions are Wilson's.
    bootstrap : name -> 95% interval by drawing patients again.
    """

    name: str
    threshold: float
    counts: dict[str, int]
    scores: dict[str, Score]
    bootstrap: dict[str, tuple[float, float]]
    roc: dict[str, Any] | None
    reliability: list[dict[str, Any]]

    def to_json(self) -> dict[str, Any]:
        return {
            "class": self.name,
            "threshold": self.threshold,
            "confusion": dict(self.counts),
            "scores": scores_json(self.scores, self.bootstrap),
            "roc": self.roc,
            "calibration": self.reliability,
        }


@dataclass(frozen=True, eq=False)
class PredictionTable:
    """What a set of predictions amounts to.

    Attributes
    ----------
    n, patients : how many rows, of how many patients.
    rule : how a probability became a decision.
    scores : of the whole: those of the positive class where there are two classes, then what counts all classes.
    matrix : (true class, decided class) counts; None where labels do not exclude each other.
    """

    n: int
    patients: int
    rule: str
    scores: dict[str, Score]
    bootstrap: dict[str, tuple[float, float]]
    classes: tuple[ClassTable, ...]
    matrix: NDArray[np.int64] | None

    def to_json(self) -> dict[str, Any]:
        """The table as it stands in the document of ``whyslice evaluate``."""
        return {
            "n": self.n,
            "patients": self.patients,
            "rule": self.rule,
            "scores": scores_json(self.scores, self.bootstrap),
            "classes": [each.to_json() for each in self.classes],
            "matrix": None if self.matrix is None else self.matrix.tolist(),
        }


def prediction_table(found: Predicted, *, draws: int = DRAWS, seed: int = 0) -> PredictionTable:
    """Count, score and draw patients again.

    Parameters
    ----------
    draws : bootstrap samples; 0 for no bootstrap.
    """
    sampled = PatientDraws(found.patients, draws, seed)
    tables = tuple(_of_class(found, k, sampled) for k in range(len(found.classes)))
    scores: dict[str, Score] = {}
    intervals: dict[str, tuple[float, float]] = {}
    if found.positive_class:
        chief = tables[found.classes.index(found.positive_class)]
        scores |= chief.scores
        intervals |= chief.bootstrap
    if not found.two:
        _add(scores, intervals, *_all_right(found, sampled))
    for each in (_f1_micro(found, sampled), _f1_macro(found, sampled, tables), _nll(found, sampled)):
        _add(scores, intervals, *each)
    matrix = None
    if found.exclusive:
        matrix = found.truth.astype(np.int64).T @ found.decided.astype(np.int64)
    return PredictionTable(len(found.truth), sampled.patients, found.rule, scores, intervals, tables, matrix)


def _of_class(found: Predicted, k: int, sampled: PatientDraws) -> ClassTable:
    name, said, so, p = (
        found.classes[k],
        found.decided[:, k],
        found.truth[:, k],
        found.probabilities[:, k],
    )
    cells = np.stack([~said & ~so, ~said & so, said & so, said & ~so], axis=1).astype(np.int64)
    tn, fn, tp, fp = (int(each) for each in cells.sum(axis=0))
    scores = confusion_scores(true_negative=tn, false_negative=fn, true_positive=tp, false_positive=fp)
    n = len(said)
    sensitivity, specificity = scores["sensitivity"].value, scores["specificity"].value
    f1 = 2 * tp / (2 * tp + fp + fn) if tp + fn else math.nan
    none = "" if tp + fn else "; not defined, no row has the class"
    scores["f1"] = Score("f1", f1, "higher", f"2 TP / (2 TP + FP + FN) of '{name}'{none}", n=n)
    scores["balanced-accuracy"] = Score(
        "balanced-accuracy",
        (sensitivity + specificity) / 2,
        "higher",
        "(sensitivity + specificity) / 2: what is published as AUC where it was computed from decided labels"
        + ("" if 0 < tp + fn < n else "; not defined, one kind is missing"),
        n=n,
    )
    scores["auc"] = auc(p, so)
    table = reliability(p, so)
    scores["ece"] = expected_calibration_error(table)
    bootstrap = _intervals(sampled.sums(cells)) if len(sampled.weights) else {}
    if bootstrap:
        bootstrap["auc"] = sampled.auc_interval(p, so)
        for each in ("f1", "balanced-accuracy", "auc"):
            scores[each] = _bounded(scores[each], bootstrap[each])
    roc = roc_curve(p, so)
    return ClassTable(
        name,
        found.threshold(name),
        {"tn": tn, "fn": fn, "tp": tp, "fp": fp},
        scores,
        bootstrap,
        None if roc is None else roc.to_json(),
        [each.to_json() for each in table],
    )


def _intervals(counts: NDArray[np.float64]) -> dict[str, tuple[float, float]]:
    """Intervals from (draw, [tn, fn, tp, fp])."""
    tn, fn, tp, fp = counts.T
    with np.errstate(invalid="ignore", divide="ignore"):
        sensitivity, specificity = tp / (tp + fn), tn / (tn + fp)
        drawn = {
            "accuracy": (tp + tn) / counts.sum(axis=1),
            "ppv": tp / (tp + fp),
            "npv": tn / (tn + fn),
            "sensitivity": sensitivity,
            "specificity": specificity,
            "f1": _where_there(2 * tp / (2 * tp + fp + fn), tp + fn),
            "balanced-accuracy": (sensitivity + specificity) / 2,
        }
    return {name: interval(values) for name, values in drawn.items()}


def _where_there(values: NDArray[np.float64], there: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values of the draws in which a class is there at all; of the others nan."""
    return np.where(there > 0, values, math.nan)


_Made = tuple[Score, tuple[float, float]]


def _all_right(found: Predicted, sampled: PatientDraws) -> _Made:
    right = (found.decided == found.truth).all(axis=1)
    n = len(right)
    words = "the class is right" if found.exclusive else "every label is right"
    name = "accuracy-of-classes" if found.positive_class else "accuracy"
    value = float(right.mean()) if n else math.nan
    return Score(name, value, "higher", f"share of rows of which {words}", n=n), sampled.mean_interval(right)


def _f1_micro(found: Predicted, sampled: PatientDraws) -> _Made:
    both = (found.decided & found.truth).sum(axis=1)
    cells = np.stack([2 * both, found.decided.sum(axis=1) + found.truth.sum(axis=1)], axis=1)
    twice, all_ = cells.sum(axis=0)
    drawn = sampled.sums(cells)
    with np.errstate(invalid="ignore", divide="ignore"):
        there = sampled.sums(found.truth.sum(axis=1)[:, None])[:, 0]
        bounds = interval(_where_there(drawn[:, 0] / drawn[:, 1], there))
    value = float(twice / all_) if found.truth.any() else math.nan
    rule = "F1 of the counts of all classes together"
    if found.exclusive:
        rule += "; of classes that exclude each other this is the accuracy"
    elif not found.truth.any():
        rule += "; not defined, no row has any of them"
    return Score("f1-micro", value, "higher", rule, n=len(both)), bounds


def _f1_macro(found: Predicted, sampled: PatientDraws, tables: Sequence[ClassTable]) -> _Made:
    known = [each.scores["f1"].value for each in tables if each.scores["f1"].defined]
    value = float(np.mean(known)) if known else math.nan
    rule = f"mean F1 of {len(known)} of {len(tables)} classes"
    drawn = []
    for k in range(len(found.classes)):
        said, so = found.decided[:, k], found.truth[:, k]
        counts = sampled.sums(np.stack([2 * (said & so), said.astype(int) + so], axis=1))
        with np.errstate(invalid="ignore", divide="ignore"):
            drawn.append(
                _where_there(counts[:, 0] / counts[:, 1], sampled.sums(so[:, None].astype(int))[:, 0])
            )
    shares = np.array(drawn).reshape(len(drawn), len(sampled.weights))
    counted = np.isfinite(shares).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        bounds = interval(np.nansum(shares, axis=0) / counted)
    return Score("f1-macro", value, "higher", rule, n=len(found.truth)), bounds


def _nll(found: Predicted, sampled: PatientDraws) -> _Made:
    losses = log_losses(found.probabilities, found.truth, exclusive=found.exclusive)
    value = float(losses.mean()) if losses.size else math.nan
    rule = (
        "mean of minus the natural logarithm of the true class's probability"
        if found.exclusive
        else "mean binary cross-entropy of the labels, natural logarithm"
    )
    return Score("nll", value, "lower", rule, n=losses.size), sampled.mean_interval(losses)


def _add(
    scores: dict[str, Score],
    intervals: dict[str, tuple[float, float]],
    score: Score,
    bounds: tuple[float, float],
) -> None:
    scores[score.name] = _bounded(score, bounds)
    intervals[score.name] = bounds


def _bounded(score: Score, bounds: tuple[float, float]) -> Score:
    if not score.defined or any(math.isnan(each) for each in bounds):
        return score
    return replace(
        score, low=bounds[0], high=bounds[1], rule=f"{score.rule}; 95% interval by patient bootstrap"
    )


def scores_json(
    scores: Mapping[str, Score], bootstrap: Mapping[str, tuple[float, float]]
) -> dict[str, dict[str, Any]]:
    """Scores by name, each with its interval and the one by drawing patients again; what is not defined is null."""
    made = {}
    for name, score in scores.items():
        low, high = bootstrap.get(name, (math.nan, math.nan))
        made[name] = {
            **score.to_json(),
            "bootstrap_low": None if math.isnan(low) else low,
            "bootstrap_high": None if math.isnan(high) else high,
        }
    return made
