"""The CAM family: formulas, other people's libraries, and what is equal by construction."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pytorch_grad_cam import EigenCAM, GradCAMElementWise, HiResCAM, XGradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn

from tests.explainers.conftest import SIZE, Pooled, classified, lively
from tests.explainers.test_parity import pair_of, scaled, unique_layers
from viewer.explainers.asking import last_answer
from viewer.explainers.declaration import EXPLAINERS, equals
from viewer.explainers.explaining import atlas, explain
from viewer.explainers.layers import find_layers, require_layer
from viewer.explainers.reductions import ATLAS_METHODS
from viewer.explainers.support import support
from viewer.explainers.trace import trace
from viewer.foundation.errors import ExplainError
from viewer.models.classifier import Classifier

SEEDS = (0, 1, 2)
NETWORKS = ["pooled", "flat", "residual", "functional-in-place", "branched"]


def close(made: np.ndarray, expected: np.ndarray, share: float = 1e-4) -> None:
    assert made.shape == expected.shape
    assert np.abs(made - expected).max() <= share * np.abs(expected).max()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", NETWORKS)
def test_on_demand_a_cam_is_what_the_trace_makes(
    build, batch: Tensor, asked_of, name: str, seed: int
) -> None:
    classifier = build(name, seed=seed)
    for layer in unique_layers(classifier):
        traced = trace(classifier, batch[:1], layers=[layer], targets=[1]).maps
        for method in ATLAS_METHODS:
            made = last_answer(asked_of(classifier, batch[0], method, layer=layer, target=1)).signed
            np.testing.assert_array_equal(made, traced[1, layer, method][0])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("explainer", "library"),
    [("hires-cam", HiResCAM), ("xgrad-cam", XGradCAM), ("element-cam", GradCAMElementWise)],
)
@pytest.mark.parametrize(("name", "layer"), [("pooled", "relu2"), ("pooled", "relu1"), ("flat", "body.2")])
def test_final_map_equals_grad_cam_after_its_scaling(
    build, batch: Tensor, name: str, layer: str, explainer: str, library: type, seed: int
) -> None:
    classifier = build(name, seed=seed)
    for target in range(3):
        made = explain(classifier, batch[0].numpy(), explainer=explainer, layer=layer, target=target)
        with library(classifier.module, [classifier.module.get_submodule(layer)]) as cam:
            expected = cam(batch[:1], [ClassifierOutputTarget(target)])[0]
        assert np.abs(scaled(made.map) - expected).max() <= 1e-4


@pytest.mark.parametrize("seed", SEEDS)
def test_cam_is_the_weights_of_the_linear_layer_times_the_activation(build, batch: Tensor, seed: int) -> None:
    classifier = build("pooled", seed=seed)
    for target in range(3):
        made = explain(classifier, batch[0].numpy(), explainer="cam", layer="relu2", target=target)
        activation, _ = pair_of(classifier, "relu2", batch[:1], target)
        weights = classifier.module.linear.weight[target].detach().double().numpy()
        close(made.signed, np.tensordot(weights, activation, 1))
    # The mean of the map and the bias are the logit: what CAM was made for.
    with torch.no_grad():
        logit = classifier.module(batch[:1])[0, 2] - classifier.module.linear.bias[2]
    through_pool = explain(classifier, batch[0].numpy(), explainer="cam", layer="drop2", target=2)
    assert float(through_pool.signed.mean()) == pytest.approx(float(logit), rel=1e-4)


def test_cam_of_one_logit_speaks_for_both_classes(build, batch: Tensor) -> None:
    classifier = build("pooled", task="binary", outputs=1)
    one, other = (explain(classifier, batch[0].numpy(), explainer="cam", target=t).signed for t in (1, 0))
    np.testing.assert_array_equal(one, -other)


def test_cam_without_its_linear_layer_is_refused(build, batch: Tensor) -> None:
    between = Pooled()
    between.gap = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(10), nn.ReLU())
    for classifier, layer in (
        (build("pooled"), "relu1"),
        (build("flat"), "body.4"),
        (classified(lively(between)), "relu2"),
    ):
        with pytest.raises(ExplainError, match="needs a linear layer right after global average pooling"):
            explain(classifier, batch[0].numpy(), explainer="cam", layer=layer)
        assert support(classifier, "cam", layer)
    assert support(build("pooled"), "cam", "relu2") == ""


@pytest.mark.parametrize("layer", ["relu1", "conv2", "relu2"])
def test_eigen_cam_is_the_first_principal_component(build, batch: Tensor, layer: str) -> None:
    classifier = build("pooled")
    made = explain(classifier, batch[0].numpy(), explainer="eigen-cam", layer=layer, target=0)
    activation, _ = pair_of(classifier, layer, batch[:1], 0)
    values = activation.reshape(len(activation), -1).T
    values = values - values.mean(0)
    _, _, directions = np.linalg.svd(values, full_matrices=False)
    component = (values @ directions[0]).reshape(activation.shape[1:])
    component *= np.sign((component * activation.mean(0)).sum())
    close(made.signed, component)
    with EigenCAM(classifier.module, [classifier.module.get_submodule(layer)]) as cam:
        expected = cam(batch[:1], [ClassifierOutputTarget(0)])[0]  # whose sign is left to chance
    if made.signed.shape == SIZE:  # elsewhere it is drawn on the input first
        alike = [np.abs(scaled(np.maximum(sign * made.signed, 0)) - expected).max() for sign in (1, -1)]
        assert min(alike) <= 1e-4


def test_eigen_cam_is_the_same_for_every_class_and_of_few_places_as_of_few_channels(build, batch) -> None:
    classifier = build("pooled")
    maps = [explain(classifier, batch[0].numpy(), explainer="eigen-cam", target=t).signed for t in range(3)]
    np.testing.assert_array_equal(maps[0], maps[1])
    assert EXPLAINERS["eigen-cam"].class_free
    wide = nn.Sequential(
        nn.Conv2d(1, 40, 3, stride=8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(40, 3)
    )
    narrow = classified(lively(wide))
    made = explain(narrow, batch[0].numpy(), explainer="eigen-cam", layer="0").signed
    activation, _ = pair_of(narrow, "0", batch[:1], 0)
    values = activation.reshape(40, -1).T
    values = values - values.mean(0)
    assert np.linalg.norm(made) == pytest.approx(np.linalg.svd(values, compute_uv=False)[0], rel=1e-4)
    picture = np.zeros((1, *SIZE), dtype=np.float32)
    nothing = explain(narrow, picture, explainer="eigen-cam", layer="0")
    assert nothing.state in ("empty", "near_zero")


@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_said_to_be_equal_is_equal(build, batch: Tensor, name: str) -> None:
    classifier = build(name)
    said = 0
    for layer in find_layers(classifier):
        if not layer.differentiable:
            continue
        maps = trace(classifier, batch, layers=[layer.name]).maps
        for method in ATLAS_METHODS:
            for other in equals(method, layer):
                said += 1
                for target in range(3):
                    close(maps[target, layer.name, method], maps[target, layer.name, other])
        if equals("cam", layer) and not support(classifier, "cam", layer.name):
            made = explain(classifier, batch[0].numpy(), explainer="cam", layer=layer.name, target=1)
            close(made.signed / np.prod(layer.grid), maps[1, layer.name, "grad-cam"][0])
            assert made.equal_to == ("grad-cam", "hires-cam", "xgrad-cam")
            assert "equal_by_construction" in made.flags
    assert said > 0 or name in ("flat", "functional-in-place", "branched")


def test_layer_cam_and_element_wise_differ_where_the_layer_has_two_signs(build, batch: Tensor) -> None:
    # The gradient before a global pool is constant, and that is not enough to make these two one.
    bipolar = nn.Sequential(nn.Conv2d(1, 6, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3))
    classifier = classified(lively(bipolar))
    assert equals("layer-cam", require_layer(classifier, "0")) == ()
    maps = trace(classifier, batch, layers=["0"]).maps
    off = np.abs(maps[0, "0", "layer-cam"] - maps[0, "0", "element-cam"]).max()
    assert off > 0.1 * maps[0, "0", "layer-cam"].max()


def test_states_hold_for_every_cam() -> None:
    module = nn.Sequential(
        nn.Conv2d(1, 1, 1, bias=False), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1, 2)
    )
    with torch.no_grad():
        module[0].weight.fill_(1)
        module[3].weight.copy_(torch.tensor([[-1.0], [1.0]]))
        module[3].bias.zero_()
    classifier = classified(module, outputs=2)
    picture = np.ones((1, *SIZE), dtype=np.float32)
    picture[0, :3] = 2
    for method in (*ATLAS_METHODS, "cam"):
        states = [
            explain(classifier, scale * picture, explainer=method, layer="0", target=target).state
            for scale, target in ((1, 1), (1, 0), (1e-12, 1), (0, 1))
        ]
        against = "negative_only" if method in ("grad-cam", "hires-cam", "xgrad-cam", "cam") else "empty"
        assert states == ["ok", against, "near_zero", "empty"], method


@pytest.mark.parametrize("scale", [1e-18, 1e18])
def test_scores_of_any_size_overflow_nowhere(batch: Tensor, scale: float) -> None:
    module = lively(Pooled())
    with torch.no_grad():
        module.linear.weight.mul_(scale)
    classifier = classified(module)
    made = atlas(classifier, batch[0].numpy(), layers=["relu1"])
    for method in ATLAS_METHODS:
        assert np.isfinite(made.map("relu1", 1, method)).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_cams_of_volumes_equal_their_formulas(volumes: Classifier, seed: int) -> None:
    lively(volumes.module, seed)
    x = torch.randn((1, 1, 6, 10, 12), generator=torch.Generator().manual_seed(seed))
    made = atlas(volumes, x[0].numpy(), layers=["3", "5"])
    for layer in ("3", "5"):
        activation, gradient = pair_of(volumes, layer, x, 2)
        product = activation * gradient
        spatial = (1, 2, 3)
        for method, expected in {
            "grad-cam": (gradient.mean(spatial, keepdims=True) * activation).sum(0),
            "hires-cam": product.sum(0),
            "layer-cam": (np.maximum(gradient, 0) * activation).sum(0),
            "element-cam": np.maximum(product, 0).sum(0),
        }.items():
            assert np.abs(made.signed(layer, 2, method, 0) - expected).max() <= 1e-4 * np.abs(expected).max()
            alone = explain(volumes, x[0].numpy(), explainer=method, layer=layer, target=2)
            close(alone.signed, expected)
            assert alone.map.shape == (6, 10, 12)
