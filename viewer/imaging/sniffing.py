"""What a file is, by its content. The extension is only compared with it afterwards."""

from __future__ import annotations

import struct
import zlib
from enum import Enum
from pathlib import Path

from viewer.foundation.errors import ReadError


class Kind(Enum):
    """Families of formats that can be read."""

    DICOM = "DICOM"
    NIFTI = "NIfTI"
    NRRD = "NRRD"
    METAIMAGE = "MetaImage"
    PNG = "PNG"
    JPEG = "JPEG"


_EXTENSIONS: dict[Kind, tuple[str, ...]] = {
    Kind.DICOM: (".dcm", ".dicom", ".ima", ""),
    Kind.NIFTI: (".nii", ".nii.gz", ".hdr", ".img"),
    Kind.NRRD: (".nrrd", ".nhdr"),
    Kind.METAIMAGE: (".mha", ".mhd"),
    Kind.PNG: (".png",),
    Kind.JPEG: (".jpg", ".jpeg", ".jpe"),
}
_OTHER_CONTENTS = (
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a zip archive"),
    (b"II*\x00", "a TIFF picture"),
    (b"MM\x00*", "a TIFF picture"),
    (b"GIF8", "a GIF picture"),
    (b"BM", "a BMP picture"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x80\x02", "a Python pickle"),
    (b"\x80\x04", "a Python pickle"),
    (b"\x7fELF", "a program"),
    (b"version https://git-lfs", "a Git LFS stub: the image itself was never downloaded"),
)
_HEAD = 4096


def head_of(path: Path) -> bytes:
    """The first bytes of a file, decompressed where it is gzip.

    Raises
    ------
    ReadError
        When the file cannot be opened, is empty, or is a broken gzip file.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
    except FileNotFoundError:
        raise ReadError(f"There is no file '{path.name}'.", code="missing") from None
    except OSError as error:
        raise ReadError(f"'{path.name}' could not be opened: {reason(error)}.", code="no-access") from None
    if not head:
        raise ReadError(f"'{path.name}' is empty.", code="empty-file")
    if head[:2] != b"\x1f\x8b":
        return head
    # Decompressed by hand: a cut-off file still has a beginning that tells what it was.
    try:
        start = zlib.decompressobj(wbits=31).decompress(head, _HEAD)
    except zlib.error:
        start = b""
    if start:
        return start
    raise ReadError(f"'{path.name}' is a damaged gzip file.", code="damaged-gzip")


def reason(error: OSError) -> str:
    """The operating system's words, without a path."""
    return (error.strerror or type(error).__name__).lower()


def kind_of(path: Path) -> Kind:
    """The family of a file.

    Raises
    ------
    ReadError
        Codes ``missing``, ``no-access``, ``empty-file``, ``damaged-gzip``, ``not-an-image``.
    """
    head = head_of(path)
    if head[128:132] == b"DICM":
        return Kind.DICOM
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return Kind.PNG
    if head.startswith(b"\xff\xd8\xff"):
        return Kind.JPEG
    if head.startswith(b"NRRD"):
        return Kind.NRRD
    if _is_nifti(head):
        return Kind.NIFTI
    if _is_metaimage(head):
        return Kind.METAIMAGE
    if looks_like_bare_dicom(head):
        return Kind.DICOM
    raise ReadError(f"'{path.name}' is not an image{_guess(path, head)}.", code="not-an-image")


def contradicts_extension(path: Path, kind: Kind) -> bool:
    """Whether the name promises another format than the content keeps."""
    name = path.name.lower()
    promised = [
        other for other, endings in _EXTENSIONS.items() for end in endings if end and name.endswith(end)
    ]
    return bool(promised) and kind not in promised


def _is_nifti(head: bytes) -> bool:
    if len(head) < 4:
        return False
    for order in "<>":
        size = struct.unpack(order + "i", head[:4])[0]
        if size == 348 and (head[344:347] in (b"ni1", b"n+1") or len(head) < 348):
            return True
        if size == 540 and (head[4:7] in (b"ni2", b"n+2") or len(head) < 540):
            return True
    return False


def _is_metaimage(head: bytes) -> bool:
    text = head[:1024]
    return b"=" in text and (
        text.lstrip().startswith((b"ObjectType", b"NDims", b"Comment"))
        and b"NDims" in text
        and b"DimSize" in head
    )


def looks_like_bare_dicom(head: bytes) -> bool:
    """Whether bytes without the DICM mark begin like a data set: a low, ascending group with a sound first element."""
    if len(head) < 12:
        return False
    for order in "<>":
        group, _, short = struct.unpack(order + "HHH", head[:6])
        if group not in (0x0002, 0x0008) or (group == 0x0008 and head[2:4] == b"\xff\xff"):
            continue
        if head[4:6].isalpha() and head[4:6].isupper():
            return True
        if order == "<" and struct.unpack("<I", head[4:8])[0] <= len(head) and short < 0x4000:
            return True
    return False


def _guess(path: Path, head: bytes) -> str:
    for start, words in _OTHER_CONTENTS:
        if head.startswith(start):
            return f" that can be read here: it is {words}"
    lowered = path.name.lower()
    promised = [
        kind.value
        for kind, endings in _EXTENSIONS.items()
        for end in endings
        if end and lowered.endswith(end)
    ]
    text = not (set(head) & set(range(9))) and b"\x00" not in head
    if promised:
        return f": its name says {promised[0]}, its content is {'plain text' if text else 'something else'}"
    return ": it is plain text" if text else " of a known format"
