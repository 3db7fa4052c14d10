"""NIfTI against SimpleITK and nibabel, and files that lie."""

from __future__ import annotations

import errno
import gzip
import os
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.imaging.formats.nifti_files import SHORT, written
from viewer.foundation.errors import ReadError
from viewer.imaging.contents import Contents
from viewer.imaging.geometry import Geometry
from viewer.imaging.image import MedicalImage
from viewer.imaging.reading import inspect_path, read_image
from viewer.imaging.writing import write_nifti

nib: Any = nibabel


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("cut", [360, 380, 100])
def test_a_cut_off_file_is_refused_not_filled_with_zeros(tmp_path: Path, name: str, cut: int) -> None:
    raw = written(tmp_path / "whole.nii", SHORT).read_bytes()[:cut]
    path = tmp_path / name
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)
    with pytest.raises(ReadError, match=r"a\.nii") as caught:
        read_image(path)
    assert caught.value.code in ("truncated", "not-an-image")


def test_a_gzip_stream_that_stops_is_refused(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 1000, (30, 30, 30)).astype(np.int16)
    path = written(tmp_path / "a.nii.gz", noise)
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(ReadError, match="cut short"):
        read_image(path)


def test_a_gzip_stream_that_does_not_add_up_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "a.nii.gz", np.zeros((30, 30, 30), dtype=np.int16))
    raw = bytearray(path.read_bytes())
    raw[-8:-4] = b"oops"
    path.write_bytes(raw)
    with pytest.raises(ReadError, match="damaged"):
        read_image(path)


def test_a_bomb_meets_the_budget_before_the_memory(tmp_path: Path) -> None:
    path = written(tmp_path / "a.nii.gz", SHORT, dim=[3, 30000, 30000, 30, 1, 1, 1, 1])
    with pytest.raises(ReadError, match="more than the 4 GB allowed") as caught:
        read_image(path)
    assert caught.value.code == "over-budget"


def test_scaled_integers_stay_integers_and_others_become_float32(tmp_path: Path) -> None:
    whole = read_image(written(tmp_path / "a.nii", SHORT, scl_slope=2, scl_inter=-5))
    assert whole.voxels.dtype == np.int16
    np.testing.assert_array_equal(whole.voxels, SHORT.T * 2 - 5)
    half = read_image(written(tmp_path / "b.nii", SHORT, scl_slope=0.5, scl_inter=1))
    assert half.voxels.dtype == np.float32
    np.testing.assert_array_equal(half.voxels, SHORT.T * np.float32(0.5) + 1)
    none = read_image(written(tmp_path / "c.nii", SHORT, scl_slope=0, scl_inter=7))
    np.testing.assert_array_equal(none.voxels, SHORT.T)


def test_of_four_dimensions_the_first_volume_is_shown_and_said(tmp_path: Path) -> None:
    data = np.arange(48, dtype=np.int16).reshape(2, 3, 4, 2)
    image = read_image(written(tmp_path / "a.nii", data))
    np.testing.assert_array_equal(image.voxels, data[..., 0].T)
    assert "4 of 8 images are shown: volume 1 of 2." in image.diagnoses[0].sentence


def test_big_endian_and_nifti2_are_read(tmp_path: Path) -> None:
    for name, image in {
        "big.nii": nib.Nifti1Image(SHORT, np.eye(4), nib.Nifti1Header(endianness=">")),
        "two.nii": nib.Nifti2Image(SHORT, np.eye(4)),
    }.items():
        image.set_data_dtype(np.int16)
        nib.save(image, tmp_path / name)
        read = read_image(tmp_path / name)
        np.testing.assert_array_equal(read.voxels, SHORT.T)
        assert read.voxels.dtype == np.dtype(np.int16)


def test_a_pair_is_read_by_its_header(tmp_path: Path) -> None:
    nib.save(nib.Nifti1Pair(SHORT, np.eye(4)), tmp_path / "a.img")
    np.testing.assert_array_equal(read_image(tmp_path / "a.hdr").voxels, SHORT.T)
    (tmp_path / "a.img").unlink()
    with pytest.raises(ReadError, match="without its voxel file"):
        read_image(tmp_path / "a.hdr")


def test_not_a_number_is_counted(tmp_path: Path) -> None:
    data = np.ones((2, 3, 4), dtype=np.float32)
    data[0, 0, 0], data[1, 1, 1] = np.nan, np.inf
    image = read_image(written(tmp_path / "a.nii", data))
    assert any(d.code == "not-finite" and d.sentence.startswith("2 of 24") for d in image.diagnoses)
    assert np.isfinite(image.grey(image.plane.picture(image.voxels, 0))).all()


def test_complex_voxels_show_their_magnitude(tmp_path: Path) -> None:
    image = nib.Nifti1Image((SHORT * (3 + 4j)).astype(np.complex64), np.eye(4))
    nib.save(image, tmp_path / "a.nii")
    np.testing.assert_allclose(read_image(tmp_path / "a.nii").voxels, SHORT.T * 5)


@pytest.mark.parametrize("fields", [{"dim": [0] * 8}, {"dim": [3, -4, 5, 6, 1, 1, 1, 1]}, {"datatype": 77}])
def test_senseless_headers_are_refused(tmp_path: Path, fields: dict[str, Any]) -> None:
    with pytest.raises(ReadError, match="NIfTI"):
        read_image(written(tmp_path / "a.nii", SHORT, **fields))


def test_inspection_reads_no_voxels_and_agrees_with_reading(shared_data: Path) -> None:
    path = shared_data / "niivue/packages/niivue/demos/images/FLAIR.nii.gz"
    (info,) = inspect_path(path).series
    image = read_image(path)
    assert info.shape == image.geometry.shape
    np.testing.assert_array_equal(info.affine_lps, image.geometry.affine_lps)


# --- volumes, weightings, odd headers ---------------------------------------------------------------------------------


def four_dimensional(tmp_path: Path, name: str = "dwi.nii", count: int = 5, **header: Any) -> NDArray[Any]:
    data = np.arange(24 * count, dtype=np.int16).reshape(2, 3, 4, count)
    written(tmp_path / name, data, **header)
    return data


def test_b_values_beside_the_file_name_the_volumes_and_choose_the_default(tmp_path: Path) -> None:
    data = four_dimensional(tmp_path)
    (tmp_path / "dwi.bval").write_text("0 0 1000 1000 1000\n")
    (tmp_path / "dwi.bvec").write_text("0 0 1 0 0\n0 0 0 1 0\n0 0 0 0 0\n")
    (info,) = inspect_path(tmp_path).series
    labels = [volume.label for volume in info.volumes]
    assert labels == [
        "b 0, image 1",
        "b 0, image 2",
        "b 1000, direction 1",
        "b 1000, direction 2",
        "b 1000, trace",
    ]
    assert (info.b_values, info.volume, info.frames) == ((0, 1000), 4, 20)
    image = read_image(tmp_path / "dwi.nii")
    np.testing.assert_array_equal(image.voxels, data[..., 4].T)
    assert (image.b_value, image.sequence) == (1000, "DWI")
    assert (
        "4 of 20 images are shown: volume 5 of 5 (b 1000, trace, the highest b-value)"
        in image.diagnoses[0].sentence
    )
    for number in range(5):
        chosen = read_image(tmp_path / "dwi.nii", volume=number)
        np.testing.assert_array_equal(chosen.voxels, data[..., number].T)
        assert (chosen.volume, chosen.b_value) == (number, info.volumes[number].b_value)


def test_vectors_in_columns_are_understood_and_missing_ones_forgiven(tmp_path: Path) -> None:
    four_dimensional(tmp_path, count=4)
    (tmp_path / "dwi.bval").write_text("0\n1000\n1000\n1000\n")
    assert inspect_path(tmp_path / "dwi.nii").series[0].volume == 1
    (tmp_path / "dwi.bvec").write_text("0 0 0\n1 0 0\n0 0 0\n0 1 0\n")
    (info,) = inspect_path(tmp_path / "dwi.nii").series
    assert (info.volume, info.volumes[2].label) == (2, "b 1000, trace")


@pytest.mark.parametrize("content", ["0 1000", "0 1000 1000 nan 1000", "-1 0 0 0 0", "words"])
def test_b_values_that_do_not_fit_are_left_out_and_said(tmp_path: Path, content: str) -> None:
    four_dimensional(tmp_path)
    (tmp_path / "dwi.bval").write_text(content)
    image = read_image(tmp_path / "dwi.nii")
    assert (image.volume, image.b_value) == (0, None)
    assert "bad-sidecar" in [d.code for d in image.diagnoses]


@pytest.mark.parametrize(
    ("header", "label"),
    [
        ({"xyzt_units": 10, "pixdim": [1, 1, 1, 1, 2.5, 1, 1, 1]}, "time 2"),
        ({"xyzt_units": 2}, "volume 2"),
        ({"intent_code": 1007}, "component 2"),
    ],
)
def test_volumes_are_called_what_they_are(tmp_path: Path, header: dict[str, Any], label: str) -> None:
    four_dimensional(tmp_path, **header)
    assert inspect_path(tmp_path / "dwi.nii").series[0].volumes[1].label == label


def test_a_volume_far_into_a_packed_file_is_found(tmp_path: Path) -> None:
    data = four_dimensional(tmp_path, "dwi.nii.gz", count=7)
    for number in (0, 3, 6):
        np.testing.assert_array_equal(
            read_image(tmp_path / "dwi.nii.gz", volume=number).voxels, data[..., number].T
        )


@pytest.mark.parametrize("name", ["scan.nii", "scan.nii.gz"])
def test_a_thumbnail_is_the_middle_slice_where_it_lies(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("viewer.imaging.formats.grid_file._WORTH_PARTS", 0)
    data = np.random.default_rng(0).integers(0, 900, (6, 7, 9, 3)).astype(np.int16)
    path = written(tmp_path / name, data, np.diag([1.0, 1.0, 4.0, 1.0]), scl_slope=2, scl_inter=1)
    contents = Contents.of(path)
    whole, glance = contents.load("s1"), contents.peek("s1")
    assert glance.voxels.shape == (1, 7, 6)
    np.testing.assert_array_equal(glance.voxels[0], whole.voxels[4])
    np.testing.assert_allclose(
        glance.geometry.to_patient(np.zeros(3)), whole.geometry.to_patient(np.array([4.0, 0, 0]))
    )


@pytest.mark.parametrize(
    ("code", "words"), [(1536, "128-bit floats"), (1, "1-bit voxels"), (2048, "complex numbers of 256 bits")]
)
def test_types_that_are_not_read_are_named(tmp_path: Path, code: int, words: str) -> None:
    with pytest.raises(ReadError, match=words) as caught:
        read_image(written(tmp_path / "a.nii", SHORT, datatype=code))
    assert caught.value.code == "voxel-type"


def test_colours_with_and_without_alpha(tmp_path: Path) -> None:
    for names, kind in (
        ("RGB", nib.nifti1.data_type_codes.dtype[128]),
        ("RGBA", nib.nifti1.data_type_codes.dtype[2304]),
    ):
        data = np.zeros((5, 4, 3), dtype=kind)
        for place, name in enumerate(names):
            data[name] = np.arange(60).reshape(5, 4, 3) + place * 60
        nib.save(nib.Nifti1Image(data, np.eye(4)), tmp_path / f"{names}.nii.gz")
        image = read_image(tmp_path / f"{names}.nii.gz")
        assert image.voxels.shape == (3, 4, 5, 3)
        for place in range(3):
            np.testing.assert_array_equal(image.voxels[..., place], data["RGB"[place]].T)


def test_extensions_are_skipped(tmp_path: Path) -> None:
    image = nib.Nifti1Image(SHORT, np.eye(4))
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"x" * 500))
    nib.save(image, tmp_path / "a.nii.gz")
    np.testing.assert_array_equal(read_image(tmp_path / "a.nii.gz").voxels, SHORT.T)
    with pytest.raises(ReadError, match="begin nowhere"):
        read_image(written(tmp_path / "b.nii", SHORT, vox_offset=1e30))


@pytest.mark.parametrize(
    ("low", "high", "kept"), [(0, 20, True), (0, 0, False), (5, 3, False), (np.nan, 1, False)]
)
def test_a_display_range_becomes_a_window_only_when_it_is_one(
    tmp_path: Path, low: float, high: float, kept: bool
) -> None:
    image = read_image(written(tmp_path / "a.nii", SHORT, cal_min=low, cal_max=high))
    assert [(w.low, w.high) for w in image.intensity.windows] == ([(low, high)] if kept else [])


@pytest.mark.parametrize(("slope", "intercept"), [(np.inf, 0), (1, np.inf), (2, np.nan)])
def test_a_rescale_that_is_no_number_is_said(tmp_path: Path, slope: float, intercept: float) -> None:
    image = read_image(written(tmp_path / "a.nii", SHORT, scl_slope=slope, scl_inter=intercept))
    np.testing.assert_array_equal(image.voxels, SHORT.T)
    assert "bad-rescale" in [d.code for d in image.diagnoses]


def test_a_packed_file_too_small_for_its_header_is_refused_unread(tmp_path: Path) -> None:
    path = written(tmp_path / "a.nii.gz", SHORT, dim=[4, 500, 500, 30, 900, 1, 1, 1])
    (entry,) = inspect_path(path).unreadable
    assert entry.code == "truncated"
    assert "cannot hold them" in entry.sentence


def test_a_file_replaced_or_removed_while_it_is_open_is_not_misread(tmp_path: Path) -> None:
    contents = Contents.of(written(tmp_path / "a.nii", SHORT))
    written(tmp_path / "a.nii", np.zeros((9, 9, 9), dtype=np.int16))
    with pytest.raises(ReadError, match="changed since it was opened") as caught:
        contents.load()
    assert (caught.value.code, caught.value.action) == ("changed", "Open it again.")
    (tmp_path / "a.nii").unlink()
    with pytest.raises(ReadError, match="no longer there") as caught:
        contents.load()
    assert caught.value.code == "missing"


def test_a_disk_that_disappears_while_reading_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = Contents.of(written(tmp_path / "a.nii", SHORT))

    def gone(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(Path, "open", gone)
    with pytest.raises(ReadError, match=r"'a\.nii' could not be read: input/output error") as caught:
        contents.load()
    assert caught.value.code == "no-access"


def test_the_voxel_file_of_a_pair_is_no_second_image_and_may_be_packed(tmp_path: Path) -> None:
    nib.save(nib.Nifti1Pair(SHORT, np.eye(4)), tmp_path / "a.img")
    inspection = inspect_path(tmp_path)
    assert (len(inspection.series), inspection.unreadable) == (1, ())
    (tmp_path / "a.img.gz").write_bytes(gzip.compress((tmp_path / "a.img").read_bytes()))
    (tmp_path / "a.img").unlink()
    np.testing.assert_array_equal(read_image(tmp_path / "a.hdr").voxels, SHORT.T)
    (tmp_path / "b").mkdir()
    (tmp_path / "a.img.gz").rename(tmp_path / "b" / "a.img.gz")
    (tmp_path / "a.img.gz").symlink_to(tmp_path / "b" / "a.img.gz")
    with pytest.raises(ReadError, match="without its voxel file"):
        read_image(tmp_path / "a.hdr")


@pytest.mark.parametrize(
    "kind", [np.uint8, np.int8, np.uint16, np.int32, np.uint32, np.int64, np.float32, np.float64]
)
def test_stored_types_stay(tmp_path: Path, kind: type) -> None:
    path = written(tmp_path / "a.nii.gz", SHORT.astype(kind))
    image = read_image(path)
    assert image.voxels.dtype == np.dtype(kind)
    np.testing.assert_array_equal(image.voxels, SHORT.T)


def test_every_shared_file_equals_nibabel(shared_data: Path) -> None:
    paths = sorted([*shared_data.rglob("*.nii"), *shared_data.rglob("*.nii.gz")])
    assert len(paths) > 20
    for path in paths:
        reference = nib.load(path)
        count = int(np.prod(reference.shape[3:]))
        stored = np.asarray(reference.dataobj)
        for volume in {0, count - 1}:
            image = read_image(path, volume=volume)
            expected = stored.reshape(*stored.shape[:3], -1)[..., volume].T
            if expected.dtype.names:
                expected = np.stack([expected[name] for name in expected.dtype.names], axis=-1)
            # nibabel rescales in single precision.
            np.testing.assert_allclose(image.voxels, expected, rtol=1e-6 if expected.dtype.kind == "f" else 0)
            if image.geometry.oriented:
                np.testing.assert_allclose(image.geometry.affine_ras, reference.affine, atol=1e-4)


@pytest.mark.parametrize("name", ["scan.nii", "scan.nii.gz"])
def test_the_middle_slice_is_shown_while_the_rest_is_read(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("viewer.imaging.formats.grid_file._WORTH_PARTS", 0)
    voxels = np.arange(9 * 10 * 11, dtype=np.int16).reshape(9, 10, 11)
    write_nifti(tmp_path / name, voxels, Geometry(np.diag([1.0, 1, 4, 1]), voxels.shape))
    seen: list[MedicalImage] = []
    there: list[NDArray[Any]] = []

    def arriving(image: MedicalImage) -> None:
        seen.append(image)
        there.append(image.arrived.copy())

    whole = Contents.of(tmp_path / name).load(arriving=arriving)
    [part] = seen
    assert there[0].tolist() == [True] * 5 + [False] * 4
    np.testing.assert_array_equal(part.voxels, whole.voxels)  # it went on growing
    assert part.arrived.all()
    assert whole.arrived is None
    with pytest.raises(ValueError, match="read-only"):
        part.voxels[0, 0, 0] = 1
    np.testing.assert_array_equal(whole.voxels, voxels)
    # Cut across the slices of the file, no slice is whole before all are.
    write_nifti(tmp_path / name, voxels, Geometry(np.diag([4.0, 1, 1, 1]), voxels.shape))
    Contents.of(tmp_path / name).load(arriving=arriving)
    assert len(seen) == 1


def _codes(path: Path) -> list[str]:
    (series,) = inspect_path(path).series
    return [finding.code for finding in series.diagnoses]


def test_a_packed_file_without_its_end_is_suspected_before_it_is_read(tmp_path: Path) -> None:
    data = np.random.default_rng(0).integers(0, 2000, (16, 16, 8)).astype(np.int16)
    path = written(tmp_path / "a.nii.gz", data)
    assert "truncated" not in _codes(path)
    whole = path.read_bytes()
    for cut in (4, 8, 1000):
        path.write_bytes(whole[:-cut])
        assert "truncated" in _codes(path)
    content = gzip.decompress(whole)
    path.write_bytes(gzip.compress(content + b"a footer"))
    assert "truncated" not in _codes(path)
    path.write_bytes(gzip.compress(content[:2000]) + gzip.compress(content[2000:]))
    assert "truncated" not in _codes(path)
    assert np.array_equal(read_image(path).voxels, data.transpose(2, 1, 0))
