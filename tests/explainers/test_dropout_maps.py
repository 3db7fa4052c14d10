"""Maps under Monte Carlo dropout: reproducible, one thinned network a map, everything left as it was."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from viewer import api
from viewer.explainers.dropout_maps import Dropping, has_dropout
from viewer.explainers.support import support
from viewer.foundation.errors import ExplainError


def classifier(p: float = 0.4, dims: int = 2):
    torch.manual_seed(1)
    conv, drop, pool = (
        (nn.Conv2d, nn.Dropout2d, nn.AdaptiveAvgPool2d)
        if dims == 2
        else (nn.Conv3d, nn.Dropout3d, nn.AdaptiveAvgPool3d)
    )
    net = nn.Sequential(
        conv(1, 6, 3, padding=1), nn.ReLU(), drop(p), conv(6, 8, 3, padding=1), nn.ReLU(), drop(p),
        pool(1), nn.Flatten(), nn.Linear(8, 3),
    )  # fmt: skip
    return api.wrap_module(net, classes=["a", "b", "c"], dims=dims, input_size=(12,) * dims)


@pytest.mark.parametrize("dims", [2, 3])
def test_the_mean_and_deviation_are_those_of_separate_passes(dims: int) -> None:
    made = classifier(dims=dims)
    x = torch.randn(1, *(12,) * dims, generator=torch.Generator().manual_seed(0)).numpy()
    found = api.explain(made, x, explainer="mc-dropout", layer="4", target="b", samples=5, seed=3)
    each = []
    for seed in range(3, 8):
        with torch.random.fork_rng(), made.borrowed(dropout=True) as net:
            torch.manual_seed(seed)
            parts = list(net)
            values = nn.Sequential(*parts[:5])(torch.from_numpy(x)[None]).detach().requires_grad_()
            score = nn.Sequential(*parts[5:])(values)[0, 1]
            (gradient,) = torch.autograd.grad(score, values)
        axes = tuple(range(2, 2 + dims))
        each.append((gradient.mean(axes, keepdim=True) * values).sum(1)[0].detach().numpy())
    np.testing.assert_allclose(found.signed, np.mean(each, axis=0), atol=1e-6)
    np.testing.assert_allclose(found.deviation, np.std(each, axis=0), atol=1e-6)
    assert found.deviation.max() > 0


def test_the_same_seed_is_the_same_map_and_nothing_is_left_behind() -> None:
    made = classifier()
    x = torch.randn(1, 12, 12).numpy()
    state, modes = torch.random.get_rng_state(), [module.training for module in made.module.modules()]
    one, two, other = (
        api.explain(made, x, explainer="mc-dropout", layer="4", target=0, samples=3, seed=seed).signed
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)
    assert torch.equal(state, torch.random.get_rng_state())
    assert [module.training for module in made.module.modules()] == modes
    assert not any(module._forward_hooks for module in made.module.modules())


def test_every_loan_of_one_seed_is_the_same_thinned_network() -> None:
    made = Dropping(classifier(), 7)
    x = torch.randn(1, 1, 12, 12)
    outputs = []
    for _ in range(2):
        with made.borrowed() as net, torch.no_grad():
            outputs.append(net(x))
    assert torch.equal(*outputs)


@pytest.mark.parametrize("p", [0.0, None])
def test_a_network_without_dropout_is_refused_with_the_reason(p: float | None) -> None:
    made = classifier(0.0)
    if p is None:
        made = api.wrap_module(
            nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)),
            classes=["a", "b"], dims=2, input_size=(12, 12),
        )  # fmt: skip
    assert not has_dropout(made.module)
    assert "no dropout" in support(made, "mc-dropout")
    with pytest.raises(ExplainError, match="no dropout"):
        api.explain(made, np.zeros((1, 12, 12), np.float32), explainer="mc-dropout", target=0)
