"""PNG and JPEG in all their modes."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from viewer.foundation.errors import ReadError
from viewer.imaging.reading import read_image

GREY = np.arange(30, dtype=np.uint8).reshape(5, 6) * 8
COLOUR = np.stack([GREY, GREY[::-1], 255 - GREY], axis=-1)


def test_grey_and_colour_keep_their_values(tmp_path: Path) -> None:
    Image.fromarray(GREY).save(tmp_path / "g.png")
    Image.fromarray(COLOUR).save(tmp_path / "c.png")
    grey, colour = read_image(tmp_path / "g.png"), read_image(tmp_path / "c.png")
    np.testing.assert_array_equal(grey.voxels, GREY[np.newaxis])
    np.testing.assert_array_equal(colour.voxels, COLOUR[np.newaxis])
    assert (grey.intensity.photometric, colour.intensity.photometric) == ("MONOCHROME2", "RGB")
    assert grey.modality == ""
    assert not grey.geometry.oriented
    assert [d.code for d in grey.diagnoses] == ["no-spacing", "no-orientation"]


def test_sixteen_bits_stay_sixteen_bits(tmp_path: Path) -> None:
    deep = (np.arange(30, dtype=np.uint16) * 2000).reshape(5, 6)
    Image.fromarray(deep).save(tmp_path / "d.png")
    image = read_image(tmp_path / "d.png")
    assert image.voxels.dtype == np.uint16
    np.testing.assert_array_equal(image.voxels[0], deep)


def test_palette_transparency_and_one_bit(tmp_path: Path) -> None:
    Image.fromarray(COLOUR).quantize(256).save(tmp_path / "p.png")
    assert np.abs(read_image(tmp_path / "p.png").voxels[0].astype(int) - COLOUR).max() < 40
    Image.fromarray(np.dstack([COLOUR, np.full_like(GREY, 9)])).save(tmp_path / "t.png")
    image = read_image(tmp_path / "t.png")
    np.testing.assert_array_equal(image.voxels[0], COLOUR)
    assert "transparent" in [d.code for d in image.diagnoses]
    Image.fromarray(np.dstack([GREY, np.full_like(GREY, 255)])).save(tmp_path / "la.png")
    np.testing.assert_array_equal(read_image(tmp_path / "la.png").voxels[0], GREY)
    Image.fromarray(GREY > 100).save(tmp_path / "b.png")
    np.testing.assert_array_equal(read_image(tmp_path / "b.png").voxels[0], (GREY > 100) * 255)
    indexed = Image.fromarray(GREY)
    indexed.putpalette([shade for shade in range(256) for _ in range(3)])
    indexed.save(tmp_path / "gp.png")
    np.testing.assert_array_equal(read_image(tmp_path / "gp.png").voxels[0], GREY)


def test_a_camera_picture_is_turned_as_it_asks(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(GREY).save(tmp_path / "e.png", exif=exif)
    image = read_image(tmp_path / "e.png")
    np.testing.assert_array_equal(image.voxels[0], np.rot90(GREY, -1))
    assert "turned" in [d.code for d in image.diagnoses]


def test_real_x_rays_open(shared_data: Path) -> None:
    paths = sorted((shared_data / "cov_x_ccby/images").iterdir())
    assert len(paths) == 15
    for path in paths:
        image = read_image(path)
        with Image.open(path) as picture:
            assert image.voxels.shape[1:3] == picture.size[::-1]
        assert image.plane.name == "image"
        assert image.grey(image.plane.picture(image.voxels, 0)).ndim == 2


def bomb(path: Path) -> Path:
    """A PNG of some dozen bytes that announces 60,000 x 60,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 60000, 60000, 8, 0, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    )
    return path


def test_a_bomb_is_refused_before_it_grows(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="more pixels than are allowed") as caught:
        read_image(bomb(tmp_path / "b.png"))
    assert caught.value.code == "over-budget"


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_a_cut_off_picture_is_refused(tmp_path: Path, name: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (80, 80)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / name)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ReadError, match="cut-off or damaged") as caught:
        read_image(tmp_path / name)
    assert caught.value.code == "truncated"
