"""Films that are not what a chest model was made for, by hand: the window names each, and the rest goes on."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton

from tests.tiny_multilabel import write_tiny_labels_model
from viewer.imaging.dicom.radiograph import write_radiograph

FACTS = {"modality": "CR", "bits": 12, "pixel_mm": 0.5, "patient": "SYNTHETIC^FILM", "body_part": "CHEST"}


@pytest.fixture
def films(bare, user_folder):
    """The window with a model of several findings that says it was made for films from the front."""
    folder = write_tiny_labels_model(user_folder, "tiny-films")
    card = folder / "model.toml"
    wants = 'modality = ["CR", "DX"]\nbody_part = "chest"\nplane = "coronal"\n'
    card.write_text(card.read_text() + f"[applies_to]\n{wants}", encoding="utf-8")
    bare.bench.explaining.select_model("tiny-films")
    bare.settle()
    return bare


def film(size: int = 64) -> np.ndarray:
    """A bright square on a dark ground, 12 bits."""
    pixels = np.full((size, size), 40, np.uint16)
    pixels[size // 4 : size // 2, size // 4 : size // 2] = 4000
    return pixels


def opened(driver, path):
    driver.bench.opening.open(path)
    driver.settle()
    return driver.window


def button(parent, words):
    return next(
        each for each in parent.findChildren(QPushButton) if each.text() == words and each.isVisible()
    )


def test_a_lateral_film_is_named_and_asked_about(films, tmp_path):
    path = tmp_path / "lateral.dcm"
    write_radiograph(path, film(), description="Chest", view_position="LL", **FACTS)
    window = opened(films, path)
    assert "a lateral film (LL), made for frontal films" in window.may_read.text
    assert not films.session.reading or not films.session.reading.filled, "the network was not asked"
    QTest.mouseClick(button(window, "Show the answer all the same"), Qt.MouseButton.LeftButton)
    films.settle()
    assert films.session.reading.filled
    assert "Do not read" in window.may_read.text


def test_a_colour_photograph_is_named_and_can_be_read_alone(films, tmp_path):
    rows, columns = np.mgrid[0:48, 0:64] / 64
    colours = np.stack([rows, columns, 1 - rows], axis=-1)
    Image.fromarray((colours * 255).astype(np.uint8)).save(tmp_path / "holiday.jpg")
    window = opened(films, tmp_path / "holiday.jpg")
    assert "a colour picture" in window.may_read.text
    QTest.mouseClick(button(window, "Read the image alone"), Qt.MouseButton.LeftButton)
    films.settle()
    assert films.session.case is not None
    assert not films.session.reading or not films.session.reading.filled


def test_a_film_of_4000_pixels_is_read_and_mapped(films, tmp_path):
    path = tmp_path / "large.dcm"
    write_radiograph(path, film(4000), description="Chest", view_position="PA", **{**FACTS, "pixel_mm": 0.1})
    window = opened(films, path)
    assert films.session.case.image.voxels.shape == (1, 4000, 4000)
    entry = films.canvas.findings.view.entries[0]
    assert entry.name == "bright"
    assert entry.values.shape == (4000, 4000)
    assert 1000 <= entry.peak[0] < 2000
    assert "Read" in window.may_read.text


def test_burned_in_words_are_said_beside_the_picture(films, tmp_path):
    words = Image.fromarray(film().astype(np.int32))
    ImageDraw.Draw(words).text((2, 50), "WARD 3", fill=4095)
    path = tmp_path / "words.dcm"
    burned = np.asarray(words, dtype=np.uint16)
    write_radiograph(path, burned, description="Chest", view_position="PA", burned_in=True, **FACTS)
    window = opened(films, path)
    assert window.burned_in.isVisible()
    assert films.session.reading.filled, "the film is explained all the same"


def test_unknown_labels_and_missing_films_of_a_table_are_named_and_the_rest_goes_on(films, tmp_path):
    folder = tmp_path / "cohort"
    folder.mkdir()
    for name in ("one", "two"):
        Image.fromarray((film() // 16).astype(np.uint8)).save(folder / f"{name}.png")
    rows = ("one.png,a,bright", "gone.png,b,dark", "two.png,c,Moonstone; bright")
    (folder / "cohort.csv").write_text("path,case,label\n" + "\n".join(rows) + "\n", encoding="utf-8")
    films.bench.cohorts.jobs = 0
    films.bench.cohorts.open(folder)
    films.settle()
    panel = films.window.stage.cohort
    assert "1 row of the table cannot be used" in panel.words.full
    panel.pixels.setChecked(False)
    QTest.mouseClick(panel.run, Qt.MouseButton.LeftButton)
    films.settle()
    cells = [[panel.table.item(row, column).text() for column in range(6)] for row in range(3)]
    assert [row[1] for row in cells] == ["bright", "bright", "—"]
    assert cells[0][5] == ""
    assert "Moonstone" in cells[1][5]
    assert "no class of the model" in cells[1][5]
    assert cells[2][5], "why the missing film was skipped"
    assert panel.filters["skipped"].text() == "skipped 1"
