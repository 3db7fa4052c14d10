"""Counting, intervals and the ROC area, against published numbers and brute force."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from viewer.evaluation.confusion import auc, confusion_scores, outcome, wilson_interval
from viewer.foundation.errors import UsageError


def test_the_published_coronary_matrix() -> None:
    scores = confusion_scores(true_negative=1058, false_negative=49, true_positive=76, false_positive=8)
    percent = {name: round(100 * score.value, 1) for name, score in scores.items()}
    assert percent == {"accuracy": 95.2, "ppv": 90.5, "npv": 95.6, "sensitivity": 60.8, "specificity": 99.2}
    assert scores["sensitivity"].n == 125


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        (10, 14, 0.4535, 0.8828),  # the coronary CT paper's accuracy of 71.43 fits a test set of 14
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (1, 1, 0.2065, 1.0),
    ],
)
def test_wilson(successes: int, n: int, low: float, high: float) -> None:
    assert wilson_interval(successes, n) == pytest.approx((low, high), abs=1e-4)


@given(st.integers(1, 10_000), st.data())
def test_wilson_solves_its_equation_and_holds_its_value(n: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, n))
    low, high = wilson_interval(successes, n)
    assert 0 <= low <= successes / n <= high <= 1
    for bound in (low, high):
        if 0 < bound < 1:
            distance = abs(successes / n - bound)
            assert distance == pytest.approx(1.959963984540054 * math.sqrt(bound * (1 - bound) / n), rel=1e-6)


def test_what_was_not_counted_is_not_defined() -> None:
    scores = confusion_scores(true_negative=5, false_negative=0, true_positive=0, false_positive=0)
    assert scores["specificity"].value == 1
    assert not scores["sensitivity"].defined
    assert "not defined" in scores["ppv"].rule
    assert json.loads(json.dumps(scores["ppv"].to_json()))["value"] is None
    assert all(math.isnan(bound) for bound in wilson_interval(0, 0))


@pytest.mark.parametrize("count", [-1, 0.5])
def test_counts_are_whole_numbers(count: float) -> None:
    with pytest.raises(UsageError, match="whole numbers"):
        confusion_scores(true_negative=1, false_negative=1, true_positive=1, false_positive=count)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="more successes"):
        wilson_interval(3, 2)


def test_outcomes_at_the_threshold() -> None:
    assert [outcome(p, t, 0.5) for p in (0.5, 0.49) for t in (True, False)] == ["TP", "FP", "FN", "TN"]


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=40))
def test_auc_equals_comparing_every_pair(pairs: list[tuple[int, bool]]) -> None:
    values, labels = zip(*pairs, strict=True)
    positive = [value for value, label in pairs if label]
    negative = [value for value, label in pairs if not label]
    score = auc(values, labels)
    if not positive or not negative:
        assert not score.defined
        assert "one kind is missing" in score.rule
        return
    wins = sum((p > n) + 0.5 * (p == n) for p in positive for n in negative)
    assert score.value == pytest.approx(wins / (len(positive) * len(negative)))


def test_auc_needs_a_finite_score_for_each_label() -> None:
    with pytest.raises(UsageError):
        auc([0.1, np.nan], [0, 1])
    with pytest.raises(UsageError):
        auc([0.1], [0, 1])
