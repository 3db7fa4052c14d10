"""The strip that asks, and that closing keeps what was done last."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from tests.tiny import bright_spot
from viewer.controllers.workbench import Workbench
from viewer.foundation.job_runner import InlineRunner
from viewer.imaging.writing import write_nifti
from viewer.ui.main_window import MainWindow


@pytest.fixture
def folder(bare, tmp_path):
    """The session of a window that was closed right after the last word."""
    image = bright_spot(6)
    write_nifti(tmp_path / "Doe.nii.gz", image.voxels, image.geometry)
    home = tmp_path / "home"
    window = MainWindow(Workbench(InlineRunner()))
    window.bench.keeping.begin(folder=home)
    window.bench.opening.open(tmp_path / "Doe.nii.gz")
    window.bench.boxing.add(2, 3, 10, 12)
    window.bench.noting.write("the last word")
    window.close()
    window.deleteLater()
    return home


def test_the_strip_asks_without_a_name_and_restores(bare, folder):
    bare.bench.keeping.begin(folder=folder)
    bare.settle()
    strip = bare.window.restore
    assert strip.isVisible()
    assert "1 box, notes" in strip.sentence.full
    assert "Doe" not in strip.sentence.full
    QTest.mouseClick(strip.restore, Qt.MouseButton.LeftButton)
    bare.settle()
    assert not strip.isVisible()
    assert bare.session.notes.text == "the last word"
    assert bare.window.notes.field.toPlainText() == "the last word"


def test_not_now_takes_it_away_and_the_menu_still_has_it(bare, folder):
    action = bare.window.menus.actions["case.restore"]
    assert not action.isEnabled()
    bare.bench.keeping.begin(folder=folder)
    bare.settle()
    QTest.mouseClick(bare.window.restore.later, Qt.MouseButton.LeftButton)
    bare.settle()
    assert not bare.window.restore.isVisible()
    action.trigger()
    bare.settle()
    assert len(bare.session.boxes.drawn) == 1
