from __future__ import annotations

import pytest
import torch
from torch import nn

from viewer.explainers.layer_info import LayerInfo, find_layer
from viewer.explainers.layers import default_layer, find_layers, require_layer
from viewer.foundation.errors import ExplainError, UsageError
from viewer.models.loading import wrap_module


def by_name(classifier) -> dict[str, LayerInfo]:
    return {layer.name: layer for layer in find_layers(classifier)}


def test_plain_network_lists_every_spatial_output_in_order(build) -> None:
    layers = find_layers(build("pooled"))

    assert [layer.name for layer in layers] == [
        "conv1", "bn1", "relu1", "pool1", "drop1", "conv2", "bn2", "relu2", "pool2", "drop2",
    ]  # fmt: skip
    assert layers[0].to_json() == {
        "name": "conv1",
        "type": "Conv2d",
        "shape": [6, 32, 40],
        "grid": [32, 40],
        "flags": [],
    }


def test_idle_dropout_and_containers_point_at_the_layer_whose_output_they_pass_on(build) -> None:
    assert by_name(build("pooled"))["drop1"].same_as == "pool1"
    assert by_name(build("flat"))["body"].same_as == "body.4"


def test_module_that_runs_three_times_has_three_entries(build) -> None:
    layers = by_name(build("residual"))

    assert [name for name in layers if name.startswith("relu")] == ["relu#1", "relu#2", "relu#3"]
    assert all("reused" in layers[f"relu#{n}"].flags for n in (1, 2, 3))
    with pytest.raises(UsageError, match=r"relu#1 to relu#3"):
        find_layer(layers.values(), "relu")


def test_overwritten_outputs_are_flagged_and_not_taken_for_the_later_one(build) -> None:
    residual = by_name(build("residual"))
    assert "followed-by-in-place" in residual["bn2"].flags
    assert residual["relu#2"].same_as is None
    dense = by_name(build("functional-in-place"))
    assert "followed-by-in-place" in dense["features.norm5"].flags
    assert dense["features"].same_as == "features.norm5"


def test_spatially_constant_gradient_is_found_by_its_values(build) -> None:
    pooled, flat = by_name(build("pooled")), by_name(build("flat"))

    assert "before-global-pool" in pooled["pool2"].flags
    assert "before-global-pool" not in pooled["conv2"].flags
    assert not any("before-global-pool" in layer.flags for layer in flat.values())


def test_layers_are_watched_once_and_the_network_is_left_as_found(build) -> None:
    classifier = build("residual")
    classifier.module.train()
    passes = []
    handle = classifier.module.register_forward_hook(lambda *_: passes.append(1))
    statistics = classifier.module.bn1.running_mean.clone()

    assert find_layers(classifier) is find_layers(classifier)

    handle.remove()
    assert len(passes) == 1
    assert all(m.training for m in classifier.module.modules())
    assert torch.equal(classifier.module.bn1.running_mean, statistics)
    assert not any(m._forward_hooks for m in classifier.module.modules())
    assert all(p.requires_grad and p.grad is None for p in classifier.module.parameters())


def test_default_layer_is_the_cards_else_the_last_real_one(build) -> None:
    assert default_layer(build("pooled")) == "pool2"
    assert default_layer(build("flat")) == "body.4"


def test_unknown_layer_offers_near_names_and_a_layer_without_space_says_so(build) -> None:
    classifier = build("pooled")
    with pytest.raises(UsageError, match="nearest: .*conv2"):
        require_layer(classifier, "conv22")
    with pytest.raises(ExplainError, match="nothing with an extent in space"):
        require_layer(classifier, "linear")


def test_the_default_layer_shows_places_in_a_slice() -> None:
    network = nn.Sequential(
        nn.Conv3d(1, 2, 3, padding=1),
        nn.AdaptiveAvgPool3d((None, 1, 1)),
        nn.AdaptiveMaxPool3d(1),
        nn.Flatten(),
        nn.Linear(2, 2),
    )
    classifier = wrap_module(network, classes=["no", "yes"], dims=3, input_size=(4, 8, 8), channels=1)
    assert [layer.name for layer in find_layers(classifier)] == ["0", "1"]
    assert default_layer(classifier) == "0"


def test_network_without_space_has_no_default_layer(build) -> None:
    class Dense(nn.Sequential):
        pass

    classifier = build(Dense(nn.Flatten(), nn.Linear(32 * 40, 3)))
    assert find_layers(classifier) == ()
    with pytest.raises(ExplainError, match="no layer with an output in space"):
        default_layer(classifier)


def test_network_that_cannot_take_its_cards_input_is_one_sentence(build) -> None:
    with pytest.raises(ExplainError, match=r"cannot take an input of shape \(1, 32, 40\)"):
        find_layers(build(nn.Sequential(nn.Conv2d(4, 3, 3), nn.Flatten())))


def test_outputs_cut_off_from_the_gradient_are_flagged(build) -> None:
    class Cut(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.low = nn.Conv2d(1, 4, 3)
            self.high = nn.Conv2d(4, 4, 3)
            self.unused = nn.Conv2d(1, 4, 3)
            self.fc = nn.Linear(4, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.unused(x)
            return self.fc(self.high(self.low(x).detach()).mean((2, 3)))

    layers = by_name(build(Cut()))
    assert not layers["low"].differentiable
    assert not layers["unused"].differentiable
    assert layers["high"].differentiable


def test_one_network_at_two_sizes_has_the_layers_of_each() -> None:
    net = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    for size in (16, 24, 16):
        classifier = wrap_module(net, classes=["a", "b"], dims=2, input_size=(size, size))
        assert find_layers(classifier)[0].grid == (size, size)
