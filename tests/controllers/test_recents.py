"""Recent cases: kept where the user wants it, readable by him alone, gone when he says so."""

from __future__ import annotations

import json
import os
import stat
import sys

import pytest

from tests.tiny import bright_spot
from viewer.controllers.recents import LONGEST
from viewer.controllers.workbench import Workbench
from viewer.foundation import settings as settings_file
from viewer.foundation.errors import UsageError
from viewer.foundation.job_runner import InlineRunner
from viewer.foundation.settings import Settings
from viewer.imaging.writing import write_nifti


@pytest.fixture
def scans(tmp_path):
    found = []
    for n in range(LONGEST + 2):
        image = bright_spot(3 + n)
        path = tmp_path / "scans" / f"Doe_Jane_{n}.nii.gz"
        path.parent.mkdir(exist_ok=True)
        write_nifti(path, image.voxels, image.geometry)
        found.append(path)
    return found


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setattr(settings_file, "default_path", lambda: tmp_path / "settings.json")
    return tmp_path / "home" / "recent.json"


def fresh(file, **settings) -> Workbench:
    bench = Workbench(InlineRunner(), Settings(**settings))
    bench.recents.begin(file)
    return bench


def test_cases_are_kept_the_latest_first_and_open_again(file, scans):
    bench = fresh(file)
    bench.opening.open(scans[0])
    bench.opening.open(scans[1])
    bench.opening.open(scans[0])
    again = fresh(file)
    assert [each.path.name for each in again.session.recent] == [scans[0].name, scans[1].name]
    again.recents.open(1)
    assert again.session.case.slices == 4
    with pytest.raises(UsageError):
        again.recents.open(7)


def test_the_list_is_short(file, scans):
    bench = fresh(file)
    for path in scans:
        bench.opening.open(path)
    assert len(bench.session.recent) == LONGEST == len(fresh(file).session.recent)


@pytest.mark.skipif(sys.platform == "win32", reason="modes are those of POSIX")
def test_only_the_user_may_read_it_whatever_his_mask_is(file, scans):
    before = os.umask(0)
    try:
        bench = fresh(file)
        bench.opening.open(scans[0])
        bench.opening.open(scans[1])
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_no_name_is_logged_or_shown_while_patient_data_is_hidden(file, scans, caplog):
    bench = fresh(file)
    with caplog.at_level("DEBUG"):
        bench.opening.open(scans[0])
    [one] = bench.session.recent
    assert "Doe" not in caplog.text + one.words(hidden=True)
    assert "Doe" in one.words(hidden=False)
    document = json.loads(file.read_text())
    assert set(document["cases"][0]) == {"path", "series", "title", "size", "when"}


def test_clearing_forgets_on_disk_and_a_setting_keeps_none(file, scans):
    bench = fresh(file)
    bench.opening.open(scans[0])
    bench.recents.clear()
    assert bench.session.recent == ()
    assert not file.exists()
    bench.opening.open(scans[1])
    bench.preferring.set("recent", False)
    assert not file.exists()
    bench.opening.open(scans[2])
    assert bench.session.recent == ()
    assert not file.exists()


def test_the_demo_and_images_without_a_path_are_no_recent_cases(file):
    bench = fresh(file)
    bench.opening.open_demo()
    bench.opening.show(bright_spot(3))
    assert bench.session.recent == ()
    assert not file.exists()


def test_nothing_is_kept_before_the_window_asks_for_it(file, scans):
    bench = Workbench(InlineRunner())
    bench.opening.open(scans[0])
    assert bench.session.recent == ()


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"cases": 3}', '{"cases": [1, {"path": ""}, {"path": 3}]}', "\x00\xff"]
)
def test_a_damaged_file_is_an_empty_list(file, content):
    file.parent.mkdir()
    file.write_text(content)
    assert fresh(file).session.recent == ()


def test_a_case_that_is_gone_is_one_sentence(file, scans):
    bench = fresh(file)
    bench.opening.open(scans[0])
    scans[0].unlink()
    bench.recents.open(0)
    assert "no file or folder" in bench.session.notice.sentence
