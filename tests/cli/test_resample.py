"""`--resample`: a bent stack becomes a volume on the command line, and every answer says so."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from tests.cli.conftest import Say, voxels_of
from tests.tiny import bright_spot
from viewer.cli import reading
from viewer.imaging.diagnoses import Diagnosis
from viewer.imaging.geometry import Geometry
from viewer.imaging.image import MedicalImage
from viewer.imaging.reading import read_image


@pytest.fixture
def gapped(monkeypatch: pytest.MonkeyPatch) -> MedicalImage:
    """Every path is an image of slices at 0, 5, 10, 20 and 25 mm; the bright spot is on the third."""
    image = bright_spot()
    origins = np.outer([0.0, 5, 10, 20, 25], [0, 0, 1])
    affine = np.diag([1, 1, 25 / 4, 1])
    missing = Diagnosis("missing-slice", "warning", "1 slice is missing after slice 3 of 5.", "Mind the gap.")
    image = replace(
        image, geometry=Geometry(affine, image.geometry.shape, origins=origins), diagnoses=(missing,)
    )
    monkeypatch.setattr(reading, "read_image", lambda *_, **__: image)
    return image


def test_convert_writes_an_even_volume(say: Say, gapped: MedicalImage, tmp_path: Path) -> None:
    told = say("convert", "x", tmp_path / "even.nii.gz", "--resample", "--json")
    assert (told.code, told.err) == (0, "")
    assert told.document["shape"] == [6, 32, 32]
    assert told.document["spacing_mm"] == pytest.approx([5, 1, 1])
    assert told.document["resampled"] is True
    assert [finding["code"] for finding in told.document["diagnoses"]] == ["resampled", "missing-slice"]
    voxels = voxels_of(tmp_path / "even.nii.gz")
    np.testing.assert_array_equal(voxels[[0, 1, 2, 4, 5]], gapped.voxels)
    assert nib.load(tmp_path / "even.nii.gz").affine[2, 2] == pytest.approx(5)


def test_convert_refuses_what_one_affine_cannot_hold(say: Say, gapped: MedicalImage, tmp_path: Path) -> None:
    told = say("convert", "x", tmp_path / "gapped.nii.gz")
    assert told.code == 1
    assert "2.5 mm" in told.sentence  # the third of 0, 5, 10, 20, 25 would lie at 12.5
    assert "--resample" in told.sentence
    assert "--as-it-is" in told.sentence
    assert not list(tmp_path.iterdir())


def test_convert_as_it_is_says_so_beside_the_file(say: Say, gapped: MedicalImage, tmp_path: Path) -> None:
    out = tmp_path / "gapped.nii.gz"
    told = say("convert", "x", out, "--as-it-is", "--json")
    assert told.code == 0
    assert "1 slice is missing" in told.err
    assert "2.5 mm" in told.err
    assert told.document["resampled"] is False
    assert told.document["misplaced_up_to_mm"] == pytest.approx(2.5)
    np.testing.assert_array_equal(voxels_of(out), gapped.voxels)
    (finding,) = read_image(out).diagnoses
    assert (finding.code, finding.severity) == ("missing-slice", "warning")
    assert "2.5 mm" in finding.sentence
    # An even image of the same name takes the note back.
    assert say("convert", "x", out, "--resample").code == 0
    assert json.loads((tmp_path / "gapped.json").read_text()) == {"Modality": "MR"}
    assert read_image(out).diagnoses == ()


def test_a_tilted_even_stack_is_held_by_its_affine(
    say: Say, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    image = bright_spot()
    affine = np.diag([1.0, 1, 5, 1])
    affine[1, 2] = 1
    tilted = replace(image, geometry=Geometry(affine, image.geometry.shape))
    monkeypatch.setattr(reading, "read_image", lambda *_, **__: tilted)
    told = say("convert", "x", tmp_path / "tilted.nii", "--json")
    assert (told.code, told.document["misplaced_up_to_mm"]) == (0, 0)


def test_the_maps_of_a_gapped_series_lie_where_their_slices_are(
    say: Say, tiny: str, gapped: MedicalImage, tmp_path: Path
) -> None:
    words = ("explain", "x", "--model", tiny, "--explainer", "grad-cam", "--slice", 3, "--out", tmp_path)
    told = say(*words, "--json")
    assert told.code == 0, told.err
    assert "even grid" in told.document["nifti_grid"]
    assert "even grid" in json.loads((tmp_path / "provenance.json").read_text())["nifti_grid"]
    (path,) = tmp_path.glob("*.nii.gz")
    assert voxels_of(path).shape == (6, 32, 32)
    assert nib.load(path).affine[2, 2] == pytest.approx(5)
    assert "volumes: on an even grid" in say(*words).out


def test_predict_reads_the_resampled_slices(say: Say, tiny: str, gapped: MedicalImage) -> None:
    words = ("predict", "x", "--model", tiny, "--json")
    plain, even = say(*words).document, say(*words, "--resample").document
    assert (len(plain["slices"]), plain["resampled"]) == (len(gapped.voxels), False)
    assert (len(even["slices"]), even["resampled"]) == (6, True)
    assert int(np.argmax([entry["probabilities"][1] for entry in even["slices"]])) == 2


def test_explain_says_in_its_provenance_that_it_resampled(
    say: Say, tiny: str, gapped: MedicalImage, tmp_path: Path
) -> None:
    told = say(
        "explain",
        "x",
        "--model",
        tiny,
        "--explainer",
        "grad-cam",
        "--slice",
        2,
        "--resample",
        "--out",
        tmp_path,
    )
    assert told.code == 0, told.err
    record = json.loads((tmp_path / "provenance.json").read_text())
    assert "resampled" in record["diagnoses"]
    (volume,) = tmp_path.glob("*.nii.gz")
    assert voxels_of(volume).shape == (6, *gapped.geometry.shape[1:])


def test_nothing_to_resample_is_said(say: Say, nifti: Path, tmp_path: Path) -> None:
    told = say("convert", nifti, tmp_path / "same.nii.gz", "--resample", "--json")
    assert told.code == 0
    assert "nothing to resample" in told.sentence
    assert told.document["resampled"] is False
