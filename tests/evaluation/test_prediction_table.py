"""Tables of predictions, their curves and their intervals, against published numbers, brute force and hand counts."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from viewer.evaluation.bootstrap import PatientDraws, interval
from viewer.evaluation.confusion import auc
from viewer.evaluation.curves import expected_calibration_error, log_losses, reliability, roc_curve
from viewer.evaluation.prediction_table import Predicted, prediction_table
from viewer.foundation.errors import UsageError

PAIRS = st.lists(
    st.tuples(st.sampled_from([0.0, 0.1, 0.35, 0.5, 0.8, 1.0]), st.booleans()), min_size=2, max_size=40
)


def two_classes(p, so, patients=None, threshold=0.5) -> Predicted:
    p, so = np.asarray(p, float), np.asarray(so, bool)
    return Predicted(
        ("no", "yes"),
        np.stack([1 - p, p], axis=1),
        np.stack([~so, so], axis=1),
        tuple(patients or map(str, range(len(p)))),
        positive_class="yes",
        thresholds={"yes": threshold},
    )


def test_the_published_coronary_matrix_from_predictions() -> None:
    counts = {(0.1, False): 1058, (0.1, True): 49, (0.9, True): 76, (0.9, False): 8}
    p = np.concatenate([np.full(n, each[0]) for each, n in counts.items()])
    so = np.concatenate([np.full(n, each[1]) for each, n in counts.items()])
    table = prediction_table(two_classes(p, so), draws=20)
    percent = {name: round(100 * table.scores[name].value, 1) for name in ("accuracy", "ppv", "npv")}
    assert percent == {"accuracy": 95.2, "ppv": 90.5, "npv": 95.6}
    assert round(100 * table.scores["sensitivity"].value, 1) == 60.8
    assert round(100 * table.scores["specificity"].value, 1) == 99.2
    assert table.matrix.tolist() == [[1058, 8], [49, 76]]
    assert table.classes[1].counts == {"tn": 1058, "fn": 49, "tp": 76, "fp": 8}
    assert table.scores["balanced-accuracy"].value == pytest.approx((76 / 125 + 1058 / 1066) / 2)
    assert "decided labels" in table.scores["balanced-accuracy"].rule
    assert table.scores["f1"].value == pytest.approx(152 / (152 + 57))
    json.dumps(table.to_json(), allow_nan=False)


@given(PAIRS)
def test_the_area_under_the_curve_is_the_auc(pairs) -> None:
    p, so = map(np.array, zip(*pairs, strict=True))
    curve = roc_curve(p, so)
    if so.all() or not so.any():
        assert curve is None
        assert not auc(p, so).defined
        return
    assert np.trapezoid(curve.true_positive_rate, curve.false_positive_rate) == pytest.approx(
        auc(p, so).value
    )
    for fpr, tpr, threshold in zip(
        curve.false_positive_rate, curve.true_positive_rate, curve.thresholds, strict=True
    ):
        assert tpr == pytest.approx((p >= threshold)[so].mean())
        assert fpr == pytest.approx((p >= threshold)[~so].mean())


@given(PAIRS)
def test_reliability_against_a_loop(pairs) -> None:
    p, so = map(np.array, zip(*pairs, strict=True))
    table = reliability(p, so, 4)
    assert sum(each.n for each in table) == len(p)
    gap = 0.0
    for each in table:
        inside = [(a, b) for a, b in pairs if each.low <= a < each.high or (a == 1.0 and each.high == 1.0)]
        assert each.n == len(inside)
        if inside:
            gap += abs(sum(a for a, _ in inside) - sum(b for _, b in inside)) / len(p)
    assert expected_calibration_error(table).value == pytest.approx(gap, abs=1e-12)


def test_a_cohort_of_one_kind_has_no_auc_and_says_so() -> None:
    table = prediction_table(two_classes([0.2, 0.7, 0.9], [True, True, True]), draws=50)
    document = table.to_json()["scores"]
    assert document["auc"]["value"] is None
    assert "not defined" in document["auc"]["rule"]
    assert document["specificity"]["value"] is None
    assert "not defined" in document["balanced-accuracy"]["rule"]
    assert document["sensitivity"]["value"] == pytest.approx(2 / 3)
    assert table.classes[1].roc is None


def test_nobody_at_all() -> None:
    table = prediction_table(two_classes([], []))
    assert table.n == table.patients == 0
    assert not any(score.defined for score in table.scores.values())
    json.dumps(table.to_json(), allow_nan=False)


def test_labels_that_do_not_exclude_each_other() -> None:
    found = Predicted(
        ("a", "b"),
        np.array([[0.9, 0.8], [0.2, 0.6], [0.7, 0.1]]),
        np.array([[True, True], [False, False], [False, False]]),
        ("x", "y", "y"),
        exclusive=False,
        thresholds={"b": 0.7},
    )
    table = prediction_table(found, draws=10)
    assert [each.counts for each in table.classes] == [
        {"tn": 1, "fn": 0, "tp": 1, "fp": 1},
        {"tn": 2, "fn": 0, "tp": 1, "fp": 0},
    ]
    assert table.scores["f1-micro"].value == pytest.approx(2 * 2 / (2 * 2 + 1))
    assert table.scores["f1-macro"].value == pytest.approx((2 / 3 + 1) / 2)
    assert table.scores["accuracy"].value == pytest.approx(2 / 3)
    assert table.scores["nll"].value == pytest.approx(
        -np.log([0.9, 0.8, 0.8, 0.4, 0.3, 0.9]).mean(), rel=1e-6
    )
    assert table.matrix is None
    assert found.outcomes("a") == ["TP", "TN", "FP"]


def test_without_a_positive_f1_is_not_defined_and_says_why() -> None:
    """Nothing can be found where nothing is: 0 would blame the network for the cohort."""
    found = Predicted(
        ("a", "b"),
        np.array([[0.9, 0.1], [0.2, 0.1], [0.7, 0.1]]),
        np.zeros((3, 2), dtype=bool),
        ("x", "y", "z"),
        exclusive=False,
    )
    table = prediction_table(found, draws=10)
    assert table.classes[0].counts["fp"] == 2
    written = table.to_json()
    f1 = written["classes"][0]["scores"]["f1"]
    assert (f1["value"], f1["low"], f1["bootstrap_low"]) == (None, None, None)
    assert "not defined, no row has the class" in f1["rule"]
    assert written["scores"]["f1-micro"]["value"] is None
    assert "not defined" in written["scores"]["f1-micro"]["rule"]
    assert written["scores"]["f1-macro"]["value"] is None


def test_three_classes_are_decided_by_the_largest() -> None:
    p = np.array([[0.5, 0.3, 0.2], [0.2, 0.3, 0.5], [0.1, 0.6, 0.3]])
    truth = np.eye(3, dtype=bool)
    table = prediction_table(Predicted(("a", "b", "c"), p, truth, ("x", "y", "z")), draws=10)
    assert table.scores["accuracy"].value == pytest.approx(1 / 3)
    assert table.scores["f1-micro"].value == pytest.approx(1 / 3)
    assert table.scores["nll"].value == pytest.approx(-np.log([0.5, 0.3, 0.3]).mean())
    assert table.matrix.tolist() == [[1, 0, 0], [0, 0, 1], [0, 1, 0]]


def test_a_certain_error_costs_much_but_not_everything() -> None:
    losses = log_losses([[1.0, 0.0]], [[False, True]], exclusive=True)
    assert losses[0] == pytest.approx(-math.log(1e-7))


def test_curves_need_one_finite_score_for_each_label() -> None:
    with pytest.raises(UsageError, match="one finite score"):
        roc_curve([0.1, math.nan], [True, False])


def test_patients_are_drawn_and_not_their_slices() -> None:
    """Ten patients of a hundred equal slices say as much as ten slices, not as a thousand."""
    values = np.repeat(np.arange(10) % 2, 100).astype(float)
    by_patient = PatientDraws([n // 100 for n in range(1000)], 2000, seed=1).mean_interval(values)
    by_slice = PatientDraws(range(1000), 2000, seed=1).mean_interval(values)
    assert by_patient[1] - by_patient[0] > 5 * (by_slice[1] - by_slice[0])
    assert by_patient == pytest.approx((0.2, 0.8), abs=0.1)


def test_draws_against_a_naive_loop() -> None:
    rng = np.random.default_rng(0)
    patients, p, so = rng.integers(0, 7, 60), rng.random(60).round(1), rng.random(60) < 0.4
    drawn = PatientDraws(patients.tolist(), 40, seed=3)
    names = list(dict.fromkeys(patients.tolist()))
    areas = []
    for weights in drawn.weights:
        rows = [
            i for k, w in enumerate(weights) for _ in range(w) for i in np.flatnonzero(patients == names[k])
        ]
        areas.append(auc(p[rows], so[rows]).value)
    assert drawn.auc_interval(p, so) == pytest.approx(interval(np.array(areas)))
    assert drawn.sums(p)[0] == pytest.approx(
        sum(w * p[patients == names[k]].sum() for k, w in enumerate(drawn.weights[0]))
    )


def test_an_interval_of_what_is_never_defined() -> None:
    assert all(math.isnan(each) for each in interval(np.array([np.nan, 1.0])))
    assert all(math.isnan(each) for each in PatientDraws(["a", "b"]).mean_interval([np.nan, np.nan]))
