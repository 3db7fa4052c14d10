"""``--erase``: what the model says without a part of the picture, before and after, and in every record."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Say

SQUARE = "7,19,13,25"


def test_predict_says_before_and_after(say: Say, tiny: str, nifti: Path) -> None:
    document = say("predict", nifti, "--model", tiny, "--erase", SQUARE, "--json").document
    plain = say("predict", nifti, "--model", tiny, "--json").document
    assert "before_erasing" not in plain
    assert document["before_erasing"]["slices"] == plain["slices"]
    before, after = (d["slices"][2]["probabilities"][1] for d in (plain, document))
    assert before > 0.5 > after
    (erased,) = document["input"]["erased"]
    assert (erased["row_min"], erased["fill"], erased["slice"]) == (7.0, "surroundings", None)
    told = say("predict", nifti, "--model", tiny, "--erase", SQUARE)
    assert "(before erasing" in told.out


def test_one_slice_alone_and_several_boxes(say: Say, tiny: str, nifti: Path) -> None:
    words = ("predict", nifti, "--model", tiny, "--json", "--erase-with", "mean")
    elsewhere = say(*words, "--erase", SQUARE + ",1").document
    assert (
        elsewhere["slices"][2]["probabilities"] == elsewhere["before_erasing"]["slices"][2]["probabilities"]
    )
    both = say(*words, "--erase", "7,19,13,22", "--erase", "7,22,13,25").document
    assert both["slices"][2]["probabilities"][1] < 0.5
    assert [each["fill"] for each in both["input"]["erased"]] == ["mean", "mean"]


def test_explain_writes_the_map_of_the_erased_input_and_records_it(
    say: Say, tiny: str, nifti: Path, tmp_path: Path
) -> None:
    out = tmp_path / "maps"
    words = ("--explainer", "grad-cam", "--class", "stroke", "--slice", 2, "--out", out, "--json")
    document = say("explain", nifti, "--model", tiny, *words, "--erase", SQUARE).document
    (made,) = document["maps"]
    assert document["before_erasing"]["slices"][2]["probabilities"][1] > made["probability"]
    assert "erased" in made["may_read"]["line"]
    record = json.loads(Path(document["provenance"]).read_text(encoding="utf-8"))
    assert record["erased"][0]["column_max"] == 25
    assert "erased" in record["diagnoses"]
    plain = say("explain", nifti, "--model", tiny, *words).document
    assert plain["maps"][0]["raw_max"] > 2 * made["raw_max"]
    assert "before_erasing" not in plain


def test_check_is_of_the_erased_input(say: Say, tiny: str, nifti: Path, tmp_path: Path) -> None:
    out = tmp_path / "checks"
    words = ("--class", "stroke", "--slice", 2, "--checks", "brightness-likeness", "--out", out, "--json")
    document = say("check", nifti, "--model", tiny, *words, "--erase", SQUARE).document
    record = json.loads(Path(document["provenance"]).read_text(encoding="utf-8"))
    assert record["input"]["erased"][0]["row_max"] == 13


@pytest.mark.parametrize(
    ("box", "code", "words"),
    [
        ("1,2,3", 2, "no box such as"),
        ("a,2,3,4", 2, "no box such as"),
        ("1,2,3,4,5,6", 2, "no box such as"),
        ("40,40,50,50", 2, "holds no pixel of the picture, which has 32 rows and 32 columns"),
        ("0,0,32,32", 2, "whole picture"),
        ("1,1,5,5,9", 2, "no slice 9"),
    ],
)
def test_boxes_that_mean_nothing_are_one_sentence(
    say: Say, tiny: str, nifti: Path, box: str, code: int, words: str
) -> None:
    told = say("predict", nifti, "--model", tiny, "--erase", box)
    assert told.code == code
    assert words in told.sentence


def test_no_such_filling(say: Say, tiny: str, nifti: Path) -> None:
    told = say("predict", nifti, "--model", tiny, "--erase", SQUARE, "--erase-with", "blurr")
    assert told.code == 2
    assert "blur" in told.sentence
