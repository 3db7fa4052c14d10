"""Sessions: what is kept, what is not, and what comes back after a restart, a kill, or damage to the file."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tiny import bright_spot, write_tiny_model
from viewer.controllers.workbench import Workbench
from viewer.foundation import settings as settings_file
from viewer.foundation.errors import UsageError
from viewer.foundation.job_runner import InlineRunner
from viewer.foundation.settings import Settings
from viewer.imaging.writing import write_nifti
from viewer.state.kept_session import KeptSession


@pytest.fixture
def scan(tmp_path) -> Path:
    image = bright_spot(6)
    path = tmp_path / "scans" / "Doe_Jane.nii.gz"
    path.parent.mkdir()
    write_nifti(path, image.voxels, image.geometry)
    return path


@pytest.fixture
def folder(tmp_path, monkeypatch, user_folder) -> Path:
    write_tiny_model(user_folder)
    monkeypatch.setattr(settings_file, "default_path", lambda: tmp_path / "settings.json")
    return tmp_path / "home"


def fresh(folder, *, ask=True, **settings) -> Workbench:
    bench = Workbench(InlineRunner(), Settings(**settings))
    bench.keeping.begin(ask=ask, folder=folder)
    return bench


def work(folder, scan) -> Workbench:
    """A session with something of everything."""
    bench = fresh(folder)
    bench.explaining.select_model("tiny")
    bench.opening.open(scan)
    bench.viewing.select_slice(4)
    bench.viewing.set_window(2.0, 5.0)
    bench.viewing.set_opacity(0.4)
    bench.viewing.toggle_inverted()
    bench.explaining.set_parameters("smoothgrad", {"samples": 7})
    bench.explaining.set_parameters("occlusion", {"patch": "6,5"})
    bench.explaining.select_explainer("layer-cam")
    bench.explaining.select_layer("conv2")
    bench.explaining.select_target("no stroke")
    bench.explaining.toggle_mirror()
    bench.explaining.set_crop("percentile")
    bench.boxing.add(2, 3, 10, 12)
    bench.measuring.add((2, 2), (9, 9))
    bench.noting.write("warm rim")
    bench.keeping.keep()
    return bench


def same(a: Workbench, b: Workbench) -> None:
    one, other = a.session, b.session
    assert one.choice == other.choice
    assert one.view.slice == other.view.slice
    assert (one.view.window, one.view.inverted) == (other.view.window, other.view.inverted)
    assert one.overlay == other.overlay
    assert one.boxes.drawn == other.boxes.drawn
    assert one.rulers.drawn == other.rulers.drawn
    assert one.notes.text == other.notes.text
    assert one.model_id == other.model_id
    assert np.array_equal(one.case.image.voxels, other.case.image.voxels)


def test_a_session_comes_back_when_the_user_says_so(folder, scan):
    before = work(folder, scan)
    after = fresh(folder)
    assert after.session.restore_asked
    assert after.session.case is None, "nothing is opened before the user has answered"
    after.keeping.restore()
    assert not after.session.restore_asked
    same(before, after)
    assert after.session.reading.variant.mirror
    assert after.session.history.past == ()


def test_what_is_kept_is_references_and_parameters_for_the_user_alone(folder, scan):
    work(folder, scan)
    file = folder / "session.json"
    text = file.read_text()
    assert len(text) < 4000
    document = json.loads(text)
    assert document["case"]["path"] == str(scan)
    assert "voxels" not in text
    assert "patient" not in text.lower()
    if sys.platform != "win32":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_not_now_leaves_it_in_the_menu(folder, scan):
    work(folder, scan)
    after = fresh(folder)
    after.keeping.dismiss()
    assert not after.session.restore_asked
    after.keeping.restore()
    assert after.session.case is not None


def test_whoever_goes_on_working_has_answered_and_can_still_go_back(folder, scan, tmp_path):
    work(folder, scan)
    image = bright_spot(3)
    write_nifti(tmp_path / "other.nii.gz", image.voxels, image.geometry)
    after = fresh(folder)
    after.opening.open(tmp_path / "other.nii.gz")
    after.keeping.keep()
    assert not after.session.restore_asked
    after.keeping.restore()
    assert after.session.notes.text == "warm rim"


def test_two_generations(folder, scan, tmp_path):
    work(folder, scan)
    image = bright_spot(3)
    write_nifti(tmp_path / "other.nii.gz", image.voxels, image.geometry)
    second = fresh(folder)
    second.opening.open(tmp_path / "other.nii.gz")
    second.keeping.keep()
    second.viewing.select_slice(0)
    second.keeping.keep()
    third = fresh(folder)
    assert [one.case.size[0] for one in third.session.kept] == [3, 6]
    third.keeping.restore(1)
    assert third.session.notes.text == "warm rim"
    with pytest.raises(UsageError):
        third.keeping.restore(5)


def test_a_damaged_file_leaves_the_older_one(folder, scan):
    work(folder, scan)
    work(folder, scan)
    (folder / "session.json").write_text('{"case": ')
    after = fresh(folder)
    assert len(after.session.kept) == 1
    after.keeping.restore()
    assert after.session.notes.text == "warm rim"


def test_it_is_not_offered_after_two_failed_starts(folder, scan, monkeypatch):
    work(folder, scan)
    for _ in range(2):
        dying = fresh(folder)
        assert dying.session.restore_asked
        monkeypatch.setattr(dying.opening, "open", lambda *_, **__: None)  # the program ends while it reads
        dying.keeping.restore()
    after = fresh(folder)
    assert not after.session.restore_asked
    assert "left alone" in after.session.notice.sentence
    after.keeping.restore()
    assert after.session.case is not None
    assert fresh(folder).session.restore_asked, "it came back, so it is offered again"


def test_nothing_is_asked_where_that_is_not_wanted(folder, scan):
    work(folder, scan)
    assert not fresh(folder, ask=False).session.restore_asked
    off = fresh(folder, sessions=False)
    assert not off.session.restore_asked
    off.opening.open(scan)
    off.keeping.keep()
    assert off.session.kept == ()


def test_switching_it_off_forgets_on_disk(folder, scan):
    bench = work(folder, scan)
    bench.preferring.set("sessions", False)
    assert not list(folder.glob("session*"))
    assert bench.session.kept == ()


def test_an_image_that_has_changed_is_opened_without_what_was_said_of_it(folder, scan):
    work(folder, scan)
    image = bright_spot(9)
    write_nifti(scan, image.voxels, image.geometry)
    after = fresh(folder)
    after.keeping.restore()
    assert after.session.case.slices == 9
    assert after.session.boxes.drawn == {}
    assert "has changed" in after.session.notice.sentence
    assert fresh(folder).session.restore_asked


def test_an_image_that_is_gone_is_one_sentence_and_no_failed_start(folder, scan):
    work(folder, scan)
    scan.unlink()
    for _ in range(3):
        after = fresh(folder)
        assert after.session.restore_asked
        after.keeping.restore()
        assert "no file or folder" in after.session.notice.sentence


def test_a_model_that_is_gone_leaves_the_boxes(folder, scan):
    work(folder, scan)
    file = folder / "session.json"
    file.write_text(file.read_text().replace('"model": "tiny"', '"model": "gone"'))
    after = fresh(folder)
    after.keeping.restore()
    assert len(after.session.boxes.drawn) == 1
    assert after.session.model is None


def test_a_resampled_case_comes_back_resampled(folder, tmp_path):
    tilted = np.array([[1, 0, 0, 0], [0, 1, 1.7, 0], [0, 0, 4.7, 0], [0, 0, 0, 1.0]])
    image = bright_spot(6, affine=tilted)
    write_nifti(tmp_path / "tilted.nii.gz", image.voxels, image.geometry)
    bench = fresh(folder)
    bench.opening.open(tmp_path / "tilted.nii.gz")
    bench.grid.resample()
    bench.boxing.add(4, 4, 9, 9)
    bench.keeping.keep()
    after = fresh(folder)
    after.keeping.restore()
    assert after.session.resampled.kept
    assert after.session.boxes.drawn == bench.session.boxes.drawn


def test_the_demo_is_no_session(folder):
    bench = fresh(folder)
    bench.opening.open_demo()
    bench.keeping.keep()
    assert not folder.exists()


def test_a_folder_that_cannot_be_written_to_is_one_sentence(tmp_path, scan):
    (tmp_path / "file").write_text("")
    bench = fresh(tmp_path / "file" / "below")
    bench.opening.open(scan)
    bench.keeping.keep()
    assert "could not be kept" in bench.session.notice.sentence


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
FIELDS = (
    "truth",
    "volume",
    "spacing_mm",
    "even",
    "model",
    "choice",
    "view",
    "overlay",
    "boxes",
    "lines",
    "notes",
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, JSON)))
def test_a_bad_field_costs_itself_alone(damage):
    case = {"path": "/a", "series": "s1", "title": "MR", "size": [3, 4, 5], "when": ""}
    found = KeptSession.of({"case": case, **damage})
    assert found.case.size == (3, 4, 5)
    assert KeptSession.of(json.loads(json.dumps(found.document()))) == found


def test_a_window_that_is_killed_leaves_its_session(folder, scan):
    """A real window in a process of its own, killed by the system while it runs."""
    script = """
import sys
from pathlib import Path
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from viewer.controllers.workbench import Workbench
from viewer.jobs.qt_runner import QtRunner
from viewer.ui.main_window import MainWindow
app = QApplication([])
bench = Workbench(QtRunner())
window = MainWindow(bench)
bench.keeping.begin(folder=Path(sys.argv[1]))
def draw():
    bench.boxing.add(2, 3, 10, 12)
    bench.noting.write("before the end")
bench.opening.open(sys.argv[2], then=draw)
window.show()
app.exec()
"""
    done = subprocess.Popen(
        [sys.executable, "-c", script, str(folder), str(scan)],
        cwd=Path(__file__).resolve().parents[2],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )
    try:
        end = time.monotonic() + 60
        file = folder / "session.json"
        while time.monotonic() < end and not (file.exists() and "before the end" in file.read_text()):
            assert done.poll() is None
            time.sleep(0.05)
    finally:
        done.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
        done.wait()
    after = fresh(folder)
    assert after.session.restore_asked
    after.keeping.restore()
    assert after.session.notes.text == "before the end"
    assert len(after.session.boxes.drawn) == 1
