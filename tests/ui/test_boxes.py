"""Boxes by mouse, on the canvas and in the table, with scores that follow."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit

from tests.tiny import bright_spot
from viewer.evaluation.regions import Region
from viewer.imaging.diagnoses import no_spacing
from viewer.state.boxes_view import paled


def edges(driver, identity=1):
    region = driver.session.boxes.drawn[identity]
    return region.row_min, region.column_min, region.row_max, region.column_max


def cells(driver, column):
    table = driver.window.boxes.table
    return [table.item(row, column).text() for row in range(table.rowCount())]


@pytest.fixture
def drawn(driver):
    """A box over the bright spot (rows 8 to 12, columns 20 to 24), drawn by hand."""
    driver.key(Qt.Key.Key_B)
    driver.drag(driver.at(8, 20), driver.at(12, 24))
    return driver


def test_a_box_of_an_image_without_pixel_sizes_has_its_size_in_pixels(driver):
    driver.bench.opening.show(replace(bright_spot(9, at=(4, 8, 20)), diagnoses=(no_spacing(),)))
    driver.bench.viewing.select_slice(4)
    driver.bench.boxing.add(8, 20, 12, 24)
    driver.settle()
    table = driver.window.boxes.table
    said = [table.item(0, column).text() for column in range(table.columnCount())]
    assert any(words == "4 \u00d7 4 px" for words in said), said


def test_b_and_a_drag_draw_a_box_with_scores(drawn, passes):
    before = len(passes)
    assert edges(drawn) == pytest.approx((8, 20, 12, 24), abs=0.15)
    assert not drawn.session.view.drawing
    assert drawn.session.boxes.selected == 1
    row = cells(drawn, 0).index("box 1")
    assert cells(drawn, 1)[row] == "you"
    assert float(cells(drawn, 2)[row].split()[0]) > 0
    assert cells(drawn, 5)[row].startswith("hit")
    assert cells(drawn, 8)[row] == "16 mm²"
    assert cells(drawn, 9)[row] == "4 × 4 mm"
    assert len(passes) == before


def test_without_b_a_drag_draws_nothing(driver):
    driver.drag(driver.at(8, 20), driver.at(12, 24))
    assert driver.session.boxes.drawn == {}


def test_a_click_in_drawing_mode_draws_nothing(driver):
    driver.key(Qt.Key.Key_B)
    driver.drag(driver.at(8, 20), driver.at(8, 20))
    assert driver.session.boxes.drawn == {}


def test_scores_follow_the_box_while_it_is_moved(drawn):
    seen = []
    row = cells(drawn, 0).index("box 1")
    drawn.drag(drawn.at(10, 22), drawn.at(24, 8), during=lambda: seen.append(cells(drawn, 5)[row]))
    assert edges(drawn) == pytest.approx((22, 6, 26, 10), abs=0.2)
    assert seen[0].startswith("miss"), "the number changes before the button is released"
    assert cells(drawn, 5)[row].startswith("miss")


def test_a_handle_moves_only_its_edges(drawn):
    drawn.drag(drawn.at(12, 24), drawn.at(16, 28))
    assert edges(drawn) == pytest.approx((8, 20, 16, 28), abs=0.2)
    drawn.drag(drawn.at(8, 24), drawn.at(4, 24))
    assert edges(drawn) == pytest.approx((4, 20, 16, 28), abs=0.2)


def test_a_box_pushed_against_the_edge_keeps_its_size(drawn):
    drawn.drag(drawn.at(10, 22), drawn.at(10, 45))
    assert edges(drawn) == pytest.approx((8, 28, 12, 32), abs=0.2)


def test_a_box_drawn_over_the_edge_ends_there(driver):
    driver.key(Qt.Key.Key_B)
    driver.drag(driver.at(26, 26), driver.at(36, 33))
    assert edges(driver) == pytest.approx((26, 26, 32, 32), abs=0.2)


def test_without_a_selection_there_are_no_handles(drawn):
    drawn.key(Qt.Key.Key_Escape)
    assert drawn.session.boxes.selected is None
    drawn.drag(drawn.at(10, 22), drawn.at(20, 10))
    assert edges(drawn) == pytest.approx((8, 20, 12, 24), abs=0.15)
    assert drawn.session.view.cursor is not None
    QTest.mouseClick(drawn.picture, Qt.MouseButton.LeftButton, pos=drawn.at(8, 22).toPoint())
    drawn.settle()
    assert drawn.session.boxes.selected == 1, "a click on its line selects a box"


def test_a_box_is_renamed_in_the_table_and_deleted_with_del(drawn):
    table = drawn.window.boxes.table
    row = cells(drawn, 0).index("box 1")
    table.editItem(table.item(row, 0))
    editor = table.findChild(QLineEdit)
    assert editor is not None
    editor.selectAll()
    QTest.keyClicks(editor, "lesion")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    drawn.settle()
    assert drawn.session.boxes.drawn[1].label == "lesion"
    drawn.canvas.setFocus()
    drawn.key(Qt.Key.Key_Delete)
    assert drawn.session.boxes.drawn == {}
    assert "lesion" not in cells(drawn, 0)


def test_names_of_others_cannot_be_edited(drawn):
    table = drawn.window.boxes.table
    for row, reader in enumerate(cells(drawn, 1)):
        assert bool(table.item(row, 0).flags() & Qt.ItemFlag.ItemIsEditable) == (reader == "you")
        assert not table.item(row, 2).flags() & Qt.ItemFlag.ItemIsEditable


def test_a_row_of_the_table_selects_the_box(drawn):
    drawn.key(Qt.Key.Key_Escape)
    drawn.window.boxes.table.selectRow(cells(drawn, 0).index("box 1"))
    drawn.settle()
    assert drawn.session.boxes.selected == 1


def test_the_rule_makes_other_boxes_from_the_map(drawn, passes):
    before, rule = len(passes), drawn.window.boxes.rule
    areas = {}
    for index in range(rule.count()):
        rule.setCurrentIndex(index)
        rule.activated.emit(index)
        drawn.settle()
        marks = drawn.window.screen_.boxes.marks
        areas[rule.itemText(index)] = sum(m.region.area for m in marks if m.kind == "map")
    assert areas["most important 1 %"] < areas["most important 20 %"]
    assert len(passes) == before


def test_boxes_belong_to_their_slice(drawn):
    drawn.wheel(1)
    drawn.settle()
    assert [mark for mark in drawn.canvas.boxes.marks if mark.kind == "drawn"] == []
    drawn.wheel(-1)
    drawn.settle()
    assert [mark.identity for mark in drawn.canvas.boxes.marks if mark.kind == "drawn"] == [1]


def test_boxes_of_readers_cannot_be_held(driver):
    import numpy as np

    from viewer.state.case import Case, Truth

    case = driver.session.case
    region = Region(8, 20, 12, 24, label="lesion", reader="reader 2", slice=4)
    positive = np.arange(9) == 4
    driver.session.case = Case(case.image, case.title, Truth(positive, (region,), reader="reader 2"))
    driver.settle()
    assert "reader 2" in cells(driver, 1)
    assert any(chip.text().startswith("TP") for chip in driver.window.case_panel._chips.values())
    driver.drag(driver.at(10, 22), driver.at(20, 10))
    assert driver.window.screen_.boxes.marks[0].region == region


def test_boxes_of_the_map_where_the_overlay_has_no_colour_are_pale_and_counted_in_every_score(drawn):
    panel, own = drawn.window.boxes, cells(drawn, 0).index("box 1")
    drawn.session.overlay.scale = "slice"
    drawn.bench.viewing.set_threshold(0.0)
    drawn.settle()
    scores = [cells(drawn, column)[own] for column in range(2, 8)]
    assert not any(mark.pale for mark in drawn.window.screen_.boxes.marks)
    assert "pale" not in panel._rule_line.full
    of_map = len(drawn.window.screen_.boxes.of_map)
    for scale, pale in ((1.0, 0), (3.0, of_map)):  # of the largest value on the slice
        found = drawn.window.screen_.map
        view = paled(
            drawn.window.screen_.boxes, replace(found, scale=scale * float(found.picture.max())), 0.9
        )
        assert [mark.pale for mark in view.marks if mark.kind != "map"] == [False]
        assert sum(mark.pale for mark in view.marks) == pale
        panel.show_boxes(view, drawn.session)
        assert (f"{pale} of {of_map} map boxes pale" in panel._rule_line.full) == bool(pale)
        row = cells(drawn, 0).index("map")
        assert ("Lower the threshold" in panel.table.item(row, 0).toolTip()) == bool(pale)
        assert [cells(drawn, column)[own] for column in range(2, 8)] == scores


def test_a_pale_box_is_drawn_weaker(drawn):
    view = drawn.window.screen_.boxes
    drawn.canvas.show_boxes(view)
    before = drawn.picture.grab().toImage()
    drawn.canvas.show_boxes(paled(view, replace(drawn.window.screen_.map, scale=1e6), 0.15))
    assert drawn.picture.grab().toImage() != before
