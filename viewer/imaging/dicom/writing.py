"""An image as a series of classic DICOM files, one for each slice: for synthetic patients, which no hospital has."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, MRImageStorage, generate_uid

from viewer.foundation.errors import ExportError
from viewer.imaging.dicom.synthetic_instance import synthetic_instance
from viewer.imaging.geometry import Geometry

_KINDS = {"MR": MRImageStorage, "CT": CTImageStorage}


def write_dicom(
    folder: Path,
    voxels: NDArray[np.int16] | NDArray[np.uint16],
    geometry: Geometry,
    *,
    modality: str,
    description: str,
    patient: str,
    number: int = 1,
    image_type: Sequence[str] = ("ORIGINAL", "PRIMARY"),
    b_value: float | None = None,
    body_part: str = "",
) -> tuple[Path, ...]:
    """Write one series; the same arguments give the same files.

    Series of one `patient` belong to one study and share a frame of reference.

    Parameters
    ----------
    folder : made when it is missing; the files are named after the series' number and the slice.
    voxels : (slice, row, column) int16 or uint16.
    geometry : where they lie; its positions have to be known.
    modality : ``MR`` or ``CT``.
    patient : name and identifier; say that the patient is synthetic.
    b_value : diffusion weighting, s/mm2.

    Returns
    -------
    tuple of Path
        The files in the order of the slices.

    Raises
    ------
    ExportError
        When a file cannot be written.
    ValueError
        For other types of voxels, a grid without positions, or an unknown modality.
    """
    if voxels.dtype not in (np.dtype(np.int16), np.dtype(np.uint16)) or voxels.shape != geometry.shape:
        raise ValueError("voxels are int16 or uint16 (slice, row, column) on the grid")
    if not geometry.placed or modality not in _KINDS:
        raise ValueError("a series lies somewhere in the patient and is MR or CT")
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for index in range(len(voxels)):
            dataset = synthetic_instance(_KINDS[modality], modality, patient, number, index)
            dataset.FrameOfReferenceUID = generate_uid(entropy_srcs=[patient, "frame of reference"])
            dataset.PositionReferenceIndicator = ""
            _place(dataset, geometry, index)
            _describe(dataset, description, image_type, b_value, body_part)
            _fill(dataset, voxels[index])
            path = folder / f"{number:03d}-{index + 1:04d}.dcm"
            dataset.save_as(path, enforce_file_format=True)
            written.append(path)
    except OSError as error:
        why = (error.strerror or "unknown reason").lower()
        raise ExportError(
            f"The series could not be written to '{folder.name}': {why}.", code="no-access"
        ) from error
    return tuple(written)


def _place(dataset: Dataset, geometry: Geometry, index: int) -> None:
    _, row_mm, column_mm = geometry.spacing_mm
    position = geometry.to_patient(np.array([index, 0.0, 0.0]))
    dataset.ImagePositionPatient = [f"{value:.6f}" for value in position]
    dataset.ImageOrientationPatient = [f"{v:.8f}" for v in (*geometry.direction(2), *geometry.direction(1))]
    dataset.PixelSpacing = [f"{row_mm:.6f}", f"{column_mm:.6f}"]
    dataset.SliceThickness = f"{geometry.spacing_mm[0]:.6f}"


def _describe(
    dataset: Dataset, description: str, image_type: Sequence[str], b_value: float | None, body_part: str
) -> None:
    dataset.SeriesDescription = description
    dataset.ImageType = list(image_type)
    dataset.BodyPartExamined = body_part
    if b_value is not None:
        dataset.DiffusionBValue = float(b_value)


def _fill(dataset: Dataset, picture: NDArray[np.int16] | NDArray[np.uint16]) -> None:
    dataset.Rows, dataset.Columns = picture.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
    dataset.PixelRepresentation = int(picture.dtype == np.int16)
    dataset.RescaleSlope, dataset.RescaleIntercept = "1", "0"
    dataset.PixelData = np.ascontiguousarray(picture).astype(picture.dtype.newbyteorder("<")).tobytes()
