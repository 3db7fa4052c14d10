"""Examples of a cohort: which images, whose maps, and the numbers that stand beside them."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.tiny_multilabel import write_tiny_labels_cohort, write_tiny_labels_model
from viewer.controllers.cohort.examples import chosen, examples
from viewer.controllers.cohort.files import write_evaluation
from viewer.controllers.cohort.order import EvaluateOrder
from viewer.controllers.cohort.running import evaluate


def case(probabilities: list[float], **outcomes: str) -> dict[str, Any]:
    return {"path": "", "probabilities": probabilities, "outcomes": outcomes}


def test_the_surest_true_positives_of_each_class_and_its_surest_error() -> None:
    document = {
        "predictions": {"classes": ["a", "b"]},
        "cases": [
            case([0.6, 0.1], a="TP", b="TN"),
            case([0.9, 0.8], a="TP", b="FP"),
            case([0.7, 0.9], a="FP", b="TP"),
            case([0.2, 0.1], a="FN", b="TN"),
        ],
    }
    assert chosen(document, 1) == [1, 2], "one image may stand for several classes"
    assert chosen(document, 2) == [1, 0, 2]


def test_without_a_false_positive_the_nearest_miss_is_shown() -> None:
    document = {
        "predictions": {"classes": ["a"]},
        "cases": [case([0.4], a="FN"), case([0.1], a="FN"), case([0.0], a="TN")],
    }
    assert chosen(document, 1) == [0]


@pytest.fixture
def order(user_folder: Path, tmp_path: Path) -> EvaluateOrder:
    write_tiny_labels_model(user_folder)
    cohort = write_tiny_labels_cohort(tmp_path / "cohort")
    return EvaluateOrder(
        cohort,
        "tiny-labels",
        tmp_path / "out",
        explainers=("grad-cam",),
        transforms=("mean",),
        fractions=(10.0,),
        jobs=0,
        draws=0,
        examples=1,
    )


def test_examples_are_written_with_their_tables(order: EvaluateOrder) -> None:
    document = write_evaluation(evaluate(order))
    written = set(document["files"]["written"])
    assert {
        "examples.png",
        "examples.pdf",
        "replaced.png",
        "example_iou.csv",
        "iou_by_percentage.csv",
    } <= written
    with (order.out / "example_iou.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["class"] for row in rows} == {"bright", "dark"}
    assert all(0 <= float(row["iou"]) <= 1 for row in rows)
    assert "Images of the cohort" in (order.out / "report.html").read_text(encoding="utf-8")


def test_an_example_holds_the_map_that_the_numbers_are_of(order: EvaluateOrder) -> None:
    found = evaluate(order)
    shown = examples(found, found.summary().document, 1)
    both = next(each for each in shown if len(each.maps) == 2)
    assert {map_.name for map_ in both.maps} == {"bright", "dark"}
    for map_ in both.maps:
        row, column = np.unravel_index(int(map_.values.argmax()), map_.values.shape)
        assert any(
            region.row_min - 4 <= row <= region.row_max + 4
            and region.column_min - 4 <= column <= region.column_max + 4
            for region in map_.regions
        )
        assert max(iou for _, iou in map_.ious) > 0
    assert set(both.replaced) == {"as it is", "mean"}
    assert np.mean(both.replaced["as it is"] != both.replaced["mean"]) == pytest.approx(0.1, abs=0.02)


def test_only_findings_that_were_decided_are_weighed(order: EvaluateOrder) -> None:
    document = write_evaluation(evaluate(order))
    mapped = {row["map_class"] for row in document["pixel_importance"]}
    assert mapped == {"bright", "dark"}, "nothing is ever grey"
    counts = {row["map_class"]: row["n"] for row in document["pixel_importance"]}
    assert counts == {"bright": 2, "dark": 2}
    assert "decided to be there" in document["rules"]["pixel_importance"]


def test_without_being_asked_for_there_are_no_examples(order: EvaluateOrder) -> None:
    document = write_evaluation(evaluate(replace(order, examples=0)))
    assert "examples.png" not in document["files"]["written"]


def test_what_is_marked_and_no_class_is_a_place_where_maps_may_lie(order: EvaluateOrder) -> None:
    table = order.cohort / "cohort.csv"
    with table.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    halves = [
        {"slice": 2, "row_min": 0, "column_min": 0, "row_max": 32, "column_max": 16, "label": "left half"},
        {"slice": 2, "row_min": 0, "column_min": 16, "row_max": 32, "column_max": 32, "label": "right half"},
    ]
    extra = [
        {"path": row["path"], "case": row["case"], "boxes": json.dumps(halves), "reader": "anatomist"}
        for row in rows
        if row["reader"] == "A"
    ]
    with table.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows([*rows, *extra])
    document = write_evaluation(evaluate(replace(order, examples=0)))
    found = {
        (row["class"], row["place"]): row for row in document["places"] if row["explainer"] == "grad-cam"
    }
    assert set(found) == {
        (name, place) for name in ("bright", "dark") for place in ("left half", "right half", "all together")
    }
    assert found["bright", "right half"]["energy"] > found["dark", "right half"]["energy"]
    for name in ("bright", "dark"):
        halves_of = [found[name, place]["energy"] for place in ("left half", "right half")]
        assert sum(halves_of) == pytest.approx(1, abs=1e-5)
        assert found[name, "all together"]["energy"] == pytest.approx(1)
        assert found[name, "left half"]["area"] == pytest.approx(0.5)
    truths = [tuple(case["classes"]) for case in document["cases"]]
    assert truths == [("bright", "dark"), ("bright",), ("dark",), ()], "whoever marked organs has no vote"
