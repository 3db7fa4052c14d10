"""Explainers that are said to be equal on a layer are equal there whatever the input; brute force in float64."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from viewer import api
from viewer.explainers.declaration import equals
from viewer.explainers.layers import find_layers
from viewer.explainers.support import support
from viewer.explainers.trace import trace
from viewer.models.classifier import Classifier

INPUTS = (1.0, -40.0, 200.0)
"""Inputs of other sizes than the one that is watched: units switch."""


class Gated(nn.Module):
    """Squeeze and excitation: a gate per channel."""

    def __init__(self) -> None:
        super().__init__()
        self.way = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        space = (..., *(None,) * (x.ndim - 2))
        return x * self.way(x.mean(tuple(range(2, x.ndim))))[space]


def network(dims: int, act: Callable[[], nn.Module], *between: nn.Module) -> Classifier:
    torch.manual_seed(1)
    conv = nn.Conv3d if dims == 3 else nn.Conv2d
    pool = nn.AdaptiveAvgPool3d if dims == 3 else nn.AdaptiveAvgPool2d
    first = conv(1, 4, 3, padding=1)
    with torch.no_grad():
        first.bias.copy_(torch.tensor([50.0, 60.0, 50.0, 70.0]))  # every unit is on for small inputs
    net = nn.Sequential(first, act(), *between, pool(1), nn.Flatten(), nn.ReLU(), nn.Linear(4, 3))
    size = (5, 6, 7) if dims == 3 else (6, 7)
    return api.wrap_module(net, classes=["a", "b", "c"], dims=dims, input_size=size)


ACTIVATIONS = (
    nn.ReLU,
    nn.ReLU6,
    nn.LeakyReLU,
    nn.PReLU,
    nn.Hardswish,
    nn.Sigmoid,
    nn.Softplus,
    nn.ELU,
    nn.Identity,
)


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("act", ACTIVATIONS, ids=lambda act: act.__name__)
@pytest.mark.parametrize("gated", [False, True])
def test_a_claim_holds_on_inputs_that_nobody_watched(dims: int, act: type[nn.Module], gated: bool) -> None:
    classifier = network(dims, act, *([Gated()] if gated else []))
    rng, rule = np.random.default_rng(0), classifier.card.input
    claimed = 0
    for layer in find_layers(classifier):
        for name in ("grad-cam", "hires-cam", "xgrad-cam", "layer-cam", "element-cam"):
            for other in equals(name, layer):
                for size in INPUTS:
                    image = (size * rng.normal(size=(1, 1, *rule.size))).astype(np.float32)
                    maps = trace(classifier, image, layers=[layer.name]).maps
                    for target in range(3):
                        one, two = (np.maximum(maps[target, layer.name, n][0], 0) for n in (name, other))
                        scale = max(float(np.abs(map_).max()) for map_ in maps.values())
                        np.testing.assert_allclose(
                            one, two, rtol=1e-3, atol=1e-4 * scale, err_msg=f"{layer} {name} {other}"
                        )
                claimed += 1
    assert claimed >= 6, "the last layer before the pooling makes claims"


def test_cam_does_not_exist_below_a_unit_that_may_switch() -> None:
    torch.manual_seed(0)
    first = nn.Conv2d(1, 4, 3, padding=1)
    with torch.no_grad():
        first.bias.fill_(50.0)
    net = nn.Sequential(first, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))
    classifier = api.wrap_module(net, classes=["a", "b", "c"], dims=2, input_size=(8, 8))
    assert "there is none" in support(classifier, "cam", "0")
    assert support(classifier, "cam", "1") == ""


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize(
    "name", ["deep-lift", "integrated-gradients", "gradient-shap", "guided-grad-cam", "eigen-cam"]
)
def test_on_demand_inside_the_callers_own_context(name: str, context: Callable[[], object]) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 3),
    )
    classifier = api.wrap_module(net, classes=["a", "b", "c"], dims=2, input_size=(8, 9))
    image = np.random.default_rng(0).normal(size=(1, 8, 9)).astype(np.float32)
    outside = api.explain(classifier, image, explainer=name, layer="1", target=1).signed
    with context():
        inside = api.explain(classifier, image, explainer=name, layer="1", target=1).signed
    np.testing.assert_array_equal(outside, inside)
