"""What a file is, by its content. The extension is only compared with it afterwards."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable
from enum import Enum
from pathlib import Path

from viewer.foundation.errors import ReadError


class Kind(Enum):
    """Families of formats that can be read, or that lead to files that can."""

    DICOM = "DICOM"
    NIFTI = "NIfTI"
    NRRD = "NRRD"
    METAIMAGE = "MetaImage"
    PNG = "PNG"
    JPEG = "JPEG"
    TIFF = "TIFF"
    BMP = "BMP"
    GIF = "GIF"
    WEBP = "WebP"
    MGH = "MGH"
    HDF5 = "HDF5"
    ZIP = "zip"
    DICOMDIR = "DICOMDIR"


PICTURES = (Kind.PNG, Kind.JPEG, Kind.TIFF, Kind.BMP, Kind.GIF, Kind.WEBP)

_EXTENSIONS: dict[Kind, tuple[str, ...]] = {
    Kind.DICOM: (".dcm", ".dicom", ".ima", ""),
    Kind.NIFTI: (".nii", ".nii.gz", ".hdr", ".img"),
    Kind.NRRD: (".nrrd", ".nhdr"),
    Kind.METAIMAGE: (".mha", ".mhd"),
    Kind.PNG: (".png",),
    Kind.JPEG: (".jpg", ".jpeg", ".jpe"),
    Kind.TIFF: (".tif", ".tiff"),
    Kind.BMP: (".bmp", ".dib"),
    Kind.GIF: (".gif",),
    Kind.WEBP: (".webp",),
    Kind.MGH: (".mgh", ".mgz"),
    Kind.HDF5: (".hdf5", ".h5", ".hdf"),
    Kind.ZIP: (".zip",),
}
_OTHER_CONTENTS = (
    (b"%PDF", "a PDF document"),
    (b"\x80\x02", "a Python pickle"),
    (b"\x80\x04", "a Python pickle"),
    (b"\x93NUMPY", "a NumPy array, which does not say where it lies"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it first"),
    (b"Rar!", "a RAR archive; unpack it first"),
    (b"\xfd7zXZ", "an xz archive; unpack it first"),
    (b"BZh", "a bzip2 archive; unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive; unpack it first"),
    (b"\x1f\x8b", "packed twice; unpack it first"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 picture; save it as PNG or TIFF first"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 picture; save it as PNG or TIFF first"),
    (b"version https://git-lfs", "a Git LFS stub: the image itself was never downloaded"),
)
_ZIPS = (b"PK\x03\x04", b"PK\x05\x06")
_DIRECTORY_CLASS = re.compile(
    rb"\x02\x00\x02\x00(UI..|\x14\x00\x00\x00)1\.2\.840\.10008\.1\.3\.10[\x00 ]?", re.DOTALL
)
_MGH_TYPES = (0, 1, 3, 4, 10)
_BMP_HEADERS = (12, 40, 52, 56, 64, 108, 124)
_HEAD = 4096


def head_of(path: Path) -> tuple[bytes, bool]:
    """The first bytes of a file, decompressed where it is gzip, and whether it is.

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
        return head, False
    # Decompressed by hand: a cut-off file still has a beginning that tells what it was.
    try:
        start = zlib.decompressobj(wbits=31).decompress(head, _HEAD)
    except zlib.error:
        start = b""
    if start:
        return start, True
    raise ReadError(f"'{path.name}' is a damaged gzip file.", code="damaged-gzip")


def reason(error: OSError) -> str:
    """The operating system's words, without a path."""
    return (error.strerror or type(error).__name__).lower()


def kind_of(path: Path) -> tuple[Kind, bool]:
    """The family of a file, and whether it is packed with gzip.

    Raises
    ------
    ReadError
        Codes ``missing``, ``no-access``, ``empty-file``, ``damaged-gzip``, ``not-an-image``.
    """
    head, packed = head_of(path)
    kind = next((kind for kind, fits in _SIGNS if fits(head)), None)
    if kind is not None:
        return kind, packed
    raise ReadError(f"'{path.name}' is not an image{_guess(path, head)}.", code="not-an-image")


def _is_directory(head: bytes) -> bool:
    return head[128:132] == b"DICM" and _DIRECTORY_CLASS.search(head) is not None


def _is_tiff(head: bytes) -> bool:
    return head[:4] in (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")


def _is_bmp(head: bytes) -> bool:
    if len(head) < 18 or not head.startswith(b"BM") or any(head[6:10]):
        return False
    return int.from_bytes(head[14:18], "little") in _BMP_HEADERS


def _is_mgh(head: bytes) -> bool:
    """Version 1, four sizes, a known type: a weak sign, so every field has to fit."""
    if len(head) < 284:
        return False
    version, *sizes, kind = struct.unpack(">6i", head[:24])
    return version == 1 and kind in _MGH_TYPES and all(1 <= size < 1 << 20 for size in sizes)


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


_SIGNS: tuple[tuple[Kind, Callable[[bytes], bool]], ...] = (
    (Kind.DICOMDIR, _is_directory),
    (Kind.DICOM, lambda head: head[128:132] == b"DICM"),
    (Kind.PNG, lambda head: head.startswith(b"\x89PNG\r\n\x1a\n")),
    (Kind.JPEG, lambda head: head.startswith(b"\xff\xd8\xff")),
    (Kind.TIFF, _is_tiff),
    (Kind.BMP, _is_bmp),
    (Kind.GIF, lambda head: head.startswith((b"GIF87a", b"GIF89a"))),
    (Kind.WEBP, lambda head: head.startswith(b"RIFF") and head[8:12] == b"WEBP"),
    (Kind.NRRD, lambda head: head.startswith(b"NRRD")),
    (Kind.NIFTI, _is_nifti),
    (Kind.METAIMAGE, _is_metaimage),
    (Kind.MGH, _is_mgh),
    (Kind.HDF5, lambda head: head.startswith(b"\x89HDF\r\n\x1a\n")),
    (Kind.ZIP, lambda head: head.startswith(_ZIPS)),
    (Kind.DICOM, looks_like_bare_dicom),
)
"""The first that fits decides."""


def _guess(path: Path, head: bytes) -> str:
    for start, words in _OTHER_CONTENTS:
        if head.startswith(start):
            return f" that can be read here: it is {words}"
    if head[257:262] == b"ustar":
        return " that can be read here: it is a tar archive; unpack it first"
    if 348 in (int.from_bytes(head[:4], "little"), int.from_bytes(head[:4], "big")) and len(head) >= 348:
        return " that can be read here: it is an Analyze 7.5 header, which cannot say which side is left; save as NIfTI"
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
