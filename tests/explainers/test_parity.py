"""The same maps from other people's libraries, and the same formulas by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torchvision
from captum.attr import LayerGradCam
from pytorch_grad_cam import GradCAM, GradCAMPlusPlus, LayerCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn

from viewer.explainers.explaining import explain
from viewer.explainers.layers import find_layers
from viewer.explainers.trace import trace
from viewer.models.classifier import Classifier
from viewer.models.loading import wrap_module

SEEDS = (0, 1, 2)


def layer_of(classifier: Classifier, name: str) -> nn.Module:
    return classifier.module.get_submodule(name)


def unique_layers(classifier: Classifier) -> list[str]:
    return [
        layer.name
        for layer in find_layers(classifier)
        if layer.same_as is None and "reused" not in layer.flags
    ]


def scaled(map_: np.ndarray) -> np.ndarray:
    """What grad-cam does to every map: from its minimum to its maximum."""
    return (map_ - map_.min()) / (1e-7 + (map_ - map_.min()).max())


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", ["pooled", "flat", "residual", "functional-in-place", "branched"])
def test_raw_grad_cam_equals_captum(build, batch, name: str, seed: int) -> None:
    classifier = build(name, seed=seed)
    layers = unique_layers(classifier)
    made = trace(classifier, batch, layers=layers, methods=["grad-cam"]).maps
    for layer in layers:
        captum = LayerGradCam(classifier.module, layer_of(classifier, layer))
        for target in range(3):
            expected = captum.attribute(batch, target=target, relu_attributions=False)[:, 0].detach().numpy()
            np.testing.assert_allclose(
                made[target, layer, "grad-cam"], expected, rtol=0, atol=1e-5 * np.abs(expected).max()
            )


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("explainer", "library"), [("grad-cam", GradCAM), ("layer-cam", LayerCAM)])
@pytest.mark.parametrize(("name", "layer"), [("pooled", "relu2"), ("pooled", "conv1"), ("flat", "body.2")])
def test_final_map_equals_grad_cam_after_its_scaling(
    build, batch, name: str, layer: str, explainer: str, library: type, seed: int
) -> None:
    classifier = build(name, seed=seed)
    for target in range(3):
        explanation = explain(classifier, batch[0].numpy(), explainer=explainer, layer=layer, target=target)
        with library(classifier.module, [layer_of(classifier, layer)]) as cam:
            expected = cam(batch[:1], [ClassifierOutputTarget(target)])[0]
        assert explanation.map.shape == expected.shape
        assert np.abs(scaled(explanation.map) - expected).max() <= 1e-4


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("name", "layer"), [("pooled", "relu2"), ("flat", "body.4"), ("flat", "body.2")])
def test_grad_cam_plus_plus_equals_its_formula_and_grad_cam_but_for_its_epsilon(
    build, batch, name: str, layer: str, seed: int
) -> None:
    classifier = build(name, seed=seed)
    for target in range(3):
        activation, gradient = pair_of(classifier, layer, batch[:1], target)

        made = trace(classifier, batch[:1], layers=[layer], targets=[target]).maps[
            target, layer, "grad-cam++"
        ][0]
        formula = plus_plus(activation, gradient, epsilon=0.0)
        assert np.abs(made - formula).max() <= 1e-4 * np.abs(formula).max()

        with GradCAMPlusPlus(classifier.module, [layer_of(classifier, layer)]) as cam:
            expected = cam(batch[:1], [ClassifierOutputTarget(target)])[0]
        with_epsilon = np.maximum(plus_plus(activation, gradient, epsilon=1e-6), 0)
        drawn = torch.nn.functional.interpolate(
            torch.from_numpy(scaled(with_epsilon))[None, None], size=batch.shape[2:], mode="bilinear"
        )[0, 0].numpy()
        assert np.abs(scaled(drawn) - expected).max() <= 1e-4


def pair_of(classifier: Classifier, layer: str, x: Tensor, target: int) -> tuple[np.ndarray, np.ndarray]:
    """(A, G) of one image by torch's own backward hooks, float64."""
    kept: list[Tensor] = []
    handle = layer_of(classifier, layer).register_forward_hook(lambda m, i, out: kept.append(out))
    logits = classifier.module(x)
    handle.remove()
    (gradient,) = torch.autograd.grad(logits[0, target], kept[0])
    return kept[0][0].detach().double().numpy(), gradient[0].double().numpy()


def plus_plus(activation: np.ndarray, gradient: np.ndarray, *, epsilon: float) -> np.ndarray:
    total = np.zeros(activation.shape[1:])
    for a, g in zip(activation, gradient, strict=True):
        denominator = 2 * g**2 + a.sum() * g**3 + epsilon
        alpha = np.divide(g**2, denominator, out=np.zeros_like(g), where=g != 0)
        total += (alpha * np.maximum(g, 0)).sum() * a
    return total


@pytest.mark.parametrize(
    ("factory", "layer"),
    [
        ("resnet18", "layer4.1.bn2"),
        ("resnet18", "layer2.0.bn1"),
        ("densenet121", "features.norm5"),
        ("densenet121", "features.denseblock2"),
        ("vgg11", "features.18"),
    ],
)
def test_in_place_layers_of_well_known_networks_equal_captum(factory: str, layer: str) -> None:
    torch.manual_seed(3)
    module = getattr(torchvision.models, factory)(weights=None, num_classes=4).eval()
    classifier = wrap_module(module, classes=list("abcd"), dims=2, input_size=(64, 64), channels=3)
    x = torch.randn((1, 3, 64, 64), generator=torch.Generator().manual_seed(4))
    made = trace(classifier, x, layers=[layer], targets=[2], methods=["grad-cam"]).maps[2, layer, "grad-cam"]
    captum = LayerGradCam(module, module.get_submodule(layer))
    expected = captum.attribute(x, target=2, relu_attributions=False)[:, 0].detach().numpy()
    assert np.abs(made - expected).max() <= 1e-5 * np.abs(expected).max()
