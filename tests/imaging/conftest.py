"""DICOM files to order, and comparisons of grids."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

WriteDicom = Callable[..., Path]
SERIES, STUDY = generate_uid(), generate_uid()


@pytest.fixture
def write_dicom(tmp_path: Path) -> WriteDicom:
    """Writes one classic DICOM slice; keywords are attributes, None leaves one out."""

    def write(
        name: str, pixels: NDArray[Any], position: tuple[float, ...] | None = (0, 0, 0), **attributes: Any
    ) -> Path:
        dataset = Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.file_meta.MediaStorageSOPClassUID = CTImageStorage
        dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, generate_uid()
        facts: dict[str, Any] = {
            "StudyInstanceUID": STUDY,
            "SeriesInstanceUID": SERIES,
            "SeriesNumber": 1,
            "Modality": "MR",
            "PatientID": "P1",
            "PatientName": "Nobody^Nemo",
            "Rows": pixels.shape[0],
            "Columns": pixels.shape[1],
            "SamplesPerPixel": 1,
            "PhotometricInterpretation": "MONOCHROME2",
            "BitsAllocated": pixels.dtype.itemsize * 8,
            "BitsStored": pixels.dtype.itemsize * 8,
            "HighBit": pixels.dtype.itemsize * 8 - 1,
            "PixelRepresentation": int(pixels.dtype.kind == "i"),
            "PixelSpacing": [2.0, 1.5],
            "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
            "ImagePositionPatient": None if position is None else list(position),
            "PixelData": pixels.tobytes(),
            **attributes,
        }
        for keyword, value in facts.items():
            if value is not None:
                setattr(dataset, keyword, value)
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        dataset.save_as(path, enforce_file_format=True)
        return path

    return write


@pytest.fixture
def write_stack(write_dicom: WriteDicom, tmp_path: Path) -> Callable[..., Path]:
    """Writes slices at given depths (mm); the pixels of a slice all hold its depth in tenths of a millimetre."""

    def write(depths: list[float], folder: str = "stack", **attributes: Any) -> Path:
        for number, depth in enumerate(depths):
            pixels = np.full((4, 5), round(depth * 10), dtype=np.int16)
            place = attributes.pop("place", None)
            name = f"{folder}/{len(depths) - number:03d}.dcm"
            write_dicom(
                name, pixels, (0, 0, depth) if place is None else place(depth), InstanceNumber=7, **attributes
            )
            if place is not None:
                attributes["place"] = place
        return tmp_path / folder

    return write
