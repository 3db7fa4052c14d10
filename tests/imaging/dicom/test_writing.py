"""A series that is written is read back where it was, as what it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from viewer.foundation.errors import ExportError
from viewer.imaging.dicom.writing import write_dicom
from viewer.imaging.geometry import Geometry
from viewer.imaging.reading import inspect_path, read_image


def oblique(degrees: float, shape: tuple[int, int, int] = (4, 6, 5)) -> Geometry:
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    affine = np.eye(4)
    affine[:3, :3] = np.array([[1, 0, 0], [0, c, -s], [0, s, c]]) @ np.diag([0.9, 1.1, 5.0])
    affine[:3, 3] = -30.0, 12.5, 40.0
    return Geometry(affine, shape)


@settings(max_examples=8, deadline=None)
@given(st.floats(-30, 30), st.sampled_from([np.int16, np.uint16]))
def test_a_series_comes_back(tmp_path_factory: pytest.TempPathFactory, degrees: float, kind: type) -> None:
    folder = tmp_path_factory.mktemp("series")
    voxels = np.arange(120).reshape(4, 6, 5).astype(kind)
    if kind is np.int16:
        voxels -= 60
    geometry = oblique(degrees)
    facts = {"modality": "MR", "description": "Synthetic DWI", "patient": "SYNTHETIC^1", "b_value": 1000.0}
    files = write_dicom(folder, voxels, geometry, **facts)
    assert len(files) == 4
    image = read_image(folder)
    assert np.array_equal(image.voxels, voxels)
    assert np.abs(image.geometry.affine_lps - geometry.affine_lps).max() < 1e-4
    assert (image.modality, image.sequence, image.b_value) == ("MR", "DWI", 1000.0)


def test_series_of_one_patient_are_one_study(tmp_path: Path) -> None:
    voxels = np.zeros((4, 6, 5), np.int16)
    for number, words in enumerate(("b0", "ADC"), start=1):
        write_dicom(
            tmp_path, voxels, oblique(0), modality="MR", description=words, patient="S", number=number
        )
    found = inspect_path(tmp_path).series
    assert [entry.description for entry in found] == ["b0", "ADC"]
    assert len({entry.patient_key for entry in found}) == 1


def test_the_same_arguments_give_the_same_files(tmp_path: Path) -> None:
    def once(folder: Path) -> list[bytes]:
        voxels = np.ones((4, 6, 5), np.int16)
        made = write_dicom(folder, voxels, oblique(3), modality="CT", description="x", patient="S")
        return [path.read_bytes() for path in made]

    assert once(tmp_path / "a") == once(tmp_path / "b")


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    voxels = np.zeros((4, 6, 5), np.int16)
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportError, match="could not be written to 'file'"):
        write_dicom(tmp_path / "file", voxels, oblique(0), modality="MR", description="", patient="S")
    with pytest.raises(ValueError, match="int16"):
        write_dicom(tmp_path, voxels.astype(float), oblique(0), modality="MR", description="", patient="S")
    unknown = Geometry.unoriented((4, 6, 5))
    with pytest.raises(ValueError, match="lies somewhere"):
        write_dicom(tmp_path, voxels, unknown, modality="MR", description="", patient="S")
