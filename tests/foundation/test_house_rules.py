"""Rules of the house that no linter knows."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(path for folder in ("viewer", "plugins") for path in (ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("room", sorted(path.parent.name for path in (ROOT / "viewer").glob("*/__init__.py")))
def test_packages_are_empty_so_that_importing_one_name_loads_nothing_else(room: str) -> None:
    assert (ROOT / "viewer" / room / "__init__.py").read_text() == ""


def test_files_stay_short_enough_to_be_read() -> None:
    long = {
        path.relative_to(ROOT).as_posix(): count
        for path in SOURCES
        if (count := len(path.read_text().splitlines())) > 500
    }
    assert long == {}


def test_things_are_named_after_what_they_are() -> None:
    vague = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
    assert [path.name for path in SOURCES if path.stem in vague or path.parent.name in vague] == []


def test_every_source_file_says_what_it_is() -> None:
    silent = [
        path.relative_to(ROOT).as_posix()
        for path in SOURCES
        if path.name != "__init__.py" and not path.read_text().lstrip().startswith(('"""', 'r"""'))
    ]
    assert silent == []


def test_every_room_has_its_tests() -> None:
    rooms = {path.parent.name for path in (ROOT / "viewer").glob("*/__init__.py")}
    tested = {path.parent.name for path in (ROOT / "tests").glob("*/test_*.py")}
    assert rooms - tested == set()
