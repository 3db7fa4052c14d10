"""The same exactness on networks that everybody uses: DenseNet-121, ResNet-50, VGG-19, MONAI's 3D ResNet and U-Net."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import pytest
import torch
import torchvision
from captum.attr import IntegratedGradients, LayerGradCam, Saliency
from monai.networks.nets import UNet, resnet10
from torch import nn

from viewer.explainers.baselines import baseline_of
from viewer.explainers.explaining import explain
from viewer.explainers.trace import trace
from viewer.models.architectures import ARCHITECTURES
from viewer.models.classifier import Classifier
from viewer.models.loading import wrap_module
from viewer.plugin_host.host import activate

pytestmark = pytest.mark.filterwarnings("ignore:.*(requires_grad|required_grads)")

PICTURE, VOLUME = (64, 64), (16, 24, 24)


def picture_network(name: str) -> Classifier:
    module = getattr(torchvision.models, name)(weights=None, num_classes=4).eval()
    return wrap_module(module, classes=list("abcd"), dims=2, input_size=PICTURE, channels=3)


def volume_network() -> Classifier:
    module = resnet10(spatial_dims=3, n_input_channels=1, num_classes=3).eval()
    return wrap_module(module, classes=list("abc"), dims=3, input_size=VOLUME)


def unet(dims: int) -> Classifier:
    module = UNet(
        spatial_dims=dims, in_channels=1, out_channels=3, channels=(4, 8, 16), strides=(2, 2)
    ).eval()
    size = (32, 48) if dims == 2 else (8, 16, 16)
    return wrap_module(module, classes=list("abc"), dims=dims, input_size=size, task="segmentation")


NETWORKS: dict[str, tuple[Callable[[], Classifier], str]] = {
    "densenet121": (lambda: picture_network("densenet121"), "features.norm5"),
    "resnet50": (lambda: picture_network("resnet50"), "layer4.2.bn3"),
    "vgg19": (lambda: picture_network("vgg19"), "features.34"),
    "resnet-3d": (volume_network, "layer4.0.bn2"),
}


SOME_SLOW = [pytest.param(name, marks=pytest.mark.slow) if name == "vgg19" else name for name in NETWORKS]
"""VGG-19 has 140 million parameters to draw."""


@lru_cache(maxsize=1)
def network(name: str) -> tuple[Classifier, str, torch.Tensor]:
    """A network with random weights, a layer that an in-place step follows, and an input."""
    build, layer = NETWORKS[name]
    with torch.random.fork_rng():
        torch.manual_seed(3)
        classifier = build()
    rule = classifier.card.input
    x = torch.randn((1, rule.channels, *rule.size), generator=torch.Generator().manual_seed(4))
    return classifier, layer, x


def close(made: np.ndarray, expected: np.ndarray, share: float = 1e-5) -> None:
    assert made.shape == expected.shape
    assert np.abs(made - expected).max() <= share * np.abs(expected).max()


@pytest.mark.parametrize("name", SOME_SLOW)
def test_cams_equal_captum_and_their_formulas(name: str) -> None:
    classifier, layer, x = network(name)
    made = {
        method: maps[0]
        for (_, _, method), maps in trace(classifier, x, layers=[layer], targets=[2]).maps.items()
    }
    module = classifier.module.get_submodule(layer)
    captum = LayerGradCam(classifier.module, module).attribute(x, target=2, relu_attributions=False)
    close(made["grad-cam"], captum[0, 0].detach().numpy())
    activation, gradient = overwritten_pair(classifier.module, module, x, 2)
    product = activation * gradient
    sums = activation.sum(axis=tuple(range(1, activation.ndim)), keepdims=True)
    weights = product.sum(axis=tuple(range(1, product.ndim)), keepdims=True) / sums
    close(made["hires-cam"], product.sum(0), 1e-4)
    close(made["layer-cam"], (np.maximum(gradient, 0) * activation).sum(0), 1e-4)
    close(made["element-cam"], np.maximum(product, 0).sum(0), 1e-4)
    close(
        made["xgrad-cam"], (weights * activation).sum(0), 1e-2
    )  # sums of both signs all but cancel in float32


def overwritten_pair(
    module: nn.Module, layer: nn.Module, x: torch.Tensor, target: int
) -> tuple[np.ndarray, np.ndarray]:
    """(A, G) of a layer whose output is overwritten afterwards: a copy goes on."""
    kept: list[torch.Tensor] = []

    def keep(_: nn.Module, __: object, out: torch.Tensor) -> torch.Tensor:
        kept.append(out)
        return out.clone()

    handle = layer.register_forward_hook(keep)
    logits = module(x)
    handle.remove()
    (gradient,) = torch.autograd.grad(logits[0, target], kept[0])
    return kept[0][0].detach().double().numpy(), gradient[0].double().numpy()


@pytest.mark.parametrize("name", SOME_SLOW)
def test_input_space_maps_equal_captum(name: str) -> None:
    classifier, _, x = network(name)
    made = explain(classifier, x[0].numpy(), explainer="gradient", target=1)
    expected = Saliency(classifier.module).attribute(x.clone(), target=1, abs=False)
    close(made.signed, expected[0].sum(0).numpy(), 1e-4)
    made = explain(
        classifier, x[0].numpy(), explainer="integrated-gradients", target=1, steps=3, baseline="zero"
    )
    captum = IntegratedGradients(classifier.module)
    expected = captum.attribute(x, baseline_of(x, "zero"), target=1, n_steps=3, method="gausslegendre")
    close(made.signed, expected[0].sum(0).float().numpy(), 1e-3)
    guided = explain(classifier, x[0].numpy(), explainer="guided-backprop", target=1)
    assert guided.state == "ok"
    assert np.abs(guided.signed - made.signed).max() > 0.1 * np.abs(guided.signed).max()


@pytest.mark.parametrize("dims", [2, 3])
def test_seg_grad_cam_of_a_monai_unet(dims: int) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        classifier = unet(dims)
    x = torch.randn((1, 1, *classifier.card.input.size), generator=torch.Generator().manual_seed(4))
    region = ",".join(["4"] * dims)
    made = explain(classifier, x[0].numpy(), explainer="seg-grad-cam", target=2, region=region)
    kept: list[torch.Tensor] = []
    module = classifier.module.get_submodule(made.layer)
    handle = module.register_forward_hook(lambda m, i, out: kept.append(out))
    out = classifier.module(x)
    handle.remove()
    (gradient,) = torch.autograd.grad(out[(0, 2, *([4] * dims))], kept[0])
    weights = gradient[0].flatten(1).mean(1)
    close(made.signed, torch.tensordot(weights, kept[0][0], 1).detach().numpy())
    assert made.map.shape == tuple(classifier.card.input.size)
    assert np.prod(made.signed.shape) < np.prod(made.map.shape), "the coarsest layer by default"


def trained_like(classifier: Classifier) -> Classifier:
    """The network with batch-norm statistics and weights that are not the identity."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for module in classifier.module.modules():
            if isinstance(module, (nn.BatchNorm2d, nn.BatchNorm3d)):
                shape = module.running_mean.shape
                module.running_mean.copy_(torch.randn(shape, generator=generator) * 0.1)
                module.running_var.copy_(torch.rand(shape, generator=generator) + 0.5)
                module.weight.copy_(torch.rand(shape, generator=generator) + 0.5)
                module.bias.copy_(torch.randn(shape, generator=generator) * 0.2)
    return classifier


def stroke_gap() -> Classifier:
    activate()
    module = ARCHITECTURES["stroke-gap"](classes=2, channels=1).eval()
    return wrap_module(module, classes=["no stroke", "stroke"], dims=2, input_size=PICTURE)


@pytest.mark.parametrize("name", [*NETWORKS, "stroke-gap"])
def test_relevance_of_input_and_biases_is_the_score_by_every_rule(name: str) -> None:
    classifier = trained_like(stroke_gap() if name == "stroke-gap" else NETWORKS[name][0]())
    if (
        name == "vgg19"
    ):  # a narrower head, because twenty-five passes through a hundred million weights are slow
        classifier.module.classifier = nn.Sequential(
            nn.Linear(25088, 64), nn.ReLU(True), nn.Linear(64, 4)
        ).eval()
    card = classifier.card.input
    x = np.random.default_rng(1).normal(size=(card.channels, *card.size)).astype(np.float32)
    for rule in ("composite", "epsilon", "gamma", "z+", "w2"):
        found = explain(classifier, x, explainer="lrp", rule=rule)
        facts = found.facts
        assert facts["input"] + facts["biases"] == pytest.approx(facts["score"], rel=0.01), rule
        assert float(found.signed.astype(np.float64).sum()) == pytest.approx(facts["input"], rel=1e-4)
        assert "incomplete" not in found.flags
