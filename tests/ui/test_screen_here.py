"""Where no window can be opened, a sentence says why and what to do, before Qt ends the program."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tiny import bright_spot
from viewer.imaging.writing import write_nifti
from viewer.ui import screen_here
from viewer.ui.screen_here import why_no_window

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="elsewhere Qt brings what it needs"
)


@pytest.mark.parametrize("environment", [{"QT_QPA_PLATFORM": "offscreen"}, {"WAYLAND_DISPLAY": "wayland-0"}])
def test_a_chosen_platform_and_wayland_are_left_to_qt(environment):
    assert why_no_window(environment) == ""


def test_without_a_screen_the_way_to_a_picture_is_told():
    assert "--screenshot FILE --exit" in why_no_window({})


def test_a_screen_that_does_not_answer_is_named():
    assert why_no_window({"DISPLAY": ":4711"}) == "Nothing answers on the screen ':4711' that DISPLAY names."


def test_missing_libraries_are_named_with_the_command(monkeypatch):
    monkeypatch.setattr(screen_here, "_answers", lambda _: True)
    monkeypatch.setattr(screen_here, "_loads", lambda library: "cursor" not in library)
    said = why_no_window({"DISPLAY": ":0"})
    assert "'sudo apt-get install libxcb-cursor0'" in said
    monkeypatch.setattr(screen_here, "_loads", lambda _: True)
    assert why_no_window({"DISPLAY": ":0"}) == ""


def test_a_library_that_is_there_loads_and_another_does_not():
    assert screen_here._loads("libc.so.6")
    assert not screen_here._loads("libnever.so.1")


def _run(*words: str) -> subprocess.CompletedProcess[str]:
    bare = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    }
    return subprocess.run(
        [sys.executable, "-m", "viewer", *words],
        env=bare,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_program_says_it_and_fails():
    done = _run("view")
    assert done.returncode == 1
    assert done.stderr.startswith("whyslice: There is no screen here")


def test_a_picture_is_written_without_a_screen(tmp_path: Path):
    scan, picture = tmp_path / "scan.nii", tmp_path / "window.png"
    image = bright_spot(3)
    write_nifti(scan, image.voxels, image.geometry)
    done = _run("view", str(scan), "--screenshot", str(picture), "--exit")
    assert done.returncode == 0, done.stderr
    assert picture.stat().st_size > 10_000


def test_what_cannot_be_opened_is_said_without_a_screen_too(tmp_path: Path):
    done = _run("view", str(tmp_path / "none.nii"), "--screenshot", str(tmp_path / "window.png"), "--exit")
    assert done.returncode == 1
    assert "no screen" not in done.stderr
    assert "none.nii" in done.stderr
