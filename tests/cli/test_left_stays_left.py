"""A lesion on the left stays on the left: from a file through the network and its map to a NIfTI, and back again.

The one property that everything else is for. Nothing here knows how the viewer orients an image: files are written by
other libraries, and the answer is read by nibabel in patient millimetres.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import SimpleITK
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid
from scipy.spatial.transform import Rotation

from tests.cli.conftest import Say
from tests.orientations import ORIENTATIONS, stored
from viewer.imaging.geometry import Geometry, lps_from_ras

sitk: Any = SimpleITK  # it ships no types
SHAPE = (5, 32, 32)
LESION = (slice(1, 2), slice(8, 12), slice(22, 26))


def the_affine() -> NDArray[np.float64]:
    """An oblique head, voxel (column, row, slice) -> LPS; columns grow towards the patient's left."""
    affine = np.eye(4)
    turn = Rotation.from_euler("xyz", [11, -6, 8], degrees=True).as_matrix()
    affine[:3, :3] = turn @ np.diag([1.5, 1.4, 6.0])
    affine[:3, 3] = turn @ np.array([-1.5 * 15.5, -1.4 * 15.5, 0])
    return affine


def the_head() -> NDArray[np.float32]:
    """A faint disc with one bright square, and in it nothing else that could be taken for it."""
    _, row, column = np.mgrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    voxels = np.where((row - 15.5) ** 2 + (column - 15.5) ** 2 < 14**2, 0.01, 0).astype(np.float32)
    voxels[LESION] = 5
    return voxels


def centre() -> NDArray[np.float64]:
    """The middle of the lesion, LPS mm."""
    return (the_affine() @ [23.5, 9.5, 1, 1])[:3]


def as_nifti(path: Path, axes: tuple[int, ...], flips: tuple[bool, ...]) -> Path:
    voxels, geometry = stored(the_head(), the_affine(), axes, flips)
    path = path / "head.nii.gz"
    nib.save(nib.Nifti1Image(voxels.transpose(2, 1, 0), lps_from_ras(geometry.affine_lps)), path)
    return path


def as_itk(path: Path, name: str) -> Path:
    voxels, geometry = stored(the_head(), the_affine(), (1, 2, 0), (True, False, True))
    image = sitk.GetImageFromArray(voxels)
    slice_, row, column = geometry.spacing_mm
    image.SetSpacing((column, row, slice_))
    image.SetOrigin(geometry.affine_lps[:3, 3].tolist())
    image.SetDirection((geometry.affine_lps[:3, :3] / (column, row, slice_)).ravel().tolist())
    sitk.WriteImage(image, str(path / name))
    return path / name


def as_dicom(path: Path, *, reverse: bool) -> Path:
    """Single-slice files; `reverse` stores rows and columns the other way round and the names at random."""
    axes = (0, 1, 2)
    voxels, geometry = stored(the_head(), the_affine(), axes, (False, reverse, reverse))
    study, series, affine = generate_uid(), generate_uid(), geometry.affine_lps
    slice_, row, column = geometry.spacing_mm
    assert slice_ == pytest.approx(6)
    for number, plane in enumerate(np.rint(voxels * 100).astype(np.int16)):
        dataset = Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = CTImageStorage
        dataset.SOPInstanceUID = generate_uid()
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.Modality = study, series, "MR"
        dataset.Rows, dataset.Columns = plane.shape
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
        dataset.BitsAllocated = dataset.BitsStored = 16
        dataset.HighBit, dataset.PixelRepresentation = 15, 1
        dataset.RescaleSlope, dataset.RescaleIntercept = "0.01", "0"
        dataset.PixelSpacing = [f"{row:.8g}", f"{column:.8g}"]
        directions = [*(affine[:3, 0] / column), *(affine[:3, 1] / row)]
        dataset.ImageOrientationPatient = [f"{value:.10f}" for value in directions]
        dataset.ImagePositionPatient = [
            f"{value:.8f}" for value in geometry.to_patient(np.array([number, 0, 0]))
        ]
        dataset.PixelData = np.ascontiguousarray(plane).tobytes()
        folder = path / "dicom"
        folder.mkdir(exist_ok=True)
        dataset.save_as(folder / f"{(number * 3 + 1) % 5}.dcm", enforce_file_format=True)
    return path / "dicom"


# Eight of the 48 orders of a NIfTI, every permutation of axes and every set of flips among them.
EIGHT = [ORIENTATIONS[place] for place in (0, 9, 18, 27, 29, 36, 38, 47)]
FILES: dict[str, Callable[[Path], Path]] = {
    **{
        f"nifti {axes} {''.join('-' if flip else '+' for flip in flips)}": (
            lambda path, axes=axes, flips=flips: as_nifti(path, axes, flips)  # type: ignore[misc]
        )
        for axes, flips in EIGHT
    },
    "nrrd": lambda path: as_itk(path, "head.nrrd"),
    "metaimage": lambda path: as_itk(path, "head.mha"),
    "dicom": lambda path: as_dicom(path, reverse=False),
    "dicom, turned": lambda path: as_dicom(path, reverse=True),
}


def middle_of(path: Path, *, least: float) -> NDArray[np.float64]:
    """Centre of mass of a NIfTI above a share of its maximum, LPS mm, by nibabel alone."""
    image: Any = nib.load(path)
    values = np.asarray(image.dataobj, dtype=np.float64)
    values = np.where(values >= least * values.max(), values, 0)
    index = np.stack(np.nonzero(values), axis=1)
    weights = values[values > 0]
    ras = index @ image.affine[:3, :3].T + image.affine[:3, 3]
    return np.asarray((weights @ ras / weights.sum()) * [-1, -1, 1])


@pytest.mark.parametrize("options", [(), ("--mirror",), ("--crop",)], ids=["plain", "mirror", "crop"])
@pytest.mark.parametrize("write", FILES.values(), ids=FILES)
def test_a_lesion_on_the_left_stays_on_the_left(
    say: Say, tiny: str, tmp_path: Path, write: Callable[[Path], Path], options: tuple[str, ...]
) -> None:
    source, out = write(tmp_path), tmp_path / "out"
    assert centre()[0] > 8
    words = ("--model", tiny, "--explainer", "grad-cam", "--class", "stroke", "--out", out, *options)
    told = say("explain", source, *words, "--json")
    assert told.code == 0, told.err
    (entry,) = told.document["maps"]
    assert entry["state"] == "ok"
    # The map has cells of four pixels: its middle is the lesion's to less than two of them, on the lesion's slice.
    found = middle_of(Path(entry["nifti"]), least=0.5)
    assert np.linalg.norm(found - centre()) < 6

    # And back: the exported image holds the lesion where it was, and is read as the same image again.
    first, second = tmp_path / "once.nii.gz", tmp_path / "twice.nii.gz"
    assert say("convert", source, first).code == 0
    np.testing.assert_allclose(middle_of(first, least=0.9), centre(), atol=0.01)
    assert say("convert", first, second).code == 0
    once, twice = nib.load(first), nib.load(second)
    np.testing.assert_array_equal(np.asarray(once.dataobj), np.asarray(twice.dataobj))
    np.testing.assert_allclose(once.affine, twice.affine, atol=1e-5)


def test_the_mirror_test_itself_would_see_a_swap(tmp_path: Path) -> None:
    """The yardstick is no rubber band: the mirrored head is 30 mm away by it."""
    voxels = the_head()[:, :, ::-1]
    geometry = Geometry(the_affine(), SHAPE)
    path = tmp_path / "mirrored.nii.gz"
    nib.save(nib.Nifti1Image(voxels.transpose(2, 1, 0), geometry.affine_ras), path)
    assert np.linalg.norm(middle_of(path, least=0.9) - centre()) > 20
