"""Where the voxels of a NIfTI file lie: sform, qform, sides, units, against SimpleITK and by hand."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import SimpleITK
from numpy.typing import NDArray

from tests.imaging.formats.nifti_files import SHORT, written
from viewer.imaging.reading import read_image

nib: Any = nibabel
sitk: Any = SimpleITK


def affine_of(image: Any) -> NDArray[np.float64]:
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) @ np.diag(image.GetSpacing())
    affine[:3, 3] = image.GetOrigin()
    return affine


@pytest.mark.parametrize(
    "name",
    ["niivue/packages/niivue/demos/images/FLAIR.nii.gz"]
    + [
        f"niivue/packages/niivue/tests/images/nifti_space/{order}.nii.gz"
        for order in ("AIL", "LAS", "SRA", "RPI")
    ]
    + ["monai/tests/testing_data/reoriented_anat_moved.nii", "dcm_qa_xa30/Ref/22_DWI_dir80_AP.nii"],
)
def test_voxels_and_affine_equal_those_of_simpleitk(shared_data: Path, name: str) -> None:
    image = read_image(shared_data / name)
    other = sitk.ReadImage(str(shared_data / name))
    np.testing.assert_array_equal(image.voxels, sitk.GetArrayFromImage(other))
    np.testing.assert_allclose(image.geometry.affine_lps, affine_of(other), atol=1e-4)


def test_the_eight_axis_orders_of_one_brain_give_one_picture(shared_data: Path) -> None:
    folder = shared_data / "niivue/packages/niivue/tests/images/nifti_space"
    images = [read_image(path) for path in sorted(folder.glob("*.nii.gz"))]
    assert len(images) == 8
    stacks = []
    for image in images:
        plane = image.plane
        assert plane.name == "axial"
        assert plane.edge_letters(image.geometry) == ("R", "L", "A", "P")
        count = plane.count(image.voxels.shape)
        heights = [plane.position_mm(image.geometry, index) for index in range(count)]
        order = np.argsort(np.asarray(heights))
        stacks.append(np.stack([plane.picture(image.voxels, int(index)) for index in order]))
    for one, other in itertools.pairwise(stacks):
        np.testing.assert_array_equal(one, other)


def test_flair_as_nifti_and_as_nrrd_is_one_head(shared_data: Path) -> None:
    folder = shared_data / "niivue/packages/niivue/demos/images"
    one, other = read_image(folder / "FLAIR.nii.gz"), read_image(folder / "FLAIR.nrrd")
    np.testing.assert_allclose(one.geometry.affine_lps, other.geometry.affine_lps, atol=1e-4)
    assert one.plane == other.plane
    assert (
        one.plane.edge_letters(one.geometry)
        == other.plane.edge_letters(other.geometry)
        == ("R", "L", "A", "P")
    )
    for index in range(one.plane.count(one.voxels.shape)):
        np.testing.assert_array_equal(
            one.plane.picture(one.voxels, index), other.plane.picture(other.voxels, index)
        )


def test_the_old_stroke_of_the_flair_lies_in_the_left_hemisphere(shared_data: Path) -> None:
    image = read_image(shared_data / "niivue/packages/niivue/demos/images/FLAIR.nii.gz")
    picture = image.plane.picture(image.voxels, 70).astype(float)
    bright = picture > 1.5 * np.median(picture[picture > 30])
    columns = np.flatnonzero(bright.any(axis=0))
    assert bright[:, picture.shape[1] // 2 :].sum() > 3 * bright[:, : picture.shape[1] // 2].sum()
    assert columns.max() > 0.8 * picture.shape[1]


def test_sform_comes_before_qform(tmp_path: Path) -> None:
    affine = np.diag([2.0, 3.0, 4.0, 1.0])
    image = nib.Nifti1Image(SHORT, affine)
    image.set_qform(np.diag([9.0, 9.0, 9.0, 1.0]), 1)
    nib.save(image, tmp_path / "a.nii")
    assert read_image(tmp_path / "a.nii").geometry.spacing_mm == (4, 3, 2)
    image.set_sform(affine, 0)
    nib.save(image, tmp_path / "b.nii")
    assert read_image(tmp_path / "b.nii").geometry.spacing_mm == (9, 9, 9)


@pytest.mark.parametrize(
    ("sform", "qform", "words"),
    [
        (np.diag([-1.0, 1, 1, 1]), np.diag([1.0, 1, 1, 1]), "says LAS, its second (qform) RAS"),
        (np.diag([1.0, 1, 1, 1]), np.diag([1.0, -1, 1, 1]), "says RAS, its second (qform) RPS"),
        (np.diag([1.0, 1, 1, 1]), np.diag([1.0, 1, 1, 1]), ""),
        (np.diag([1.1, 1.2, 0.9, 1]), np.diag([1.0, 1, 1, 1]), ""),  # fitted to a template
    ],
)
def test_transformations_that_exchange_sides_are_a_contradiction(
    tmp_path: Path, sform: Any, qform: Any, words: str
) -> None:
    image = nib.Nifti1Image(SHORT, sform)
    image.set_sform(sform, 4)
    image.set_qform(qform, 1)
    nib.save(image, tmp_path / "a.nii")
    read = read_image(tmp_path / "a.nii")
    np.testing.assert_allclose(read.geometry.affine_lps, np.diag([-1, -1, 1, 1]) @ sform, atol=1e-6)
    assert [words in d.sentence for d in read.diagnoses if d.code == "orientation-conflict"] == [True] * bool(
        words
    )


def test_without_codes_the_side_is_unknown_and_spacing_is_kept(tmp_path: Path) -> None:
    path = written(tmp_path / "a.nii", SHORT, np.diag([2.0, 3.0, 4.0, 1.0]), sform_code=0, qform_code=0)
    image = read_image(path)
    assert not image.geometry.oriented
    assert image.geometry.spacing_mm == (4, 3, 2)
    assert [d.code for d in image.diagnoses] == ["no-orientation"]


@pytest.mark.parametrize("spacing", [0.0, float("nan")])
def test_impossible_spacing_is_said(tmp_path: Path, spacing: float) -> None:
    path = written(
        tmp_path / "a.nii", SHORT, sform_code=0, qform_code=0, pixdim=[1, spacing, 1, 1, 1, 1, 1, 1]
    )
    assert "no-spacing" in [d.code for d in read_image(path).diagnoses]


def test_a_broken_sform_falls_back_to_the_qform(tmp_path: Path) -> None:
    path = written(
        tmp_path / "a.nii", SHORT, np.diag([2.0, 3.0, 4.0, 1.0]), qform_code=1, srow_x=[0, 0, 0, 0]
    )
    image = read_image(path)
    assert image.geometry.oriented
    assert "bad-transformation" in [d.code for d in image.diagnoses]


def test_a_sheared_sform_is_kept_and_said(tmp_path: Path) -> None:
    affine = np.eye(4)
    affine[1, 2] = 0.3
    image = read_image(written(tmp_path / "a.nii", SHORT, affine))
    assert "sheared" in [d.code for d in image.diagnoses]
    np.testing.assert_allclose(image.geometry.affine_ras, affine, atol=1e-6)


def test_metres_become_millimetres(tmp_path: Path) -> None:
    image = nib.Nifti1Image(SHORT, np.diag([0.002, 0.003, 0.004, 1.0]))
    image.header.set_xyzt_units("meter")
    nib.save(image, tmp_path / "a.nii")
    assert read_image(tmp_path / "a.nii").geometry.spacing_mm == pytest.approx((4, 3, 2))


def test_a_quaternion_without_spacing_still_knows_the_sides(tmp_path: Path) -> None:
    path = written(
        tmp_path / "a.nii",
        SHORT,
        sform_code=0,
        qform_code=1,
        quatern_d=1,
        pixdim=[0, 0, np.nan, 4, 1, 1, 1, 1],
    )
    image = read_image(path)
    assert image.geometry.oriented
    assert image.geometry.spacing_mm == (4, 1, 1)
    assert [d.code for d in image.diagnoses] == ["no-spacing"]
    np.testing.assert_allclose(image.geometry.affine_ras[:3, :3], np.diag([-1, -1, 4]))


def test_a_quaternion_that_is_none_is_said(tmp_path: Path) -> None:
    image = read_image(
        written(tmp_path / "a.nii", SHORT, sform_code=0, qform_code=1, quatern_b=3, quatern_c=4)
    )
    assert [d.code for d in image.diagnoses] == ["bad-transformation", "no-orientation"]


@pytest.mark.parametrize("qfac", [-1, 0, 1])
@pytest.mark.parametrize("quaternion", [(0, 0, 0), (1, 0, 0), (0, 0, 1), (0.5, 0.5, 0.5), (0.1, -0.3, 0.7)])
def test_every_quaternion_lies_where_simpleitk_puts_it(
    tmp_path: Path, quaternion: tuple[float, ...], qfac: int
) -> None:
    fields = dict(zip(("quatern_b", "quatern_c", "quatern_d"), quaternion, strict=True))
    path = written(
        tmp_path / "a.nii", SHORT, sform_code=0, qform_code=1, pixdim=[qfac, 2, 3, 4, 1, 1, 1, 1], **fields
    )
    np.testing.assert_allclose(
        read_image(path).geometry.affine_lps, affine_of(sitk.ReadImage(str(path))), atol=1e-5
    )
