"""What MetaImage headers may say, against SimpleITK."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK

from viewer.foundation.errors import ReadError
from viewer.imaging.reading import inspect_path, read_image

sitk: Any = SimpleITK
VOXELS = np.arange(60, dtype=np.int16).reshape(3, 4, 5)


def written(path: Path, data: bytes | None = None, **fields: str | None) -> Path:
    """An MHA file; keywords are fields, None leaves one out."""
    facts: dict[str, str | None] = {
        "ObjectType": "Image",
        "NDims": "3",
        "BinaryData": "True",
        "BinaryDataByteOrderMSB": "False",
        "TransformMatrix": "0 1 0 -1 0 0 0 0 1",
        "Offset": "10 -20 30",
        "ElementSpacing": "1.5 2 3",
        "DimSize": "5 4 3",
        "ElementType": "MET_SHORT",
        **fields,
    }
    name = facts.pop("ElementDataFile", "LOCAL")
    lines = [
        f"{key} = {value}" for key, value in (*facts.items(), ("ElementDataFile", name)) if value is not None
    ]
    path.write_bytes(("\n".join(lines) + "\n").encode() + (VOXELS.tobytes() if data is None else data))
    return path


def codes(path: Path) -> list[str]:
    return [d.code for d in read_image(path).diagnoses]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"Offset": None, "Position": "1 2 3"},
        {"TransformMatrix": None, "Rotation": "-1 0 0 0 -1 0 0 0 1"},
        {"ElementSpacing": None, "ElementSize": "4 5 6"},
        {"TransformMatrix": "0.8 0.6 0 -0.6 0.8 0 0 0 1", "CenterOfRotation": "5 6 7"},
        {"AnatomicalOrientation": "RAI"},
    ],
)
def test_the_place_is_that_of_simpleitk(tmp_path: Path, fields: dict[str, str]) -> None:
    path = written(tmp_path / "a.mha", **fields)
    image, other = read_image(path), sitk.ReadImage(str(path))
    np.testing.assert_array_equal(image.voxels, sitk.GetArrayFromImage(other))
    assert image.geometry.oriented
    for voxel in ((0, 0, 0), (2, 3, 4), (1, 0, 2)):
        np.testing.assert_allclose(
            image.geometry.to_patient(np.asarray(voxel, dtype=float)),
            other.TransformIndexToPhysicalPoint(voxel[::-1]),
        )


@pytest.mark.parametrize(
    "kind", ["CHAR", "UCHAR", "SHORT", "USHORT", "INT", "UINT", "LONG", "FLOAT", "DOUBLE"]
)
def test_types_are_those_of_simpleitk(tmp_path: Path, kind: str) -> None:
    raw = bytes(range(1, 61)) * 8
    path = written(tmp_path / "a.mha", raw, ElementType=f"MET_{kind}")
    image, other = read_image(path), sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
    assert image.voxels.dtype == other.dtype
    np.testing.assert_array_equal(image.voxels, other)


def test_packed_big_endian_and_text(tmp_path: Path) -> None:
    packed = zlib.compress(VOXELS.astype(">i2").tobytes())
    path = written(
        tmp_path / "a.mha",
        packed,
        CompressedData="True",
        CompressedDataSize=str(len(packed)),
        BinaryDataByteOrderMSB="True",
    )
    np.testing.assert_array_equal(read_image(path).voxels, VOXELS)
    path = written(tmp_path / "b.mha", " ".join(map(str, VOXELS.ravel())).encode(), BinaryData="False")
    np.testing.assert_array_equal(read_image(path).voxels, VOXELS)


@pytest.mark.parametrize("size", ["7", "-1"])
def test_a_header_before_the_voxels_is_skipped(tmp_path: Path, size: str) -> None:
    (tmp_path / "a.raw").write_bytes(b"seven!!" + VOXELS.tobytes())
    path = written(tmp_path / "a.mhd", b"", HeaderSize=size, ElementDataFile="a.raw")
    np.testing.assert_array_equal(read_image(path).voxels, VOXELS)


def test_channels_and_volumes(tmp_path: Path) -> None:
    colour = np.arange(180, dtype=np.uint8)
    path = written(
        tmp_path / "c.mha", colour.tobytes(), ElementType="MET_UCHAR_ARRAY", ElementNumberOfChannels="3"
    )
    np.testing.assert_array_equal(read_image(path).voxels, colour.reshape(3, 4, 5, 3))
    two = np.arange(120, dtype=np.int16)
    path = written(tmp_path / "d.mha", two.tobytes(), ElementNumberOfChannels="2")
    np.testing.assert_array_equal(read_image(path).voxels, two.reshape(3, 4, 5, 2)[..., 0])
    assert "several-channels" in codes(path)
    path = written(
        tmp_path / "e.mha",
        two.tobytes(),
        NDims="4",
        DimSize="5 4 3 2",
        TransformMatrix="0 1 0 0 -1 0 0 0 0 0 1 0 0 0 0 1",
        Offset="10 -20 30 0",
        ElementSpacing="1.5 2 3 1",
    )
    assert [v.label for v in inspect_path(path).series[0].volumes] == ["time 1", "time 2"]
    np.testing.assert_array_equal(read_image(path, volume=1).voxels, two.reshape(2, 3, 4, 5)[1])
    np.testing.assert_allclose(read_image(path).geometry.to_patient(np.array([1.0, 1, 1])), (8, -18.5, 33))


def test_contradictions_are_said(tmp_path: Path) -> None:
    assert codes(written(tmp_path / "a.mha", AnatomicalOrientation="SPL")) == ["orientation-conflict"]
    assert codes(written(tmp_path / "b.mha", AnatomicalOrientation="ALI")) == []
    assert codes(written(tmp_path / "c.mha", CenterOfRotation="1 2 3")) == ["centre-of-rotation"]
    assert "no-orientation" in codes(written(tmp_path / "d.mha", TransformMatrix="1 0 0 1 0 0 0 0 1"))
    assert "no-spacing" in codes(written(tmp_path / "e.mha", ElementSpacing="1 0 1"))


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"ElementDataFile": "LIST 2D"}, "data-list"),
        ({"ElementDataFile": "s%03d.raw 1 3 1"}, "data-list"),
        ({"ElementDataFile": "sub/a.raw"}, "outside-path"),
        ({"ElementNumberOfChannels": "0"}, "bad-header"),
        ({"NDims": "9"}, "bad-header"),
        ({"DimSize": "5 4 4"}, "truncated"),
        ({"CompressedData": "True"}, "truncated"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(tmp_path: Path, fields: dict[str, str], code: str) -> None:
    with pytest.raises(ReadError, match=r"a\.mha") as caught:
        read_image(written(tmp_path / "a.mha", **fields))
    assert caught.value.code == code
