"""`inspect` and `convert`, and every bad input with its one sentence."""

from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from tests.cli.conftest import Say, voxels_of
from viewer.imaging.dicom.writing import write_dicom
from viewer.imaging.geometry import Geometry
from viewer.imaging.image import MedicalImage
from viewer.imaging.reading import read_image
from viewer.imaging.writing import write_nifti

SERIES_KEYS = {
    "id",
    "modality",
    "description",
    "shape",
    "spacing_mm",
    "affine_lps",
    "frames",
    "b_values",
    "photometric",
    "diagnoses",
}


def test_inspect_documents_a_series(say: Say, nifti: Path, head: MedicalImage) -> None:
    told = say("inspect", nifti, "--json")
    assert told.code == 0
    assert told.err == ""
    assert set(told.document) == {"series", "unreadable"}
    (series,) = told.document["series"]
    assert set(series) >= SERIES_KEYS
    assert series["shape"] == [5, 32, 32]
    assert series["spacing_mm"] == [5.0, 1.0, 1.0]
    assert np.allclose(series["affine_lps"], head.geometry.affine_lps)
    assert series["frames"] == 5


def test_names_of_files_cannot_move_the_cursor(say: Say, tmp_path: Path) -> None:
    (tmp_path / "a\nb\x1b[2Jc.txt").write_text("words")
    for words in (("inspect", tmp_path), ("inspect", tmp_path / "a\nb\x1b[2Jc.txt")):
        told = say(*words)
        assert told.code == 1
        assert "\x1b" not in told.err + told.out
        assert len(told.err.splitlines()) == 1
    document = say("inspect", tmp_path, "--json").document
    assert document["unreadable"][0]["path"].endswith("a\nb\x1b[2Jc.txt")


def test_inspect_names_what_is_odd(say: Say, png: Path) -> None:
    told = say("inspect", png, "--json")
    (series,) = told.document["series"]
    for finding in series["diagnoses"]:
        assert set(finding) == {"code", "severity", "sentence", "action"}
    assert "no-orientation" in {finding["code"] for finding in series["diagnoses"]}
    human = say("inspect", png)
    assert "left and right are unknown" in human.out


def test_inspect_goes_on_after_a_bad_file(say: Say, nifti: Path) -> None:
    (nifti.parent / "notes.txt").write_text("not an image")
    told = say("inspect", nifti.parent, "--json")
    assert told.code == 0
    assert [set(entry) for entry in told.document["unreadable"]] == [{"path", "code", "sentence"}]
    assert "notes.txt" in told.document["unreadable"][0]["sentence"]


def test_inspect_of_nothing_readable_is_a_document_and_a_failure(say: Say, tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_bytes(b"")
    told = say("inspect", tmp_path / "a.dcm", "--json")
    assert told.code == 1
    assert told.document["series"] == []
    assert len(told.document["unreadable"]) == 1
    assert "a.dcm" in told.sentence
    human = say("inspect", tmp_path / "a.dcm")
    assert human.out == ""  # the one sentence is on the other stream
    assert len(human.err.splitlines()) == 1
    (tmp_path / "nothing").mkdir()
    empty = say("inspect", tmp_path / "nothing")
    assert (empty.code, empty.out) == (1, "")
    assert "is empty" in empty.err


def _empty(folder: Path, _: Path) -> Path:
    path = folder / "empty.nii.gz"
    path.write_bytes(b"")
    return path


def _truncated(folder: Path, good: Path) -> Path:
    path = folder / "short.nii"
    path.write_bytes(gzip.decompress(good.read_bytes())[:-4000])
    return path


def _truncated_packed(folder: Path, good: Path) -> Path:
    path = folder / "short.nii.gz"
    path.write_bytes(good.read_bytes()[: good.stat().st_size // 2])
    return path


def _text(folder: Path, _: Path) -> Path:
    path = folder / "words.png"
    path.write_text("I am not a picture")
    return path


def _folder_without_images(folder: Path, _: Path) -> Path:
    path = folder / "papers"
    path.mkdir()
    (path / "a.txt").write_text("a")
    (path / "b.csv").write_text("b")
    return path


def _empty_folder(folder: Path, _: Path) -> Path:
    path = folder / "nothing"
    path.mkdir()
    return path


def _missing(folder: Path, _: Path) -> Path:
    return folder / "missing.dcm"


BAD = [
    _empty,
    _truncated,
    _truncated_packed,
    _text,
    _folder_without_images,
    _empty_folder,
    _missing,
]


@pytest.mark.parametrize("make", BAD)
@pytest.mark.parametrize("command", ["convert", "predict", "explain"])
def test_bad_input_is_one_sentence(
    say: Say, tiny: str, nifti: Path, tmp_path: Path, make, command: str
) -> None:
    path = make(tmp_path, nifti)
    rest: dict[str, list[object]] = {
        "convert": [tmp_path / "out.nii.gz"],
        "predict": ["--model", tiny],
        "explain": ["--model", tiny, "--explainer", "grad-cam", "--out", tmp_path / "maps"],
    }
    told = say(command, path, *rest[command], "--json")
    assert told.code == 1
    assert told.out == ""
    assert path.name in told.sentence
    assert told.sentence.endswith(".")
    assert not (tmp_path / "out.nii.gz").exists()
    assert not (tmp_path / "maps").exists()


def test_a_wrong_extension_is_read_and_said(say: Say, nifti: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "head.dcm"
    wrong.write_bytes(nifti.read_bytes())
    told = say("inspect", wrong, "--json")
    assert told.code == 0
    assert "wrong-extension" in {f["code"] for f in told.document["series"][0]["diagnoses"]}


def test_several_series_are_listed_and_one_can_be_named(say: Say, head: MedicalImage, tmp_path: Path) -> None:
    folder = tmp_path / "two"
    folder.mkdir()
    write_nifti(folder / "a.nii.gz", head.voxels, head.geometry)
    write_nifti(folder / "b.nii.gz", head.voxels * 2, head.geometry)
    told = say("convert", folder, tmp_path / "one.nii.gz")
    assert told.code == 2
    assert "s1" in told.sentence
    assert "--series" in told.sentence
    told = say("convert", folder, tmp_path / "one.nii.gz", "--series", "s2")
    assert told.code == 0
    assert np.array_equal(voxels_of(tmp_path / "one.nii.gz"), head.voxels * 2)
    told = say("convert", folder, tmp_path / "one.nii.gz", "--series", "s9")
    assert told.code == 2
    assert "s1, s2" in told.sentence


def test_convert_keeps_voxels_and_affine(say: Say, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    stored = rng.integers(-300, 3000, (6, 5, 4)).astype(np.int16)
    affine = np.array([[-1.2, 0.1, 0, 40], [0.1, 1.1, 0.2, -30], [0, -0.2, 4.0, 12], [0, 0, 0, 1]])
    nib.save(nib.Nifti1Image(stored, affine), tmp_path / "in.nii.gz")
    told = say("convert", tmp_path / "in.nii.gz", tmp_path / "out.nii.gz", "--json")
    assert told.code == 0
    assert told.document["path"] == str(tmp_path / "out.nii.gz")
    assert told.document["shape"] == [4, 5, 6]
    written = nib.load(tmp_path / "out.nii.gz")
    assert np.array_equal(np.asarray(written.dataobj), stored)
    assert np.allclose(written.affine, affine, atol=1e-5)
    assert written.get_data_dtype() == np.int16


@pytest.mark.parametrize("name", ["FLAIR.nii.gz", "FLAIR.nrrd"])
def test_convert_a_real_scan(say: Say, shared_data: Path, tmp_path: Path, name: str) -> None:
    source = shared_data / "niivue/packages/niivue/demos/images" / name
    reference = nib.load(source.with_name("FLAIR.nii.gz"))
    told = say("convert", source, tmp_path / "out.nii.gz")
    assert told.code == 0, told.err
    written = nib.load(tmp_path / "out.nii.gz")
    assert np.array_equal(np.asarray(written.dataobj), np.asarray(reference.dataobj))
    assert np.allclose(written.affine, reference.affine, atol=1e-3)


def test_convert_says_that_a_film_will_look_inverted(say: Say, shared_data: Path, tmp_path: Path) -> None:
    film = shared_data / "torchxrayvision/tests/Fake_MONOHR1.dcm"
    told = say("convert", film, tmp_path / "a.nii.gz", "--json")
    assert told.document["photometric"] == "MONOCHROME1"
    assert "looks inverted" in told.err


def test_convert_says_why_it_cannot_write(say: Say, nifti: Path, tmp_path: Path) -> None:
    (tmp_path / "nowhere").write_text("a file, not a folder")
    told = say("convert", nifti, tmp_path / "nowhere" / "out.nii.gz")
    assert told.code == 1
    assert "nowhere" in told.sentence
    told = say("convert", nifti, tmp_path / "out.png")
    assert told.code == 2
    assert ".nii.gz" in told.sentence


def test_convert_never_writes_over_the_image_itself(say: Say, nifti: Path) -> None:
    before = nifti.read_bytes()
    told = say("convert", nifti, nifti.parent / "." / nifti.name)
    assert told.code == 2
    assert "itself" in told.sentence
    assert nifti.read_bytes() == before


def test_convert_makes_the_folder_and_warns_of_what_the_file_cannot_hold(say: Say, tmp_path: Path) -> None:
    flat = Geometry(np.diag([1.0, 1.0, 5.0, 1.0]), (2, 4, 4))
    write_nifti(tmp_path / "flat.nii.gz", np.zeros((2, 4, 4), np.int16), flat)
    told = say("convert", tmp_path / "flat.nii.gz", tmp_path / "new" / "out.nii.gz")
    assert told.code == 0
    assert (tmp_path / "new" / "out.nii.gz").is_file()
    assert "same value" in told.err


@pytest.fixture
def weighted(tmp_path: Path) -> Path:
    """Three diffusion volumes: b 0, b 1000 in one direction, b 1000 trace."""
    path = tmp_path / "dwi.nii.gz"
    data = np.arange(4 * 5 * 6 * 3, dtype=np.int16).reshape(4, 5, 6, 3)
    nib.save(nib.Nifti1Image(data, np.diag([2.0, 2.0, 5.0, 1.0])), path)
    (tmp_path / "dwi.bval").write_text("0 1000 1000")
    (tmp_path / "dwi.bvec").write_text("0 1 0\n0 0 0\n0 0 0\n")
    return path


def test_inspect_says_which_files_and_volumes_there_are(say: Say, weighted: Path) -> None:
    told = say("inspect", weighted)
    assert f"s1: dwi.nii.gz in {weighted.parent}" in told.out
    assert "3 volumes: 0 b 0, 1 b 1000, direction 1, 2 b 1000, trace (shown)" in told.out
    assert "6 of 18 images are shown" in told.out
    (series,) = say("inspect", weighted, "--json").document["series"]
    assert (series["volumes"], series["volume"], series["files"]) == (3, 2, 1)
    assert series["volume_labels"][2] == "b 1000, trace"
    assert series["b_values"] == [0, 1000]


def test_one_volume_of_several_can_be_chosen(say: Say, weighted: Path, tiny: str, tmp_path: Path) -> None:
    stored = np.asarray(nib.load(weighted).dataobj)
    for words, number in (((), 2), (("--volume", 0), 0), (("--volume", 1), 1)):
        told = say("convert", weighted, tmp_path / "out.nii.gz", *words, "--json")
        assert told.code == 0
        assert np.array_equal(np.asarray(nib.load(tmp_path / "out.nii.gz").dataobj), stored[..., number])
    told = say("convert", weighted, tmp_path / "out.nii.gz", "--volume", 3)
    assert (told.code, "from 0 to 2" in told.sentence) == (2, True)
    assert say("predict", weighted, "--model", tiny, "--volume", 1, "--json").code == 0


def test_a_converted_series_says_as_much_of_its_kind_as_the_series(
    say: Say, head: MedicalImage, tiny: str, user_folder: Path, tmp_path: Path
) -> None:
    """What decides whether a model applies goes along; what names a patient does not."""
    card = user_folder / "models" / tiny / "model.toml"
    demands = 'modality = ["MR"]\nsequence = ["DWI"]\nbody_part = "head"\nb_values = [900, 1100]'
    card.write_text(card.read_text().replace('modality = ["MR"]', demands))
    voxels = np.rint(head.voxels * 100).astype(np.int16)
    for number, b_value in enumerate((0.0, 1000.0), start=1):
        write_dicom(
            tmp_path / "study",
            voxels,
            head.geometry,
            modality="MR",
            description=f"of Jane Doe, b{b_value:g}",
            patient="Doe^Jane",
            number=number,
            b_value=b_value,
            body_part="HEAD",
        )
    out = tmp_path / "head.nii.gz"
    told = say("convert", tmp_path / "study", out, "--series", "s2", "--json")
    assert told.code == 0, told.err
    assert told.document["sidecars"] == [str(tmp_path / "head.json"), str(tmp_path / "head.bval")]
    (series,) = say("inspect", out, "--json").document["series"]
    assert (series["modality"], series["b_values"]) == ("MR", [1000])
    before, after = read_image(tmp_path / "study", "s2"), read_image(out)
    for name in ("modality", "body_part", "sequence", "b_value", "trace"):
        assert getattr(before, name) == getattr(after, name), name
    predict = ("predict", "--model", tiny, "--json")
    judged = say(*predict, tmp_path / "study", "--series", "s2").document["applicability"]
    assert judged["verdict"] == "applies"
    assert say(*predict, out).document["applicability"] == judged
    written = (tmp_path / "head.json").read_text() + (tmp_path / "head.bval").read_text()
    for private in ("jane", "doe", "1.2", "uid", "date"):
        assert private not in written.lower()


def test_an_archive_is_converted_and_never_written_over(say: Say, nifti: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "scan.zip", "w") as archive:
        archive.write(nifti, "head.nii.gz")
    told = say("convert", tmp_path / "scan.zip", tmp_path / "out.nii.gz")
    assert told.code == 0
    assert np.array_equal(voxels_of(tmp_path / "out.nii.gz"), voxels_of(nifti))


def test_a_stated_spacing_takes_the_place_of_the_files(
    say: Say, nifti: Path, tiny: str, tmp_path: Path
) -> None:
    told = say("convert", nifti, tmp_path / "out.nii.gz", "--spacing", "4,0.5,0.25", "--json")
    assert told.code == 0
    assert told.document["spacing_mm"] == pytest.approx([4, 0.5, 0.25])
    assert "spacing-by-hand" in [finding["code"] for finding in told.document["diagnoses"]]
    assert nib.load(tmp_path / "out.nii.gz").header.get_zooms() == pytest.approx((0.25, 0.5, 4))
    told = say("convert", nifti, tmp_path / "out.nii.gz", "--spacing", "4,0,1")
    assert (told.code, "three distances" in told.sentence) == (2, True)
    words = ("--model", tiny, "--explainer", "grad-cam", "--slice", 1, "--out", tmp_path / "maps")
    assert say("explain", nifti, *words, "--spacing", "4,0.5,0.5").code == 0
    assert json.loads((tmp_path / "maps" / "provenance.json").read_text())["spacing_by_hand_mm"] == [
        4,
        0.5,
        0.5,
    ]


def test_a_spacing_over_one_that_the_file_states_is_said_aloud(
    say: Say, nifti: Path, png: Path, tmp_path: Path
) -> None:
    told = say("convert", nifti, tmp_path / "out.nii.gz", "--spacing", "4,0.5,0.25")
    assert "the file says 5 x 1 x 1" in told.sentence
    assert "given by hand" not in say("convert", png, tmp_path / "p.nii.gz", "--spacing", "1,0.5,0.5").err
