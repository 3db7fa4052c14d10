"""NIfTI against SimpleITK and nibabel, and files that lie."""

from __future__ import annotations

import gzip
import itertools
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import SimpleITK
from numpy.typing import NDArray

from viewer.foundation.errors import ReadError
from viewer.imaging.reading import inspect_path, read_image

nib: Any = nibabel
sitk: Any = SimpleITK


def written(path: Path, data: NDArray[Any], affine: NDArray[np.float64] | None = None, **header: Any) -> Path:
    """A NIfTI file with header fields overwritten after everything nibabel would set itself."""
    image = nib.Nifti1Image(data, np.eye(4) if affine is None else affine)
    fields = image.header
    for name, value in header.items():
        fields[name] = value
    raw = (
        fields.binaryblock
        + bytes(4)
        + image.get_fdata(dtype=np.float64).astype(data.dtype).tobytes(order="F")
    )
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)
    return path


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


SHORT = np.arange(24, dtype=np.int16).reshape(2, 3, 4)


def test_sform_comes_before_qform(tmp_path: Path) -> None:
    affine = np.diag([2.0, 3.0, 4.0, 1.0])
    image = nib.Nifti1Image(SHORT, affine)
    image.set_qform(np.diag([9.0, 9.0, 9.0, 1.0]), 1)
    nib.save(image, tmp_path / "a.nii")
    assert read_image(tmp_path / "a.nii").geometry.spacing_mm == (4, 3, 2)
    image.set_sform(affine, 0)
    nib.save(image, tmp_path / "b.nii")
    assert read_image(tmp_path / "b.nii").geometry.spacing_mm == (9, 9, 9)


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


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("cut", [360, 380, 100])
def test_a_cut_off_file_is_refused_not_filled_with_zeros(tmp_path: Path, name: str, cut: int) -> None:
    raw = written(tmp_path / "whole.nii", SHORT).read_bytes()[:cut]
    path = tmp_path / name
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)
    with pytest.raises(ReadError, match=r"a\.nii") as caught:
        read_image(path)
    assert caught.value.code in ("truncated", "not-an-image")


def test_a_gzip_stream_that_stops_is_refused(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 1000, (30, 30, 30)).astype(np.int16)
    path = written(tmp_path / "a.nii.gz", noise)
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(ReadError, match="cut short"):
        read_image(path)


def test_a_gzip_stream_that_does_not_add_up_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "a.nii.gz", np.zeros((30, 30, 30), dtype=np.int16))
    raw = bytearray(path.read_bytes())
    raw[-8:-4] = b"oops"
    path.write_bytes(raw)
    with pytest.raises(ReadError, match="damaged"):
        read_image(path)


def test_a_bomb_meets_the_budget_before_the_memory(tmp_path: Path) -> None:
    path = written(tmp_path / "a.nii.gz", SHORT, dim=[3, 30000, 30000, 30, 1, 1, 1, 1])
    with pytest.raises(ReadError, match="more than the 4 GB allowed") as caught:
        read_image(path)
    assert caught.value.code == "over-budget"


def test_scaled_integers_stay_integers_and_others_become_float32(tmp_path: Path) -> None:
    whole = read_image(written(tmp_path / "a.nii", SHORT, scl_slope=2, scl_inter=-5))
    assert whole.voxels.dtype == np.int16
    np.testing.assert_array_equal(whole.voxels, SHORT.T * 2 - 5)
    half = read_image(written(tmp_path / "b.nii", SHORT, scl_slope=0.5, scl_inter=1))
    assert half.voxels.dtype == np.float32
    np.testing.assert_array_equal(half.voxels, SHORT.T * np.float32(0.5) + 1)
    none = read_image(written(tmp_path / "c.nii", SHORT, scl_slope=0, scl_inter=7))
    np.testing.assert_array_equal(none.voxels, SHORT.T)


def test_of_four_dimensions_the_first_volume_is_shown_and_said(tmp_path: Path) -> None:
    data = np.arange(48, dtype=np.int16).reshape(2, 3, 4, 2)
    image = read_image(written(tmp_path / "a.nii", data))
    np.testing.assert_array_equal(image.voxels, data[..., 0].T)
    assert "4 of 8 images are shown: volume 1 of 2." in image.diagnoses[0].sentence


def test_big_endian_and_nifti2_are_read(tmp_path: Path) -> None:
    for name, image in {
        "big.nii": nib.Nifti1Image(SHORT, np.eye(4), nib.Nifti1Header(endianness=">")),
        "two.nii": nib.Nifti2Image(SHORT, np.eye(4)),
    }.items():
        image.set_data_dtype(np.int16)
        nib.save(image, tmp_path / name)
        read = read_image(tmp_path / name)
        np.testing.assert_array_equal(read.voxels, SHORT.T)
        assert read.voxels.dtype == np.dtype(np.int16)


def test_a_pair_is_read_by_its_header(tmp_path: Path) -> None:
    nib.save(nib.Nifti1Pair(SHORT, np.eye(4)), tmp_path / "a.img")
    np.testing.assert_array_equal(read_image(tmp_path / "a.hdr").voxels, SHORT.T)
    (tmp_path / "a.img").unlink()
    with pytest.raises(ReadError, match="without its voxel file"):
        read_image(tmp_path / "a.hdr")


def test_not_a_number_is_counted(tmp_path: Path) -> None:
    data = np.ones((2, 3, 4), dtype=np.float32)
    data[0, 0, 0], data[1, 1, 1] = np.nan, np.inf
    image = read_image(written(tmp_path / "a.nii", data))
    assert any(d.code == "not-finite" and d.sentence.startswith("2 of 24") for d in image.diagnoses)
    assert np.isfinite(image.grey(image.plane.picture(image.voxels, 0))).all()


def test_complex_voxels_show_their_magnitude(tmp_path: Path) -> None:
    image = nib.Nifti1Image((SHORT * (3 + 4j)).astype(np.complex64), np.eye(4))
    nib.save(image, tmp_path / "a.nii")
    np.testing.assert_allclose(read_image(tmp_path / "a.nii").voxels, SHORT.T * 5)


def test_metres_become_millimetres(tmp_path: Path) -> None:
    image = nib.Nifti1Image(SHORT, np.diag([0.002, 0.003, 0.004, 1.0]))
    image.header.set_xyzt_units("meter")
    nib.save(image, tmp_path / "a.nii")
    assert read_image(tmp_path / "a.nii").geometry.spacing_mm == pytest.approx((4, 3, 2))


@pytest.mark.parametrize("fields", [{"dim": [0] * 8}, {"dim": [3, -4, 5, 6, 1, 1, 1, 1]}, {"datatype": 77}])
def test_senseless_headers_are_refused(tmp_path: Path, fields: dict[str, Any]) -> None:
    with pytest.raises(ReadError, match="NIfTI"):
        read_image(written(tmp_path / "a.nii", SHORT, **fields))


def test_inspection_reads_no_voxels_and_agrees_with_reading(shared_data: Path) -> None:
    path = shared_data / "niivue/packages/niivue/demos/images/FLAIR.nii.gz"
    (info,) = inspect_path(path).series
    image = read_image(path)
    assert info.shape == image.geometry.shape
    np.testing.assert_array_equal(info.affine_lps, image.geometry.affine_lps)
