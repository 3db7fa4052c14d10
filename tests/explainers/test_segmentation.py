"""Segmentation networks: a class over a pixel, a box, a mask, everywhere."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from tests.explainers.conftest import SIZE, lively
from tests.explainers.networks import Segmenting
from viewer.evaluation.regions import Region
from viewer.explainers.asked_region import input_region
from viewer.explainers.explaining import explain
from viewer.explainers.scoring import on_grid
from viewer.foundation.errors import ExplainError, UsageError, WhySliceError
from viewer.imaging.geometry import Geometry
from viewer.imaging.image import MedicalImage
from viewer.models.card import InputRule
from viewer.models.classifier import Classifier
from viewer.models.input_view import InputView
from viewer.models.loading import wrap_module
from viewer.models.volume_view import VolumeView


def picture_for(classifier: Classifier) -> Tensor:
    return torch.randn((1, *classifier.card.input.size), generator=torch.Generator().manual_seed(8))


def by_hand(classifier: Classifier, x: Tensor, layer: str, target: int, chosen: np.ndarray) -> np.ndarray:
    """Seg-Grad-CAM, channel by channel: `chosen` is bool on the grid of the output."""
    kept: list[Tensor] = []
    handle = classifier.module.get_submodule(layer).register_forward_hook(lambda m, i, out: kept.append(out))
    out = classifier.module(x[None])
    handle.remove()
    score = out[0, target][torch.from_numpy(chosen)].sum()
    (gradient,) = torch.autograd.grad(score, kept[0])
    weights = gradient[0].flatten(1).double().mean(1).numpy()
    return np.tensordot(weights, kept[0][0].detach().double().numpy(), 1)


@pytest.mark.parametrize("target", [0, 2])
@pytest.mark.parametrize("where", ["all", "pixel", "box", "mask"])
def test_seg_grad_cam_equals_its_formula(segmenting: Classifier, target: int, where: str) -> None:
    x = picture_for(segmenting)
    space = tuple(x.shape[1:])
    coarse = tuple(n // 2 for n in space)
    chosen = np.zeros(coarse, dtype=bool)
    low, high = tuple(n // 4 for n in coarse), tuple(n // 4 + 2 for n in coarse)
    if where == "all":
        region, chosen = "all", ~chosen
    elif where == "pixel":
        region = ",".join(str(2 * n) for n in low)
        chosen[low] = True
    else:
        box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        chosen[box] = True
        region = ",".join(str(2 * n) for n in (*low, *high))
        if where == "mask":
            region = np.zeros(space, dtype=bool)
            region[tuple(slice(2 * a, 2 * b) for a, b in zip(low, high, strict=True))] = True
    made = explain(
        segmenting, x.numpy(), explainer="seg-grad-cam", layer="deep", target=target, region=region
    )
    expected = by_hand(segmenting, x, "deep", target, chosen)
    assert np.abs(made.signed - expected).max() <= 1e-5 * np.abs(expected).max()
    assert made.map.shape == space


def test_every_explainer_asks_about_the_region(segmenting: Classifier) -> None:
    x = picture_for(segmenting)
    corner = ",".join("0" for _ in x.shape[1:])
    for name in ("grad-cam", "layer-cam", "gradient", "guided-backprop", "guided-grad-cam"):
        here = explain(segmenting, x.numpy(), explainer=name, layer="join", target=1, region=corner)
        everywhere = explain(segmenting, x.numpy(), explainer=name, layer="join", target=1)
        assert np.abs(here.signed - everywhere.signed).max() > 0
        assert here.provenance["region"].startswith("1 of ")
    far = explain(segmenting, x.numpy(), explainer="gradient", target=1, region=corner).signed
    assert not far[tuple(-1 for _ in far.shape)], "the far corner lies outside what the first pixel sees"


def test_the_probability_is_the_mean_over_the_region(segmenting: Classifier) -> None:
    x = picture_for(segmenting)
    with torch.no_grad():
        p = torch.softmax(segmenting.module(x[None]), 1)[0, 1].numpy()
    everywhere = explain(segmenting, x.numpy(), explainer="seg-grad-cam", target=1)
    assert everywhere.probability == pytest.approx(float(p.mean()), rel=1e-5)
    first = explain(
        segmenting, x.numpy(), explainer="seg-grad-cam", target=1, region=",".join("1" for _ in p.shape)
    )
    assert first.probability == pytest.approx(float(p[tuple(0 for _ in p.shape)]), rel=1e-5)


def test_one_output_channel_is_two_classes() -> None:
    module = lively(Segmenting(2, outputs=1))
    classifier = wrap_module(module, classes=["rest", "vessel"], dims=2, input_size=SIZE, task="segmentation")
    x = picture_for(classifier)
    vessel, rest = (explain(classifier, x.numpy(), explainer="gradient", target=t) for t in (1, 0))
    np.testing.assert_array_equal(vessel.signed, -rest.signed)
    assert vessel.probability + rest.probability == pytest.approx(1, rel=1e-5)
    probability = explain(classifier, x.numpy(), explainer="gradient", target=1, score="probability")
    leaf = x[None].clone().requires_grad_()
    (expected,) = torch.autograd.grad(torch.sigmoid(module(leaf)).sum(), leaf)
    assert np.abs(probability.signed - expected[0, 0].numpy()).max() <= 1e-5 * expected.abs().max()


def test_without_a_layer_the_coarsest_one_is_explained(segmenting: Classifier) -> None:
    made = explain(segmenting, picture_for(segmenting).numpy(), explainer="seg-grad-cam", target=1)
    assert made.layer == "deep"


def test_integrated_gradients_of_a_region_add_up(segmenting: Classifier) -> None:
    x = picture_for(segmenting)
    corner = ",".join("2" for _ in x.shape[1:])
    made = explain(
        segmenting, x.numpy(), explainer="integrated-gradients", target=1, steps=500, region=corner
    )
    assert "incomplete" not in made.flags


def test_regions_are_for_segmentation_networks(build, batch: Tensor) -> None:
    classifier = build("pooled")
    with pytest.raises(UsageError, match="no region to choose"):
        explain(classifier, batch[0].numpy(), explainer="grad-cam", region="3,4")
    with pytest.raises(ExplainError, match="no segmentation network"):
        explain(classifier, batch[0].numpy(), explainer="seg-grad-cam")


def test_outputs_that_are_no_segmentation_are_refused() -> None:
    flat = nn.Sequential(nn.Flatten(), nn.Linear(SIZE[0] * SIZE[1], 3))
    classifier = wrap_module(flat, classes=list("abc"), dims=2, input_size=SIZE, task="segmentation")
    with pytest.raises(WhySliceError, match="one score per class and pixel"):
        explain(classifier, np.zeros((1, *SIZE), np.float32), explainer="gradient", target=0)
    wrong = wrap_module(nn.Conv2d(1, 4, 1), classes=list("abc"), dims=2, input_size=SIZE, task="segmentation")
    with pytest.raises(WhySliceError, match="4 scores for 3 classes"):
        explain(wrong, np.zeros((1, *SIZE), np.float32), explainer="gradient", target=0)


@pytest.mark.parametrize(
    ("region", "sentence"),
    [
        ("somewhere", "it is all, row,column or row_min"),
        ("1,2,3", "it is all"),
        ("5,5,5,9", "it is all"),
        ("nan,2", "it is all"),
        ("400,2", "outside the picture of 32 x 40"),
        (np.zeros(SIZE, bool), "is empty"),
        (np.ones((3, 4), bool), "3 x 4, the picture 32 x 40"),
        (Region(1, 2, 3, 4, slice=0, slice_max=2), "3 axes, the picture 2"),
    ],
)
def test_regions_that_are_none_are_one_sentence(region: object, sentence: str) -> None:
    view, _ = InputView.of_array(np.zeros((1, *SIZE), np.float32))
    with pytest.raises(UsageError, match=sentence):
        input_region(region, view)


def test_a_region_that_the_crop_leaves_out_is_not_seen() -> None:
    picture = np.zeros((40, 40), np.float32)
    picture[20:30, 20:30] = 100
    view = InputView.of_picture(InputRule((16, 16), crop="percentile"), picture)
    with pytest.raises(ExplainError, match="outside the crop"):
        input_region("0,0", view)


@given(st.integers(0, 39), st.integers(0, 29), st.booleans(), st.sampled_from([(8, 8), (40, 30), (64, 96)]))
def test_a_pixel_of_the_picture_is_found_in_the_input_and_back(row, column, mirror, size) -> None:
    picture = np.random.default_rng(0).random((40, 30)).astype(np.float32)
    view = InputView.of_picture(InputRule(size, fit="stretch"), picture, mirror=mirror)
    mask = input_region(f"{row},{column}", view)
    assert mask is not None
    assert mask.any()
    for cell in np.argwhere(mask):
        back = view.to_picture(*cell.astype(float))
        assert abs(back[0] - row) <= 0.5 + 20 / size[0] + 1e-9
        assert abs(back[1] - column) <= 0.5 + 15 / size[1] + 1e-9


@pytest.mark.parametrize("mirror", [False, True])
def test_regions_of_volumes_follow_the_reading_order_and_the_mirror(mirror: bool) -> None:
    voxels = np.random.default_rng(0).random((6, 8, 10)).astype(np.float32)
    image = MedicalImage(voxels, Geometry(np.diag([-1.0, 1.0, 2.0, 1.0]), (6, 8, 10)))
    view = VolumeView.of(InputRule((6, 8, 10), fit="stretch"), image, mirror=mirror)
    mask = input_region("1,2,3", view)
    assert [tuple(cell) for cell in np.argwhere(mask)] == [(1, 2, 6 if mirror else 3)]
    box = input_region(Region(2, 3, 4, 6, slice=1, slice_max=3), view)
    assert box is not None
    assert box.sum() == 2 * 2 * 3


def test_a_mask_on_a_coarser_grid_keeps_its_smallest_part() -> None:
    mask = np.zeros((9, 9), bool)
    mask[0, 8] = True
    assert [tuple(cell) for cell in np.argwhere(on_grid(mask, (2, 2)))] == [(0, 1)]
    finer = on_grid(mask, (18, 27))
    assert finer[:2, 24:].all()
    assert finer.sum() == 6
