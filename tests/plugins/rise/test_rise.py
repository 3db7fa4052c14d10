"""RISE, the example of a plugin: follows its formula, its seed and its share; finds what the network looks at."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from viewer import api


class Corner(nn.Module):
    """The score of class 1 is the mean of one corner of the input."""

    def __init__(self, dims: int = 2) -> None:
        super().__init__()
        self.dims = dims
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        corner = x[(slice(None), 0, *(slice(0, 8),) * self.dims)].flatten(1).mean(1) * self.scale
        return torch.stack([-corner, corner], dim=1)


@pytest.mark.parametrize("size", [(32, 40), (16, 24, 20)])
def test_the_map_is_high_where_the_network_looks(size: tuple[int, ...]) -> None:
    classifier = api.wrap_module(Corner(len(size)), classes=["a", "b"], dims=len(size), input_size=size)
    x = np.ones((1, *size), np.float32)
    made = api.explain(classifier, x, explainer="rise", target="b", samples=600, cells=4)
    there = (slice(0, 8),) * len(size)
    away = (slice(-8, None),) * len(size)
    assert made.signed.shape == size
    assert made.signed[there].mean() > 5 * np.abs(made.signed[away].mean())
    against = api.explain(classifier, x, explainer="rise", target="a", samples=600, cells=4)
    np.testing.assert_allclose(against.signed, -made.signed, atol=1e-5)


def test_the_seed_decides_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    classifier = api.wrap_module(Corner(), classes=["a", "b"], dims=2, input_size=(32, 40))
    x = np.random.default_rng(0).normal(size=(1, 32, 40)).astype(np.float32)

    def made(seed: int) -> np.ndarray:
        return api.explain(classifier, x, explainer="rise", target=1, samples=48, seed=seed).signed

    torch.manual_seed(5)
    first = made(1)
    assert torch.rand(1).item() == torch.rand(1, generator=torch.Generator().manual_seed(5)).item()
    np.testing.assert_array_equal(first, made(1))
    assert np.abs(first - made(2)).max() > 0


def test_a_constant_network_has_no_map() -> None:
    module = Corner()
    with torch.no_grad():
        module.scale.zero_()
    classifier = api.wrap_module(module, classes=["a", "b"], dims=2, input_size=(32, 40))
    made = api.explain(classifier, np.ones((1, 32, 40), np.float32), explainer="rise", target=1, samples=32)
    assert made.state == "empty"


def test_a_network_without_any_number_is_refused() -> None:
    module = Corner()
    with torch.no_grad():
        module.scale.fill_(torch.nan)
    classifier = api.wrap_module(module, classes=["a", "b"], dims=2, input_size=(32, 40))
    with pytest.raises(api.WhySliceError, match="not a finite number"):
        api.explain(classifier, np.ones((1, 32, 40), np.float32), explainer="rise", target=1, samples=32)


def test_what_is_no_number_is_left_out_and_said() -> None:
    class Dividing(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.cat([x.mean((2, 3)), 0 * x[:, :, 0, 0] / x[:, :, 0, 0]], dim=1)

    classifier = api.wrap_module(Dividing(), classes=["a", "b"], dims=2, input_size=(32, 40))
    made = api.explain(classifier, np.ones((1, 32, 40), np.float32), explainer="rise", target=1, samples=64)
    assert made.facts["asked"] == 64
    assert 5 < made.facts["left_out"] < 60
    assert np.isfinite(made.signed).all()
