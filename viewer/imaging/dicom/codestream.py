"""What a compressed picture says of itself in its own header, before any decoder sees it."""

from __future__ import annotations

import struct

_BOXES = 4096
"""Bytes among which a JPEG 2000 stream begins when it is wrapped, against the standard, in a file format of its own."""
_STREAM = b"\xff\x4f\xff\x51"
_BOX = b"jP  "


def codestream_size(frame: bytes) -> tuple[int, int] | None:
    """(rows, columns) that a JPEG, JPEG-LS or JPEG 2000 picture announces itself; None for anything else."""
    start = frame.find(_STREAM, 0, _BOXES) if frame[4:8] == _BOX else 0
    if start >= 0 and frame[start : start + 4] == _STREAM and len(frame) >= start + 24:
        right, bottom, left, top = struct.unpack(">IIII", frame[start + 8 : start + 24])
        return bottom - top, right - left
    if frame[:2] != b"\xff\xd8":
        return None
    place = 2
    while place + 9 <= len(frame) and frame[place] == 0xFF:
        marker, length = frame[place + 1], int.from_bytes(frame[place + 2 : place + 4], "big")
        if marker == 0xFF:
            place += 1
            continue
        if (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)) or marker == 0xF7:
            rows, columns = struct.unpack(">HH", frame[place + 5 : place + 9])
            return int(rows), int(columns)
        place += 2 + length
    return None


def begins_picture(fragment: bytes) -> bool:
    """Whether a fragment of pixel data begins a JPEG, JPEG-LS or JPEG 2000 picture."""
    return fragment[:3] == b"\xff\xd8\xff" or fragment[:4] == _STREAM or fragment[4:8] == _BOX
