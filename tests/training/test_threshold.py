"""The threshold that validation cases choose."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from viewer.foundation.progress import SILENT
from viewer.models.loading import wrap_module
from viewer.training.threshold import best_threshold, validated_threshold


@pytest.mark.parametrize(
    ("probabilities", "positive", "expected"),
    [
        ([0.1, 0.2, 0.3, 0.4], [False, False, True, True], 0.25),
        ([0.1, 0.9], [False, True], 0.5),
        ([0.6, 0.7, 0.9], [False, False, True], 0.8),
        ([0.2, 0.2], [True, True], None),
        ([0.2], [False], None),
    ],
)
def test_it_lies_between_the_two_kinds(
    probabilities: list[float], positive: list[bool], expected: float | None
) -> None:
    assert best_threshold(probabilities, positive) == expected


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=2, max_size=40))
def test_no_hundredth_is_better(cases: list[tuple[float, bool]]) -> None:
    scores = np.array([score for score, _ in cases])
    truth = np.array([positive for _, positive in cases])
    found = best_threshold(scores, truth)
    if truth.all() or not truth.any():
        assert found is None
        return
    assert found is not None

    def youden(threshold: float) -> float:
        said = scores >= threshold
        return float(said[truth].mean() - said[~truth].mean())

    # Candidates lie midway between scores, rounded: a score may fall on the other side by rounding alone.
    assert 0.01 <= found <= 0.99
    clear = [t for t in np.linspace(0.01, 0.99, 99) if np.abs(scores - t).min() > 0.011]
    assert all(youden(found) >= youden(t) - 1e-9 for t in clear)


def test_it_is_chosen_on_the_validation_cases() -> None:
    linear = nn.Linear(1, 2, bias=False)
    linear.weight = nn.Parameter(torch.tensor([[0.0], [1.0]]))
    network = nn.Sequential(nn.AvgPool2d(4), nn.Flatten(), linear)
    classifier = wrap_module(network, classes=["no", "yes"], dims=2, input_size=(4, 4), channels=1)
    levels = torch.tensor([-3.0, -2.0, -1.0, 0.0])
    batches = [
        {"input": levels[:2, None, None, None].expand(2, 1, 4, 4), "label": torch.tensor([0, 0])},
        {"input": levels[2:, None, None, None].expand(2, 1, 4, 4), "label": torch.tensor([1, 1])},
    ]
    found = validated_threshold(classifier, batches, SILENT)
    assert found is not None
    assert torch.sigmoid(levels[1]) < found <= torch.sigmoid(levels[2])
