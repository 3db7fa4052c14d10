"""``whyslice evaluate``: its document, its files, its sentences, and several processes."""

from __future__ import annotations

import csv
import json
import re
import shutil

import pytest
import torch
from safetensors.torch import save_file

from tests.tiny import tiny_network, write_tiny_model, write_tiny_segmentation
from tests.tiny_cohort import write_tiny_cohort
from tests.tiny_multilabel import write_tiny_labels_model
from viewer.controllers.cohort import scoring
from viewer.controllers.cohort.order import EvaluateOrder, planned
from viewer.controllers.cohort.running import wanted_cohort
from viewer.controllers.cohort.workers import scored_here, scored_in_processes
from viewer.evaluation.prediction_table import CHIEF_SCORES
from viewer.foundation.errors import Cancelled
from viewer.reporting import cohort_figures

QUICK = ("--jobs", 0, "--draws", 20, "--transforms", "mean", "--fractions", "5,10")
BRIEF = ("--jobs", 0, "--draws", 5, "--transforms", "none", "--values", "5")


@pytest.fixture
def cohort(tmp_path):
    return write_tiny_cohort(tmp_path / "cohort", split="test")


def test_the_document_and_the_files(say, tiny, cohort, tmp_path):
    out = tmp_path / "out"
    told = say("evaluate", cohort, "--model", tiny, "--out", out, *QUICK, "--split", "test", "--json")
    assert told.code == 0
    document = told.document
    assert document["predictions"]["per_patient"]["scores"]["accuracy"]["value"] == 1
    assert {row["value"] for row in document["localisation"]} == {1, 2, 3, 5, 8, 10, 20}
    assert {row["fraction"] for row in document["pixel_importance"]} == {5, 10}
    with (out / "localisation.csv").open(newline="", encoding="utf-8") as stream:
        assert len(list(csv.DictReader(stream))) == len(document["localisation"])
    page = (out / "report.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") >= 5
    assert not re.search(r"<script|https?://|src='(?!data:)", page)
    assert "p0" not in page.replace("base64", "").split("</style>")[1].split("data:image")[0]
    record = json.loads((out / "provenance.json").read_text(encoding="utf-8"))
    assert record["request"]["maps"]
    assert "p0" not in json.dumps(record["request"])
    assert (out / "iou.pdf").read_bytes().startswith(b"%PDF")


def test_words_for_a_person(say, tiny, cohort, tmp_path):
    (cohort / "p4.nii.gz").write_bytes(b"broken")
    told = say(
        "evaluate", cohort, "--model", tiny, "--out", tmp_path / "o", *QUICK, "--explainers", "grad-cam,cam"
    )
    assert told.code == 0
    assert "per patient (4)" in told.out
    assert "localisation: slices on which a reader marked the class" in told.out
    assert "skipped 'p4.nii.gz'" in told.err


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("--explainers", "grad-kam"), 2, "nearest: grad-cam"),
        (("--slices", "most"), 2, "no rule 'most'"),
        (("--values", "a"), 2, "--values takes numbers"),
        (("--split", "train"), 2, "no split 'train'"),
        (("--jobs", "-1"), 2, "less than 0"),
    ],
)
def test_what_is_badly_asked(say, tiny, cohort, tmp_path, words, code, sentence):
    told = say("evaluate", cohort, "--model", tiny, "--out", tmp_path / "o", *words)
    assert (told.code, sentence in told.sentence) == (code, True), told.err


def test_a_folder_without_a_table(say, tiny, tmp_path):
    told = say("evaluate", tmp_path, "--model", tiny, "--out", tmp_path / "o")
    assert told.code == 1
    assert "has no cohort.csv" in told.sentence
    assert told.sentence.count(": ") == 1, told.sentence
    told = say("evaluate", tmp_path / "nope", "--model", tiny, "--out", tmp_path / "o")
    assert (told.code, "There is no file or folder 'nope'." in told.sentence) == (1, True)


def test_processes_give_the_same_numbers_survive_and_stop(tmp_path):
    """The bundled model, as a worker process knows no network of a test."""
    cohort = write_tiny_cohort(tmp_path / "c", strokes=2, others=1)
    order = EvaluateOrder(cohort, "stroke-shallow", tmp_path / "o", transforms=("mean",), fractions=(5.0,))
    (cohort / "p2.nii.gz").write_bytes(b"broken")
    plan, rows = planned(order), wanted_cohort(order).images
    looks = []
    found = {row.path: answer for row, answer in scored_in_processes(plan, rows, 2, lambda: looks.append(1))}
    here = {row.path: answer for row, answer in scored_here(plan, rows, lambda: None)}
    assert looks
    assert "p2.nii.gz" in found
    assert isinstance(found["p2.nii.gz"], str)
    for path, answer in here.items():
        if isinstance(answer, dict):
            for part in ("slices", "probabilities", "localisation", "importance", "focus", "overlap"):
                assert _flat(found[path][part]) == pytest.approx(_flat(answer[part]), rel=1e-4, abs=1e-5), (
                    part
                )

    def stop():
        raise Cancelled

    with pytest.raises(Cancelled):
        list(scored_in_processes(plan, rows, 1, stop))


def _flat(value):
    """All numbers of nested lists, words as what they are."""
    if isinstance(value, list):
        return [each for item in value for each in _flat(item)]
    return [value] if isinstance(value, float) else []


@pytest.fixture
def unillustrated(monkeypatch):
    """Figures take most of the time and are looked at elsewhere."""
    monkeypatch.setattr(cohort_figures, "cohort_figures", lambda document: iter(()))


@pytest.fixture
def blind(user_folder):
    """A network of the same kind that never finds a stroke; its default layer is another one."""
    folder = write_tiny_model(user_folder, "blind")
    card = (folder / "model.toml").read_text(encoding="utf-8")
    card = card.replace('default_layer = "relu2"', 'default_layer = "relu1"').split("[[reference]]")[0]
    (folder / "model.toml").write_text(card, encoding="utf-8")
    network = tiny_network()
    with torch.no_grad():
        network.linear.bias[1] = -60.0
    save_file(network.state_dict(), folder / "weights.safetensors")
    return "blind"


@pytest.mark.usefixtures("unillustrated")
def test_models_stand_side_by_side(say, tiny, blind, cohort, tmp_path):
    out, alone = tmp_path / "out", tmp_path / "alone"
    words = (*QUICK, "--include", "all", "--layers", "relu1,relu2", "--json")
    document = say("evaluate", cohort, "--model", f"{tiny}, {blind}", "--out", out, *words).document
    one, other = (
        say("evaluate", cohort, "--model", name, "--out", alone / name, *words).document
        for name in (tiny, blind)
    )
    assert "models" not in one
    assert "side_by_side" not in one
    for name in ("model", "images", "predictions", "localisation", "pixel_importance", "focus"):
        assert document[name] == one[name], name
    assert [each["model"] for each in document["models"]] == [tiny, blind]
    assert [each["layer"] for each in document["models"]] == ["relu2", "relu1"]
    rows = {
        (row["unit"], row["class"], row["reader"], row["measure"]): [
            tuple(each[name] for name in ("value", "low", "high")) for each in row["values"]
        ]
        for row in document["side_by_side"]
    }
    for unit, key in (("patient", "per_patient"), ("slice", "per_slice")):
        for measure in CHIEF_SCORES:
            scores = [each["predictions"][key]["scores"][measure] for each in (one, other)]
            expected = [tuple(score[name] for name in ("value", "low", "high")) for score in scores]
            assert rows[unit, "", "", measure] == expected, measure
    assert [value for value, *_ in rows["patient", "", "", "sensitivity"]] == [1, 0]
    for place, (found, layer) in enumerate(((one, "relu2"), (other, "relu1"))):
        best = max(
            row["iou"]
            for row in found["localisation"]
            if (row["explainer"], row["layer"], row["reader"]) == ("grad-cam", layer, "mask")
        )
        assert rows["map", "stroke", "mask", "iou"][place][0] == best
    with (out / "models.csv").open(newline="", encoding="utf-8") as stream:
        lines = list(csv.DictReader(stream))
    assert len(lines) == len(rows)
    assert float(lines[1][f"{blind} high"]) == document["side_by_side"][1]["values"][1]["high"]
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "Models side by side" in page
    assert "Models side by side" not in (alone / tiny / "report.html").read_text(encoding="utf-8")
    theirs = json.loads((out / "models" / blind / "evaluation.json").read_text(encoding="utf-8"))
    assert theirs["predictions"] == other["predictions"]


@pytest.mark.usefixtures("unillustrated")
def test_each_of_several_models_goes_on_where_it_was(say, tiny, blind, cohort, tmp_path, monkeypatch):
    words = ("--out", tmp_path / "o", *BRIEF)
    seen = []
    real = scoring.score_image

    def counted(plan, row, *arguments):
        if len(seen) == 7:
            raise Cancelled
        seen.append((plan.model, row.path))
        return real(plan, row, *arguments)

    monkeypatch.setattr("viewer.controllers.cohort.workers.score_image", counted)
    assert say("evaluate", cohort, "--model", f"{tiny},{blind}", *words).code == 130
    monkeypatch.setattr(
        "viewer.controllers.cohort.workers.score_image",
        lambda plan, row, *more: seen.append((plan.model, row.path)) or real(plan, row, *more),
    )
    told = say("evaluate", cohort, "--model", f"{tiny},{blind}", *words)
    assert told.code == 0
    assert seen == [(model, f"p{n}.nii.gz") for model in (tiny, blind) for n in range(5)]
    assert re.search(r"of +class +reader +score +tiny +blind", told.out)
    # One of them alone, and both the other way round, ask no network again.
    assert say("evaluate", cohort, "--model", blind, *words).code == 0
    assert say("evaluate", cohort, "--model", f"{blind},{tiny}", *words).code == 0
    assert len(seen) == 10


@pytest.mark.usefixtures("unillustrated")
def test_models_with_other_classes_are_compared_class_by_class(say, tiny, user_folder, cohort, tmp_path):
    write_tiny_labels_model(user_folder)
    table = cohort / "cohort.csv"
    table.write_text(
        table.read_text(encoding="utf-8").replace("stroke,", "1,").replace("no 1,", "0,"), encoding="utf-8"
    )
    told = say(
        "evaluate", cohort, "--model", f"{tiny},tiny-labels", "--out", tmp_path / "o", *BRIEF, "--json"
    )
    rows = [row for row in told.document["side_by_side"] if row["measure"] == "sensitivity"]
    by_class = {row["class"]: [each["value"] is not None for each in row["values"]] for row in rows}
    assert by_class["stroke"] == [True, False]
    assert by_class["dark"][0] is False


def test_a_model_that_lacks_what_is_asked_stops_all_before_they_start(
    say, tiny, user_folder, cohort, tmp_path
):
    write_tiny_segmentation(user_folder)
    told = say("evaluate", cohort, "--model", f"{tiny},tiny-seg", "--out", tmp_path / "o", *BRIEF)
    assert (told.code, "segmentation network" in told.sentence) == (1, True)
    assert not list((tmp_path / "o").glob("cases/*"))
    copy = tmp_path / "copy"
    shutil.copytree(user_folder / "models" / "tiny", copy)
    told = say("evaluate", cohort, "--model", f"{tiny},{copy}", "--out", tmp_path / "o", *BRIEF)
    assert (told.code, "have the id 'tiny'" in told.sentence) == (2, True)
