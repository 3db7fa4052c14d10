"""Unpacking gzip, zlib and bzip2 a piece at a time, so that nothing grows further than somebody wants it."""

from __future__ import annotations

import bz2
import zlib
from collections.abc import Iterator
from typing import IO

PIECE = 1 << 20
"""The most that comes at a time, bytes."""
DEFLATE_LIMIT = 1032
"""No deflate stream grows more than this; a header that asks for more cannot be true."""


class _Deflated:
    def __init__(self, wbits: int) -> None:
        self._inner = zlib.decompressobj(wbits=wbits)

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


def _unpacker(packing: str) -> _Deflated | _Bzipped:
    return _Bzipped() if packing == "bzip2" else _Deflated(31 if packing == "gzip" else 15)


def unpacked_pieces(stream: IO[bytes], packing: str) -> Iterator[bytes]:
    """The content of a packed stream in pieces of at most a megabyte; streams that follow one another count as one.

    Ends where the file ends or something else begins; the consumer stops asking when it has enough, so nothing grows
    beyond what it wants.

    Raises
    ------
    zlib.error, OSError
        When the stream is damaged.
    EOFError
        When it stops in the middle.
    """
    unpacker = _unpacker(packing)
    data = b""
    while True:
        if unpacker.ended:
            data = unpacker.rest or stream.read(PIECE)
            if not data.startswith(b"\x1f\x8b" if packing == "gzip" else b"BZh"):
                return
            unpacker = _unpacker(packing)
        elif unpacker.hungry:
            data = stream.read(PIECE)
            if not data:
                raise EOFError
        piece = unpacker.more(data, PIECE)
        data = b""
        if piece:
            yield piece
