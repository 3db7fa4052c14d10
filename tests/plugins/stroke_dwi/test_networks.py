"""The study's architectures: their size, their names, their maps while training."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from plugins.stroke_dwi.networks import (
    StrokeNet,
    averaged,
    blocks,
    stroke_3d,
    stroke_baseline,
    stroke_dense,
    stroke_flat,
    stroke_gap,
    stroke_mrs,
    stroke_shallow,
)
from plugins.stroke_dwi.supervision import MaskHeads, grad_cam_signed, map_loss
from viewer.explainers.trace import trace
from viewer.models.card import InputRule, ModelCard
from viewer.models.classifier import Classifier

FACTORIES = {
    "stroke-baseline": (stroke_baseline, 16_782_278),
    "stroke-dense": (stroke_dense, 6_322_754),
    "stroke-flat": (stroke_flat, 1_643_714),
    "stroke-gap": (stroke_gap, 1_572_034),
    "stroke-shallow": (stroke_shallow, 93_634),
    "stroke-mrs": (stroke_mrs, 1_572_547),
}


@pytest.mark.parametrize("name", FACTORIES)
def test_the_published_number_of_parameters(name: str) -> None:
    factory, count = FACTORIES[name]
    network = factory()
    assert sum(p.numel() for p in network.parameters() if p.requires_grad) == count
    assert all(not m.inplace for m in network.modules() if isinstance(m, nn.ReLU))


def test_the_baseline_has_the_published_layers_and_statistics() -> None:
    network = stroke_baseline().eval()
    moving = sum(v.numel() for k, v in network.named_buffers() if "running" in k)
    assert 16_782_278 + moving == 16_792_110
    in_space = 0
    values = torch.zeros(1, 1, 192, 192)
    with torch.no_grad():
        for layer in network:
            values = layer(values)
            in_space += values.dim() == 4
    assert in_space == 16 * 4 + 6
    assert values.shape == (1, 2)


def test_the_volume_network_keeps_thick_slices_apart() -> None:
    network = stroke_3d().eval()
    assert sum(p.numel() for p in network.parameters()) == 2_455_170
    with torch.no_grad():
        logits, kept = network.activations(torch.zeros(1, 1, 24, 32, 32))
    assert logits.shape == (1, 2)
    grids = [tuple(kept[f"relu{number}"].shape[2:]) for number in range(1, 7)]
    assert grids == [(24, side, side) for side in (32, 16, 8, 4, 2, 2)]


def test_gap_has_the_published_moving_statistics() -> None:
    buffers = {k: v for k, v in stroke_gap().named_buffers() if "running" in k}
    assert sum(v.numel() for v in buffers.values()) == 3_008


def testblocks_are_named_and_dropout_is_an_option() -> None:
    network = stroke_gap(dropout=0.2)
    names = [name for name, _ in network.named_children()]
    for number in range(1, 6):
        assert names[5 * number - 5 : 5 * number] == [
            f"{part}{number}" for part in ("conv", "bn", "relu", "pool", "drop")
        ]
    assert {m.p for m in network.modules() if isinstance(m, nn.Dropout)} == {0.2}


def small() -> StrokeNet:
    torch.manual_seed(0)
    head = averaged(8, 2, 0.3, nn.AdaptiveAvgPool2d(1))
    network = StrokeNet(blocks((4, 6, 8), 1, 0.3), head)
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
    targets = torch.ones(len(pictures), dtype=torch.long)
    signed = grad_cam_signed(network, activations[layer], layer, targets)
    assert torch.allclose(signed, torch.from_numpy(wanted.maps[1, layer, "grad-cam"]), atol=1e-5)


def test_map_supervision_moves_the_map_onto_the_lesion() -> None:
    network = small().train()
    pictures, masks = torch.rand(8, 1, 32, 32), torch.zeros(8, 1, 32, 32)
    for number in range(8):
        row = 3 * number
        pictures[number, 0, row : row + 8, 4:12] += 1
        masks[number, 0, row : row + 8, 4:12] = 1
    optimiser = torch.optim.Adam(network.parameters(), lr=0.02)
    targets = torch.ones(len(pictures), dtype=torch.long)
    losses = []
    for _ in range(25):
        _, activations = network.activations(pictures)
        loss = map_loss(grad_cam_signed(network, activations["relu3"], "relu3", targets), masks)
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


def test_every_picture_is_supervised_for_its_own_class() -> None:
    network = small().eval()
    pictures = torch.rand(2, 1, 32, 32)
    _, activations = network.activations(pictures)
    both = [
        grad_cam_signed(network, activations["relu3"], "relu3", torch.full((2,), target)) for target in (0, 1)
    ]
    mixed = grad_cam_signed(network, activations["relu3"], "relu3", torch.tensor([0, 1]))
    assert torch.allclose(mixed[0], both[0][0])
    assert torch.allclose(mixed[1], both[1][1])
    assert not torch.allclose(both[0], both[1])


def test_the_map_of_a_volume_is_supervised_too() -> None:
    network = stroke_3d().eval()
    volumes, masks = torch.rand(2, 1, 8, 32, 32), torch.zeros(2, 1, 8, 32, 32)
    masks[:, :, 4, 8:16, 8:16] = 1
    _, activations = network.activations(volumes)
    signed = grad_cam_signed(network, activations["relu6"], "relu6", torch.tensor([1, 1]))
    assert signed.shape == activations["relu6"].shape[:1] + activations["relu6"].shape[2:]
    loss = map_loss(signed, masks) + MaskHeads(network, ["relu5", "relu6"]).loss(activations, masks)
    loss.backward()
    assert network.conv1.weight.grad is not None
    assert torch.isfinite(network.conv1.weight.grad).all()
