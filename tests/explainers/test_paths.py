"""Integrated gradients, DeepLift and gradient SHAP, against captum and by their axioms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from captum.attr import DeepLift, IntegratedGradients
from torch import Tensor, nn

from tests.explainers.conftest import SIZE, Pooled, classified, lively
from tests.explainers.test_gradients import Modules, close
from viewer.explainers import question as question_module
from viewer.explainers.asking import Asked, last_answer
from viewer.explainers.baselines import baseline_of
from viewer.explainers.explaining import explain
from viewer.foundation.errors import ExplainError
from viewer.models.classifier import Classifier

pytestmark = pytest.mark.filterwarnings("ignore:.*(hooks|requires_grad|required_grads)")


def missed(asked: Asked, map_: np.ndarray, baseline: str) -> float:
    """How far a map is from adding up, as a share of the difference of the scores."""
    classifier, x, target = asked.question.classifier, asked.question.batch, asked.question.target
    with torch.no_grad():
        after, before = classifier.module(torch.cat([x, baseline_of(x, baseline)]))[:, target].tolist()
    return abs(float(map_.sum()) - (after - before)) / abs(after - before)


@pytest.mark.parametrize("name", ["pooled", "flat", "residual", "functional-in-place", "branched"])
def test_integrated_gradients_equals_captum_on_the_same_points(build, batch: Tensor, name: str) -> None:
    classifier = build(name)
    for baseline in ("zero", "minimum"):
        made = explain(
            classifier,
            batch[0].numpy(),
            explainer="integrated-gradients",
            target=1,
            steps=20,
            baseline=baseline,
        )
        expected = IntegratedGradients(classifier.module).attribute(
            batch[:1], baseline_of(batch[:1], baseline), target=1, n_steps=20, method="gausslegendre"
        )
        close(made.signed, expected[0].sum(0))


@pytest.mark.parametrize("name", ["pooled", "residual", "functional-in-place", "branched"])
@pytest.mark.parametrize("baseline", ["minimum", "mean", "blur", "-3"])
def test_integrated_gradients_is_complete_within_one_percent(
    build, batch: Tensor, asked_of, name: str, baseline: str
) -> None:
    asked = asked_of(build(name), batch[0], "integrated-gradients", target=0, steps=100, baseline=baseline)
    found = last_answer(asked)
    assert missed(asked, found.signed, baseline) <= 0.01
    assert found.flags == ()


def test_too_few_steps_are_flagged(build, batch: Tensor) -> None:
    made = explain(
        build("flat"), batch[0].numpy(), explainer="integrated-gradients", target=0, steps=2, baseline="zero"
    )
    assert "incomplete" in made.flags


def test_integrated_gradients_come_step_by_step_and_the_first_steps_resemble_the_last(
    build, batch: Tensor, asked_of, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(question_module, "_MOST", 8)
    answers = list(asked_of(build("residual"), batch[0], "integrated-gradients", target=0).answers)
    assert [(a.done, a.total) for a in answers] == [(n, 50) for n in (8, 16, 24, 32, 40, 48, 50)]
    last = answers[-1].signed.ravel()
    likeness = [float(np.corrcoef(a.signed.ravel(), last)[0, 1]) for a in answers]
    assert likeness[0] > 0.9
    assert likeness[2] > 0.98


@pytest.mark.parametrize("baseline", ["zero", "minimum"])
@pytest.mark.parametrize("seed", [0, 1])
def test_deep_lift_equals_captum(baseline: str, seed: int) -> None:
    x = torch.randn((2, *SIZE), generator=torch.Generator().manual_seed(5))
    classifier = classified(lively(Modules(), seed), channels=2)
    made = explain(classifier, x.numpy(), explainer="deep-lift", target=1, baseline=baseline)
    expected = DeepLift(classifier.module).attribute(
        x[None].clone().requires_grad_(), baseline_of(x[None], baseline), target=1
    )
    close(made.signed, expected[0].sum(0))


def test_deep_lift_adds_up_on_relus_that_work_in_place(volumes: Classifier, asked_of) -> None:
    x = torch.randn((1, 6, 10, 12), generator=torch.Generator().manual_seed(2))
    asked = asked_of(volumes, x, "deep-lift", target=2, baseline="zero")
    found = last_answer(asked)
    assert volumes.module[2].inplace
    assert (
        found.flags == () or missed(asked, found.signed, "zero") > 0.01
    )  # max-pools may break the sum: flagged
    pooled = classified(lively(Pooled()))
    asked = asked_of(pooled, torch.randn((1, *SIZE)), "deep-lift", target=2, baseline="zero")
    assert missed(asked, last_answer(asked).signed, "zero") <= 1e-3


def test_deep_lift_of_what_it_cannot_follow_is_refused(build, batch: Tensor) -> None:
    for name, why in (
        ("residual", "more than once"),
        ("branched", "not"),
        ("functional-in-place", "are not"),
    ):
        with pytest.raises(ExplainError, match=why):
            explain(build(name), batch[0].numpy(), explainer="deep-lift")


class Linear(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(nn.Flatten(), nn.Linear(SIZE[0] * SIZE[1], 3))


def test_on_a_linear_network_all_paths_are_one(batch: Tensor) -> None:
    classifier = classified(lively(Linear()))
    weights = classifier.module[1].weight[1].reshape(SIZE)
    x = batch[0]
    exact = ((x - x.min()) * weights)[0]
    for name, parameters in (
        ("integrated-gradients", {"steps": 2}),
        ("deep-lift", {}),
        ("gradient-shap", {"samples": 3, "noise": 0}),
    ):
        close(explain(classifier, x.numpy(), explainer=name, target=1, **parameters).signed, exact)
    noisy = explain(classifier, x.numpy(), explainer="gradient-shap", target=1, samples=400, noise=0.1)
    sigma = 0.1 * float(x.max() - x.min()) * weights.abs().detach().numpy()
    np.testing.assert_allclose(noisy.deviation, sigma, rtol=0.2)  # of 400 samples
    assert np.abs(noisy.signed - exact.detach().numpy()).max() <= 5 * sigma.max() / 20


def test_gradient_shap_without_noise_tends_to_integrated_gradients(build, batch: Tensor) -> None:
    classifier = build("residual")
    paths = explain(
        classifier, batch[0].numpy(), explainer="integrated-gradients", target=0, steps=200
    ).signed
    sampled = explain(
        classifier, batch[0].numpy(), explainer="gradient-shap", target=0, samples=1000, noise=0.0
    ).signed
    assert np.corrcoef(paths.ravel(), sampled.ravel())[0, 1] > 0.995


def test_baselines() -> None:
    x = torch.randn((1, 2, 30, 20))
    assert not baseline_of(x, "zero").any()
    assert (baseline_of(x, "-1.5") == -1.5).all()
    torch.testing.assert_close(baseline_of(x, "minimum")[0, 1], x[0, 1].min().expand(30, 20))
    torch.testing.assert_close(baseline_of(x, "mean")[0, 0], x[0, 0].mean().expand(30, 20))
    blurred = baseline_of(x, "blur")
    assert blurred.std() < 0.4 * x.std()
    torch.testing.assert_close(baseline_of(torch.ones_like(x), "blur"), torch.ones_like(x))
