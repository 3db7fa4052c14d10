"""The same names in a checkout, in a wheel and in a frozen program."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from viewer.foundation import paths


def test_in_a_checkout() -> None:
    root = Path(__file__).resolve().parents[2]
    assert paths.plugins() == root / "plugins"
    assert paths.resources() == root / "resources"


def test_in_a_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site-packages" / "viewer"
    (package / "_bundled" / "plugins").mkdir(parents=True)
    (package.parent / "plugins").mkdir()  # of another distribution
    monkeypatch.setattr(paths, "_PACKAGE", package)
    assert paths.plugins() == package / "_bundled" / "plugins"


def test_in_a_frozen_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path), raising=False)
    assert paths.resources() == tmp_path / "resources"


@pytest.mark.parametrize(
    ("platform", "variable", "tail"),
    [("win32", "APPDATA", "WhySlice"), ("linux", "XDG_DATA_HOME", "whyslice")],
)
def test_the_users_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: str, variable: str, tail: str
) -> None:
    monkeypatch.delenv("WHYSLICE_HOME")
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setenv(variable, str(tmp_path))
    assert paths.user_data() == tmp_path / tail


def test_the_users_folder_can_be_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHYSLICE_HOME", str(tmp_path))
    assert paths.user_data() == tmp_path
    assert paths.model_folders() == [paths.resources() / "models", tmp_path / "models"]
