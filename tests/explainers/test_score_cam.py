"""Score-CAM equals its formula, and grad-cam's where both draw masks alike; what cannot be a mask is skipped."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from pytorch_grad_cam import ScoreCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn

from tests.explainers.conftest import SIZE, lively
from tests.explainers.networks import VOLUME
from viewer.explainers.asking import last_answer
from viewer.explainers.explaining import explain
from viewer.models.classifier import Classifier


def by_formula(classifier: Classifier, layer: str, x: Tensor, target: int) -> np.ndarray:
    """One channel after the other."""
    kept: list[Tensor] = []
    handle = classifier.module.get_submodule(layer).register_forward_hook(
        lambda m, i, out: kept.append(out.clone())
    )
    with torch.no_grad():
        classifier.module(x.clone())
        handle.remove()
        mode = "bilinear" if x.ndim == 4 else "trilinear"
        scores = []
        for channel in kept[0][0]:
            mask = F.interpolate(channel[None, None], size=x.shape[2:], mode=mode)
            mask = (mask - mask.min()) / (mask.max() - mask.min())
            scores.append(classifier.module(x * mask)[0, target])
        weights = torch.softmax(torch.stack(scores), 0)
        return torch.einsum("k,k...->...", weights, kept[0][0]).numpy()


@pytest.mark.parametrize(("name", "layer"), [("pooled", "relu2"), ("flat", "body.4"), ("residual", "conv2")])
def test_equals_its_formula(build, batch: Tensor, name: str, layer: str) -> None:
    classifier = build(name)
    for target in range(3):
        made = explain(classifier, batch[0].numpy(), explainer="score-cam", layer=layer, target=target)
        expected = by_formula(classifier, layer, batch[:1], target)
        assert np.abs(made.signed - expected).max() <= 1e-4 * np.abs(expected).max()


def test_equals_its_formula_on_volumes(volumes: Classifier) -> None:
    x = torch.randn((1, 1, *VOLUME), generator=torch.Generator().manual_seed(7))
    made = explain(volumes, x[0].numpy(), explainer="score-cam", layer="5", target=1)
    expected = by_formula(volumes, "5", x, 1)
    assert made.signed.shape == (3, 5, 6)
    assert np.abs(made.signed - expected).max() <= 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize("layer", ["conv1", "relu1"])
def test_equals_grad_cam_on_a_layer_of_the_inputs_size(build, batch: Tensor, layer: str) -> None:
    """There nothing is drawn finer; elsewhere grad-cam puts the corners of mask and input on each other."""
    classifier = build("pooled")
    made = explain(classifier, batch[0].numpy(), explainer="score-cam", layer=layer, target=1)
    with ScoreCAM(classifier.module, [classifier.module.get_submodule(layer)]) as cam:
        expected = cam(batch[:1], [ClassifierOutputTarget(1)])[0]
    ours = np.maximum(made.signed, 0)
    ours = (ours - ours.min()) / (1e-7 + (ours - ours.min()).max())
    assert np.abs(ours - expected).max() <= 1e-4


def test_constant_channels_are_skipped_and_an_empty_layer_makes_an_empty_map(
    build, batch: Tensor, asked_of
) -> None:
    module = lively(
        nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))
    )
    with torch.no_grad():
        module[0].weight[:2] = 0
        module[0].bias[:2] = torch.tensor([3.0, -1.0])
    found = last_answer(asked_of(build(module), batch[0], "score-cam", layer="1", target=0))
    assert found.total == found.facts["asked"] == 2
    with torch.no_grad():
        module[0].weight[:] = 0
    assert (
        explain(build(module), batch[0].numpy(), explainer="score-cam", layer="1", target=0).state == "empty"
    )


def test_the_channels_that_vary_most_come_first(build, batch: Tensor, asked_of, monkeypatch) -> None:
    monkeypatch.setattr("viewer.explainers.question.images_together", lambda _: 3)
    answers = list(asked_of(build("pooled"), batch[0], "score-cam", layer="relu2", target=0).answers)
    assert [a.done for a in answers] == [3, 6, 9, 10]
    whole = explain(build("pooled"), batch[0].numpy(), explainer="score-cam", layer="relu2", target=0)
    np.testing.assert_allclose(answers[-1].signed, whole.signed, rtol=1e-5)


def test_a_channel_whose_score_is_no_number_is_left_out(build, asked_of) -> None:
    class Dividing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = lively(nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU()))

        def forward(self, x: Tensor) -> Tensor:
            return self.body(x).mean((2, 3))[:, :3] + 0 / x[:, :, 5, 5]

    x = torch.rand((1, *SIZE), generator=torch.Generator().manual_seed(3)) + 0.5
    classifier = build(Dividing().eval())
    with torch.no_grad():  # one channel is least where the network divides by what the mask leaves
        classifier.module.body[0].weight[0] = -classifier.module.body[0].weight[0].abs()
        classifier.module.body[0].bias[0] = 20.0
        x[0, 4:7, 4:7] = 9.0
    found = last_answer(asked_of(classifier, x, "score-cam", layer="body.1", target=0))
    assert found.facts["left_out"] >= 1
    assert np.isfinite(found.signed).all()
