"""Tables of cohorts: what they may say, and what they may not reach."""

from __future__ import annotations

from pathlib import Path

import pytest

from viewer.evaluation.cohort_table import read_cohort
from viewer.foundation.errors import ReadError, UsageError


def table(folder: Path, text: str, *files: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    (folder / "cohort.csv").write_text(text, encoding="utf-8")
    return folder


def test_readers_of_one_image_are_markings_of_it(tmp_path):
    found = read_cohort(
        table(
            tmp_path / "c",
            "\ufeffpath,case,label,boxes,reader,split\n"
            'a.png,p1,x;y,"[{""slice"": 0}]",R1,train\n'
            "a.png,p1,x,,R2,train\n"
            "b.png,,,truth.json,,test\n"
            ",,,,,\n",
            "a.png",
            "b.png",
            "truth.json",
        )
    )
    first, second = found.images
    assert [(m.reader, m.labels) for m in first.markings] == [("R1", ("x", "y")), ("R2", ("x",))]
    assert first.markings[0].boxes.startswith("[")
    assert second.case == "b.png"
    assert second.markings[0].file == (tmp_path / "c" / "truth.json").resolve()
    assert found.splits == ("train", "test")
    assert [image.path for image in found.of_split("test").images] == ["b.png"]
    with pytest.raises(UsageError, match="nearest: test"):
        found.of_split("tset")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../secret.png", "does not lie inside"),
        ("{abs}", "does not lie inside"),
        ("link.png", "does not lie inside"),
        (".", "does not lie inside"),
        ("none.png", "does not exist"),
        ("a\0b", "does not exist"),
        ("", "names no image"),
    ],
)
def test_a_table_reaches_nothing_outside_its_folder(tmp_path, name, reason):
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"x")
    folder = table(tmp_path / "c", f'path,label\nok.png,x\n"{name.format(abs=secret)}",x\n', "ok.png")
    (folder / "link.png").symlink_to(secret)
    found = read_cohort(folder)
    assert [image.path for image in found.images] == ["ok.png"]
    assert reason in found.skipped[0].reason


def test_a_mask_outside_skips_its_image(tmp_path):
    found = read_cohort(table(tmp_path / "c", "path,mask\na.png,../m.png\n", "a.png"))
    assert not found.images
    assert found.skipped[0].path == "a.png"


def test_one_image_of_two_cases_is_said(tmp_path):
    found = read_cohort(table(tmp_path / "c", "path,case\na.png,p1\na.png,p2\n", "a.png"))
    assert found.images[0].case == "p1"
    assert "another case than line 2" in found.skipped[0].reason


def test_semicolons_of_a_spreadsheet(tmp_path):
    found = read_cohort(table(tmp_path / "c", "Path;Case;Label\na.png;p1;x\n", "a.png"))
    assert found.images[0].markings[0].labels == ("x",)


@pytest.mark.parametrize(
    ("text", "reason"),
    [(None, "has no cohort.csv"), ("case,label\n", "no column 'path'"), ("path\n", "names no image")],
)
def test_what_is_no_cohort(tmp_path, text, reason):
    if text is not None:
        table(tmp_path, text)
    with pytest.raises(ReadError, match=reason):
        read_cohort(tmp_path)


def test_a_folder_that_is_not_there_is_said_as_such(tmp_path):
    with pytest.raises(ReadError, match=r"^There is no file or folder 'nope'\.$"):
        read_cohort(tmp_path / "nope")


def test_a_table_that_is_no_text(tmp_path):
    (tmp_path / "cohort.csv").write_bytes(b"\xff\xfe\x00path")
    with pytest.raises(ReadError, match="UTF-8"):
        read_cohort(tmp_path)


def test_the_table_itself_may_be_named(tmp_path):
    folder = table(tmp_path / "c", "path\na.png\n", "a.png")
    assert read_cohort(folder / "cohort.csv").folder == folder.resolve()
