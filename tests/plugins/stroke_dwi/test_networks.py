"""The study's architectures: their size, their names, their maps while training."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from plugins.stroke_dwi.networks import PooledNet, stroke_gap, stroke_shallow
from plugins.stroke_dwi.supervision import MaskHeads, grad_cam_signed, map_loss
from viewer.explainers.trace import trace
from viewer.models.card import InputRule, ModelCard
from viewer.models.classifier import Classifier


@pytest.mark.parametrize(("factory", "count"), [(stroke_gap, 1_572_034), (stroke_shallow, 93_634)])
def test_the_published_number_of_parameters(factory: type[PooledNet], count: int) -> None:
    network = factory(classes=2, channels=1)
    assert sum(p.numel() for p in network.parameters() if p.requires_grad) == count
    assert all(not m.inplace for m in network.modules() if isinstance(m, nn.ReLU))


def test_gap_has_the_published_moving_statistics() -> None:
    buffers = {k: v for k, v in stroke_gap().named_buffers() if "running" in k}
    assert sum(v.numel() for v in buffers.values()) == 3_008


def test_blocks_are_named_and_dropout_is_an_option() -> None:
    network = stroke_gap(dropout=0.2)
    names = [name for name, _ in network.named_children()]
    for number in range(1, 6):
        assert names[5 * number - 5 : 5 * number] == [
            f"{part}{number}" for part in ("conv", "bn", "relu", "pool", "drop")
        ]
    assert {m.p for m in network.modules() if isinstance(m, nn.Dropout)} == {0.2}


def small() -> PooledNet:
    torch.manual_seed(0)
    network = PooledNet((4, 6, 8), classes=2, channels=1, dropout=0.3)
    network(torch.randn(16, 1, 32, 32))  # moving statistics other than the first ones
    return network


@pytest.mark.parametrize("layer", ["relu1", "relu2", "relu3"])
def test_the_map_that_training_supervises_is_grad_cam(layer: str) -> None:
    network = small()
    card = ModelCard("toy", ("no stroke", "stroke"), InputRule((32, 32)))
    pictures = torch.randn(3, 1, 32, 32)
    wanted = trace(Classifier(card, network), pictures, layers=[layer], targets=[1], methods=["grad-cam"])
    network.eval()
    _, activations = network.activations(pictures)
    signed = grad_cam_signed(network, activations[layer], layer, target=1)
    assert torch.allclose(signed, torch.from_numpy(wanted.maps[1, layer, "grad-cam"]), atol=1e-5)


def test_map_supervision_moves_the_map_onto_the_lesion() -> None:
    network = small().train()
    pictures, masks = torch.rand(8, 1, 32, 32), torch.zeros(8, 1, 32, 32)
    for number in range(8):
        row = 3 * number
        pictures[number, 0, row : row + 8, 4:12] += 1
        masks[number, 0, row : row + 8, 4:12] = 1
    optimiser = torch.optim.Adam(network.parameters(), lr=0.02)
    losses = []
    for _ in range(25):
        _, activations = network.activations(pictures)
        loss = map_loss(grad_cam_signed(network, activations["relu3"], "relu3", 1), masks)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.7 * losses[0]


def test_an_empty_map_gives_a_finite_gradient() -> None:
    signed = torch.zeros(2, 6, 6, requires_grad=True)
    map_loss(signed, torch.ones(2, 1, 24, 24)).backward()
    assert signed.grad is not None
    assert torch.isfinite(signed.grad).all()


def test_mask_heads_see_tiny_lesions() -> None:
    network = small()
    heads = MaskHeads(network, ("relu2", "relu3"))
    _, activations = network.activations(torch.randn(2, 1, 32, 32))
    masks = torch.zeros(2, 1, 32, 32)
    empty = heads.loss(activations, masks)
    masks[:, :, 3, 3] = 1
    assert heads.loss(activations, masks) != empty
