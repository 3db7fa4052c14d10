"""A DICOM file as a stream of bytes: deflated ones are inflated as they are read, and never beyond a limit."""

from __future__ import annotations

import io
import zlib
from pathlib import Path
from typing import BinaryIO

from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from viewer.foundation.errors import ReadError

_HEAD = 4096
_MARK = 128
_STEP = 1 << 16
_HEADER_LIMIT = 256 << 20
"""Bytes of header before the pixels that are believed of a deflated file."""


def open_dicom(path: Path) -> BinaryIO:
    """A file as bytes without deflation: of a deflated file the plain equivalent, made while it is read.

    Raises
    ------
    OSError
        The file cannot be read.
    ReadError
        ``over-budget`` from any `read` beyond the stream's `limit`.
    """
    stream = path.open("rb")
    head = stream.read(_HEAD)
    start = _deflated_from(head)
    if start is None:
        stream.seek(0)
        return stream
    with stream:
        stream.seek(start)
        return InflatingStream(path.name, _plain(head[:start]), stream.read())


def _deflated_from(head: bytes) -> int | None:
    """Where the deflated part begins; None when nothing is deflated."""
    uid = DeflatedExplicitVRLittleEndian.encode("ascii")
    if head[_MARK : _MARK + 4] != b"DICM" or uid not in head or head[132:138] != b"\x02\x00\x00\x00UL":
        return None
    start = _MARK + 16 + int.from_bytes(head[140:144], "little")
    return start if start <= len(head) and uid in head[:start] else None


def _plain(head: bytes) -> bytes:
    plain = ExplicitVRLittleEndian.encode("ascii")
    uid = DeflatedExplicitVRLittleEndian.encode("ascii")
    return head.replace(uid, plain.ljust(len(uid), b"\0"))


class InflatingStream(io.BytesIO):
    """Bytes that are inflated when they are first asked for, and kept.

    Attributes
    ----------
    limit : bytes that may come out of it; reading beyond raises ``over-budget``.
    """

    def __init__(self, name: str, head: bytes, deflated: bytes) -> None:
        super().__init__(head)
        self.limit = len(head) + _HEADER_LIMIT
        self._name = name
        self._size = len(head)
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        self._rest = deflated
        self._ended = False

    def read(self, size: int | None = -1, /) -> bytes:
        here = self.tell()
        self._inflate_to(None if size is None or size < 0 else here + size)
        return super().read(size)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        if whence == io.SEEK_END:
            self._inflate_to(None)
        return super().seek(offset, whence)

    def _inflate_to(self, end: int | None) -> None:
        here = self.tell()
        super().seek(self._size)
        while not self._ended and (end is None or self._size < end):
            if self._size > self.limit:
                raise ReadError(
                    f"'{self._name}' inflates to more than its header announces or than is allowed.",
                    code="over-budget",
                )
            part = self._inflater.decompress(self._rest, _STEP)
            self._rest = self._inflater.unconsumed_tail
            self._ended = self._inflater.eof or not (part or self._rest)
            super().write(part)
            self._size += len(part)
        super().seek(here)
