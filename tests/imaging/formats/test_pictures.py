"""Pictures in all their modes."""

from __future__ import annotations

import struct
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from viewer.foundation.errors import ReadError
from viewer.imaging.budget import MemoryBudget
from viewer.imaging.contents import Contents
from viewer.imaging.formats import pictures
from viewer.imaging.reading import inspect_path, read_image

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


def test_a_name_is_looked_for_in_the_folder_of_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker that decodes stays in the folder in which it was started."""
    for name, picture in (("one", GREY), ("two", GREY[::-1])):
        (tmp_path / name).mkdir()
        Image.fromarray(picture).save(tmp_path / name / "g.png")
        monkeypatch.chdir(tmp_path / name)
        np.testing.assert_array_equal(read_image("g.png").voxels[0], picture)


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


def png(head: bytes, rows: bytes) -> bytes:
    """A PNG from its header chunk and its unpacked rows."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def bomb(path: Path) -> Path:
    """A PNG of some dozen bytes that announces 60,000 x 60,000 pixels."""
    path.write_bytes(png(struct.pack(">IIBBBBB", 60000, 60000, 8, 0, 0, 0, 0), b""))
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


# --- more formats, more pages -----------------------------------------------------------------------------------------

DEEP = (np.arange(30, dtype=np.uint16) * 2000).reshape(5, 6)


def codes(path: Path) -> list[str]:
    return [d.code for d in read_image(path).diagnoses]


@pytest.mark.parametrize("name", ["a.tif", "a.bmp", "a.png", "a.gif", "a.webp"])
def test_every_format_without_loss_keeps_grey_values(tmp_path: Path, name: str) -> None:
    Image.fromarray(GREY).save(tmp_path / name, **({"lossless": True} if name.endswith("webp") else {}))
    voxels = read_image(tmp_path / name).voxels[0]
    np.testing.assert_array_equal(voxels if voxels.ndim == 2 else voxels[..., 0], GREY)


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"])
@pytest.mark.parametrize(
    "values",
    [GREY, COLOUR, DEEP, DEEP.astype(np.int32) - 9000, DEEP.astype(np.float32) / 7],
    ids=["u1", "rgb", "u2", "i4", "f4"],
)
def test_tiff_keeps_type_and_values(tmp_path: Path, values: np.ndarray, compression: str) -> None:
    Image.fromarray(values).save(tmp_path / "a.tif", compression=compression, dpi=(300, 300))
    image = read_image(tmp_path / "a.tif")
    np.testing.assert_array_equal(image.voxels[0], values)
    assert image.voxels.dtype == values.dtype
    # Dots per inch are a wish of a printer.
    assert image.geometry.spacing_mm == (1, 1, 1)
    assert "no-spacing" in codes(tmp_path / "a.tif")


def test_equal_pages_are_a_stack_and_others_are_left_out(tmp_path: Path) -> None:
    pages = [Image.fromarray((GREY + k).astype(np.uint8)) for k in range(4)]
    pages.insert(2, Image.new("L", (3, 3)))
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    (info,) = inspect_path(tmp_path / "a.tif").series
    assert (info.shape, info.frames) == ((4, 5, 6), 4)
    assert "1 of 5 pages" in next(d.sentence for d in info.diagnoses if d.code == "left-out")
    image = read_image(tmp_path / "a.tif")
    np.testing.assert_array_equal(image.voxels, np.stack([GREY + k for k in range(4)]))
    glance = Contents.of(tmp_path / "a.tif").peek("s1")
    np.testing.assert_array_equal(glance.voxels[0], GREY + 2)


def test_a_tiff_in_which_white_is_zero_is_shown_inverted(tmp_path: Path) -> None:
    Image.fromarray(DEEP).save(tmp_path / "a.tif", tiffinfo={262: 0})
    image = read_image(tmp_path / "a.tif")
    assert image.intensity.photometric == "MONOCHROME1"
    np.testing.assert_array_equal(image.voxels[0], DEEP)


@pytest.mark.parametrize("turn", range(1, 9))
def test_all_eight_turns_are_those_of_pillow(tmp_path: Path, turn: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = turn
    Image.fromarray(COLOUR).save(tmp_path / "e.png", exif=exif)
    with Image.open(tmp_path / "e.png") as picture:
        expected = np.asarray(ImageOps.exif_transpose(picture))
    image = read_image(tmp_path / "e.png")
    np.testing.assert_array_equal(image.voxels[0], expected)
    assert inspect_path(tmp_path / "e.png").series[0].shape == (1, *expected.shape[:2])
    assert ("turned" in codes(tmp_path / "e.png")) == (turn != 1)


def test_printers_colours_become_red_green_blue(tmp_path: Path) -> None:
    Image.fromarray(COLOUR).convert("CMYK").save(tmp_path / "a.jpg", quality=100)
    assert np.abs(read_image(tmp_path / "a.jpg").voxels[0].astype(int) - COLOUR).mean() < 12


def test_deep_colours_are_reduced_and_that_is_said(tmp_path: Path) -> None:
    rows = b"".join(b"\0" + (np.arange(18, dtype=">u2") * 3000 + row).tobytes() for row in range(5))
    head = struct.pack(">IIBBBBB", 6, 5, 16, 2, 0, 0, 0)
    (tmp_path / "a.png").write_bytes(png(head, rows))
    image = read_image(tmp_path / "a.png")
    assert (image.voxels.shape, image.voxels.dtype) == ((1, 5, 6, 3), np.uint8)
    assert "reduced" in codes(tmp_path / "a.png")


def test_interlaced_rows_come_in_order(tmp_path: Path) -> None:
    passes = (
        (0, 0, 8, 8),
        (0, 4, 8, 8),
        (4, 0, 8, 4),
        (0, 2, 4, 4),
        (2, 0, 4, 2),
        (0, 1, 2, 2),
        (1, 0, 2, 1),
    )
    rows = b"".join(
        b"\0" + row.tobytes()
        for top, left, down, across in passes
        for row in GREY[top::down, left::across]
        if row.size
    )
    (tmp_path / "a.png").write_bytes(png(struct.pack(">IIBBBBB", 6, 5, 8, 0, 0, 0, 1), rows))
    np.testing.assert_array_equal(read_image(tmp_path / "a.png").voxels[0], GREY)


def test_a_palette_with_a_transparent_colour(tmp_path: Path) -> None:
    picture = Image.fromarray(COLOUR).quantize(16)
    picture.save(tmp_path / "p.png", transparency=3)
    assert "transparent" in codes(tmp_path / "p.png")
    np.testing.assert_array_equal(
        read_image(tmp_path / "p.png").voxels[0], np.asarray(picture.convert("RGB"))
    )


@pytest.mark.parametrize("name", ["a.tif", "a.bmp", "a.gif", "a.webp"])
def test_cut_off_pictures_of_any_format_are_refused(tmp_path: Path, name: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (80, 80)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / name)
    whole = (tmp_path / name).read_bytes()
    for share in (0.1, 0.5, 0.9):
        (tmp_path / name).write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(ReadError) as caught:
            read_image(tmp_path / name)
        assert caught.value.code in ("truncated", "not-decodable", "not-an-image")


def test_a_stack_beyond_the_budget_is_refused_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "BUDGET", MemoryBudget(100))
    Image.fromarray(GREY).save(tmp_path / "a.tif", save_all=True, append_images=[Image.fromarray(GREY)] * 4)
    with pytest.raises(ReadError, match="more than the") as caught:
        read_image(tmp_path / "a.tif")
    assert caught.value.code == "over-budget"


def test_a_picture_replaced_while_it_is_open_is_not_misread(tmp_path: Path) -> None:
    Image.fromarray(GREY).save(tmp_path / "a.png")
    contents = Contents.of(tmp_path / "a.png")
    Image.fromarray(COLOUR).save(tmp_path / "a.png")
    with pytest.raises(ReadError, match="changed since it was opened") as caught:
        contents.load()
    assert caught.value.code == "changed"


def test_pillow_stays_out_of_this_process() -> None:
    code = (
        "import sys; from viewer.imaging.reading import read_image; image = read_image(sys.argv[1]); "
        "assert image.voxels.shape == (1, 5, 6); assert 'PIL' not in sys.modules and 'SimpleITK' not in sys.modules"
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.png"
        Image.fromarray(GREY).save(path)
        subprocess.run([sys.executable, "-c", code, str(path)], check=True)
