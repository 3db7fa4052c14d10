"""``whyslice evaluate``: its document, its files, its sentences, and several processes."""

from __future__ import annotations

import csv
import json
import re

import pytest

from tests.tiny_cohort import write_tiny_cohort
from viewer.controllers.cohort.order import EvaluateOrder, planned
from viewer.controllers.cohort.running import wanted_cohort
from viewer.controllers.cohort.workers import scored_here, scored_in_processes
from viewer.foundation.errors import Cancelled

QUICK = ("--jobs", 0, "--draws", 20, "--transforms", "mean", "--fractions", "5,10")


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
