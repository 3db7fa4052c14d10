"""The networks that are measured, and the peers that explain them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torchvision
from monai.networks.nets import resnet50
from numpy.typing import NDArray
from torch import Tensor, nn

from viewer.explainers.layers import find_layers
from viewer.models.architectures import ARCHITECTURES
from viewer.models.classifier import Classifier
from viewer.models.loading import wrap_module
from viewer.plugin_host.host import activate


@dataclass(frozen=True)
class Subject:
    """A random network and one input for it.

    Attributes
    ----------
    layers : distinct layers in the order of execution: no container, no idle dropout, no module that runs twice.
    """

    name: str
    classifier: Classifier
    picture: NDArray[np.float32]
    layers: tuple[str, ...]

    @property
    def module(self) -> nn.Module:
        return self.classifier.module

    @property
    def tensor(self) -> Tensor:
        return self.classifier.tensor(self.picture[None])

    @classmethod
    def of(cls, name: str, module: nn.Module, classes: int, size: tuple[int, ...], channels: int) -> Subject:
        """Around a fresh network, with random input."""
        names = [f"class{number}" for number in range(classes)]
        classifier = wrap_module(
            module.eval(), classes=names, dims=len(size), input_size=size, channels=channels
        )
        picture = np.random.default_rng(0).normal(size=(channels, *size)).astype(np.float32)
        layers = [
            la.name for la in find_layers(classifier) if la.same_as is None and "reused" not in la.flags
        ]
        return cls(name, classifier, picture, tuple(layers))


def gap() -> Subject:
    """`stroke-gap`, five blocks under a global average pool, 192x192: 20 distinct layers."""
    torch.manual_seed(0)
    activate()
    subject = Subject.of("GAP model", ARCHITECTURES["stroke-gap"](classes=2, channels=1), 2, (192, 192), 1)
    return Subject(subject.name, subject.classifier, subject.picture, subject.layers[:20])


def resnet() -> Subject:
    """ResNet-50 at 224x224: its stem and blocks, thinned out to 20 layers."""
    torch.manual_seed(0)
    subject = Subject.of(
        "ResNet-50", torchvision.models.resnet50(weights=None, num_classes=7), 7, (224, 224), 3
    )
    convolutions = [name for name in subject.layers if ".conv3" in name] + ["conv1"]
    others = [name for name in subject.layers if ".conv2" in name][-(20 - len(convolutions)) :]
    chosen = set(convolutions + others)
    layers = tuple(name for name in subject.layers if name in chosen)
    return Subject(subject.name, subject.classifier, subject.picture, layers)


def resnet_of_volumes() -> Subject:
    """MONAI's 3D ResNet-50 with a stem of stride 2 at 32x64x64: its last twenty layers but for what is overwritten."""
    torch.manual_seed(0)
    module = resnet50(spatial_dims=3, n_input_channels=1, num_classes=3, conv1_t_stride=2)
    subject = Subject.of("3D ResNet-50", module, 3, (32, 64, 64), 1)
    layers = tuple(name for name in subject.layers if ".conv" in name)[-20:]
    return Subject(subject.name, subject.classifier, subject.picture, layers)


def chain_of_volumes() -> Subject:
    """`stroke-3d`, six blocks under a global average pool, at 24x96x96."""
    torch.manual_seed(0)
    activate()
    return Subject.of("stroke-3d", ARCHITECTURES["stroke-3d"](classes=2, channels=1), 2, (24, 96, 96), 1)
