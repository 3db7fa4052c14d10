"""Rounds in ranges that go through the network together: each once, a few first where that takes long."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from viewer.explainers import question as room
from viewer.explainers.question import Question, few_first, images_together
from viewer.models.loading import wrap_module


def question(size: int) -> Question:
    network = nn.Sequential(nn.Conv2d(1, 3, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    classifier = wrap_module(network.eval(), classes=["a", "b", "c"], dims=2, input_size=(size, size))
    return Question(classifier, torch.zeros(1, 1, size, size), 0)


@given(st.integers(0, 200), st.booleans())
def test_every_round_comes_once_and_in_order(total: int, heavy: bool) -> None:
    asked = question(8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room, "_HEAVY", -1 if heavy else 100)
        ranges = list(few_first(asked, total))
        assert [round_ for part in ranges for round_ in part] == list(range(total))
        assert all(len(part) <= images_together(asked) for part in ranges)


def test_a_heavy_network_is_given_few_at_first(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [len(part) for part in few_first(question(8), 70)] == [32, 32, 6]
    monkeypatch.setattr(room, "_HEAVY", -1)
    assert [len(part) for part in few_first(question(8), 70)] == [4, 4, 20, 20, 20, 2]
