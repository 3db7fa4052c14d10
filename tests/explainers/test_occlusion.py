"""Occlusion equals captum's, however it is computed; says how; survives what networks do."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from captum.attr import Occlusion
from torch import Tensor, nn

from tests.explainers.conftest import ARCHITECTURES, SIZE, lively
from tests.explainers.networks import VOLUME, Pooled3d
from viewer.explainers import occlusion as room
from viewer.explainers.asking import last_answer
from viewer.explainers.baselines import baseline_of
from viewer.explainers.explaining import explain
from viewer.explainers.incremental.latest import forget_kept_pass
from viewer.foundation.errors import Cancelled, ExplainError, UsageError
from viewer.models.classifier import Classifier
from viewer.models.loading import wrap_module


def by_captum(
    function: Callable[[Tensor], Tensor], x: Tensor, patch: int, stride: int, baseline: Tensor
) -> np.ndarray:
    """Of scores (image,), with a window over all channels."""
    dims = x.ndim - 2
    with torch.no_grad():
        made = Occlusion(function).attribute(
            x,
            sliding_window_shapes=(x.shape[1], *(patch,) * dims),
            strides=(x.shape[1], *(stride,) * dims),
            baselines=baseline,
            perturbations_per_eval=4,
        )
    return made[0, 0].numpy()


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """The incremental way is taken wherever it is right: on networks of this size it may not be faster."""
    monkeypatch.setattr(room, "_WORTH_IT", np.inf)


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize(
    ("name", "patch", "stride", "baseline"),
    [
        ("pooled", 8, 4, "zero"),
        ("flat", 7, 5, "mean"),
        ("branched", 9, 9, "blur"),
        ("residual", 32, 5, "minimum"),
        ("functional-in-place", 6, 5, "-0.3"),
    ],
)
def test_equals_captum_in_both_precisions(
    build, batch: Tensor, name: str, patch: int, stride: int, baseline: str
) -> None:
    for dtype, allowed in ((torch.float32, 1e-3), (torch.float64, 1e-6)):
        classifier = build(name)
        classifier.module.to(dtype)
        x = batch[:1].to(dtype)
        expected = by_captum(
            lambda part, c=classifier: c.module(part)[:, 1], x, patch, stride, baseline_of(x, baseline)
        )
        made = explain(
            classifier,
            batch[0].numpy(),
            explainer="occlusion",
            target=1,
            patch=patch,
            stride=stride,
            baseline=baseline,
        )
        assert np.abs(made.signed - expected).max() <= allowed * np.abs(expected).max()
        assert room.INCREMENTAL in made.flags
        assert made.layer == "input"


@pytest.mark.usefixtures("always")
def test_equals_captum_on_volumes(volumes: Classifier) -> None:
    x = torch.randn((1, 1, *VOLUME), generator=torch.Generator().manual_seed(7))
    expected = by_captum(lambda part: volumes.module(part)[:, 2], x, 4, 3, torch.zeros_like(x))
    made = explain(volumes, x[0].numpy(), explainer="occlusion", target=2, patch=4, stride=3, baseline=0)
    assert np.abs(made.signed - expected).max() <= 1e-3 * np.abs(expected).max()
    assert room.INCREMENTAL in made.flags


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("score", ["probability", "margin"])
@pytest.mark.parametrize("task", ["multiclass", "multilabel", "binary"])
def test_every_score_of_every_task(build, batch: Tensor, task: str, score: str) -> None:
    outputs = 1 if task == "binary" else 3
    classifier = build("pooled", task=task, outputs=outputs)

    def scores(part: Tensor) -> Tensor:
        return classifier.scores(classifier.module(part), 1, score)

    expected = by_captum(scores, batch[:1], 8, 4, torch.zeros_like(batch[:1]))
    made = explain(
        classifier,
        batch[0].numpy(),
        explainer="occlusion",
        target=1,
        score=score,
        patch=8,
        stride=4,
        baseline=0,
    )
    assert np.abs(made.signed - expected).max() <= 1e-3 * np.abs(expected).max()


def test_a_softmax_inside_is_seen_through_on_either_way(build, batch: Tensor, monkeypatch) -> None:
    inner = lively(ARCHITECTURES["pooled"]())
    plain = explain(build(inner), batch[0].numpy(), explainer="occlusion", target=1, patch=8, stride=4)
    squashed = build(nn.Sequential(inner, nn.Softmax(1)))
    for worth_it in (0.0, np.inf):
        monkeypatch.setattr(room, "_WORTH_IT", worth_it)
        room._faster.clear()
        made = explain(squashed, batch[0].numpy(), explainer="occlusion", target=1, patch=8, stride=4)
        np.testing.assert_allclose(made.signed, plain.signed, atol=1e-4 * np.abs(plain.signed).max())
        assert "softmax-inside" in made.flags


def test_a_segmentation_is_asked_about_its_region(segmenting: Classifier) -> None:
    space = segmenting.card.input.size
    x = torch.randn((1, 1, *space), generator=torch.Generator().manual_seed(7))
    mask = np.zeros(space, bool)
    mask[..., :4] = True

    def scores(part: Tensor) -> Tensor:
        out = segmenting.module(part)[:, 1]
        return out[..., :2].flatten(1).sum(1)

    expected = by_captum(scores, x, 4, 2, torch.zeros_like(x))
    made = explain(
        segmenting,
        x[0].numpy(),
        explainer="occlusion",
        target=1,
        region=mask,
        patch=4,
        stride=2,
        baseline="zero",
    )
    assert np.abs(made.signed - expected).max() <= 1e-3 * np.abs(expected).max()


def test_a_network_that_is_no_graph_gets_full_passes_and_the_answer_says_so(build, batch: Tensor) -> None:
    class Choosing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = lively(ARCHITECTURES["pooled"]())

        def forward(self, x: Tensor) -> Tensor:
            return self.inner(x if x.sum() > -1e9 else -x)

    made = explain(build(Choosing()), batch[0].numpy(), explainer="occlusion", target=1, patch=8, stride=4)
    plain = explain(build("pooled"), batch[0].numpy(), explainer="occlusion", target=1, patch=8, stride=4)
    assert room.FULL_PASSES in made.flags
    np.testing.assert_allclose(made.signed, plain.signed, atol=1e-4 * np.abs(plain.signed).max())


def test_an_incremental_result_that_is_not_the_same_is_not_used(build, batch: Tensor, monkeypatch) -> None:
    """A step that looks pointwise and is not: found out by the windows that are tried."""

    class Sly(nn.ReLU):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) - x.mean((2, 3), keepdim=True)

    Sly.__module__ = "torch.nn.sly"  # recorded as one step
    module = lively(
        nn.Sequential(nn.Conv2d(1, 4, 3), Sly(), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(4, 3))
    )
    x = batch[:1]
    expected = by_captum(lambda part: module(part)[:, 1], x, 8, 4, torch.zeros_like(x))
    monkeypatch.setattr(room, "_WORTH_IT", np.inf)
    made = explain(
        build(module), batch[0].numpy(), explainer="occlusion", target=1, patch=8, stride=4, baseline="zero"
    )
    assert room.FULL_PASSES in made.flags
    np.testing.assert_allclose(made.signed, expected, atol=1e-3 * np.abs(expected).max())


def test_one_image_at_a_time(batch: Tensor, build) -> None:
    class Single(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = lively(ARCHITECTURES["flat"]())

        def forward(self, x: Tensor) -> Tensor:
            return self.inner(x.reshape(1, 1, *SIZE))

    made = explain(build(Single()), batch[0].numpy(), explainer="occlusion", target=1, patch=8, stride=8)
    plain = explain(build("flat"), batch[0].numpy(), explainer="occlusion", target=1, patch=8, stride=8)
    assert "one-by-one" in made.flags
    assert room.FULL_PASSES in made.flags
    np.testing.assert_allclose(made.signed, plain.signed, atol=1e-4 * np.abs(plain.signed).max())


@pytest.mark.parametrize("way", ["incremental", "full"])
def test_scores_that_are_no_numbers_are_counted_and_left_out(build, asked_of, way: str, monkeypatch) -> None:
    """The score is the mean of 1 / pixel of one corner: covering it with zero makes it infinite."""

    class Corner(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(1, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.fc(x.mean((2, 3))) + 1 / x[:, :, 0, 0]

    monkeypatch.setattr(room, "_WORTH_IT", np.inf if way == "incremental" else 0.0)
    x = torch.rand((1, *SIZE), generator=torch.Generator().manual_seed(1)) + 1
    found = last_answer(
        asked_of(build(Corner().eval()), x, "occlusion", target=0, patch=8, stride=4, baseline="zero")
    )
    assert found.facts == {"asked": 7 * 9, "left_out": 1}
    assert found.done == found.total == 7 * 9
    assert np.isfinite(found.signed).all()
    assert (found.signed[:4, :4] == 0).all()  # no other window covers the corner
    assert (found.signed[8:, 8:] != 0).all()


def test_without_any_number_there_is_no_map(build, asked_of) -> None:
    class Only(nn.Module):
        """Says a number about one image alone."""

        def forward(self, x: Tensor) -> Tensor:
            same = (x == whole).flatten(1).all(1)
            return torch.where(same, 1.0, torch.nan)[:, None] * torch.ones(3)

    whole = torch.rand((1, *SIZE), generator=torch.Generator().manual_seed(1)) + 1
    for name, parameters in (
        ("occlusion", {"patch": 8, "stride": 8}),
        ("lime", {"segments": 9, "samples": 20}),
    ):
        asked = asked_of(build(Only().eval()), whole, name, target=0, **parameters)
        with pytest.raises(ExplainError, match=r"None of \d+ changed inputs got a finite score"):
            last_answer(asked)


def test_answers_get_better_and_the_first_is_a_coarse_map_of_everything(
    build, batch: Tensor, asked_of
) -> None:
    answers = list(asked_of(build("flat"), batch[0], "occlusion", target=1, patch=4, stride=2).answers)
    assert answers[0].done <= 9
    assert [a.done for a in answers] == sorted({a.done for a in answers})
    assert answers[-1].done == answers[-1].total == 15 * 19
    off = [float(np.abs(a.signed - answers[-1].signed).mean()) for a in answers]
    assert off[0] > off[len(off) // 2] > off[-1] == 0
    assert answers[0].signed.std() > 0


def test_an_explanation_that_was_left_goes_on_after_another_took_its_place(
    build, batch: Tensor, asked_of
) -> None:
    classifier = build("pooled")
    alone = [
        last_answer(asked_of(classifier, x, "occlusion", target=1, patch=8, stride=4)).signed for x in batch
    ]
    talks = [asked_of(classifier, x, "occlusion", target=1, patch=8, stride=4).answers for x in batch]
    last: list[np.ndarray] = [np.empty(0)] * 2
    for pair in zip(*talks, strict=True):
        last = [found.signed for found in pair]
    forget_kept_pass()
    for made, expected in zip(last, alone, strict=True):
        np.testing.assert_allclose(made, expected, atol=1e-5 * np.abs(expected).max())


def test_weights_that_change_between_two_explanations_are_seen(build, batch: Tensor) -> None:
    classifier = build("pooled")
    array = batch[0].numpy()

    def made() -> np.ndarray:
        return explain(classifier, array, explainer="occlusion", target=1, patch=8, stride=4).signed

    before = made()
    with torch.no_grad():
        classifier.module.linear.weight.mul_(2)
    np.testing.assert_allclose(made(), 2 * before, atol=1e-4 * np.abs(before).max())


def test_it_is_stopped_between_windows(build, batch: Tensor, asked_of) -> None:
    class Stopping:
        def report(self, done: int, total: int, text: str = "") -> None:
            if done >= 9:
                raise Cancelled

    asked = asked_of(build("pooled"), batch[0], "occlusion", target=1, patch=4, stride=1, progress=Stopping())
    with pytest.raises(Cancelled):
        last_answer(asked)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"patch": 0}, "The parameter 'patch' of 'occlusion' cannot be '0': it is a whole number from 1"),
        ({"stride": 0}, "The parameter 'stride' of 'occlusion' cannot be '0'"),
        ({"patch": 500}, "A patch of 500 rows is larger than the network's input of 32"),
        ({"patch": 4, "stride": 8}, "A stride of 8 rows with a patch of 4 leaves voxels"),
        ({"patch": "4,x"}, "cannot be 'x'"),
        ({"baseline": "white"}, "minimum, zero, mean, blur or a number"),
    ],
)
def test_bad_parameters_are_one_sentence(build, batch: Tensor, given: dict, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        explain(build("pooled"), batch[0].numpy(), explainer="occlusion", target=1, **given)
    assert sentence in caught.value.sentence


def test_a_patch_for_each_axis(volumes: Classifier) -> None:
    x = np.random.default_rng(0).normal(size=(1, *VOLUME)).astype(np.float32)
    texts = explain(volumes, x, explainer="occlusion", target=0, patch="2,5,4", stride="1,5,4")
    numbers = explain(volumes, x, explainer="occlusion", target=0, patch=(2, 5, 4), stride=[1, 5, 4])
    np.testing.assert_array_equal(texts.signed, numbers.signed)
    assert numbers.parameters["patch"] == "2,5,4"
    assert len(np.unique(texts.signed[:, 0, 0].round(6))) == 6  # every slice has its own


def test_a_network_through_which_no_gradient_leads_can_be_asked(build, batch: Tensor) -> None:
    class Steps(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = lively(Pooled3d())

        def forward(self, x: Tensor) -> Tensor:
            return (x > 0).float().mean((2, 3)).repeat(1, 3)

    made = explain(build(Steps()), batch[0].numpy(), explainer="occlusion", target=0, patch=8, stride=4)
    assert np.abs(made.signed).max() > 0


def test_it_is_offered_for_one_class_of_a_network_of_one(batch: Tensor) -> None:
    classifier = wrap_module(
        lively(ARCHITECTURES["flat"](outputs=1)), classes=["a"], dims=2, input_size=SIZE, task="multilabel"
    )
    assert explain(classifier, batch[0].numpy(), explainer="occlusion", patch=8, stride=8).state == "ok"


def test_what_was_kept_is_given_back_at_the_end_and_when_nobody_waits_any_more(
    build, batch: Tensor, asked_of
) -> None:
    from viewer.explainers.incremental.latest import _latest

    explain(build("pooled"), batch[0].numpy(), explainer="occlusion", target=1, patch=8, stride=4)
    assert not _latest
    asked = asked_of(build("pooled"), batch[0], "occlusion", target=1, patch=4, stride=2)
    next(asked.answers)
    del asked
    assert not _latest
