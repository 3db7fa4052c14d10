"""Pixels of one DICOM file: decoded by pydicom's decoders, by GDCM inside SimpleITK where those have none."""

from __future__ import annotations

import struct
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.encaps import get_frame
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut
from pydicom.pixels.utils import iter_pixels
from pydicom.uid import UID

from viewer.foundation.errors import ReadError
from viewer.imaging.dicom_values import number, whole
from viewer.imaging.itk import silenced, sitk


@dataclass(frozen=True)
class Pixels:
    """Decoded frames of one file.

    Attributes
    ----------
    frames : (row, column[, channel]) arrays in the order asked for; colour is RGB.
    rescaled : whether the decoder has applied the rescale already.
    """

    frames: tuple[NDArray[Any], ...]
    rescaled: bool = False


def decode(path: Path, indices: list[int], *, palette: bool) -> Pixels:
    """Decode some frames of a file.

    Raises
    ------
    ReadError
        When no decoder can; the sentence names the compression.
    """
    with warnings.catch_warnings(), silenced():
        warnings.simplefilter("ignore")
        try:
            return _with_pydicom(path, indices, palette)
        except ReadError:
            raise
        except Exception as first:  # noqa: BLE001 decoders raise whatever they like on damaged data
            try:
                return _with_gdcm(path, indices)
            except Exception:  # noqa: BLE001 the first decoder's reason is the better one
                raise ReadError(
                    f"The picture in '{path.name}' cannot be decoded ({_syntax(path)}; {type(first).__name__}).",
                    code="not-decodable",
                    action="The file may be damaged, or its compression is not supported.",
                ) from None


def _with_pydicom(path: Path, indices: list[int], palette: bool) -> Pixels:
    dataset = pydicom.dcmread(path, force=True)
    if not hasattr(dataset, "file_meta") or "TransferSyntaxUID" not in dataset.file_meta:
        dataset.ensure_file_meta()
        little, implicit = dataset.original_encoding[1], dataset.original_encoding[0]
        dataset.file_meta.TransferSyntaxUID = (
            pydicom.uid.ImplicitVRLittleEndian
            if implicit
            else pydicom.uid.ExplicitVRLittleEndian
            if little
            else pydicom.uid.ExplicitVRBigEndian
        )
    if not any(keyword in dataset for keyword in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        raise ReadError(f"'{path.name}' is an incomplete DICOM file without pixel data.", code="incomplete")
    if "PhotometricInterpretation" not in dataset:
        dataset.PhotometricInterpretation = "MONOCHROME2"
    _check_codestream(dataset, path)
    frames = []
    for frame in iter_pixels(dataset, indices=indices):
        if palette:
            frame = apply_color_lut(frame, dataset)
            frame = (frame >> 8).astype(np.uint8) if frame.dtype == np.uint16 else frame
        elif "ModalityLUTSequence" in dataset and len(dataset.ModalityLUTSequence):
            frame = apply_modality_lut(frame, dataset)
        frames.append(
            np.array(frame[..., :3] if frame.ndim == 3 else frame, dtype=frame.dtype.newbyteorder("="))
        )
    return Pixels(tuple(frames))


def _check_codestream(dataset: pydicom.Dataset, path: Path) -> None:
    """Refuse a compressed picture that is far larger inside than its header says: decoders allocate what it says."""
    if not dataset.file_meta.TransferSyntaxUID.is_compressed or "PixelData" not in dataset:
        return
    size = codestream_size(
        get_frame(dataset.PixelData, 0, number_of_frames=whole(dataset, "NumberOfFrames") or 1)
    )
    if size is not None and size[0] * size[1] > 4 * int(dataset.Rows) * int(dataset.Columns):
        raise ReadError(
            f"'{path.name}' announces {dataset.Rows} x {dataset.Columns} pixels and its compressed picture holds "
            f"{size[0]} x {size[1]}.",
            code="size-mismatch",
        )


def codestream_size(frame: bytes) -> tuple[int, int] | None:
    """(rows, columns) that a JPEG, JPEG-LS or JPEG 2000 picture announces itself; None for anything else."""
    if frame[:4] == b"\xff\x4f\xff\x51" and len(frame) >= 24:
        right, bottom, left, top = struct.unpack(">IIII", frame[8:24])
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


def _with_gdcm(path: Path, indices: list[int]) -> Pixels:
    reader = sitk.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileName(str(path))
    array = sitk.GetArrayFromImage(reader.Execute())
    if reader.GetNumberOfComponents() > 1:
        array = array if array.ndim == 4 else array[np.newaxis]
    elif array.ndim == 2:
        array = array[np.newaxis]
    return Pixels(tuple(_upright(np.array(array[index]), path) for index in indices), rescaled=True)


def _upright(picture: NDArray[Any], path: Path) -> NDArray[Any]:
    """Undo the inversion that GDCM applies to MONOCHROME1, so that voxels are as stored whoever decodes them."""
    dataset = pydicom.dcmread(path, stop_before_pixels=True, force=True)
    if dataset.get("PhotometricInterpretation") != "MONOCHROME1":
        return picture
    highest = -1 if whole(dataset, "PixelRepresentation") else (1 << (whole(dataset, "BitsStored") or 8)) - 1
    slope, intercept = number(dataset.get("RescaleSlope")), number(dataset.get("RescaleIntercept"))
    ends = (slope or 1.0) * highest + 2 * (intercept or 0.0)
    return np.asarray(ends - picture.astype(np.float64)).astype(picture.dtype)


def _syntax(path: Path) -> str:
    try:
        uid = UID(pydicom.filereader.read_file_meta_info(path).TransferSyntaxUID)
    except Exception:  # noqa: BLE001 only words for a sentence
        return "unknown transfer syntax"
    return uid.name if uid.name != str(uid) else f"transfer syntax {uid}"
