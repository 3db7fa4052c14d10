"""Choosing with real widgets: the chooser, the list of series, volumes, a second series, an even grid."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest

from tests.fake_contents import FakeSeries, contents
from tests.tiny import bright_spot
from viewer.imaging.diagnoses import Diagnosis


def rows(chooser):
    return [row for row in chooser._rows.values() if not row.isHidden()]


def shown(chooser):
    return [row.text(0) for row in rows(chooser)]


def choose(study, number):
    study.bench.opening.choose(study.session.chooser.entries[number])
    study.settle()


def test_the_chooser_shows_every_series_by_patient_with_a_picture(study):
    chooser = study.window._chooser
    assert chooser.isVisible()
    assert not chooser.isModal()
    assert shown(chooser) == ["T1 sagittal", "DWI", "T2", "CT head"]
    assert [group.text(0) for group in chooser._groups.values()] == ["Patient 1", "Patient 2"]
    dwi = rows(chooser)[1]
    assert [dwi.text(n) for n in range(2, 7)] == [
        "MR",
        "30",
        "6 × 32 × 32",
        "5 × 1 × 1 mm",
        "b 0, 1000 · 5 volumes",
    ]
    picture = dwi.icon(0).pixmap(60, 60).toImage()
    colours = {picture.pixelColor(x, y).value() for x in range(5, 55, 5) for y in range(5, 55, 5)}
    assert len(colours) > 1
    assert "There is no such file" in rows(chooser)[3].toolTip(0)
    assert "gone" not in rows(chooser)[3].toolTip(0), "a file is often called like the patient"
    study.bench.viewing.toggle_phi()
    study.settle()
    assert "gone.dcm" in rows(chooser)[3].toolTip(0)


def test_a_diffusion_examination_is_offered_by_its_highest_trace(bare, shelf):
    """The scanner's map of it comes first in the folder, and Enter must not open that."""
    shelf["dwi"] = contents(
        FakeSeries("DWI_ADC", rank=(0.0, -1.0, 0.0)),
        FakeSeries("DWI b 0", rank=(1.0, 0.0, 0.0)),
        FakeSeries("DWI_TRACEW", rank=(1.0, 2500.0, 1.0)),
        FakeSeries("ColFA"),
        FakeSeries("DWI of somebody else", patient_key="two", rank=(1.0, 3000.0, 1.0)),
    )
    bare.bench.opening.open("dwi")
    bare.settle()
    assert bare.window._chooser.current.info.description == "DWI_TRACEW"


def test_a_series_that_comes_before_the_diffusion_stays_the_first(bare, shelf):
    shelf["head"] = contents(FakeSeries("T1"), FakeSeries("DWI", rank=(1.0, 1000.0, 1.0)))
    bare.bench.opening.open("head")
    bare.settle()
    assert bare.window._chooser.current.info.description == "T1"


def test_the_chooser_of_a_real_diffusion_examination_offers_the_trace(bare, shared_data):
    bare.bench.opening.open(str(shared_data / "dcm_qa_xa30/In"))
    bare.settle()
    chooser = bare.window._chooser
    assert chooser.current.info.b_values == (2500.0,)
    assert [words.rsplit("AP_")[-1] for words in shown(chooser)] == ["ADC", "TRACEW", "ColFA", "TENSOR_B0"]


def test_the_keyboard_filters_walks_and_opens(study):
    chooser = study.window._chooser
    QTest.keyClicks(chooser.filter, "t2")
    assert shown(chooser) == ["T2"]
    assert chooser.current.info.description == "T2"
    assert chooser._groups[2].isHidden()
    QTest.keyClick(chooser.filter, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClicks(chooser.filter, "nothing of the kind")
    assert chooser.current is None
    assert not chooser.open_button.isEnabled()
    chooser.filter.clear()
    chooser.tree.setFocus()
    chooser.tree.setCurrentItem(rows(chooser)[2])  # the last of the first patient
    QTest.keyClick(chooser.tree, Qt.Key.Key_Down)
    assert chooser.current is rows(chooser)[3].entry  # and not the heading of the second
    assert chooser.open_button.isEnabled()
    QTest.keyClick(chooser.tree, Qt.Key.Key_Up)
    assert chooser.current is rows(chooser)[2].entry
    QTest.keyClick(chooser.tree, Qt.Key.Key_Home)
    QTest.keyClick(chooser.tree, Qt.Key.Key_Up)
    assert chooser.current is rows(chooser)[0].entry
    chooser.tree.setCurrentItem(rows(chooser)[0])
    QTest.keyClick(chooser.tree, Qt.Key.Key_Down)
    QTest.keyClick(chooser.tree, Qt.Key.Key_Return)
    study.settle()
    assert study.session.case.slices == 6
    assert study.window._chooser is None


def test_a_click_on_a_heading_sorts_by_what_the_column_means(study):
    chooser = study.window._chooser
    header = chooser.tree.header()
    at = QPoint(header.sectionViewportPosition(3) + 8, header.height() // 2)
    QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=at)
    group = chooser._groups[1]
    frames = [int(group.child(n).text(3)) for n in range(3)]
    assert frames == sorted(frames)
    assert frames != [4, 30, 9]


def test_files_that_are_no_image_are_behind_a_fold_and_their_names_behind_the_switch(study):
    chooser = study.window._chooser
    assert not chooser.broken.isVisible()
    QTest.mouseClick(chooser.fold, Qt.MouseButton.LeftButton)
    assert chooser.broken.isVisible()
    assert chooser.broken.item(0).text() == "File 1 is not an image."
    study.bench.viewing.toggle_phi()
    study.settle()
    assert chooser.broken.item(0).text() == "'Anna_notes.txt' is not an image."
    assert chooser._groups[1].text(0) == "Patient 1 · Anna, Example · A-17 · 1970-01-01"
    study.bench.viewing.toggle_phi()
    study.settle()
    assert chooser._groups[1].text(0) == "Patient 1"


def test_leaving_the_chooser_leaves_everything(study):
    study.window._chooser.reject()
    study.settle()
    assert study.session.chooser is None
    assert study.window._chooser is None
    assert study.session.case is None


def test_the_list_at_the_left_switches_with_one_click(study):
    choose(study, 0)
    series = study.window.case_panel.series
    assert series.isVisible()
    third = study.session.opened.entries[2]
    place = series.visualItemRect(series.item_of(third)).center()
    QTest.mouseClick(series.viewport(), Qt.MouseButton.LeftButton, pos=place)
    study.settle()
    assert study.session.entry is third
    assert study.session.case.slices == 9
    first = study.session.opened.entries[0]
    series.setCurrentItem(series.item_of(first))
    assert study.session.entry is third  # walking opens nothing
    QTest.keyClick(series, Qt.Key.Key_Return)
    study.settle()
    assert study.session.entry is first


def test_one_series_alone_has_no_list(bare, shelf):
    shelf["one"] = contents(FakeSeries())
    bare.bench.opening.open("one")
    bare.settle()
    assert not bare.window.case_panel.series.isVisible()


def test_control_click_opens_beside_and_scrolling_either_scrolls_the_other(study):
    choose(study, 0)
    panel, series = study.window.case_panel.series, study.window.beside
    third = study.session.opened.entries[2]
    place = panel.visualItemRect(panel.item_of(third)).center()
    QTest.mouseClick(panel.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier, place)
    study.settle()
    assert series.isVisible()
    assert series.title.full == "T2"
    assert series.letters.letters == study.canvas.letters.letters
    study.bench.viewing.select_slice(0)
    study.settle()
    before = study.session.beside.slice
    study.wheel(1)
    study.settle()
    assert study.session.view.slice == 1
    assert study.session.beside.slice == round(5 / 3)
    assert study.session.beside.slice != before
    study.wheel(1, on=series.picture)
    study.settle()
    assert study.session.beside.slice == round(5 / 3) + 1
    assert study.session.view.slice == round(9 / 5)


def test_a_drag_in_the_second_picture_moves_both_crosshairs_and_its_own_window(study):
    choose(study, 0)
    study.bench.beside.choose(study.session.opened.entries[2])
    study.settle()
    picture = study.window.beside.picture
    at = picture.to_screen(20.5, 10.5).toPoint()
    QTest.mouseClick(picture, Qt.MouseButton.LeftButton, pos=at)
    study.settle()
    assert study.session.view.cursor == pytest.approx((10, 20), abs=0.5)
    assert study.canvas.crosshair.cursor == study.session.view.cursor
    first, second = study.session.view.window, study.session.beside.window
    from tests.ui.conftest import send_move

    shift = Qt.KeyboardModifier.ShiftModifier
    QTest.mousePress(picture, Qt.MouseButton.LeftButton, shift, at)
    send_move(picture, at + QPoint(40, 0), Qt.MouseButton.LeftButton, shift)
    QTest.mouseRelease(picture, Qt.MouseButton.LeftButton, shift, at + QPoint(40, 0))
    study.settle()
    assert study.session.view.window == first
    assert study.session.beside.window.width > second.width
    QTest.mouseClick(study.window.beside.close_button, Qt.MouseButton.LeftButton)
    study.settle()
    assert not study.window.beside.isVisible()


def test_two_pictures_lie_level_at_one_scale_and_each_says_what_it_is(study):
    choose(study, 0)
    window = study.window
    assert not window.first.isVisible()
    study.bench.beside.choose(study.session.opened.entries[2])
    study.settle()
    study.bench.beside.confirm_link()
    study.settle()
    first, second = window.canvas.picture, window.beside.picture
    assert (window.first.title.full, window.beside.title.full) == ("T1 sagittal", "T2")
    assert first.mapTo(window, QPoint()).y() == second.mapTo(window, QPoint()).y()
    assert abs(first.height() - second.height()) <= 1
    assert first.common_scale == second.common_scale is not None
    window.beside.close_button.click()
    study.settle()
    assert first.common_scale is None
    assert not window.first.isVisible()


def test_small_pictures_lie_as_the_large_one_does(study):
    from viewer.state.thumbnail import Thumbnail
    from viewer.ui.panels.series_words import picture

    pixels = np.zeros((40, 40, 3), np.uint8)
    pixels[:, :20] = 255

    def left(has_sides, convention):
        made = picture(Thumbnail(pixels, 1.0, has_sides), 40, 1.0, convention).toImage()
        return made.pixelColor(8, 20).value() > 200

    assert [left(s, c) for s in (True, False) for c in ("radiological", "neurological")] == [
        True,
        False,
        True,
        True,
    ]
    choose(study, 2)
    panel = study.window.case_panel
    before = panel._thumbnail.pixmap().toImage()
    row = panel.series.item_of(study.session.entry)
    icon = row.icon().pixmap(40, 40).toImage()
    study.bench.viewing.toggle_convention()
    study.settle()
    assert panel._thumbnail.pixmap().toImage() != before
    assert row.icon().pixmap(40, 40).toImage() != icon
    study.bench.viewing.toggle_convention()
    study.settle()
    assert panel._thumbnail.pixmap().toImage() == before


def test_words_in_the_pixels_of_either_series_are_warned_of(study):
    from dataclasses import replace

    choose(study, 0)
    study.bench.beside.choose(study.session.opened.entries[2])
    study.settle()
    assert not study.window.burned_in.isVisible()
    beside = study.session.beside
    image = replace(beside.case.image, diagnoses=(Diagnosis("burned-in", "warning", "Words."),))
    study.session.beside = replace(beside, case=replace(beside.case, image=image))
    study.settle()
    assert study.window.burned_in.isVisible()


def test_two_dropped_files_are_both_offered_and_with_control_beside(bare, shelf, tmp_path):
    shelf["a"], shelf["b"] = contents(FakeSeries("A")), contents(FakeSeries("B", 4))
    drop(bare, [tmp_path / "a", tmp_path / "b"])
    assert shown(bare.window._chooser) == ["A", "B"]
    bare.window._chooser.accept()
    bare.settle()
    drop(bare, [tmp_path / "b"], Qt.KeyboardModifier.ControlModifier)
    assert bare.session.case.slices == 6
    assert bare.session.beside.case.slices == 4


def drop(driver, paths, held=Qt.KeyboardModifier.NoModifier):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    driver.window.dropEvent(
        QDropEvent(QPointF(50, 50), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, held)
    )
    driver.settle()


def test_volumes_have_a_slider_that_says_which(study):
    choose(study, 1)
    row = study.window.volume
    assert row.isVisible()
    assert row.label.full == "time 1 · 1 / 5"
    assert row.note.text() == "6 of 30 images shown"
    study.bench.viewing.select_slice(1)
    study.canvas.picture.zoom(2.0, QPointF(100, 100))
    seen = study.picture.seen
    row.slider.setFocus()
    QTest.keyClick(row.slider, Qt.Key.Key_Right)
    study.settle()
    assert study.session.case.image.volume == 1
    assert study.session.view.slice == 1
    assert study.picture.seen == seen
    QTest.mouseClick(row.on, Qt.MouseButton.LeftButton)
    study.settle()
    assert row.label.full == "time 3 · 3 / 5"
    study.window.activateWindow()  # the chooser had been the active window
    study.settle()
    study.canvas.picture.setFocus()
    study.key(Qt.Key.Key_V)
    assert study.session.case.image.volume == 3
    study.key(Qt.Key.Key_V, Qt.KeyboardModifier.ShiftModifier)
    assert study.session.case.image.volume == 2
    choose_again = study.session.opened.entries[0]
    study.bench.opening.choose(choose_again)
    study.settle()
    assert not row.isVisible()


def test_while_a_series_arrives_its_slices_fill_a_row_with_a_way_out(bare, shelf):
    seen = []

    def look(count):
        bare.settle()
        row, background = bare.window.arriving, bare.window.screen_.canvas.background
        far = bare.session.case.slices - 1
        seen.append((row.isVisible(), row.slices.there, bare.session.case.has(bare.session.view.slice)))
        if count == 2:
            assert background.mark == ""
            assert background.letters is not None
            bare.bench.viewing.select_slice(0)
            bare.settle()
            empty = bare.window.screen_.canvas.background
            assert "READING" in empty.mark
            assert empty.letters == background.letters
            assert not empty.pixels.any()
        if count == far:
            assert bare.session.work.total == 6

    shelf["new"] = contents(FakeSeries(stepwise=True, between=look))
    bare.bench.opening.open("new")
    bare.settle()
    assert bare.window.arriving.slices.width() > 100
    assert [entry[:2] for entry in seen] == [(True, n) for n in range(1, 7)]
    assert not bare.window.arriving.isVisible()
    assert bare.window.screen_.canvas.background.mark == ""


def test_cancel_in_the_row_brings_back_the_case(driver, shelf):
    case = driver.session.case

    def stop(count):
        if count == 2:
            driver.settle()
            QTest.mouseClick(driver.window.arriving.stop, Qt.MouseButton.LeftButton)

    shelf["new"] = contents(FakeSeries(stepwise=True, between=stop))
    driver.bench.opening.open("new")
    driver.settle()
    assert driver.session.case is case
    assert driver.window.screen_.map is not None
    assert not driver.window.arriving.isVisible()


def test_the_zoom_stays_when_the_rest_is_there(bare, shelf):
    rects = []

    def look(count):
        if count == 2:
            bare.settle()
            bare.picture.zoom(3.0, QPointF(120, 120))
            rects.append(bare.picture.seen)

    shelf["new"] = contents(FakeSeries(stepwise=True, between=look))
    bare.bench.opening.open("new")
    bare.settle()
    assert bare.session.case.whole
    assert bare.picture.seen == rects[0]


TILTED = np.array([[1, 0, 0, 0], [0, 1, 1.7, 0], [0, 0, 4.7, 0], [0, 0, 0, 1.0]])


def test_a_tilted_series_is_asked_about_where_it_matters(bare):
    strip = bare.window.grid
    bare.bench.opening.show(bright_spot(6, affine=TILTED))
    bare.settle()
    assert not strip.isVisible()
    bare.session.workspace = "volume"
    bare.settle()
    assert strip.isVisible()
    assert "degrees" in strip.sentence.text()
    original = bare.session.case
    QTest.mouseClick(strip.resample, Qt.MouseButton.LeftButton)
    bare.settle()
    assert bare.session.case is not original
    assert not strip.resample.isVisible()
    QTest.mouseClick(strip.keep, Qt.MouseButton.LeftButton)
    bare.settle()
    assert not strip.isVisible()
    undo = bare.window.case_panel._undo
    assert undo.isVisible()
    QTest.mouseClick(undo, Qt.MouseButton.LeftButton)
    bare.settle()
    assert bare.session.case is original
    QTest.mouseClick(strip.as_it_is, Qt.MouseButton.LeftButton)
    bare.settle()
    assert not strip.isVisible()
