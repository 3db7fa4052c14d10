"""The door: what a path is, and one sentence for everything that is no image."""

from __future__ import annotations

import errno
import gzip
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from viewer.foundation.errors import Cancelled, ReadError, UsageError
from viewer.foundation.progress import ProgressToken
from viewer.imaging.formats import nifti
from viewer.imaging.geometry import Geometry
from viewer.imaging.reading import inspect_path, read_image
from viewer.imaging.writing import write_nifti


def a_nifti(path: Path) -> Path:
    write_nifti(path, np.arange(60, dtype=np.int16).reshape(3, 4, 5), Geometry(np.eye(4), (3, 4, 5)))
    return path


@pytest.mark.parametrize(
    ("name", "content", "code", "words"),
    [
        ("empty.dcm", b"", "empty-file", "is empty"),
        (
            "text.dcm",
            b"this is no scan at all, it is a letter",
            "not-an-image",
            "its name says DICOM, its content is plain text",
        ),
        ("text.nii", b"hello", "not-an-image", "its name says NIfTI"),
        ("notes.txt", b"hello", "not-an-image", "plain text"),
        ("table.json", b'{"a": 1}', "not-an-image", "plain text"),
        ("report.pdf", b"%PDF-1.7 ...", "not-an-image", "a PDF document"),
        ("all.zip", b"PK\x03\x04....", "damaged-zip", "a damaged zip archive"),
        ("model.pth", b"version https://git-lfs.github.com/spec/v1", "not-an-image", "Git LFS stub"),
        ("random.bin", bytes(range(256)) * 4, "not-an-image", "not an image"),
        ("broken.nii.gz", b"\x1f\x8b\x08\x00" + b"\xff" * 20, "damaged-gzip", "damaged gzip"),
        (
            "stub.nii.gz",
            gzip.compress(b"\x5c\x01\x00\x00" + bytes(100), mtime=0),
            "truncated",
            "header is cut short",
        ),
        ("half.png", b"\x89PNG\r\n\x1a\n" + bytes(4), "truncated", "damaged picture"),
        ("half.jpg", b"\xff\xd8\xff\xe0" + bytes(20), "truncated", "damaged picture"),
        ("half.nrrd", b"NRRD0004\ntype: short\n", "bad-header", "makes no sense"),
    ],
)
def test_what_is_no_image_gets_one_sentence_with_name_and_cause(
    tmp_path: Path, name: str, content: bytes, code: str, words: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ReadError) as caught:
        read_image(path)
    assert caught.value.code == code
    assert words in caught.value.sentence
    assert name in caught.value.sentence
    assert str(tmp_path) not in caught.value.sentence
    inspection = inspect_path(path)
    assert inspection.series == ()
    assert inspection.failure is not None
    assert inspection.failure.sentence == caught.value.sentence
    assert inspection.to_json()["unreadable"] == [
        {"path": str(path), "code": code, "sentence": caught.value.sentence}
    ]


def test_a_missing_path_is_missing_for_both(tmp_path: Path) -> None:
    for ask in (inspect_path, read_image):
        with pytest.raises(ReadError, match=r"no file or folder 'gone\.nii'"):
            ask(tmp_path / "gone.nii")


def test_folders_without_images_say_so(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="is empty") as caught:
        read_image(tmp_path)
    assert caught.value.code == "no-images"
    for name in ("a.txt", "b.csv"):
        (tmp_path / name).write_text("x")
    with pytest.raises(ReadError, match="2 files and none is an image") as caught:
        read_image(tmp_path)
    assert caught.value.code == "no-images"


def test_a_forbidden_file_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = a_nifti(tmp_path / "a.nii")

    def forbidden(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "open", forbidden)
    with pytest.raises(ReadError, match=r"'a\.nii' could not be opened: permission denied") as caught:
        read_image(path)
    assert str(tmp_path) not in caught.value.sentence


def test_a_wrong_extension_is_read_by_content_with_a_note(tmp_path: Path) -> None:
    original = read_image(a_nifti(tmp_path / "a.nii.gz"))
    for name in ("a.dcm", "a.png", "a.nrrd"):
        shutil.copy(tmp_path / "a.nii.gz", tmp_path / name)
        image = read_image(tmp_path / name)
        np.testing.assert_array_equal(image.voxels, original.voxels)
        assert [d.code for d in image.diagnoses] == ["wrong-extension"]
        assert [d.code for d in inspect_path(tmp_path / name).series[0].diagnoses] == ["wrong-extension"]


def test_no_extension_is_no_contradiction(tmp_path: Path) -> None:
    a_nifti(tmp_path / "a.nii").rename(tmp_path / "IM0001")
    assert read_image(tmp_path / "IM0001").diagnoses == ()


def test_a_bad_file_never_stops_a_folder(write_stack: Callable[..., Path], tmp_path: Path) -> None:
    folder = write_stack([0, 5, 10])
    (folder / "000.dcm").write_bytes(b"DICM nothing")
    (folder / "notes.txt").write_text("hello")
    (folder / "004.dcm").write_bytes((folder / "001.dcm").read_bytes()[:400])
    inspection = inspect_path(folder)
    assert [info.shape for info in inspection.series] == [(3, 4, 5)]
    assert {entry.path.name for entry in inspection.unreadable} == {"000.dcm", "notes.txt", "004.dcm"}
    assert read_image(folder).voxels.shape == (3, 4, 5)


def test_a_mixed_folder_lists_everything_and_guesses_nothing(write_stack: Callable[..., Path]) -> None:
    folder = write_stack([0, 5, 10], SeriesDescription="ax")
    a_nifti(folder / "b.nii")
    Image.new("L", (6, 5)).save(folder / "c.png")
    ids = {info.id: info.shape for info in inspect_path(folder).series}
    assert sorted(ids) == ["s1", "s2", "s3"]
    with pytest.raises(ReadError, match="holds 3 series: s1") as caught:
        read_image(folder)
    assert caught.value.code == "several-series"
    for identifier, shape in ids.items():
        assert read_image(folder, identifier).geometry.shape == shape
    with pytest.raises(UsageError, match="no series 's9'"):
        read_image(folder, "s9")


def test_hidden_files_are_not_looked_at(tmp_path: Path) -> None:
    a_nifti(tmp_path / "a.nii")
    (tmp_path / ".DS_Store").write_bytes(b"\x00\x00\x00\x01Bud1")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text("x")
    assert inspect_path(tmp_path).unreadable == ()


def test_names_in_any_script(tmp_path: Path) -> None:
    path = a_nifti(tmp_path / "頭部 Ω żółć.nii.gz")
    assert read_image(path).voxels.shape == (3, 4, 5)
    assert path.name in inspect_path(path).series[0].path.name


def test_the_json_has_exactly_the_promised_keys(tmp_path: Path) -> None:
    Image.new("L", (6, 5)).save(tmp_path / "c.png")
    document = json.loads(json.dumps(inspect_path(tmp_path).to_json()))
    assert set(document) == {"series", "unreadable"}
    (entry,) = document["series"]
    assert list(entry) == [
        "id",
        "modality",
        "description",
        "shape",
        "spacing_mm",
        "affine_lps",
        "frames",
        "b_values",
        "photometric",
        "volumes",
        "volume",
        "volume_labels",
        "files",
        "diagnoses",
    ]
    assert entry["shape"] == [1, 5, 6]
    assert np.shape(entry["affine_lps"]) == (4, 4)
    assert list(entry["diagnoses"][0]) == ["code", "severity", "sentence", "action"]


def test_the_hash_is_that_of_the_file_or_of_the_sorted_hashes(
    tmp_path: Path, write_stack: Callable[..., Path]
) -> None:
    path = a_nifti(tmp_path / "a.nii")
    assert read_image(path).source.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    folder = write_stack([0, 5])
    hashes = sorted(hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir())
    assert read_image(folder).source.sha256 == hashlib.sha256("".join(hashes).encode()).hexdigest()


def test_reading_can_be_cancelled(write_stack: Callable[..., Path]) -> None:
    folder = write_stack([0, 5, 10])
    token = ProgressToken()
    token.cancel()
    with pytest.raises(Cancelled):
        read_image(folder, progress=token)


def test_progress_is_told_per_file(write_stack: Callable[..., Path]) -> None:
    told: list[tuple[int, int, str]] = []
    read_image(write_stack([0, 5, 10]), progress=ProgressToken(lambda *step: told.append(step)))
    assert [done for done, _, text in told if text == "reading slices"] == [0, 1, 2]
    assert told[-1][:2] == (3, 3)


def test_voxels_are_read_only(tmp_path: Path) -> None:
    image = read_image(a_nifti(tmp_path / "a.nii"))
    with pytest.raises(ValueError, match="read-only"):
        image.voxels[0, 0, 0] = 1


def test_a_reader_that_stumbles_does_not_stop_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_nifti(tmp_path / "a.nii")
    Image.new("L", (6, 5)).save(tmp_path / "b.png")

    def stumbles(_: Path) -> None:
        raise StopIteration

    monkeypatch.setattr(nifti, "read_grid", stumbles)
    inspection = inspect_path(tmp_path)
    assert [info.path.name for info in inspection.series] == ["b.png"]
    assert [(entry.path.name, entry.code) for entry in inspection.unreadable] == [("a.nii", "unreadable")]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_what_is_neither_file_nor_folder_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.nii")
    with pytest.raises(ReadError, match="neither a file nor a folder"):
        read_image(tmp_path / "pipe.nii")
    a_nifti(tmp_path / "a.nii")
    assert len(inspect_path(tmp_path).series) == 1


@pytest.mark.skipif(os.name == "nt", reason="names are text on this system")
def test_a_name_that_is_no_text_is_read_and_printed(tmp_path: Path) -> None:
    for source, ending in ((a_nifti(tmp_path / "a.nii"), b".nii"), (tmp_path / "b.png", b".png")):
        if ending == b".png":
            Image.new("L", (6, 5)).save(source)
        path = tmp_path / os.fsdecode(b"caf\xe9" + ending)
        source.rename(path)
        assert read_image(path).geometry.shape[0] >= 1
        assert json.dumps(inspect_path(path).to_json()).isascii()


@pytest.mark.parametrize("words", [".", "sub/.."])
def test_the_folder_that_one_stands_in_has_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    (tmp_path / "here" / "sub").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(ReadError, match="The folder 'here' is empty"):
        read_image(words)


def test_the_way_out_of_a_failure_is_kept(tmp_path: Path) -> None:
    (tmp_path / "a.nrrd").write_bytes(
        b"NRRD0004\ntype: short\ndimension: 3\nsizes: 1 1 1\nencoding: raw\ndata file: ../x.raw\n\n"
    )
    with pytest.raises(ReadError, match="outside its own folder") as caught:
        read_image(tmp_path / "a.nrrd")
    assert "into one folder" in caught.value.action


def test_an_analyze_header_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.hdr").write_bytes((348).to_bytes(4, "little") + bytes(344))
    with pytest.raises(ReadError, match=r"Analyze 7\.5 header"):
        read_image(tmp_path / "a.hdr")
