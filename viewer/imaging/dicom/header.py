"""One DICOM file without its voxels: what it says about itself, frame by frame.

Foreign files are often broken, and pydicom answers with many kinds of exception, so every value is read through a
function that gives None rather than raising, and `read_header` turns whatever is left into a `ReadError`.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import UID

from viewer.foundation.errors import ReadError
from viewer.imaging.diagnoses import Diagnosis
from viewer.imaging.dicom.findings import check_length, frame_count, header_findings, layout
from viewer.imaging.dicom.frames import Frame, frames_of
from viewer.imaging.dicom.mosaic import is_mosaic, mosaic_of
from viewer.imaging.dicom.orientation import directions_of
from viewer.imaging.dicom.pixel_element import Head, PixelElement, pixel_element
from viewer.imaging.dicom.stream import InflatingStream, open_dicom
from viewer.imaging.dicom.syntaxes import check_syntax
from viewer.imaging.dicom.values import number_of, several, text_of, value_of, whole
from viewer.imaging.file_stamp import Stamp, stamp_of
from viewer.imaging.image import PatientInfo
from viewer.imaging.sniffing import reason

# Whatever pydicom finds wrong with a value it quotes, and the value may be a patient's: nothing of it reaches a log.
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
logging.getLogger("pydicom").setLevel(logging.CRITICAL)

_SALT = secrets.token_bytes(16)
_FLAT_MODALITIES = ("CR", "DX", "MG", "RG", "PX", "IO", "XC", "GM", "SM", "ES", "OP", "US", "SC", "OT")
_UNITS = {"BQML": "Bq/ml", "GY": "Gy", "CNTS": "counts"}


@dataclass(frozen=True, eq=False)
class DicomFile:
    """One DICOM file that announces pixels.

    Attributes
    ----------
    pixels : where its pixel data begin, and how they are stored.
    frames : its pictures, or the slices in them.
    rows, columns, samples, bits : size of a stored picture; bits allocated.
    stored : (lowest, highest) value that the header allows for.
    words : descriptions that may name the sequence.
    directions : LPS directions of a row and a column where a file without a position states them; None otherwise.
    floating, table : whether the pixels are floats; whether a table turns stored values into those of the modality.
    segments : number and name of each segment of a segmentation.
    tilt : of the gantry as the file states it, degrees; None where it does not.
    instance_uid : SOPInstanceUID.
    length : bytes of the file.
    """

    path: Path
    pixels: PixelElement
    frames: tuple[Frame, ...]
    rows: int
    columns: int
    samples: int
    bits: int
    stored: tuple[int, int]
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
    instance_uid: str
    patient: PatientInfo = field(repr=False)
    patient_key: str
    diagnoses: tuple[Diagnosis, ...]
    directions: tuple[float, ...] | None = None
    length: int = 0
    floating: bool = False
    table: bool = False
    segments: tuple[tuple[int, str], ...] = ()
    tilt: float | None = None
    view_position: str = ""

    @property
    def flat(self) -> bool:
        """Whether each file of the series is a picture of its own (projection X-ray, photograph)."""
        return self.modality in _FLAT_MODALITIES and not self.frames[0].placed

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
            stamp = stamp_of(path)
            dataset, head, left = _dataset(path, stamp[0])
            return _described(path, dataset, head, left, stamp)
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


def _dataset(path: Path, size: int) -> tuple[Dataset, Head, int | None]:
    """The data set up to the pixels, the head of what follows, and the bytes of pixels in a file of so many bytes.

    The bytes of pixels are None when they cannot be told, 0 without pixel data.
    """
    with open_dicom(path) as stream:
        dataset = pydicom.dcmread(stream, stop_before_pixels=True, force=True)
        head = Head.of(stream)
    if not head.of_pixels:
        return dataset, head, 0
    if isinstance(stream, InflatingStream):
        return dataset, head, None
    available = size - head.end
    return dataset, head, available if head.length is None else min(head.length, available)


def _described(path: Path, dataset: Dataset, head: Head, left: int | None, stamp: Stamp) -> DicomFile:
    name = path.name
    if len(dataset) == 0:
        raise ReadError(
            f"'{name}' is not a DICOM file, or is one cut short in its header.", code="incomplete"
        )
    _check_picture(dataset, name, left)
    diagnoses = list(header_findings(dataset))
    form = layout(dataset, name)
    count = frame_count(dataset, name, diagnoses)
    syntax = str(value_of(getattr(dataset, "file_meta", None), "TransferSyntaxUID") or "")
    check_syntax(syntax, name)
    check_length(name, form, count, left, syntax, diagnoses)
    mosaic = mosaic_of(dataset, form.rows, form.columns) if is_mosaic(dataset) and count == 1 else None
    if is_mosaic(dataset) and mosaic is None and count == 1:
        diagnoses.append(
            Diagnosis(
                "mosaic",
                "warning",
                "The slices of a volume are tiled into one picture, and the file does not say how many there are.",
                "Export the series as single slices or as an enhanced multi-frame object.",
            )
        )
    frames = tuple(frames_of(path, dataset, count, mosaic, diagnoses))
    finding = frames[0].size.finding()
    if finding is not None:
        diagnoses.append(finding)
    patient = _patient(dataset)
    return DicomFile(
        path=path,
        pixels=pixel_element(dataset, head, name, stamp),
        frames=frames,
        rows=form.rows,
        columns=form.columns,
        samples=3 if form.photometric == "PALETTE COLOR" else form.samples,
        bits=form.bits,
        stored=form.stored,
        photometric=form.photometric,
        modality=text_of(dataset, "Modality"),
        description=text_of(dataset, "SeriesDescription") or text_of(dataset, "ProtocolName"),
        words=" ".join(
            text_of(dataset, keyword)
            for keyword in ("SeriesDescription", "ProtocolName", "SequenceName", "PulseSequenceName")
        ),
        body_part=text_of(dataset, "BodyPartExamined").lower(),
        view_position=text_of(dataset, "ViewPosition").upper(),
        unit=_unit(dataset),
        study_uid=text_of(dataset, "StudyInstanceUID"),
        series_uid=text_of(dataset, "SeriesInstanceUID"),
        series_number=whole(dataset, "SeriesNumber") or 0,
        frame_of_reference_uid=text_of(dataset, "FrameOfReferenceUID"),
        length=stamp[0],
        instance_uid=text_of(dataset, "SOPInstanceUID"),
        patient=patient,
        patient_key=_patient_key(patient),
        diagnoses=tuple(diagnoses),
        directions=directions_of(value_of(dataset, "PatientOrientation")),
        floating="PixelRepresentation" not in dataset,
        table="ModalityLUTSequence" in dataset,
        segments=_segments(dataset),
        tilt=number_of(dataset, "GantryDetectorTilt"),
    )


def _check_picture(dataset: Dataset, name: str, left: int | None) -> None:
    """Refuse files that hold no picture, each by what it is instead."""
    kind = _sop_class(dataset)
    if value_of(dataset, "DirectoryRecordSequence") is not None or kind == "Media Storage Directory Storage":
        raise ReadError(
            f"'{name}' is a DICOM directory, a table of contents without pictures.",
            code="dicom-directory",
            action="Open the folder in which it lies.",
        )
    if not whole(dataset, "Rows") or not whole(dataset, "Columns"):
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


def _sop_class(dataset: Dataset) -> str:
    uid = value_of(dataset, "SOPClassUID") or value_of(
        getattr(dataset, "file_meta", None), "MediaStorageSOPClassUID"
    )
    return "" if uid is None else UID(str(uid)).name


def _unit(dataset: Dataset) -> str:
    stated = text_of(dataset, "RescaleType")
    if text_of(dataset, "Modality") == "CT" and stated in ("", "HU", "US"):
        return "HU"
    stated = stated if stated.upper() not in ("", "US", "NORMALIZED") else ""
    stated = stated or text_of(dataset, "Units") or text_of(dataset, "DoseUnits")
    return "" if stated in ("NONE", "UNSPECIFIED", "RELATIVE") else _UNITS.get(stated.upper(), stated)


def _segments(dataset: Dataset) -> tuple[tuple[int, str], ...]:
    found = [
        (whole(item, "SegmentNumber"), text_of(item, "SegmentLabel"))
        for item in several(value_of(dataset, "SegmentSequence"))
        if isinstance(item, Dataset)
    ]
    return tuple((number, label) for number, label in found if number is not None)


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
