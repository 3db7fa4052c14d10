"""Hands on the sheet of layers by explainers: agreement as numbers, one click to a map, no pass of the network."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from tests.tiny_cohort import write_tiny_cohort
from viewer.evaluation.agreement import correlation
from viewer.foundation.errors import UsageError
from viewer.state.layers_view import LayerMap
from viewer.state.sheet_view import agreement
from viewer.ui.panels.layers_board import lines_of


@pytest.fixture
def sheet(driver):
    """The window with the sheet on screen."""
    driver.bench.viewing.set_workspace("layers")
    driver.settle()
    driver.board = driver.window.stage.layers
    QTest.mouseClick(driver.board.wanted, Qt.MouseButton.LeftButton)
    driver.settle()
    driver.sheet = driver.board.sheet
    return driver


def place(driver, layer, explainer):
    view = driver.sheet.view
    return [each.name for each in view.layers].index(layer), view.explainers.index(explainer)


def test_every_layer_by_every_explainer_without_a_pass(sheet, passes):
    before = list(passes)
    view = sheet.sheet.view
    assert sheet.sheet.isVisible()
    assert not sheet.board.tiles.isVisible()
    assert [each.name for each in view.layers][:2] == ["conv1", "relu1"]
    assert {"grad-cam", "grad-cam++", "layer-cam"} <= set(view.explainers)
    atlas, target = sheet.session.reading.atlas, sheet.session.target_index
    for row, layer in enumerate(view.layers):
        for column, explainer in enumerate(view.explainers):
            cell = view.cell(row, column)
            assert isinstance(cell.found, LayerMap)
            raw = np.maximum(atlas.signed(layer.name, target, explainer, sheet.session.view.slice), 0)
            assert cell.found.maximum == pytest.approx(raw.max())
    assert passes == before


def test_the_numbers_are_those_of_the_evaluation_room(sheet):
    view, atlas = sheet.sheet.view, sheet.session.reading.atlas
    target, index = sheet.session.target_index, sheet.session.view.slice
    row, column = place(sheet, "relu2", "layer-cam")
    mine, chosen = (
        np.maximum(atlas.signed("relu2", target, name, index), 0) for name in ("layer-cam", "grad-cam")
    )
    assert view.cell(row, column).agreement == pytest.approx(correlation(mine, chosen).value)
    assert view.cell(*place(sheet, "relu2", "grad-cam")).agreement == pytest.approx(1)
    sheet.bench.viewing.compare_sheet(against="explainer")
    sheet.settle()
    assert np.isnan(sheet.sheet.view.cell(row, 0).agreement)
    assert "explainer at the left" in sheet.sheet.view.numbers
    sheet.bench.viewing.compare_sheet(against="layer", measure="top-overlap")
    sheet.settle()
    assert np.isnan(sheet.sheet.view.cell(0, column).agreement)
    assert 0 <= sheet.sheet.view.cell(row, column).agreement <= 1
    assert sheet.board.measures.currentText() == "top 5% in common"


def test_a_click_chooses_layer_and_explainer_and_a_double_click_reads(sheet):
    table = sheet.sheet
    at = table.visualRect(table.model().index(*place(sheet, "relu1", "layer-cam"))).center()
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=at)
    sheet.settle()
    assert (sheet.session.choice.layer, sheet.session.choice.explainer) == ("relu1", "layer-cam")
    assert table.view.cell(*place(sheet, "relu1", "layer-cam")).chosen
    QTest.mouseDClick(table.viewport(), Qt.MouseButton.LeftButton, pos=at)
    sheet.settle()
    assert sheet.session.workspace == "reading"


def test_the_keyboard_reaches_the_cells(sheet):
    sheet.sheet.setFocus()
    sheet.sheet.setCurrentIndex(sheet.sheet.model().index(*place(sheet, "conv1", "grad-cam")))
    QTest.keyClick(sheet.sheet, Qt.Key.Key_Right)
    QTest.keyClick(sheet.sheet, Qt.Key.Key_Return)
    sheet.settle()
    assert (sheet.session.choice.layer, sheet.session.choice.explainer) == (
        "conv1",
        sheet.sheet.view.explainers[1],
    )


def test_the_tiles_come_back(sheet):
    QTest.mouseClick(sheet.board.wanted, Qt.MouseButton.LeftButton)
    sheet.settle()
    assert sheet.board.tiles.isVisible()
    assert not sheet.sheet.isVisible()
    assert not sheet.board.measures.isVisible()


def test_the_sheet_is_saved_with_its_numbers(sheet, tmp_path):
    import json

    sheet.bench.exporting.save_sheet(tmp_path / "layers")
    sheet.settle()
    with Image.open(tmp_path / "layers.png") as picture:
        assert picture.info["Comment"] == "research use only"
        assert picture.width > 400
    record = json.loads((tmp_path / "layers.provenance.json").read_text())
    assert record["agreement"]["relu2"]["grad-cam"] == 1.0
    assert record["against"] == "with the chosen map"
    assert "class" in record


def test_there_is_no_sheet_while_a_class_votes(sheet, tmp_path):
    sheet.bench.teaching.begin(write_tiny_cohort(tmp_path / "class"))
    sheet.settle()
    assert not sheet.sheet.isVisible()
    sheet.bench.exporting.save_sheet(tmp_path / "layers")
    sheet.settle()
    assert not (tmp_path / "layers.png").exists()
    with pytest.raises(UsageError):
        sheet.bench.viewing.set_workspace("layers")


def test_scores_of_an_evaluated_cohort_stand_on_the_tiles(driver, tmp_path):
    bench = driver.bench
    bench.cohorts.jobs = 0
    bench.cohorts.open(write_tiny_cohort(tmp_path / "cohort"))
    bench.cohorts.choose(layers="all", explainers="shown", pixels=False)
    bench.cohorts.run()
    driver.settle()
    bench.viewing.set_workspace("layers")
    driver.settle()
    view = driver.window.stage.layers.model.view
    rows = [
        row
        for row in driver.session.cohort.document["localisation"]
        if (row["class"], row["explainer"], row["layer"]) == ("stroke", "grad-cam", "relu2")
    ]
    best = max(rows, key=lambda row: row["iou"])
    entry = next(each for each in view.entries if each.name == "relu2")
    assert entry.cohort == f"cohort: pointing {best['pointing']:.2f}, IoU {best['iou']:.2f} (n {best['n']})"
    assert lines_of(view) == 4
    driver.session.cohort = replace(driver.session.cohort, model_id="another")
    driver.settle()
    assert not any(each.cohort for each in driver.window.stage.layers.model.view.entries)


@given(st.integers(2, 90), st.integers(2, 90), st.integers(0, 99))
def test_agreement_does_not_depend_on_units_or_order(first, second, seed):
    rng = np.random.default_rng(seed)
    a, b = (rng.random((n, n)).astype(np.float32) for n in (first, second))
    value = agreement(a, b, "correlation")
    assert agreement(b, a, "correlation") == pytest.approx(value, abs=1e-6)
    assert agreement(7 * a, b, "correlation") == pytest.approx(value, abs=1e-4)
    assert agreement(a, a, "correlation") == pytest.approx(1)
