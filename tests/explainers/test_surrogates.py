"""LIME and Kernel SHAP: captum's own results on the same segments, exact answers of linear networks, honest fits."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from captum._utils.models.linear_model import SkLearnLasso
from captum.attr import KernelShap, Lime
from torch import Tensor, nn

from tests.explainers.conftest import SIZE, classified, lively
from tests.explainers.networks import VOLUME
from viewer.explainers import question as question_module
from viewer.explainers.asking import last_answer
from viewer.explainers.baselines import baseline_of
from viewer.explainers.declaration import EXPLAINERS, cost
from viewer.explainers.explaining import explain
from viewer.explainers.segments import segments_of
from viewer.foundation.errors import ExplainError, UsageError
from viewer.models.classifier import Classifier

NAMES = ("lime", "kernel-shap")


class Linear(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(nn.Flatten(), nn.Linear(SIZE[0] * SIZE[1], 3))


@pytest.mark.parametrize("name", NAMES)
def test_captum_alone_gives_the_same_coefficients(build, batch: Tensor, name: str) -> None:
    classifier, x = build("residual"), batch[:1]
    made = explain(classifier, x[0].numpy(), explainer=name, target=1, segments=12, samples=60, seed=3)
    segments = torch.from_numpy(made.segments.astype(np.int64) - 1)[None, None]
    # captum draws from the same generator, and fits to the spread of the same scores.
    with torch.no_grad():
        torch.manual_seed(3)
        if name == "lime":
            scores = scores_of_lime(classifier, x, segments)
            torch.manual_seed(3)
            peer = Lime(partial(logit, classifier), SkLearnLasso(alpha=0.01 * scores))
        else:
            peer = KernelShap(partial(logit, classifier))
        expected = peer.attribute(
            x,
            baselines=baseline_of(x, "minimum"),
            feature_mask=segments,
            n_samples=60,
            perturbations_per_eval=4,
        )[0, 0].numpy()
    np.testing.assert_allclose(made.signed, expected, atol=1e-3 * np.abs(expected).max())


def logit(classifier: Classifier, x: Tensor) -> Tensor:
    return classifier.module(x)[:, 1]


def scores_of_lime(classifier: Classifier, x: Tensor, segments: Tensor) -> float:
    """Weighted standard deviation of the scores that captum's samples get."""
    x0, scores, weights = baseline_of(x, "minimum"), [], []
    for _ in range(60):
        on = torch.bernoulli(torch.full((1, int(segments.max()) + 1), 0.5))[0].bool()[segments]
        changed = torch.where(on, x, x0)
        scores.append(float(logit(classifier, changed)[0]))
        cosine = torch.cosine_similarity(x.flatten(), changed.flatten(), dim=0)
        weights.append(float(torch.exp(-((1 - cosine) ** 2) / 2)))
    mean = np.average(scores, weights=weights)
    return float(np.sqrt(np.average((np.array(scores) - mean) ** 2, weights=weights)))


@pytest.mark.parametrize("name", NAMES)
def test_of_a_linear_network_the_model_is_the_network(batch: Tensor, name: str) -> None:
    classifier = classified(lively(Linear()))
    made = explain(
        classifier, batch[0].numpy(), explainer=name, target=1, segments=9, samples=200, baseline="zero"
    )
    parts = classifier.module[1].weight[1].detach().numpy().reshape(SIZE) * batch[0, 0].numpy()
    exact = np.array([parts[made.segments == n].sum() for n in range(1, int(made.segments.max()) + 1)])
    found = np.array([made.signed[made.segments == n][0] for n in range(1, int(made.segments.max()) + 1)])
    allowed = 1e-3 if name == "kernel-shap" else 0.1  # the lasso draws every coefficient nearer to zero
    assert np.abs(found - exact).max() <= allowed * np.abs(exact).max()
    assert made.facts["fit"] > 0.98
    assert "poor-fit" not in made.flags


def test_shapley_values_add_up_to_the_difference_of_the_scores(build, batch: Tensor) -> None:
    classifier = build("flat")
    made = explain(classifier, batch[0].numpy(), explainer="kernel-shap", target=0, segments=10, samples=100)
    with torch.no_grad():
        both = classifier.module(torch.cat([batch[:1], baseline_of(batch[:1], "minimum")]))[:, 0]
    difference = float(both[0] - both[1])
    assert made.facts["score"] == pytest.approx(difference, rel=1e-4)
    assert made.facts["input"] == pytest.approx(difference, rel=0.01)
    assert "incomplete" not in made.flags


@pytest.mark.parametrize("name", NAMES)
def test_a_network_of_noise_has_a_poor_fit_and_says_so(batch: Tensor, name: str) -> None:
    class Parity(nn.Module):
        """As far from linear as can be: what it says jumps with every segment."""

        def __init__(self) -> None:
            super().__init__()
            self.weights = nn.Parameter(
                torch.randn((1, 1, *SIZE), generator=torch.Generator().manual_seed(0))
            )

        def forward(self, x: Tensor) -> Tensor:
            turned = torch.sin(1e4 * (self.weights * x).sum((1, 2, 3)))
            return torch.stack([turned, -turned], dim=1)

    made = explain(
        classified(Parity(), outputs=2), batch[0].numpy(), explainer=name, target=0, segments=12, samples=100
    )
    assert made.facts["fit"] < 0.5
    assert "poor-fit" in made.flags


@pytest.mark.parametrize("name", NAMES)
def test_the_map_follows_from_the_seed_and_is_one_value_a_segment(build, batch: Tensor, name: str) -> None:
    classifier = build("pooled")
    ask = partial(explain, classifier, batch[0].numpy(), explainer=name, target=2, segments=10, samples=40)
    first, again, other = ask(seed=1), ask(seed=1), ask(seed=2)
    np.testing.assert_array_equal(first.signed, again.signed)
    assert not np.array_equal(first.signed, other.signed)
    np.testing.assert_array_equal(first.segments, other.segments)
    for number in range(1, int(first.segments.max()) + 1):
        assert len(np.unique(first.signed[first.segments == number])) == 1
    assert first.provenance["parameters"] == {"segments": 10, "samples": 40, "baseline": "minimum", "seed": 1}
    assert first.provenance["facts"]["segments"] == first.segments.max()


@pytest.mark.parametrize("name", NAMES)
def test_a_coarse_map_comes_soon_and_gets_better(
    build, batch: Tensor, asked_of, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(question_module, "_MOST", 4)
    classifier, state = build("residual"), torch.random.get_rng_state()
    asked = asked_of(classifier, batch[0], name, target=0, segments=12, samples=160)
    answers = list(asked.answers)
    assert answers[0].done <= 16
    assert answers[0].segments is not None
    assert "poor-fit" in answers[0].flags  # too few samples to judge, so it does not pass for a good one
    assert "fit" not in answers[0].facts
    assert [a.done for a in answers] == sorted(a.done for a in answers)
    assert (answers[-1].done, answers[-1].total) == (160, 160)
    last = answers[-1].signed.ravel()
    likeness = [float(np.corrcoef(a.signed.ravel(), last)[0, 1]) for a in answers]
    assert likeness[len(answers) // 2] > 0.9
    torch.testing.assert_close(
        torch.random.get_rng_state(), state
    )  # nobody else's random numbers are touched


@pytest.mark.parametrize("name", NAMES)
def test_volumes_have_supervoxels(volumes: Classifier, name: str) -> None:
    x = np.random.default_rng(0).normal(size=(1, *VOLUME)).astype(np.float32)
    made = explain(volumes, x, explainer=name, segments=8, samples=40)
    assert made.segments.shape == made.signed.shape == VOLUME
    assert 4 <= made.segments.max() <= 12


class Sometimes(nn.Module):
    """No number where the corner is dark."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = lively(Linear())

    def forward(self, x: Tensor) -> Tensor:
        return torch.where((x[:, 0, 0, 0] == 0)[:, None], torch.nan, self.inner(x))


def test_scores_that_are_no_numbers_are_left_out_and_counted(batch: Tensor) -> None:
    classifier, x = classified(Sometimes()), batch[0].numpy().copy()
    x[0, 0, 0] = 1.0
    made = explain(classifier, x, explainer="lime", target=1, segments=9, samples=120, baseline="zero")
    assert 30 < made.facts["left_out"] < 90
    assert made.facts["asked"] == 120
    assert made.facts["fit"] > 0.95
    with pytest.raises(ExplainError, match="is not a finite number"):
        explain(classifier, x, explainer="kernel-shap", target=1, segments=9, samples=120, baseline="zero")


class OneByOne(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = lively(Linear())

    def forward(self, x: Tensor) -> Tensor:
        if len(x) != 1:
            raise RuntimeError("one image at a time")
        return self.inner(x)


@pytest.mark.parametrize("name", NAMES)
def test_a_network_that_refuses_batches_gets_them_one_by_one(batch: Tensor, name: str) -> None:
    ask = partial(explain, explainer=name, target=1, segments=9, samples=30, baseline="zero")
    one, many = classified(OneByOne()), classified(lively(Linear()))
    np.testing.assert_allclose(
        ask(one, batch[0].numpy()).signed, ask(many, batch[0].numpy()).signed, rtol=1e-4, atol=1e-6
    )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("wishes", "why"),
    [
        ({"segments": 1}, "'segments' .* cannot be '1'"),
        ({"segments": 50, "samples": 40}, "40 samples cannot tell .* segments apart"),
    ],
)
def test_numbers_that_do_not_suit_each_other(build, batch: Tensor, name: str, wishes: dict, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        explain(build("pooled"), batch[0].numpy(), explainer=name, **wishes)


def test_segments_are_about_as_many_as_asked_for_and_connected() -> None:
    from skimage.measure import label

    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:96, :80]
    head = ((rows - 48) ** 2 / 40**2 + (columns - 40) ** 2 / 30**2 < 1) * 1.0
    for picture in (
        rng.normal(size=(1, 96, 80)),
        head[None] + 0.1 * rng.normal(size=(1, 96, 80)),
        np.zeros((1, 96, 80)),
        rng.normal(size=(3, 64, 64)),
        rng.normal(size=(1, 16, 24, 24)),
    ):
        for count in (2, 7, 50, 150):
            made = segments_of(picture.astype(np.float32), count)
            assert made.shape == picture.shape[1:]
            assert set(np.unique(made)) == set(range(1, int(made.max()) + 1))
            assert max(2, 0.7 * count) <= made.max() <= max(4, 1.3 * count)
            assert label(made, background=0, connectivity=made.ndim).max() >= made.max()
            np.testing.assert_array_equal(made, segments_of(picture.astype(np.float32), count))


def test_inputs_that_cannot_be_divided() -> None:
    with pytest.raises(UsageError, match="has 6 voxels, fewer than the 7 segments"):
        segments_of(np.zeros((1, 2, 3), np.float32), 7)
    with pytest.raises(ExplainError, match="is one segment"):
        segments_of(np.zeros((1, 1, 2), np.float32), 1)


def test_segments_follow_what_is_there() -> None:
    picture = np.zeros((1, 40, 40), np.float32)
    picture[0, :, 23:] = 1.0
    made = segments_of(picture, 4)
    for number in range(1, int(made.max()) + 1):
        assert len(np.unique(picture[0][made == number])) == 1


def test_a_network_that_does_not_care_has_an_empty_map(batch: Tensor) -> None:
    class Constant(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(3))

        def forward(self, x: Tensor) -> Tensor:
            return self.weight[None] + 0 * x.mean((1, 2, 3))[:, None]

    for name in NAMES:
        made = explain(
            classified(Constant()), batch[0].numpy(), explainer=name, target=1, segments=5, samples=20
        )
        assert made.state == "empty"


def test_a_probability_is_explained_as_well_as_a_logit(build, batch: Tensor) -> None:
    classifier = build("pooled")
    made = explain(
        classifier,
        batch[0].numpy(),
        explainer="lime",
        target=0,
        segments=10,
        samples=200,
        score="probability",
    )
    assert np.count_nonzero(np.unique(made.signed)) > 3


def test_every_sample_costs_less_than_a_pass_and_is_counted() -> None:
    for name in NAMES:
        assert cost(name, {"samples": 400}) == 2 * cost(name, {"samples": 200})
        assert cost(name, {"samples": 100}) < 100
        assert {p.name for p in EXPLAINERS[name].parameters} == {"segments", "samples", "baseline", "seed"}


def test_what_is_there_can_be_kept_when_it_is_dropped(build, batch: Tensor, asked_of) -> None:
    asked = asked_of(build("pooled"), batch[0], "lime", segments=10, samples=200)
    first = next(asked.answers)
    asked.answers.close()
    assert first.done < first.total
    assert first.signed.any()
    again = asked_of(build("pooled"), batch[0], "lime", segments=10, samples=200)
    assert last_answer(again).done == 200
