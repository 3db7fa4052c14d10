"""The whole list of the study on one patient, by the menu: workspace, number, picture; the patient; disputed labels."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from tests.tiny import CARD, tiny_network, write_tiny_model
from tests.tiny_cohort import write_tiny_cohort
from viewer.controllers.experiments.declaration import EXPERIMENTS
from viewer.imaging.image import PatientInfo
from viewer.models.card import read_card
from viewer.reporting import cohort_figures, page
from viewer.ui.dialogs.dispute_dialog import DisputeDialog


def _pixel() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def undrawn(monkeypatch):
    """Pages are laid out by the tests of figures; drawing each here would take most of the time."""
    drawn = []
    monkeypatch.setattr(page, "page_png", lambda content, dpi=0: drawn.append(content) or _pixel())
    return drawn


@pytest.fixture
def mislabelled(tmp_path):
    """Five patients, one of whom has no lesion and is labelled ill."""
    folder = write_tiny_cohort(tmp_path / "study", mrs="2")
    table = (folder / "cohort.csv").read_text()
    (folder / "cohort.csv").write_text(table.replace("p3.nii.gz,p3,no stroke", "p3.nii.gz,p3,stroke"))
    return folder


@pytest.fixture
def partners(driver, tmp_path):
    """A second training and a model with grades, beside the tiny one."""
    import torch
    from safetensors.torch import save_file

    again = write_tiny_model(tmp_path / "again", "tiny-again")
    grading = write_tiny_model(tmp_path / "grading", "tiny-grades")
    torch.manual_seed(1)
    card = CARD.format(id="tiny-grades").replace('["no stroke", "stroke"]', '["no stroke", "mild", "severe"]')
    card = card.replace('positive_class = "stroke"', 'positive_class = "severe"')
    (grading / "model.toml").write_text(card.replace("stroke = 0.5", "severe = 0.5"), encoding="utf-8")
    save_file(tiny_network(3).state_dict(), grading / "weights.safetensors")
    session = driver.session
    cards = [replace(read_card(folder), id=str(folder)) for folder in (again, grading)]
    session.models = (*(card for card in session.models if card.id == "tiny"), *cards)
    return str(again), str(grading)


def act(driver, identity):
    driver.window.act(f"experiment.{identity}")
    driver.settle()


def test_the_whole_list_runs_on_one_patient(driver, partners, undrawn, monkeypatch):
    from viewer.controllers.experiments import models

    cards = driver.session.models
    monkeypatch.setattr(models, "model_cards", lambda: (cards, ()))
    for name, info in EXPERIMENTS.items():
        assert driver.window.menus.actions[f"experiment.{name}"].isEnabled(), name
        act(driver, name)
        shown = driver.session.experiment
        assert shown.stage == "ready", (name, shown.sentence)
        assert shown.name == name
        assert shown.sentence in driver.window.experiment.sentence.full
        assert driver.session.workspace == info.workspace
        if info.compares:
            assert driver.session.comparing.kind == info.compares
        assert driver.window.experiment_picture.window.isVisible()
        assert driver.window.experiment_picture.window.windowTitle() == info.title
        assert len(driver.window.experiment_picture.window.pictures) == 1
    assert [content.title for content in undrawn] == [info.title for info in EXPERIMENTS.values()]
    act(driver, "patient-summary")  # the patient as a patient
    assert driver.session.experiment.stage == "ready"
    assert "for the patient" in driver.session.experiment.sentence
    act(driver, "close")
    assert driver.session.experiment is None
    assert not driver.window.experiment.isVisible()
    assert not driver.window.experiment_picture.window.isVisible()


def test_what_has_no_partner_says_why_in_the_menu(driver):
    driver.session.models = tuple(card for card in driver.session.models if card.id == "tiny")
    driver.settle()
    menu = driver.window.menus.actions
    assert not menu["experiment.reproducibility"].isEnabled()
    assert "second training" in menu["experiment.reproducibility"].toolTip()
    assert not menu["experiment.outcome"].isEnabled()
    assert not menu["experiment.misclassified"].isEnabled()


def test_a_patient_is_read_as_a_patient(driver, undrawn, tmp_path):
    image = replace(driver.session.case.image, patient=PatientInfo(name="Miller^Anna", identifier="4711"))
    driver.bench.opening.show(image)
    driver.settle()
    act(driver, "patient-summary")
    shown = driver.session.experiment
    assert shown.stage == "ready"
    assert "Called: 1 of 9 slices (5)." in shown.sentence
    assert "1 of 1 peaks" in shown.sentence
    assert len(driver.window.experiment_picture.window.pictures) == 2
    assert all(not content.person for content in undrawn)
    saved = []
    monkey = pytest.MonkeyPatch()
    with monkey.context() as patched:
        patched.setattr(page, "save_pages", lambda path, pages: saved.append(pages))
        driver.bench.experiments.save(tmp_path / "patient.pdf")
        driver.bench.viewing.toggle_phi()
        driver.bench.experiments.save(tmp_path / "patient.pdf")
    hidden, named = saved
    assert all(not each.person for each in hidden)
    assert all("Miller^Anna" in each.person for each in named)


def test_another_case_takes_the_experiment_away(driver, undrawn):
    act(driver, "mirroring")
    assert driver.session.experiment is not None
    driver.bench.opening.open_demo()
    driver.settle()
    assert driver.session.experiment is None
    assert not driver.window.experiment_picture.window.isVisible()


def test_the_list_of_a_cohort_table_2_misclassified_cases_and_a_disputed_label(
    bare, mislabelled, undrawn, user_folder, monkeypatch
):
    """The rest of the study's list, by the menu and the Cohort workspace."""
    monkeypatch.setattr(cohort_figures, "cohort_figures", lambda _: ())
    second = read_card(write_tiny_model(user_folder, "tiny-again"))
    bench, session = bare.bench, bare.session
    bench.cohorts.jobs = 0
    bench.explaining.select_model("tiny")
    session.models = (next(card for card in session.models if card.id == "tiny"), second)
    bench.cohorts.open(mislabelled)
    bench.cohorts.choose(pixels=False)
    bench.cohorts.toggle_model("tiny-again")
    bare.settle()
    QTest.mouseClick(bare.window.stage.cohort.run, Qt.MouseButton.LeftButton)
    bare.settle()
    rows = {row["measure"]: row["values"] for row in session.cohort.document["side_by_side"]}
    assert [each["model"] for each in rows["auc"]] == ["tiny", "tiny-again"]
    assert bare.window.stage.cohort.results.views.currentText() == "Models side by side"
    act(bare, "misclassified")
    assert session.experiment.stage == "ready", session.experiment.sentence
    (missed,) = session.cohort.listed
    bench.cohorts.open_case(missed)
    bare.settle()
    assert bare.window.menus.actions["experiment.dispute"].isEnabled()
    bench.disputing.dispute("no lesion on any slice")
    bare.settle()
    again = session.cohort.document["side_by_side"]
    assert next(row for row in again if row["measure"] == "n")["values"][1]["value"] == 4
    assert session.cohort.counts["disputed"] == 1


def test_a_disputed_label_is_counted_apart_kept_and_exported(
    bare, mislabelled, tmp_path, undrawn, monkeypatch
):
    monkeypatch.setattr(cohort_figures, "cohort_figures", lambda _: ())
    folder = mislabelled
    bench, session = bare.bench, bare.session
    bench.cohorts.jobs = 0
    bench.explaining.select_model("tiny")
    bench.cohorts.open(folder)
    bare.settle()
    bench.cohorts.run()
    bare.settle()
    assert session.cohort.counts["FN"] == 1
    act(bare, "misclassified")
    assert session.experiment.stage == "ready", session.experiment.sentence
    assert session.experiment.sentence.startswith("1 missed, 0 called")
    assert session.cohort.shown == {"FN", "FP"}
    (missed,) = session.cohort.listed
    bench.cohorts.open_case(missed)
    bare.settle()
    dialog = DisputeDialog(bench, bare.window)
    bare.qtbot.addWidget(dialog)
    QTest.keyClicks(dialog.note, "no lesion on any slice")
    dialog.accept()
    bare.settle()
    counts = session.cohort.counts
    assert (counts["FN"], counts["disputed"]) == (0, 1)
    assert [each["outcome"] for each in session.cohort.document["disputed"]] == ["FN"]
    assert session.cohort.document["predictions"]["per_patient"]["n"] == 4
    bench.cohorts.save(tmp_path / "results")
    bare.settle()
    with (tmp_path / "results" / "disputed.csv").open(newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert row["note"] == "no lesion on any slice"
    assert not (folder / "disputed.csv").exists()
    bench.cohorts.open(folder)  # again, as after a restart
    bare.settle()
    assert session.cohort.lines[missed].disputed == "no lesion on any slice"
    row = session.cohort.listed.index(missed)
    assert bare.window.stage.cohort.table.item(row, 5).text() == "disputed: no lesion on any slice"
    bench.cohorts.open_case(missed)
    bare.settle()
    assert bare.window.case_panel.disputed.text() == "Label disputed: no lesion on any slice"
    dialog = DisputeDialog(bench, bare.window)
    bare.qtbot.addWidget(dialog)
    assert dialog.note.toPlainText() == "no lesion on any slice"
    dialog.note.clear()
    dialog.accept()
    bare.settle()
    assert session.cohort.lines[missed].disputed == ""
    assert not bare.window.case_panel.disputed.isVisible()
    bare.window.act("edit.undo")
    bare.settle()
    assert session.cohort.lines[missed].disputed == "no lesion on any slice"
    assert bare.window.case_panel.disputed.isVisible()


def test_the_strip_brings_the_picture_back(driver, undrawn):
    act(driver, "classes")
    driver.window.experiment_picture.window.reject()
    driver.settle()
    QTest.mouseClick(driver.window.experiment.picture, Qt.MouseButton.LeftButton)
    driver.settle()
    assert driver.window.experiment_picture.window.isVisible()
