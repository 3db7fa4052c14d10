"""The voxels behind a header: where they lie in a file, how they are packed, and reading one volume of them.

Nothing is trusted: the place was announced by a header. What is not packed is compared with the length of the file
before anything is read, what is packed is unpacked piece by piece and never further than was announced, and a file that
has changed since its header was read is refused instead of misread.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray

from viewer.foundation.errors import ReadError
from viewer.foundation.progress import SILENT, Progress
from viewer.imaging.file_stamp import Stamp, check_unchanged, unreachable
from viewer.imaging.formats.unpacking import DEFLATE_LIMIT, PIECE, Bookmark, UnpackedPieces

Packing = Literal["none", "gzip", "zlib", "bzip2", "text", "hex"]
Bytes = NDArray[np.uint8]

_TEXT_LIMIT = 256 << 20
"""Voxels written as words take several times their memory while they are read, bytes."""
_MARKS = 500
"""Bookmarks in one file at most; each takes about a tenth of a megabyte."""
_LATE = 1 << 16
"""How much may follow the last voxel of a gzip stream before its checksum is looked for, bytes."""

_MEMBER = re.compile(rb"\x1f\x8b\x08[\x00-\x1f].{4}[\x00\x02\x04][\x00-\x0d\xff]", re.DOTALL)
"""Head of a gzip stream (RFC 1952): signature, deflate, flags, time, level, system."""


@dataclass(frozen=True)
class VoxelBlock:
    """Voxels of one or several volumes, one type, one file.

    Attributes
    ----------
    path : the file that holds them.
    dtype : as stored, with its byte order.
    run : voxel values of one volume that lie together.
    volumes : number of volumes; they alternate after every run.
    runs : how many runs make up one volume.
    start : byte of the file at which the (packed) voxels begin.
    skip : bytes to pass over after unpacking.
    packing : how they are stored.
    stamp : see `stamp_of`; taken when the header was read.
    bookmarks : places in packed voxels that were passed once and need not be reached from the start again, ascending.
    """

    path: Path
    dtype: np.dtype[Any]
    run: int
    volumes: int = 1
    runs: int = 1
    start: int = 0
    skip: int = 0
    packing: Packing = "none"
    stamp: Stamp = (0, 0)
    bookmarks: list[Bookmark] = field(default_factory=list, repr=False, compare=False)

    @property
    def volume_bytes(self) -> int:
        return self.run * self.runs * self.dtype.itemsize

    @property
    def expected(self) -> int:
        """Bytes from `start` to the end of the last volume, unpacked."""
        return self.skip + self.volume_bytes * self.volumes

    def check(self) -> None:
        """Compare what is announced with what the file can hold, before anything is read.

        Raises
        ------
        ReadError
            ``truncated`` when the file is too short for it, packed or not.
        """
        available = max(self.stamp[0] - self.start, 0)
        if self.packing == "none" and available < self.expected:
            raise _cut_short(self.path, self.expected + self.start, self.stamp[0])
        if self.packing in ("gzip", "zlib") and available * DEFLATE_LIMIT < self.expected:
            raise ReadError(
                f"'{self.path.name}' is cut short: its header announces {self.expected:,} bytes and "
                f"{available:,} packed bytes cannot hold them.",
                code="truncated",
            )
        if self.packing in ("text", "hex") and available > _TEXT_LIMIT:
            raise ReadError(
                f"'{self.path.name}' holds more voxels written as text than are read.", code="over-budget"
            )

    def may_be_cut(self) -> bool:
        """Whether the end of a gzip file is not the end of what is announced; reads no voxels.

        A gzip stream ends with the size of its content modulo 2^32 (RFC 1952, ISIZE). Nothing is said of several
        streams in one file (bgzip, or files put one behind the other), whose last size is only that of the last stream.
        """
        if self.packing != "gzip":
            return False
        try:
            with self.path.open("rb") as stream:
                stream.seek(max(self.start, self.stamp[0] - 4))
                more = (int.from_bytes(stream.read(4), "little") - self.expected) % (1 << 32)
                if more <= _LATE:  # a footer, or a few bytes too many
                    return False
                stream.seek(self.start + 1)
                return not _another_member(stream)
        except OSError as error:
            raise unreachable(self.path, error) from None

    def read(self, volume: int, parts: int = 1, progress: Progress = SILENT) -> Iterator[NDArray[Any]]:
        """The values of one volume in the order of the file, in so many equal parts, as they come.

        Yields
        ------
        flat array
            Native byte order, writeable, in memory of its own.

        Raises
        ------
        ReadError
            ``truncated`` when they end too soon, ``changed`` when the file was replaced, ``no-access``, ``missing``.
        """
        with self._stream() as stream:
            if self.runs == 1:
                stream.skip(self.skip + volume * self.volume_bytes, progress)
                for _ in range(parts):
                    out = np.empty(self.run // parts, dtype=self.dtype)
                    stream.read_into(out.view(np.uint8))
                    yield _native(out)
            else:
                stream.skip(self.skip)
                out = np.empty(self.run * self.runs, dtype=self.dtype)
                self._pick(stream, out, volume, progress)
                yield from _native(out).reshape(parts, -1)
            if volume == self.volumes - 1:
                stream.finish()

    def read_part(self, volume: int, first: int, count: int) -> NDArray[Any]:
        """`count` values of one volume from value `first` on; only where its values lie together (`runs` is 1)."""
        assert self.runs == 1
        out = np.empty(count, dtype=self.dtype)
        with self._stream() as stream:
            stream.skip(self.skip + volume * self.volume_bytes + first * self.dtype.itemsize)
            stream.read_into(out.view(np.uint8))
        return _native(out)

    def _stream(self) -> _Stream:
        check_unchanged(self.path, self.stamp)
        try:
            stream = self.path.open("rb")
        except OSError as error:
            raise unreachable(self.path, error) from None
        return _Stream(self, stream)

    def _pick(self, stream: _Stream, out: NDArray[Any], volume: int, progress: Progress) -> None:
        """One volume out of alternating ones: the whole block passes by, a piece at a time."""
        group = self.run * self.volumes
        at_once = max(1, PIECE // (group * self.dtype.itemsize))
        target = out.reshape(self.runs, self.run)
        for first in range(0, self.runs, at_once):
            progress.report(first, self.runs, "reading")
            groups = min(at_once, self.runs - first)
            piece = np.empty(groups * group, dtype=self.dtype)
            stream.read_into(piece.view(np.uint8))
            target[first : first + groups] = piece.reshape(groups, self.volumes, self.run)[:, volume]


def _another_member(stream: IO[bytes]) -> bool:
    """Whether the head of a gzip stream comes; so many bytes are never like it by chance."""
    tail = b""
    while piece := stream.read(PIECE):
        if _MEMBER.search(tail + piece):
            return True
        tail = piece[-9:]
    return False


def _native(values: NDArray[Any]) -> NDArray[Any]:
    return (
        values
        if values.dtype.isnative
        else values.byteswap(inplace=True).view(values.dtype.newbyteorder("="))
    )


def _cut_short(path: Path, expected: int, actual: int) -> ReadError:
    return ReadError(
        f"'{path.name}' is cut short: its header announces {expected:,} bytes and there are {actual:,}.",
        code="truncated",
    )


class _Stream:
    """The bytes of a block from its start on, unpacked."""

    def __init__(self, block: VoxelBlock, stream: IO[bytes]) -> None:
        self._block, self._file = block, stream
        stream.seek(block.start)
        self._pieces: Iterator[bytes] | None = None if block.packing == "none" else self._unpacked(block)
        self._left = memoryview(b"")

    def __enter__(self) -> _Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def skip(self, count: int, progress: Progress = SILENT) -> None:
        """Pass over some bytes; through a packed stream that takes its time."""
        if self._pieces is None:
            self._file.seek(count, 1)
            return
        passed = self._leap(count)
        while passed < count:
            progress.report(passed, count, "unpacking")
            piece = self._next()[: count - passed]
            self._left = self._left[len(piece) :]
            passed += len(piece)

    def _leap(self, count: int) -> int:
        """Go on at the last bookmark before byte `count` of the content; how far that is."""
        known = [mark for mark in self._block.bookmarks if mark.unpacked <= count]
        if not known or not isinstance(self._pieces, UnpackedPieces) or self._pieces.unpacked:
            return 0
        self._pieces = UnpackedPieces(self._file, self._block.packing, known[-1])
        return known[-1].unpacked

    def _mark(self) -> None:
        """Remember this place, where there are several volumes and no other mark is near."""
        block, pieces = self._block, self._pieces
        if block.volumes < 2 or not isinstance(pieces, UnpackedPieces):
            return
        last = block.bookmarks[-1].unpacked if block.bookmarks else 0
        if pieces.unpacked - last >= max(block.volume_bytes, block.expected // _MARKS):
            mark = pieces.bookmark()
            block.bookmarks.extend([mark] if mark is not None else [])

    def read_into(self, out: Bytes) -> None:
        """Fill `out` to its end, or raise ``truncated``."""
        target = memoryview(out.data)
        while target:
            if self._pieces is None:
                try:
                    count = self._file.readinto(target)  # type: ignore[attr-defined]
                except OSError as error:
                    raise unreachable(self._block.path, error) from None
                if not count:
                    raise self._ended()
            else:
                piece = self._next()[: len(target)]
                count = len(piece)
                target[:count] = piece
                self._left = self._left[count:]
            target = target[count:]

    def finish(self) -> None:
        """Only at its end does a packed stream compare its checksum."""
        if self._pieces is None or self._block.packing in ("text", "hex"):
            return
        late = len(self._left)
        while late < _LATE:
            piece = self._piece()
            if piece is None:
                return
            late += len(piece)

    def _next(self) -> memoryview:
        if not len(self._left):
            piece = self._piece()
            if piece is None:
                raise self._ended()
            self._left = memoryview(piece)
        return self._left

    def _piece(self) -> bytes | None:
        assert self._pieces is not None
        try:
            self._mark()
            return next(self._pieces, None)
        except EOFError:
            raise self._ended() from None
        except zlib.error:
            raise self._damaged() from None
        except OSError as error:
            # bz2 reports damage as an OSError without a number.
            raise (self._damaged() if error.errno is None else unreachable(self._block.path, error)) from None

    def _unpacked(self, block: VoxelBlock) -> Iterator[bytes]:
        if block.packing in ("gzip", "zlib", "bzip2"):
            return UnpackedPieces(self._file, block.packing)
        return (_from_text(stream.read(_TEXT_LIMIT), block) for stream in (self._file,))

    def _damaged(self) -> ReadError:
        return ReadError(
            f"'{self._block.path.name}' is damaged: it does not decompress to the end.", code="truncated"
        )

    def _ended(self) -> ReadError:
        block = self._block
        return ReadError(
            f"'{block.path.name}' is cut short: its header announces {block.volume_bytes * block.volumes:,} bytes of "
            "voxels and fewer are there.",
            code="truncated",
        )


def _from_text(words: bytes, block: VoxelBlock) -> bytes:
    """Voxels written as numbers between blanks or commas, or as hexadecimal digits."""
    try:
        if block.packing == "hex":
            return bytes.fromhex(words.decode("ascii"))
        numbers = re.split(r"[\s,]+", words.decode("ascii").strip())
        wide: type = float if block.dtype.kind == "f" else int
        return np.array([wide(number) for number in numbers if number], dtype=block.dtype).tobytes()
    except (ValueError, OverflowError, UnicodeDecodeError):
        raise ReadError(
            f"'{block.path.name}' is damaged: its voxels should be numbers written as text and are not.",
            code="bad-header",
        ) from None
