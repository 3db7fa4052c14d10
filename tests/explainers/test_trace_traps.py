"""Traps that popular libraries fall into: outputs overwritten in place, reused modules, softmax inside."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from viewer.explainers.reductions import ATLAS_METHODS
from viewer.explainers.trace import trace


def activation_and_gradient(
    module: nn.Module, x: Tensor, run: Callable[[Tensor], tuple[Tensor, Tensor]], target: int
) -> tuple[Tensor, Tensor]:
    """Straight from the definition: `run` gives (logits, activation) without any hook."""
    logits, activation = run(x)
    (gradient,) = torch.autograd.grad(logits[:, target].sum(), activation)
    return activation.detach(), gradient


def test_batch_norm_overwritten_by_a_reused_in_place_relu(build, batch) -> None:
    classifier = build("residual")
    m = classifier.module

    def run(x: Tensor) -> tuple[Tensor, Tensor]:
        stem = F.relu(m.bn1(m.conv1(x)))
        activation = m.bn2(m.conv2(stem))
        out = m.bn3(m.conv3(F.relu(activation))) + stem
        return m.fc(F.relu(out).mean((2, 3))), activation

    activation, gradient = activation_and_gradient(m, batch, run, 1)
    assert float(activation.min()) < 0
    made = trace(classifier, batch, layers=["bn2"], targets=[1]).maps
    for method, reduction in ATLAS_METHODS.items():
        expected = reduction(activation, gradient).numpy()
        np.testing.assert_allclose(
            made[1, "bn2", method], expected, rtol=0, atol=1e-5 * np.abs(expected).max()
        )


def test_each_call_of_a_reused_module_has_its_own_map(build, batch) -> None:
    classifier = build("residual")
    m = classifier.module

    def run_to(call: int) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
        def run(x: Tensor) -> tuple[Tensor, Tensor]:
            first = F.relu(m.bn1(m.conv1(x)))
            second = F.relu(m.bn2(m.conv2(first)))
            third = F.relu(m.bn3(m.conv3(second)) + first)
            return m.fc(third.mean((2, 3))), (first, second, third)[call - 1]

        return run

    made = trace(classifier, batch, targets=[2], methods=["grad-cam"]).maps
    for call in (1, 2, 3):
        activation, gradient = activation_and_gradient(m, batch, run_to(call), 2)
        expected = ATLAS_METHODS["grad-cam"](activation, gradient).numpy()
        np.testing.assert_allclose(
            made[2, f"relu#{call}", "grad-cam"], expected, rtol=0, atol=1e-5 * np.abs(expected).max()
        )


def test_output_overwritten_by_a_functional_in_place_relu(build, batch) -> None:
    classifier = build("functional-in-place")
    m = classifier.module

    def run(x: Tensor) -> tuple[Tensor, Tensor]:
        activation = m.features(x)
        return m.classifier(F.relu(activation).mean((2, 3))), activation

    activation, gradient = activation_and_gradient(m, batch, run, 0)
    made = trace(classifier, batch, layers=["features", "features.norm5"], targets=[0]).maps
    for method, reduction in ATLAS_METHODS.items():
        expected = reduction(activation, gradient).numpy()
        for layer in ("features", "features.norm5"):
            np.testing.assert_allclose(
                made[0, layer, method], expected, rtol=0, atol=1e-5 * np.abs(expected).max()
            )


@pytest.mark.parametrize("lowest", [True, False])
def test_overwriting_that_begins_only_after_the_layers_were_found(build, batch, lowest: bool) -> None:
    class Sly(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.low = nn.Conv2d(1, 4, 3)
            self.conv = nn.Conv2d(4, 4, 3)
            self.fc = nn.Linear(4, 3)
            self.overwrite = False

        def forward(self, x: Tensor) -> Tensor:
            return self.fc(F.relu(self.conv(self.low(x)), inplace=self.overwrite).mean((2, 3)))

    classifier = build(Sly())
    layers = ["conv"] if lowest else ["low", "conv"]
    expected = trace(classifier, batch, layers=layers).maps
    classifier.module.overwrite = True
    for key, map_ in trace(classifier, batch, layers=layers).maps.items():
        np.testing.assert_array_equal(map_, expected[key])


class Squashed(nn.Module):
    def __init__(self, inner: nn.Module, how: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.inner = inner
        self.how = how

    def forward(self, x: Tensor) -> Tensor:
        return self.how(self.inner(x))


@pytest.mark.parametrize(
    "how", [nn.Softmax(dim=1), lambda x: F.softmax(x, 1), lambda x: x.softmax(dim=-1), nn.LogSoftmax(dim=1)]
)
def test_softmax_inside_the_network_gives_back_the_logit(build, batch, how) -> None:
    plain = build("flat", outputs=3)
    expected = trace(plain, batch)
    inside = build(Squashed(plain.module, how))

    for _ in range(2):  # the second time the network is known
        result = trace(inside, batch)
        assert result.flags == ("softmax-inside",)
        np.testing.assert_allclose(result.logits, expected.logits, rtol=1e-6)
        np.testing.assert_allclose(result.probabilities, expected.probabilities, rtol=1e-5)
        for (target, layer, method), map_ in expected.maps.items():
            np.testing.assert_array_equal(result.maps[target, f"inner.{layer}", method], map_)


def test_sigmoid_inside_a_binary_network_gives_back_the_logit(build, batch) -> None:
    plain = build("flat", task="binary", outputs=1)
    inside = build(Squashed(plain.module, torch.sigmoid), task="binary", outputs=1)
    expected, result = trace(plain, batch, layers=["body"]), trace(inside, batch, layers=["inner.body"])
    assert result.flags == ("softmax-inside",)
    np.testing.assert_array_equal(
        result.maps[0, "inner.body", "grad-cam"], expected.maps[0, "body", "grad-cam"]
    )


def test_outputs_that_look_like_probabilities_are_told_when_they_cannot_be_undone(build, batch) -> None:
    inside = build(Squashed(build("flat").module, lambda x: x.softmax(1) * 1.0))
    assert trace(inside, batch).flags == ("squashed-output",)
    assert trace(build("flat"), batch).flags == ()


def test_scaled_logits_scale_the_linear_maps_without_loss(build, batch) -> None:
    plain = build("flat")
    tiny = build(Squashed(plain.module, lambda x: x * 1e-9))
    expected = trace(plain, batch, layers=["body"], methods=["grad-cam", "layer-cam"]).maps
    for (target, _, method), map_ in trace(
        tiny, batch, layers=["inner.body"], methods=["grad-cam", "layer-cam"]
    ).maps.items():
        np.testing.assert_allclose(map_ * 1e9, expected[target, "body", method], rtol=1e-4, atol=1e-6)


def test_network_that_ignores_its_input_has_an_all_zero_map(build, batch) -> None:
    class Zero(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(1, 4, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.conv(x).mean((2, 3))[:, :3] * 0

    for map_ in trace(build(Zero()), batch).maps.values():
        assert not map_.any()
