"""``export --format html``: a handout from the command line."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.cli.conftest import Say
from tests.tiny import write_tiny_model
from tests.tiny_cohort import write_tiny_cohort


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
