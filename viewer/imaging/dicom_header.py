"""One DICOM file without its voxels: what it says about itself, frame by frame.

Foreign files are often broken, and pydicom answers with many kinds of exception, so every value is read through a
function that gives None rather than raising, and `read_header` turns whatever is left into a `ReadError`.
"""

from __future__ import annotations

import hashlib
import math
import secrets
import struct
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import UID

from viewer.foundation.errors import ReadError
from viewer.imaging.diagnoses import Diagnosis
from viewer.imaging.dicom_diffusion import diffusion_of
from viewer.imaging.image import PatientInfo, Window

_SALT = secrets.token_bytes(16)
_FLAT_MODALITIES = ("CR", "DX", "MG", "RG", "PX", "IO", "XC", "GM", "SM", "ES", "OP")
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
_MILLIMETRE_TAGS = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")


@dataclass(frozen=True)
class Frame:
    """One picture inside a DICOM file.

    Attributes
    ----------
    path, index : the file, and the place in its pixel data.
    position : LPS mm of the first voxel's centre; None when the file does not say.
    orientation : direction cosines of a row (along columns), then of a column (along rows).
    spacing : (row, column) mm; None when unknown.
    thickness : distance to the next slice as stated, mm; a fallback only.
    b_value, gradient, trace : diffusion weighting s/mm2, direction, whether an isotropic trace.
    kind : image type values, upper case.
    echo : echo time or number, None when unknown.
    slope, intercept : rescale of this frame.
    windows : windows recommended for this frame.
    order : sorts frames at one position in time.
    """

    path: Path
    index: int
    position: tuple[float, ...] | None
    orientation: tuple[float, ...] | None
    spacing: tuple[float, float] | None
    thickness: float | None
    b_value: float | None
    gradient: tuple[float, ...] | None
    trace: bool
    kind: tuple[str, ...]
    echo: float | None
    slope: float
    intercept: float
    windows: tuple[Window, ...]
    order: tuple[float, ...]


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
        words = (error.strerror or "unknown reason").lower()
        raise ReadError(f"'{path.name}' could not be read: {words}.", code="no-access") from None
    except Exception as error:  # pydicom raises nine kinds on damaged files
        raise ReadError(
            f"'{path.name}' is a damaged DICOM file: its header cannot be read ({type(error).__name__}).",
            code="damaged-dicom",
        ) from None


def _dataset(path: Path) -> tuple[Dataset, int | None]:
    """The data set up to the pixels and the bytes that follow; None when that cannot be told, 0 for no pixel data."""
    with path.open("rb") as stream:
        dataset = pydicom.dcmread(stream, stop_before_pixels=True, force=True)
        syntax = dataset.file_meta.get("TransferSyntaxUID") if hasattr(dataset, "file_meta") else None
        if syntax is not None and UID(syntax).is_deflated:
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


def number(value: Any) -> float | None:
    """A finite number, or None for whatever else a file may hold."""
    try:
        result = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return result if math.isfinite(result) else None


def numbers(value: Any, count: int) -> tuple[float, ...] | None:
    """Exactly `count` finite numbers, or None."""
    try:
        result = tuple(number(item) for item in value)
    except TypeError:
        return None
    if len(result) != count or any(item is None for item in result):
        return None
    return tuple(item for item in result if item is not None)


def value_of(dataset: Dataset | None, keyword: str) -> Any:
    """A value, None when the element is absent, empty or not decodable."""
    if dataset is None:
        return None
    try:
        value = dataset.get(keyword)
    except Exception:  # a broken element is an absent one
        return None
    return None if value is None or value == "" else value


def text_of(dataset: Dataset, keyword: str) -> str:
    value = value_of(dataset, keyword)
    return "" if value is None else "".join(c for c in str(value).strip() if c.isprintable())


def first_item(dataset: Dataset | None, keyword: str) -> Dataset | None:
    """First item of a sequence, None when there is none."""
    sequence = value_of(dataset, keyword)
    try:
        return sequence[0] if sequence else None
    except (TypeError, IndexError, KeyError):
        return None


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
    rows, columns = _whole(dataset, "Rows"), _whole(dataset, "Columns")
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
    samples, bits = _whole(dataset, "SamplesPerPixel") or 1, _whole(dataset, "BitsAllocated") or 8
    photometric = text_of(dataset, "PhotometricInterpretation").upper() or "MONOCHROME2"
    stored = _whole(dataset, "BitsStored") or bits
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
    syntax = dataset.file_meta.get("TransferSyntaxUID") if hasattr(dataset, "file_meta") else None
    expected = (rows * columns * samples * bits * count + 7) // 8
    if photometric == "YBR_FULL_422":
        expected = expected * 2 // 3
    if left is not None and not (syntax is not None and UID(syntax).is_compressed) and left < expected:
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
    frames = tuple(_frames(path, dataset, count, diagnoses))
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
        series_number=_whole(dataset, "SeriesNumber") or 0,
        frame_of_reference_uid=text_of(dataset, "FrameOfReferenceUID"),
        patient=patient,
        patient_key=_patient_key(patient),
        diagnoses=tuple(diagnoses),
    )


def _whole(dataset: Dataset, keyword: str) -> int | None:
    value = number(value_of(dataset, keyword))
    return None if value is None else int(value)


def _sop_class(dataset: Dataset) -> str:
    uid = value_of(dataset, "SOPClassUID") or value_of(
        getattr(dataset, "file_meta", None), "MediaStorageSOPClassUID"
    )
    return "" if uid is None else UID(str(uid)).name


def _frame_count(dataset: Dataset, name: str, diagnoses: list[Diagnosis]) -> int:
    stated = _whole(dataset, "NumberOfFrames")
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


def _frames(path: Path, dataset: Dataset, count: int, diagnoses: list[Diagnosis]) -> Iterator[Frame]:
    shared = first_item(dataset, "SharedFunctionalGroupsSequence")
    per_frame = value_of(dataset, "PerFrameFunctionalGroupsSequence") or ()
    bad_rescale = False
    for index in range(count):
        own = per_frame[index] if index < len(per_frame) else None
        groups = (own, shared)

        def macro(sequence: str, keyword: str, groups: tuple[Dataset | None, ...] = groups) -> Any:
            for group in groups:
                value = value_of(first_item(group, sequence), keyword)
                if value is not None:
                    return value
            return value_of(dataset, keyword)

        slope, intercept, bad = _rescale(macro)
        bad_rescale |= bad
        diffusion = diffusion_of(dataset, groups)
        yield Frame(
            path=path,
            index=index,
            position=numbers(macro("PlanePositionSequence", "ImagePositionPatient"), 3),
            orientation=_orientation(macro("PlaneOrientationSequence", "ImageOrientationPatient")),
            spacing=_spacing(macro),
            thickness=number(macro("PixelMeasuresSequence", "SpacingBetweenSlices"))
            or number(macro("PixelMeasuresSequence", "SliceThickness")),
            b_value=diffusion.b_value,
            gradient=diffusion.gradient,
            trace=diffusion.trace,
            kind=_kind(macro("MRImageFrameTypeSequence", "FrameType") or value_of(dataset, "ImageType")),
            echo=number(macro("MREchoSequence", "EffectiveEchoTime"))
            or number(value_of(dataset, "EchoTime")),
            slope=slope,
            intercept=intercept,
            windows=_windows(macro),
            order=(
                number(macro("FrameContentSequence", "TemporalPositionIndex"))
                or number(value_of(dataset, "TemporalPositionIdentifier"))
                or 0.0,
                number(value_of(dataset, "AcquisitionNumber")) or 0.0,
                number(value_of(dataset, "AcquisitionTime")) or 0.0,
                number(value_of(dataset, "InstanceNumber")) or 0.0,
                float(index),
            ),
        )
    if bad_rescale:
        diagnoses.append(
            Diagnosis(
                "bad-rescale",
                "warning",
                "The file's rescale slope is zero or not a number; the values are shown as they are stored.",
            )
        )


def _rescale(macro: Any) -> tuple[float, float, bool]:
    slope = macro("PixelValueTransformationSequence", "RescaleSlope")
    intercept = macro("PixelValueTransformationSequence", "RescaleIntercept")
    if slope is None and intercept is None:
        return 1.0, 0.0, False
    good_slope = 1.0 if slope is None else number(slope)
    good_intercept = 0.0 if intercept is None else number(intercept)
    if not good_slope or good_intercept is None:
        return 1.0, 0.0, True
    return good_slope, good_intercept, False


def _orientation(value: Any) -> tuple[float, ...] | None:
    six = numbers(value, 6)
    if six is None:
        return None
    row, column = six[:3], six[3:]
    lengths = math.hypot(*row), math.hypot(*column)
    along = abs(sum(a * b for a, b in zip(row, column, strict=True)))
    return six if min(lengths) > 0.9 and max(lengths) < 1.1 and along < 0.05 else None


def _spacing(macro: Any) -> tuple[float, float] | None:
    for keyword in _MILLIMETRE_TAGS:
        pair = numbers(macro("PixelMeasuresSequence", keyword), 2)
        if pair is not None and min(pair) > 0:
            return pair[0], pair[1]
    return None


def _kind(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value.upper(),) if isinstance(value, str) else tuple(str(item).upper() for item in value)


def _windows(macro: Any) -> tuple[Window, ...]:
    def several(value: Any) -> list[Any]:
        return (
            []
            if value is None
            else list(value)
            if isinstance(value, (list, tuple)) or _multiple(value)
            else [value]
        )

    centres = several(macro("FrameVOILUTSequence", "WindowCenter"))
    widths = several(macro("FrameVOILUTSequence", "WindowWidth"))
    names = several(macro("FrameVOILUTSequence", "WindowCenterWidthExplanation"))
    found: list[Window] = []
    for place, pair in enumerate(zip(centres, widths, strict=False)):
        centre, width = number(pair[0]), number(pair[1])
        if centre is not None and width is not None and width >= 1:
            words = str(names[place]).strip().lower() if place < len(names) else ""
            window = Window(centre, width, words or "as stored in the file")
            if all((window.centre, window.width) != (other.centre, other.width) for other in found):
                found.append(window)
    return tuple(found)


def _multiple(value: Any) -> bool:
    return isinstance(value, pydicom.multival.MultiValue)


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
    text = "\x1f".join((patient.identifier, patient.name, patient.birth_date))
    return hashlib.sha256(_SALT + text.encode("utf-8", "surrogateescape")).hexdigest()[:16]
