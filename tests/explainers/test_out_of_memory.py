"""Explanations on demand where memory ends: smaller parts, then the processor, and the answer says so."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from viewer import api
from viewer.explainers import trace_memory
from viewer.explainers.declaration import EXPLAINERS
from viewer.explainers.support import support
from viewer.foundation.errors import ExplainError, ModelError
from viewer.models import memory
from viewer.models.classifier import Classifier

SIZE = (9, 12)
ON_DEMAND = (
    "gradient", "input-x-gradient", "guided-backprop", "deconvnet", "guided-grad-cam", "smoothgrad", "mc-dropout",
    "integrated-gradients", "deep-lift", "gradient-shap", "eigen-cam", "cam",
)  # fmt: skip
FEW = {"samples": 5, "steps": 9}


class Starved(nn.Module):
    """Has memory for so many images."""

    room = 1 << 30

    def forward(self, x: Tensor) -> Tensor:
        if len(x) > self.room:
            raise torch.OutOfMemoryError("out of memory (pretended)")
        return x


@pytest.fixture
def starved() -> Classifier:
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), Starved(), nn.Dropout(0.3), nn.Conv2d(4, 5, 3), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 3),
    )  # fmt: skip
    return api.wrap_module(net, classes=["a", "b", "c"], dims=2, input_size=SIZE)


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(1, *SIZE)).astype(np.float32)


def made(classifier: Classifier, image: np.ndarray, name: str):
    given = {p.name: FEW[p.name] for p in EXPLAINERS[name].parameters if p.name in FEW}
    return api.explain(classifier, image, explainer=name, layer="5", target=1, **given)


@pytest.mark.parametrize("name", ["smoothgrad", "integrated-gradients", "gradient-shap", "deep-lift"])
def test_fewer_images_at_a_time_make_the_same_map(
    starved: Classifier, image: np.ndarray, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = made(starved, image, name)
    monkeypatch.setattr(Starved, "room", 2)
    parts = made(starved, image, name)
    np.testing.assert_allclose(parts.signed, whole.signed, atol=1e-6 * float(np.abs(whole.signed).max()))
    assert "fell-back-to-cpu" not in parts.flags


@pytest.mark.parametrize("name", ON_DEMAND)
def test_then_the_processor_makes_it_and_says_so(
    starved: Classifier, image: np.ndarray, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = made(starved, image, name)

    real, tries = memory.in_fitting_parts, []

    def first_device_is_full(classifier: Classifier, batch: Tensor, run: Callable) -> object:
        """The device of the network is a small one; the processor behind it is not."""
        if getattr(classifier, "behind", False):
            return real(classifier, batch, run)
        tries.append(len(batch))
        return [run(batch[n : n + 1]) for n in range(len(batch))], (memory.FELL_BACK,)

    monkeypatch.setattr("viewer.explainers.passes.in_fitting_parts", first_device_is_full)
    fallen = made(starved, image, name)
    assert tries
    assert "fell-back-to-cpu" in fallen.flags
    np.testing.assert_allclose(fallen.signed, whole.signed, atol=1e-6 * float(np.abs(whole.signed).max()))


@pytest.mark.parametrize("name", ON_DEMAND)
def test_where_one_image_is_too_much_it_is_one_sentence(
    starved: Classifier, image: np.ndarray, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(starved, image, name)
    monkeypatch.setattr(Starved, "room", 0)
    with pytest.raises((ModelError, torch.OutOfMemoryError), match="memory"):
        made(starved, image, name)
    assert not any(m._forward_hooks or m._backward_hooks for m in starved.module.modules())


def test_a_gradient_of_the_input_that_cannot_fit_is_refused_before_it_begins(
    starved: Classifier, image: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trace_memory, "free_bytes", lambda _: 1000)
    assert "gradient of the input takes" in support(starved, "gradient")
    with pytest.raises(ExplainError, match="late one"):
        made(starved, image, "gradient")
    assert math.prod(SIZE) * 4 < 1000
