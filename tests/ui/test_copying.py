"""The clipboard, the full screen, recent cases in the menu, and a drop on the notes."""

from __future__ import annotations

from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QApplication

from tests.tiny import bright_spot
from viewer.imaging.writing import write_nifti
from viewer.state.reference import Reference

CTRL = Qt.KeyboardModifier.ControlModifier


def test_the_view_goes_to_the_clipboard_without_the_patient(driver, monkeypatch):
    seen = []
    real = driver.window._image.grab
    monkeypatch.setattr(
        driver.window._image, "grab", lambda: seen.append(driver.session.phi_hidden) or real()
    )
    driver.bench.viewing.toggle_phi()
    driver.settle()
    driver.key(Qt.Key.Key_C, CTRL)
    assert seen == [True]
    assert not driver.session.phi_hidden
    image = QApplication.clipboard().image()
    assert image.width() == driver.window._image.width()
    assert (
        len({image.pixel(x, y) for x in range(0, image.width(), 9) for y in range(0, image.height(), 9)}) > 10
    )
    assert "without patient data" in driver.window.notice.sentence.text()


def test_f11_is_full_screen_and_back(driver):
    driver.key(Qt.Key.Key_F11)
    assert driver.window.isFullScreen()
    assert driver.window.menus.actions["view.full-screen"].isChecked()
    driver.key(Qt.Key.Key_F11)
    assert not driver.window.isFullScreen()
    driver.window.showFullScreen()
    driver.settle()
    assert driver.session.full_screen, "the window manager may do it too"


def test_recent_cases_are_in_the_menu_without_names_until_they_are_shown(driver, tmp_path):
    image = bright_spot(4)
    write_nifti(tmp_path / "Doe.nii.gz", image.voxels, image.geometry)
    action = driver.window.menus.actions["case.recent-1"]
    assert not action.isVisible()
    driver.session.recent = (Reference(tmp_path / "Doe.nii.gz", "s1", "MR", (4, 32, 32), "1 May 10:00"),)
    driver.settle()
    assert action.isVisible()
    assert action.text() == "MR · 4 × 32 × 32 · 1 May 10:00"
    driver.bench.viewing.toggle_phi()
    driver.settle()
    assert action.text().startswith("Doe.nii.gz")
    action.trigger()
    driver.settle()
    assert driver.session.case.slices == 4


def test_a_file_that_is_dropped_on_the_notes_is_opened(driver, tmp_path):
    image = bright_spot(4)
    write_nifti(tmp_path / "head.nii.gz", image.voxels, image.geometry)
    driver.bench.viewing.show_tab("notes")
    driver.settle()
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "head.nii.gz"))])
    field = driver.window.notes.field
    assert not field.acceptDrops()
    assert not field.viewport().acceptDrops()
    at = field.mapTo(driver.window, QPoint(5, 5)).toPointF()
    event = QDropEvent(
        at, Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    driver.window.dropEvent(event)
    driver.settle()
    assert driver.session.case.slices == 4
