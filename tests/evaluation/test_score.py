"""A score says what it is, and a mean of scores what it left out."""

from __future__ import annotations

import json
import math

from viewer.evaluation.score import Score, mean_of


def test_json_has_neither_nan_nor_infinity() -> None:
    record = Score("x", math.nan, "higher", "why", range=(0, math.inf), source="A (2000)").to_json()
    assert json.loads(json.dumps(record, allow_nan=False)) == {
        "name": "x",
        "value": None,
        "direction": "higher",
        "rule": "why",
        "low": None,
        "high": None,
        "n": None,
        "range": [0, None],
        "source": "A (2000)",
    }


def test_a_mean_counts_what_is_not_defined() -> None:
    scores = [Score("iou", value, "higher", "best box", range=(0, 1)) for value in (0.2, math.nan, 0.4)]
    mean = mean_of("iou-mean", scores, "readers")
    assert math.isclose(mean.value, 0.3)
    assert (mean.n, mean.range) == (2, (0, 1))
    assert mean.rule == "mean over 2 readers: best box; not defined for 1 more"
    assert not mean_of("iou", [], "readers").defined
