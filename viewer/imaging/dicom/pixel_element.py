"""The pixel data element of a DICOM file: where it begins, and what reading its frames needs of the header.

It is taken down while the header is read, so that a slice costs no second look at it.
"""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, Literal

import pydicom
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag, Tag
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless

from viewer.foundation.errors import ReadError
from viewer.imaging.dicom.stream import open_dicom
from viewer.imaging.dicom.syntaxes import COMPRESSED, check_syntax
from viewer.imaging.dicom.values import value_of, whole
from viewer.imaging.file_stamp import Stamp, stamp_of

_KEYWORDS = {8: "FloatPixelData", 9: "DoubleFloatPixelData", 16: "PixelData"}
_BITS = (1, 8, 16, 32, 64)
_HEAD = 12
"""Bytes that say what an element is, at most."""
_ABOUT_VALUES = ("BitsAllocated", "BitsStored", "PixelRepresentation", "PixelPresentation")
_TABLES = (
    "ModalityLUTSequence",
    "PaletteColorLookupTableUID",
    *(f"{colour}PaletteColorLookupTableDescriptor" for colour in ("Red", "Green", "Blue")),
    *(f"{colour}PaletteColorLookupTableData" for colour in ("Red", "Green", "Blue")),
    *(f"Segmented{colour}PaletteColorLookupTableData" for colour in ("Red", "Green", "Blue")),
)


@dataclass(frozen=True)
class Head:
    """The first bytes of an element, and the byte of the file at which they begin.

    Attributes
    ----------
    raw : twelve bytes, fewer at the end of a file.
    """

    raw: bytes
    start: int

    @classmethod
    def of(cls, stream: BinaryIO) -> Head:
        """The head of the element that a stream stands before."""
        start = stream.tell()
        return cls(stream.read(_HEAD), start)

    @property
    def of_pixels(self) -> bool:
        """Whether the element is one of those that hold pixels."""
        return len(self.raw) == _HEAD and self.raw[:2] in (b"\xe0\x7f", b"\x7f\xe0")

    @property
    def order(self) -> Literal["little", "big"]:
        """Byte order of an element that holds pixels."""
        return "little" if self.raw[:1] == b"\xe0" else "big"

    @property
    def element(self) -> int:
        """The second half of the tag."""
        return int.from_bytes(self.raw[2:4], self.order)

    @property
    def explicit(self) -> bool:
        """Whether the type of the value is stated."""
        return self.raw[4:6].isalpha()

    @property
    def length(self) -> int | None:
        """Length of the value as stated, bytes; None for a value that ends with a mark."""
        stated = int.from_bytes(self.raw[8:12] if self.explicit else self.raw[4:8], self.order)
        return None if stated == 0xFFFFFFFF else stated

    @property
    def end(self) -> int:
        """The byte at which the value begins."""
        return self.start + (_HEAD if self.explicit else _HEAD - 4)


@dataclass(frozen=True)
class PixelElement:
    """Pixel data that have been found and not yet read.

    Attributes
    ----------
    syntax : UID of the transfer syntax, also where the file does not state it.
    start : byte at which its value begins; of a deflated file, once it is inflated.
    count : frames that the header announces, at least 1.
    form : the pixel module in pydicom's names of decoding options, for one frame.
    stamp : of the file when its header was read.
    extended : extended offset table and its lengths, as stored; None where there is none.
    shift : bits below the stored ones, where the file states that it keeps its values in the upper bits of their words.
    tables : the elements of the tables that stored values are looked up in; None where there is none.
    """

    syntax: str
    start: int
    count: int
    form: dict[str, Any]
    stamp: Stamp
    extended: tuple[bytes, bytes] | None = None
    tables: Dataset | None = None
    shift: int = 0

    @property
    def frame_bytes(self) -> int:
        """Bytes of a frame that is not compressed."""
        sizes = ("rows", "columns", "samples_per_pixel", "bits_allocated")
        bits: int = math.prod(self.form[key] for key in sizes)
        return (bits + 7) // 8


def read_pixel_element(path: Path) -> PixelElement:
    """The pixel data element of a file whose header nobody has read yet.

    Raises
    ------
    ReadError
        As `pixel_element`.
    Exception
        Of whatever kind, on damaged data.
    """
    stamp = stamp_of(path)
    with open_dicom(path) as stream:
        dataset = pydicom.dcmread(stream, stop_before_pixels=True, force=True)
        return pixel_element(dataset, Head.of(stream), path.name, stamp)


def pixel_element(dataset: Dataset, head: Head, name: str, stamp: Stamp) -> PixelElement:
    """The pixel data element behind a header.

    Parameters
    ----------
    dataset : everything before it.
    head : its first bytes.
    name : of the file, for sentences.
    stamp : of the file.

    Raises
    ------
    ReadError
        ``incomplete`` where something else or nothing follows, ``bits-allocated`` or ``no-codec`` for pixels that
        nothing here reads.
    """
    implicit, little = dataset.original_encoding
    plain = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
    stated = str(getattr(dataset, "file_meta", {}).get("TransferSyntaxUID") or "")
    syntax = stated or str(ImplicitVRLittleEndian if implicit else plain)
    check_syntax(syntax, name)
    if not head.of_pixels or head.element not in _KEYWORDS:
        raise ReadError(f"'{name}' is an incomplete DICOM file without pixel data.", code="incomplete")
    form = _form(dataset, _KEYWORDS[head.element], name)
    if syntax == ExplicitVRBigEndian:
        form["pixel_vr"] = head.raw[4:6].decode("ascii", "replace") if head.explicit else "OW"
    shift = _shift(dataset, form) if syntax not in COMPRESSED or syntax == RLELossless else 0
    offsets = value_of(dataset, "ExtendedOffsetTable"), value_of(dataset, "ExtendedOffsetTableLengths")
    return PixelElement(
        syntax,
        head.end,
        max(whole(dataset, "NumberOfFrames") or 1, 1),
        form,
        stamp,
        (bytes(offsets[0]), bytes(offsets[1])) if all(offsets) else None,
        _tables(dataset),
        shift,
    )


def _shift(dataset: Dataset, form: dict[str, Any]) -> int:
    """Bits below the stored ones; 0 as the standard now has it, and for a statement that makes no sense."""
    high, stored = whole(dataset, "HighBit"), form["bits_stored"]
    if high is None or form["pixel_keyword"] != "PixelData" or not stored <= high < form["bits_allocated"]:
        return 0
    return int(high + 1 - stored)


def _form(dataset: Dataset, keyword: str, name: str) -> dict[str, Any]:
    bits = {"FloatPixelData": 32, "DoubleFloatPixelData": 64}.get(keyword) or whole(dataset, "BitsAllocated")
    if bits not in _BITS:
        raise ReadError(
            f"'{name}' has voxels of {bits} bits, which are not supported.", code="bits-allocated"
        )
    samples = whole(dataset, "SamplesPerPixel") or 1
    photometric = str(dataset.get("PhotometricInterpretation") or "MONOCHROME2").strip().upper()
    form: dict[str, Any] = {
        "rows": whole(dataset, "Rows") or 0,
        "columns": whole(dataset, "Columns") or 0,
        "samples_per_pixel": samples,
        "number_of_frames": 1,
        "bits_allocated": bits,
        "bits_stored": min(whole(dataset, "BitsStored") or bits, bits),
        "photometric_interpretation": photometric,
        "pixel_representation": int(bool(whole(dataset, "PixelRepresentation"))),
        "pixel_keyword": keyword,
    }
    if samples > 1:
        form["planar_configuration"] = int(bool(whole(dataset, "PlanarConfiguration")))
    return form


def _tables(dataset: Dataset) -> Dataset | None:
    """What `StoredTables` looks at, without the rest of the header."""
    if not any(_tag(keyword) in dataset for keyword in _TABLES):
        return None
    found = Dataset()
    found.set_original_encoding(*dataset.original_encoding)
    for tag in map(_tag, (*_ABOUT_VALUES, *_TABLES)):
        # A broken element is an absent one.
        with contextlib.suppress(Exception):
            if tag in dataset:
                found[tag] = dataset[tag]
    return found


@cache
def _tag(keyword: str) -> BaseTag:
    return Tag(keyword)
