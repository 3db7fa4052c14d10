"""Pixel importance against a naive loop on networks whose answer is known."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from torch import nn
from torchvision.transforms.functional import gaussian_blur

from tests.tiny import bright_spot, tiny_network, tiny_segmentation, write_tiny_model
from viewer.api import explain, load_model, pixel_importance, wrap_module
from viewer.evaluation.importance_result import Plan
from viewer.evaluation.pixel_importance import importance_of_input
from viewer.evaluation.replacement import importance_order, random_order, replaced_everywhere
from viewer.foundation.errors import Cancelled, ExplainError, UsageError
from viewer.foundation.progress import ProgressToken
from viewer.models.card import ModelCard
from viewer.models.classifier import Classifier

RNG = np.random.default_rng(3)
ARRAY = RNG.random((2, 9, 11), dtype=np.float32)


class Counted(nn.Module):
    """Class scores that are the means of the channels; counts the inputs that it was asked about."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        self.asked += len(batch)
        return 30 * batch.flatten(2).mean(2)


def counted(size: tuple[int, ...] = (9, 11), dims: int = 2) -> Classifier:
    return wrap_module(Counted(), classes=["a", "b"], dims=dims, input_size=size, channels=2)


def softmax(array: NDArray) -> NDArray:
    scores = 30 * array.reshape(2, -1).mean(1, dtype=np.float64)
    return np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()


@pytest.mark.parametrize("width", [11, 21])
def test_blur_is_the_one_that_everybody_has(width: int) -> None:
    ready = RNG.random((3, 40, 33), dtype=np.float32)
    expected = gaussian_blur(torch.from_numpy(ready), [width, width]).numpy()
    np.testing.assert_allclose(replaced_everywhere(ready, f"blur-{width}"), expected, atol=1e-6)


def test_blur_of_what_is_smaller_than_its_window_keeps_a_constant() -> None:
    for shape in [(1, 3, 1), (1, 2, 4, 5)]:
        np.testing.assert_allclose(
            replaced_everywhere(np.full(shape, 7, np.float32), "blur-21"), 7, rtol=1e-6
        )


def test_mean_and_noise_are_of_each_channel() -> None:
    ready = np.stack([np.full((60, 60), 5.0), RNG.normal(-3, 2, (60, 60))]).astype(np.float32)
    mean, noise = replaced_everywhere(ready, "mean"), replaced_everywhere(ready, "noise", 1)
    np.testing.assert_allclose(mean[0], 5)
    np.testing.assert_allclose(mean[1], ready[1].mean(), rtol=1e-5)
    np.testing.assert_allclose(noise[0], 5)
    assert abs(noise[1].mean() + 3) < 0.2
    assert abs(noise[1].std() - 2) < 0.2
    np.testing.assert_array_equal(noise, replaced_everywhere(ready, "noise", 1))
    assert not np.array_equal(noise, replaced_everywhere(ready, "noise", 2))


@given(hnp.arrays(np.float32, (4, 5), elements=st.floats(-2, 2, width=32)))
def test_order_is_by_value_then_by_index(values: NDArray) -> None:
    if values.max() == values.min():
        with pytest.raises(ExplainError, match="same everywhere"):
            importance_order(values, (4, 5))
        return
    order, positive = importance_order(values, (4, 5))
    flat = values.ravel()
    assert order.tolist() == sorted(range(20), key=lambda i: (-flat[i], i))
    assert positive == np.count_nonzero(flat > 0) / 20


def test_order_of_a_coarse_map_prefers_no_corner_where_it_is_zero() -> None:
    signed = np.array([[-5, -1.0], [-1, 2]], dtype=np.float32)
    order, positive = importance_order(signed, (8, 8))
    assert order[:4].tolist() == [54, 55, 62, 63]  # the centre of the cell and what lies beyond it, all 2
    assert order[-4:].tolist() == [0, 1, 8, 9]
    assert 0 < positive < 0.6
    order, _ = importance_order(np.array([[np.nan, 1.0], [0.5, np.inf]]), (2, 2))
    assert order.tolist() == [1, 2, 0, 3]
    with pytest.raises(UsageError, match="axes"):
        importance_order(np.ones((2, 2, 2)), (4, 4))


def naive(ready: NDArray, order: NDArray, transform: str, percent: float, seed: int) -> NDArray:
    """p(original) - p(replaced), one pixel after the other."""
    instead = replaced_everywhere(ready, transform, seed)
    changed = ready.copy()
    space = ready.shape[1:]
    for index in order[: round(percent / 100 * order.size)]:
        at = np.unravel_index(index, space)
        for channel in range(len(ready)):
            changed[(channel, *at)] = instead[(channel, *at)]
    return softmax(ready) - softmax(changed)


def test_equals_replacing_pixel_by_pixel() -> None:
    classifier = counted()
    map_ = RNG.normal(size=(9, 11))
    result = pixel_importance(
        classifier, ARRAY, map_, fractions=[3, 50, 100], seed=5, random_orders=2, target="b"
    )
    order = np.argsort(-map_.ravel(), kind="stable")
    for i, transform in enumerate(result.transforms):
        for j, percent in enumerate((3, 50, 100)):
            np.testing.assert_allclose(
                result.delta[i, j], naive(ARRAY, order, transform, percent, 5), atol=1e-5
            )
            at_random = [naive(ARRAY, random_order(99, 5 + k), transform, percent, 5) for k in range(2)]
            np.testing.assert_allclose(result.random_delta[i, j], np.mean(at_random, axis=0), atol=1e-5)
    assert result.map_class == "b"
    assert classifier.module.asked == Plan((3, 50, 100), steps=20, random_orders=2).passes  # type: ignore[union-attr]


def test_curves_begin_and_end_where_they_must() -> None:
    result = pixel_importance(counted(), ARRAY, ARRAY[0], transforms=["noise"], target="a", steps=4, seed=2)
    deletion, insertion = result.curves
    nothing = softmax(replaced_everywhere(ARRAY, "noise", 2))[0]
    order = np.argsort(-ARRAY[0].ravel(), kind="stable")
    assert deletion.shares.tolist() == [0, 25, 50, 75, 100]
    expected = [softmax(ARRAY)[0] - naive(ARRAY, order, "noise", share, 2)[0] for share in deletion.shares]
    np.testing.assert_allclose(deletion.probabilities, expected, atol=1e-5)
    np.testing.assert_allclose(insertion.probabilities[[0, -1]], [nothing, softmax(ARRAY)[0]], atol=1e-5)
    back = naive(ARRAY, order[::-1], "noise", 75, 2)[0]  # 25% put back is 75% of the reversed order replaced
    assert insertion.probabilities[1] == pytest.approx(softmax(ARRAY)[0] - back, abs=0.02)
    p = deletion.probabilities
    assert deletion.area == pytest.approx((p[0] / 2 + p[1] + p[2] + p[3] + p[4] / 2) / 4)
    assert insertion.random_area == pytest.approx(deletion.random_area)
    assert pixel_importance(counted(), ARRAY, ARRAY[0], steps=0).curves == ()


def test_result_speaks() -> None:
    map_ = np.zeros((9, 11))
    map_[4, 4] = 1
    result = pixel_importance(counted(), ARRAY, map_, fractions=[1, 20], transforms=["mean"], steps=2)
    names = [score.name for score in result.scores]
    assert names[:4] == ["delta-p", "delta-p-random", "delta-p", "delta-p-random"]
    assert names[4:] == ["deletion-area", "deletion-area-random", "insertion-area", "insertion-area-random"]
    assert "1.01% only" in result.scores[2].rule
    assert all(score.range is not None and score.source for score in result.scores)
    rows = json.loads(json.dumps(result.rows(), allow_nan=False))
    assert [(row["transform"], row["fraction"], row["class"]) for row in rows] == [
        ("mean", 1, "a"),
        ("mean", 1, "b"),
        ("mean", 20, "a"),
        ("mean", 20, "b"),
    ]
    assert set(rows[0]) >= {"map_class", "class", "explainer", "layer", "transform", "fraction", "delta", "n"}


def test_of_an_explanation_of_a_mirrored_slice(user_folder) -> None:  # type: ignore[no-untyped-def]
    """The input is the one that was explained, and the network's own evidence is what its map points at."""
    write_tiny_model(user_folder)
    classifier, image = load_model("tiny"), bright_spot()
    for mirror in (False, True):
        made = explain(classifier, image, explainer="grad-cam", target="stroke", mirror=mirror)
        result = pixel_importance(
            classifier, image, made, fractions=[10], transforms=["mean", "blur-21"], steps=0
        )
        assert (result.slice, result.map_class, result.layer) == (2, "stroke", "relu2")
        assert result.probabilities[1] == pytest.approx(made.probability, abs=1e-6)
        assert (result.delta[:, 0, 1] > 3 * np.abs(result.random_delta[:, 0, 1])).all()
        np.testing.assert_allclose(result.delta.sum(axis=2), 0, atol=1e-6)


def test_a_volume_and_a_segmentation() -> None:
    volume = RNG.random((2, 4, 9, 11), dtype=np.float32)
    result = pixel_importance(
        counted((4, 9, 11), 3), volume, volume[0], transforms=["blur-11"], steps=0, fractions=[10]
    )
    order = np.argsort(-volume[0].ravel(), kind="stable")
    np.testing.assert_allclose(result.delta[0, 0], naive(volume, order, "blur-11", 10, 0), atol=1e-5)
    network = wrap_module(
        tiny_segmentation(), classes=["tissue", "lesion"], dims=2, input_size=(32, 32), task="segmentation"
    )
    spot = np.zeros((1, 32, 32), np.float32)
    spot[0, 8:12, 8:12] = 5
    found = pixel_importance(
        network, spot, spot[0], target="lesion", fractions=[2], transforms=["mean"], steps=0
    )
    assert found.delta[0, 0, 1] > 0 >= found.random_delta[0, 0, 1] - 0.01


def test_many_at_a_time_is_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    classifier = wrap_module(tiny_network(), classes=["a", "b"], dims=2, input_size=(32, 32))
    array = RNG.random((1, 32, 32), dtype=np.float32)
    together = pixel_importance(classifier, array, array[0], steps=3)
    monkeypatch.setattr("viewer.evaluation.pixel_importance._TOGETHER", 1)
    alone = pixel_importance(classifier, array, array[0], steps=3)
    np.testing.assert_allclose(together.delta, alone.delta, atol=1e-6)
    np.testing.assert_allclose(together.curves[0].probabilities, alone.curves[0].probabilities, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"transforms": ["blurr-11"]}, "no transform 'blurr-11'; nearest: blur-11"),
        ({"transforms": ["blur-10"]}, "no transform"),
        ({"fractions": [0]}, "above 0"),
        ({"fractions": [101]}, "at most 100"),
        ({"fractions": [float("nan")]}, "above 0"),
        ({"fractions": []}, "needs a fraction"),
        ({"random_orders": 0}, "at least one random"),
        ({"target": "c"}, "no class 'c'"),
        ({"slice": 3}, "number 0"),
    ],
)
def test_bad_questions(options: dict, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        pixel_importance(counted(), ARRAY, ARRAY[0], **options)
    assert words in str(caught.value)


def test_an_empty_map_is_said() -> None:
    with pytest.raises(ExplainError, match="same everywhere"):
        pixel_importance(counted(), ARRAY, np.zeros((9, 11)))


def test_it_can_be_stopped_and_leaves_the_network_as_it_was() -> None:
    classifier = counted()
    token = ProgressToken(lambda done, total, text: token.cancel() if done else None)
    classifier.module.train()
    with pytest.raises(Cancelled):
        importance_of_input(classifier, ARRAY, ARRAY[0], plan=Plan(), progress=token)
    assert classifier.module.training
    assert classifier.module.asked < 40  # type: ignore[union-attr]
    assert isinstance(classifier.card, ModelCard)
