"""NRRD and MetaImage: equal to SimpleITK where it is right, refused where it would follow or invent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK

from viewer.foundation.errors import ReadError
from viewer.imaging.image import MedicalImage
from viewer.imaging.reading import inspect_path, read_image

sitk: Any = SimpleITK
VOXELS = np.arange(60, dtype=np.int16).reshape(3, 4, 5)


def written(path: Path, voxels: Any = VOXELS, *, compressed: bool = False) -> Path:
    image = sitk.GetImageFromArray(voxels, isVector=voxels.ndim == 4 and voxels.shape[-1] == 3)
    if image.GetDimension() == 3:
        image.SetSpacing((1.5, 2.0, 3.0))
        image.SetOrigin((10.0, -20.0, 30.0))
        image.SetDirection((0, 1, 0, -1, 0, 0, 0, 0, 1))
    sitk.WriteImage(image, str(path), compressed)
    return path


def codes(image: MedicalImage) -> list[str]:
    return [diagnosis.code for diagnosis in image.diagnoses]


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("name", ["a.nrrd", "a.nhdr", "a.mha", "a.mhd"])
def test_voxels_and_place_are_those_of_simpleitk(tmp_path: Path, name: str, compressed: bool) -> None:
    path = written(tmp_path / name, compressed=compressed)
    image = read_image(path)
    np.testing.assert_array_equal(image.voxels, VOXELS)
    assert image.voxels.dtype == np.int16
    other = sitk.ReadImage(str(path))
    for voxel in ((0, 0, 0), (2, 3, 4), (1, 0, 2)):
        np.testing.assert_allclose(
            image.geometry.to_patient(np.asarray(voxel, dtype=float)),
            other.TransformIndexToPhysicalPoint(voxel[::-1]),
        )
    assert image.diagnoses == ()
    # The voxel file of a detached header is no second image, and no fault of the folder.
    assert len(inspect_path(tmp_path).series) == 1
    assert inspect_path(tmp_path).unreadable == ()


def test_a_real_mha_and_nrrd(shared_data: Path) -> None:
    folder = shared_data / "niivue/packages/niivue/demos/images"
    for name in ("mha.mha", "FLAIR.nrrd"):
        image = read_image(folder / name)
        np.testing.assert_array_equal(
            image.voxels, sitk.GetArrayFromImage(sitk.ReadImage(str(folder / name)))
        )
        assert image.geometry.oriented


@pytest.mark.parametrize("name", ["../secret.raw", "/etc/hostname", "sub/secret.raw", "..\\secret.raw"])
@pytest.mark.parametrize("header", ["a.nhdr", "a.mhd"])
def test_voxels_outside_the_folder_are_refused(tmp_path: Path, header: str, name: str) -> None:
    inner = tmp_path / "inner"
    (inner / "sub").mkdir(parents=True)
    for place in (tmp_path, inner / "sub"):
        (place / "secret.raw").write_bytes(VOXELS.tobytes())
    path = written(inner / header)
    text = path.read_text()
    path.write_text(text.replace("a.raw", name))
    assert name in path.read_text()
    with pytest.raises(ReadError, match="outside its own folder, which is refused") as caught:
        read_image(path)
    assert caught.value.code == "outside-path"


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    path = written(inner / "a.mhd")
    (inner / "a.raw").rename(tmp_path / "secret.raw")
    (inner / "a.raw").symlink_to(tmp_path / "secret.raw")
    with pytest.raises(ReadError, match="outside its own folder"):
        read_image(path)


def test_a_missing_voxel_file_is_named(tmp_path: Path) -> None:
    path = written(tmp_path / "a.mhd")
    (tmp_path / "a.raw").unlink()
    with pytest.raises(ReadError, match=r"'a\.mhd' is a header without its voxel file 'a\.raw'"):
        read_image(path)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("name", ["a.nrrd", "a.mha"])
def test_a_cut_off_file_is_refused(
    tmp_path: Path, name: str, compressed: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    noise = np.random.default_rng(0).integers(0, 2000, (9, 20, 20)).astype(np.int16)
    path = written(tmp_path / name, noise, compressed=compressed)
    path.write_bytes(path.read_bytes()[:-1500])
    with pytest.raises(ReadError, match=name) as caught:
        read_image(path)
    assert caught.value.code == "truncated"
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("DimSize = 5 4 3", "DimSize = 50000 40000 30", "over-budget"),
        ("DimSize = 5 4 3", "DimSize = 5 4", "bad-header"),
        ("DimSize = 5 4 3", "DimSize = five", "bad-header"),
        ("MET_SHORT", "MET_TASTE", "bad-header"),
        ("ElementDataFile = a.raw", "ElementDataFile = LIST", "data-list"),
    ],
)
def test_headers_that_make_no_sense_are_refused(tmp_path: Path, old: str, new: str, code: str) -> None:
    path = written(tmp_path / "a.mhd")
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(ReadError, match="mhd") as caught:
        read_image(path)
    assert caught.value.code == code


def test_a_header_without_directions_has_no_side(tmp_path: Path) -> None:
    path = written(tmp_path / "a.mhd")
    kept = [
        line
        for line in path.read_text().splitlines()
        if not line.startswith(("TransformMatrix", "AnatomicalO"))
    ]
    path.write_text("\n".join(kept) + "\n")
    image = read_image(path)
    assert not image.geometry.oriented
    assert codes(image) == ["no-orientation"]
    assert image.geometry.spacing_mm == (3, 2, 1.5)


@pytest.mark.parametrize("space", ["", "space: scanner-xyz\n"])
def test_a_nrrd_without_an_anatomical_space_has_no_side(tmp_path: Path, space: str) -> None:
    directions = "space directions: (1,0,0) (0,1,0) (0,0,1)\n" if space else "spacings: 1.5 2 3\n"
    header = f"NRRD0004\ntype: short\ndimension: 3\n{space}sizes: 5 4 3\n{directions}endian: little\nencoding: raw\n\n"
    (tmp_path / "a.nrrd").write_bytes(header.encode() + VOXELS.tobytes())
    image = read_image(tmp_path / "a.nrrd")
    np.testing.assert_array_equal(image.voxels, VOXELS)
    assert "no-orientation" in codes(image)


def test_nrrd_ras_becomes_lps(tmp_path: Path) -> None:
    header = (
        "NRRD0004\ntype: short\ndimension: 3\nspace: right-anterior-superior\nsizes: 5 4 3\n"
        "space directions: (1,0,0) (0,2,0) (0,0,3)\nspace origin: (10,20,30)\nendian: little\nencoding: raw\n\n"
    )
    (tmp_path / "a.nrrd").write_bytes(header.encode() + VOXELS.tobytes())
    image = read_image(tmp_path / "a.nrrd")
    np.testing.assert_allclose(image.geometry.to_patient(np.array([1.0, 1, 1])), (-11, -22, 33))
    assert image.plane.edge_letters(image.geometry) == ("R", "L", "A", "P")


def test_colour_and_four_dimensions(tmp_path: Path) -> None:
    colour = np.arange(180, dtype=np.uint8).reshape(3, 4, 5, 3)
    image = read_image(written(tmp_path / "colour.mha", colour))
    np.testing.assert_array_equal(image.voxels, colour)
    assert image.intensity.photometric == "RGB"
    series = np.arange(120, dtype=np.int16).reshape(2, 3, 4, 5)
    sitk.WriteImage(
        sitk.JoinSeries([sitk.GetImageFromArray(volume) for volume in series]), str(tmp_path / "four.nrrd")
    )
    image = read_image(tmp_path / "four.nrrd")
    np.testing.assert_array_equal(image.voxels, series[0])
    assert "several-volumes" in codes(image)


def test_voxels_written_as_text_are_read(tmp_path: Path) -> None:
    header = "NRRD0004\ntype: short\ndimension: 3\nsizes: 5 4 3\nspacings: 1 1 1\nencoding: ascii\n\n"
    (tmp_path / "a.nrrd").write_text(header + " ".join(map(str, VOXELS.ravel())))
    np.testing.assert_array_equal(read_image(tmp_path / "a.nrrd").voxels, VOXELS)
