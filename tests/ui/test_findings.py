"""Several findings on one picture by hand: switches, legend, readers' boxes; the key for all together."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt

from tests.tiny import bright_spot
from tests.tiny_multilabel import SPOTS, write_tiny_labels_model
from viewer.evaluation.regions import Region
from viewer.imaging.image import MedicalImage
from viewer.state.case import Truth
from viewer.state.findings_view import legend_words

REGIONS = (
    Region(6, 20, 10, 25, "bright", "A", 2),
    Region(6, 20, 10, 24, "bright", "B", 2),
    Region(20, 6, 24, 10, "dark", "B", 2),
)


@pytest.fixture
def film(bare, user_folder):
    """The window with a bright and a dark finding on slice 2, marked by two readers."""
    write_tiny_labels_model(user_folder)
    image = bright_spot()
    voxels = image.voxels.copy()
    for slice_, row, column, value in SPOTS.values():
        voxels[slice_, row : row + 4, column : column + 4] = value
    found = MedicalImage(voxels, image.geometry, modality="MR")
    bare.bench.opening.show(found, truth=Truth(np.zeros(5, bool), REGIONS, readers=("A", "B")))
    bare.bench.explaining.select_model("tiny-labels")
    bare.bench.viewing.select_slice(2)
    bare.settle()
    bare.canvas.setFocus()
    return bare


def layers(driver):
    return [layer for layer in driver.picture.layers if layer.visible]


def test_all_probable_findings_are_shown_with_a_legend_and_no_colour_bar(film):
    assert len(layers(film)) == 2
    assert not film.picture.overlay.visible
    assert not film.canvas.bar.isVisible()
    found = film.canvas.findings.view
    assert [legend_words(entry).split("  ")[0] for entry in found.entries] == ["1 bright", "2 dark"]
    colours = {tuple(layer.table[-1][:3]) for layer in layers(film)}
    assert len(colours) == 2
    assert film.window.findings.isVisible()
    assert "Read" in film.window.may_read.text


def test_each_is_switched_by_its_own_box(film):
    box = film.window.findings.checks["bright"]
    box.click()
    film.settle()
    assert len(layers(film)) == 1
    assert "hidden" in legend_words(film.canvas.findings.view.entries[0])
    film.window.findings.checks["bright"].click()
    film.settle()
    assert len(layers(film)) == 2


def test_the_threshold_decides_which_have_a_map(film):
    film.window.findings.least.setValue(0.0)
    film.settle()
    assert list(film.window.findings.checks) == ["bright", "dark", "grey"]
    film.window.findings.least.setValue(1.0)
    film.settle()
    assert layers(film) == []
    assert film.window.findings.checks == {}


def test_f_shows_one_class_and_all_again(film):
    film.key(Qt.Key.Key_F)
    assert layers(film) == []
    assert film.picture.overlay.visible
    assert film.canvas.bar.isVisible()
    film.key(Qt.Key.Key_F)
    assert len(layers(film)) == 2


def test_space_hides_all_of_them(film):
    film.bench.viewing.show_overlay(False)
    film.settle()
    assert layers(film) == []
    assert not film.picture.overlay.visible


def test_a_class_button_looks_at_that_class_alone(film):
    film.window.explainer.buttons["grey"].click()
    film.settle()
    assert not film.session.findings.together
    assert not film.window.findings.together.isChecked()


def test_long_names_of_classes_are_whole_when_chosen(film):
    panel = film.window.explainer
    panel._make_buttons(["Aortic enlargement", "Pulmonary fibrosis", "No finding"])
    film.settle()
    for name, button in panel.buttons.items():
        button.setChecked(True)
        film.settle()
        assert button.text() == name
        image = button.grab().toImage()
        fill = image.pixelColor(3, button.height() // 2)
        for column in (4, 5, image.width() - 6, image.width() - 5):
            # Letters that are cut reach to the frame and its padding, 4 pixels.
            for row in range(7, image.height() - 7):
                assert image.pixelColor(column, row) == fill, (name, column, row)


def test_readers_boxes_are_chosen_in_the_menu(film):
    panel = film.window.boxes
    assert panel.shown.isVisible()
    panel._shown_menu.aboutToShow.emit()
    actions = {action.text(): action for action in panel._shown_menu.actions()}
    assert [name for name in ("bright", "dark", "A", "B") if actions[name].isChecked()] == [
        "bright",
        "dark",
        "A",
        "B",
    ]
    actions["B"].trigger()
    film.settle()
    assert [mark.region.reader for mark in film.canvas.boxes.marks if mark.kind == "reader"] == ["A"]
    actions["Show all"].trigger()
    film.settle()
    assert len([mark for mark in film.canvas.boxes.marks if mark.kind == "reader"]) == 3


def test_where_classes_exclude_each_other_there_is_no_such_panel(driver):
    assert not driver.window.findings.isVisible()
    driver.key(Qt.Key.Key_F)
    assert not driver.session.findings.together


def test_compare_under_noise_is_one_action(film):
    film.bench.explaining.select_target("bright")
    film.window.act("map.under-noise")
    film.settle()
    assert film.session.workspace == "compare"
    titles = [cell.tile.title for cell in film.window.stage.compare.cells[0]]
    assert titles[0].endswith("Grad-CAM")
    assert titles[1].endswith("10% noise")
    assert titles[2].endswith("20% noise")
    assert all(not cell.tile.missing for row in film.window.stage.compare.cells for cell in row)
    assert not film.window.stage.compare.all.isVisible()
