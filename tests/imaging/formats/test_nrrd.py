"""What NRRD headers may say: spaces, units, packings, kinds, diffusion weighting."""

from __future__ import annotations

import bz2
import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK

from viewer.foundation.errors import ReadError
from viewer.imaging.reading import inspect_path, read_image

sitk: Any = SimpleITK
VOXELS = np.arange(60, dtype=np.int16).reshape(3, 4, 5)
DIRECTIONS = "(0,2,0) (-1.5,0,0) (0,0,3)"


def written(path: Path, data: bytes | None = None, *, cut: str = "", **fields: str) -> Path:
    """A NRRD file; keywords are fields, underscores are blanks, None leaves one out."""
    facts: dict[str, str | None] = {
        "type": "short",
        "dimension": "3",
        "space": "left-posterior-superior",
        "sizes": "5 4 3",
        "space directions": DIRECTIONS,
        "space origin": "(10,-20,30)",
        "kinds": "domain domain domain",
        "endian": "little",
        "encoding": "raw",
    }
    facts |= {key.replace("_", " "): value for key, value in fields.items()}
    lines = [f"{key}: {value}" for key, value in facts.items() if value is not None]
    head = "NRRD0005\n# made for a test\n" + "\n".join(lines) + "\n" + cut + "\n"
    path.write_bytes(head.encode() + (VOXELS.tobytes() if data is None else data))
    return path


def same_as_simpleitk(path: Path) -> None:
    image, other = read_image(path), sitk.ReadImage(str(path))
    np.testing.assert_array_equal(image.voxels, sitk.GetArrayFromImage(other))
    for voxel in ((0, 0, 0), (2, 3, 4), (1, 0, 2)):
        np.testing.assert_allclose(
            image.geometry.to_patient(np.asarray(voxel, dtype=float)),
            other.TransformIndexToPhysicalPoint(voxel[::-1]),
            atol=1e-6,
        )


@pytest.mark.parametrize(
    "space",
    ["left-posterior-superior", "right-anterior-superior", "left-anterior-superior", "RAS", "LAS", "LPS"],
)
def test_every_named_space_lies_where_simpleitk_puts_it(tmp_path: Path, space: str) -> None:
    path = written(tmp_path / "a.nrrd", space=space)
    same_as_simpleitk(path)
    assert read_image(path).geometry.oriented


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(VOXELS.tobytes(), mtime=0)),
        ("gz", gzip.compress(VOXELS.tobytes()[:50], mtime=0) + gzip.compress(VOXELS.tobytes()[50:], mtime=0)),
        ("bzip2", bz2.compress(VOXELS.tobytes())),
        ("hex", VOXELS.tobytes().hex().encode()),
        ("ascii", " ".join(map(str, VOXELS.ravel())).encode()),
        ("txt", ",\n".join(map(str, VOXELS.ravel())).encode()),
    ],
)
def test_every_packing_gives_the_same_voxels(tmp_path: Path, encoding: str, packed: bytes) -> None:
    image = read_image(written(tmp_path / "a.nrrd", packed, encoding=encoding))
    np.testing.assert_array_equal(image.voxels, VOXELS)
    assert image.voxels.dtype == np.dtype(np.int16)


def test_big_endian_is_turned_and_a_missing_order_is_said(tmp_path: Path) -> None:
    image = read_image(written(tmp_path / "a.nrrd", VOXELS.astype(">i2").tobytes(), endian="big"))
    np.testing.assert_array_equal(image.voxels, VOXELS)
    assert image.voxels.dtype.isnative
    image = read_image(written(tmp_path / "b.nrrd", endian=None))  # type: ignore[arg-type]
    assert "byte-order" in [d.code for d in image.diagnoses]


def test_micrometres_become_millimetres(tmp_path: Path) -> None:
    image = read_image(written(tmp_path / "a.nrrd", space_units='"um" "um" "um"'))
    assert image.geometry.spacing_mm == pytest.approx((0.003, 0.0015, 0.002))
    np.testing.assert_allclose(image.geometry.to_patient(np.zeros(3)), (0.01, -0.02, 0.03))


def test_a_measurement_frame_moves_no_voxel(tmp_path: Path) -> None:
    plain = read_image(written(tmp_path / "a.nrrd"))
    framed = read_image(written(tmp_path / "b.nrrd", measurement_frame="(0,1,0) (1,0,0) (0,0,-1)"))
    np.testing.assert_array_equal(plain.geometry.affine_lps, framed.geometry.affine_lps)


@pytest.mark.parametrize("skip", [{"line_skip": "2"}, {"byte_skip": "9"}, {"byte_skip": "-1"}])
def test_what_stands_before_the_voxels_is_skipped(tmp_path: Path, skip: dict[str, str]) -> None:
    path = written(
        tmp_path / "a.nrrd", b"two\nlines" + b"\n" * ("line_skip" in skip) + VOXELS.tobytes(), **skip
    )
    np.testing.assert_array_equal(read_image(path).voxels, VOXELS)


def weighted(path: Path, *, first: bool) -> tuple[Path, np.ndarray[Any, Any]]:
    """Four volumes (b 0, 1000, 1000, 500) along the first or the last axis of the file."""
    volumes = np.stack([VOXELS + 100 * k for k in range(4)])
    gradients = ["0 0 0", "1 0 0", "0 1 0", "0 0 0.70710678"]
    lines = ["modality:=DWMRI", "DWMRI_b-value:=1000"]
    lines += [f"DWMRI_gradient_{k:04d}:={text}" for k, text in enumerate(gradients)]
    data = np.moveaxis(volumes, 0, -1) if first else volumes
    order = (lambda own, rest: f"{own} {rest}") if first else (lambda own, rest: f"{rest} {own}")
    return written(
        path,
        np.ascontiguousarray(data).tobytes(),
        cut="\n".join(lines) + "\n",
        dimension="4",
        sizes=order("4", "5 4 3"),
        kinds=order("list", "domain domain domain"),
        space_directions=order("none", DIRECTIONS),
    ), volumes


@pytest.mark.parametrize("first", [True, False])
def test_diffusion_volumes_are_named_and_the_highest_b_is_shown(tmp_path: Path, first: bool) -> None:
    path, volumes = weighted(tmp_path / "dwi.nrrd", first=first)
    (info,) = inspect_path(path).series
    labels = [volume.label for volume in info.volumes]
    assert labels == ["b 0", "b 1000, direction 1", "b 1000, direction 2", "b 500"]
    assert info.b_values == pytest.approx((0, 500, 1000))
    assert (info.volume, info.shape, info.frames, info.modality) == (1, (3, 4, 5), 12, "MR")
    image = read_image(path)
    np.testing.assert_array_equal(image.voxels, volumes[1])
    assert (image.b_value, image.sequence, image.volume) == (pytest.approx(1000), "DWI", 1)
    assert "3 of 12 images are shown: volume 2 of 4" in image.diagnoses[-1].sentence
    for number in range(4):
        np.testing.assert_array_equal(read_image(path, volume=number).voxels, volumes[number])


def test_colours_vectors_and_complex_numbers(tmp_path: Path) -> None:
    rgb = np.arange(180, dtype=np.uint8)
    shaped = {"dimension": "4", "sizes": "3 5 4 3", "space_directions": f"none {DIRECTIONS}"}
    image = read_image(
        written(
            tmp_path / "c.nrrd", rgb.tobytes(), type="uchar", kinds="RGB-color domain domain domain", **shaped
        )
    )
    np.testing.assert_array_equal(image.voxels, rgb.reshape(3, 4, 5, 3))
    vector = np.arange(180, dtype="<f4")
    path = written(
        tmp_path / "v.nrrd", vector.tobytes(), type="float", kinds="vector domain domain domain", **shaped
    )
    assert [v.label for v in inspect_path(path).series[0].volumes] == [f"component {k}" for k in (1, 2, 3)]
    np.testing.assert_array_equal(read_image(path, volume=2).voxels, vector.reshape(3, 4, 5, 3)[..., 2])
    wave = (VOXELS * (3 + 4j)).astype("<c8")
    image = read_image(
        written(
            tmp_path / "z.nrrd",
            wave.tobytes(),
            type="float",
            dimension="4",
            sizes="2 5 4 3",
            kinds="complex domain domain domain",
            space_directions=f"none {DIRECTIONS}",
        )
    )
    np.testing.assert_allclose(image.voxels, VOXELS * 5.0)
    assert "complex-voxels" in [d.code for d in image.diagnoses]


def test_a_single_slice_in_space_keeps_its_side(tmp_path: Path) -> None:
    path = written(
        tmp_path / "a.nrrd",
        VOXELS[0].tobytes(),
        dimension="2",
        sizes="5 4",
        kinds="domain domain",
        space_directions="(2,0,0) (0,3,0)",
    )
    image = read_image(path)
    assert image.geometry.oriented
    assert image.geometry.spacing_mm == pytest.approx((1, 3, 2))
    np.testing.assert_allclose(image.geometry.to_patient(np.array([0.0, 1, 1])), (12, -17, 30))


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"data_file": "LIST"}, "data-list"),
        ({"data_file": "slice%03d.raw 1 3 1"}, "data-list"),
        ({"data_file": "../a.raw"}, "outside-path"),
        ({"data_file": "gone.raw"}, "no-voxels"),
        ({"encoding": "lzma"}, "bad-header"),
        ({"type": "block"}, "bad-header"),
        ({"byte_skip": "-7"}, "bad-header"),
        ({"sizes": "50000 40000 30"}, "over-budget"),
        ({"sizes": "5 4 4"}, "truncated"),
        ({"encoding": "gzip", "sizes": "500 400 30"}, "truncated"),
        ({"encoding": "ascii"}, "bad-header"),
        (
            {"dimension": "4", "sizes": "5 4 3 1", "space_directions": "(1,0,0) none (0,1,0) (0,0,1)"},
            "bad-header",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(tmp_path: Path, fields: dict[str, str], code: str) -> None:
    with pytest.raises(ReadError, match=r"a\.nrrd") as caught:
        read_image(written(tmp_path / "a.nrrd", **fields))
    assert caught.value.code == code


@pytest.mark.parametrize("first", ["(nan,0,0)", "(0,0,0)", "(0,1,0)", "(inf,0,0)"])
def test_impossible_directions_cost_the_side_and_are_said(tmp_path: Path, first: str) -> None:
    image = read_image(written(tmp_path / "a.nrrd", space_directions=f"{first} (0,1,0) (0,0,1)"))
    np.testing.assert_array_equal(image.voxels, VOXELS)
    assert not image.geometry.oriented
    assert "no-orientation" in [d.code for d in image.diagnoses]


def test_a_slice_of_which_one_direction_is_missing_has_no_side(tmp_path: Path) -> None:
    """Found by mutating headers: an axis of space by its kind, without a direction."""
    path = written(
        tmp_path / "a.nrrd",
        VOXELS[0].tobytes(),
        dimension="2",
        sizes="5 4",
        kinds="domain domain",
        space_directions="(2,0,0) (0,0,0)",
    )
    assert not read_image(path).geometry.oriented
