"""The traps of tracing in three dimensions: the same answers, and the network as it was."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from captum.attr import LayerGradCam
from monai.networks.nets import ResNet, UNet
from torch import nn

from tests.explainers.test_trace import assert_same_state, state_of
from viewer.explainers.layers import find_layers
from viewer.explainers.reductions import ATLAS_METHODS
from viewer.explainers.trace import trace
from viewer.foundation.errors import Cancelled, ExplainError, ModelError, UsageError
from viewer.models.classifier import Classifier
from viewer.models.loading import wrap_module
from viewer.models.prediction import predict

SIZE = (16, 24, 24)
CLASSES = ["a", "b", "c"]


def wrapped(module: nn.Module, **options: object) -> Classifier:
    return wrap_module(module, **{"classes": CLASSES, "dims": 3, "input_size": SIZE, **options})


@pytest.fixture(scope="module")
def resnet() -> Classifier:
    """MONAI's: reused in-place ReLUs, batch norms that they overwrite."""
    torch.manual_seed(0)
    module = ResNet(
        "basic",
        [1, 1, 1, 1],
        [4, 6, 8, 10],
        spatial_dims=3,
        n_input_channels=1,
        num_classes=3,
        conv1_t_stride=1,
    )
    with torch.no_grad():
        for each in module.modules():
            if isinstance(each, nn.BatchNorm3d):
                each.running_mean.uniform_(-0.1, 0.1)
                each.running_var.uniform_(0.5, 1.5)
    return wrapped(module.train())


@pytest.fixture(scope="module")
def volume() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(1, 1, *SIZE)).astype(np.float32)


@pytest.mark.parametrize(
    "layer", ["conv1", "bn1", "layer1.0.bn2", "layer2.0.conv2", "layer3.0", "layer3.0.bn1"]
)
def test_raw_grad_cam_equals_captum(resnet, volume, layer) -> None:
    ours = trace(resnet, volume, layers=[layer], targets=["b"], methods=["grad-cam"]).maps[
        1, layer, "grad-cam"
    ]
    with resnet.borrowed() as module:
        wanted = LayerGradCam(module, module.get_submodule(layer)).attribute(
            torch.from_numpy(volume), target=1
        )
    wanted = wanted.detach().numpy()[:, 0]
    assert ours.shape == wanted.shape
    assert ours.ndim == 4
    assert np.abs(ours - wanted).max() <= 1e-5 * np.abs(wanted).max()


def test_one_trace_answers_what_each_layer_alone_would(resnet, volume) -> None:
    names = [la.name for la in find_layers(resnet) if la.differentiable]
    together = trace(resnet, volume)
    assert {key[1] for key in together.maps} == set(names)
    for layer in ("relu#1", "act", "layer1.0.act#2", "layer2.0.downsample.0", "maxpool"):
        if layer not in names:
            continue
        alone = trace(resnet, volume, layers=[layer])
        for method in ATLAS_METHODS:
            a, b = alone.maps[2, layer, method], together.maps[2, layer, method]
            np.testing.assert_allclose(a, b, atol=2e-6 * np.abs(b).max())


def test_the_network_is_as_it_was(resnet, volume) -> None:
    module = resnet.module
    module.conv1.weight.requires_grad_(False)
    before = state_of(module)
    trace(resnet, volume, layers=["layer2"])
    with torch.no_grad():
        trace(resnet, volume, layers=["layer2"])
    with torch.inference_mode():
        trace(resnet, torch.from_numpy(volume), layers=["layer2"])

    class Stop:
        def report(self, done: int, total: int, text: str = "") -> None:
            if text == "backward pass":
                raise Cancelled

    with pytest.raises(Cancelled):
        trace(resnet, volume, layers=["layer2"], progress=Stop())
    with pytest.raises(ExplainError):
        trace(resnet, np.repeat(volume, 2, axis=1), layers=["layer2"])
    assert_same_state(module, before)
    assert module.training
    module.conv1.weight.requires_grad_(True)


class Ending(nn.Module):
    """A small network of volumes that ends in something."""

    def __init__(self, outputs: int = 3, end: nn.Module | None = None) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.conv, self.relu, self.end = nn.Conv3d(1, 4, 3, stride=2), nn.ReLU(), end or nn.Identity()
        self.head = nn.Linear(4, outputs)

    def forward(self, x):
        return self.end(self.head(self.relu(self.conv(x)).mean((2, 3, 4))))


def test_softmax_inside_and_a_single_logit(volume) -> None:
    plain, inside = wrapped(Ending()), wrapped(Ending(end=nn.Softmax(1)))
    a, b = trace(plain, volume), trace(inside, volume)
    assert "softmax-inside" in b.flags
    for key, maps in a.maps.items():
        np.testing.assert_allclose(b.maps[key], maps, atol=1e-6)
    one = wrapped(Ending(1, nn.Sigmoid()), classes=["no", "yes"], task="binary")
    found = trace(one, volume, methods=["grad-cam"])
    np.testing.assert_allclose(
        found.maps[0, "conv", "grad-cam"], -found.maps[1, "conv", "grad-cam"], atol=1e-9
    )


def test_one_sentence_for_each_thing_that_cannot_be(volume) -> None:
    model = wrapped(Ending())
    with pytest.raises(UsageError, match="no layer 'cov' .*nearest: conv"):
        trace(model, volume, layers=["cov"])
    with pytest.raises(UsageError, match="no class 'd'"):
        trace(model, volume, targets=["d"])
    with pytest.raises(ExplainError, match="'head' puts out nothing with an extent in space"):
        trace(model, volume, layers=["head"])
    with pytest.raises(ExplainError, match=r"cannot take an input of shape \(1, 2, 2, 2\)"):
        trace(model, np.zeros((1, 1, 2, 2, 2), np.float32), layers=["conv"])
    small = wrapped(Ending(), input_size=(2, 2, 2))
    with pytest.raises(ExplainError, match=r"cannot take an input of shape \(1, 2, 2, 2\)"):
        find_layers(small)
    with pytest.raises(ModelError, match="cannot take an input of shape"):
        predict(small, np.zeros((1, 2, 2, 2), np.float32))
    with pytest.raises(ModelError, match="not a finite number"):
        trace(model, np.full_like(volume, np.nan), layers=["conv"])

    class Blind(Ending):
        def forward(self, x):
            with torch.no_grad():
                return super().forward(x).round()

    blind = wrapped(Blind())
    assert all("no-gradient" in la.flags for la in find_layers(blind))
    with pytest.raises(ExplainError, match="[Nn]o gradient"):
        trace(blind, volume, layers=["conv"])


def test_a_network_that_names_no_size_of_its_own_is_watched_at_the_cards_size() -> None:
    """Instance norms and skips of a MONAI U-Net; every layer has a grid of three axes."""
    torch.manual_seed(0)
    unet = UNet(spatial_dims=3, in_channels=1, out_channels=2, channels=(4, 8, 16), strides=(2, 2))
    layers = find_layers(wrapped(unet, classes=["a", "b"], task="segmentation"))
    assert {len(la.grid) for la in layers} == {3}
    assert layers[-1].grid == SIZE
    assert min(la.grid for la in layers) == (4, 6, 6)
