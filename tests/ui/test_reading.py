"""Hands on the window: every gesture and key arrives in the state, and what is shown follows without a network pass."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel

from tests.tiny import bright_spot
from viewer.actions.table import ACTIONS
from viewer.imaging.geometry import Geometry
from viewer.imaging.image import MedicalImage, PatientInfo
from viewer.models.card import AppliesTo
from viewer.state.session import DIFFERENCE
from viewer.ui.panels.card import Elided

CTRL, SHIFT, ALT = (
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.AltModifier,
)
MIDDLE, RIGHT = Qt.MouseButton.MiddleButton, Qt.MouseButton.RightButton


def words(widget) -> str:
    """Everything that the labels of a widget say."""
    found = [
        label.full if isinstance(label, Elided) else label.text() for label in widget.findChildren(QLabel)
    ]
    return " | ".join(found)


def test_the_series_is_explained_and_every_panel_shows_it(driver, passes):
    window = driver.window
    assert sorted(passes) == list(range(9))
    assert window.screen_.canvas.map is not None
    assert "slice 5 / 9" in window.facts.full
    assert "slice 5 of 9" in words(window.prediction)
    assert len(window.rail.tiles) == len(driver.session.model.layers)
    assert set(window.explainer.buttons) == {"stroke", "no stroke", DIFFERENCE}
    assert window.may_read.text.startswith(("Readable", "Read with care"))
    assert "9 × 32 × 32" in words(window.case_panel)
    assert "runs on" in words(window.status)


# --- mouse ----------------------------------------------------------------------------------------------------------


def test_the_wheel_scrolls_slices_and_several_notches_are_one_step(driver, passes):
    before = len(passes)
    driver.wheel(1)
    driver.settle()
    assert driver.session.view.slice == 5
    for _ in range(3):
        driver.wheel(-1)
    assert driver.session.view.slice == 5, "coalesced until the event loop turns"
    driver.settle()
    assert driver.session.view.slice == 2
    driver.wheel(0.5)
    driver.settle()
    driver.wheel(0.5)
    driver.settle()
    assert driver.session.view.slice == 3, "two halves of a notch of a touch pad are one"
    assert len(passes) == before


def test_ctrl_wheel_zooms_and_shift_wheel_changes_the_opacity_on_either_axis(driver):
    width = driver.picture.picture_rect().width()
    driver.wheel(2, CTRL)
    assert driver.picture.picture_rect().width() > 1.2 * width
    assert driver.session.view.slice == 4
    driver.wheel(-2, SHIFT)
    assert driver.session.overlay.opacity == pytest.approx(0.6)
    driver.wheel(1, SHIFT, sideways=True)
    assert driver.session.overlay.opacity == pytest.approx(0.65)
    assert driver.session.view.slice == 4


@pytest.mark.parametrize(
    ("button", "held"), [(MIDDLE, Qt.KeyboardModifier.NoModifier), (Qt.MouseButton.LeftButton, ALT)]
)
def test_middle_or_alt_drag_pans(driver, button, held):
    before = driver.at(10, 10)
    driver.drag(QPointF(200, 200), QPointF(240, 170), button, held)
    after = driver.at(10, 10)
    assert (after.x() - before.x(), after.y() - before.y()) == pytest.approx((40, -30), abs=1)
    assert driver.session.view.cursor is None


def test_right_drag_zooms_and_double_click_fits(driver):
    width = driver.picture.picture_rect().width()
    driver.drag(QPointF(200, 200), QPointF(200, 120), RIGHT)
    assert driver.picture.picture_rect().width() > 1.1 * width
    QTest.mouseDClick(driver.picture, Qt.MouseButton.LeftButton)
    assert driver.picture.picture_rect().width() == pytest.approx(width, abs=1)


def test_right_click_without_a_drag_opens_our_menu(driver):
    QTest.mouseClick(driver.picture, RIGHT)
    menu = QApplication.activePopupWidget()
    assert menu is not None
    assert [action.text() for action in menu.actions()] == ["Map", "View", "Input", "Boxes"]
    menu.close()


def test_left_drag_puts_the_crosshair_where_the_mouse_is_and_shift_does_the_window(driver):
    driver.drag(driver.at(5, 5), driver.at(12.5, 20.5))
    assert driver.session.view.cursor == pytest.approx((12.0, 20.0), abs=0.2)
    assert driver.canvas.crosshair.cursor == driver.session.view.cursor
    window, cursor = driver.session.view.window, driver.session.view.cursor
    driver.drag(driver.at(16, 8), driver.at(16, 20), held=SHIFT)
    assert driver.session.view.window.width > window.width
    assert driver.session.view.cursor == cursor


def test_the_crosshair_speaks_of_the_patient(driver):
    driver.drag(driver.at(5, 5), driver.at(12.5, 20.5))
    assert "L 20" in driver.window.facts.full
    assert "P 12" in driver.window.facts.full


# --- keys -----------------------------------------------------------------------------------------------------------


def test_keys_of_the_canvas_work_while_it_has_the_focus(driver, passes):
    before = len(passes)
    key = Qt.Key
    for pressed, held, check in (
        (key.Key_Up, None, lambda s: s.view.slice == 5),
        (key.Key_Down, None, lambda s: s.view.slice == 4),
        (key.Key_Home, None, lambda s: s.view.slice == 0),
        (key.Key_End, None, lambda s: s.view.slice == 8),
        (key.Key_P, None, lambda s: s.view.slice == 4),
        (key.Key_Left, None, lambda s: s.choice.layer == "conv2"),
        (key.Key_Right, None, lambda s: s.choice.layer == "relu2"),
        (key.Key_Right, SHIFT, lambda s: s.choice.explainer == "grad-cam++"),
        (key.Key_Left, SHIFT, lambda s: s.choice.explainer == "grad-cam"),
        (key.Key_T, None, lambda s: s.choice.target == "no stroke"),
        (key.Key_O, None, lambda s: not s.overlay.visible),
        (key.Key_G, None, lambda s: s.overlay.true_grid),
        (key.Key_I, None, lambda s: s.view.seen),
        (key.Key_B, None, lambda s: s.view.drawing),
        (key.Key_Escape, None, lambda s: not s.view.drawing),
    ):
        driver.key(pressed, held or Qt.KeyboardModifier.NoModifier)
        assert check(driver.session), pressed
    assert len(passes) == before


def test_keys_of_the_canvas_are_deaf_elsewhere(driver):
    driver.window.overlay.opacity.setFocus()
    QTest.keyClick(driver.window.overlay.opacity, Qt.Key.Key_T)
    assert driver.session.choice.target == "stroke"


def test_space_hides_the_map_while_it_is_held(driver):
    QTest.keyPress(driver.picture, Qt.Key.Key_Space)
    driver.settle()
    assert not driver.session.overlay.visible
    assert not driver.picture.overlay.visible
    QTest.keyRelease(driver.picture, Qt.Key.Key_Space)
    driver.settle()
    assert driver.session.overlay.visible
    assert driver.picture.overlay.visible
    QTest.keyPress(driver.picture, Qt.Key.Key_Space)
    driver.window.model.models.setFocus()
    driver.settle()
    assert driver.session.overlay.visible, "the map comes back when the focus goes elsewhere"


def test_space_leaves_a_hidden_map_hidden(driver):
    driver.bench.viewing.show_overlay(False)
    QTest.keyClick(driver.picture, Qt.Key.Key_Space)
    driver.settle()
    assert not driver.session.overlay.visible


# --- panels ---------------------------------------------------------------------------------------------------------


def test_strip_click_and_keys_go_to_the_slice(driver):
    plot = driver.window.strip.plot
    for index in (0, 3, 8):
        QTest.mouseClick(plot, Qt.MouseButton.LeftButton, pos=QPointF(plot.x_of(index), 30).toPoint())
        driver.settle()
        assert driver.session.view.slice == index
    QTest.keyClick(plot, Qt.Key.Key_Left)
    assert driver.session.view.slice == 7
    driver.wheel(-1, on=plot)
    assert driver.session.view.slice == 6


def test_switching_explainer_class_and_layer_costs_no_pass(driver, passes):
    before, window, session = len(passes), driver.window, driver.session
    shown = window.screen_.map
    window.explainer.explainers.setCurrentIndex(2)
    window.explainer.explainers.activated.emit(2)
    driver.settle()
    assert session.choice.explainer == "layer-cam"
    for name in ("no stroke", DIFFERENCE, "stroke"):
        QTest.mouseClick(window.explainer.buttons[name], Qt.MouseButton.LeftButton)
        driver.settle()
        assert session.choice.target == name
        assert window.explainer.buttons[name].isChecked()
    QTest.mouseClick(window.rail.tiles[0], Qt.MouseButton.LeftButton)
    driver.settle()
    assert session.choice.layer == session.model.layers[0].name
    assert window.screen_.map is not shown
    assert len(passes) == before


def test_sliders_change_table_and_opacity_but_no_number(driver, passes):
    before, window, picture = len(passes), driver.window, driver.picture
    found, values, image = window.screen_.map, picture.overlay.values, picture.background.pixels
    rail = window.screen_.rail
    window.overlay.opacity.setValue(30)
    driver.settle()
    assert driver.session.overlay.opacity == pytest.approx(0.3)
    assert picture.overlay.opacity == pytest.approx(0.3)
    window.overlay.threshold.setValue(60)
    driver.settle()
    assert driver.session.overlay.threshold == pytest.approx(0.6)
    assert (picture.overlay.table[: len(picture.overlay.table) // 2, 3] == 0).all()
    assert window.screen_.map is found
    assert picture.overlay.values is values
    assert picture.background.pixels is image
    assert window.screen_.rail is rail
    assert len(passes) == before


def test_the_sliders_follow_the_state(driver):
    driver.bench.viewing.set_opacity(0.25)
    driver.bench.viewing.set_scale("slice")
    driver.bench.viewing.set_colour_map("viridis")
    driver.settle()
    overlay = driver.window.overlay
    assert overlay.opacity.value() == 25
    assert overlay.scale.currentData() == "slice"
    assert overlay.colour_map.currentText() == "viridis"
    assert "25 %" in words(overlay)


def test_unchanged_panels_are_not_drawn_again(driver):
    rail, strip = driver.window.screen_.rail, driver.window.screen_.strip
    driver.bench.viewing.set_cursor(3, 3)
    driver.settle()
    assert driver.window.screen_.rail is rail
    assert driver.window.screen_.strip is strip


def test_many_changes_are_one_refresh(driver, qtbot):
    count = []
    driver.window.refreshed.connect(lambda: count.append(1))
    for value in range(30):
        driver.bench.viewing.set_opacity(value / 30)
        driver.bench.viewing.step(1 if value % 2 else -1)
    driver.settle()
    assert len(count) == 1


def test_mirroring_shows_an_inset_with_swapped_letters_and_leaves_the_patient(driver):
    before = driver.picture.background.pixels.copy()
    letters = driver.canvas.letters.letters
    QTest.mouseClick(driver.window.input.mirror, Qt.MouseButton.LeftButton)
    driver.settle()
    inset = driver.canvas.inset
    assert inset.isVisible()
    assert inset.inset.background.mark == "MIRRORED INPUT"
    assert inset.letters[:2] == (letters[1], letters[0])
    assert inset.letters[2:] == letters[2:]
    assert driver.canvas.letters.letters == letters
    assert driver.picture.background.pixels == before
    driver.bench.opening.show(bright_spot(3))
    driver.settle()
    assert not inset.isVisible(), "gone with the next case"


def test_what_the_network_saw_is_marked_and_hides_the_boxes(driver):
    driver.bench.boxing.add(4, 4, 12, 12)
    driver.settle()
    assert driver.canvas.boxes.marks
    QTest.mouseClick(driver.window.input.seen, Qt.MouseButton.LeftButton)
    driver.settle()
    assert driver.canvas.words.mark.startswith("WHAT THE NETWORK SAW")
    assert driver.canvas.boxes.marks == ()
    assert driver.picture.shape == (32, 32)
    driver.canvas.setFocus()
    driver.key(Qt.Key.Key_I)
    assert driver.canvas.words.mark == ""
    assert driver.canvas.boxes.marks


def test_the_crop_button_offers_the_rules(driver):
    offered = [action for action in driver.window.input.crop.menu().actions() if action.isVisible()]
    assert len(offered) == 3
    for action in offered:
        action.trigger()
        driver.settle()
        assert action.isChecked()
    assert driver.session.choice.crop == "percentile"
    assert "70th" in driver.window.input.crop.text()


def test_an_image_without_orientation_has_no_letters_and_says_so(driver):
    image = MedicalImage(np.random.default_rng(0).random((1, 20, 30)), Geometry.unoriented((1, 20, 30)))
    driver.bench.opening.show(image)
    driver.settle()
    assert driver.canvas.letters.letters is None
    assert driver.canvas.words.side_unknown
    assert "side unknown" in driver.window.facts.full
    assert not driver.window.strip.isVisible(), "one picture has no strip"


def test_where_another_model_was_made_for_the_image_one_click_takes_it(driver, monkeypatch):
    session, advice = driver.session, driver.window.advice
    card = next(each for each in session.models if each.id == "tiny")
    films = replace(card, id="films", name="For films", applies_to=AppliesTo(modality=("CR",)))
    session.models = (card, films)
    taken = []
    monkeypatch.setattr(driver.bench.explaining, "select_model", taken.append)
    driver.bench.opening.show(bright_spot(3, modality="CR"))
    driver.settle()
    assert advice.isVisible()
    assert advice.other.text() == "Take films, made for such images"
    assert advice.other.geometry().bottom() < advice.confirm.geometry().top(), "nothing lies over it"
    QTest.mouseClick(advice.other, Qt.MouseButton.LeftButton)
    assert taken == ["films"]


def test_the_overlay_says_where_its_full_colour_comes_from(driver):
    scale = driver.window.overlay.scale
    assert scale.currentText() == "model reference"
    driver.bench.explaining.select_layer("conv1")
    driver.settle()
    assert driver.window.screen_.canvas.map.scale_label == "series maximum"
    assert scale.currentText() == "series (no reference)"


def test_a_model_that_was_not_made_for_the_image_asks_first_and_leaves_its_mark(driver, passes):
    before, canvas, window = len(passes), driver.canvas, driver.window
    driver.bench.opening.show(bright_spot(3, modality="CT"))
    driver.settle()
    assert len(passes) == before
    assert window.advice.isVisible()
    assert "made for MR" in words(window.advice)
    assert window.advice.other.isHidden(), "there is no model that was made for it"
    assert "No map" in window.may_read.text
    assert not canvas.words.watermark
    QTest.mouseClick(window.advice.confirm, Qt.MouseButton.LeftButton)
    driver.settle()
    assert not window.advice.isVisible()
    assert canvas.words.watermark == "MODEL NOT MADE FOR THIS IMAGE"
    assert window.may_read.text.startswith("Do not read this map")
    assert len(passes) == before + 3
    driver.bench.opening.show(bright_spot(3))
    driver.settle()
    assert not canvas.words.watermark


def test_patient_data_is_shown_only_when_it_is_not_hidden(driver):
    image = bright_spot(3)
    object.__setattr__(image, "patient", PatientInfo(name="Doe^Jane", identifier="4711"))
    driver.bench.opening.show(image)
    driver.settle()
    assert "Doe" not in words(driver.window.case_panel)
    QTest.mouseClick(driver.window.top.phi, Qt.MouseButton.LeftButton)
    driver.settle()
    assert "Doe, Jane" in words(driver.window.case_panel)
    QTest.mouseClick(driver.window.top.phi, Qt.MouseButton.LeftButton)
    driver.settle()
    assert "Doe" not in words(driver.window)


# --- the table of actions -------------------------------------------------------------------------------------------


def test_menus_and_shortcuts_are_those_of_the_table(driver):
    menus = driver.window.menus
    assert set(menus.actions) == {action.id for action in ACTIONS}
    bar = menus.bar()
    entries = [entry for top in bar.actions() for entry in top.menu().actions()]
    inner = [below for entry in entries if entry.menu() for below in entry.menu().actions()]
    shown = [entry.text() for entry in (*entries, *inner) if not entry.menu()]
    session = driver.session
    assert sorted(shown) == sorted(a.label(session) if a.label else a.text for a in ACTIONS)
    for action in ACTIONS:
        made = menus.actions[action.id]
        assert made.toolTip() == f"{action.tip} {action.reason(session)}".strip()
        assert made.shortcut().isEmpty() == (not action.shortcut)
        assert made.isEnabled() == action.is_enabled(session)


def test_a_failing_verb_becomes_a_notice(driver):
    driver.window.model.models.addItem("gone", "no-such-model")
    driver.window.model.models.activated.emit(driver.window.model.models.count() - 1)
    driver.settle()
    assert "no-such-model" in driver.window.notice.sentence.text()
    assert driver.window.notice.isVisible()
    QTest.mouseClick(driver.window.notice.dismiss, Qt.MouseButton.LeftButton)
    driver.settle()
    assert not driver.window.notice.isVisible()


def test_every_control_has_a_name_and_a_tooltip(driver):
    from PySide6.QtWidgets import QAbstractButton, QComboBox, QSlider

    window = driver.window
    controls = [
        control
        for kind in (QAbstractButton, QComboBox, QSlider)
        for control in window.findChildren(kind)
        if control.isVisible() and not control.objectName().startswith("qt_")
    ]
    assert len(controls) > 10
    nameless = [c for c in controls if not (c.accessibleName() and c.toolTip()) and c.parent() is not None]
    nameless = [
        c for c in nameless if type(c).__name__ not in ("QTableCornerButton", "QComboBoxPrivateScroller")
    ]
    assert [
        (type(c).__name__, c.objectName()) for c in nameless if type(c).__module__.startswith("PySide6")
    ] == []


def test_the_wheel_over_a_chooser_chooses_nothing(driver):
    driver.wheel(-1, on=driver.window.explainer.explainers)
    driver.wheel(-1, on=driver.window.overlay.scale)
    driver.settle()
    assert driver.session.choice.explainer == "grad-cam"
    assert driver.session.overlay.scale == "reference"


@pytest.mark.parametrize("size", [(1020, 700), (1440, 980)])
def test_no_control_lies_over_another(driver, size):
    """At the least size and the usual one, what stands in the right column stands below what is above it."""
    driver.window.resize(*size)
    driver.settle()
    window = driver.window
    column = [window.model, window.prediction, window.explainer, window.rail, window.overlay, window.input]
    for above, below in pairwise(column):
        assert above.geometry().bottom() < below.geometry().top()
    for panel in (window.overlay, window.input, window.explainer):
        assert panel.height() >= panel.minimumSizeHint().height()


def test_the_image_can_be_read_where_the_model_was_not_made_for_it(driver):
    driver.bench.opening.show(bright_spot(3, modality="CT"))
    driver.settle()
    QTest.mouseClick(driver.window.advice.leave, Qt.MouseButton.LeftButton)
    driver.bench.viewing.step(1)
    driver.settle()
    assert not driver.window.advice.isVisible()
    assert driver.window.screen_.map is None
    driver.bench.opening.show(bright_spot(4, modality="CT"))
    driver.settle()
    assert driver.window.advice.isVisible(), "asked again for another case"
