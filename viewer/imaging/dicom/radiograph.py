"""A projection as a DICOM file: computed and digital radiography, for synthetic films, which no hospital has."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydicom.uid import ComputedRadiographyImageStorage, DigitalXRayImageStorageForPresentation

from viewer.foundation.errors import ExportError
from viewer.imaging.dicom.synthetic_instance import synthetic_instance

_KINDS = {"CR": ComputedRadiographyImageStorage, "DX": DigitalXRayImageStorageForPresentation}


def write_radiograph(
    path: Path,
    pixels: NDArray[np.uint16],
    *,
    modality: Literal["CR", "DX"],
    bits: int,
    pixel_mm: float,
    description: str,
    patient: str,
    body_part: str = "",
    view_position: str = "",
    photometric: Literal["MONOCHROME1", "MONOCHROME2"] = "MONOCHROME2",
    burned_in: bool = False,
) -> None:
    """Write one film; the same arguments give the same file.

    A radiograph has no place in the patient: the file says the size of its pixels and which way rows and columns run
    (the patient's right is on the left), and nothing of positions.

    Parameters
    ----------
    pixels : (row, column) uint16 below ``2 ** bits``, as stored: with MONOCHROME1 the greatest value is black.
    pixel_mm : side of a pixel on the detector.
    patient : name and identifier; say that the patient is synthetic.
    view_position : ``PA``, ``AP`` or ``LL``.
    burned_in : whether letters are part of the picture.

    Raises
    ------
    ExportError
        When the file cannot be written.
    ValueError
        For pixels of another type or beyond their bits, or an unknown modality.
    """
    if pixels.dtype != np.uint16 or pixels.ndim != 2 or pixels.max(initial=0) >= 1 << bits:
        raise ValueError(f"pixels are uint16 (row, column) of {bits} bits")
    if modality not in _KINDS:
        raise ValueError("a radiograph is CR or DX")
    dataset = synthetic_instance(_KINDS[modality], modality, patient, 1, 0)
    dataset.SeriesDescription, dataset.Laterality = description, ""
    dataset.ImageType = ["ORIGINAL", "PRIMARY"]
    dataset.BodyPartExamined, dataset.ViewPosition = body_part, view_position
    dataset.PatientOrientation = ["L", "F"]
    dataset.BurnedInAnnotation = "YES" if burned_in else "NO"
    dataset.PixelSpacing = dataset.ImagerPixelSpacing = [f"{pixel_mm:.6g}", f"{pixel_mm:.6g}"]
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, photometric
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, bits, bits - 1
    dataset.PixelRepresentation = 0
    dataset.PresentationLUTShape = "INVERSE" if photometric == "MONOCHROME1" else "IDENTITY"
    dataset.RescaleSlope, dataset.RescaleIntercept, dataset.RescaleType = "1", "0", "US"
    dataset.WindowCenter, dataset.WindowWidth = f"{(1 << bits) / 2:g}", f"{1 << bits:g}"
    dataset.PixelData = np.ascontiguousarray(pixels).astype("<u2").tobytes()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        dataset.save_as(path, enforce_file_format=True)
    except OSError as error:
        why = (error.strerror or "unknown reason").lower()
        raise ExportError(
            f"The film could not be written to '{path.name}': {why}.", code="no-access"
        ) from error
