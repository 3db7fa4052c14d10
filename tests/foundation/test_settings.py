"""Settings survive bad fields, damaged files and crashes."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viewer.foundation import settings
from viewer.foundation.errors import SettingsError
from viewer.foundation.settings import Settings


def test_what_is_saved_is_read_back_and_the_older_file_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "settings.json"
    settings.save(Settings(theme="light"), path)
    settings.save(Settings(theme="light", opacity=0.25), path)
    assert settings.load(path) == (Settings(theme="light", opacity=0.25), [])
    assert json.loads(path.with_suffix(".bak").read_text())["opacity"] == Settings().opacity
    assert not path.with_suffix(".new").exists()


def test_a_bad_field_is_dropped_alone_and_said(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text(
        json.dumps({"theme": "pink", "opacity": 2, "atlas_budget_mb": True, "model": "other", "extra": 1})
    )
    found, dropped = settings.load(path)
    assert found == Settings(model="other")
    assert len(dropped) == 3
    assert all(sentence.startswith("The setting '") for sentence in dropped)


@pytest.mark.parametrize("device", ["gpu", "", "cuda:7"])
def test_a_device_that_does_not_exist_would_cost_every_start_its_model(tmp_path: Path, device: str) -> None:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({"device": device, "theme": "light"}))
    found, (sentence,) = settings.load(path)
    assert found == Settings(theme="light")
    assert "auto, cpu, cuda, mps" in sentence


def test_a_damaged_file_falls_back_to_the_older_one(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    settings.save(Settings(theme="light"), path)
    settings.save(Settings(theme="dark"), path)
    path.write_text('{"theme": "da')
    assert settings.load(path)[0].theme == "light"
    path.with_suffix(".bak").unlink()
    found, dropped = settings.load(path)
    assert found == Settings()
    assert "could not be read" in dropped[0]
    assert settings.load(tmp_path / "none.json") == (Settings(), [])


def test_a_crash_while_writing_leaves_the_older_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "settings.json"
    settings.save(Settings(theme="light"), path)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SettingsError, match="could not be saved"):
        settings.save(Settings(theme="dark"), path)
    assert settings.load(path)[0].theme == "light"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from(list(asdict(Settings()))), json_values))
def test_whatever_stands_in_the_file_the_settings_are_valid(
    tmp_path_factory: pytest.TempPathFactory, document: dict[str, Any]
) -> None:
    path = tmp_path_factory.mktemp("settings") / "settings.json"
    path.write_text(json.dumps(document))
    found, _ = settings.load(path)
    for name, value in asdict(found).items():
        assert settings.validated(name, value) == value


def test_whole_numbers_serve_as_fractions_but_not_the_other_way() -> None:
    assert settings.validated("opacity", 1) == 1.0
    with pytest.raises(SettingsError, match="type int"):
        settings.validated("atlas_budget_mb", 64.5)
    with pytest.raises(SettingsError, match="between 0 and 1"):
        settings.validated("opacity", float("nan"))


def test_the_default_place_is_the_users_folder(user_folder: Path) -> None:
    assert settings.default_path() == user_folder / "settings.json"


def test_a_bad_shortcut_is_dropped_alone(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text(
        json.dumps({"shortcuts": {"a": "ctrl+k", "b": "\u00c4", "c": 3, "d": ""}, "theme": "light"})
    )
    found, dropped = settings.load(path)
    assert found == Settings(theme="light", shortcuts={"a": "Ctrl+K", "d": ""})
    assert len(dropped) == 2
