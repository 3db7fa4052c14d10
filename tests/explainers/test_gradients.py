"""Gradients with respect to the input, against captum and by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from captum.attr import Deconvolution, GuidedBackprop, GuidedGradCam, InputXGradient, Saliency
from torch import Tensor, nn

from tests.explainers.conftest import SIZE, classified, lively
from viewer.explainers.asking import last_answer
from viewer.explainers.explaining import explain
from viewer.models.classifier import Classifier
from viewer.models.loading import wrap_module

pytestmark = pytest.mark.filterwarnings("ignore:.*(backward hooks|requires_grad|required_grads)")

LIBRARY = {
    "gradient": lambda module: lambda x, target: Saliency(module).attribute(x, target=target, abs=False),
    "input-x-gradient": lambda module: InputXGradient(module).attribute,
    "guided-backprop": lambda module: GuidedBackprop(module).attribute,
    "deconvnet": lambda module: Deconvolution(module).attribute,
}


def close(made: np.ndarray, expected: Tensor, share: float = 1e-5) -> None:
    wanted = expected.detach().numpy()
    assert made.shape == wanted.shape
    assert np.abs(made - wanted).max() <= share * np.abs(wanted).max()


class Modules(nn.Sequential):
    """Every ReLU a module that runs once, as captum needs it."""

    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(2, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 8, 3), nn.BatchNorm2d(8), nn.ReLU(),
            nn.Flatten(), nn.Linear(8 * (SIZE[0] // 2 - 2) * (SIZE[1] // 2 - 2), 20), nn.ReLU(), nn.Linear(20, 3),
        )  # fmt: skip


class Functions(nn.Module):
    """The same network with functional ReLUs, one of them in place."""

    def __init__(self, modules: nn.Sequential) -> None:
        super().__init__()
        self.parts = modules

    def forward(self, x: Tensor) -> Tensor:
        for number, part in enumerate(self.parts):
            x = F.relu(x, inplace=number == 5) if isinstance(part, nn.ReLU) else part(x)
        return x


@pytest.fixture
def picture() -> Tensor:
    return torch.randn((2, *SIZE), generator=torch.Generator().manual_seed(5))


@pytest.mark.parametrize("name", LIBRARY)
@pytest.mark.parametrize("seed", [0, 1])
def test_equals_captum(name: str, seed: int, picture: Tensor) -> None:
    classifier = classified(lively(Modules(), seed), channels=2)
    for target in range(3):
        made = explain(classifier, picture.numpy(), explainer=name, target=target)
        expected = LIBRARY[name](classifier.module)(picture[None].clone().requires_grad_(), target=target)
        close(made.signed, expected[0].sum(0))
        assert made.layer == "input"
        assert made.signed.shape == SIZE


@pytest.mark.parametrize("name", LIBRARY)
def test_equals_captum_on_volumes(name: str, volumes: Classifier, asked_of) -> None:
    x = torch.randn((1, 6, 10, 12), generator=torch.Generator().manual_seed(2))
    made = last_answer(asked_of(volumes, x, name, target=1)).signed
    volumes.module[2].inplace = False  # captum's backward hooks do not bear it
    expected = LIBRARY[name](volumes.module)(x[None].clone().requires_grad_(), target=1)
    close(made, expected[0].sum(0))


@pytest.mark.parametrize("name", ["guided-backprop", "deconvnet"])
def test_functional_and_in_place_relus_follow_the_rule_as_modules_do(name: str, picture: Tensor) -> None:
    modules = lively(Modules())
    as_modules = explain(classified(modules, channels=2), picture.numpy(), explainer=name, target=1).signed
    as_functions = explain(
        classified(Functions(modules), channels=2), picture.numpy(), explainer=name, target=1
    ).signed
    np.testing.assert_array_equal(as_functions, as_modules)
    plain = explain(classified(modules, channels=2), picture.numpy(), explainer="gradient", target=1).signed
    assert np.abs(as_modules - plain).max() > 0.1 * np.abs(plain).max()


def test_guided_grad_cam_equals_captum(picture: Tensor) -> None:
    classifier = classified(lively(Modules()), channels=2)
    made = explain(classifier, picture.numpy(), explainer="guided-grad-cam", layer="3", target=2)
    captum = GuidedGradCam(classifier.module, classifier.module[3])
    expected = captum.attribute(picture[None].clone().requires_grad_(), target=2, interpolate_mode="bilinear")
    close(made.signed, expected[0].sum(0))
    assert made.layer == "3"
    assert made.signed.shape == SIZE


def test_a_network_that_overwrites_its_input_and_a_caller_without_gradients() -> None:
    class Careless(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(12, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.fc(x.mul_(2).flatten(1).relu())

    torch.manual_seed(0)
    careless = wrap_module(Careless().requires_grad_(False), classes=list("ab"), dims=2, input_size=(3, 4))
    x = np.abs(np.random.default_rng(0).normal(size=(1, 3, 4))).astype(np.float32)
    before = x.copy()
    with torch.inference_mode():
        made = explain(careless, x, explainer="gradient", target=0)
    np.testing.assert_array_equal(x, before)
    np.testing.assert_allclose(made.signed, 2 * careless.module.fc.weight[0].reshape(3, 4).numpy(), rtol=1e-6)


@pytest.mark.parametrize(("target", "sign"), [(0, -1), (1, 1)])
def test_one_logit_speaks_for_two_classes(build, batch: Tensor, target: int, sign: int) -> None:
    classifier = build("flat", task="binary", outputs=1)
    x = batch[:1].clone().requires_grad_()
    (expected,) = torch.autograd.grad(classifier.module(x)[0, 0], x)
    made = explain(classifier, batch[0].numpy(), explainer="gradient", target=target)
    close(made.signed, sign * expected[0, 0])


@pytest.mark.parametrize("score", ["logit", "probability", "margin"])
def test_score_types(build, batch: Tensor, score: str) -> None:
    for task in ("multiclass", "multilabel"):
        classifier = build("flat", task=task)
        x = batch[:1].clone().requires_grad_()
        (expected,) = torch.autograd.grad(classifier.scores(classifier.module(x), 2, score).sum(), x)
        made = explain(classifier, batch[0].numpy(), explainer="gradient", target=2, score=score)
        close(made.signed, expected[0, 0])
        assert made.score == score
