"""Hands on the Cohort workspace: open a table, run it, filter, open a case on its slice with its truth, go on."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from tests.tiny_cohort import write_tiny_cohort
from viewer.foundation.errors import UsageError
from viewer.ui.panels.workspace_tabs import WorkspaceTabs


@pytest.fixture
def cohort(bare, tmp_path):
    """The window in the Cohort workspace with five cases and the tiny model; runs work in the thread of the window."""
    folder = write_tiny_cohort(tmp_path / "Miller study")
    (folder / "p4.nii.gz").write_bytes(b"broken")
    bare.bench.cohorts.jobs = 0
    bare.bench.explaining.select_model("tiny")
    bare.bench.cohorts.open(folder)
    bare.settle()
    bare.panel = bare.window.cohort
    return bare


def texts(panel, column):
    return [panel.table.item(row, column).text() for row in range(panel.table.rowCount())]


def press(driver, button):
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    driver.settle()


def double_click(driver, row):
    table = driver.panel.table
    place = table.visualItemRect(table.item(row, 0)).center()
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    QTest.mouseDClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    driver.settle()


def test_an_opened_table_is_shown_without_names(cohort):
    panel = cohort.panel
    assert panel.isVisible()
    assert not cohort.canvas.isVisible()
    assert not cohort.window.boxes.isVisible()
    assert texts(panel, 0) == [f"case {n}" for n in range(1, 6)]
    assert texts(panel, 1) == ["stroke"] * 3 + ["no stroke"] * 2
    assert "Miller" not in panel.words.full
    cohort.bench.viewing.toggle_phi()
    cohort.settle()
    assert texts(panel, 0) == [f"p{n}" for n in range(5)]
    assert "Miller study: 5 cases" in panel.words.full


def test_a_run_fills_outcomes_tables_and_figures(cohort):
    panel = cohort.panel
    press(cohort, panel.run)
    assert texts(panel, 4) == ["TP", "TP", "TP", "TN", "—"]
    assert texts(panel, 3)[:3] == ["3", "3", "3"]
    assert "p4" not in texts(panel, 5)[4]
    assert texts(panel, 5)[4]
    assert [panel.filters[g].text() for g in ("TP", "TN", "skipped")] == ["TP 3", "TN 1", "skipped 1"]
    assert panel.run.isVisible()
    assert not panel.stop.isVisible()
    names = [panel.views.itemText(i) for i in range(panel.views.count())]
    assert names[:3] == ["Scores per patient", "Scores per slice", "Scores of the maps"]
    shown = {
        panel.scores.item(r, 0).text(): panel.scores.item(r, 1).text() for r in range(panel.scores.rowCount())
    }
    assert shown["accuracy"] == "1.000"
    for number, name in enumerate(names):
        panel.views.setCurrentIndex(number)
        panel.views.activated.emit(number)
        cohort.settle()
        if name == "ROC curve":
            assert panel.pages.currentWidget() is panel.figure
            assert not panel.figure.pixmap.isNull()
    brightness = [panel.maps.item(r, 0).text() for r in range(panel.maps.rowCount())]
    assert "no network: brightness" in brightness


def test_filters_and_the_way_to_a_case_and_on(cohort):
    panel = cohort.panel
    press(cohort, panel.run)
    press(cohort, panel.filters["TP"])
    assert panel.table.rowCount() == 3
    press(cohort, panel.filters["TN"])
    assert panel.table.rowCount() == 4
    press(cohort, panel.filters["TN"])
    double_click(cohort, 1)
    session = cohort.session
    assert session.workspace == "reading"
    assert cohort.canvas.isVisible()
    assert session.view.slice == 2
    assert session.case.truth is not None
    assert np.flatnonzero(session.case.truth.positive_slices).tolist() == [2]
    assert {region.reader for region in session.case.truth.regions} == {"mask", "A"}
    first = session.case
    cohort.canvas.setFocus()
    cohort.key(Qt.Key.Key_PageDown)
    assert session.cohort.current == 2
    assert session.case is not first
    cohort.key(Qt.Key.Key_PageDown)
    assert session.cohort.current == 2
    assert "last case" in session.notice.sentence
    cohort.key(Qt.Key.Key_PageUp)
    assert session.cohort.current == 1
    tabs = cohort.window.findChild(WorkspaceTabs)
    tabs.buttons["cohort"].click()
    cohort.settle()
    assert panel.isVisible()
    assert panel.table.currentRow() == 1


def test_choices_of_a_run(cohort):
    panel = cohort.panel
    panel.layers.setCurrentIndex(1)
    panel.layers.activated.emit(1)
    panel.explainers.setCurrentIndex(1)
    panel.explainers.activated.emit(1)
    press(cohort, panel.pixels)
    assert cohort.session.cohort.layers == "all"
    assert not cohort.session.cohort.pixels
    press(cohort, panel.run)
    document = cohort.session.cohort.document
    assert document["pixel_importance"] == []
    assert {"relu1", "relu2"} <= {row["layer"] for row in document["localisation"]}
    own = {
        row["explainer"] for row in document["localisation"] if not row["explainer"].startswith("baseline")
    }
    assert own == {"grad-cam"}


def test_results_are_saved(cohort, tmp_path):
    press(cohort, cohort.panel.run)
    cohort.bench.cohorts.save(tmp_path / "saved")
    cohort.settle()
    assert (tmp_path / "saved" / "report.html").is_file()
    assert "report.html" in cohort.session.notice.sentence


def test_what_is_no_cohort_is_said_and_nothing_is_lost(cohort, tmp_path):
    cohort.bench.cohorts.open(tmp_path)
    cohort.settle()
    assert "no cohort.csv" in cohort.session.notice.sentence
    assert len(cohort.session.cohort.lines) == 5


def test_a_run_without_a_model_says_so(bare, tmp_path):
    bare.bench.cohorts.open(write_tiny_cohort(tmp_path / "c"))
    bare.settle()
    assert not bare.window.cohort.run.isEnabled()


def test_rows_that_cannot_be_used_are_skipped_and_listed(cohort, tmp_path):
    """One image is gone, one line leads out of the folder, one gives a known image to somebody else."""
    folder = write_tiny_cohort(tmp_path / "gaps", strokes=2, others=2)
    (folder / "p3.nii.gz").unlink()
    cohort.bench.cohorts.open(folder)
    cohort.settle()
    panel = cohort.panel
    assert "3 cases, 1 row of the table cannot be used" in panel.words.full
    assert panel.filters["skipped"].text() == "skipped 1"
    with (folder / "cohort.csv").open("a", encoding="utf-8") as table:
        table.write("../else.nii,x,,,,,\np1.nii.gz,other,,,,,\n")
    cohort.bench.cohorts.open(folder)
    cohort.settle()
    assert "3 rows of the table cannot be used" in panel.words.full
    press(cohort, panel.run)
    assert texts(panel, 4) == ["TP", "TP", "TN", "—", "—", "—"]
    assert "does not exist" in texts(panel, 5)[3]
    assert panel.filters["skipped"].text() == "skipped 3"
    assert len(cohort.session.cohort.document["skipped"]) == 3
    double_click(cohort, 4)
    assert cohort.session.workspace == "cohort", "nothing outside the folder is opened"
    assert "inside the folder" in cohort.session.notice.sentence
    cohort.bench.cohorts.open_case(2)
    cohort.settle()
    with pytest.raises(UsageError, match="last case"):
        cohort.bench.cohorts.step(1)
