"""One DICOM file without its voxels: what it says about itself, frame by frame.

Foreign files are often broken, and pydicom answers with many kinds of exception, so every value is read through a
function that gives None rather than raising, and `read_header` turns whatever is left into a `ReadError`.
"""

from __future__ import annotations

import hashlib
import secrets
import struct
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from viewer.foundation.errors import ReadError
from viewer.imaging.diagnoses import Diagnosis
from viewer.imaging.dicom_frames import Frame, frames_of
from viewer.imaging.dicom_values import text_of, value_of, whole
from viewer.imaging.image import PatientInfo
from viewer.imaging.sniffing import reason

_SALT = secrets.token_bytes(16)
_FLAT_MODALITIES = ("CR", "DX", "MG", "RG", "PX", "IO", "XC", "GM", "SM", "ES", "OP")
_UNCOMPRESSED = ("", ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian)
_TOO_MANY_FRAMES = 100_000
_PHOTOMETRIC = (
    "MONOCHROME1",
    "MONOCHROME2",
    "PALETTE COLOR",
    "RGB",
    "YBR_FULL",
    "YBR_FULL_422",
    "YBR_PARTIAL_420",
    "YBR_ICT",
    "YBR_RCT",
)


@dataclass(frozen=True)
class DicomFile:
    """One DICOM file that announces pixels."""

    path: Path
    frames: tuple[Frame, ...]
    rows: int
    columns: int
    samples: int
    bits: int
    photometric: str
    modality: str
    description: str
    words: str
    body_part: str
    unit: str
    study_uid: str
    series_uid: str
    series_number: int
    frame_of_reference_uid: str
    patient: PatientInfo = field(repr=False)
    patient_key: str
    diagnoses: tuple[Diagnosis, ...]

    @property
    def flat(self) -> bool:
        """Whether each file of the series is a picture of its own (projection X-ray, photograph)."""
        return self.modality in _FLAT_MODALITIES

    @property
    def frame_bytes(self) -> int:
        return self.rows * self.columns * self.samples * max(1, self.bits // 8)


def read_header(path: Path) -> DicomFile:
    """Read everything but the pixels.

    Raises
    ------
    ReadError
        Not DICOM, cut short, no pixel data, impossible values; the sentence says which.
    """
    try:
        with warnings.catch_warnings():
            # pydicom warns about odd values by quoting them, and a quoted value may be a patient's.
            warnings.simplefilter("ignore")
            dataset, left = _dataset(path)
            return _described(path, dataset, left)
    except ReadError:
        raise
    except RecursionError:
        raise ReadError(f"'{path.name}' nests its sequences too deep to be read.", code="too-deep") from None
    except OSError as error:
        if error.errno is None:
            raise _damaged(path, error) from None
        raise ReadError(f"'{path.name}' could not be read: {reason(error)}.", code="no-access") from None
    except Exception as error:  # noqa: BLE001 pydicom raises nine kinds on damaged files
        raise _damaged(path, error) from None


def _damaged(path: Path, error: Exception) -> ReadError:
    return ReadError(
        f"'{path.name}' is a damaged DICOM file: its header cannot be read ({type(error).__name__}).",
        code="damaged-dicom",
    )


def _dataset(path: Path) -> tuple[Dataset, int | None]:
    """The data set up to the pixels and the bytes that follow; None when that cannot be told, 0 for no pixel data."""
    with path.open("rb") as stream:
        dataset = pydicom.dcmread(stream, stop_before_pixels=True, force=True)
        if _syntax(dataset) == DeflatedExplicitVRLittleEndian:
            return dataset, None
        here = stream.tell()
        group = stream.read(12)
        size = path.stat().st_size
    if len(group) < 12 or group[:2] not in (b"\xe0\x7f", b"\x7f\xe0"):
        return dataset, 0
    order = "<" if group[:2] == b"\xe0\x7f" else ">"
    explicit = group[4:6].isalpha()
    length = struct.unpack(order + "I", group[8:12] if explicit else group[4:8])[0]
    available = size - here - (12 if explicit else 8)
    return dataset, available if length == 0xFFFFFFFF else min(length, available)


def _described(path: Path, dataset: Dataset, left: int | None) -> DicomFile:
    name = path.name
    if len(dataset) == 0:
        raise ReadError(
            f"'{name}' is not a DICOM file, or is one cut short in its header.", code="incomplete"
        )
    if (
        value_of(dataset, "DirectoryRecordSequence") is not None
        or _sop_class(dataset) == "Media Storage Directory Storage"
    ):
        raise ReadError(
            f"'{name}' is a DICOM directory, a table of contents without pictures.",
            code="dicom-directory",
            action="Open the folder in which it lies.",
        )
    rows, columns = whole(dataset, "Rows"), whole(dataset, "Columns")
    if not rows or not columns:
        kind = _sop_class(dataset)
        if kind:
            raise ReadError(
                f"'{name}' is a DICOM file of the kind {kind} that holds no picture (or its header is cut short).",
                code="no-pixel-data",
            )
        raise ReadError(f"'{name}' is an incomplete DICOM file without pixel data.", code="incomplete")
    if left == 0:
        raise ReadError(
            f"'{name}' is an incomplete DICOM file: it announces a picture and has no pixel data.",
            code="incomplete",
        )
    samples, bits = whole(dataset, "SamplesPerPixel") or 1, whole(dataset, "BitsAllocated") or 8
    photometric = text_of(dataset, "PhotometricInterpretation").upper() or "MONOCHROME2"
    stored = whole(dataset, "BitsStored") or bits
    if stored > bits:
        raise ReadError(
            f"'{name}' claims {stored} bits in voxels of {bits} bits, which is impossible.",
            code="bits-stored",
        )
    if photometric not in _PHOTOMETRIC:
        raise ReadError(
            f"'{name}' has a kind of colour that is not known ('{photometric[:24]}').", code="photometric"
        )
    diagnoses: list[Diagnosis] = []
    count = _frame_count(dataset, name, diagnoses)
    expected = (rows * columns * samples * bits * count + 7) // 8
    if photometric == "YBR_FULL_422":
        expected = expected * 2 // 3
    if left is not None and left < expected and _syntax(dataset) in _UNCOMPRESSED:
        raise ReadError(
            f"'{name}' is cut short: its picture needs {expected:,} bytes and there are {left:,}.",
            code="truncated",
        )
    if not hasattr(dataset, "preamble") or dataset.preamble is None:
        diagnoses.append(
            Diagnosis(
                "no-preamble", "note", "The file lacks the DICOM mark at its start; it was read all the same."
            )
        )
    elif dataset.preamble[:2] == b"MZ" or dataset.preamble[:4] == b"\x7fELF":
        diagnoses.append(
            Diagnosis(
                "program-preamble", "warning", "The file can also be run as a program.", "Never execute it."
            )
        )
    frames = tuple(frames_of(path, dataset, count, diagnoses))
    patient = _patient(dataset)
    return DicomFile(
        path=path,
        frames=frames,
        rows=rows,
        columns=columns,
        samples=3 if photometric == "PALETTE COLOR" else samples,
        bits=bits,
        photometric=photometric,
        modality=text_of(dataset, "Modality"),
        description=text_of(dataset, "SeriesDescription") or text_of(dataset, "ProtocolName"),
        words=" ".join(
            text_of(dataset, keyword)
            for keyword in ("SeriesDescription", "ProtocolName", "SequenceName", "PulseSequenceName")
        ),
        body_part=text_of(dataset, "BodyPartExamined").lower(),
        unit=_unit(dataset),
        study_uid=text_of(dataset, "StudyInstanceUID"),
        series_uid=text_of(dataset, "SeriesInstanceUID"),
        series_number=whole(dataset, "SeriesNumber") or 0,
        frame_of_reference_uid=text_of(dataset, "FrameOfReferenceUID"),
        patient=patient,
        patient_key=_patient_key(patient),
        diagnoses=tuple(diagnoses),
    )


def _syntax(dataset: Dataset) -> str:
    return str(value_of(getattr(dataset, "file_meta", None), "TransferSyntaxUID") or "")


def _sop_class(dataset: Dataset) -> str:
    uid = value_of(dataset, "SOPClassUID") or value_of(
        getattr(dataset, "file_meta", None), "MediaStorageSOPClassUID"
    )
    return "" if uid is None else UID(str(uid)).name


def _frame_count(dataset: Dataset, name: str, diagnoses: list[Diagnosis]) -> int:
    stated = whole(dataset, "NumberOfFrames")
    if stated is None:
        return 1
    if stated < 1:
        diagnoses.append(
            Diagnosis("frame-count", "warning", f"The file announces {stated} frames; one is read.")
        )
        return 1
    if stated > _TOO_MANY_FRAMES:
        raise ReadError(f"'{name}' announces {stated:,} frames, which is not believable.", code="frame-count")
    return stated


def _unit(dataset: Dataset) -> str:
    stated = text_of(dataset, "RescaleType")
    if text_of(dataset, "Modality") == "CT" and stated in ("", "HU", "US"):
        return "HU"
    return "" if stated in ("", "US", "normalized", "NORMALIZED") else stated


def _patient(dataset: Dataset) -> PatientInfo:
    return PatientInfo(
        name=text_of(dataset, "PatientName"),
        identifier=text_of(dataset, "PatientID"),
        birth_date=text_of(dataset, "PatientBirthDate"),
        sex=text_of(dataset, "PatientSex"),
        age=text_of(dataset, "PatientAge"),
        study_date=text_of(dataset, "StudyDate"),
    )


def _patient_key(patient: PatientInfo) -> str:
    """Salted anew in every process, so that it cannot be traced back by trying names."""
    text = f"{patient.identifier}\x1f{patient.name}\x1f{patient.birth_date}"
    return hashlib.sha256(_SALT + text.encode("utf-8", "surrogateescape")).hexdigest()[:16]
