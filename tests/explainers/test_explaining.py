from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from viewer.explainers.atlas import Atlas
from viewer.explainers.explaining import atlas, explain
from viewer.explainers.fill import fill
from viewer.explainers.fill_order import fill_order
from viewer.explainers.layers import find_layers
from viewer.explainers.map_store import MapStore
from viewer.explainers.reductions import ATLAS_METHODS
from viewer.foundation.errors import Cancelled, ExplainError, UsageError
from viewer.foundation.progress import ProgressToken
from viewer.imaging.geometry import Geometry
from viewer.imaging.image import MedicalImage
from viewer.models.classifier import Classifier
from viewer.models.loading import wrap_module


class Bright(nn.Module):
    """Class `bright` is the mean brightness; its map at `look` is the picture itself."""

    def __init__(self) -> None:
        super().__init__()
        self.look = nn.Conv2d(1, 1, 1, bias=False)
        nn.init.ones_(self.look.weight)

    def forward(self, x: Tensor) -> Tensor:
        s = self.look(x).mean((2, 3))
        return torch.cat([-s, s], dim=1)


def bright(size: tuple[int, int] = (24, 24)) -> Classifier:
    return wrap_module(Bright(), classes=["dark", "bright"], dims=2, input_size=size)


def volume(axes: tuple[int, int, int] = (0, 1, 2), signs: tuple[int, int, int] = (1, 1, 1)) -> MedicalImage:
    """Five slices of 20 x 24, dark but for one spot in slice 3, stored with axes permuted and reversed."""
    voxels = np.zeros((5, 20, 24), dtype=np.float32)
    voxels[3, 4:7, 17:20] = 10.0
    affine = np.diag([1.0, 1.0, 4.0, 1.0])
    stored = np.transpose(voxels, axes)
    matrix = np.eye(4)
    matrix[:3, :3] = affine[:3, :3][:, [2 - axes[2 - k] for k in range(3)]]
    for axis, sign in enumerate(signs):
        if sign < 0:
            stored = np.flip(stored, axis)
            column = 2 - axis
            matrix[:3, 3] += matrix[:3, column] * (stored.shape[axis] - 1)
            matrix[:3, column] *= -1
    return MedicalImage(np.ascontiguousarray(stored), Geometry(matrix, stored.shape))


# --- explain ---


@pytest.mark.parametrize("axes", [(0, 1, 2), (0, 2, 1), (2, 1, 0), (1, 2, 0)])
@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, 1, -1), (1, -1, 1), (-1, -1, -1)])
@pytest.mark.parametrize("mirror", [False, True])
def test_map_lies_on_the_voxels_of_the_file_however_they_are_stored(axes, signs, mirror: bool) -> None:
    image = volume(axes, signs)
    explanation = explain(bright(), image, explainer="grad-cam", layer="look", target="bright", mirror=mirror)

    plane = image.plane
    stored = np.take(image.voxels, explanation.slice, axis=plane.axes[0])
    assert explanation.map.shape == stored.shape
    assert stored[np.unravel_index(explanation.map.argmax(), stored.shape)] == 10
    assert (explanation.map[stored == 10] > 0.5 * explanation.map.max()).all()
    np.testing.assert_array_equal(explanation.picture_map, plane.turned(explanation.map))
    assert explanation.geometry is image.geometry


def test_slice_is_the_most_probable_one_and_provenance_says_so() -> None:
    explanation = explain(bright(), volume(), explainer="grad-cam", layer="look", target="bright")
    assert explanation.slice == 3
    assert explanation.provenance["slice_rule"] == "the slice with the highest probability of bright"
    assert explanation.probability > 0.5
    assert explanation.class_name == "bright"
    assert explanation.provenance["class"] == "bright"


def test_target_none_is_the_predicted_class_of_the_slice() -> None:
    assert explain(bright(), volume(), explainer="grad-cam", slice=3).class_name == "bright"
    dark = explain(bright(), -np.ones((1, 24, 24)), explainer="grad-cam")
    assert dark.class_name == "dark"
    assert dark.slice is None


def test_slice_asked_for_is_explained() -> None:
    explanation = explain(bright(), volume(), explainer="layer-cam", target=1, slice=0)
    assert (explanation.slice, explanation.state, explanation.raw_max) == (0, "empty", 0.0)


def test_states_and_flags_of_real_maps() -> None:
    picture = np.ones((1, 24, 24), dtype=np.float32)
    assert explain(bright(), picture, explainer="grad-cam", target="bright").state == "ok"
    dark = explain(bright(), picture, explainer="grad-cam", target="dark")
    assert dark.state == "negative_only"
    assert dark.raw_max == 0
    assert not dark.map.any()
    assert dark.flags == ("equal_by_construction",)
    assert explain(bright(), 9 * picture, explainer="grad-cam", target="dark").flags == (
        "improbable_class",
        "equal_by_construction",
    )
    faint = explain(bright(), 1e-9 * picture, explainer="grad-cam", target="bright")
    assert faint.state == "near_zero"
    assert faint.raw.max() > 0


class Root(nn.Module):
    """A network whose gradient is not defined where its first layer is zero."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 2, 3, bias=False)
        self.last = nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.sqrt(self.first(x) ** 2).mean((2, 3)))


def test_a_map_without_defined_gradients_is_empty_and_says_so() -> None:
    classifier = wrap_module(Root(), classes=["a", "b"], dims=2, input_size=(16, 16))
    picture = np.random.default_rng(0).random((1, 16, 16), dtype=np.float32)
    assert explain(classifier, picture, explainer="grad-cam", layer="first").flags == ()
    picture[0, :8, :8] = 0  # the black corner of any scan
    for name in ATLAS_METHODS:
        found = explain(classifier, picture, explainer=name, layer="first")
        assert found.state == "empty"
        assert "not-finite" in found.flags
        assert not found.map.any()


def test_provenance_tells_arrays_apart_and_how_an_image_became_the_input() -> None:
    picture = np.ones((1, 24, 24), dtype=np.float32)
    first, again, other = (
        explain(bright(), array, explainer="grad-cam").provenance
        for array in (picture, picture.copy(order="F"), picture + 1)
    )
    assert len(first["input_sha256"]) == 64
    assert first["input_sha256"] == again["input_sha256"] != other["input_sha256"]
    scaled = wrap_module(
        bright().module,
        classes=bright().classes,
        dims=2,
        input_size=(24, 24),
        normalise={"name": "range", "upper": 99.0},
    )
    image = MedicalImage(np.random.default_rng(0).random((1, 9, 9)), Geometry.unoriented((1, 9, 9)))
    record = explain(scaled, image, explainer="grad-cam").provenance
    assert (record["size"], record["normalise"]) == ([24, 24], "range")
    assert record["normalise_parameters"] == {"upper": 99.0}


def test_near_zero_is_measured_against_the_cards_reference() -> None:
    classifier = bright()
    reference = {("look", "bright", "grad-cam"): 10.0}
    known = Classifier(replace(classifier.card, reference_scale=reference), classifier.module)
    picture = np.full((1, 24, 24), 5.0, dtype=np.float32)
    raw = explain(classifier, picture, explainer="grad-cam", target="bright")
    assert raw.state == "ok"
    assert raw.raw_max < 0.01
    assert explain(known, picture, explainer="grad-cam", target="bright").state == "near_zero"
    # The card was measured on logits and says nothing about other scores.
    assert explain(known, picture, explainer="grad-cam", target="bright", score="margin").state == "ok"


def test_mirrored_array_is_explained_mirrored_and_its_map_mirrored_back(build) -> None:
    classifier = build("flat")
    x = np.random.default_rng(0).normal(size=(1, 32, 40)).astype(np.float32)
    mirrored = explain(classifier, x, explainer="layer-cam", target=1, mirror=True)
    by_hand = explain(classifier, x[..., ::-1], explainer="layer-cam", target=1)
    np.testing.assert_array_equal(mirrored.raw, by_hand.raw)
    np.testing.assert_allclose(mirrored.map, by_hand.map[:, ::-1], atol=1e-6 * by_hand.map.max())
    assert mirrored.probability == by_hand.probability


def test_map_of_an_array_is_the_raw_map_drawn_linearly(build) -> None:
    x = np.random.default_rng(0).normal(size=(1, 32, 40)).astype(np.float32)
    explanation = explain(build("pooled"), x, explainer="grad-cam", layer="relu2", target=2)
    drawn = torch.nn.functional.interpolate(
        torch.from_numpy(explanation.raw)[None, None], size=(32, 40), mode="bilinear", align_corners=False
    )[0, 0].numpy()
    assert explanation.raw.shape == (16, 20)
    np.testing.assert_allclose(explanation.map, drawn, atol=1e-5 * drawn.max())


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        ({"explainer": "grad-cm"}, UsageError, "no explainer 'grad-cm'; nearest: grad-cam"),
        ({"explainer": "grad-cam", "layer": "lok"}, UsageError, "no layer 'lok'.*look"),
        ({"explainer": "grad-cam", "target": "brigt"}, UsageError, "no class 'brigt'.*bright"),
        ({"explainer": "grad-cam", "slice": 5}, UsageError, "no slice 5: they run from 0 to 4"),
        ({"explainer": "grad-cam", "samples": 3}, UsageError, "no parameter 'samples'; there is none"),
    ],
)
def test_bad_requests_are_one_sentence(arguments, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        explain(bright(), volume(), **arguments)


def test_bad_arrays_are_one_sentence() -> None:
    with pytest.raises(UsageError, match="this one has 2"):
        explain(bright(), np.zeros((24, 24)), explainer="grad-cam")
    with pytest.raises(UsageError, match="cannot be cropped"):
        explain(bright(), np.zeros((1, 24, 24)), explainer="grad-cam", crop="brain")
    with pytest.raises(ExplainError, match="cannot take an input"):
        explain(bright(), np.zeros((3, 24, 24)), explainer="grad-cam")


# --- atlas ---


def test_atlas_holds_what_explain_makes(build) -> None:
    classifier = build("residual")
    x = np.random.default_rng(1).normal(size=(1, 32, 40)).astype(np.float32)
    made = atlas(classifier, x)
    for layer in find_layers(classifier):
        for method in ATLAS_METHODS:
            explanation = explain(classifier, x, explainer=method, layer=layer.name, target="class1")
            peak = np.abs(explanation.signed).max()
            np.testing.assert_allclose(
                made.map(layer.name, "class1", method), explanation.raw, rtol=0, atol=3e-5 * peak
            )
    np.testing.assert_allclose(made.probabilities(0).sum(), 1, rtol=1e-5)


def test_reading_a_filled_atlas_runs_no_pass() -> None:
    classifier = bright()
    made = atlas(classifier, volume())
    passes = []
    handle = classifier.module.register_forward_hook(lambda *_: passes.append(1))
    for layer in made.layers:
        for target in ("dark", "bright"):
            for method in ATLAS_METHODS:
                for index in range(5):
                    assert made.map(layer, target, method, index).shape == (24, 24)
                made.mass(layer, target, method)
                made.series_maximum(layer, target, method)
            made.difference(layer, "bright", "dark", "grad-cam", 3)
    handle.remove()
    assert passes == []
    assert made.filled == set(range(5))


def test_atlas_of_a_part_and_unknown_parts(build) -> None:
    x = np.zeros((1, 32, 40), dtype=np.float32)
    made = atlas(build("pooled"), x, layers=["relu2"], targets=["class2"], methods=["layer-cam"])
    assert (made.layers, made.methods) == (["relu2"], ["layer-cam"])
    assert made.map("relu2", 2, "layer-cam").shape == (16, 20)
    with pytest.raises(UsageError, match="nearest: relu2"):
        made.map("relu1", 2, "layer-cam")
    with pytest.raises(UsageError, match="no class 'x'"):
        atlas(build("pooled"), x, targets=["x"])


# --- fill ---


@pytest.mark.parametrize(
    ("count", "focus", "order"),
    [
        (5, 2, [2, 3, 1, 4, 0]),
        (4, 0, [0, 1, 2, 3]),
        (4, 3, [3, 2, 1, 0]),
        (3, 9, [2, 1, 0]),
        (1, 0, [0]),
        (0, 0, []),
    ],
)
def test_fill_order_is_the_visible_slice_then_outward(count: int, focus: int, order: list[int]) -> None:
    assert fill_order(count, focus) == order


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_fill_in_batches_gives_the_same_maps(batch: int) -> None:
    classifier, image = bright(), volume()
    expected = atlas(classifier, image)
    made = Atlas(MapStore(1 << 22), "x", classifier.classes, 5)
    fill(classifier, image, made, fill_order(5, 3), batch=batch)
    for index in range(5):
        np.testing.assert_allclose(
            made.map("look", 1, "grad-cam", index), expected.map("look", 1, "grad-cam", index), atol=1e-6
        )
        np.testing.assert_allclose(made.probabilities(index), expected.probabilities(index), atol=1e-6)
    assert made.probabilities(3)[1] != made.probabilities(2)[1], "or the slices could not be told apart"


def test_cancelled_fill_keeps_what_it_made() -> None:
    classifier, image = bright(), volume()
    made = Atlas(MapStore(1 << 22), "x", classifier.classes, 5)
    told = []

    def listen(done: int, total: int, text: str) -> None:
        told.append((done, total))
        if done == 2:
            token.cancel()

    token = ProgressToken(listen)
    with pytest.raises(Cancelled):
        fill(classifier, image, made, fill_order(5, 3), progress=token)
    assert made.filled == {3, 4, 2}
    assert told == [(0, 5), (1, 5), (2, 5)]
    assert made.probabilities(0) is None
