"""What runs, what was said, and word that it is done."""

from __future__ import annotations

import re
import time
from types import SimpleNamespace

import pytest
from PySide6.QtWidgets import QApplication, QWidget

from tests.controllers.conftest import StepRunner
from tests.tiny import bright_spot
from viewer.controllers.workbench import Workbench
from viewer.foundation.errors import ReadError
from viewer.imaging.writing import write_nifti
from viewer.state.running import running, time_left
from viewer.state.session import Notice, Session, Work
from viewer.ui.dialogs.notices_dialog import NoticesDialog, details
from viewer.ui.dialogs.running_dialog import RunningDialog
from viewer.ui.notifier import Notifier


def test_reading_and_computing_are_two_things_and_each_is_stopped_alone(qtbot, tmp_path, tiny_model):
    image = bright_spot(6)
    write_nifti(tmp_path / "head.nii.gz", image.voxels, image.geometry)
    steps = StepRunner()
    bench = Workbench(steps)
    bench.explaining.select_model("tiny")
    steps.drain()
    bench.opening.show(bright_spot(6))
    bench.beside.open(tmp_path / "head.nii.gz")
    bench.session.work = Work("explaining the series", 2, 6, time.monotonic())
    parent = QWidget()
    parent.resize(900, 700)
    qtbot.addWidget(parent)
    dialog = RunningDialog(bench, parent)
    assert set(dialog.rows) == {"beside", "computing"}
    assert dialog.rows["computing"].bar.value() == 2
    assert dialog.rows["computing"].bar.maximum() == 6
    dialog.rows["beside"].stop.click()
    dialog.look()
    assert "beside" not in dict(running(bench.session))
    bench.session.work = Work("explaining the series", 3, 6, time.monotonic())
    dialog.look()
    dialog.rows["computing"].stop.click()
    dialog.look()
    assert not dialog.rows
    assert not dialog.nothing.isHidden()
    steps.drain()
    assert bench.session.beside is None


def test_time_left_is_said_when_something_is_known():
    assert time_left(Work("w", 0, 10, 0.0), 5.0) == ""
    assert time_left(Work("w", 5, 10, 0.0), 5.0) == "5 s left"
    assert time_left(Work("w", 1, 100, 0.0), 5.0) == "8 min left"
    assert time_left(Work("w", 1, 0, 0.0), 5.0) == ""


@pytest.fixture
def said(driver) -> NoticesDialog:
    driver.bench.tell(ReadError("The file 'Doe_Jane.dcm' is incomplete.", action="Copy it again."))
    driver.session.notice = Notice("A layer is large.", severity="warning")
    driver.window.act("help.notices")
    QApplication.processEvents()
    [found] = driver.window.findChildren(NoticesDialog)
    return found


def test_everything_that_was_said_is_listed_without_names(driver, said):
    words = [said.list.item(n).text() for n in range(said.list.count())]
    assert "A layer is large." in words[0]
    assert "incomplete. Copy it again." in words[1]
    assert "Doe" not in words[1]
    driver.bench.viewing.toggle_phi()
    driver.settle()
    assert "Doe_Jane" in said.list.item(1).text()


def test_details_have_no_names_and_no_paths_whatever_is_shown(driver, said):
    driver.bench.viewing.toggle_phi()
    said.copy.click()
    text = QApplication.clipboard().text()
    assert "incomplete" in text
    assert "Qt" in text
    assert "model tiny on cpu" in text
    assert "Doe" not in text
    assert not re.search(r"(/\w+){2,}", text.replace("Linux x86_64", ""))
    said.clear.click()
    assert said.list.count() == 0
    assert driver.session.said == ()


def test_nothing_said_is_said(driver):
    assert details(Session()).startswith("WhySlice ")
    driver.bench.noticing.clear()
    driver.window.act("help.notices")
    [dialog] = driver.window.findChildren(NoticesDialog)
    assert dialog.nothing.isVisible()
    driver.window.act("help.running")
    [dialog] = driver.window.findChildren(RunningDialog)
    assert dialog.nothing.isVisible()


@pytest.mark.parametrize(("took", "active", "wanted"), [(30, False, 1), (30, True, 0), (2, False, 0)])
def test_word_is_given_when_long_work_ends_behind_another_window(qtbot, monkeypatch, took, active, wanted):
    window, now, heard = QWidget(), [0.0], []
    qtbot.addWidget(window)
    monkeypatch.setattr(window, "isActiveWindow", lambda: active)
    notifier = Notifier(window, heard.append, lambda: now[0])
    session = Session()
    notifier.follow(session)
    session.work = Work("explaining the series")
    notifier.follow(session)
    now[0] += took
    notifier.follow(session)
    session.work = None
    notifier.follow(session)
    notifier.follow(session)
    assert len(heard) == wanted
    assert heard in ([], ["Done: explaining the series"])


def test_the_system_is_told_where_it_has_a_place_for_it(qtbot, monkeypatch):
    window, told = QWidget(), []
    qtbot.addWidget(window)
    monkeypatch.setattr("viewer.ui.notifier.QApplication", SimpleNamespace(alert=told.append))
    Notifier(window)._by_the_system("Done.")
    assert told == [window]
