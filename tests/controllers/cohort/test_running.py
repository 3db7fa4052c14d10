"""Evaluating a small cohort: every number by another way, interrupted and resumed, with broken files in it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.tiny import write_tiny_model
from tests.tiny_cohort import write_tiny_cohort
from viewer import api
from viewer.controllers import engine
from viewer.controllers.cohort import scoring
from viewer.controllers.cohort.files import remembered, write_evaluation
from viewer.controllers.cohort.order import EvaluateOrder, planned
from viewer.controllers.cohort.running import evaluate, left_words
from viewer.controllers.truth import read_truth
from viewer.evaluation.agreement import class_overlap
from viewer.evaluation.map_boxes import MapBoxes
from viewer.evaluation.pixel_importance import pixel_importance
from viewer.evaluation.readers import reader_scores
from viewer.foundation.errors import Cancelled, ReadError, UsageError
from viewer.foundation.progress import ProgressToken
from viewer.imaging.reading import read_image


@pytest.fixture
def cohort(tmp_path: Path, user_folder: Path) -> Path:
    write_tiny_model(user_folder)
    return write_tiny_cohort(tmp_path / "cohort")


@pytest.fixture
def order(cohort: Path, tmp_path: Path) -> EvaluateOrder:
    return EvaluateOrder(
        cohort, "tiny", tmp_path / "out", jobs=0, draws=20, transforms=("mean",), fractions=(5.0, 20.0)
    )


def row_of(rows, **facts):
    """The one row with these facts."""
    (found,) = [row for row in rows if all(row[name] == value for name, value in facts.items())]
    return found


def test_numbers_are_those_of_one_image_at_a_time(order, cohort):
    order = replace(order, include="all", layers=("relu1", "relu2"), values=(5.0,))
    document = evaluate(order).summary().document
    model = api.load_model("tiny")
    ious, deltas, overlaps = [], [], []
    for name in ("p0", "p1", "p2"):
        image = read_image(cohort / f"{name}.nii.gz")
        found = api.explain(model, image, explainer="grad-cam", layer="relu1", target="stroke", slice=2)
        made = MapBoxes.of(found.picture_map, value=5.0)
        masks = [
            region
            for region in read_truth(cohort / f"{name}-mask.nii.gz", image).regions
            if region.slice == 2
        ]
        (scores,) = reader_scores(made, [replace(region, reader="mask") for region in masks])
        ious.append(scores["iou-best"].value)
        other = api.explain(model, image, explainer="grad-cam", layer="relu1", target="no stroke", slice=2)
        overlaps.append(class_overlap(found.signed, other.signed).value)
        importance = pixel_importance(
            model, image, found, transforms=("mean",), fractions=order.fractions, steps=0
        )
        deltas.append(importance.delta[0, :, 1])
    row = row_of(document["localisation"], explainer="grad-cam", layer="relu1", reader="mask")
    assert row["iou"] == pytest.approx(np.mean(ious))
    assert row["n"] == row["patients"] == 3
    of_map = [
        each["delta"]
        for each in document["pixel_importance"]
        if (each["explainer"], each["layer"], each["class"], each["transform"])
        == ("grad-cam", "relu1", "stroke", "mean")
    ]
    # Two patients without a lesion are in the mean too: each by itself.
    alone = []
    for name in ("p3", "p4"):
        image = read_image(cohort / f"{name}.nii.gz")
        peak = api.predict(model, image).peak
        found = api.explain(model, image, explainer="grad-cam", layer="relu1", target="stroke", slice=peak)
        alone.append(
            pixel_importance(
                model, image, found, transforms=("mean",), fractions=order.fractions, steps=0
            ).delta[0, :, 1]
        )
    assert of_map == pytest.approx(np.mean([*deltas, *alone], axis=0), abs=1e-6)


def test_the_document_keeps_its_contract(order, tmp_path):
    document = write_evaluation(evaluate(order))
    assert {"predictions", "localisation", "pixel_importance", "focus", "skipped"} <= set(document)
    first = document["localisation"][0]
    keys = (
        "class",
        "explainer",
        "layer",
        "reader",
        "rule",
        "value",
        "iou",
        "iobb",
        "pointing",
        "energy",
        "n",
    )
    assert set(keys) <= set(first)
    assert {"map_class", "class", "explainer", "layer", "transform", "fraction", "delta", "n"} <= set(
        document["pixel_importance"][0]
    )
    patients = document["predictions"]["per_patient"]
    assert patients["n"] == 5
    assert patients["scores"]["accuracy"]["value"] == 1
    assert patients["scores"]["auc"]["value"] == 1
    assert document["predictions"]["per_slice"]["n"] == 25
    assert [each["path"] for each in patients["groups"]["stroke"]["TP"]] == [f"p{n}.nii.gz" for n in range(3)]
    assert patients["groups"]["stroke"]["TP"][0]["slices"] == [2]
    assert remembered(order.out)["images"] == 5
    for name in document["files"]["written"]:
        assert (order.out / name).stat().st_size > 2, name
    json.dumps(document, allow_nan=False)


def test_readers_are_rows_and_a_yardstick(order):
    document = evaluate(order).summary().document
    readers = {row["reader"] for row in document["localisation"]}
    assert readers == {"A", "B", "mask", "all readers"}
    (between,) = document["readers"]
    assert between["n"] == 1
    assert between["iou"] == pytest.approx(16 / 25)
    explainers = {row["explainer"] for row in document["localisation"]}
    assert {"baseline:random", "baseline:centre", "baseline:brightness", "grad-cam"} <= explainers
    bright = row_of(document["localisation"], explainer="baseline:brightness", reader="mask", value=1.0)
    assert bright["pointing"] == 1
    assert bright["iou"] == pytest.approx(10 / 16, abs=0.2)


def test_only_what_was_predicted_rightly_counts_unless_all_is_asked_for(order, cohort):
    table = cohort / "cohort.csv"
    # The finding of the first patient is denied: what the network sees there is a false positive now.
    lines = table.read_text(encoding="utf-8").splitlines(keepends=True)
    table.write_text("".join(line.replace("p1,stroke", "p1,no stroke") for line in lines), encoding="utf-8")
    document = evaluate(order).summary().document
    assert document["predictions"]["per_patient"]["classes"][1]["confusion"] == {
        "tn": 2,
        "fn": 0,
        "tp": 2,
        "fp": 1,
    }
    counted = row_of(document["localisation"], explainer="grad-cam", reader="mask", value=5.0)
    assert counted["n"] == 3  # the slice is marked all the same, and predicted as it is marked
    everything = evaluate(replace(order, include="all")).summary().document
    assert row_of(everything["localisation"], explainer="grad-cam", reader="mask", value=5.0)["n"] == 3
    assert "left out" in document["rules"]["localisation"]


def test_a_stopped_run_goes_on_where_it_was(order, monkeypatch):
    order = replace(order, transforms=(), draws=5)
    whole = evaluate(order).summary().document
    seen: list[str] = []
    real = scoring.score_image

    def counted(plan, row, *arguments):
        seen.append(row.path)
        return real(plan, row, *arguments)

    monkeypatch.setattr("viewer.controllers.cohort.workers.score_image", counted)
    other = replace(order, out=order.out.parent / "again")
    token = ProgressToken(
        lambda done, total, text: token.cancel() if done == 1 and "cohort" in text else None
    )
    with pytest.raises(Cancelled):
        evaluate(other, token)
    assert seen == ["p0.nii.gz", "p1.nii.gz"]
    document = evaluate(other).summary().document
    assert seen == [f"p{n}.nii.gz" for n in range(5)]
    assert document["localisation"] == whole["localisation"]
    assert document["predictions"] == whole["predictions"]
    evaluate(other)
    assert len(seen) == 5
    # Another request, and a file that has changed, are made anew and not mixed with what there is.
    evaluate(replace(other, values=(5.0,)))
    assert len(seen) == 10
    mask = order.cohort / "p2-mask.nii.gz"
    mask.write_bytes(mask.read_bytes())
    evaluate(other)
    assert seen[10:] == ["p2.nii.gz"]
    # What only puts results together does not ask the network again.
    evaluate(replace(other, include="all", draws=10))
    assert len(seen) == 11


def test_a_half_written_result_is_made_again(order):
    evaluate(order)
    kept = sorted((order.out / "cases").iterdir())
    kept[0].write_text(kept[0].read_text()[:100])
    kept[1].write_text("{}")
    assert len(evaluate(order).records) == 5


def test_broken_files_are_named_and_the_rest_goes_on(order, cohort):
    (cohort / "p1.nii.gz").write_bytes(b"no image")
    (cohort / "p4-mask.nii.gz").unlink()
    with (cohort / "cohort.csv").open("a", encoding="utf-8") as stream:
        stream.write("p3.nii.gz,p3,elephant,,,C,\n../x,y,stroke,,,,\n")
    found = evaluate(order)
    reasons = {each.path: each.reason for each in found.skipped}
    assert set(reasons) == {"p1.nii.gz", "p3.nii.gz", "p4.nii.gz", "../x"}
    assert "elephant" in reasons["p3.nii.gz"]
    assert "mask does not exist" in reasons["p4.nii.gz"]
    document = write_evaluation(found)
    assert len(document["skipped"]) == 4
    page = (order.out / "report.html").read_text(encoding="utf-8")
    assert "4 skipped" in page
    assert "p1.nii.gz" not in page
    # Broken files are tried again, as somebody may have mended them.
    assert {each.path for each in evaluate(order).skipped} == set(reasons)


def test_boxes_that_are_none_are_counted(order, cohort):
    with (cohort / "cohort.csv").open("a", encoding="utf-8") as stream:
        bad = [
            {"slice": 2, "row_min": 9, "column_min": 3, "row_max": 5, "column_max": 8},
            {"slice": 2, "row_min": 5, "column_min": 3, "row_max": 5, "column_max": 8},
            {"slice": 2, "row_min": "x", "column_min": 3, "row_max": 5, "column_max": 8},
            {"slice": 2, "row_min": 1, "column_min": 1, "row_max": 4, "column_max": 4, "label": "unicorn"},
        ]
        text = json.dumps(bad).replace('"', '""')
        stream.write(f'p0.nii.gz,p0,stroke,,"{text}",D,\n')
    document = evaluate(order).summary().document
    whats = {each["what"]: each["times"] for each in document["not_counted"]}
    for words in ("corners the wrong way round", "without an area", "not numbers"):
        assert sum(times for what, times in whats.items() if words in what) == 1, words
    assert any("unicorn" in what for what in whats)
    # The reversed box has been put right, so this reader is compared too.
    assert "D" in {row["reader"] for row in document["localisation"]}


def test_one_kind_alone_has_no_auc(tmp_path, user_folder):
    write_tiny_model(user_folder)
    cohort = write_tiny_cohort(tmp_path / "c", strokes=2, others=0)
    order = EvaluateOrder(cohort, "tiny", tmp_path / "o", jobs=0, draws=20, transforms=())
    document = evaluate(order).summary().document
    score = document["predictions"]["per_patient"]["scores"]["auc"]
    assert score["value"] is None
    assert "one kind is missing" in score["rule"]
    assert document["pixel_importance"] == []


def test_maps_of_the_input_and_those_that_do_not_exist(order):
    found = evaluate(replace(order, explainers=("grad-cam", "gradient", "seg-grad-cam"), transforms=()))
    document = found.summary().document
    assert {"gradient", "grad-cam"} <= {row["explainer"] for row in document["localisation"]}
    (left,) = document["left_out"]
    assert left["explainer"] == "seg-grad-cam"
    assert left["reason"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"explainers": ("grad-kam",)}, "nearest: grad-cam"),
        ({"layers": ("relu9",)}, "relu9"),
        ({"targets": ("strok",)}, "nearest: stroke"),
        ({"values": (0.0,)}, "above 0"),
        ({"transforms": ("melt",)}, "melt"),
        ({"split": "test"}, "no column 'split'"),
    ],
)
def test_what_does_not_exist_is_refused_before_anything_is_made(order, change, words):
    with pytest.raises(UsageError, match=words):
        evaluate(replace(order, **change))
    assert not any((order.out / "cases").glob("*")) if order.out.exists() else True


def test_nothing_that_can_be_evaluated_is_a_failure(order, cohort):
    for image in cohort.glob("p?.nii.gz"):
        image.write_bytes(b"no image")
    with pytest.raises(ReadError, match="None of the 5 images"):
        evaluate(order)


def test_plans_of_equal_requests_have_one_fingerprint(order):
    plan = planned(order)
    assert plan.fingerprint == planned(replace(order, jobs=2, include="all", draws=3)).fingerprint
    assert plan.fingerprint != planned(replace(order, seed=1)).fingerprint
    assert plan.fingerprint != planned(replace(order, slices="peak")).fingerprint
    assert planned(replace(order, explainers=("smoothgrad",), settings=(("samples", "4"),))).parameters == {
        "smoothgrad": {"samples": "4"}
    }


def test_time_that_is_left_is_said_roughly():
    assert left_words(3) == "about 5 s"
    assert left_words(61) == "about 60 s"
    assert left_words(240) == "about 4 min"
    assert left_words(3 * 3600) == "about 3.0 h"


def test_one_trace_serves_all_layers_and_methods(order, monkeypatch):
    traced: list[int] = []
    real = engine.trace_slice

    def counted(request, *arguments):
        traced.append(request.index)
        return real(request, *arguments)

    monkeypatch.setattr(engine, "trace_slice", counted)
    evaluate(
        replace(order, layers=("all",), explainers=("grad-cam", "layer-cam", "xgrad-cam"), transforms=())
    )
    peaks = len([index for index in traced if index != 2])
    assert traced.count(2) == 3 + max(0, 2 - peaks)
    assert len(traced) == 5
