"""``whyslice check`` as a person, or a script, asks it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from viewer.evaluation.checks.declaration import CHECKS

VERDICTS = {"no objection", "doubtful", "fails", "not defined"}


def test_all_checks_of_the_usual_map(say, tiny, nifti):
    told = say("check", nifti, "--model", tiny, "--json")
    assert told.code == 0, told.err
    document = told.document
    assert [each["name"] for each in document["checks"]] == list(CHECKS)
    for each in document["checks"]:
        assert each["verdict"] in VERDICTS
        assert each["value"] is None or isinstance(each["value"], float)
        assert each["sentence"]
        assert (each["explainer"], each["layer"], each["class"], each["slice"]) == (
            "grad-cam",
            "relu2",
            "stroke",
            2,
        )
        assert each["picture"] is None
    assert "highest probability of stroke" in document["slice_rule"]


def test_pictures_and_a_record_where_a_folder_is_given(say, tiny, nifti, tmp_path):
    out = tmp_path / "out"
    told = say(
        "check", nifti, "--model", tiny, "--class", "stroke", "--slice", 2, "--checks", "mirror,outside-body",
        "--checks", "crop", "--out", out, "--json",
    )  # fmt: skip
    checks = told.document["checks"]
    assert [each["name"] for each in checks] == ["outside-body", "mirror", "crop"]
    for each in checks:
        if each["picture"] is not None:
            with Image.open(each["picture"]) as picture:
                assert picture.width >= 500
    assert any(each["picture"] for each in checks)
    record = json.loads(Path(told.document["provenance"]).read_text(encoding="utf-8"))
    assert record["checks"][1]["value"] == checks[1]["value"]
    assert str(tmp_path) not in json.dumps(record)
    assert record["thresholds"]["mirror"]["reason"]


def test_several_maps_are_checked_one_after_the_other(say, tiny, nifti):
    told = say(
        "check", nifti, "--model", tiny, "--explainer", "layer-cam,gradient", "--layer", "relu1", "--class",
        "stroke,no stroke", "--slice", "2", "--checks", "mirror", "--json",
    )  # fmt: skip
    found = [(each["class"], each["explainer"], each["layer"]) for each in told.document["checks"]]
    assert found == [
        ("stroke", "layer-cam", "relu1"),
        ("stroke", "gradient", "input"),
        ("no stroke", "layer-cam", "relu1"),
        ("no stroke", "gradient", "input"),
    ]


def test_words_for_a_person(say, tiny, nifti):
    told = say(
        "check",
        nifti,
        "--model",
        tiny,
        "--checks",
        "mirror",
        "--set",
        "samples=3",
        "--explainer",
        "smoothgrad",
    )
    assert told.code == 0
    assert "smoothgrad, input, stroke, slice 2" in told.out
    assert "mirror" in told.out
    assert "mirrored back" in told.out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--checks", "miror"), "mirror"),
        (("--explainer", "grad-kam"), "grad-cam"),
        (("--class", "stoke"), "stroke"),
        (("--layer", "relu9"), "relu"),
        (("--slice", "99"), "no slice 99"),
        (("--set", "samples=1", "--explainer", "smoothgrad"), "samples"),
    ],
)
def test_a_bad_wish_is_one_sentence(say, tiny, nifti, words, sentence):
    told = say("check", nifti, "--model", tiny, *words)
    assert told.code == 2
    assert sentence in told.sentence
