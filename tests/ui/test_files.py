"""Qt's own file dialog, where the system has none, and what is said of a file that was saved."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QDir
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QLineEdit, QToolButton

from viewer.ui.dialogs import files
from viewer.ui.dialogs.file_dialog import SaveDialog


@pytest.fixture
def dialog(bare, tmp_path: Path):
    made = SaveDialog(bare.window, "Save figure", "stroke__relu4", {"png": "PNG", "pdf": "PDF", "svg": "SVG"})
    made.setDirectory(QDir(str(tmp_path)))
    yield made
    made.deleteLater()


def test_a_save_dialog_saves_and_its_tools_can_be_seen(dialog):
    assert dialog.labelText(QFileDialog.DialogLabel.LookIn) == "Save in:"
    dialog.show()
    for name in ("back", "forward", "toParent", "newFolder", "listMode", "detailMode"):
        tool = dialog.findChild(QToolButton, f"{name}Button")
        tool.setEnabled(True)
        image = tool.grab().toImage()
        places = [(x, y) for x in range(image.width()) for y in range(image.height())]
        seen = [image.pixelColor(x, y).lightness() for x, y in places]
        assert max(seen) - min(seen) > 60, name
    arrow = dialog.findChild(QToolButton, "backButton").icon().pixmap(16, 16).toImage()
    lit = [arrow.pixelColor(x, 8) for x in range(arrow.width())]
    assert min(colour.lightness() for colour in lit if colour.alpha() > 200) > 150


def test_a_name_gets_the_ending_of_the_chosen_kind_and_keeps_one_of_its_own(dialog):
    assert [Path(name).name for name in dialog.selectedFiles()] == ["stroke__relu4.png"]
    line = dialog.findChild(QLineEdit, "fileNameEdit")
    dialog.selectNameFilter("PDF (*.pdf)")
    dialog.filterSelected.emit("PDF (*.pdf)")
    assert line.text() == "stroke__relu4.pdf"
    for typed, meant in (("fig1", "fig1.pdf"), ("fig1.svg", "fig1.svg"), ("fig1.jpg", "fig1.jpg")):
        line.setText(typed)
        assert [Path(name).name for name in dialog.selectedFiles()] == [meant]


def save(driver, monkeypatch, path: Path) -> None:
    asked = []

    def answer(_window, _title, name, _kinds):
        asked.append(name)
        return path

    monkeypatch.setattr(files, "ask_for_name", answer)
    driver.window.act("case.save-figure")
    driver.settle()
    assert "relu2" in asked[0]


def test_a_saved_figure_is_named_with_its_folder_though_names_are_hidden_and_passes(
    driver, monkeypatch, tmp_path: Path
):
    save(driver, monkeypatch, tmp_path / "fig1.pdf")
    assert (tmp_path / "fig1.pdf").read_bytes().startswith(b"%PDF")
    bar = driver.window.notice
    assert driver.session.phi_hidden
    assert bar.sentence.text() == f"Saved 'fig1.pdf' in the folder '{tmp_path.name}'."
    shown = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: shown.append(url.toLocalFile()))
    bar.show_folder.click()
    assert shown == [str(tmp_path.resolve())]
    bar._passing.timeout.emit()
    driver.settle()
    assert driver.session.notice is None
    assert not bar.isVisible()
    assert driver.session.said[-1].notice.saved == tmp_path / "fig1.pdf"


def test_an_unknown_ending_is_refused_and_the_sentence_stays(driver, monkeypatch, tmp_path: Path):
    save(driver, monkeypatch, tmp_path / "fig1.jpg")
    assert list(tmp_path.iterdir()) == []
    bar = driver.window.notice
    assert bar.sentence.text().startswith("A figure is written as PNG, PDF or SVG")
    assert bar.show_folder.isHidden()
    assert not bar._passing.isActive()
