"""Every DICOM series of the public scans that has a NIfTI of others beside it: all volumes, voxel by voxel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from viewer.imaging.contents import Contents
from viewer.imaging.image import MedicalImage

nib: Any = nibabel
_MILLIMETRES = 1e-4
_REFERENCES = {
    "dcm_qa_nih/In/20180918GE/mr_0004": "dcm_qa_nih/Ref/DCM2NIIX_regression_test_4.nii",
    "dcm_qa_nih/In/20180918Si/mr_0003": "dcm_qa_nih/Ref/EPI_PE=AP_3.nii",
    "dcm_qa_nih/In/20180918Si/mr_0004": "dcm_qa_nih/Ref/EPI_PE=PA_4.nii",
    "dcm_qa_nih/In/20180918Si/mr_0005": "dcm_qa_nih/Ref/EPI_PE=RL_5.nii",
    "dcm_qa_nih/In/20180918Si/mr_0006": "dcm_qa_nih/Ref/EPI_PE=LR_6.nii",
    "dcm_qa/In/Orientation/ax/axasc35": "dcm_qa/In/Orientation/ax/axasc35/6_ax_asc_35sl.nii",
    "dcm_qa_xa30/In/19_DWI_dir80_AP": "dcm_qa_xa30/Ref/19_DWI_dir80_AP.nii",
    "dcm_qa_xa30/In/20_DWI_dir80_AP": "dcm_qa_xa30/Ref/20_DWI_dir80_AP.nii",
    "dcm_qa_xa30/In/22_DWI_dir80_AP": "dcm_qa_xa30/Ref/22_DWI_dir80_AP.nii",
    "dcm_qa_xa30/In/24_DWI_dir80_AP": "dcm_qa_xa30/Ref/24_DWI_dir80_AP.nii",
}


def assert_same(image: MedicalImage, values: Any, affine: Any) -> None:
    """Every voxel of the reference lies, through both affines, on a voxel of the image with the same value.

    Two grids of one size, and as many different voxels: nothing of either is left out.
    """
    assert sorted(image.voxels.shape[:3]) == sorted(values.shape[:3])
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in values.shape[:3]), indexing="ij"), axis=-1)
    lps = (grid @ affine[:3, :3].T + affine[:3, 3]) * (-1, -1, 1)
    voxel = image.geometry.to_voxel(lps)
    nearest = np.rint(voxel).astype(int)
    assert (np.abs(voxel - nearest) * image.geometry.spacing_mm).max() < _MILLIMETRES
    flat = np.ravel_multi_index(tuple(np.moveaxis(nearest, -1, 0)), image.voxels.shape[:3])
    assert len(np.unique(flat)) == flat.size
    np.testing.assert_array_equal(image.voxels[tuple(np.moveaxis(nearest, -1, 0))], values)
    assert len(np.unique(values)) > 100


def test_no_reference_is_left_out(shared_data: Path) -> None:
    """Every NIfTI that lies in a folder of references, or among the files of a DICOM series."""
    there = {
        file.relative_to(shared_data).as_posix()
        for file in shared_data.glob("dcm_qa*/**/*.nii*")
        if file.parent.name == "Ref" or "In" in file.relative_to(shared_data).parts
    }
    assert there == set(_REFERENCES.values())


def test_the_comparison_itself_sees_a_shift_a_swap_and_a_value(shared_data: Path) -> None:
    folder = "dcm_qa/In/Orientation/ax/axasc35"
    reference = nib.load(shared_data / _REFERENCES[folder])
    values, affine = np.asarray(reference.dataobj)[..., 0], reference.affine
    contents = Contents.of(shared_data / folder)
    [info] = [each for each in contents.inspection.series if each.modality == "MR"]
    image = contents.load(info.id, volume=0)
    assert_same(image, values, affine)
    other = values.copy()
    other[30, 30, 17] += 1
    for wrong, place in (
        (other, affine),
        (values[::-1], affine),
        (values[..., :-1], affine),
        (values, affine + 2e-4 * np.eye(4)[:, [3]] @ np.eye(4)[[3]] + np.diag([0, 0, 2e-5, 0])),
    ):
        with pytest.raises((AssertionError, ValueError)):
            assert_same(image, wrong, place)


@pytest.mark.parametrize("folder", sorted(_REFERENCES))
def test_every_volume_equals_its_reference(shared_data: Path, folder: str) -> None:
    reference = nib.load(shared_data / _REFERENCES[folder])
    values = np.asarray(reference.dataobj)
    if values.dtype.names:
        values = np.stack([values[name] for name in "RGB"], axis=-1)[..., None, :]
    elif values.ndim == 3:
        values = values[..., None]
    contents = Contents.of(shared_data / folder)
    [info] = [each for each in contents.inspection.series if each.modality == "MR"]
    assert [volume.label for volume in info.volumes] == (
        [f"time {number + 1}" for number in range(values.shape[3])] if values.shape[3] > 1 else []
    )
    for number in range(values.shape[3]):
        assert_same(contents.load(info.id, volume=number), values[:, :, :, number], reference.affine)


def test_compressed_mosaics_are_split_like_plain_ones(shared_data: Path) -> None:
    """One head, scanned twice with one prescription, as JPEG Lossless and as JPEG 2000."""
    parts = shared_data / "dcm_qa/In/Orientation/axmb"
    one, other = (Contents.of(parts / name).load() for name in ("AxAsc36mb2a", "AxInt36mb"))
    assert one.voxels.shape == other.voxels.shape == (36, 86, 86)
    np.testing.assert_array_equal(one.geometry.affine_lps, other.geometry.affine_lps)
    correlation = np.corrcoef(one.voxels.ravel(), other.voxels.ravel())[0, 1]
    assert correlation > 0.98


@pytest.mark.parametrize(
    ("folder", "centres"),
    [
        ("sag/sagasc35", [(-61.2, -36.31961, -25.42373), (61.2, -36.31961, -25.42373)]),
        ("cor/corasc35", [(0, -133.11880, 7.18356), (0, -12.15965, -11.54191)]),
    ],
)
def test_slices_of_a_mosaic_lie_where_the_protocol_put_them(
    shared_data: Path, folder: str, centres: list[tuple[float, float, float]]
) -> None:
    """Centres of the first and last slice in the protocol that the files carry; a centre is voxel n/2, not (n-1)/2."""
    image = Contents.of(shared_data / f"dcm_qa/In/Orientation/{folder}").load()
    slices, rows, columns = image.voxels.shape
    found = image.geometry.to_voxel(np.array(centres))
    expected = [[0, rows / 2, columns / 2], [slices - 1, rows / 2, columns / 2]]
    np.testing.assert_allclose(found[np.argsort(found[:, 0])], expected, atol=1e-3)
    # Which of the two comes first follows from the file: its tiles go along the normal that its header states.
    assert sorted(np.rint(found[:, 0])) == [0, slices - 1]
