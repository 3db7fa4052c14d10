"""`predict` and `explain` on an image whose answer is known: a bright square on slice 2, rows 8-12, columns 20-24."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from tests.cli.conftest import Say, voxels_of
from tests.tiny import bright_spot
from viewer import api
from viewer.controllers import engine
from viewer.imaging.image import MedicalImage
from viewer.imaging.writing import write_nifti


def test_predict(say: Say, tiny: str, nifti: Path) -> None:
    told = say("predict", nifti, "--model", tiny, "--json")
    assert told.code == 0
    document = told.document
    assert set(document) >= {"model", "classes", "slices", "case"}
    assert document["model"] == tiny
    assert document["classes"] == ["no stroke", "stroke"]
    assert [entry["index"] for entry in document["slices"]] == [0, 1, 2, 3, 4]
    for entry in document["slices"]:
        assert set(entry) == {"index", "probabilities", "interval"}
        assert sum(entry["probabilities"]) == pytest.approx(1, abs=1e-5)
        assert entry["interval"] == []
    strokes = [entry["probabilities"][1] for entry in document["slices"]]
    assert int(np.argmax(strokes)) == 2
    assert document["case"]["probabilities"] == document["slices"][2]["probabilities"]
    assert "stroke" in document["case"]["rule"]
    assert document["applicability"]["verdict"] == "unproven"
    assert document["input"] == {"mirror": False, "crop": "none"}


def test_predict_for_people(say: Say, tiny: str, nifti: Path) -> None:
    told = say("predict", nifti, "--model", tiny, "--mc-samples", 2)
    assert told.code == 0
    assert "case: no stroke" in told.out
    assert (
        "output p; 2 dropout passes low-high (2.5% to 97.5%); says nothing about unfamiliar scans" in told.out
    )
    assert "no confidence interval" in told.out


def test_predict_with_intervals_repeats_with_its_seed(say: Say, nifti: Path, tiny: str) -> None:
    words = ("predict", nifti, "--model", tiny, "--json", "--mc-samples", 5)
    first = say(*words, "--seed", 4).document
    assert (first["mc_samples"], first["seed"]) == (5, 4)
    assert first == say(*words, "--seed", 4).document
    for entry in first["slices"]:
        assert [len(interval) for interval in entry["interval"]] == [2, 2]


def test_crop_wishes(say: Say, tiny: str, tmp_path: Path) -> None:
    path = tmp_path / "disc.nii.gz"
    row, column = np.mgrid[:32, :32]
    disc = ((row - 14) ** 2 + (column - 18) ** 2 < 64).astype(np.float32)
    image = bright_spot(1, at=(0, 8, 20))
    write_nifti(path, disc[None], image.geometry)

    def used(*words: str) -> dict[str, object]:
        return say("predict", path, "--model", tiny, "--json", *words).document["input"]

    assert used()["crop"] == "none"  # this card's own rule
    assert used("--crop")["crop"] == "brain"
    assert used("--no-crop")["crop"] == "none"
    assert used("--crop-rule", "percentile")["crop"] == "percentile"
    assert used("--mirror")["mirror"] is True


def test_a_model_that_does_not_apply_predicts_and_says_so(
    say: Say, tiny: str, nifti: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from viewer.cli import reading

    ct = bright_spot(modality="CT")
    monkeypatch.setattr(reading, "read_image", lambda *_, **__: ct)
    told = say("predict", nifti, "--model", tiny, "--json")
    assert told.code == 0
    assert "not made for this image" in told.sentence
    assert told.document["applicability"]["verdict"] == "does_not_apply"
    assert told.document["applicability"]["reasons"]
    told = say("predict", nifti, "--model", tiny)
    assert (told.out + told.err).count("not made for this image") == 1
    assert "not made for this image" in told.sentence
    told = say(
        "explain", nifti, "--model", tiny, "--explainer", "grad-cam", "--out", nifti.parent / "m", "--json"
    )
    assert told.code == 0
    assert "not made for this image" in told.sentence
    assert told.document["applicability"]["verdict"] == "does_not_apply"


MAP_KEYS = {"class", "slice", "layer", "explainer", "state", "raw_max", "raw", "nifti", "picture"}


def test_explain_by_default(say: Say, tiny: str, nifti: Path, head: MedicalImage, tmp_path: Path) -> None:
    out = tmp_path / "new" / "maps"
    told = say("explain", nifti, "--model", tiny, "--explainer", "grad-cam", "--out", out, "--json")
    assert told.code == 0, told.err
    assert set(told.document) >= {"maps", "provenance"}
    (entry,) = told.document["maps"]
    assert set(entry) >= MAP_KEYS
    assert (entry["class"], entry["slice"], entry["layer"]) == ("stroke", 2, "relu2")
    assert "highest probability of stroke" in told.document["slice_rule"]
    assert entry["state"] == "ok"

    raw = np.load(entry["raw"])
    assert raw.dtype == np.float32
    assert raw.shape == (8, 8)
    assert entry["raw_max"] == pytest.approx(float(raw.max()))
    assert np.unravel_index(raw.argmax(), raw.shape) == (2, 5)

    volume = voxels_of(entry["nifti"])
    assert volume.shape == (5, 32, 32)
    assert np.allclose(nib.load(entry["nifti"]).affine, nib.load(nifti).affine)
    assert not volume[[0, 1, 3, 4]].any()
    row, column = np.unravel_index(volume[2].argmax(), (32, 32))
    assert 7 <= row <= 12
    assert 19 <= column <= 24

    with Image.open(entry["picture"]) as picture:
        assert picture.format == "PNG"
        assert min(picture.size) > 100

    record = json.loads(Path(told.document["provenance"]).read_text())
    assert record["model"] == tiny
    assert record["use"] == "research use only"
    assert len(record["input_sha256"]) == 64
    assert record["maps"][0]["nifti"] == Path(entry["nifti"]).name
    assert str(tmp_path) not in json.dumps(record)


def test_explain_equals_the_api(say: Say, tiny: str, nifti: Path, tmp_path: Path) -> None:
    told = say(
        "explain", nifti, "--model", tiny, "--explainer", "layer-cam", "--layer", "relu1", "--class", "stroke",
        "--score", "margin", "--slice", 1, "--mirror", "--out", tmp_path / "maps", "--json",
    )  # fmt: skip
    (entry,) = told.document["maps"]
    same = api.explain(
        api.load_model(tiny),
        api.read_image(nifti),
        explainer="layer-cam",
        layer="relu1",
        target="stroke",
        score="margin",
        slice=1,
        mirror=True,
    )
    assert np.allclose(np.load(entry["raw"]), same.raw, rtol=1e-5, atol=1e-9)
    assert np.allclose(voxels_of(entry["nifti"])[1], same.map, rtol=1e-5, atol=1e-9)
    assert entry["state"] == same.state
    assert entry["raw_max"] == pytest.approx(same.raw_max)


@pytest.mark.parametrize("score", ["logit", "probability", "margin"])
@pytest.mark.parametrize("crop", ["none", "percentile"])
def test_every_wish_reaches_the_network(
    say: Say, tiny: str, nifti: Path, tmp_path: Path, score: str, crop: str
) -> None:
    words = ["--no-crop"] if crop == "none" else ["--crop-rule", crop]
    told = say(
        "explain", nifti, "--model", tiny, "--explainer", "grad-cam", "--layer", "conv1", "--class", "no stroke",
        "--score", score, "--slice", 2, *words, "--out", tmp_path / "maps", "--json",
    )  # fmt: skip
    (entry,) = told.document["maps"]
    same = api.explain(
        api.load_model(tiny), api.read_image(nifti), explainer="grad-cam", layer="conv1", target="no stroke",
        score=score, slice=2, crop=crop,
    )  # fmt: skip
    assert same.signed.min() < 0, "a map of which the negative part must not be written"
    assert np.allclose(np.load(entry["raw"]), same.raw, rtol=1e-4, atol=1e-9)
    assert np.allclose(voxels_of(entry["nifti"])[2], same.map, rtol=1e-4, atol=1e-9)
    assert entry["raw_max"] == pytest.approx(same.raw_max, rel=1e-4)
    assert entry["state"] == same.state
    record = json.loads(Path(told.document["provenance"]).read_text())
    assert (record["score"], record["input"]["2"]["crop"]) == (score, crop)


def test_every_map_comes_with_its_verdict(
    say: Say, tiny: str, nifti: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = engine.trace_slice

    def told(**changes: object) -> dict[str, object]:
        def altered(request: engine.TraceRequest, *rest: object) -> engine.TraceReply:
            reply = real(request, *rest)  # type: ignore[arg-type]
            maps = dict(reply.maps)
            if changes.get("alike"):
                maps[0, "relu2", "grad-cam"] = maps[1, "relu2", "grad-cam"]
            return replace(reply, maps=maps, flags=changes.get("flags", ()))  # type: ignore[arg-type]

        monkeypatch.setattr(engine, "trace_slice", altered)
        words = ("--explainer", "grad-cam", "--class", "stroke", "--out", tmp_path / "maps", "--json")
        (entry,) = say("explain", nifti, "--model", tiny, *words).document["maps"]
        return entry

    plain = told()
    assert plain["may_read"]["answer"] == "with care"  # a bare NIfTI does not say what it is
    assert plain["flags"] == ["equal_by_construction"]
    assert plain["equal_to"] == ["hires-cam", "xgrad-cam"]
    assert "overlap" not in plain["may_read"]["line"]
    assert "overlap (1.00)" in told(alike=True)["may_read"]["line"]
    squashed = told(flags=("squashed-output",))
    assert squashed["flags"] == ["equal_by_construction", "squashed-output"]
    assert "probabilities already" in squashed["may_read"]["line"]


def test_classes_whose_files_would_have_one_name_are_refused(
    say: Say, tiny: str, nifti: Path, tmp_path: Path
) -> None:
    import shutil

    folder = tmp_path / "alike"
    shutil.copytree(api.load_model(tiny).card.folder, folder)
    card = (folder / "model.toml").read_text()
    (folder / "model.toml").write_text(
        card.replace('"no stroke"', '"Stroke?"').replace(f'id = "{tiny}"', 'id = "alike"')
    )
    words = ("--explainer", "grad-cam", "--slice", 2, "--out", tmp_path / "maps")
    both = say("explain", nifti, "--model", folder, *words, "--class", "stroke,Stroke?")
    assert both.code == 1
    assert "one at a time" in both.sentence
    assert not (tmp_path / "maps").exists()
    assert say("explain", nifti, "--model", folder, *words, "--class", "Stroke?").code == 0


def test_many_maps_from_one_trace_a_slice(
    say: Say, tiny: str, nifti: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    traced: list[int] = []
    real = engine.trace_slice

    def counted(request: engine.TraceRequest, *rest: object) -> engine.TraceReply:
        traced.append(request.index)
        return real(request, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(engine, "trace_slice", counted)
    told = say(
        "explain", nifti, "--model", tiny, "--explainer", "grad-cam,layer-cam", "--explainer", "grad-cam++",
        "--layer", "all", "--class", "stroke,no stroke", "--slice", "all", "--out", tmp_path / "maps", "--json",
    )  # fmt: skip
    assert told.code == 0, told.err
    assert traced == [0, 1, 2, 3, 4]
    maps = told.document["maps"]
    assert len(maps) == 3 * 5 * 2 * 5
    assert len({entry["nifti"] for entry in maps}) == 3 * 5 * 2
    assert len({entry["raw"] for entry in maps}) == len(maps)
    for entry in maps:
        assert Path(entry["raw"]).is_file()
        assert Path(entry["picture"]).is_file()
    # The scale of the pictures is that of the series, or the card's, never that of a slice.
    scales = {(e["class"], e["layer"], e["explainer"]): set() for e in maps}
    for e in maps:
        scales[e["class"], e["layer"], e["explainer"]].add((e["scale"], e["scale_name"]))
    assert all(len(found) == 1 for found in scales.values())
    assert scales["stroke", "relu2", "grad-cam"] == {(2.0, "model reference")}
    assert {name for found in scales.values() for _, name in found} == {"model reference", "series maximum"}


def test_difference_of_orientation_does_not_matter(say: Say, tiny: str, tmp_path: Path) -> None:
    """The same patient stored with other axes: the map lies at the same place in the patient."""
    image = bright_spot()
    write_nifti(tmp_path / "a.nii.gz", image.voxels, image.geometry)
    stored = nib.load(tmp_path / "a.nii.gz")
    turned = stored.as_reoriented(
        nib.orientations.axcodes2ornt(("S", "L", "P"), (("L", "R"), ("P", "A"), ("I", "S")))
    )
    nib.save(turned, tmp_path / "b.nii.gz")
    peaks = []
    for name in "ab":
        told = say(
            "explain", tmp_path / f"{name}.nii.gz", "--model", tiny, "--explainer", "grad-cam",
            "--out", tmp_path / name, "--json",
        )  # fmt: skip
        assert told.code == 0, told.err
        found = nib.load(told.document["maps"][0]["nifti"])
        data = np.asarray(found.dataobj)
        # The middle of the highest plateau, in millimetres of the patient.
        where = np.argwhere(data >= data.max() * 0.999).mean(axis=0)
        peaks.append(nib.affines.apply_affine(found.affine, where))
    assert np.allclose(peaks[0], peaks[1], atol=1e-4)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["--layer", "relu9"], "nearest: relu"),
        (["--class", "strok"], "nearest: stroke"),
        (["--class", "7"], "no class '7'"),
        (["--slice", "5"], "from 0 to 4"),
    ],
)
def test_names_that_do_not_exist(
    say: Say, tiny: str, nifti: Path, tmp_path: Path, words: list[str], hint: str
) -> None:
    out = tmp_path / "maps"
    told = say("explain", nifti, "--model", tiny, "--explainer", "grad-cam", "--out", out, *words)
    assert told.code == 2
    assert hint in told.sentence
    assert not out.exists()


def test_what_the_window_says_above_a_map_stands_under_the_table(
    say: Say, tiny: str, nifti: Path, tmp_path: Path
) -> None:
    words = ("--explainer", "grad-cam,layer-cam", "--slice", 2, "--out", tmp_path / "maps")
    told = say("explain", nifti, "--model", tiny, *words)
    assert told.code == 0
    one, other = [each for each in told.out.splitlines() if "Read with care: " in each]
    assert one.startswith("stroke, relu2, grad-cam, slice 2: ")
    assert one.endswith("same map as HiResCAM and XGrad-CAM on this layer.")
    assert other.startswith("stroke, relu2, layer-cam, slice 2: ")


def test_maps_are_compared_with_a_truth_and_with_brightness(
    say: Say, tiny: str, head: MedicalImage, nifti: Path, tmp_path: Path
) -> None:
    mask = np.zeros(head.voxels.shape, np.uint8)
    mask[2] = head.voxels[2] >= head.voxels[2].max()
    write_nifti(tmp_path / "mask.nii.gz", mask, head.geometry)
    words = ("explain", nifti, "--model", tiny, "--explainer", "grad-cam", "--class", "stroke")
    words += ("--out", tmp_path / "maps", "--truth", tmp_path / "mask.nii.gz")
    told = say(*words, "--slice", "all", "--json")
    assert told.code == 0
    found = [each["agreement"] for each in told.document["maps"]]
    assert [each is None for each in found] == [True, True, False, True, True]
    assert found[2]["brightness"]["pointing"] == 1
    assert 0 <= found[2]["map"]["energy"] <= 1
    assert found[2]["map"]["iou"] <= found[2]["brightness"]["iou"]
    text = say(*words, "--class", "no stroke", "--slice", 2).out
    assert "nothing of no stroke is marked on this slice" in text, "the mask is of the finding"
    assert "brightness alone" in text
    assert "knows nothing of the network" in text
    assert "nothing of stroke is marked on this slice" in say(*words, "--slice", 0).out
    told = say(*words[:-1], tmp_path / "none.json")
    assert (told.code, "does not exist" in told.sentence) == (1, True)


def test_places_that_cannot_be_written(say: Say, tiny: str, nifti: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    told = say("explain", nifti, "--model", tiny, "--explainer", "grad-cam", "--out", tmp_path / "taken")
    assert told.code == 1
    assert "'taken' is a file" in told.sentence


def test_a_photograph_is_explained(say: Say, tiny: str, png: Path, tmp_path: Path) -> None:
    told = say(
        "explain", png, "--model", tiny, "--explainer", "grad-cam", "--out", tmp_path / "maps", "--json"
    )
    assert told.code == 0, told.err
    assert told.document["slice_rule"] == "the only slice"
    assert voxels_of(told.document["maps"][0]["nifti"]).shape == (1, 40, 50)


@pytest.mark.parametrize("name", ["FLAIR.nii.gz", "FLAIR.nrrd"])
def test_a_real_scan_is_explained(say: Say, tiny: str, shared_data: Path, tmp_path: Path, name: str) -> None:
    path = shared_data / "niivue/packages/niivue/demos/images" / name
    told = say(
        "explain",
        path,
        "--model",
        tiny,
        "--explainer",
        "grad-cam",
        "--slice",
        70,
        "--out",
        tmp_path,
        "--json",
    )
    assert told.code == 0, told.err
    volume = nib.load(told.document["maps"][0]["nifti"])
    assert np.allclose(volume.affine, nib.load(path.with_name("FLAIR.nii.gz")).affine, atol=1e-3)


def test_every_kind_of_explainer_is_made_on_demand(say: Say, tiny: str, nifti: Path, tmp_path: Path) -> None:
    told = say(
        "explain", nifti, "--model", tiny, "--explainer", "grad-cam,smoothgrad,deconvnet,eigen-cam", "--slice", 2,
        "--class", "stroke", "--set", "samples=3", "--set", "of=layer-cam", "--out", tmp_path / "maps", "--json",
    )  # fmt: skip
    assert told.code == 0
    cam, smooth, deconv, eigen = told.document["maps"]
    same = api.explain(
        api.load_model(tiny), api.read_image(nifti), explainer="smoothgrad", target="stroke", slice=2, samples=3,
        of="layer-cam",
    )  # fmt: skip
    assert np.allclose(np.load(smooth["raw"]), same.raw, rtol=1e-5, atol=1e-9)
    assert np.allclose(np.load(smooth["deviation"]), same.deviation, rtol=1e-4, atol=1e-9)
    assert smooth["parameters"]["samples"] == 3
    assert (cam["layer"], smooth["layer"], deconv["layer"]) == (same.layer, same.layer, "input")
    assert (cam["deviation"], cam["parameters"]) == (None, {})
    assert "hardly depends on what the network has learned" in deconv["may_read"]["line"]
    assert deconv["may_read"]["answer"] != "yes"
    assert "every class" in eigen["warning"]
    assert "deconvnet: This map hardly depends" in told.err
    assert "eigen-cam: This map is the same for every class" in told.err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("smoothgrad", "--set", "noise=2"), "it is a number from 0 to 1"),
        (("grad-cam", "--set", "region=1,1"), "no region to choose"),
        (("seg-grad-cam",), "no segmentation network"),
        (("cam",), "needs a linear layer right after global average pooling"),
        (("brightnes",), "nearest: brightness"),
    ],
)
def test_what_cannot_be_explained_is_one_sentence(
    say: Say, tiny: str, nifti: Path, tmp_path: Path, words: tuple[str, ...], sentence: str
) -> None:
    told = say(
        "explain",
        nifti,
        "--model",
        tiny,
        "--layer",
        "conv1",
        "--out",
        tmp_path / "maps",
        "--explainer",
        *words,
    )
    assert told.code in (1, 2)
    assert sentence in told.sentence


def test_a_slice_that_is_not_there_is_refused_before_anything_is_computed(
    say: Say, tiny: str, nifti: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("viewer.controllers.engine.predict_case", lambda *_, **__: pytest.fail("predicted"))
    words = ("--model", tiny, "--explainer", "grad-cam", "--slice", 99, "--out", tmp_path / "maps")
    told = say("explain", nifti, *words)
    assert told.code == 2
    assert told.sentence == "There is no slice 99: they run from 0 to 4."


def test_a_layer_that_no_explainer_needs_is_said_to_be_left_out(
    say: Say, tiny: str, nifti: Path, tmp_path: Path
) -> None:
    words = ("explain", nifti, "--model", tiny, "--slice", 0, "--layer", "conv1", "--out", tmp_path / "maps")
    told = say(*words, "--explainer", "gradient", "--json")
    assert told.code == 0
    assert told.sentence == "gradient explains the input and has no layer: --layer conv1 is left out."
    assert told.document["notes"] == [told.sentence]
    told = say(*words, "--explainer", "grad-cam", "--json")
    assert (told.err, told.document["notes"]) == ("", [])


@pytest.mark.parametrize(
    ("explainer", "words"),
    [
        ("gradient", "The explainer gradient has no parameter 'samples': it has none."),
        ("integrated-gradients", "no parameter 'samples': it has steps, baseline."),
        (
            "gradient,deep-lift",
            "The explainers gradient and deep-lift have no parameter 'samples': they have baseline.",
        ),
    ],
)
def test_a_parameter_that_is_not_there_is_answered_with_those_that_are(
    say: Say, tmp_path: Path, explainer: str, words: str
) -> None:
    asked = ("--explainer", explainer, "--set", "samples=5")
    told = say("explain", "x.nii", "--model", "m", *asked, "--out", tmp_path)
    assert told.code == 2
    assert words in told.sentence
