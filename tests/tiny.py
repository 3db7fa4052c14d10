"""A tiny network and tiny images for tests: small enough to be checked by eye, real enough to be traced."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

from viewer.imaging.geometry import Geometry
from viewer.imaging.image import MedicalImage
from viewer.models.architectures import ARCHITECTURES

SIZE = 32
TINY = "tiny-test-network"

CARD = """
id = "{id}"
name = "Tiny"
task = "multiclass"
dims = 2
architecture = "tiny-test-network"
classes = ["no stroke", "stroke"]
positive_class = "stroke"
default_layer = "relu2"
licence = "Apache-2.0"
[input]
size = [32, 32]
channels = 1
crop = "none"
[input.normalise]
name = "none"
[thresholds]
stroke = 0.5
[applies_to]
modality = ["MR"]
plane = "axial"
[[reference]]
layer = "relu2"
class = "stroke"
method = "grad-cam"
value = 2.0
"""


def tiny_network(classes: int = 2, channels: int = 1) -> nn.Module:
    """Two convolutions that pass brightness on; the stroke logit is the mean brightness less a bias."""
    torch.manual_seed(0)
    net = nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(channels, 4, 3, padding=1),
            relu1=nn.ReLU(),
            pool1=nn.AvgPool2d(4),
            conv2=nn.Conv2d(4, 4, 3, padding=1),
            relu2=nn.ReLU(),
            gap=nn.AdaptiveAvgPool2d(1),
            flat=nn.Flatten(),
            linear=nn.Linear(4, classes),
        )
    )
    with torch.no_grad():
        for conv in (net.conv1, net.conv2):
            conv.weight.mul_(0.1)
            conv.bias.zero_()
            conv.weight[0] = 0
            conv.weight[0, 0, 1, 1] = 1.0
        net.linear.weight.zero_()
        net.linear.bias.zero_()
        net.linear.weight[classes - 1, 0] = 40.0
        net.linear.weight[0, 1] = 1.0
        net.linear.bias[classes - 1] = -2.0
    return net.eval()


def write_model(
    home: Path, model_id: str, architecture: str, network: Callable[..., nn.Module], card: str
) -> Path:
    """A model folder among the user's models, of a network that is registered with it."""
    if architecture not in ARCHITECTURES:
        ARCHITECTURES.add(architecture, network)
    folder = home / "models" / model_id
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.toml").write_text(card.format(id=model_id), encoding="utf-8")
    save_file(network().state_dict(), folder / "weights.safetensors")
    return folder


def write_tiny_model(home: Path, model_id: str = "tiny") -> Path:
    """A model folder of the tiny network among the user's models."""
    return write_model(home, model_id, TINY, tiny_network, CARD)


def bright_spot(
    slices: int = 5,
    *,
    at: tuple[int, int, int] = (2, 8, 20),
    modality: str = "MR",
    affine: np.ndarray | None = None,
) -> MedicalImage:
    """Noise with one bright square of 4 x 4 voxels whose first voxel is `at` (slice, row, column), axial, LPS."""
    rng = np.random.default_rng(0)
    voxels = rng.uniform(0, 0.05, (slices, SIZE, SIZE)).astype(np.float32)
    z, r, c = at
    voxels[z, r : r + 4, c : c + 4] = 5.0
    geometry = Geometry(np.diag([1.0, 1.0, 5.0, 1.0]) if affine is None else affine, voxels.shape)
    return MedicalImage(voxels, geometry, modality=modality)


SEGMENTING = "tiny-test-segmentation"

SEGMENTING_CARD = """
id = "{id}"
name = "Tiny segmentation"
task = "segmentation"
dims = 2
architecture = "tiny-test-segmentation"
classes = ["tissue", "lesion"]
positive_class = "lesion"
licence = "Apache-2.0"
[input]
size = [32, 32]
channels = 1
crop = "none"
[input.normalise]
name = "none"
[thresholds]
lesion = 0.5
[applies_to]
modality = ["MR"]
plane = "axial"
"""


def tiny_segmentation(classes: int = 2, channels: int = 1) -> nn.Module:
    """Calls bright pixels lesion: two convolutions that pass brightness on, one score per class and pixel."""
    torch.manual_seed(0)
    net = nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(channels, 4, 3, padding=1),
            relu1=nn.ReLU(),
            conv2=nn.Conv2d(4, 4, 3, padding=1, stride=2),
            relu2=nn.ReLU(),
            up=nn.Upsample(scale_factor=2),
            head=nn.Conv2d(4, classes, 1),
        )
    )
    with torch.no_grad():
        for conv in (net.conv1, net.conv2):
            conv.weight.mul_(0.05)
            conv.bias.zero_()
            conv.weight[0] = 0
            conv.weight[0, 0, 1, 1] = 1.0
        net.head.weight.zero_()
        net.head.weight[1, 0] = 2.0
        net.head.bias[:] = torch.tensor([0.0, -3.0])
    return net.eval()


def write_tiny_segmentation(home: Path, model_id: str = "tiny-seg") -> Path:
    """A model folder of the tiny segmentation network among the user's models."""
    return write_model(home, model_id, SEGMENTING, tiny_segmentation, SEGMENTING_CARD)
