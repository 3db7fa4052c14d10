from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from viewer.explainers.layers import find_layers
from viewer.explainers.reductions import ATLAS_METHODS
from viewer.explainers.trace import trace
from viewer.foundation.errors import Cancelled, ExplainError, ModelError, UsageError
from viewer.foundation.progress import ProgressToken


def state_of(module: nn.Module) -> dict[str, object]:
    """Everything about a network that a trace must leave alone."""
    return {
        "modes": [m.training for m in module.modules()],
        "values": {name: value.clone() for name, value in module.state_dict().items()},
        "frozen": [p.requires_grad for p in module.parameters()],
        "gradients": [p.grad for p in module.parameters()],
        "hooks": [
            len(m._forward_hooks) + len(m._forward_pre_hooks) + len(m._backward_hooks)
            for m in module.modules()
        ],
    }


def assert_same_state(module: nn.Module, before: dict[str, object]) -> None:
    after = state_of(module)
    for name in ("modes", "frozen", "hooks"):
        assert after[name] == before[name]
    for old, new in zip(before["gradients"], after["gradients"], strict=True):
        assert old is new
    for name, value in before["values"].items():
        assert torch.equal(after["values"][name], value), name


# --- one pass answers every question ---


def test_each_map_equals_a_trace_of_its_own(classifier, batch) -> None:
    everything = trace(classifier, batch)
    layers = [layer.name for layer in find_layers(classifier)]

    assert set(everything.maps) == {(t, la, m) for t in range(3) for la in layers for m in ATLAS_METHODS}
    for (target, layer, method), map_ in everything.maps.items():
        alone = trace(classifier, batch, layers=[layer], targets=[target], methods=[method])
        peak = np.abs(map_).max()
        np.testing.assert_allclose(alone.maps[target, layer, method], map_, rtol=0, atol=2e-6 * peak)


def test_images_of_a_batch_do_not_influence_each_other(classifier, batch) -> None:
    methods = [
        "grad-cam",
        "layer-cam",
    ]  # Grad-CAM++ magnifies rounding where a negative activation meets its pole
    together = trace(classifier, batch, methods=methods)
    for i in range(2):
        alone = trace(classifier, batch[i : i + 1], methods=methods)
        for key, map_ in together.maps.items():
            np.testing.assert_allclose(
                alone.maps[key][0], map_[i], rtol=0, atol=1e-5 * np.abs(map_[i]).max() + 1e-12
            )


def test_one_forward_pass_and_one_backward_pass_per_class(build, batch) -> None:
    classifier = build("pooled")
    find_layers(classifier)
    forward, backward = [], []
    conv = classifier.module.conv2
    handles = [
        classifier.module.register_forward_hook(lambda *_: forward.append(1)),
        conv.register_forward_hook(
            lambda m, i, out: out.register_hook(lambda g: backward.append(1)) and None
        ),
    ]
    trace(classifier, batch)
    for handle in handles:
        handle.remove()
    assert (len(forward), len(backward)) == (1, 3)


def test_gradient_goes_no_lower_than_the_lowest_layer_asked_for(build, batch) -> None:
    classifier = build("pooled")
    find_layers(classifier)
    recorded = {}

    def watch(name: str):
        return lambda module, inputs, out: recorded.__setitem__(name, out.requires_grad)

    handles = [
        getattr(classifier.module, n).register_forward_hook(watch(n))
        for n in ("conv1", "relu1", "conv2", "pool2")
    ]
    trace(classifier, batch, layers=["relu2", "pool2"])
    for handle in handles:
        handle.remove()
    assert recorded == {"conv1": False, "relu1": False, "conv2": False, "pool2": True}


def test_two_lowest_layers_side_by_side_both_get_their_gradient(build, batch) -> None:
    maps = trace(build("branched"), batch, layers=["left", "right"], methods=["layer-cam"]).maps
    assert all(np.abs(map_).max() > 0 for map_ in maps.values())
    assert len(maps) == 6


def test_only_what_was_asked_for_comes_back(build, batch) -> None:
    result = trace(
        build("pooled"), batch, layers=["relu2", "conv1"], targets=["class2", 0], methods=["grad-cam"]
    )
    assert list(result.maps) == [
        (2, "relu2", "grad-cam"),
        (0, "relu2", "grad-cam"),
        (2, "conv1", "grad-cam"),
        (0, "conv1", "grad-cam"),
    ]
    assert result.maps[0, "conv1", "grad-cam"].shape == (2, 32, 40)
    assert result.maps[0, "conv1", "grad-cam"].dtype == np.float32


def test_probabilities_and_logits_are_the_networks_own(classifier, batch) -> None:
    result = trace(classifier, batch)
    with torch.no_grad():
        logits = classifier.module(batch)
    np.testing.assert_allclose(result.logits, logits.numpy(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(result.probabilities, logits.softmax(1).numpy(), rtol=1e-5, atol=1e-6)


# --- scores ---


def test_one_logit_class_zero_is_minus_class_one_in_one_backward_pass(build, batch) -> None:
    classifier = build("pooled", task="binary", outputs=1)
    passes = []
    find_layers(classifier)
    token = ProgressToken(lambda done, total, text: passes.append((done, total)))

    result = trace(classifier, batch, layers=["relu2", "conv1"], progress=token)

    assert passes[-1] == (2, 2)
    for layer in ("relu2", "conv1"):
        np.testing.assert_array_equal(result.maps[0, layer, "grad-cam"], -result.maps[1, layer, "grad-cam"])
        separate = trace(classifier, batch, layers=[layer], targets=[0])
        for method in ATLAS_METHODS:
            np.testing.assert_allclose(
                result.maps[0, layer, method], separate.maps[0, layer, method], rtol=1e-4, atol=1e-9
            )
    np.testing.assert_allclose(result.probabilities.sum(1), 1, rtol=1e-6)


@pytest.mark.parametrize("score", ["logit", "probability", "margin"])
def test_score_types_follow_their_definition(build, batch, score: str) -> None:
    classifier = build("flat")
    module = classifier.module
    activation = module.body(batch).detach().requires_grad_()
    logits = module.head(activation)
    value = {
        "logit": logits[:, 1],
        "probability": logits.softmax(1)[:, 1],
        "margin": logits[:, 1] - logits[:, [0, 2]].amax(1),
    }[score]
    (gradient,) = torch.autograd.grad(value.sum(), activation)

    made = trace(classifier, batch, layers=["body"], targets=[1], score=score).maps

    for method, reduction in ATLAS_METHODS.items():
        expected = reduction(activation, gradient).numpy()
        np.testing.assert_allclose(
            made[1, "body", method], expected, rtol=0, atol=1e-5 * np.abs(expected).max()
        )


# --- the network is left as it was found ---


@pytest.mark.parametrize("training", [True, False])
def test_network_is_left_as_found(classifier, batch, training: bool) -> None:
    module = classifier.module
    module.train(training)
    first = next(module.parameters())
    first.requires_grad_(False)
    list(module.parameters())[-1].grad = torch.ones_like(list(module.parameters())[-1])
    before = state_of(module)

    trace(classifier, batch)

    assert_same_state(module, before)


def test_training_mode_and_eval_mode_give_the_same_map(build, batch) -> None:
    classifier = build("pooled")
    still = trace(classifier, batch).maps
    classifier.module.train()
    moving = trace(classifier, batch).maps
    for key, map_ in still.items():
        np.testing.assert_array_equal(moving[key], map_)


class Bomb(nn.Module):
    """Goes off in the backward pass, or in the forward pass."""

    def __init__(self, backward: bool) -> None:
        super().__init__()
        self.backward = backward
        self.armed = False

    def forward(self, x: Tensor) -> Tensor:
        if not self.armed:
            return x * 1.0
        if not self.backward:
            raise ValueError("bang")
        out = x * 1.0
        out.register_hook(lambda gradient: (_ for _ in ()).throw(ValueError("bang")))
        return out


@pytest.mark.parametrize("backward", [True, False])
def test_network_is_left_as_found_after_an_exception(build, batch, backward: bool) -> None:
    bomb = Bomb(backward)
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))
    classifier = build(nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), bomb, nn.Conv2d(4, 4, 3), head))
    classifier.module.train()
    find_layers(classifier)
    bomb.armed = True
    before = state_of(classifier.module)

    with pytest.raises(ValueError if backward else ExplainError, match="bang" if backward else "cannot take"):
        trace(classifier, batch)

    assert_same_state(classifier.module, before)


def test_network_is_left_as_found_after_cancelling(build, batch) -> None:
    classifier = build("residual")
    find_layers(classifier)
    before = state_of(classifier.module)
    token = ProgressToken(lambda done, total, text: token.cancel() if done == 1 else None)

    with pytest.raises(Cancelled):
        trace(classifier, batch, progress=token)

    assert_same_state(classifier.module, before)


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode])
def test_works_inside_the_callers_own_context(build, batch, context) -> None:
    outside = trace(build("residual"), batch).maps
    classifier = build("residual")
    with context():
        inside = trace(classifier, batch * 1).maps
        assert not torch.is_grad_enabled()
    for key, map_ in outside.items():
        np.testing.assert_array_equal(inside[key], map_)


def test_works_with_frozen_parameters(build, batch) -> None:
    free, frozen = build("flat"), build("flat")
    frozen.module.requires_grad_(False)
    expected = trace(free, batch).maps
    for key, map_ in trace(frozen, batch).maps.items():
        np.testing.assert_array_equal(map_, expected[key])
    assert not any(p.requires_grad for p in frozen.module.parameters())


def test_input_is_not_altered(build) -> None:
    class Greedy(nn.Module):
        """Overwrites its own input."""

        def __init__(self) -> None:
            super().__init__()
            self.relu = nn.ReLU(inplace=True)
            self.conv = nn.Conv2d(1, 4, 3)
            self.fc = nn.Linear(4, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.fc(self.conv(self.relu(x)).mean((2, 3)))

    x = torch.randn((1, 1, 32, 40), generator=torch.Generator().manual_seed(1))
    before = x.clone()
    trace(build(Greedy()), x)
    assert torch.equal(x, before)


# --- what cannot be explained is one sentence ---


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_outputs_that_are_not_finite(build, batch, value: float) -> None:
    classifier = build("pooled")
    find_layers(classifier)
    batch[0, 0, 3, 3] = value
    with pytest.raises(ModelError, match="not a finite number"):
        trace(classifier, batch)


def test_network_without_a_gradient(build, batch) -> None:
    class Thresholded(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(1, 3, 3)

        def forward(self, x: Tensor) -> Tensor:
            return (self.conv(x).mean((2, 3)) > 0).float()

    classifier = build(Thresholded())
    with pytest.raises(ExplainError, match="No gradient leads"):
        trace(classifier, batch, layers=["conv"])


def test_layer_that_no_gradient_reaches_is_named_or_left_out(build, batch) -> None:
    class Spare(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(1, 4, 3)
            self.spare = nn.Conv2d(4, 4, 3)
            self.fc = nn.Linear(4, 3)

        def forward(self, x: Tensor) -> Tensor:
            x = self.conv(x)
            self.spare(x)
            return self.fc(x.mean((2, 3)))

    classifier = build(Spare())
    assert {layer for _, layer, _ in trace(classifier, batch).maps} == {"conv"}
    with pytest.raises(ExplainError, match="No gradient reaches the layer 'spare'"):
        trace(classifier, batch, layers=["conv", "spare"])


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        ({"layers": ["relu3"]}, "no layer 'relu3'.*nearest: .*relu2"),
        ({"targets": ["clas1"]}, "no class 'clas1'.*nearest: .*class1"),
        ({"targets": [3]}, "no class '3'"),
        ({"methods": ["gradcam"]}, "'gradcam' is not made by a trace; nearest: grad-cam"),
    ],
)
def test_unknown_names(build, batch, request_, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        trace(build("pooled"), batch, **request_)


def test_outputs_that_do_not_fit_the_card(build, batch) -> None:
    with pytest.raises(ModelError, match="5 scores for 3 classes"):
        trace(build(build("pooled", outputs=5).module, outputs=3), batch)
    with pytest.raises(ModelError, match="one row of class scores"):
        trace(build(nn.Sequential(nn.Conv2d(1, 3, 3))), batch)


def test_batch_of_the_wrong_shape(build) -> None:
    with pytest.raises(
        ExplainError, match=r"cannot take an input of shape \(2, 32, 40\): it takes 1 channel\."
    ):
        trace(build("pooled"), torch.zeros(1, 2, 32, 40))
