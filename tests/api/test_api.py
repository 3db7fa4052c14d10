"""The contract of `viewer.api`: names, arguments and what comes back."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from tests.tiny import bright_spot
from viewer import api

NAMES = {
    "atlas",
    "boxes_from_map",
    "confusion_scores",
    "explain",
    "iou",
    "layers",
    "load_model",
    "pixel_importance",
    "predict",
    "read_image",
    "register_architecture",
    "register_generator",
    "register_recipe",
    "wrap_module",
}
"""The names of the design that are real so far."""


def spot(row: int = 8, column: int = 20) -> np.ndarray:
    """A network input (channel, row, column) with a bright square of 4 x 4."""
    picture = np.zeros((1, 32, 32), dtype=np.float32)
    picture[0, row : row + 4, column : column + 4] = 5
    return picture


def test_every_name_is_there_and_listed() -> None:
    assert set(api.__all__) >= NAMES
    for name in api.__all__:
        assert getattr(api, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no 'explian'"):
        _ = api.explian  # type: ignore[attr-defined]


def test_importing_it_loads_no_torch() -> None:
    code = "import sys, viewer.api; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=True)


def test_signatures() -> None:
    def parameters(function: object) -> list[str]:
        return list(inspect.signature(function).parameters)  # type: ignore[arg-type]

    assert parameters(api.read_image)[:2] == ["path", "series"]
    assert parameters(api.load_model) == ["id_or_folder", "device"]
    wrap = inspect.signature(api.wrap_module).parameters
    assert list(wrap) == ["module", "classes", "dims", "input_size", "channels", "task", "normalise"]
    assert wrap["channels"].default == 1
    assert wrap["task"].default == "multiclass"
    assert all(p.kind is p.KEYWORD_ONLY for name, p in wrap.items() if name != "module")
    explain = inspect.signature(api.explain).parameters
    assert list(explain)[:2] == ["classifier", "image"]
    assert {"explainer", "layer", "target", "slice", "mirror", "crop", "score"} <= set(explain)
    assert {"layers", "targets", "methods"} <= set(parameters(api.atlas))
    assert parameters(api.iou) == ["a", "b"]


# --- wrap_module, layers, predict ---


def test_wrapping_leaves_the_module_alone(network: nn.Module) -> None:
    network.train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    classifier = api.wrap_module(network, classes=["a", "b"], dims=2, input_size=(32, 32))
    api.explain(classifier, spot(), explainer="grad-cam")
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert not any(module._forward_hooks for module in network.modules())
    assert all(p.grad is None and p.requires_grad for p in network.parameters())


@pytest.mark.parametrize(
    "wrong",
    [{"dims": 3}, {"dims": 1}, {"input_size": (32,)}, {"input_size": (0, 32)}, {"task": "regression"}],
)
def test_contradictory_descriptions_are_refused(network: nn.Module, wrong: dict[str, object]) -> None:
    settings: dict[str, object] = {"classes": ["a", "b"], "dims": 2, "input_size": (32, 32), **wrong}
    with pytest.raises(api.WhySliceError):
        api.wrap_module(network, **settings)  # type: ignore[arg-type]


def test_layers(wrapped: api.Classifier) -> None:
    found = api.layers(wrapped)
    assert [layer.name for layer in found] == ["conv1", "relu1", "pool1", "conv2", "relu2"]
    assert all(isinstance(layer, api.LayerInfo) for layer in found)
    assert found[-1].shape == (4, 8, 8)
    assert found[-1].grid == (8, 8)


def test_predict_an_array(wrapped: api.Classifier, network: nn.Module) -> None:
    prediction = api.predict(wrapped, spot())
    with torch.no_grad():
        expected = torch.softmax(network(torch.from_numpy(spot())[None]), dim=1)[0]
    assert isinstance(prediction, api.Prediction)
    assert prediction.case == pytest.approx(expected.tolist())
    assert len(prediction.slices) == 1
    assert prediction.slices[0].interval == ()


def test_predict_an_image(wrapped: api.Classifier) -> None:
    prediction = api.predict(wrapped, bright_spot())
    assert [each.index for each in prediction.slices] == [0, 1, 2, 3, 4]
    assert max(prediction.slices, key=lambda each: each.probabilities[1]).index == 2


def test_one_sigmoid_logit_has_two_classes() -> None:
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 1))
    classifier = api.wrap_module(net, classes=["no", "yes"], dims=2, input_size=(8, 8), task="binary")
    prediction = api.predict(classifier, np.ones((1, 8, 8), dtype=np.float32))
    assert sum(prediction.case) == pytest.approx(1)
    yes = api.explain(classifier, np.ones((1, 8, 8)), explainer="grad-cam", target="yes")
    no = api.explain(classifier, np.ones((1, 8, 8)), explainer="grad-cam", target="no")
    assert np.allclose(yes.signed, -no.signed)


def test_a_network_with_other_outputs_is_refused(network: nn.Module) -> None:
    classifier = api.wrap_module(network, classes=["a", "b", "c"], dims=2, input_size=(32, 32))
    for ask in (
        lambda: api.predict(classifier, spot()),
        lambda: api.explain(classifier, spot(), explainer="grad-cam"),
    ):
        with pytest.raises(api.WhySliceError, match="2 scores for 3 classes"):
            ask()


# --- explain ---


@pytest.mark.parametrize("explainer", ["grad-cam", "grad-cam++", "layer-cam"])
def test_explain_an_array(wrapped: api.Classifier, explainer: str) -> None:
    found = api.explain(wrapped, spot(), explainer=explainer, layer="relu2", target="stroke")
    assert isinstance(found, api.Explanation)
    assert found.raw.shape == (8, 8)
    assert found.raw.dtype == np.float32
    assert (found.raw >= 0).all()
    assert found.map.shape == (32, 32)
    assert found.state == "ok"
    assert isinstance(found.flags, tuple)
    row, column = np.unravel_index(found.map.argmax(), (32, 32))
    assert 6 <= row <= 13
    assert 18 <= column <= 25
    record = found.provenance
    assert (record["explainer"], record["layer"], record["class"]) == (explainer, "relu2", "stroke")
    assert record["score"] == "logit"


def test_grad_cam_is_its_formula(wrapped: api.Classifier, network: nn.Module) -> None:
    found = api.explain(wrapped, spot(), explainer="grad-cam", layer="relu2", target=1)
    activation = network[:5](torch.from_numpy(spot())[None]).detach().requires_grad_()
    network[5:](activation)[0, 1].backward()
    weights = activation.grad.mean(dim=(2, 3), keepdim=True)  # type: ignore[union-attr]
    expected = torch.relu((weights * activation).sum(1))[0].detach().numpy()
    assert np.abs(found.raw - expected).max() <= 1e-5 * expected.max()


def test_target_is_an_index_a_name_or_the_predicted_class(wrapped: api.Classifier) -> None:
    by_name = api.explain(wrapped, spot(), explainer="grad-cam", target="stroke")
    by_index = api.explain(wrapped, spot(), explainer="grad-cam", target=1)
    predicted = api.explain(wrapped, spot(), explainer="grad-cam")
    assert np.array_equal(by_name.raw, by_index.raw)
    assert predicted.class_name == ("stroke" if predicted.probability > 0.5 else "no stroke")
    dark = api.explain(wrapped, np.zeros((1, 32, 32)), explainer="grad-cam")
    assert dark.class_name == "no stroke"


def test_an_improbable_class_is_flagged(wrapped: api.Classifier, network: nn.Module) -> None:
    with torch.no_grad():
        network.linear.bias[1] = -20  # type: ignore[union-attr]
    found = api.explain(wrapped, spot(), explainer="grad-cam", target="stroke")
    assert "improbable_class" in found.flags


def test_an_empty_map_says_so(wrapped: api.Classifier) -> None:
    found = api.explain(wrapped, np.zeros((1, 32, 32)), explainer="grad-cam", target="stroke")
    assert found.state == "empty"
    assert not found.map.any()


def test_a_mirrored_input_is_mirrored_back(wrapped: api.Classifier) -> None:
    plain = api.explain(wrapped, spot(), explainer="grad-cam", target="stroke")
    mirrored = api.explain(wrapped, spot(), explainer="grad-cam", target="stroke", mirror=True)
    assert (
        np.unravel_index(mirrored.raw.argmax(), (8, 8))[1]
        == 7 - np.unravel_index(plain.raw.argmax(), (8, 8))[1]
    )
    for found in (plain, mirrored):
        assert 18 <= np.unravel_index(found.map.argmax(), (32, 32))[1] <= 25


def test_explain_an_image_in_file_order(wrapped: api.Classifier) -> None:
    """The map has the axes of the file's slice, whichever way the patient lies in it."""
    turned = np.array([[0, 1.0, 0, 3], [1.0, 0, 0, -7], [0, 0, -5.0, 11], [0, 0, 0, 1]])
    for affine in (None, np.diag([-1.0, -1.0, 5.0, 1.0]), turned):
        found = api.explain(wrapped, bright_spot(affine=affine), explainer="grad-cam", target="stroke")
        assert found.slice == 2
        assert found.map.shape == (32, 32)
        row, column = np.unravel_index(found.map.argmax(), (32, 32))
        assert 6 <= row <= 13
        assert 18 <= column <= 25
        assert found.geometry is not None


@pytest.mark.parametrize(
    ("settings", "hint"),
    [
        ({"explainer": "gradcam"}, "grad-cam"),
        ({"explainer": "grad-cam", "layer": "relu9"}, "relu"),
        ({"explainer": "grad-cam", "layer": "linear"}, "extent in space"),
        ({"explainer": "grad-cam", "target": "strok"}, "stroke"),
        ({"explainer": "grad-cam", "target": 2}, "no class '2'"),
        ({"explainer": "grad-cam", "slice": 1}, "one slice"),
        ({"explainer": "grad-cam", "crop": "brain"}, "cropped"),
        ({"explainer": "grad-cam", "patch": 16}, "parameter 'patch'"),
    ],
)
def test_what_does_not_exist_is_a_sentence(
    wrapped: api.Classifier, settings: dict[str, object], hint: str
) -> None:
    with pytest.raises(api.WhySliceError) as caught:
        api.explain(wrapped, spot(), **settings)  # type: ignore[arg-type]
    assert hint in caught.value.sentence
    assert caught.value.sentence.endswith(".")


@pytest.mark.parametrize("shape", [(32, 32), (1, 1, 32, 32), (3, 32, 32)])
def test_arrays_of_other_shapes_are_refused(wrapped: api.Classifier, shape: tuple[int, ...]) -> None:
    with pytest.raises(api.WhySliceError):
        api.explain(wrapped, np.zeros(shape), explainer="grad-cam")


# --- atlas ---


def test_an_atlas_is_read_without_a_pass(wrapped: api.Classifier, network: nn.Module) -> None:
    made = api.atlas(wrapped, bright_spot())
    assert isinstance(made, api.Atlas)
    expected = api.explain(wrapped, bright_spot(), explainer="layer-cam", layer="relu1", target=0, slice=3)
    handle = network.register_forward_pre_hook(lambda *_: pytest.fail("the network was asked again"))
    one = made.map("relu1", 0, "layer-cam", slice=3)
    every = made.map("relu2", "stroke", "grad-cam")
    handle.remove()
    assert one.shape == (32, 32)
    assert np.abs(one - expected.raw).max() <= 1e-4 * max(float(expected.raw.max()), 1e-12)
    assert every.shape == (5, 8, 8)
    assert int(every.max(axis=(1, 2)).argmax()) == 2


def test_an_atlas_of_an_array_and_of_a_selection(wrapped: api.Classifier) -> None:
    made = api.atlas(wrapped, spot(), layers=["relu2"], targets=["stroke"], methods=["grad-cam"])
    assert made.map("relu2", "stroke", "grad-cam").shape == (8, 8)
    for request in (
        ("relu1", "stroke", "grad-cam"),
        ("relu2", "stroke", "layer-cam"),
        ("relu2", "strok", "grad-cam"),
    ):
        with pytest.raises(api.WhySliceError):
            made.map(*request)


# --- load_model, read_image ---


def test_load_a_folder(tiny_folder: Path) -> None:
    classifier = api.load_model(tiny_folder)
    assert isinstance(classifier, api.Classifier)
    assert classifier.classes == ("no stroke", "stroke")
    assert classifier.parameters == 198
    assert not classifier.module.training


def _replace(name: str, content: bytes | None):
    def spoil(folder: Path) -> None:
        path = folder / name
        path.unlink() if content is None else path.write_bytes(content)

    return spoil


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (_replace("weights.safetensors", None), "no-weights"),
        (_replace("weights.safetensors", b""), "no-weights"),
        (_replace("weights.safetensors", b"version https://git-lfs.github.com/spec/v1\n"), "lfs-stub"),
        (_replace("weights.safetensors", b"plain words, no weights"), "bad-weights"),
        (_replace("weights.safetensors", b"\x10\0\0\0\0\0\0\0{ broken header }"), "bad-weights"),
        (_replace("model.toml", None), "no-card"),
        (_replace("model.toml", b"not toml ["), "bad-card"),
        (_replace("model.toml", b'id = "x"'), "bad-card"),
    ],
)
def test_models_that_are_none(tiny_folder: Path, spoil, code: str) -> None:
    spoil(tiny_folder)
    with pytest.raises(api.WhySliceError) as caught:
        api.load_model(tiny_folder)
    assert caught.value.code == code
    assert caught.value.sentence.endswith(".")


def test_weights_of_another_network(tiny_folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    path = tiny_folder / "weights.safetensors"
    state = load_file(path)
    save_file({**state, "surplus.weight": torch.zeros(2)}, path)
    with pytest.raises(api.WhySliceError, match=r"unexpected surplus\.weight"):
        api.load_model(tiny_folder)
    state.pop("linear.bias")
    save_file(state, path)
    with pytest.raises(api.WhySliceError, match=r"misses linear\.bias"):
        api.load_model(tiny_folder)


def test_models_that_are_not_there(tmp_path: Path, tiny_folder: Path) -> None:
    for wrong in ("nobody", tmp_path / "nowhere", tiny_folder / "model.toml"):
        with pytest.raises(api.WhySliceError):
            api.load_model(wrong)
    with pytest.raises(api.WhySliceError, match="no device"):
        api.load_model(tiny_folder, device="abacus")


def test_read_what_was_written(tmp_path: Path) -> None:
    image = bright_spot()
    api.write_nifti(tmp_path / "a.nii.gz", image.voxels, image.geometry)
    read = api.read_image(tmp_path / "a.nii.gz")
    assert isinstance(read, api.MedicalImage)
    assert np.array_equal(read.voxels, image.voxels)
    assert np.allclose(read.geometry.affine_lps, image.geometry.affine_lps)
    with pytest.raises(api.WhySliceError):
        api.read_image(tmp_path / "b.nii.gz")


# --- evaluation ---


def test_iou() -> None:
    a, b = api.Region(0, 0, 4, 4), api.Region(2, 2, 6, 6)
    assert api.iou(a, a) == 1
    assert api.iou(a, b) == pytest.approx(4 / 28)


def test_boxes_from_map() -> None:
    map_ = np.zeros((10, 10))
    map_[2:4, 3:6] = 1
    (box,) = api.boxes_from_map(map_, rule="top-percent", value=6)
    assert (box.row_min, box.column_min, box.row_max, box.column_max) == (2, 3, 4, 6)
    (box,) = api.boxes_from_map(map_, rule="fraction-of-max", value=0.5)
    assert (box.row_min, box.column_min, box.row_max, box.column_max) == (2, 3, 4, 6)


def test_confusion_scores() -> None:
    found = api.confusion_scores(true_negative=1058, false_negative=49, true_positive=76, false_positive=8)
    assert set(found) == {"accuracy", "ppv", "npv", "sensitivity", "specificity"}
    assert found["ppv"].value == pytest.approx(0.9048, abs=1e-4)
    assert found["sensitivity"].value == pytest.approx(0.608, abs=1e-4)
    for score in found.values():
        assert isinstance(score, api.Score)
        assert score.low is not None
        assert score.low <= score.value <= score.high


# --- registration ---


def test_a_name_is_taken_once() -> None:
    def factory(**_: object) -> nn.Module:
        return nn.Identity()

    api.register_architecture("api-test-architecture", factory)
    api.register_architecture("api-test-architecture", factory)
    with pytest.raises(api.WhySliceError, match="two architectures"):
        api.register_architecture("api-test-architecture", lambda **_: nn.Identity())


def test_generators_and_recipes_are_found_by_name() -> None:
    from viewer.training.generator import GENERATORS
    from viewer.training.recipe import RECIPES

    generator = api.Generator(id="api-test", summary="Nothing.", generate=lambda *_: None)
    api.register_generator(generator)
    assert GENERATORS.find("api-test") is generator

    class Settings:
        pass

    recipe = api.Recipe(id="api-test", description="Nothing.", settings=Settings, build=lambda *_, **__: None)  # type: ignore[arg-type,return-value]
    api.register_recipe(recipe)
    assert RECIPES.find("api-test") is recipe
