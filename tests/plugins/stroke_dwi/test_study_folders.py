"""A table of patients beside their slices: to train on, and as a cohort."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from plugins.stroke_dwi.own_patients import own_patients
from plugins.stroke_dwi.study_folders import is_study, slice_labels, study_patients
from viewer.api import SILENT, Geometry, WhySliceError, write_dicom, write_nifti
from viewer.evaluation.cohort_table import read_cohort
from viewer.imaging.reading import read_image
from viewer.plugin_host.host import activate

COUNT = 9


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """JPEG slices, a DICOM folder and a NIfTI file; the third has no stroke, the fourth no images."""
    rng = np.random.default_rng(2)
    voxels = rng.integers(100, 900, (COUNT, 20, 24)).astype(np.int16)
    geometry = Geometry(np.diag([1.0, 1.0, 5.0, 1.0]), voxels.shape)
    mask = np.zeros(voxels.shape, np.uint8)
    mask[4, 5:9, 5:9] = 1
    (tmp_path / "P1").mkdir()
    (tmp_path / "masks").mkdir()
    for number in range(COUNT):
        Image.fromarray(rng.integers(20, 200, (20, 24)).astype(np.uint8)).save(
            tmp_path / "P1" / f"im_{number + 1}.jpg"
        )
    write_dicom(tmp_path / "P2", voxels, geometry, modality="MR", description="DWI", patient="SYNTHETIC")
    write_nifti(tmp_path / "masks" / "P2.nii.gz", mask, geometry)
    write_nifti(tmp_path / "P3.nii.gz", voxels, geometry)
    (tmp_path / "patients.csv").write_text("pat,stroke,mrs_3months\nP1,1,4\nP2,1,1\nP3,0,\nP4,1,2\n")
    (tmp_path / "slices.csv").write_text("pat,slice,label\nP1,2,1\nP1,3,1\nP1,4,0\n")
    return tmp_path


def test_each_patient_says_on_which_slices_the_lesion_shows(study: Path) -> None:
    found = list(own_patients(study, SILENT))
    (sentence,) = [each for each in found if isinstance(each, str)]
    assert "a row but no images" in sentence
    assert "P4" in sentence
    patients = {each.key: each for each in found if not isinstance(each, str)}
    assert {key: np.flatnonzero(each.positive).tolist() for key, each in patients.items()} == {
        "P1": [2, 3],
        "P2": [4],
        "P3": [],
    }
    assert [patients[key].outcome for key in ("P1", "P2", "P3")] == [2, 1, None]
    assert patients["P1"].masks is None
    assert patients["P2"].masks.sum() == 16
    assert patients["P1"].pictures.shape == (COUNT, 20, 24)


def test_the_folder_is_a_cohort_without_a_table_of_its_own(study: Path) -> None:
    activate()
    cohort = read_cohort(study)
    assert [(row.path, row.case, row.series) for row in cohort.images] == [
        ("P1", "P1", "stack"),
        ("P2", "P2", ""),
        ("P3.nii.gz", "P3", ""),
    ]
    assert [row.markings[0].labels for row in cohort.images] == [("stroke",), ("stroke",), ("no stroke",)]
    for row in cohort.images:
        assert read_image(row.file, row.series or None).voxels.shape == (COUNT, 20, 24)


def test_other_folders_are_not_claimed(study: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    assert not is_study(other)
    (other / "patients.csv").write_text("pat,stroke\nP1,1\n")
    assert not is_study(other), "a table alone is no study"
    (study / "cohort.csv").write_text("path\nP3.nii.gz\n")
    assert not is_study(study), "its own table goes first"


def test_a_patient_whose_slices_nobody_labelled_is_left_out(study: Path) -> None:
    (study / "slices.csv").unlink()
    found = list(own_patients(study, SILENT))
    assert any("P1: it has a stroke, but no mask" in each for each in found if isinstance(each, str))
    assert [each.key for each in found if not isinstance(each, str)] == ["P2", "P3"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("pat,slice\nP1,2\n", "no column 'label'"),
        ("who,slice,label\nP1,2,1\n", "no column 'p_id'"),
        ("pat,slice,label\nP1,two,1\n", "Row 2"),
        ("pat,slice,label\nP1,2,1\nP1,3,7\n", "Row 3"),
    ],
)
def test_a_table_of_slices_that_makes_no_sense_is_named(study: Path, text: str, words: str) -> None:
    (study / "slices.csv").write_text(text)
    with pytest.raises(WhySliceError, match=words):
        slice_labels(study)


def test_a_slice_that_is_not_there_is_named_and_the_rest_goes_on(study: Path) -> None:
    (study / "slices.csv").write_text("pat,slice,label\nP1,40,1\n")
    found = list(own_patients(study, SILENT))
    assert any("names slice 40" in each for each in found if isinstance(each, str))
    assert len([each for each in found if not isinstance(each, str)]) == 2


@pytest.mark.parametrize("key", ["..", "../other", "linked", "{abs}"])
def test_nothing_outside_the_folder_is_read(
    study: Path, tmp_path_factory: pytest.TempPathFactory, key: str
) -> None:
    other = tmp_path_factory.mktemp("other")
    Image.fromarray(np.full((8, 8), 9, np.uint8)).save(other / "secret.png")
    (study / "linked").symlink_to(other, target_is_directory=True)
    key = key.replace("{abs}", str(other))
    (study / "patients.csv").write_text(f"pat,stroke\n{key},0\nP3,0\n")
    assert [each.key for each in study_patients(study)] == ["P3"]
