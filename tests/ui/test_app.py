"""`run_window` as the command line calls it: from options to a picture of the settled window and an exit code."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QImage

from tests.tiny import bright_spot, write_tiny_model
from tests.tiny_cohort import write_tiny_cohort
from viewer.app import run_window
from viewer.cli.view_options import ViewOptions
from viewer.imaging.writing import write_nifti
from viewer.ui.main_window import MainWindow


@pytest.fixture
def nifti(tmp_path) -> Path:
    image = bright_spot(6)
    path = tmp_path / "head.nii.gz"
    write_nifti(path, image.voxels, image.geometry)
    return path


@pytest.fixture
def model(user_folder) -> str:
    return write_tiny_model(user_folder).name


@pytest.fixture
def windows(monkeypatch) -> list[MainWindow]:
    """Windows that were made, each with what was on screen when its picture was taken."""
    made: list[MainWindow] = []
    real = MainWindow.__init__

    def noted(self, *arguments, **keywords):
        real(self, *arguments, **keywords)
        made.append(self)

    monkeypatch.setattr(MainWindow, "__init__", noted)
    return made


def options(path, out, **changes) -> ViewOptions:
    return ViewOptions(paths=(path,), screenshot=out, exit=True, **{"model": "tiny", **changes})


def test_the_settled_window_becomes_a_picture(qapp, nifti, model, tmp_path, windows):
    out = tmp_path / "new" / "picture.png"
    wanted = options(
        nifti, out, explainer="layer-cam", layer="conv2", target="no stroke", slice=3, overlay=False
    )
    assert run_window(wanted) == 0
    image = QImage(str(out))
    assert (image.width(), image.height()) == (1440, 980)
    colours = {image.pixel(x, y) for x in range(0, 1440, 7) for y in range(0, 980, 7)}
    assert len(colours) > 20
    session = windows[0].bench.session
    assert len(session.reading.filled) == 6, "all slices are filled"
    assert session.view.slice == 3
    assert (session.choice.explainer, session.choice.layer) == ("layer-cam", "conv2")
    assert session.choice.target == "no stroke"
    assert not session.overlay.visible


def test_a_collection_spares_what_stays_while_the_window_is_there(qapp, nifti, model, tmp_path, monkeypatch):
    done = []
    for name in ("freeze", "unfreeze"):
        real = getattr(gc, name)
        monkeypatch.setattr(gc, name, lambda name=name, real=real: done.append(name) or real())
    assert run_window(options(nifti, tmp_path / "a.png")) == 0
    assert done == ["freeze", "unfreeze"]
    assert gc.get_freeze_count() == 0


def test_a_picture_leaves_what_the_user_keeps_alone(qapp, nifti, model, tmp_path, user_folder):
    assert run_window(options(nifti, tmp_path / "a.png")) == 0
    assert not [
        path for path in user_folder.iterdir() if path.name.startswith(("session", "recent", "starts"))
    ]


def test_a_class_may_be_an_index(qapp, nifti, model, tmp_path, windows):
    assert run_window(options(nifti, tmp_path / "a.png", target="0")) == 0
    assert windows[0].bench.session.choice.target == "no stroke"


@pytest.mark.parametrize(
    ("changes", "word", "code"),
    [
        ({"model": "no-such"}, "no-such", 2),
        ({"layer": "conv9"}, "conv9", 2),
        ({"target": "flu"}, "flu", 2),
        ({"explainer": "grad-kam"}, "grad-kam", 2),
        ({"slice": 99}, "99", 2),
        ({"volume": 9}, "9", 2),
    ],
)
def test_what_cannot_be_shown_is_one_sentence_and_the_code_of_explain(
    qapp, nifti, model, tmp_path, capsys, changes, word, code
):
    out = tmp_path / "picture.png"
    assert run_window(options(nifti, out, **changes)) == code
    said = capsys.readouterr().err.strip()
    assert word in said
    assert "\n" not in said
    assert not out.exists()


def test_what_cannot_be_shown_is_not_waited_for(qapp, nifti, model, tmp_path, windows):
    """As soon as it is known that there is no such layer the visit ends; before that every slice was explained."""
    assert run_window(options(nifti, tmp_path / "a.png", layer="conv9")) == 2
    reading = windows[0].bench.session.reading
    assert reading is None or len(reading.filled) < 6


def test_a_cohort_needs_no_case(qapp, model, tmp_path, windows):
    cohort = write_tiny_cohort(tmp_path / "cohort")
    out = tmp_path / "cohort.png"
    assert run_window(options(cohort, out, workspace="cohort")) == 0
    assert len(windows[0].bench.session.cohort.lines) == 5
    assert out.exists()


def test_a_bad_file_is_one_sentence_and_exit_1(qapp, model, tmp_path, capsys):
    bad = tmp_path / "bad.nii.gz"
    bad.write_bytes(b"no image")
    assert run_window(options(bad, tmp_path / "a.png")) == 1
    said = capsys.readouterr().err.strip()
    assert "bad.nii.gz" in said
    assert "\n" not in said
    assert not (tmp_path / "a.png").exists()


def test_a_picture_that_cannot_be_written_is_exit_1(qapp, nifti, model, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert run_window(options(nifti, tmp_path / "file" / "a.png")) == 1
    assert capsys.readouterr().err.strip().count("\n") == 0


def test_a_defect_on_the_way_ends_with_one_sentence_and_does_not_hang(
    qapp, nifti, model, tmp_path, capsys, monkeypatch
):
    def broken(_):
        raise RuntimeError("of /home/jane")

    monkeypatch.setattr("viewer.app.picture_of", broken)
    assert run_window(options(nifti, tmp_path / "a.png")) == 1
    said = capsys.readouterr().err.strip()
    assert "defect" in said
    assert "jane" not in said
    assert "\n" not in said


def test_hooks_and_threads_are_as_before(qapp, nifti, model, tmp_path):
    import threading

    before = sys.excepthook, threading.excepthook, sys.unraisablehook, threading.active_count()
    assert run_window(options(nifti, tmp_path / "a.png")) == 0
    assert (sys.excepthook, threading.excepthook, sys.unraisablehook, threading.active_count()) == before


def test_the_window_is_painted_before_torch_is_there(tmp_path):
    """In a process of its own: nothing of torch is loaded when the window has been painted, and it ends cleanly."""
    script = """
import sys
from PySide6.QtWidgets import QApplication
from viewer import app
from viewer.cli.view_options import ViewOptions
seen = []
begin = app.Visit.begin
def noted(self):
    slow = ("torch", "matplotlib", "scipy.ndimage", "nibabel", "pydicom", "SimpleITK", "PIL")
    seen.extend(name for name in slow if name in sys.modules)
    seen.append("begun")
    QApplication.exit(0)
app.Visit.begin = noted
code = app.run_window(ViewOptions())
print(seen, code)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=Path(__file__).resolve().parents[2],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "WHYSLICE_HOME": str(tmp_path)},
        check=False,
    )
    assert done.stdout.strip() == "['begun'] 0", done.stderr
    assert done.returncode == 0


def test_one_of_several_series_is_named(qapp, nifti, model, tmp_path, windows, capsys, qtlog):
    other = bright_spot(4)
    write_nifti(tmp_path / "other.nii.gz", other.voxels, other.geometry)
    out = tmp_path / "p.png"
    assert run_window(options(tmp_path, out)) == 2
    said = capsys.readouterr().err
    assert "holds 2 series: s1 (head.nii.gz), s2 (other.nii.gz): name one with --series." in said
    assert "propagateSizeHints" not in "".join(record.message for record in qtlog.records)
    assert run_window(options(tmp_path, out, series="s2")) == 0
    assert windows[-1].bench.session.case.slices == 4
    assert run_window(options(tmp_path, out, series="s9")) == 2
    assert "s9" in capsys.readouterr().err


def test_a_tilted_series_comes_on_an_even_grid_where_that_is_asked_for(qapp, model, tmp_path, windows):
    image = bright_spot(6, affine=np.array([[1, 0, 0, 0], [0, 1, 1.7, 0], [0, 0, 4.7, 0], [0, 0, 0, 1.0]]))
    write_nifti(tmp_path / "tilted.nii.gz", image.voxels, image.geometry)
    wanted = options(tmp_path / "tilted.nii.gz", tmp_path / "a.png", resample=True, slice=2)
    assert run_window(wanted) == 0
    session = windows[0].bench.session
    assert session.resampled.kept
    assert session.view.slice == 2
    assert "resampled" in {finding.code for finding in session.diagnoses}


def test_an_even_series_is_said_to_be_even_and_a_spacing_is_taken(qapp, nifti, model, tmp_path, windows):
    wanted = options(nifti, tmp_path / "a.png", resample=True, spacing=(4, 0.5, 0.5), volume=0, slice=3)
    assert run_window(wanted) == 0
    session = windows[0].bench.session
    assert session.view.slice == 3
    assert "nothing to resample" in session.notice.sentence
    assert session.case.image.geometry.spacing_mm == pytest.approx((4, 0.5, 0.5))
