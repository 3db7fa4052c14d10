"""The manifest is checked before any code of the plugin runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from viewer.foundation.errors import PluginError
from viewer.plugin_host.manifest import Provides, read_manifest

GOOD = """
name = "sample"
title = "A sample"
version = "1.0"
licence = "Apache-2.0"
summary = "Does little."
modules = ["generator", "deep.recipe"]

[provides]
generators = ["sample"]
"""


def folder_with(tmp_path: Path, text: str | bytes, name: str = "sample") -> Path:
    folder = tmp_path / name
    folder.mkdir()
    (folder / "plugin.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def test_good_manifest(tmp_path: Path) -> None:
    manifest = read_manifest(folder_with(tmp_path, GOOD))
    assert manifest.title == "A sample"
    assert manifest.modules == ("generator", "deep.recipe")
    assert manifest.provides == Provides(generators=("sample",))
    assert manifest.provides.to_json() == {"generators": ["sample"]}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name = ", "not TOML"),
        (b"\xff\xfe", "not TOML"),
        ("#" + "x" * 70_000, "longer than 64 kB"),
        (GOOD.replace('"sample"', '"Sample"', 1), "lower case"),
        (GOOD.replace('"sample"', '"../sample"', 1), "lower case"),
        (GOOD.replace('"sample"', '"other"', 1), "not the name of its folder"),
        (GOOD.replace('"A sample"', '" "'), "no title"),
        (GOOD.replace('"A sample"', "3"), "title must be a text"),
        (GOOD.replace('["generator", "deep.recipe"]', "[]"), "lists no modules"),
        (GOOD.replace('"deep.recipe"', '"../recipe"'), "not the name of a module"),
        (GOOD.replace('"deep.recipe"', '"generator"'), "lists a name twice"),
        (GOOD.replace('"deep.recipe"', "7"), "list of names"),
        ("surprise = 1\n" + GOOD, "unknown keys: surprise"),
        (GOOD + "networks = []", "[provides] knows"),
        (GOOD.replace('generators = ["sample"]', 'generators = "sample"'), "list of names"),
        (GOOD.split("[provides]", maxsplit=1)[0] + "provides = 3", "[provides] knows"),
    ],
)
def test_bad_manifest_is_one_sentence_that_names_the_plugin(
    tmp_path: Path, text: str | bytes, words: str
) -> None:
    with pytest.raises(PluginError) as caught:
        read_manifest(folder_with(tmp_path, text))
    assert words in caught.value.sentence
    assert "'sample'" in caught.value.sentence
    assert caught.value.code == "plugin-manifest"


def test_missing_manifest(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="cannot be read"):
        read_manifest(tmp_path)
