"""Scripts hand over numpy integers, tensors in a graph, regions as numbers; and what is none of these."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tests.explainers.networks import Segmenting
from viewer import api

X = np.random.default_rng(0).normal(size=(1, 16, 20)).astype(np.float32)


@pytest.fixture
def classifier() -> api.Classifier:
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)
    )
    return api.wrap_module(module, classes=["left", "right", "1"], dims=2, input_size=(16, 20))


@pytest.fixture
def segmenting() -> api.Classifier:
    torch.manual_seed(0)
    return api.wrap_module(
        Segmenting(2), classes=list("abc"), dims=2, input_size=(16, 20), task="segmentation"
    )


@pytest.mark.parametrize("target", [np.int64(2), np.uint8(2), torch.tensor(2), 2, "1"])
def test_a_class_is_a_name_or_a_whole_number_of_any_library(classifier: api.Classifier, target: Any) -> None:
    assert api.explain(classifier, X, explainer="grad-cam", target=target).target == 2
    atlas = api.atlas(classifier, X, targets=[target])
    assert np.array_equal(atlas.map("1", target, "grad-cam"), atlas.map("1", 2, "grad-cam"))


@pytest.mark.parametrize("target", [np.int64(-1), -1, 3, 1.0, True, np.bool_(True), "middle", "-1", "²"])
def test_what_is_no_class_is_a_sentence(classifier: api.Classifier, target: Any) -> None:
    with pytest.raises(api.WhySliceError, match="has no class"):
        api.explain(classifier, X, explainer="gradient", target=target)
    with pytest.raises(api.WhySliceError, match="has no class"):
        api.atlas(classifier, X, targets=[0]).map("1", target, "grad-cam")


@pytest.mark.parametrize(
    "made",
    [
        lambda: torch.from_numpy(X),
        lambda: torch.from_numpy(X.copy()).requires_grad_() * 1,
        lambda: torch.from_numpy(X).double(),
        lambda: X.tolist(),
        lambda: np.asfortranarray(X),
        lambda: X[:, ::-1][:, ::-1],
    ],
)
def test_an_input_is_any_array_of_numbers(classifier: api.Classifier, made: Callable[[], Any]) -> None:
    expected = api.explain(classifier, X, explainer="gradient", target=1)
    found = api.explain(classifier, made(), explainer="gradient", target=1)
    assert np.array_equal(found.signed, expected.signed)
    assert found.provenance["input_sha256"] == expected.provenance["input_sha256"]
    assert api.predict(classifier, made()).case == api.predict(classifier, X).case


@pytest.mark.parametrize("given", ["scan.nii", None, X.astype(complex), [[[None]]], [[1.0], [1.0, 2.0]], {}])
def test_what_is_no_input_is_a_sentence(classifier: api.Classifier, given: Any) -> None:
    for ask in (
        lambda: api.explain(classifier, given, explainer="gradient"),
        lambda: api.predict(classifier, given),
    ):
        with pytest.raises(api.WhySliceError, match="array of real numbers") as caught:
            ask()
        assert "\n" not in str(caught.value)


def test_regions_are_text_numbers_or_masks(segmenting: api.Classifier) -> None:
    def explained(region: Any) -> np.ndarray:
        return api.explain(segmenting, X, explainer="seg-grad-cam", target=1, region=region).signed

    mask = np.zeros((16, 20), bool)
    mask[2:8, 3:9] = True
    box = explained("2,3,8,9")
    assert np.abs(box - explained("all")).max() > 0
    for region in ((2, 3, 8, 9), [2.0, 3.0, 8.0, 9.0], np.array([2, 3, 8, 9]), mask, mask * 1, mask.tolist(),
                   torch.from_numpy(mask), api.Region(2, 3, 8, 9)):  # fmt: skip
        np.testing.assert_array_equal(explained(region), box)
    np.testing.assert_array_equal(explained((4, 5)), explained("4,5"))
    for region in (
        5,
        (1, 2, 3),
        (40, 5),
        (8, 9, 2, 3),
        mask[:4],
        np.zeros((16, 20)),
        object(),
        (float("nan"), 1),
    ):
        with pytest.raises(api.WhySliceError) as caught:
            explained(region)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("wishes", "sentence"),
    [
        ({"explainer": None}, "no explainer 'None'"),
        ({"explainer": "grad-cam", "layer": 5}, "no layer '5'"),
        ({"explainer": "grad-cam", "layer": ""}, "no layer ''|default"),
        ({"explainer": "integrated-gradients", "baseline": X}, "cannot be"),
    ],
)
def test_wishes_of_another_kind_are_one_sentence(
    classifier: api.Classifier, wishes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(api.WhySliceError, match=sentence) as caught:
        api.explain(classifier, X, **wishes)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300
