"""Every explainer with real widgets: chosen, set, computed, stopped, resumed, shown; in no one's way."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit

from tests.tiny import bright_spot, write_tiny_segmentation
from tests.ui.conftest import Driver
from viewer.controllers import engine
from viewer.state.method import FIRST, menu
from viewer.state.session import DIFFERENCE


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether an explanation begins by itself must not depend on how busy the machine is."""
    monkeypatch.setattr(engine, "_pass_seconds", lambda _: 1e-4)


def entry(driver: Driver, name: str):
    box = driver.window.explainer.explainers
    return box.model().item(box.findData(name))


def pick(driver: Driver, name: str) -> None:
    box = driver.window.explainer.explainers
    box.setCurrentIndex(box.findData(name))
    box.activated.emit(box.findData(name))
    driver.settle()


def test_three_come_first_then_the_others_by_family(driver: Driver) -> None:
    box = driver.window.explainer.explainers
    names = [box.itemData(row) for row in range(box.count())]
    assert tuple(names[:3]) == FIRST
    assert [name for name in names if name] == menu()
    heads = [box.itemText(row) for row in range(box.count()) if box.itemData(row) is None]
    assert all(head.startswith("more: ") for head in heads)
    assert "brightness" in names  # which a plugin brings along with the model
    assert not any(box.model().item(row).isEnabled() for row, name in enumerate(names) if name is None)


def test_what_the_network_lacks_is_grey_with_the_reason(driver: Driver) -> None:
    for name, word in (("seg-grad-cam", "no segmentation network"), ("mc-dropout", "no dropout layers")):
        item = entry(driver, name)
        assert not item.isEnabled()
        assert word in item.toolTip()
        assert item.text().endswith("(not here)")
    assert entry(driver, "smoothgrad").isEnabled()
    assert entry(driver, "cam").isEnabled()
    driver.bench.explaining.select_layer("relu1")
    driver.settle()
    assert not entry(driver, "cam").isEnabled()


def test_equals_and_warnings_are_said_in_the_menu_and_above_the_image(driver: Driver) -> None:
    assert entry(driver, "hires-cam").text() == "HiResCAM  (same map as Grad-CAM and XGrad-CAM)"
    assert "Adebayo" in entry(driver, "deconvnet").toolTip()
    assert not entry(driver, "deconvnet").icon().isNull()
    pick(driver, "hires-cam")
    assert "same map as Grad-CAM and XGrad-CAM on this layer" in driver.window.may_read.text
    pick(driver, "deconvnet")
    assert "hardly depends on what the network has learned" in driver.window.may_read.text
    driver.bench.explaining.select_explainer("grad-cam++")
    driver.bench.explaining.select_layer("relu1")
    driver.settle()
    assert entry(driver, "hires-cam").text() == "HiResCAM"


def test_the_keyboard_goes_through_what_the_network_has(driver: Driver) -> None:
    seen = []
    for _ in menu():
        driver.key(Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
        seen.append(driver.session.choice.explainer)
        assert driver.window.explainer.explainers.currentData() == seen[-1]
        assert driver.session.notice is None
    assert "seg-grad-cam" not in seen
    assert "gradient-shap" in seen
    driver.key(Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert driver.session.choice.explainer != seen[-1]


def test_an_explainer_of_the_input_chooses_no_layer(driver: Driver) -> None:
    rail = driver.window.rail
    pick(driver, "gradient")
    assert rail.no_layer.isVisible()
    assert "looks at the input" in rail.no_layer.text()
    assert not any(tile.isVisible() or tile.is_chosen for tile in rail.tiles)
    assert not driver.window.menus.actions["map.next-layer"].isEnabled()
    layer = driver.session.choice.layer
    driver.key(Qt.Key.Key_Left)
    assert driver.session.choice.layer == layer
    assert driver.window.screen_.map.raw.shape == (32, 32)
    assert "gradient · input · stroke · logit" in driver.window.facts.full
    pick(driver, "grad-cam")
    assert not rail.no_layer.isVisible()
    assert any(tile.is_chosen for tile in rail.tiles)


def test_an_expensive_one_waits_for_its_button(driver: Driver) -> None:
    row = driver.window.explainer.asking
    assert not row.button.isVisible()
    assert row.words.full == "from the one pass, without waiting"
    driver.session.support = replace(driver.session.support, pass_seconds=1.0)
    pick(driver, "smoothgrad")
    assert row.words.full == "about 50 s on this slice"
    assert row.button.text() == "Compute"
    assert "not computed" in driver.window.may_read.text
    QTest.mouseClick(row.button, Qt.MouseButton.LeftButton)
    driver.settle()
    assert not row.button.isVisible()
    assert driver.window.screen_.map is not None
    assert driver.window.screen_.map.scale_label == "maximum of 1 of 9 slices"
    QTest.mouseClick(row.series, Qt.MouseButton.LeftButton)
    driver.settle()
    assert driver.window.screen_.map.scale_label == "series maximum"


def test_stop_and_resume_with_the_mouse(bare: Driver, steps_in_window) -> None:
    driver, steps = steps_in_window
    row = driver.window.explainer.asking
    driver.bench.explaining.set_parameters("smoothgrad", {"samples": 100})
    pick(driver, "smoothgrad")
    steps.step("compute")
    driver.settle()
    assert row.words.full.startswith("32 / 100 samples")
    assert row.bar.isVisible()
    assert (row.bar.value(), row.bar.maximum()) == (32, 100)
    assert "unfinished, 32 of 100" in driver.window.may_read.text
    assert row.button.text() == "Cancel"
    QTest.mouseClick(row.button, Qt.MouseButton.LeftButton)
    steps.drain()
    driver.settle()
    assert row.words.full == "stopped at 32 of 100 samples"
    assert row.button.text() == "Resume"
    assert driver.window.screen_.map is not None
    QTest.mouseClick(row.button, Qt.MouseButton.LeftButton)
    steps.drain()
    driver.settle()
    assert not row.button.isVisible()
    assert "unfinished" not in driver.window.may_read.text


@pytest.fixture
def steps_in_window(qtbot, tiny_model):
    """A window whose jobs wait for the test."""
    from tests.controllers.conftest import StepRunner
    from viewer.controllers.workbench import Workbench
    from viewer.ui.main_window import MainWindow

    steps = StepRunner()
    window = MainWindow(Workbench(steps))
    window.resize(1300, 900)
    qtbot.addWidget(window)
    window.show()
    qtbot.waitExposed(window)
    driver = Driver(qtbot, window)
    driver.bench.opening.show(bright_spot(3))
    driver.bench.explaining.select_model("tiny")
    steps.drain()
    driver.settle()
    return driver, steps


def test_the_form_is_made_from_the_declaration(driver: Driver) -> None:
    pick(driver, "smoothgrad")
    panel = driver.window.explainer
    QTest.mouseClick(panel.parameters, Qt.MouseButton.LeftButton)
    form = panel.form
    assert list(form.fields) == ["samples", "noise", "of", "seed"]
    samples = form.fields["samples"]
    assert isinstance(samples.control, QLineEdit)
    assert samples.text == "50"
    assert "Smilkov" in samples.note.text()
    assert "Noisy copies" in samples.control.toolTip()
    samples.control.setText("1")
    assert not form.apply.isEnabled()
    assert "from 2 to 1000" in samples.note.text()
    samples.control.setText("6")
    assert form.apply.isEnabled()
    assert "6 passes" in form.estimate.text()
    QTest.mouseClick(form.apply, Qt.MouseButton.LeftButton)
    driver.settle()
    assert driver.session.choice.parameters == {"smoothgrad": {"samples": 6}}
    assert "smoothgrad (samples=6)" in driver.window.facts.full
    form.fields["of"].control.setCurrentText("integrated-gradients")
    assert "steps" in form.fields
    assert form.fields["samples"].text == "6"
    QTest.mouseClick(form.reset, Qt.MouseButton.LeftButton)
    assert list(form.fields) == ["samples", "noise", "of", "seed"]
    assert form.fields["samples"].text == "50"
    pick(driver, "grad-cam")
    assert panel.form is None
    assert not panel.parameters.isVisible()


def test_the_parameters_of_an_explainer_are_kept_for_the_session(driver: Driver) -> None:
    driver.bench.explaining.set_parameters("integrated-gradients", {"steps": 7, "baseline": "0.5"})
    pick(driver, "integrated-gradients")
    pick(driver, "gradient")
    pick(driver, "integrated-gradients")
    QTest.mouseClick(driver.window.explainer.parameters, Qt.MouseButton.LeftButton)
    fields = driver.window.explainer.form.fields
    assert (fields["steps"].text, fields["baseline"].text) == ("7", "0.5")
    fields["baseline"].control.setCurrentText("blurred")
    assert "minimum, zero, mean, blur or a number" in fields["baseline"].note.text()


def test_the_deviation_has_its_own_words_and_colours(driver: Driver) -> None:
    driver.bench.explaining.set_parameters("smoothgrad", {"samples": 4})
    pick(driver, "smoothgrad")
    row = driver.window.explainer.asking
    before = driver.window.screen_.canvas.style.colour_map
    row.deviation.click()
    driver.settle()
    screen = driver.window.screen_
    assert "deviation" in screen.map.scale_label
    assert screen.canvas.style.colour_map != before
    assert "not the map" in driver.window.may_read.text
    assert "deviation of smoothgrad" in driver.window.facts.full
    assert "No boxes" in screen.boxes.rule
    driver.bench.explaining.select_target(DIFFERENCE)
    driver.settle()
    assert not driver.window.screen_.map.diverging
    row.deviation.click()
    driver.settle()
    assert driver.window.screen_.map.diverging


def test_the_score_is_chosen_and_said(driver: Driver) -> None:
    score = driver.window.explainer.score
    index = score.findData("probability")
    score.setCurrentIndex(index)
    score.activated.emit(index)
    driver.settle()
    assert driver.session.choice.score == "probability"
    assert driver.window.facts.full.endswith("probability")
    assert "explains the probability, not the logit" in driver.window.may_read.text
    assert "reverse" in score.toolTip()


def test_how_steady_is_said_under_the_prediction(driver: Driver) -> None:
    label = driver.window.prediction.steady
    assert not label.isVisible()
    driver.window.menus.actions["map.steadiness"].trigger()
    driver.settle()
    assert label.isVisible()
    assert "no dropout" in label.text()
    assert "mirrored input: correlation" in label.text()
    driver.bench.viewing.step(1)
    driver.settle()
    assert label.text() == ""


def test_a_fine_map_draws_few_boxes(driver: Driver) -> None:
    driver.bench.explaining.set_parameters("gradient", {})
    pick(driver, "input-x-gradient")
    driver.bench.boxing.set_rule("top-percent", 50)
    driver.settle()
    boxes = driver.window.screen_.boxes
    assert len([mark for mark in boxes.marks if mark.kind == "map"]) <= 12


def test_a_segmentation_network_is_asked_where_the_user_says(driver: Driver, user_folder) -> None:
    write_tiny_segmentation(user_folder)
    assert not driver.window.explainer.region.isVisible()
    driver.bench.explaining.select_model("tiny-seg")
    driver.settle()
    region = driver.window.explainer.region
    assert region.isVisible()
    assert entry(driver, "seg-grad-cam").isEnabled()
    pick(driver, "seg-grad-cam")
    region.setCurrentIndex(2)
    region.activated.emit(2)
    driver.settle()
    assert "Select a box first" in driver.session.notice.sentence
    assert region.currentIndex() == 0
    driver.bench.viewing.set_cursor(9, 21)
    region.setCurrentIndex(1)
    region.activated.emit(1)
    driver.settle()
    assert driver.session.choice.region == "9,21"
    assert "the pixel 9,21" in driver.window.may_read.text
    assert driver.window.screen_.map is not None
    assert not driver.window.explainer.parameters.isVisible()  # its one parameter is the region
    assert "mean over the pixel 9,21" in driver.window.screen_.prediction.case_line
    assert driver.window.explainer.width() <= 300


@pytest.mark.parametrize("size", [(1440, 980), (1100, 720)])
def test_the_right_column_is_not_wider_than_its_place(driver: Driver, size: tuple[int, int]) -> None:
    driver.window.resize(*size)
    driver.bench.explaining.set_parameters("smoothgrad", {"samples": 3})
    for name in ("grad-cam", "smoothgrad", "guided-backprop", "element-cam"):
        pick(driver, name)
        panel = driver.window.explainer
        assert panel.width() <= 300
        for part in (panel.explainers, panel.asking, panel.score):
            if part.isVisible():
                assert part.geometry().right() <= panel.width()


def test_segments_are_drawn_over_the_picture_and_can_be_switched_off(driver: Driver) -> None:
    box, canvas = driver.window.overlay.boundaries, driver.window.canvas
    assert not box.isVisible()
    assert not driver.window.menus.actions["map.boundaries"].isEnabled()
    driver.bench.explaining.set_parameters("lime", {"segments": 9, "samples": 60})
    pick(driver, "lime")
    driver.bench.explaining.asking.compute()
    driver.settle()
    assert box.isVisible()
    assert box.isChecked()
    assert " segments" in driver.window.may_read.text
    assert "linear model" in driver.window.may_read.text
    assert driver.session.reading.rounds
    drawn = canvas.picture.grab().toImage()
    QTest.mouseClick(box, Qt.MouseButton.LeftButton, pos=QPoint(8, 8))
    driver.settle()
    assert not driver.session.overlay.boundaries
    assert canvas.picture.grab().toImage() != drawn
    driver.window.menus.actions["map.boundaries"].trigger()
    driver.settle()
    assert box.isChecked()
    assert canvas.picture.grab().toImage() == drawn
    pick(driver, "grad-cam")
    assert not box.isVisible()


def test_relevance_for_and_against_has_two_colours_and_its_balance(driver: Driver) -> None:
    pick(driver, "lrp")
    driver.bench.explaining.asking.compute()
    driver.settle()
    assert "= score" in driver.window.may_read.text
    found = driver.window.canvas._view.map
    assert found.diverging
    driver.bench.explaining.select_score("probability")
    driver.settle()
    assert "ask for the logit or the margin" in driver.window.may_read.text


def test_a_slow_occlusion_shows_a_coarse_map_and_waits_is_ordered_left_and_stopped(
    bare: Driver, steps_in_window, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver, steps = steps_in_window
    row = driver.window.explainer.asking
    monkeypatch.setattr("viewer.controllers.talk.Talk.seconds_a_round", lambda _: 0.1)
    driver.session.support = replace(driver.session.support, pass_seconds=1.0)
    driver.bench.explaining.set_parameters("occlusion", {"patch": 4, "stride": 1})
    pick(driver, "occlusion")
    steps.drain()
    driver.settle()
    assert row.words.full.startswith("coarse, about ")
    assert row.button.text() == "Compute"
    assert "of 841" in driver.window.may_read.text
    assert driver.window.screen_.map is not None
    QTest.mouseClick(row.button, Qt.MouseButton.LeftButton)
    steps.step()
    driver.settle()
    assert row.button.text() == "Cancel"
    assert "/ 841 windows" in row.words.full
    before = row.bar.value()
    pick(driver, "grad-cam")
    steps.drain()
    driver.settle()
    assert not row.button.isVisible()
    assert "windows" not in row.words.full
    pick(driver, "occlusion")
    assert row.button.text() == "Cancel"  # it goes on by itself
    steps.step()
    driver.settle()
    assert row.bar.value() > before
    QTest.mouseClick(row.button, Qt.MouseButton.LeftButton)
    steps.drain()
    driver.settle()
    assert row.words.full.startswith("stopped at ")
    assert row.words.full.endswith(" of 841 windows")
    QTest.mouseClick(row.button, Qt.MouseButton.LeftButton)
    steps.drain()
    driver.settle()
    assert not row.button.isVisible()
    assert "unfinished" not in driver.window.may_read.text


def test_the_form_of_occlusion_counts_its_windows_and_says_what_is_too_large(driver: Driver) -> None:
    pick(driver, "occlusion")
    panel = driver.window.explainer
    QTest.mouseClick(panel.parameters, Qt.MouseButton.LeftButton)
    form = panel.form
    assert form.estimate.text().startswith("9 windows a slice")
    form.fields["patch"].control.setText("8,4")
    form.fields["stride"].control.setText("4")
    assert form.estimate.text().startswith("56 windows a slice")
    form.fields["patch"].control.setText("40")
    assert "A patch of 40 rows is larger" in form.estimate.text()
    form.fields["stride"].control.setText("0")
    assert not form.apply.isEnabled()
    assert "from 1 to" in form.fields["stride"].note.text()


def test_score_cam_has_a_tile_for_every_layer(driver: Driver) -> None:
    pick(driver, "score-cam")
    first = driver.window.screen_.map.raw.copy()
    assert first.shape == (8, 8)
    driver.bench.explaining.select_layer("relu1")
    driver.settle()
    assert driver.window.screen_.map.raw.shape == (32, 32)
    assert "score-cam · relu1 · stroke" in driver.window.facts.full
