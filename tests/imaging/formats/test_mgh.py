"""MGH and MGZ against nibabel."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from viewer.foundation.errors import ReadError
from viewer.imaging.reading import inspect_path, read_image

nib: Any = nibabel
AFFINE = np.array([[-1.0, 0.1, 0, 40], [0, 0.2, 2.0, -30], [0.1, -1.5, 0.1, 12], [0, 0, 0, 1]])


@pytest.mark.parametrize("name", ["a.mgh", "a.mgz"])
@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.int32, np.float32])
def test_voxels_and_place_are_those_of_nibabel(tmp_path: Path, name: str, kind: type) -> None:
    data = np.arange(60).reshape(5, 4, 3).astype(kind)
    nib.save(nib.MGHImage(data, AFFINE), tmp_path / name)
    raw = (tmp_path / name).read_bytes()
    image, other = (
        read_image(tmp_path / name),
        nib.MGHImage.from_bytes(gzip.decompress(raw) if name == "a.mgz" else raw),
    )
    np.testing.assert_array_equal(image.voxels, np.asarray(other.dataobj).T)
    assert image.voxels.dtype == np.dtype(kind)
    np.testing.assert_allclose(image.geometry.affine_ras, other.affine, atol=1e-4)
    assert [d.code for d in image.diagnoses] == []


def test_several_volumes_and_an_unknown_side(tmp_path: Path) -> None:
    data = np.arange(120, dtype=np.float32).reshape(5, 4, 3, 2)
    nib.save(nib.MGHImage(data, AFFINE), tmp_path / "a.mgz")
    assert len(inspect_path(tmp_path / "a.mgz").series[0].volumes) == 2
    np.testing.assert_array_equal(read_image(tmp_path / "a.mgz", volume=1).voxels, data[..., 1].T)
    nib.save(nib.MGHImage(data[..., 0], AFFINE), tmp_path / "b.mgh")
    raw = bytearray((tmp_path / "b.mgh").read_bytes())
    raw[28:30] = struct.pack(">h", 0)
    (tmp_path / "b.mgh").write_bytes(raw)
    image = read_image(tmp_path / "b.mgh")
    assert not image.geometry.oriented
    assert "no-orientation" in [d.code for d in image.diagnoses]


def test_a_cut_off_file_is_refused(tmp_path: Path) -> None:
    nib.save(nib.MGHImage(np.zeros((5, 4, 3), np.int16), AFFINE), tmp_path / "a.mgh")
    (tmp_path / "a.mgh").write_bytes((tmp_path / "a.mgh").read_bytes()[:350])
    with pytest.raises(ReadError, match=r"a\.mgh' is cut short") as caught:
        read_image(tmp_path / "a.mgh")
    assert caught.value.code == "truncated"
