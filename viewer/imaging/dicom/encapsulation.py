"""Frames of encapsulated pixel data: which bytes of a file belong to which."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

from viewer.imaging.dicom.codestream import begins_picture

_ITEM = b"\xfe\xff\x00\xe0"
_PEEK = 16
_MOST = 10_000_000


@dataclass(frozen=True)
class Fragment:
    """A piece of a frame: where it lies in the file."""

    start: int
    length: int


def frames_of_fragments(
    stream: BinaryIO, start: int, count: int, extended: tuple[bytes, bytes] | None = None
) -> list[list[Fragment]]:
    """The fragments of each frame, read off the headers of the fragments once for all.

    Parameters
    ----------
    start : where the value of the pixel data begins: with the item of the offset table.
    count : frames that the header announces.
    extended : extended offset table and its lengths, as stored.

    Returns
    -------
    list of frames
        May be shorter than `count` when the file is cut short; empty when the fragments cannot be told apart.
    """
    items = _items(stream, start)
    if not items:
        return []
    table, fragments = items[0], items[1:]
    if count == 1:
        return [fragments] if fragments else []
    first = table.start + table.length
    if extended is not None and len(extended[0]) >= 8 * count and len(extended[1]) >= 8 * count:
        offsets = struct.unpack(f"<{count}Q", extended[0][: 8 * count])
        lengths = struct.unpack(f"<{count}Q", extended[1][: 8 * count])
        return [
            [Fragment(first + offset + 8, length)] for offset, length in zip(offsets, lengths, strict=True)
        ]
    if len(fragments) == count:
        return [[fragment] for fragment in fragments]
    basic = _basic_offsets(stream, table)
    if len(basic) == count:
        starts = {first + offset + 8 for offset in basic}
    else:
        starts = {fragment.start for fragment in fragments if _begins(stream, fragment)}
    groups: list[list[Fragment]] = []
    for fragment in fragments:
        if fragment.start in starts:
            groups.append([fragment])
        elif groups:
            groups[-1].append(fragment)
    # Without a mark of their own, fewer fragments than frames are the first frames, one each.
    if not groups and len(fragments) < count:
        return [[fragment] for fragment in fragments]
    return groups


def read_frame(stream: BinaryIO, fragments: list[Fragment]) -> bytes:
    """The bytes of a frame."""
    parts = []
    for fragment in fragments:
        stream.seek(fragment.start)
        parts.append(stream.read(fragment.length))
    return b"".join(parts)


def _items(stream: BinaryIO, start: int) -> list[Fragment]:
    found: list[Fragment] = []
    stream.seek(start)
    while len(found) < _MOST:
        head = stream.read(8)
        if len(head) < 8 or head[:4] != _ITEM:
            break
        here, length = stream.tell(), int.from_bytes(head[4:], "little")
        found.append(Fragment(here, length))
        stream.seek(here + length)
    return found


def _basic_offsets(stream: BinaryIO, table: Fragment) -> tuple[int, ...]:
    stream.seek(table.start)
    raw = stream.read(min(table.length, 4 * _MOST))
    return struct.unpack(f"<{len(raw) // 4}I", raw[: len(raw) // 4 * 4])


def _begins(stream: BinaryIO, fragment: Fragment) -> bool:
    stream.seek(fragment.start)
    return begins_picture(stream.read(min(_PEEK, fragment.length)))
