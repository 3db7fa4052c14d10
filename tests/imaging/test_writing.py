"""What is written comes back: voxels, types, places, unknown sides."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import SimpleITK
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from viewer.foundation.errors import ExportError
from viewer.imaging.geometry import Geometry
from viewer.imaging.plane import ReadingPlane
from viewer.imaging.reading import read_image
from viewer.imaging.writing import write_nifti

nib: Any = nibabel
sitk: Any = SimpleITK
GRID = Geometry(np.eye(4), (3, 4, 5))


def test_a_real_head_comes_back_identical(shared_data: Path, tmp_path: Path) -> None:
    image = read_image(shared_data / "niivue/packages/niivue/demos/images/FLAIR.nii.gz")
    write_nifti(tmp_path / "out.nii.gz", image.voxels, image.geometry)
    again = read_image(tmp_path / "out.nii.gz")
    np.testing.assert_array_equal(again.voxels, image.voxels)
    assert again.voxels.dtype == image.voxels.dtype
    np.testing.assert_allclose(again.geometry.affine_lps, image.geometry.affine_lps, atol=1e-4)
    header = nib.load(tmp_path / "out.nii.gz").header
    assert (int(header["sform_code"]), int(header["qform_code"])) == (1, 1)
    np.testing.assert_allclose(header.get_qform(), header.get_sform(), atol=1e-3)
    other = sitk.ReadImage(str(tmp_path / "out.nii.gz"))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(other), image.voxels)


@given(
    angles=st.tuples(*[st.floats(-180, 180)] * 3),
    spacing=st.tuples(*[st.floats(0.2, 10)] * 3),
    origin=st.tuples(*[st.floats(-300, 300)] * 3),
    mirrored=st.booleans(),
)
def test_any_oblique_grid_comes_back_in_place(
    tmp_path_factory: pytest.TempPathFactory,
    angles: tuple[float, ...],
    spacing: tuple[float, ...],
    origin: tuple[float, ...],
    mirrored: bool,
) -> None:
    affine = np.eye(4)
    turn = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    affine[:3, :3] = turn @ np.diag([-1.0 if mirrored else 1.0, 1, 1]) @ np.diag(spacing)
    affine[:3, 3] = origin
    geometry = Geometry(affine, (3, 4, 5))
    voxels = np.arange(60, dtype=np.int16).reshape(3, 4, 5)
    path = tmp_path_factory.mktemp("grids") / "a.nii"
    write_nifti(path, voxels, geometry)
    again = read_image(path)
    np.testing.assert_allclose(again.geometry.affine_lps, affine, atol=1e-4)
    np.testing.assert_array_equal(again.voxels, voxels)
    assert again.plane == ReadingPlane.of(geometry)


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ("uint8", "uint8"),
        ("int16", "int16"),
        ("uint16", "uint16"),
        ("int32", "int32"),
        ("float32", "float32"),
        ("float64", "float64"),
        ("bool", "uint8"),
        ("int64", "int32"),
        ("float16", "float32"),
        (">i2", "int16"),
    ],
)
def test_types_are_kept_or_become_the_next_that_nifti_has(tmp_path: Path, stored: str, expected: str) -> None:
    voxels = (np.arange(60).reshape(3, 4, 5) % 2).astype(stored)
    write_nifti(tmp_path / "a.nii", voxels, GRID)
    again = read_image(tmp_path / "a.nii")
    assert again.voxels.dtype == np.dtype(expected)
    np.testing.assert_array_equal(again.voxels, voxels)


def test_colour_is_written_as_rgb24(tmp_path: Path) -> None:
    colour = np.arange(180, dtype=np.uint8).reshape(3, 4, 5, 3)
    write_nifti(tmp_path / "a.nii.gz", colour, GRID)
    assert int(nib.load(tmp_path / "a.nii.gz").header["datatype"]) == 128
    np.testing.assert_array_equal(read_image(tmp_path / "a.nii.gz").voxels, colour)


def test_an_unknown_side_stays_unknown(tmp_path: Path) -> None:
    geometry = Geometry.unoriented((3, 4, 5), (4.0, 3.0, 2.0))
    write_nifti(tmp_path / "a.nii", np.zeros((3, 4, 5), dtype=np.uint8), geometry)
    again = read_image(tmp_path / "a.nii")
    assert not again.geometry.oriented
    assert again.geometry.spacing_mm == (4, 3, 2)


def test_a_tilted_grid_keeps_its_shear(tmp_path: Path) -> None:
    affine = np.eye(4)
    affine[1, 2] = 0.3
    write_nifti(tmp_path / "a.nii", np.zeros((3, 4, 5), dtype=np.uint8), Geometry(affine, (3, 4, 5)))
    np.testing.assert_allclose(read_image(tmp_path / "a.nii").geometry.affine_lps, affine, atol=1e-6)


def test_one_input_gives_one_file_byte_by_byte(tmp_path: Path) -> None:
    voxels = np.arange(60, dtype=np.int16).reshape(3, 4, 5)
    for name in ("a.nii.gz", "b.nii.gz"):
        write_nifti(tmp_path / name, voxels, GRID)
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


def test_failures_are_one_sentence_and_leave_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    voxels = np.zeros((3, 4, 5), dtype=np.int16)
    with pytest.raises(ExportError, match=r"must end in \.nii or \.nii\.gz"):
        write_nifti(tmp_path / "a.png", voxels, GRID)
    with pytest.raises(ExportError, match=r"'a\.nii' could not be written: no such file or directory"):
        write_nifti(tmp_path / "gone" / "a.nii", voxels, GRID)
    write_nifti(tmp_path / "a.nii", voxels, GRID)
    before = (tmp_path / "a.nii").read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ExportError, match="no space left"):
        write_nifti(tmp_path / "a.nii", voxels + 1, GRID)
    assert (tmp_path / "a.nii").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.nii"]


def test_voxels_of_another_grid_are_a_defect() -> None:
    with pytest.raises(ValueError, match="axes"):
        write_nifti(Path("a.nii"), np.zeros((2, 2, 2)), GRID)


def test_a_film_keeps_its_sides_and_claims_no_place_in_the_scanner(tmp_path: Path) -> None:
    affine = np.diag([0.2, 1.0, -0.2, 1.0])[:, [0, 2, 1, 3]]
    film = Geometry(affine, (1, 4, 5), placed=False)
    write_nifti(tmp_path / "film.nii", np.arange(20, dtype=np.int16).reshape(film.shape), film)
    header = nib.load(tmp_path / "film.nii").header
    assert (int(header["sform_code"]), int(header["qform_code"])) == (2, 2)
    again = read_image(tmp_path / "film.nii")
    assert again.plane.edge_letters(again.geometry) == ReadingPlane.of(film).edge_letters(film)
