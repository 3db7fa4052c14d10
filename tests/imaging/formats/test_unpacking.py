"""Packed streams: unpacked in pieces, and gone on with from a bookmark."""

from __future__ import annotations

import bz2
import gzip
import io
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from viewer.imaging.file_stamp import stamp_of
from viewer.imaging.formats import unpacking, voxel_block
from viewer.imaging.formats.unpacking import PIECE, UnpackedPieces
from viewer.imaging.formats.voxel_block import VoxelBlock

CONTENT = np.random.default_rng(0).integers(0, 50, 3 * PIECE, dtype=np.uint8).tobytes()
PACKED = {
    "gzip": gzip.compress(CONTENT, 1),
    "zlib": zlib.compress(CONTENT, 1),
    "bzip2": bz2.compress(CONTENT),
}


@pytest.mark.parametrize("packing", PACKED)
def test_the_pieces_are_the_content(packing: str) -> None:
    pieces = list(UnpackedPieces(io.BytesIO(PACKED[packing]), packing))
    assert b"".join(pieces) == CONTENT
    assert max(map(len, pieces)) <= PIECE


def test_streams_that_follow_one_another_count_as_one() -> None:
    both = gzip.compress(CONTENT[:1000]) + gzip.compress(CONTENT[1000:5000]) + b"something else"
    assert b"".join(UnpackedPieces(io.BytesIO(both), "gzip")) == CONTENT[:5000]


@pytest.mark.parametrize("packing", ["gzip", "zlib"])
@given(place=st.integers(0, 3))
def test_from_a_bookmark_it_goes_on_as_if_nothing_had_happened(packing: str, place: int) -> None:
    stream = io.BytesIO(b"another header" + PACKED[packing])
    stream.seek(14)
    pieces = UnpackedPieces(stream, packing)
    before = b"".join(next(pieces) for _ in range(min(place, 2)))
    mark = pieces.bookmark()
    assert mark is not None
    assert mark.unpacked == len(before)
    for _ in range(2):  # a bookmark is not used up
        again = UnpackedPieces(io.BytesIO(stream.getvalue()), packing, mark)
        assert before + b"".join(again) == CONTENT
        assert again.unpacked == len(CONTENT)


def test_bzip2_and_an_ended_stream_keep_no_place() -> None:
    assert UnpackedPieces(io.BytesIO(PACKED["bzip2"]), "bzip2").bookmark() is None
    pieces = UnpackedPieces(io.BytesIO(gzip.compress(b"short")), "gzip")
    list(pieces)
    assert pieces.bookmark() is None


def test_a_volume_is_not_unpacked_from_the_start_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "PIECE", 1 << 12)
    monkeypatch.setattr(unpacking, "_INPUT", 1 << 10)
    volumes = np.random.default_rng(1).integers(0, 1000, (40, 5000)).astype("<i2")
    path = tmp_path / "voxels.gz"
    path.write_bytes(gzip.compress(b"skipped!" + volumes.tobytes(), 1))
    block = VoxelBlock(path, volumes.dtype, 5000, 40, skip=8, packing="gzip", stamp=stamp_of(path))
    np.testing.assert_array_equal(next(block.read(39)), volumes[39])
    assert 20 < len(block.bookmarks) <= 40
    passed: list[int] = []
    real = UnpackedPieces.__next__

    def counted(self: UnpackedPieces) -> bytes:
        piece = real(self)
        passed.append(len(piece))
        return piece

    monkeypatch.setattr(UnpackedPieces, "__next__", counted)
    for volume in (35, 0, 20, 39, 7):
        passed.clear()
        np.testing.assert_array_equal(next(block.read(volume)), volumes[volume])
        assert sum(passed) < 4 * volumes[0].nbytes
    np.testing.assert_array_equal(block.read_part(20, 17, 30), volumes[20][17:47])
    assert len(block.bookmarks) <= 40


def test_a_few_marks_are_enough_for_many_volumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voxel_block, "_MARKS", 4)
    monkeypatch.setattr(unpacking, "PIECE", 1 << 10)
    volumes = np.arange(30 * 1000, dtype="<i4").reshape(30, 1000)
    path = tmp_path / "voxels.gz"
    path.write_bytes(gzip.compress(volumes.tobytes(), 1))
    block = VoxelBlock(path, volumes.dtype, 1000, 30, packing="gzip", stamp=stamp_of(path))
    for volume in (29, 3, 17):
        np.testing.assert_array_equal(next(block.read(volume)), volumes[volume])
    assert 0 < len(block.bookmarks) <= 4
