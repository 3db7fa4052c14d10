"""Hands on the Volume workspace and the reading tools: tabs, three planes, the turned display, cine, distances."""

from __future__ import annotations

import time

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from tests.tiny import bright_spot
from viewer.imaging.geometry import Geometry
from viewer.imaging.image import MedicalImage
from viewer.ui.panels.workspace_tabs import WorkspaceTabs

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def volume(driver):
    """The window in the Volume workspace, on a head of 9 x 32 x 32 voxels of 5 x 1 x 1 mm."""
    QTest.keyClick(driver.window, Qt.Key.Key_F5)
    driver.settle()
    driver.panes = dict(zip(("axial", "coronal", "sagittal"), driver.window.stage.planes.panes, strict=True))
    return driver


def click(driver, pane, row, column):
    """Left click on the middle of a pixel."""
    QTest.mouseClick(pane, Qt.MouseButton.LeftButton, pos=pane.to_screen(column + 0.5, row + 0.5).toPoint())
    driver.settle()


def test_the_tabs_switch_and_say_why_they_cannot(driver):
    tabs = driver.window.findChild(WorkspaceTabs)
    assert tabs.buttons["reading"].isChecked()
    tabs.buttons["volume"].click()
    driver.settle()
    assert driver.window.stage.planes.isVisible()
    assert not driver.canvas.isVisible()
    assert tabs.buttons["volume"].isChecked()
    assert tabs.buttons["volume"].focusPolicy() & Qt.FocusPolicy.TabFocus
    driver.bench.opening.show(MedicalImage(np.zeros((1, 16, 16), np.uint8), Geometry.unoriented((1, 16, 16))))
    driver.settle()
    assert driver.canvas.isVisible()
    assert not tabs.buttons["volume"].isEnabled()
    assert "single picture" in tabs.buttons["volume"].toolTip()
    driver.bench.opening.show(bright_spot())
    driver.settle()
    assert driver.window.stage.planes.isVisible()
    QTest.keyClick(driver.window, Qt.Key.Key_F2)
    driver.settle()
    assert driver.canvas.isVisible()
    assert driver.window.boxes.isVisible()


def test_three_planes_have_one_scale_in_millimetres_and_their_letters(volume):
    scales = set()
    for name, pane in volume.panes.items():
        rect, view = pane.picture_rect(), pane.view
        rows, columns = view.background.pixels.shape
        row_mm, column_mm = view.background.spacing
        scales |= {round(rect.width() / (columns * column_mm), 2), round(rect.height() / (rows * row_mm), 2)}
        assert pane.words.title.startswith(name)
        assert pane.isVisible()
    assert max(scales) - min(scales) < 0.03
    assert volume.panes["axial"].letters.letters == ("R", "L", "A", "P")
    assert volume.panes["coronal"].letters.letters == ("R", "L", "S", "I")
    assert volume.panes["sagittal"].letters.letters == ("A", "P", "S", "I")


def test_a_click_in_one_plane_moves_the_other_two(volume):
    coronal, axial, sagittal = (volume.panes[n] for n in ("coronal", "axial", "sagittal"))
    click(volume, coronal, 2, 20)  # rows run downwards: the third from the top of nine is slice 6
    assert volume.session.view.slice == 6
    assert axial.view.index == 6
    assert sagittal.view.index == 20
    click(volume, axial, 9, 21)
    assert (coronal.view.index, sagittal.view.index) == (9, 21)
    assert volume.session.view.cursor == pytest.approx((9, 21), abs=0.3)
    words = dict(volume.window.stage.planes.place.words)
    assert words["voxel"] == "6, 9, 21"
    value = volume.session.case.image.voxels[6, 9, 21]
    assert words["value"] == f"{value:.5g}"


def test_the_wheel_scrolls_the_plane_under_the_mouse_and_zoom_is_common(volume):
    sagittal, axial = volume.panes["sagittal"], volume.panes["axial"]
    before = (sagittal.view.index, axial.view.index)
    volume.wheel(2, on=sagittal)
    volume.settle()
    assert (sagittal.view.index, axial.view.index) == (before[0] + 2, before[1])
    widths = {name: pane.picture_rect().width() for name, pane in volume.panes.items()}
    volume.wheel(1, CTRL, on=axial)
    volume.settle()
    grown = {name: pane.picture_rect().width() / widths[name] for name, pane in volume.panes.items()}
    assert min(grown.values()) > 1.05
    assert max(grown.values()) == pytest.approx(min(grown.values()))
    volume.window.stage.planes.fit()
    assert axial.picture_rect().width() == pytest.approx(widths["axial"], abs=1)


def test_maps_are_in_all_planes_and_follow_the_overlay(volume):
    click(volume, volume.panes["axial"], 10, 22)
    assert all(pane.overlay.visible for pane in volume.panes.values())
    assert all(np.any(pane.view.values) for pane in volume.panes.values())
    assert not volume.panes["coronal"].overlay.smooth, "slices are never blurred into each other"
    volume.bench.viewing.set_opacity(0.3)
    volume.settle()
    assert {round(pane.overlay.opacity, 2) for pane in volume.panes.values()} == {0.3}
    QTest.keyPress(volume.panes["coronal"], Qt.Key.Key_Space)
    volume.settle()
    assert not any(pane.overlay.visible for pane in volume.panes.values())
    QTest.keyRelease(volume.panes["coronal"], Qt.Key.Key_Space)
    volume.settle()
    assert all(pane.overlay.visible for pane in volume.panes.values())


def test_a_tilted_stack_says_that_it_is_resampled(volume):
    affine = np.diag([1.0, 1.0, 4.0, 1.0])
    affine[1, 2] = 1.2
    volume.bench.opening.show(MedicalImage(np.ones((8, 20, 16), np.int16), Geometry(affine, (8, 20, 16))))
    volume.settle()
    assert all("RESAMPLED FOR DISPLAY" in pane.words.notes for pane in volume.panes.values())


def test_the_neurological_display_turns_everything_and_means_the_same_places(driver, passes):
    driver.bench.boxing.add(8, 20, 12, 24)
    driver.settle()
    before, asked = driver.at(8, 20), len(passes)
    driver.key(Qt.Key.Key_R)
    assert driver.picture.flipped
    assert driver.canvas.letters.letters == ("L", "R", "A", "P")
    assert driver.canvas.words.notes[0].startswith("NEUROLOGICAL")
    middle = driver.picture.picture_rect().center().x()
    assert driver.at(8, 20).x() == pytest.approx(2 * middle - before.x(), abs=1)
    driver.bench.boxing.select(None)
    driver.drag(driver.at(20.5, 3.5), driver.at(20.5, 5.5))
    assert driver.session.view.cursor == pytest.approx((20, 5), abs=0.3)
    identity = next(iter(driver.session.boxes.drawn))
    driver.bench.boxing.select(identity)
    driver.settle()
    driver.drag(driver.at(12, 24), driver.at(15, 28))  # the corner of the largest row and column
    box = driver.session.boxes.drawn[identity]
    assert (box.row_min, box.column_min) == (8, 20)
    assert (box.row_max, box.column_max) == pytest.approx((15, 28), abs=0.3)
    assert len(passes) == asked


def test_inverted_grey_is_marked(driver):
    driver.key(Qt.Key.Key_N)
    assert "GREY INVERTED" in driver.canvas.words.notes
    assert "grey inverted" in driver.window.facts.full
    driver.key(Qt.Key.Key_N)
    assert "GREY INVERTED" not in driver.canvas.words.notes


def test_preset_keys_change_the_window_and_menus_name_them(driver):
    texts = [driver.window.menus.actions[f"view.preset-{n}"].text() for n in range(1, 6)]
    assert texts[0].startswith("Window: automatic")
    seen = set()
    for n, key in enumerate((Qt.Key.Key_1, Qt.Key.Key_2, Qt.Key.Key_3), 1):
        driver.key(key)
        assert driver.session.view.window.name in texts[n - 1]
        seen.add(driver.session.view.window)
    assert len(seen) == 3


def test_d_and_a_drag_measure_on_screen(driver):
    driver.key(Qt.Key.Key_D)
    driver.drag(
        driver.at(5.5, 5.5),
        driver.at(8.5, 9.5),
        during=lambda: driver.canvas.rulers.rubber.text.endswith("mm") or pytest.fail("no length"),
    )
    [ruler] = driver.session.rulers.drawn.values()
    [mark] = driver.canvas.rulers.marks
    assert float(mark.text.split()[0]) == pytest.approx(5.0, abs=0.3)
    assert driver.session.rulers.selected == 1
    driver.drag(driver.at(8.5, 9.5), driver.at(5.5, 15.5))  # one end
    [moved] = driver.session.rulers.drawn.values()
    assert moved.start == ruler.start
    assert float(driver.canvas.rulers.marks[0].text.split()[0]) == pytest.approx(10.0, abs=0.4)
    driver.key(Qt.Key.Key_Up)
    assert driver.canvas.rulers.marks == ()
    driver.key(Qt.Key.Key_Down)
    driver.key(Qt.Key.Key_Delete)
    assert driver.session.rulers.drawn == {}
    driver.key(Qt.Key.Key_D)
    driver.key(Qt.Key.Key_Escape)
    assert not driver.session.rulers.drawing


def test_a_distance_across_the_slices_is_measured_in_the_coronal_plane(volume):
    pane = volume.panes["coronal"]
    volume.bench.measuring.draw_mode(True)
    start, end = pane.to_screen(10.5, 1.5), pane.to_screen(10.5, 5.5)
    QTest.mousePress(pane, Qt.MouseButton.LeftButton, pos=start.toPoint())
    from tests.ui.conftest import send_move

    send_move(pane, QPointF(end).toPoint(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    QTest.mouseRelease(pane, Qt.MouseButton.LeftButton, pos=end.toPoint())
    volume.settle()
    [mark] = pane.rulers.marks
    assert float(mark.text.split()[0]) == pytest.approx(20.0, abs=1.0)
    assert volume.panes["sagittal"].rulers.marks == () or volume.panes["sagittal"].view.index == 10


def test_cine_plays_without_starving_the_window_and_stops_at_a_touch(driver, qtbot):
    driver.bench.playing.set_rate(30)
    QTest.keyClick(driver.picture, Qt.Key.Key_C)  # never settled while it plays: the layers wait for its end
    seen = set()
    qtbot.waitUntil(lambda: seen.add(driver.session.view.slice) or len(seen) > 3, timeout=8000)
    QTest.keyClick(driver.picture, Qt.Key.Key_Plus)
    assert driver.session.cine.playing, "its own keys do not stop it"
    beats, ends = 0, time.monotonic() + 1.0

    def beat():
        nonlocal beats
        beats += 1

    from PySide6.QtCore import QTimer

    timer = QTimer()
    timer.timeout.connect(beat)
    timer.start(5)
    qtbot.waitUntil(lambda: time.monotonic() > ends, timeout=5000)
    timer.stop()
    assert beats > 3
    QTest.keyClick(driver.picture, Qt.Key.Key_Up)
    driver.settle()
    assert not driver.session.cine.playing
    QTest.keyClick(driver.picture, Qt.Key.Key_C)
    assert driver.session.cine.playing
    QApplication.processEvents()
    driver.wheel(1)
    assert not driver.session.cine.playing
    QTest.keyClick(driver.picture, Qt.Key.Key_C)
    driver.bench.opening.show(bright_spot(5))
    driver.settle()
    assert not driver.session.cine.playing


def test_a_window_that_is_closed_plays_no_longer(driver):
    driver.bench.playing.toggle()
    driver.settle()
    assert driver.window._cine._timer.isActive()
    driver.window.close()
    assert not driver.session.cine.playing
    assert not driver.window._cine._timer.isActive()


def test_layers_wait_while_slices_follow_each_other_quickly(driver, monkeypatch):
    from viewer.ui import hurry

    monkeypatch.setattr(hurry, "SOON", 60.0)  # however slow the machine is
    driver.bench.viewing.select_slice(1)
    driver.settle()
    before = driver.window.screen_.rail
    for index in (2, 3, 4):
        driver.bench.viewing.select_slice(index)
        driver.window.refresh()
    assert driver.window.screen_.canvas.map is driver.window.screen_.map
    assert driver.window.screen_.rail is before
    assert not driver.window.settled, "a picture of the window waits for the layers"
    driver.settle()
    assert driver.window.screen_.rail is not before
    assert driver.window._presenter.screen().rail is driver.window.screen_.rail
    driver.bench.opening.show(bright_spot())
    driver.window.refresh()
    assert driver.window.settled or driver.window.screen_.rail is not before


def test_the_question_about_the_model_stands_over_its_own_picture(driver):
    from viewer.models.applicability import Applicability
    from viewer.state.case import Judgement

    advice, window, session = driver.window.advice, driver.window, driver.session
    session.judgement = Judgement(Applicability("does_not_apply", ("modality CT, made for MR",)))
    driver.settle()
    assert advice.isVisible()
    assert abs(advice.geometry().center().x() - window.canvas.geometry().center().x()) <= 2
    driver.bench.viewing.set_workspace("volume")
    driver.settle()
    assert window.stage.planes.place.geometry().adjusted(-2, -2, 2, 2).contains(advice.geometry())
    advice.leave.click()
    session.judgement = Judgement(Applicability("does_not_apply", ("modality CT, made for MR",)))
    driver.settle()
    assert not advice.isVisible(), "another volume of the series asks nothing new"
    session.judgement = Judgement(Applicability("does_not_apply", ("something else",)))
    driver.settle()
    assert advice.isVisible()
