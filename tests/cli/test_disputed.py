"""Disputed labels and misclassified cases of a cohort, as ``whyslice evaluate`` has them."""

from __future__ import annotations

import csv

import pytest

from tests.tiny_cohort import write_tiny_cohort
from viewer.evaluation.cohort_table import read_cohort
from viewer.reporting import cohort_figures

BRIEF = ("--jobs", 0, "--draws", 5, "--transforms", "none", "--values", "5", "--explainers", "grad-cam")


@pytest.fixture
def cohort(tmp_path, monkeypatch):
    """Five patients, of whom the third is labelled wrongly; no figure of the evaluation is drawn."""
    folder = write_tiny_cohort(tmp_path / "cohort", mrs="3")
    table = (folder / "cohort.csv").read_text()
    (folder / "cohort.csv").write_text(table.replace("p3.nii.gz,p3,no stroke", "p3.nii.gz,p3,stroke"))
    monkeypatch.setattr(cohort_figures, "cohort_figures", lambda _: ())
    return folder


def test_columns_that_nobody_knows_are_facts_of_the_case(cohort):
    image = read_cohort(cohort).image_of(cohort / "p1.nii.gz")
    assert image is not None
    assert image.facts == (("mrs", "3"),)
    assert read_cohort(cohort).image_of(cohort / "other.nii.gz") is None


def test_a_disputed_label_is_counted_apart(say, tiny, cohort, tmp_path):
    notes = tmp_path / "notes.csv"
    notes.write_text("path,note\np3.nii.gz,no lesion on any slice\n")
    before = say("evaluate", cohort, "--model", tiny, "--out", tmp_path / "o", *BRIEF, "--json").document
    told = say(
        *("evaluate", cohort, "--model", tiny, "--out", tmp_path / "o", *BRIEF),
        *("--disputed", notes, "--json"),
    )
    assert told.code == 0, told.err
    document = told.document
    assert before["disputed"] == []
    assert before["predictions"]["per_patient"]["scores"]["sensitivity"]["value"] == pytest.approx(3 / 4)
    assert document["predictions"]["per_patient"]["scores"]["sensitivity"]["value"] == 1
    assert document["predictions"]["per_patient"]["n"] == 4
    (apart,) = document["disputed"]
    assert (apart["path"], apart["outcome"]) == ("p3.nii.gz", "FN")
    with (tmp_path / "o" / "disputed.csv").open(newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert row["note"] == "no lesion on any slice"


def test_the_table_may_dispute_too_and_the_answer_says_how_many(say, tiny, cohort, tmp_path):
    lines = (cohort / "cohort.csv").read_text().splitlines()
    lines = [f"{lines[0]},disputed", *(f"{line},{'wrong' if 'p3.nii' in line else ''}" for line in lines[1:])]
    (cohort / "cohort.csv").write_text("\n".join(lines) + "\n")
    told = say("evaluate", cohort, "--model", tiny, "--out", tmp_path / "o", *BRIEF)
    assert told.code == 0, told.err
    assert "1 with a disputed label, counted apart: FN 1" in told.out


def test_misclassified_cases_are_shown_with_the_peak_of_their_map(say, tiny, cohort, tmp_path):
    told = say(
        *("evaluate", cohort, "--model", tiny, "--out", tmp_path / "o", *BRIEF),
        *("--misclassified", 3, "--json"),
    )
    assert told.code == 0, told.err
    found = told.document["misclassified"]
    assert [(each["path"], each["outcome"]) for each in found["cases"]] == [("p3.nii.gz", "FN")]
    assert found["sentence"].startswith("1 missed, 0 called")
    assert (tmp_path / "o" / "misclassified.png").read_bytes().startswith(b"\x89PNG")
    assert "misclassified.pdf" in told.document["files"]["written"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("path,reason\na,b\n", "no columns 'path' and 'note'"),
        ("path,note\nnobody.nii.gz,x\n", "no image 'nobody"),
    ],
)
def test_notes_that_cannot_be_used_are_refused(say, tiny, cohort, tmp_path, text, sentence):
    notes = tmp_path / "notes.csv"
    notes.write_text(text)
    told = say("evaluate", cohort, "--model", tiny, "--out", tmp_path / "o", *BRIEF, "--disputed", notes)
    assert told.code in (1, 2)
    assert sentence in told.sentence
