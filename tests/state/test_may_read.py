"""May I read this map? Every fact that should hold a reader back does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from viewer.models.applicability import Applicability
from viewer.state.may_read import MapFacts, may_read

FITS = Applicability("applies")
GOOD = MapFacts("ok", "stroke", 0.93, 0.1)


def test_a_good_map_of_a_fitting_image_is_readable() -> None:
    verdict = may_read(GOOD, FITS)
    assert verdict.answer == "yes"
    assert "0.93" in verdict.line
    assert verdict.boxes_allowed


@pytest.mark.parametrize("state", ["empty", "negative_only", "near_zero"])
def test_a_map_without_evidence_is_not_read_and_gives_no_boxes(state: str) -> None:
    verdict = may_read(replace(GOOD, state=state), FITS)
    assert verdict.answer == "no"
    assert not verdict.boxes_allowed


def test_a_model_for_other_images_comes_first() -> None:
    verdict = may_read(
        replace(GOOD, probability=0.01), Applicability("does_not_apply", ("modality CT, made for MR",))
    )
    assert verdict.answer == "no"
    assert "CT" in verdict.reasons[0]
    assert "improbable" in verdict.reasons[1]


@pytest.mark.parametrize(
    ("facts", "applies", "word"),
    [
        (replace(GOOD, doubts=("the check \u201cmirror\u201d is doubtful",)), FITS, "mirror"),
        (replace(GOOD, probability=0.04), FITS, "improbable"),
        (replace(GOOD, overlap=0.5), FITS, "overlap"),
        (replace(GOOD, mirrored=True), FITS, "mirrored"),
        (replace(GOOD, warning="It hardly depends on the network: edges."), FITS, "it hardly depends"),
        (replace(GOOD, part="12 of 50"), FITS, "unfinished, 12 of 50"),
        (replace(GOOD, score="probability", two_classes=True), FITS, "reverse"),
        (replace(GOOD, score="margin"), FITS, "lead over the next class"),
        (replace(GOOD, incomplete=True), FITS, "add up"),
        (replace(GOOD, deviation=True), FITS, "not the map"),
        (GOOD, Applicability("unproven", ("no modality",)), "nobody can tell"),
        (GOOD, Applicability("unproven", (), "a teaching example"), "a teaching example"),
    ],
)
def test_what_asks_for_care(facts: MapFacts, applies: Applicability, word: str) -> None:
    verdict = may_read(facts, applies)
    assert verdict.answer == "with care"
    assert word in verdict.line


@pytest.mark.parametrize(
    ("facts", "word"),
    [
        (
            replace(GOOD, equal_to=("HiResCAM", "XGrad-CAM")),
            "same map as HiResCAM and XGrad-CAM on this layer",
        ),
        (replace(GOOD, recovered=True), "ends in a softmax"),
        (replace(GOOD, region="12,8"), "the pixel 12,8"),
        (replace(GOOD, region="1,2,3,4"), "the box 1,2,3,4"),
    ],
)
def test_what_is_worth_knowing_speaks_not_against_the_map(facts: MapFacts, word: str) -> None:
    verdict = may_read(facts, FITS)
    assert verdict.answer == "yes"
    assert any(word in reason for reason in verdict.reasons[1:])


def test_values_that_are_no_numbers_are_not_called_an_empty_map() -> None:
    verdict = may_read(replace(GOOD, state="empty", not_finite=True), FITS)
    assert verdict.answer == "no"
    assert "not numbers" in verdict.line
    assert "empty" not in verdict.line


def test_what_biases_keep_of_the_score_is_said() -> None:
    numbers = {"score": 3.0, "input": 1.25, "biases": 1.75, "epsilon": 1e-5}
    line = may_read(MapFacts("ok", "stroke", 0.9, numbers=numbers), FITS).line
    assert "relevance 1.25 on the input + 1.75 in biases = score 3" in line
    assert "epsilon" not in line
    kept = {**numbers, "epsilon": 0.5, "input": 0.75}
    assert "0.5 kept by epsilon" in may_read(MapFacts("ok", "stroke", 0.9, numbers=kept), FITS).line
    broken = may_read(MapFacts("ok", "stroke", 0.9, incomplete=True, numbers=numbers), FITS)
    assert broken.answer == "with care"
    assert broken.line.count("on the input") == 1
