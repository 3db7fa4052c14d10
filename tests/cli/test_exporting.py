"""``export --format html``: a handout from the command line."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Say
from tests.tiny import bright_spot, write_tiny_model
from tests.tiny_cohort import write_tiny_cohort
from viewer.imaging.writing import write_nifti


@pytest.fixture(autouse=True)
def _model(user_folder: Path) -> None:
    write_tiny_model(user_folder)


class Page(HTMLParser):
    """What a browser would fetch or run, and how elements nest."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.sources: list[str] = []
        self.feed(words)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in ("script", "link", "iframe", "object")
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_handout_of_a_cohort(say: Say, tmp_path: Path) -> None:
    folder = write_tiny_cohort(tmp_path / "Miller study")
    (folder / "p1.nii.gz").write_bytes(b"broken")
    out = tmp_path / "handout.html"
    told = say("export", folder, "--format", "html", "--model", "tiny", "--out", out, "--json")
    assert told.code == 0, told.err
    assert [each["case"] for each in told.document["cases"]] == [1, 3, 4, 5]
    assert [each["case"] for each in told.document["skipped"]] == [2]
    assert "p1.nii.gz" in told.document["skipped"][0]["reason"]
    assert told.document["cases"][0]["answers"][0].startswith("The model says stroke")
    assert told.document["cases"][3]["answers"][1] == "It is no stroke."
    assert told.document["cases"][0]["probabilities"]["stroke"] > 0.5
    words = out.read_text(encoding="utf-8")
    page = Page(words)
    assert len(page.sources) == 4
    for source in page.sources:
        kind, data = source.split(",", 1)
        assert kind == "data:image/png;base64"
        assert base64.b64decode(data).startswith(b"\x89PNG")
    assert "RESEARCH USE ONLY" in words
    assert "4 of 5 cases; 1 could not be opened." in words
    assert "The class said" not in words  # there was no class
    bare = re.sub(r"base64,[^']*", "", words)
    assert "Miller" not in bare
    assert not re.search(r"\bp\d\b", bare)


def test_files_and_choices(say: Say, tmp_path: Path) -> None:
    folder = write_tiny_cohort(tmp_path / "class")
    out = tmp_path / "two.html"
    files = [folder / "p0.nii.gz", folder / "p1.nii.gz"]
    told = say(
        *("export", *files, "--format", "html", "--model", "tiny", "--out", out, "--json"),
        *("--explainer", "layer-cam", "--layer", "relu1", "--class", "no stroke"),
    )
    assert told.code == 0, told.err
    assert len(told.document["cases"]) == 2
    assert told.document["cases"][0]["answers"][1] == "The truth is not known."
    assert "LayerCAM" in out.read_text(encoding="utf-8")


def test_what_cannot_be_done_is_said(say: Say, tmp_path: Path) -> None:
    folder = write_tiny_cohort(tmp_path / "class")
    usual = ("--format", "html", "--out", tmp_path / "x.html")
    assert "nearest: tiny" in say("export", folder, *usual, "--model", "tinny").sentence
    told = say("export", tmp_path / "gone", *usual, "--model", "tiny")
    assert told.code == 1
    assert told.sentence.startswith("There is no")
    told = say("export", folder, *usual, "--model", "tiny", "--layer", "relu9")
    assert (told.code, "relu9" in told.sentence) == (2, True)
    told = say("export", folder, "--format", "htm", "--out", tmp_path / "x.html", "--model", "tiny")
    assert (told.code, "html" in told.sentence) == (2, True)
    told = say("export", folder, "--format", "html", "--out", tmp_path / "no" / "x.html", "--model", "tiny")
    assert "There is no folder" in told.sentence
    assert not (tmp_path / "x.html").exists()


def test_one_series_of_a_folder(say: Say, tmp_path: Path) -> None:
    folder = tmp_path / "two"
    folder.mkdir()
    for name, depth in (("a", 3), ("b", 5)):
        image = bright_spot(depth)
        write_nifti(folder / f"{name}.nii.gz", image.voxels, image.geometry)
    out = tmp_path / "x.html"
    usual = ("--format", "html", "--model", "tiny", "--out", out, "--json")
    assert len(say("export", folder, *usual).document["cases"]) == 2
    ids = {each["shape"][0]: each["id"] for each in say("inspect", folder, "--json").document["series"]}
    told = say("export", folder, *usual, "--series", ids[5])
    assert (told.code, len(told.document["cases"])) == (0, 1), told.err
    assert "/ 5," in out.read_text(encoding="utf-8")
    out.unlink()
    told = say("export", folder, *usual, "--series", "nobody")
    assert (told.code, "nobody" in told.sentence) == (2, True)
    told = say("export", folder, folder, *usual, "--series", ids[5])
    assert (told.code, "of one file or folder" in told.sentence) == (2, True)
    assert not out.exists()


def test_volume_and_input_are_those_of_every_case(say: Say, tmp_path: Path) -> None:
    folder, out = write_tiny_cohort(tmp_path / "class"), tmp_path / "x.html"
    usual = ("--format", "html", "--model", "tiny", "--out", out, "--json")
    files = (folder / "p0.nii.gz", folder / "p1.nii.gz")
    told = say("export", *files, *usual, "--mirror", "--crop-rule", "percentile")
    assert told.code == 0, told.err
    words = out.read_text(encoding="utf-8")
    assert words.count("mirrored") >= 2
    assert words.count("percentile") >= 2
    out.unlink()
    told = say("export", *files, *usual, "--volume", "7")
    assert told.code == 1
    assert "volume" in told.sentence
    assert not out.exists()


def test_spacing_and_an_even_grid(say: Say, tmp_path: Path) -> None:
    tilted = np.array([[1, 0, 0, 0], [0, 1, 1.7, 0], [0, 0, 4.7, 0], [0, 0, 0, 1.0]])
    image, path, out = bright_spot(6, affine=tilted), tmp_path / "a.nii.gz", tmp_path / "x.html"
    write_nifti(path, image.voxels, image.geometry)
    usual = ("--format", "html", "--model", "tiny", "--out", out, "--json")
    assert say("export", path, *usual, "--resample").code == 0
    even = out.read_text(encoding="utf-8")
    assert say("export", path, *usual).code == 0
    assert out.read_text(encoding="utf-8") != even
    assert say("export", path, *usual, "--spacing", "4,2,2").code == 0
    assert re.search(r"\b2(\.0)? mm pixels", out.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "option", [("--show-phi",), ("--cohort", "x"), ("--mc-samples", "3"), ("--seed", "4")]
)
def test_what_a_handout_does_not_have_is_refused(say: Say, tmp_path: Path, option: tuple[str, ...]) -> None:
    folder, out = write_tiny_cohort(tmp_path / "class"), tmp_path / "x.html"
    told = say("export", folder, "--format", "html", "--model", "tiny", "--out", out, *option)
    assert (told.code, option[0] in told.sentence, "--format pdf" in told.sentence) == (2, True, True)
    assert not out.exists()
