"""Damaged copies of good files: what disks, networks and careless programs do to them, and what malice would."""

from __future__ import annotations

import gzip
import io
import random
import re
import zipfile
from collections.abc import Callable

_LONGEST = 1 << 20
_INTERESTING = (0, 1, 2, 7, 8, 127, 128, 255, 256, 32767, 32768, 65535, 1 << 31, (1 << 31) - 1, (1 << 32) - 1)
_NUMBERS = (
    b"0",
    b"-1",
    b"1",
    b"2",
    b"65535",
    b"100000",
    b"4294967295",
    b"9223372036854775807",
    b"1e300",
    b"nan",
    b"inf",
    b"",
    b"0.0000001",
    b"-3.5",
    b"1 2 3",
)
_NAMES = (
    "../up.dcm",
    "/tmp/out.dcm",
    "C:\\out.dcm",
    "a/../../b",
    "a//b",
    ".",
    "",
    "con",
    "x" * 300,
    "\u0000",
    "é\u202e",
)

Change = Callable[[bytearray, list[bytes], random.Random], None]


def mutant(seeds: list[bytes], key: str) -> bytes:
    """The damaged file of that name: one of the seeds, changed in one to five ways; always the same for one key."""
    rng = random.Random(key)
    seed = rng.choice(seeds)
    if rng.random() < 0.5:
        # Otherwise a checksum would catch nearly all that is damaged, and nothing behind it would be tried.
        if seed[:2] == b"\x1f\x8b":
            return gzip.compress(_changed(gzip.decompress(seed), [], rng), compresslevel=1, mtime=0)
        if seed[:4] == b"PK\x03\x04":
            return _repacked(seed, rng)
    return _changed(seed, seeds, rng)


def _changed(seed: bytes, seeds: list[bytes], rng: random.Random) -> bytes:
    data = bytearray(seed)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 5))):
        rng.choice(_CHANGES)(data, seeds or [seed], rng)
    return bytes(data[:_LONGEST])


def _repacked(seed: bytes, rng: random.Random) -> bytes:
    """An archive with one of its members damaged, or named as no file may be."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(seed)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        chosen = rng.choice(old.namelist())
        for member in old.infolist():
            data, name = old.read(member), member.filename
            if name == chosen and rng.random() < 0.7:
                data = _changed(data, [], rng)
            elif name == chosen:
                name = rng.choice(_NAMES)
            new.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), data)
    return stream.getvalue()


def _place(data: bytearray, rng: random.Random) -> int:
    """Anywhere, but more often in the head of a file, where its lengths and sizes are."""
    reach = len(data) if rng.random() < 0.4 else min(len(data), rng.choice((64, 400, 2000)))
    return rng.randrange(reach) if reach else 0


def _flip_bits(data: bytearray, _: list[bytes], rng: random.Random) -> None:
    for _turn in range(rng.choice((1, 1, 4, 32))):
        if data:
            data[_place(data, rng)] ^= 1 << rng.randrange(8)


def _set_bytes(data: bytearray, _: list[bytes], rng: random.Random) -> None:
    at, length = _place(data, rng), rng.choice((1, 2, 4, 16))
    filling = rng.choice((b"\x00", b"\xff", b" ", bytes([rng.randrange(256)])))
    data[at : at + length] = filling * min(length, len(data) - at)


def _set_number(data: bytearray, _: list[bytes], rng: random.Random) -> None:
    """A whole number of 1 to 8 bytes, or a float, where a length or a size may stand."""
    import struct

    at = _place(data, rng) & ~1
    width, order = rng.choice((1, 2, 4, 4, 8)), rng.choice(("little", "big"))
    if width >= 4 and rng.random() < 0.2:
        value = rng.choice((float("nan"), float("inf"), -1.0, 0.0, 1e30, 1e-30))
        packed = struct.pack(("<" if order == "little" else ">") + ("f" if width == 4 else "d"), value)
    else:
        packed = (rng.choice(_INTERESTING) % (1 << 8 * width)).to_bytes(width, order)  # type: ignore[arg-type]
    data[at : at + width] = packed[: len(data) - at]


def _set_text_number(data: bytearray, _: list[bytes], rng: random.Random) -> None:
    """Another number where one is written in letters: text headers, DICOM's decimal strings."""
    found = list(re.finditer(rb"-?\d+(\.\d+)?", bytes(data[:4000])))
    if found:
        match = rng.choice(found)
        data[match.start() : match.end()] = rng.choice(_NUMBERS)


def _cut_off(data: bytearray, _: list[bytes], rng: random.Random) -> None:
    del data[_place(data, rng) :]


def _lose_a_part(data: bytearray, _: list[bytes], rng: random.Random) -> None:
    at = _place(data, rng)
    del data[at : at + rng.choice((1, 2, 8, 100, 3000))]


def _repeat_a_part(data: bytearray, _: list[bytes], rng: random.Random) -> None:
    at, length = _place(data, rng), rng.choice((1, 4, 16, 200, 4000))
    part = bytes(data[at : at + length])
    data[at:at] = part * rng.choice((1, 1, 2, 50))


def _insert_noise(data: bytearray, _: list[bytes], rng: random.Random) -> None:
    at = _place(data, rng)
    data[at:at] = rng.randbytes(rng.choice((1, 2, 8, 64)))


def _splice(data: bytearray, seeds: list[bytes], rng: random.Random) -> None:
    """The head of one file and the tail of another."""
    other = rng.choice(seeds)
    if other:
        at = rng.randrange(len(other))
        data[_place(data, rng) :] = other[at : at + _LONGEST]


def _swap_parts(data: bytearray, _: list[bytes], rng: random.Random) -> None:
    one, other, length = _place(data, rng), _place(data, rng), rng.choice((2, 8, 64))
    first, second = sorted((one, other))
    if second + length <= len(data) and first + length <= second:
        data[first : first + length], data[second : second + length] = (
            data[second : second + length],
            data[first : first + length],
        )


_CHANGES: tuple[Change, ...] = (
    _flip_bits,
    _flip_bits,
    _set_bytes,
    _set_number,
    _set_number,
    _set_text_number,
    _cut_off,
    _lose_a_part,
    _repeat_a_part,
    _insert_noise,
    _splice,
    _swap_parts,
)
