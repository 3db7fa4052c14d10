"""Small random networks with every habit that trips explainers up, and classifiers around them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.explainers.networks import VOLUME, Pooled3d, Segmenting
from viewer.explainers.asking import Asked, ask
from viewer.models.classifier import Classifier
from viewer.models.input_view import InputView
from viewer.models.loading import wrap_module
from viewer.models.volume_view import VolumeView

SIZE = (32, 40)


class Pooled(nn.Sequential):
    """The plain case: convolution, batch norm, ReLU, pool, dropout; global average pool, linear."""

    def __init__(self, channels: int = 1, outputs: int = 3) -> None:
        super().__init__()
        width = channels
        for number, wide in enumerate((6, 10), start=1):
            self.add_module(f"conv{number}", nn.Conv2d(width, wide, 3, padding=1))
            self.add_module(f"bn{number}", nn.BatchNorm2d(wide))
            self.add_module(f"relu{number}", nn.ReLU())
            self.add_module(f"pool{number}", nn.AvgPool2d(2))
            self.add_module(f"drop{number}", nn.Dropout(0.3))
            width = wide
        self.add_module("gap", nn.AdaptiveAvgPool2d(1))
        self.add_module("flatten", nn.Flatten())
        self.add_module("linear", nn.Linear(width, outputs))


class Flat(nn.Module):
    """A dense head: gradients differ from place to place on every layer."""

    def __init__(self, channels: int = 1, outputs: int = 3) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, 5, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(4),
            nn.Conv2d(5, 7, 3, padding=1),
            nn.Tanh(),
        )
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(7 * SIZE[0] // 4 * SIZE[1] // 4, outputs))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x))


class Residual(nn.Module):
    """One in-place ReLU used three times, a sum, batch norms that the ReLU overwrites: a ResNet in small."""

    def __init__(self, channels: int = 1, outputs: int = 3) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 8, 3, padding=1, stride=2)
        self.bn1 = nn.BatchNorm2d(8)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(8, 8, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(8)
        self.conv3 = nn.Conv2d(8, 8, 3, padding=1)
        self.bn3 = nn.BatchNorm2d(8)
        self.fc = nn.Linear(8, outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.conv1(x)))
        out = self.bn3(self.conv3(self.relu(self.bn2(self.conv2(x)))))
        out += x
        return self.fc(self.relu(out).mean((2, 3)))


class FunctionalInPlace(nn.Module):
    """A batch norm whose output a functional in-place ReLU overwrites, inside a container: DenseNet's `norm5`."""

    def __init__(self, channels: int = 1, outputs: int = 3) -> None:
        super().__init__()
        self.features = nn.Sequential()
        self.features.add_module("conv0", nn.Conv2d(channels, 8, 5, stride=2, padding=2))
        self.features.add_module("norm5", nn.BatchNorm2d(8))
        self.classifier = nn.Linear(8, outputs)

    def forward(self, x: Tensor) -> Tensor:
        features = self.features(x)
        out = F.relu(features, inplace=True)
        return self.classifier(F.adaptive_avg_pool2d(out, 1).flatten(1))


class Branched(nn.Module):
    """Two parallel stems: a trace of both has two lowest layers."""

    def __init__(self, channels: int = 1, outputs: int = 3) -> None:
        super().__init__()
        self.left = nn.Conv2d(channels, 4, 3, padding=1)
        self.right = nn.Conv2d(channels, 4, 5, padding=2)
        self.join = nn.Conv2d(8, 6, 3, padding=1)
        self.fc = nn.Linear(6, outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.cat([F.relu(self.left(x)), torch.sigmoid(self.right(x))], dim=1)
        return self.fc(F.relu(self.join(x)).mean((2, 3)))


ARCHITECTURES: dict[str, Callable[..., nn.Module]] = {
    "pooled": Pooled,
    "flat": Flat,
    "residual": Residual,
    "functional-in-place": FunctionalInPlace,
    "branched": Branched,
}


def lively(module: nn.Module, seed: int = 0) -> nn.Module:
    """Random weights and batch-norm statistics that are not the identity; in eval mode."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.4)
        for m in module.modules():
            if isinstance(m, (nn.BatchNorm2d, nn.BatchNorm3d)):
                m.running_mean.copy_(torch.randn(m.num_features, generator=generator) * 0.3)
                m.running_var.copy_(torch.rand(m.num_features, generator=generator) + 0.5)
                m.weight.copy_(torch.rand(m.num_features, generator=generator) + 0.5)
    return module.eval()


def classified(
    module: nn.Module, outputs: int = 3, task: str = "multiclass", channels: int = 1
) -> Classifier:
    names = [f"class{i}" for i in range(2 if task == "binary" else outputs)]
    return wrap_module(module, classes=names, dims=2, input_size=SIZE, channels=channels, task=task)


@pytest.fixture(params=sorted(ARCHITECTURES))
def classifier(request: pytest.FixtureRequest) -> Classifier:
    """Each small architecture with three classes."""
    return classified(lively(ARCHITECTURES[request.param]()))


@pytest.fixture
def build() -> Callable[..., Classifier]:
    """A classifier around one of `ARCHITECTURES` (by name) or a given module."""

    def make(
        what: str | nn.Module, *, task: str = "multiclass", outputs: int = 3, seed: int = 0
    ) -> Classifier:
        module = lively(ARCHITECTURES[what](outputs=outputs), seed) if isinstance(what, str) else what
        return classified(module, outputs, task)

    return make


@pytest.fixture
def batch() -> Tensor:
    """Two images."""
    return torch.randn((2, 1, *SIZE), generator=torch.Generator().manual_seed(7))


@pytest.fixture
def asked_of() -> Callable[..., Asked]:
    """An explainer at work on an array (channel, *space)."""

    def begin(classifier: Classifier, x: Tensor, explainer: str, **wishes: object) -> Asked:
        of_array = VolumeView.of_array if classifier.card.dims == 3 else InputView.of_array
        view, ready = of_array(x.numpy())
        names = ("layer", "target", "score", "region", "progress")
        given = {name: wishes.pop(name) for name in names if name in wishes}
        return ask(classifier, view, ready, explainer=explainer, parameters=wishes, **given)

    return begin


@pytest.fixture
def volumes() -> Classifier:
    """A small network of volumes with three classes."""
    return wrap_module(lively(Pooled3d()), classes=list("abc"), dims=3, input_size=VOLUME)


@pytest.fixture(params=[2, 3])
def segmenting(request: pytest.FixtureRequest) -> Classifier:
    """A small segmentation network of three classes, of pictures and of volumes."""
    size = SIZE if request.param == 2 else (6, 8, 10)
    module = lively(Segmenting(request.param))
    return wrap_module(module, classes=list("abc"), dims=request.param, input_size=size, task="segmentation")
