"""What holds for every explainer: the network is left as it was found, and the map depends on what it has learned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.explainers.conftest import SIZE, Pooled, Residual, classified, lively
from tests.explainers.networks import Segmenting
from viewer import api
from viewer.explainers import question as question_module
from viewer.explainers.added_explainers import ADDED
from viewer.explainers.asking import Asked
from viewer.explainers.declaration import EXPLAINERS
from viewer.explainers.explaining import explain
from viewer.explainers.methods import explainer as function_of
from viewer.explainers.support import support
from viewer.foundation import paths
from viewer.foundation.errors import (
    Cancelled,
    ExplainError,
    ModelError,
    PluginError,
    UsageError,
    WhySliceError,
)
from viewer.models.classifier import Classifier
from viewer.models.loading import wrap_module

BUILT_IN = [name for name, info in EXPLAINERS.items() if info.family != "baseline" and name not in ADDED]
SHORT: dict[str, dict[str, Any]] = {
    "smoothgrad": {"samples": 3},
    "gradient-shap": {"samples": 3},
    "integrated-gradients": {"steps": 3},
    "mc-dropout": {"samples": 3},
    "occlusion": {"patch": 2, "stride": 2},
    "lime": {"segments": 3, "samples": 20},
    "kernel-shap": {"segments": 3, "samples": 20},
}
ANSWERS = {"smoothgrad": 3, "gradient-shap": 3, "integrated-gradients": 3, "mc-dropout": 3}
COARSE_FIRST = ("occlusion", "lime", "kernel-shap", "score-cam")
"""Their answers get finer; how many there are depends on how long a pass takes."""


def subject(name: str) -> tuple[Classifier, Tensor]:
    """A network that an explainer can be asked about, everything about it unusual, and an input."""
    if EXPLAINERS[name].segmentation_only:
        module: nn.Module = lively(Segmenting())
        classifier = wrap_module(module, classes=list("abc"), dims=2, input_size=SIZE, task="segmentation")
    else:
        module = lively(Pooled() if name in ("cam", "deep-lift") else Residual())
        if name == "mc-dropout":
            module = nn.Sequential(nn.Dropout2d(0.2), module)
        classifier = classified(module)
    module.train()  # as a careless caller leaves it
    for number, parameter in enumerate(module.parameters()):
        parameter.requires_grad_(number % 2 == 0)
        parameter.grad = torch.full_like(parameter, float(number))
    return classifier, torch.randn((1, *SIZE), generator=torch.Generator().manual_seed(1))


def state_of(module: nn.Module) -> dict[str, Any]:
    """Everything about a network that an explainer might leave behind."""
    state: dict[str, Any] = {f"tensor {k}": v.clone() for k, v in module.state_dict().items()}
    for name, p in module.named_parameters():
        state |= {f"grad {name}": p.grad.clone(), f"wanted {name}": p.requires_grad}
    for name, m in module.named_modules():
        state |= {f"mode {name}": m.training, f"inplace {name}": getattr(m, "inplace", None)}
        state[f"attributes {name}"] = sorted(vars(m))
        for hooks in ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks"):
            state[f"{hooks} {name}"] = len(getattr(m, hooks))
    return state


def same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return a.keys() == b.keys() and all(
        torch.equal(a[k], b[k]) if isinstance(a[k], Tensor) else a[k] == b[k] for k in a
    )


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(question_module, "_MOST", 1)


Begin = Callable[..., Asked]


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_network_is_as_it_was_between_answers_and_afterwards(name: str, asked_of: Begin) -> None:
    classifier, x = subject(name)
    before, inputs = state_of(classifier.module), x.clone()
    asked = asked_of(classifier, x, name, target=1, **SHORT.get(name, {}))
    assert same(state_of(classifier.module), before)
    answers = []
    for found in asked.answers:
        answers.append(found)
        assert same(state_of(classifier.module), before)
        # Other work comes in between, as on a shared compute lane.
        explain(classifier, x.numpy(), explainer="gradient", target=0)
    if name in COARSE_FIRST:
        assert len(answers) >= 1
        assert [each.done for each in answers] == sorted({each.done for each in answers})
    else:
        assert len(answers) == ANSWERS.get(name, 1)
    assert answers[-1].done == answers[-1].total
    assert torch.equal(x, inputs)
    undisturbed = explain(classifier, x.numpy(), explainer=name, target=1, **SHORT.get(name, {}))
    np.testing.assert_array_equal(undisturbed.signed, answers[-1].signed)


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_network_is_as_it_was_after_cancellation(name: str) -> None:
    classifier, x = subject(name)
    before = state_of(classifier.module)

    class Impatient:
        def report(self, done: int, total: int, text: str = "") -> None:
            raise Cancelled

    with pytest.raises(Cancelled):
        explain(classifier, x.numpy(), explainer=name, progress=Impatient(), **SHORT.get(name, {}))
    assert same(state_of(classifier.module), before)


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_network_is_as_it_was_after_an_error(name: str, asked_of: Begin) -> None:
    classifier, x = subject(name)
    before = state_of(classifier.module)
    asked = asked_of(classifier, x, name, target=1, **SHORT.get(name, {}))
    broken = asked.question.about(
        asked.question.batch[:, :, :2, :2].repeat(1, 3, 1, 1)
    )  # three channels for one
    with pytest.raises(WhySliceError, match="cannot take an input"):
        list(function_of(name, "gradient")(broken))
    assert same(state_of(classifier.module), before)


@pytest.fixture(scope="module")
def trained() -> Classifier:
    return api.load_model("stroke-shallow", "cpu")


@pytest.fixture(scope="module")
def demo() -> api.MedicalImage:
    return api.read_image(paths.resources() / "demo" / "stroke-demo" / "image.nii.gz")


WARNED = [name for name in BUILT_IN if EXPLAINERS[name].warning]


PERTURBING: dict[str, dict[str, Any]] = {
    "occlusion": {"patch": 32, "stride": 32},
    "score-cam": {"layer": "relu2"},
    "lime": {"segments": 20, "samples": 40},
    "kernel-shap": {"segments": 20, "samples": 40},
}
"""They see what the network says about altered images, so they are asked about the one that has learned more."""


@pytest.mark.parametrize("name", [n for n in BUILT_IN if n not in ("cam", "seg-grad-cam", *PERTURBING)])
def test_weights_at_random_change_the_map_of_a_trained_model(
    trained: Classifier, demo: api.MedicalImage, name: str
) -> None:
    """Rank correlation of the maps before and after all weights are drawn anew (Adebayo et al. 2018)."""
    given = {
        "smoothgrad": {"samples": 8},
        "gradient-shap": {"samples": 8},
        "integrated-gradients": {"steps": 16},
    }
    found = [
        explain(model, demo, explainer=name, target="stroke", slice=16, **given.get(name, {})).signed.ravel()
        for model in (trained, randomised(trained))
    ]
    likeness = abs(rank_correlation(*found))
    if name not in WARNED:
        assert likeness < 0.5, f"{name}: {likeness:.2f}"


@pytest.mark.slow
@pytest.mark.parametrize("name", PERTURBING)
def test_weights_at_random_change_what_altered_images_show(demo: api.MedicalImage, name: str) -> None:
    """The mean over three draws: one random network may happen to answer to brightness as a trained one does."""
    learned = api.load_model("stroke-gap", "cpu")
    before, *after = (
        explain(model, demo, explainer=name, target="stroke", slice=16, **PERTURBING[name]).signed.ravel()
        for model in (learned, *(randomised(learned, seed) for seed in (5, 6, 7)))
    )
    likeness = float(np.mean([rank_correlation(before, each) for each in after]))
    assert abs(likeness) < 0.5, f"{name}: {likeness:.2f}"


def randomised(trained: Classifier, seed: int = 5) -> Classifier:
    from copy import deepcopy

    module = deepcopy(trained.module)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            spread = parameter.std() if parameter.numel() > 1 else 0.1
            parameter.copy_(parameter.mean() + spread * torch.randn(parameter.shape, generator=generator))
    return Classifier(trained.card, module)


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    ranks = [np.argsort(np.argsort(values)).astype(float) for values in (a, b)]
    return float(np.corrcoef(*ranks)[0, 1])


# --- bad input ---


def test_bad_input_is_one_sentence(build, batch: Tensor) -> None:
    pooled, x = build("pooled"), batch[0].numpy()
    cases: list[tuple[type[Exception], str, dict[str, Any]]] = [
        (UsageError, "nearest: relu1", {"explainer": "eigen-cam", "layer": "relu11"}),
        (UsageError, "no class 'clas1'; nearest: class", {"explainer": "gradient", "target": "clas1"}),
        (UsageError, "no class '7'", {"explainer": "gradient", "target": 7}),
        (
            ExplainError,
            "nothing with an extent in space",
            {"explainer": "guided-grad-cam", "layer": "linear"},
        ),
        (UsageError, "nearest: .*deconvnet", {"explainer": "deconvnets"}),
        (UsageError, "from 2 to 1000", {"explainer": "integrated-gradients", "steps": 0}),
        (UsageError, "There is no score", {"explainer": "gradient", "score": "odds"}),
    ]
    for kind, sentence, wishes in cases:
        with pytest.raises(kind, match=sentence) as caught:
            explain(pooled, x, **wishes)
        assert "\n" not in str(caught.value)


def test_numbers_that_are_not_finite_are_refused_for_every_explainer(build, batch: Tensor) -> None:
    classifier = build("pooled")
    x = batch[0].numpy().copy()
    x[0, 3, 3] = np.nan
    for name in BUILT_IN:
        if name != "seg-grad-cam":
            with pytest.raises(ModelError, match="not a finite number"):
                explain(classifier, x, explainer=name, **SHORT.get(name, {}))


def test_an_input_smaller_than_the_stride_is_refused() -> None:
    module = nn.Sequential(
        nn.Conv2d(1, 2, 3),
        nn.ReLU(),
        nn.MaxPool2d(16),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(2, 2),
    )
    classifier = wrap_module(module.eval(), classes=list("ab"), dims=2, input_size=(40, 40))
    with pytest.raises(WhySliceError, match=r"cannot take an input of shape \(1, 8, 8\): it is made for "):
        explain(classifier, np.ones((1, 8, 8), np.float32), explainer="gradient")


def test_a_network_without_a_gradient_is_refused() -> None:
    class Sealed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(1, 2, 3)

        def forward(self, x: Tensor) -> Tensor:
            with torch.no_grad():
                return self.conv(x).mean((2, 3))

    sealed = wrap_module(Sealed().eval(), classes=list("ab"), dims=2, input_size=SIZE)
    x = np.ones((1, *SIZE), np.float32)
    for name in ("gradient", "guided-backprop", "integrated-gradients", "deep-lift"):
        with pytest.raises(ExplainError, match="[Nn]o gradient"):
            explain(sealed, x, explainer=name)
        assert "radient" in support(sealed, name)
    assert "No gradient reaches the layer 'conv'" in support(sealed, "guided-grad-cam", "conv")
    assert support(sealed, "eigen-cam", "conv") == ""


# --- support ---


def test_a_network_without_relus_has_no_guided_maps(build, batch: Tensor) -> None:
    smooth = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.Tanh(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)
    )
    classifier = classified(lively(smooth))
    for name in ("guided-backprop", "deconvnet", "guided-grad-cam"):
        assert "has no ReLU that can be found" in support(classifier, name)
        assert support(build("functional-in-place"), name) == ""
    assert "has no ReLU" in support(classifier, "smoothgrad", parameters={"of": "deconvnet"})
    with pytest.raises(ExplainError, match="under another name"):
        explain(classifier, batch[0].numpy(), explainer="guided-backprop")


def test_support_gives_reasons_once_and_keeps_them(build, monkeypatch: pytest.MonkeyPatch) -> None:
    classifier = build("residual")
    first = {name: support(classifier, name) for name in BUILT_IN}
    assert {name for name, why in first.items() if why} == {"deep-lift", "seg-grad-cam", "mc-dropout"}
    calls = []
    monkeypatch.setattr(type(classifier.module), "forward", lambda *a: calls.append(1))
    assert {name: support(classifier, name) for name in BUILT_IN} == first
    assert not calls
    assert "nearest" in support(classifier, "grad-cam", "relu#9")
    flat = build("flat")
    assert "extent in space" in support(flat, "grad-cam", "head.1")


# --- plugins ---


def test_an_explainer_of_a_plugin_is_one_among_the_others(build, batch: Tensor) -> None:
    api.load_model("stroke-shallow", "cpu")  # brings the bundled plugins
    assert "brightness" in EXPLAINERS
    made = explain(build("pooled"), batch[0].numpy(), explainer="brightness", quantile=0.9)
    expected = batch[0, 0] - batch[0, 0].quantile(0.9)
    np.testing.assert_allclose(made.signed, expected, rtol=1e-5, atol=1e-6)
    assert (made.layer, made.raw.shape) == ("input", SIZE)
    with pytest.raises(UsageError, match="from 0 to 1"):
        explain(build("pooled"), batch[0].numpy(), explainer="brightness", quantile=2)
    smooth = explain(build("pooled"), batch[0].numpy(), explainer="smoothgrad", of="brightness", samples=3)
    assert smooth.deviation is not None


def test_a_name_is_taken_once_and_contradictions_are_refused() -> None:
    def nothing(question: api.Question) -> Any:
        yield from ()

    info = EXPLAINERS["gradient"]
    with pytest.raises(PluginError, match="two explainers named 'gradient'"):
        api.register_explainer(info, nothing)
    new = {"title": "New", "family": "own", "needs_layer": False, "dims": (2,), "summary": "New."}
    with pytest.raises(PluginError, match="cannot be in the atlas"):
        api.register_explainer(api.ExplainerInfo("new", in_atlas=True, **new), nothing)
    with pytest.raises(PluginError, match="does not have"):
        api.register_explainer(api.ExplainerInfo("new", repeats="samples", **new), nothing)
    bad = api.Parameter("samples", "int", 5, 10, 20)
    with pytest.raises(UsageError, match="from 10 to 20"):
        api.register_explainer(api.ExplainerInfo("new", parameters=(bad,), **new), nothing)
    assert "new" not in EXPLAINERS
