"""What is wrong with a DICOM header: refused where no picture can come of it, said where one can."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydicom import charset
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag
from pydicom.valuerep import VR

from viewer.foundation.errors import ReadError
from viewer.imaging.diagnoses import Diagnosis
from viewer.imaging.dicom.syntaxes import PLAIN
from viewer.imaging.dicom.values import number_of, several, text_of, value_of, whole

_TOO_MANY_FRAMES = 100_000
_LEAST_COMPRESSED = 8
"""Bytes that even an empty compressed frame takes: the item that holds it."""
_PHOTOMETRIC = (
    "MONOCHROME1",
    "MONOCHROME2",
    "PALETTE COLOR",
    "RGB",
    "YBR_FULL",
    "YBR_FULL_422",
    "YBR_PARTIAL_422",
    "YBR_PARTIAL_420",
    "YBR_ICT",
    "YBR_RCT",
)
_HALVED = {"YBR_FULL_422": 2 / 3, "YBR_PARTIAL_422": 2 / 3, "YBR_PARTIAL_420": 1 / 2}
_VALUE_TYPES = frozenset(str(vr.value) for vr in VR)
_WRITTEN_ON = ("SC", "US", "CR", "OT", "ES", "XC")
"""Modalities whose pictures often carry names in their pixels."""
_NAMED_TAGS = 3
_NUMBERS = re.compile(rb"[-+0-9.eE\\ \0]*")


@dataclass(frozen=True)
class Layout:
    """How the picture is stored; `stored` is the lowest and highest value that the header allows for."""

    rows: int
    columns: int
    samples: int
    bits: int
    stored: tuple[int, int]
    photometric: str


def layout(dataset: Dataset, name: str) -> Layout:
    """The pixel module of a data set.

    Raises
    ------
    ReadError
        ``bits-stored``, ``photometric``, ``samples``: values that no picture can have.
    """
    samples, bits = whole(dataset, "SamplesPerPixel") or 1, whole(dataset, "BitsAllocated") or 8
    photometric = text_of(dataset, "PhotometricInterpretation").upper()
    photometric = photometric or ("RGB" if samples == 3 else "MONOCHROME2")
    stored = whole(dataset, "BitsStored") or bits
    if stored > bits or bits < 1:
        raise ReadError(
            f"'{name}' claims {stored} bits in voxels of {bits} bits, which is impossible.",
            code="bits-stored",
        )
    if photometric not in _PHOTOMETRIC:
        raise ReadError(
            f"'{name}' has a kind of colour that is not known ('{photometric[:24]}').", code="photometric"
        )
    if samples not in (1, 3, 4):
        raise ReadError(
            f"'{name}' claims {samples} values per pixel, which is not supported.", code="samples"
        )
    signed = bool(whole(dataset, "PixelRepresentation"))
    low, high = (-(1 << (stored - 1)), (1 << (stored - 1)) - 1) if signed else (0, (1 << stored) - 1)
    rows, columns = whole(dataset, "Rows") or 0, whole(dataset, "Columns") or 0
    return Layout(rows, columns, samples, bits, (low, high), photometric)


def frame_count(dataset: Dataset, name: str, diagnoses: list[Diagnosis]) -> int:
    """How many frames the file announces; fewer than one is read as one and said.

    Raises
    ------
    ReadError
        ``frame-count`` for a number beyond belief.
    """
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


def check_length(
    name: str,
    form: Layout,
    count: int,
    left: int | None,
    syntax: str,
    diagnoses: list[Diagnosis],
) -> None:
    """Compare the bytes that the picture needs with those that are `left` in the file; None when that is not known.

    Raises
    ------
    ReadError
        ``truncated`` with both numbers.
    """
    if left is None:
        return
    if syntax and syntax not in PLAIN:
        if count * _LEAST_COMPRESSED > left:
            raise ReadError(
                f"'{name}' is cut short: it announces {count:,} frames and holds {left:,} bytes of pixels.",
                code="truncated",
            )
        return
    expected = (form.rows * form.columns * form.samples * form.bits * count + 7) // 8
    expected = int(expected * _HALVED.get(form.photometric, 1))
    if left < expected:
        raise ReadError(
            f"'{name}' is cut short: its picture needs {expected:,} bytes and there are {left:,}.",
            code="truncated",
        )
    if left > expected + 1:
        more = left // (expected // count) if expected else 0
        hint = f" ({more} frames would fit, and it announces {count})" if more > count else ""
        diagnoses.append(
            Diagnosis(
                "pixel-data-too-long",
                "warning",
                f"The file holds {left:,} bytes of pixels and its picture needs {expected:,}{hint}.",
                "The rest is left out; check that nothing of the picture is missing.",
            )
        )


def header_findings(dataset: Dataset) -> Iterator[Diagnosis]:
    """What is odd about a header that can be read all the same."""
    # First of all: asking for a value converts it, and then its stated type is gone.
    yield from _bad_values(dataset)
    preamble = getattr(dataset, "preamble", None)
    if preamble is None:
        yield Diagnosis(
            "no-preamble", "note", "The file lacks the DICOM mark at its start; it was read all the same."
        )
    elif preamble[:2] == b"MZ" or preamble[:4] == b"\x7fELF":
        yield Diagnosis(
            "program-preamble", "warning", "The file can also be run as a program.", "Never execute it."
        )
    stated = [str(value).strip() for value in several(value_of(dataset, "SpecificCharacterSet"))]
    if any(value and value not in charset.python_encoding for value in stated):
        yield Diagnosis(
            "unknown-character-set",
            "note",
            "The file's character set is not known; names and words may look wrong.",
        )
    yield from _burned_in(dataset)
    high, stored = whole(dataset, "HighBit"), whole(dataset, "BitsStored")
    if high is not None and stored and stored <= high < (whole(dataset, "BitsAllocated") or 0):
        yield Diagnosis(
            "high-bit",
            "note",
            f"The file says that its {stored} bits end with bit {high} of each word, as the standard no longer allows; "
            "the bits that are used were taken.",
            "Compare the values with those of another program before trusting units (such as HU).",
        )
    if text_of(dataset, "LossyImageCompression") == "01":
        ratios = several(value_of(dataset, "LossyImageCompressionRatio"))
        ratio = number_of(dataset, "LossyImageCompressionRatio") if len(ratios) == 1 else None
        digits = ",.0f" if ratio and ratio >= 100 else ".3g"
        words = f" about {ratio:{digits}} to 1" if ratio and ratio > 1 else ""
        yield Diagnosis(
            "lossy-compression",
            "note",
            f"The picture was compressed{words} with loss: fine detail may be gone or invented.",
        )


def _burned_in(dataset: Dataset) -> Iterator[Diagnosis]:
    stated = text_of(dataset, "BurnedInAnnotation").upper()
    if stated == "YES":
        yield Diagnosis(
            "burned-in",
            "warning",
            "Words are burned into the pixels, and may name the patient.",
            "Look at the picture before it is shown to others.",
        )
    elif not stated and text_of(dataset, "Modality") in _WRITTEN_ON:
        yield Diagnosis(
            "burned-in-unknown",
            "note",
            "The file does not say whether words are burned into the pixels.",
            "Look at the picture before it is shown to others.",
        )


def _bad_values(dataset: Dataset) -> Iterator[Diagnosis]:
    """Elements of a type that does not exist, and words where numbers belong; by tag, for a value may be a name."""
    raw = [element for element in dataset.values() if isinstance(element, RawDataElement)]
    unknown = [element.tag for element in raw if element.VR is not None and element.VR not in _VALUE_TYPES]
    words = [
        element.tag
        for element in raw
        if element.VR in ("DS", "IS") and element.value and not _NUMBERS.fullmatch(element.value)
    ]
    if unknown:
        yield Diagnosis(
            "unknown-vr",
            "note",
            f"The file states a type of value that does not exist for {_named(unknown)}; what is there is left out.",
        )
    if words:
        yield Diagnosis(
            "unreadable-value",
            "note",
            f"The file has something else than a number for {_named(words)}; what is there is left out.",
        )


def _named(tags: Sequence[BaseTag]) -> str:
    more = f" and {len(tags) - _NAMED_TAGS} more" if len(tags) > _NAMED_TAGS else ""
    return ", ".join(f"({tag.group:04X},{tag.element:04X})" for tag in tags[:_NAMED_TAGS]) + more
