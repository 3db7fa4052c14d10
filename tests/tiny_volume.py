"""A tiny network of volumes and its model folder: bright on the patient's left means stroke."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import torch
from torch import nn

from tests.tiny import write_model

TINY_VOLUME = "tiny-test-network-of-volumes"

CARD = """
id = "{id}"
name = "Tiny volume"
task = "multiclass"
dims = 3
architecture = "tiny-test-network-of-volumes"
classes = ["no stroke", "stroke"]
positive_class = "stroke"
default_layer = "relu2"
licence = "Apache-2.0"
[input]
size = [8, 16, 16]
channels = 1
fit = "stretch"
crop = "none"
[input.normalise]
name = "none"
"""


def tiny_volume_network(classes: int = 2, channels: int = 1) -> nn.Module:
    """Two convolutions that pass brightness on; the stroke logit is the mean brightness less a bias."""
    torch.manual_seed(0)
    net = nn.Sequential(
        OrderedDict(
            conv1=nn.Conv3d(channels, 4, 3, padding=1),
            relu1=nn.ReLU(inplace=True),
            drop=nn.Dropout(0.3),
            conv2=nn.Conv3d(4, 4, 3, padding=1, stride=(1, 2, 2)),
            relu2=nn.ReLU(),
            gap=nn.AdaptiveAvgPool3d(1),
            flat=nn.Flatten(),
            linear=nn.Linear(4, classes),
        )
    )
    with torch.no_grad():
        for conv in (net.conv1, net.conv2):
            conv.weight.mul_(0.1)
            conv.bias.zero_()
            conv.weight[0] = 0
            conv.weight[0, 0, 1, 1, 1] = 1.0
        net.linear.weight.zero_()
        net.linear.bias.zero_()
        net.linear.weight[classes - 1, 0] = 40.0
        net.linear.weight[0, 1] = 1.0
        net.linear.bias[classes - 1] = -2.0
    return net.eval()


def write_tiny_volume_model(home: Path, model_id: str = "tiny3d") -> Path:
    """A model folder of the tiny network of volumes among the user's models."""
    return write_model(home, model_id, TINY_VOLUME, tiny_volume_network, CARD)
