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


def test_convert_without_it_warns_and_keeps_the_slices(
    say: Say, gapped: MedicalImage, tmp_path: Path
) -> None:
    told = say("convert", "x", tmp_path / "gapped.nii.gz", "--json")
    assert "1 slice is missing" in told.err
    assert told.document["resampled"] is False
    np.testing.assert_array_equal(voxels_of(tmp_path / "gapped.nii.gz"), gapped.voxels)


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
