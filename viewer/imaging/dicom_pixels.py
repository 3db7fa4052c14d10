"""Pixels of one DICOM file: decoded by pydicom's decoders, by GDCM inside SimpleITK where those have none."""

from __future__ import annotations

import struct
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.encaps import encapsulate, get_frame
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut
from pydicom.pixels.utils import iter_pixels
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    SecondaryCaptureImageStorage,
    generate_uid,
)

from viewer.foundation.errors import ReadError
from viewer.imaging.dicom_values import whole
from viewer.imaging.itk import silenced, sitk

_BOXES = 4096
"""Bytes among which a JPEG 2000 stream begins when it is wrapped, against the standard, in a file format of its own."""
_PIXEL_KEYWORDS = (
    "Rows",
    "Columns",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "PlanarConfiguration",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
)


def decode(path: Path, indices: list[int], *, palette: bool) -> list[NDArray[Any]]:
    """Decode some frames of a file.

    Parameters
    ----------
    indices : places in the file's pixel data.
    palette : whether the values are entries of the file's colour table.

    Returns
    -------
    list of (row, column[, channel]) arrays
        Stored values, before any rescale, in the order of `indices`; a modality table is applied, colour is RGB.

    Raises
    ------
    ReadError
        When no decoder can; the sentence names the compression.
    """
    with warnings.catch_warnings(), silenced():
        warnings.simplefilter("ignore")
        try:
            dataset = _opened(path)
            _check_codestream(dataset, path)
            return [_finished(frame, dataset, palette) for frame in _frames(dataset, indices)]
        except ReadError:
            raise
        except Exception as error:  # noqa: BLE001 decoders raise whatever they like on damaged data
            raise ReadError(
                f"The picture in '{path.name}' cannot be decoded ({_syntax(path)}; {type(error).__name__}).",
                code="not-decodable",
                action="The file may be damaged, or its compression is not supported.",
            ) from None


def _opened(path: Path) -> pydicom.Dataset:
    dataset = pydicom.dcmread(path, force=True)
    if not hasattr(dataset, "file_meta") or "TransferSyntaxUID" not in dataset.file_meta:
        dataset.ensure_file_meta()
        implicit, little = dataset.original_encoding
        explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit
    if not any(keyword in dataset for keyword in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        raise ReadError(f"'{path.name}' is an incomplete DICOM file without pixel data.", code="incomplete")
    if "NumberOfFrames" in dataset and (whole(dataset, "NumberOfFrames") or 0) < 1:
        del dataset.NumberOfFrames
    if "PhotometricInterpretation" not in dataset:
        dataset.PhotometricInterpretation = "MONOCHROME2"
    return dataset


def _frames(dataset: pydicom.Dataset, indices: list[int]) -> list[NDArray[Any]]:
    try:
        return list(iter_pixels(dataset, indices=indices))
    except Exception:
        # GDCM knows more compressions; but on a damaged stream it searches for seconds, and native code may crash.
        size = _announced(dataset)
        if size is None or size != (dataset.Rows, dataset.Columns):
            raise
        return [_with_gdcm(dataset, index) for index in indices]


def _finished(frame: NDArray[Any], dataset: pydicom.Dataset, palette: bool) -> NDArray[Any]:
    """Tables applied, no fourth channel, bytes in this machine's order, memory of its own."""
    if palette:
        frame = apply_color_lut(frame, dataset)
        frame = (frame >> 8).astype(np.uint8) if frame.dtype == np.uint16 else frame
    elif "ModalityLUTSequence" in dataset and len(dataset.ModalityLUTSequence):
        frame = apply_modality_lut(frame, dataset)
    return np.array(frame[..., :3] if frame.ndim == 3 else frame, dtype=frame.dtype.newbyteorder("="))


def _check_codestream(dataset: pydicom.Dataset, path: Path) -> None:
    """Refuse a compressed picture that is far larger inside than its header says: decoders allocate what it says."""
    size = _announced(dataset)
    if size is not None and size[0] * size[1] > 4 * int(dataset.Rows) * int(dataset.Columns):
        raise ReadError(
            f"'{path.name}' announces {dataset.Rows} x {dataset.Columns} pixels and its compressed picture holds "
            f"{size[0]} x {size[1]}.",
            code="size-mismatch",
        )


def _announced(dataset: pydicom.Dataset) -> tuple[int, int] | None:
    """(rows, columns) inside the compressed picture; None when it is not compressed or of another kind."""
    if not dataset.file_meta.TransferSyntaxUID.is_compressed or "PixelData" not in dataset:
        return None
    return codestream_size(_compressed(dataset, 0))


def _compressed(dataset: pydicom.Dataset, index: int) -> bytes:
    return get_frame(dataset.PixelData, index, number_of_frames=whole(dataset, "NumberOfFrames") or 1)


def codestream_size(frame: bytes) -> tuple[int, int] | None:
    """(rows, columns) that a JPEG, JPEG-LS or JPEG 2000 picture announces itself; None for anything else."""
    start = frame.find(b"\xff\x4f\xff\x51", 0, _BOXES) if frame[4:8] == b"jP  " else 0
    if frame[start : start + 4] == b"\xff\x4f\xff\x51" and len(frame) >= start + 24:
        right, bottom, left, top = struct.unpack(">IIII", frame[start + 8 : start + 24])
        return bottom - top, right - left
    if frame[:2] != b"\xff\xd8":
        return None
    place = 2
    while place + 9 <= len(frame) and frame[place] == 0xFF:
        marker, length = frame[place + 1], int.from_bytes(frame[place + 2 : place + 4], "big")
        if (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)) or marker == 0xF7:
            rows, columns = struct.unpack(">HH", frame[place + 5 : place + 9])
            return int(rows), int(columns)
        place += 2 + length
    return None


def _with_gdcm(dataset: pydicom.Dataset, index: int) -> NDArray[Any]:
    """One frame, decoded by GDCM from a file that holds nothing else.

    Left alone with the whole object GDCM would apply the first frame's rescale to all, and invert MONOCHROME1.
    """
    bare = pydicom.Dataset()
    bare.file_meta = pydicom.dataset.FileMetaDataset()
    bare.file_meta.TransferSyntaxUID = dataset.file_meta.TransferSyntaxUID
    bare.SOPClassUID = bare.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    bare.SOPInstanceUID = bare.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    for keyword in _PIXEL_KEYWORDS:
        if keyword in dataset:
            bare[keyword] = dataset[keyword]
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        bare.PhotometricInterpretation = "MONOCHROME2"
    bare.PixelData = encapsulate([_compressed(dataset, index)])
    bare["PixelData"].VR = "OB"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "frame.dcm"
        bare.save_as(file, enforce_file_format=True)
        reader = sitk.ImageFileReader()
        reader.SetImageIO("GDCMImageIO")
        reader.SetFileName(str(file))
        array: NDArray[Any] = sitk.GetArrayFromImage(reader.Execute())
    shape = (int(dataset.Rows), int(dataset.Columns))
    return array.reshape(shape if array.size == shape[0] * shape[1] else (*shape, -1))


def _syntax(path: Path) -> str:
    try:
        uid = UID(pydicom.filereader.read_file_meta_info(path).TransferSyntaxUID)
    except Exception:  # noqa: BLE001 only words for a sentence
        return "unknown transfer syntax"
    return uid.name if uid.name != str(uid) else f"transfer syntax {uid}"
