"""Hands on the Cohort workspace: open a table, run it, filter, open a case on its slice with its truth, go on."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest
import torch
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from safetensors.torch import save_file

from tests.tiny import tiny_network, write_tiny_model, write_tiny_segmentation
from tests.tiny_cohort import write_tiny_cohort
from viewer.controllers import engine
from viewer.controllers.cohort.files import write_evaluation
from viewer.controllers.cohort.order import EvaluateOrder
from viewer.controllers.cohort.side_by_side import evaluate_each
from viewer.foundation.errors import UsageError
from viewer.models.card import read_card
from viewer.models.shelf import model_cards
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
    bare.panel = bare.window.stage.cohort
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
    names = [panel.results.views.itemText(i) for i in range(panel.results.views.count())]
    assert names[:3] == ["Scores per patient", "Scores per slice", "Scores of the maps"]
    shown = {
        panel.results.scores.item(r, 0).text(): panel.results.scores.item(r, 1).text()
        for r in range(panel.results.scores.rowCount())
    }
    assert shown["accuracy"] == "1.000"
    for number, name in enumerate(names):
        panel.results.views.setCurrentIndex(number)
        panel.results.views.activated.emit(number)
        cohort.settle()
        if name == "ROC curve":
            assert panel.results.pages.currentWidget() is panel.results.figure
            assert not panel.results.figure.pixmap.isNull()
    brightness = [panel.results.maps.item(r, 0).text() for r in range(panel.results.maps.rowCount())]
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
    assert not bare.window.stage.cohort.run.isEnabled()


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


@pytest.fixture
def blind(cohort, user_folder):
    """A second model that never finds a stroke, one with other classes, and one that names no class at all."""
    folder = write_tiny_model(user_folder, "blind")
    network = tiny_network()
    with torch.no_grad():
        network.linear.bias[1] = -60.0
    save_file(network.state_dict(), folder / "weights.safetensors")
    other = replace(read_card(folder), id="fractures", classes=("whole", "broken"), positive_class="broken")
    segmenting = read_card(write_tiny_segmentation(user_folder))
    known = (*(card for card in model_cards()[0] if card.id in ("tiny", "blind")), other, segmenting)
    cohort.session.models = tuple(sorted(known, key=lambda card: card.id != "tiny"))
    cohort.settle()
    return "blind"


def open_list(driver):
    """The check list as it is opened from the keyboard; a modal menu would wait for its own end."""
    menu = driver.panel.models.menu()
    menu.popup(driver.panel.models.mapToGlobal(driver.panel.models.rect().bottomLeft()))
    driver.settle()
    return menu, {action.text(): action for action in menu.actions()}


@pytest.mark.usefixtures("blind")
def test_models_are_chosen_from_a_list_that_stays_open(cohort):
    panel = cohort.panel
    menu, entries = open_list(cohort)
    assert list(entries) == ["tiny (the chosen model)", "blind", "fractures", "tiny-seg"]
    assert entries["tiny (the chosen model)"].isChecked()
    assert [entries[name].isEnabled() for name in list(entries)[1:]] == [True, False, False]
    assert "none of the classes" in entries["fractures"].toolTip()
    QTest.keyClick(menu, Qt.Key.Key_Down)
    assert menu.activeAction() is entries["blind"]
    QTest.keyClick(menu, Qt.Key.Key_Space)
    cohort.settle()
    assert menu.isVisible(), "the next one can be chosen"
    assert cohort.session.cohort.beside == ("blind",)
    assert panel.models.text().startswith("Models: 2")
    assert panel.models.accessibleName() == "Models: tiny, blind"
    place = menu.actionGeometry(entries["blind"]).center()
    QTest.mouseClick(menu, Qt.MouseButton.LeftButton, pos=place)
    cohort.settle()
    assert menu.isVisible()
    assert cohort.session.cohort.beside == ()
    assert not entries["blind"].isChecked()
    QTest.keyClick(menu, Qt.Key.Key_Escape)
    assert not menu.isVisible()
    with pytest.raises(UsageError, match="none of the classes"):
        cohort.bench.cohorts.toggle_model("fractures")
    with pytest.raises(UsageError, match="no model 'nobody'"):
        cohort.bench.cohorts.toggle_model("nobody")


def test_several_models_run_one_after_the_other_and_stand_in_one_table(cohort, blind, tmp_path):
    panel, session = cohort.panel, cohort.session
    cohort.bench.cohorts.choose(pixels=False)
    cohort.bench.cohorts.toggle_model(blind)
    runs = []

    def follow(found, *_):
        if found is not None and found.run is not None and found.run.words not in ("", "preparing"):
            runs.append((found.run.done, found.run.total, found.run.words))

    session.events.cohort.connect(follow)
    press(cohort, panel.run)
    session.events.cohort.disconnect(follow)
    assert {total for _, total, _ in runs} == {10}, runs
    assert [done for done, _, _ in runs] == sorted(done for done, _, _ in runs)
    assert any("blind, model 2 of 2" in words for _, _, words in runs)
    # The lines are those of the chosen model, as when it runs alone.
    assert texts(panel, 4) == ["TP", "TP", "TP", "TN", "\u2014"]
    assert "scored by tiny; beside it blind" in panel.words.full
    results = panel.results
    assert results.views.currentText() == "Models side by side"
    assert results.pages.currentWidget() is results.models
    table = results.models.table
    assert [table.horizontalHeaderItem(n).text() for n in range(3)] == ["score", "tiny", "blind"]
    shown = {}
    for row in range(table.rowCount()):
        if table.columnSpan(row, 0) == 1:
            shown.setdefault(table.item(row, 0).text(), [table.item(row, n).text() for n in (1, 2)])
    assert shown["sensitivity"][0].startswith("1.000")
    assert shown["sensitivity"][1].startswith("0.000")
    assert {"accuracy", "specificity", "auc", "nll"} <= set(shown)
    assert "of each model by itself and not of the difference" in results.models.words.text()
    assert "Save results writes" in results.models.words.text()
    # The same numbers as by `whyslice evaluate --model tiny,blind`, and nothing is asked twice.
    order = EvaluateOrder(session.cohort.cohort.folder, "tiny", tmp_path / "line", transforms=(), jobs=0)
    first, *others = evaluate_each(order, ["tiny", blind])
    assert session.cohort.document["side_by_side"] == write_evaluation(first, beside=others)["side_by_side"]
    cohort.bench.cohorts.save(tmp_path / "Miller results")
    cohort.settle()
    saved = results.models.words.text()
    assert "models/blind/report.html" in saved
    assert "Miller" not in saved
    assert (tmp_path / "Miller results" / "models" / "blind" / "report.html").is_file()
    with (tmp_path / "Miller results" / "models.csv").open(newline="", encoding="utf-8") as stream:
        assert "blind high" in next(csv.reader(stream))
    cohort.bench.viewing.toggle_phi()
    cohort.settle()
    assert "'Miller results'" in results.models.words.text()


def test_a_stopped_run_of_several_models_says_how_far_all_are_and_goes_on(cohort, blind):
    session, cohorts = cohort.session, cohort.bench.cohorts
    cohorts.choose(pixels=False)
    cohorts.toggle_model(blind)

    def stop(found, *_):
        if found is not None and found.run is not None and found.run.done == 6:
            cohorts.stop()

    session.events.cohort.connect(stop)
    press(cohort, cohort.panel.run)
    session.events.cohort.disconnect(stop)
    assert "6 of 10 are scored" in cohort.panel.said.full
    assert session.cohort.document is None
    press(cohort, cohort.panel.run)
    assert [each["model"] for each in session.cohort.document["models"]] == ["tiny", "blind"]


def test_a_model_without_good_weights_stops_the_run_before_it_begins(cohort, blind, user_folder):
    (user_folder / "models" / blind / "weights.safetensors").write_bytes(b"nothing")
    engine.classifier.cache_clear()
    cohort.bench.cohorts.toggle_model(blind)
    press(cohort, cohort.panel.run)
    assert cohort.session.cohort.run is None
    assert "weights" in cohort.session.notice.sentence
