"""Unpacking gzip, zlib and bzip2 a piece at a time, so that nothing grows further than somebody wants it."""

from __future__ import annotations

import bz2
import contextlib
import zlib
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import IO

PIECE = 1 << 20
"""The most that comes at a time, bytes."""
_INPUT = 1 << 16
"""Packed bytes that are read at a time; a bookmark holds as many at most."""
DEFLATE_LIMIT = 1032
"""No deflate stream grows more than this; a header that asks for more cannot be true."""


class _Deflated:
    def __init__(self, wbits: int) -> None:
        self._inner = zlib.decompressobj(wbits=wbits)

    def copy(self) -> _Deflated:
        twin = copy(self)
        twin._inner = self._inner.copy()
        return twin

    def more(self, data: bytes, limit: int) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, limit)

    @property
    def hungry(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def ended(self) -> bool:
        return self._inner.eof

    @property
    def rest(self) -> bytes:
        return self._inner.unused_data


class _Bzipped:
    def __init__(self) -> None:
        self._inner = bz2.BZ2Decompressor()

    def more(self, data: bytes, limit: int) -> bytes:
        return self._inner.decompress(data, limit)

    @property
    def hungry(self) -> bool:
        return self._inner.needs_input

    @property
    def ended(self) -> bool:
        return self._inner.eof

    @property
    def rest(self) -> bytes:
        return self._inner.unused_data


def unpacked_start(path: Path, length: int) -> tuple[bytes, bool]:
    """The first bytes of a file, unpacked where it is gzip, and whether it is.

    There are fewer than `length` where the file ends or breaks before.

    Raises
    ------
    OSError
        When the file cannot be read.
    """
    with path.open("rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
        stream.seek(0)
        if not packed:
            return stream.read(length), False
        raw = b""
        # A cut-off file still has a beginning that tells what it was.
        with contextlib.suppress(EOFError, zlib.error):
            for piece in UnpackedPieces(stream, "gzip"):
                raw += piece
                if len(raw) >= length:
                    break
        return raw[:length], True


def _unpacker(packing: str) -> _Deflated | _Bzipped:
    return _Bzipped() if packing == "bzip2" else _Deflated(31 if packing == "gzip" else 15)


@dataclass(frozen=True)
class Bookmark:
    """A place in a packed stream from which unpacking can go on without what lies before it.

    Attributes
    ----------
    unpacked : bytes of content before it.
    packed : byte of the file that is read next.
    """

    unpacked: int
    packed: int
    _unpacker: _Deflated


class UnpackedPieces:
    """The content of a packed stream in pieces of at most a megabyte; streams that follow one another count as one.

    Ends where the file ends or something else begins; the consumer stops asking when it has enough, so nothing grows
    beyond what it wants. Asking for a piece raises

    zlib.error, OSError
        when the stream is damaged,
    EOFError
        when it stops in the middle.

    Attributes
    ----------
    unpacked : bytes of content that have come so far, counted from the start of the packed stream.
    """

    def __init__(self, stream: IO[bytes], packing: str, start: Bookmark | None = None) -> None:
        self._stream, self._packing = stream, packing
        self._unpacker = _unpacker(packing)
        self.unpacked = 0
        if start is not None:
            stream.seek(start.packed)
            self._unpacker, self.unpacked = start._unpacker.copy(), start.unpacked

    def __iter__(self) -> UnpackedPieces:
        return self

    def __next__(self) -> bytes:
        data = b""
        while True:
            if self._unpacker.ended:
                data = self._unpacker.rest or self._stream.read(_INPUT)
                if not data.startswith(b"\x1f\x8b" if self._packing == "gzip" else b"BZh"):
                    raise StopIteration
                self._unpacker = _unpacker(self._packing)
            elif self._unpacker.hungry:
                data = self._stream.read(_INPUT)
                if not data:
                    raise EOFError
            piece = self._unpacker.more(data, PIECE)
            data = b""
            if piece:
                self.unpacked += len(piece)
                return piece

    def bookmark(self) -> Bookmark | None:
        """This place, between two pieces; None where the packing keeps none."""
        if not isinstance(self._unpacker, _Deflated) or self._unpacker.ended:
            return None
        return Bookmark(self.unpacked, self._stream.tell(), self._unpacker.copy())
