"""`predict`, `explain` and `layers` with a model of volumes, on files of any orientation."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from nibabel.orientations import apply_orientation, axcodes2ornt, inv_ornt_aff, ornt_transform
from PIL import Image

from tests.cli.conftest import Say
from tests.tiny_volume import write_tiny_volume_model
from viewer.controllers import engine

LEFT = (-14.0, 6.0, 9.0)  # RAS mm of the blob: on the patient's left, in front of the middle, above it


@pytest.fixture
def tiny3d(user_folder: Path) -> str:
    write_tiny_volume_model(user_folder)
    engine.classifier.cache_clear()
    return "tiny3d"


def scan(path: Path, codes: str = "LPS") -> Path:
    """A blob on the patient's left, in a file whose axes run to `codes`; written by nibabel, not by us."""
    shape, spacing = (24, 20, 16), (2.0, 2.0, 3.0)  # to the right, to the front, up
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = [-s * (n - 1) / 2 for s, n in zip(spacing, shape, strict=True)]
    grid = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1) @ affine[:3, :3] + affine[:3, 3]
    voxels = 5 * np.exp(-((grid - LEFT) ** 2).sum(-1) / 40)
    voxels += np.random.default_rng(0).uniform(0, 0.02, shape)
    turn = ornt_transform(axcodes2ornt("RAS"), axcodes2ornt(codes))
    turned = apply_orientation(voxels.astype(np.float32), turn)
    nib.save(nib.Nifti1Image(turned, affine @ inv_ornt_aff(turn, shape)), path)
    return path


def centre_mm(path: str) -> np.ndarray:
    """RAS millimetres of the middle of what a NIfTI holds, above half of its maximum."""
    image = nib.load(path)
    values = np.asarray(image.dataobj)
    places = np.argwhere(values > 0.5 * values.max())
    return nib.affines.apply_affine(image.affine, places.mean(0))


@pytest.mark.parametrize("codes", ["RAS", "LPS", "ASR", "PIL", "SLA", "IRP"])
@pytest.mark.parametrize("wish", [(), ("--mirror",), ("--crop",)])
def test_what_is_on_the_left_comes_out_on_the_left(
    say: Say, tiny3d: str, tmp_path: Path, codes: str, wish
) -> None:
    path = scan(tmp_path / "head.nii.gz", codes)
    words = ("explain", path, "--model", tiny3d, "--explainer", "grad-cam", "--class", "stroke")
    told = say(*words, "--out", tmp_path / "maps", "--json", *wish)
    assert told.code == 0, told.err
    (entry,) = told.document["maps"]
    np.testing.assert_allclose(nib.load(entry["nifti"]).affine, nib.load(path).affine, atol=1e-4)
    assert nib.load(entry["nifti"]).shape == nib.load(path).shape
    assert np.abs(centre_mm(entry["nifti"]) - LEFT).max() < 4
    raw = np.load(entry["raw"])
    assert raw.shape == (8, 8, 8)
    slice_, _, column = np.unravel_index(raw.argmax(), raw.shape)
    assert slice_ >= 4  # above the middle
    assert (column >= 4) != ("--mirror" in wish)  # the network saw it on the other side


def test_explain_writes_one_volume_a_map(say: Say, tiny3d: str, tmp_path: Path) -> None:
    path, out = scan(tmp_path / "head.nii.gz"), tmp_path / "maps"
    words = ("--explainer", "grad-cam,layer-cam,gradient", "--layer", "relu1,relu2", "--class", "all")
    told = say("explain", path, "--model", tiny3d, *words, "--out", out, "--json")
    assert told.code == 2
    assert "no class 'all'" in told.sentence
    words = ("--explainer", "grad-cam,layer-cam,gradient", "--layer", "relu1,relu2")
    told = say("explain", path, "--model", tiny3d, *words, "--out", out, "--json")
    assert told.code == 0, told.err
    maps = told.document["maps"]
    assert {(m["layer"], m["explainer"]) for m in maps} == {
        (layer, name) for layer in ("relu1", "relu2") for name in ("grad-cam", "layer-cam")
    } | {("input", "gradient")}
    grids = {"relu1": (8, 16, 16), "relu2": (8, 8, 8), "input": (8, 16, 16)}
    for entry in maps:
        assert entry["slice"] is None
        assert np.load(entry["raw"]).shape == grids[entry["layer"]]
        with Image.open(entry["picture"]) as picture:
            assert picture.width == 1200
            assert len(np.unique(np.asarray(picture.convert("RGB")).reshape(-1, 3), axis=0)) > 50
    record = json.loads(Path(told.document["provenance"]).read_text())
    assert record["slice_rule"] == "the volume as a whole"
    assert record["input"]["size"] == [8, 16, 16]
    assert len(record["input"]["crop_box"]) == 6
    assert record["reading_order"]["axes"] == [0, 1, 2]
    assert str(tmp_path) not in json.dumps(record)


def test_predict_speaks_of_the_case_alone(say: Say, tiny3d: str, tmp_path: Path) -> None:
    path = scan(tmp_path / "head.nii.gz")
    plain = say("predict", path, "--model", tiny3d, "--json").document
    assert plain["slices"] == []
    assert plain["case"]["slice"] is None
    assert plain["case"]["interval"] == []
    assert sum(plain["case"]["probabilities"]) == pytest.approx(1, abs=1e-5)
    words = ("predict", path, "--model", tiny3d, "--mc-samples", 8)
    sampled = say(*words, "--json").document
    assert sampled["case"]["probabilities"] == plain["case"]["probabilities"]
    (low, high) = sampled["case"]["interval"][1]
    assert 0 <= low < high <= 1
    assert sampled == say(*words, "--json").document
    told = say(*words)
    assert "the volume as a whole" in told.out
    assert f"({low:.3f}-{high:.3f})" in told.out
    assert say("predict", path, "--model", tiny3d, "--mirror", "--json").document["input"]["mirror"] is True
    assert say("predict", path, "--model", tiny3d, "--crop", "--json").document["input"]["crop"] == "body"


def test_one_patient_one_answer_in_every_file(say: Say, tiny3d: str, tmp_path: Path) -> None:
    found = [
        say("predict", scan(tmp_path / f"{codes}.nii.gz", codes), "--model", tiny3d, "--json").document[
            "case"
        ]
        for codes in ("RAS", "PIL", "SLA")
    ]
    for each in found[1:]:
        assert each["probabilities"] == pytest.approx(found[0]["probabilities"], abs=1e-5)


def test_layers(say: Say, tiny3d: str) -> None:
    layers = {layer["name"]: layer for layer in say("layers", tiny3d, "--json").document}
    assert layers["relu2"]["shape"] == [4, 8, 8, 8]
    assert layers["relu2"]["grid"] == [8, 8, 8]
    assert layers["relu2"]["default"]
    assert "before-global-pool" in layers["relu2"]["flags"]
    assert "followed-by-in-place" in layers["conv1"]["flags"]
    assert "same-output-as:relu1" in layers["drop"]["flags"]


def test_what_a_model_of_volumes_refuses(say: Say, tiny3d: str, tmp_path: Path) -> None:
    path = scan(tmp_path / "head.nii.gz")
    words = ("explain", path, "--model", tiny3d, "--explainer", "grad-cam", "--out", tmp_path / "maps")
    told = say(*words, "--slice", 3)
    assert told.code == 2
    assert "reads whole volumes and explains all slices at once" in told.sentence
    film = tmp_path / "film.png"
    Image.fromarray(np.zeros((20, 20), np.uint8)).save(film)
    told = say("predict", film, "--model", tiny3d)
    assert told.code == 1
    assert "The model reads volumes, and this image is a single slice" in told.err
    assert "Traceback" not in told.err


def test_a_volume_is_checked_as_a_whole(say: Say, tiny3d: str, tmp_path: Path) -> None:
    path = scan(tmp_path / "head.nii.gz", "PIL")
    told = say("check", path, "--model", tiny3d, "--class", "stroke", "--out", tmp_path / "out", "--json")
    assert told.code == 0, told.err
    found = {each["name"]: each for each in told.document["checks"]}
    assert {each["slice"] for each in found.values()} == {None}
    assert found["mirror"]["value"] > 0.9
    assert found["crop"]["details"]["other_crop"] == "body"
    assert found["input-invariance"]["value"] < 1e-3
    assert found["weight-randomisation"]["details"]["draws"] == 1
    for each in found.values():
        assert each["value"] is not None or each["verdict"] in ("not defined", "fails"), each
        assert each["picture"] is None or Path(each["picture"]).is_file()


def test_a_volume_has_no_slice_to_check(say: Say, tiny3d: str, tmp_path: Path) -> None:
    told = say("check", scan(tmp_path / "head.nii.gz"), "--model", tiny3d, "--slice", 3)
    assert told.code == 2
    assert "--slice" in told.sentence
