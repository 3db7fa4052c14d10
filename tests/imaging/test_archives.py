"""Archives, packed files and the directory of a disc: what is inside is read, and nothing gets out."""

from __future__ import annotations

import gc
import gzip
import io
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MediaStorageDirectoryStorage, generate_uid

from viewer.foundation.errors import Cancelled, ReadError
from viewer.foundation.progress import ProgressToken
from viewer.imaging.budget import MemoryBudget
from viewer.imaging.contents import Contents
from viewer.imaging.formats import private_folder
from viewer.imaging.geometry import Geometry
from viewer.imaging.reading import inspect_path, read_image
from viewer.imaging.writing import write_nifti

VOXELS = np.arange(60, dtype=np.int16).reshape(3, 4, 5)


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temporary folder of the test: whatever is unpacked lies here, and nowhere else."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def nifti_bytes() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        write_nifti(Path(folder) / "a.nii", VOXELS, Geometry(np.eye(4), (3, 4, 5)))
        return (Path(folder) / "a.nii").read_bytes()


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def refusals(path: Path) -> dict[str, str]:
    return {entry.path.name: entry.code for entry in inspect_path(path).unreadable}


def test_a_dicom_series_in_an_archive_is_read_like_its_folder(
    write_stack: Callable[..., Path], tmp_path: Path
) -> None:
    folder = write_stack([0, 5, 10])
    archive = zipped(tmp_path / "scan.zip", {f"disc/{f.name}": f.read_bytes() for f in folder.iterdir()})
    one, other = read_image(folder), read_image(archive)
    np.testing.assert_array_equal(one.voxels, other.voxels)
    np.testing.assert_array_equal(one.geometry.affine_lps, other.geometry.affine_lps)
    assert one.source.sha256 == other.source.sha256
    assert archive in (other.source.path, *other.source.path.parents)
    assert inspect_path(archive).unreadable == ()


def test_what_was_unpacked_is_private_and_goes_with_the_last_who_needs_it(
    tmp_path: Path, temporary: Path
) -> None:
    archive = zipped(tmp_path / "a.zip", {"deep/a.nii": nifti_bytes(), "deep/b.nii": nifti_bytes()})
    contents = Contents.of(archive)
    (folder,) = temporary.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    image = contents.load("s1")
    del contents
    gc.collect()
    assert all(file.is_file() for file in image.source.files)
    assert str(temporary) not in str(image.source.path)
    del image
    gc.collect()
    assert list(temporary.iterdir()) == []


def test_nothing_is_left_after_a_failure_or_a_stop(tmp_path: Path, temporary: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {"a.nii": nifti_bytes()})
    token = ProgressToken()
    token.cancel()
    with pytest.raises(Cancelled):
        inspect_path(archive, token)
    gc.collect()
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(
    "name",
    ["../evil.nii", "/evil.nii", "a/../../evil.nii", "C:\\evil.nii", "..\\evil.nii", "\\\\host\\evil.nii"],
)
def test_members_that_want_out_are_refused_by_name(tmp_path: Path, temporary: Path, name: str) -> None:
    archive = zipped(tmp_path / "a.zip", {name: nifti_bytes(), "good.nii": nifti_bytes()})
    contents = Contents.of(archive)
    assert len(contents.inspection.series) == 1
    (entry,) = contents.inspection.unreadable
    assert (entry.code, "evil.nii" in entry.sentence) == ("outside-path", True)
    assert not [file for file in tmp_path.rglob("*evil*") if file != archive]


@pytest.mark.parametrize("name", ["", "x" * 300 + ".nii"], ids=["empty", "too long"])
def test_a_member_whose_name_no_file_can_have_is_refused_alone(
    tmp_path: Path, temporary: Path, name: str
) -> None:
    archive = zipped(tmp_path / "a.zip", {"head.nii": nifti_bytes()})
    with zipfile.ZipFile(archive, "a") as opened, opened.open(zipfile.ZipInfo(name), "w") as member:
        member.write(nifti_bytes())
    inspection = inspect_path(archive)
    assert [entry.code for entry in inspection.unreadable] == ["bad-name"]
    assert "no file can have" in inspection.unreadable[0].sentence
    assert len(inspection.unreadable[0].sentence) < 200
    assert len(inspection.series) == 1


def test_a_member_named_with_a_zero_byte_is_refused_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = zipped(tmp_path / "a.zip", {"odd.nii": nifti_bytes(), "head.nii": nifti_bytes()})
    listed = zipfile.ZipFile.infolist

    def named(self: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
        members = listed(self)
        members[0].filename = "odd\0.nii"  # an extra field may say so
        return members

    monkeypatch.setattr(zipfile.ZipFile, "infolist", named)
    assert [entry.code for entry in inspect_path(archive).unreadable] == ["bad-name"]


def test_links_and_encrypted_members_are_refused_by_name(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link.nii")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc/hostname")
        archive.writestr("secret.nii", nifti_bytes())
    raw = bytearray((tmp_path / "a.zip").read_bytes())
    place = raw.rfind(b"PK\x01\x02")
    raw[place + 8] |= 1
    (tmp_path / "a.zip").write_bytes(raw)
    assert refusals(tmp_path / "a.zip") == {"link.nii": "outside-path", "secret.nii": "encrypted"}


def test_an_archive_in_an_archive_stays_packed(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("a.nii", nifti_bytes())
    outer = zipped(
        tmp_path / "a.zip", {"inner.zip": inner.getvalue(), "b.nii.gz": gzip.compress(nifti_bytes())}
    )
    assert refusals(outer) == {"inner.zip": "nested-archive"}
    assert len(inspect_path(outer).series) == 1
    (tmp_path / "b.zip.gz").write_bytes(gzip.compress(outer.read_bytes()))
    assert refusals(tmp_path / "b.zip.gz") == {"b.zip.gz": "archive"}


def test_the_budget_comes_before_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, temporary: Path
) -> None:
    monkeypatch.setattr(private_folder, "BUDGET", MemoryBudget(1 << 20))
    bomb = zipped(tmp_path / "a.zip", {"a.raw": bytes(2 << 20)})
    with pytest.raises(ReadError, match=r"'a\.zip' asks for") as caught:
        read_image(bomb)
    assert caught.value.code == "over-budget"
    # An archive that lies about the length of a member is cut where it said it would end.
    raw = bytearray(zipped(tmp_path / "b.zip", {"a.raw": bytes(2 << 20)}).read_bytes())
    for mark, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = raw.find(mark) + offset
        raw[place : place + 4] = (1000).to_bytes(4, "little")
    (tmp_path / "b.zip").write_bytes(raw)
    with pytest.raises(ReadError):
        read_image(tmp_path / "b.zip")
    Image.new("L", (2000, 2000)).save(tmp_path / "c.bmp")
    (tmp_path / "c.bmp.gz").write_bytes(gzip.compress((tmp_path / "c.bmp").read_bytes()))
    with pytest.raises(ReadError, match="unpacks to more than") as caught:
        read_image(tmp_path / "c.bmp.gz")
    assert caught.value.code == "over-budget"
    gc.collect()
    assert list(temporary.iterdir()) == []


def test_too_many_members_are_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private_folder, "_MEMBERS", 3)
    with pytest.raises(ReadError, match="holds 4 files, more than") as caught:
        read_image(zipped(tmp_path / "a.zip", {f"{k}.nii": b"x" for k in range(4)}))
    assert caught.value.code == "over-budget"


def test_a_full_or_missing_temporary_folder_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, temporary: Path
) -> None:
    archive = zipped(tmp_path / "a.zip", {"a.nii": nifti_bytes()})
    usage = shutil.disk_usage(temporary)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=10))
    with pytest.raises(ReadError, match=r"no room to unpack 'a\.zip'") as caught:
        read_image(archive)
    assert caught.value.code == "no-room"
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(ReadError, match="no place to unpack to") as caught:
        read_image(archive)
    assert caught.value.code == "no-room"


def test_damaged_empty_and_foreign_archives(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {"a.nii": nifti_bytes()})
    (tmp_path / "b.zip").write_bytes(archive.read_bytes()[:-30])
    assert refusals(tmp_path / "b.zip") == {"b.zip": "damaged-zip"}
    assert refusals(zipped(tmp_path / "c.zip", {})) == {"c.zip": "no-images"}
    raw = bytearray(archive.read_bytes())
    raw[60:70] = bytes(10)
    (tmp_path / "d.zip").write_bytes(raw)
    assert list(refusals(tmp_path / "d.zip").values()) == ["truncated"]
    (tmp_path / "x.tar").write_bytes(b"a.nii".ljust(257, b"\0") + b"ustar\0" + bytes(300))
    with pytest.raises(ReadError, match="a tar archive; unpack it first"):
        read_image(tmp_path / "x.tar")


def test_an_archive_in_a_folder_is_not_unpacked_unasked(tmp_path: Path, temporary: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    zipped(folder / "a.zip", {"a.nii": nifti_bytes()})
    (folder / "b.nii").write_bytes(nifti_bytes())
    assert refusals(folder) == {"a.zip": "archive"}
    assert list(temporary.iterdir()) == []


def test_packed_files_of_any_format(write_stack: Callable[..., Path], tmp_path: Path) -> None:
    folder = write_stack([0, 5, 10])
    whole = read_image(folder)
    for file in list(folder.iterdir()):
        file.with_name(file.name + ".gz").write_bytes(gzip.compress(file.read_bytes()))
        file.unlink()
    packed = read_image(folder)
    np.testing.assert_array_equal(packed.voxels, whole.voxels)
    assert packed.diagnoses == whole.diagnoses
    assert packed.source.path == folder
    Image.fromarray(np.arange(30, dtype=np.uint8).reshape(5, 6)).save(tmp_path / "p.png")
    (tmp_path / "p.png.gz").write_bytes(gzip.compress((tmp_path / "p.png").read_bytes()))
    image = read_image(tmp_path / "p.png.gz")
    np.testing.assert_array_equal(image.voxels[0].ravel(), np.arange(30))
    assert image.source.path == tmp_path / "p.png.gz"
    (tmp_path / "q.png.gz").write_bytes(gzip.compress((tmp_path / "p.png").read_bytes())[:-12])
    with pytest.raises(ReadError, match=r"q\.png\.gz' is damaged"):
        read_image(tmp_path / "q.png.gz")


def directory(path: Path, files: list[list[str]]) -> Path:
    """A DICOMDIR with one image record for each path."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = MediaStorageDirectoryStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    records = []
    for parts in files:
        record = Dataset()
        record.DirectoryRecordType = "IMAGE"
        with pydicom.config.disable_value_validation():
            record.ReferencedFileID = parts
        records.append(record)
    dataset.DirectoryRecordSequence = records
    pydicom.dcmwrite(path, dataset, enforce_file_format=True)
    return path


def test_a_dicomdir_leads_to_its_files_and_names_the_missing(
    write_stack: Callable[..., Path], tmp_path: Path
) -> None:
    disc = write_stack([0, 5, 10], "disc/IMAGES").parent
    shutil.copytree(disc / "IMAGES", tmp_path / "outside")
    listed = [["IMAGES", f"{n:03d}.DCM"] for n in (1, 2, 3)] + [
        ["IMAGES", "009.dcm"],
        ["..", "outside", "001.dcm"],
    ]
    path = directory(disc / "DICOMDIR", listed)
    inspection = inspect_path(path)
    assert [info.shape for info in inspection.series] == [(3, 4, 5)]
    assert sorted(entry.code for entry in inspection.unreadable) == ["missing-files", "outside-path"]
    assert "lists 1 file that is not there: 009.dcm" in inspection.unreadable[0].sentence
    assert read_image(path).voxels.shape == (3, 4, 5)


def test_a_dicomdir_in_a_folder_is_neither_an_image_nor_an_error(
    write_stack: Callable[..., Path], tmp_path: Path
) -> None:
    disc = write_stack([0, 5], "disc/IMAGES").parent
    directory(disc / "DICOMDIR", [["IMAGES", "001.dcm"]])
    inspection = inspect_path(disc)
    assert (len(inspection.series), inspection.unreadable) == (1, ())
    shutil.rmtree(disc / "IMAGES")
    with pytest.raises(ReadError, match="lists 1 file that is not there"):
        read_image(disc)


def test_a_link_out_of_the_disc_is_not_followed(write_stack: Callable[..., Path], tmp_path: Path) -> None:
    outside = write_stack([0, 5], "outside")
    (tmp_path / "disc").mkdir()
    (tmp_path / "disc" / "IMAGES").symlink_to(outside)
    path = directory(tmp_path / "disc" / "DICOMDIR", [["IMAGES", "001.dcm"]])
    with pytest.raises(ReadError, match="outside its own folder") as caught:
        read_image(path)
    assert caught.value.code == "outside-path"


def test_a_broken_dicomdir_says_what_to_do(tmp_path: Path) -> None:
    path = directory(tmp_path / "DICOMDIR", [["A"]])
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ReadError) as caught:
        read_image(path)
    assert caught.value.code in ("bad-directory", "no-images", "missing-files")


def test_a_dicomdir_in_an_archive(write_stack: Callable[..., Path], tmp_path: Path) -> None:
    disc = write_stack([0, 5, 10], "disc/IMAGES").parent
    directory(disc / "DICOMDIR", [["IMAGES", "001.dcm"]])
    members: dict[str, Any] = {
        str(f.relative_to(disc)): f.read_bytes() for f in disc.rglob("*") if f.is_file()
    }
    assert read_image(zipped(tmp_path / "disc.zip", members)).voxels.shape == (3, 4, 5)
