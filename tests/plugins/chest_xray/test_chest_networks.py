"""The study's networks are ImageNet's, with a last layer of their own and no module used twice."""

from __future__ import annotations

import pytest
import torch
import torchvision

from plugins.chest_xray.networks import ChestNet, chest_resnet18, chest_resnet50
from viewer.api import layers, wrap_module


@pytest.mark.parametrize(
    ("ours", "theirs", "parameters"),
    [
        (chest_resnet18, torchvision.models.resnet18, 11_180_103),
        (chest_resnet50, torchvision.models.resnet50, 23_522_375),
    ],
)
def test_weights_of_torchvision_fit_and_say_the_same(ours: object, theirs: object, parameters: int) -> None:
    torch.manual_seed(0)
    network, other = ours(), theirs(weights=None, num_classes=7)  # type: ignore[operator]
    network.load_state_dict(other.state_dict())
    assert sum(p.numel() for p in network.parameters()) == parameters
    pictures = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.allclose(network.eval()(pictures), other.eval()(pictures), atol=1e-5)


def test_every_layer_has_one_output_and_a_grid() -> None:
    network = chest_resnet18(7, 3, width=16)
    assert isinstance(network, ChestNet)
    classifier = wrap_module(
        network, classes=list("abcdefg"), dims=2, input_size=(64, 64), channels=3, task="multilabel"
    )
    found = {layer.name: layer for layer in layers(classifier)}
    assert not any("#" in name for name in found)
    assert found["layer4"].grid == (2, 2)
    assert found["layer3"].grid == (4, 4)
