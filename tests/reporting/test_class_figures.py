"""Figures and tables of networks with several findings say what the document says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from viewer.reporting.class_figures import (
    importance_curves,
    importance_of_classes,
    iou_of_classes,
    percentage_tables,
)

CLASSES = ["aorta", "heart", "none"]
VALUES = (2.0, 5.0, 10.0)


def located(
    name: str, value: float, explainer: str = "grad-cam", reader: str = "all readers"
) -> dict[str, Any]:
    place = CLASSES.index(name)
    return {
        "class": name,
        "explainer": explainer,
        "layer": "layer4" if explainer == "grad-cam" else "input",
        "reader": reader,
        "rule": "top-percent",
        "value": value,
        "iou": 0.1 * (place + 1) + value / 100,
        "iou_union": 0.5,
        "iou_mean": 0.25,
        "n": 7,
    }


def weighed(map_class: str, name: str, fraction: float, explainer: str = "grad-cam") -> dict[str, Any]:
    delta = 0.4 if map_class == name else -0.1
    return {
        "map_class": map_class,
        "class": name,
        "explainer": explainer,
        "layer": "layer4",
        "transform": "mean",
        "fraction": fraction,
        "delta": delta * fraction / 10,
        "n": 3,
    }


@pytest.fixture
def document() -> dict[str, Any]:
    return {
        "predictions": {"classes": CLASSES, "task": "multilabel", "positive_class": ""},
        "localisation": [
            located(name, value, explainer)
            for name in CLASSES[:2]
            for explainer in ("baseline:random", "grad-cam")
            for value in VALUES
        ],
        "pixel_importance": [
            weighed(a, b, fraction, explainer)
            for explainer in ("baseline:random", "grad-cam")
            for a in CLASSES[:2]
            for b in CLASSES
            for fraction in (5.0, 10.0)
        ],
    }


def test_the_heat_map_has_the_class_of_the_map_down_and_of_the_prediction_across(
    document: dict[str, Any],
) -> None:
    figure = importance_of_classes(document)
    (axes,) = figure.axes
    grid = np.asarray(axes.images[0].get_array())
    assert grid.shape == (2, 3)
    assert grid.tolist() == [[0.4, -0.1, -0.1], [-0.1, 0.4, -0.1]]
    assert [label.get_text() for label in axes.get_xticklabels()] == CLASSES
    assert axes.get_title() == "mean, 10% replaced"
    low, high = axes.images[0].get_clim()
    assert low == -high, "zero is the middle of the colours"


def test_curves_have_a_line_for_every_class(document: dict[str, Any]) -> None:
    figure = importance_curves(document)
    assert len(figure.axes) == 2
    lines = [
        line for line in figure.axes[0].lines if len(line.get_xdata()) == 2 and line.get_marker() != "None"
    ]
    assert len(lines) == 3
    assert list(lines[0].get_ydata()) == pytest.approx([0.2, 0.4])


def test_iou_of_classes_is_of_the_first_explainer(document: dict[str, Any]) -> None:
    (axes,) = iou_of_classes(document).axes
    assert axes.get_title().startswith("grad-cam, layer4")
    labelled = {line.get_label(): list(line.get_ydata()) for line in axes.lines}
    assert labelled["aorta (n 7)"] == pytest.approx([0.12, 0.15, 0.2])


def test_networks_whose_classes_exclude_each_other_have_none_of_them(document: dict[str, Any]) -> None:
    document["predictions"]["task"] = "multiclass"
    assert importance_of_classes(document) is None
    assert importance_curves(document) is None


def test_percentages_are_a_column_for_each_class_and_three_ways_of_counting_boxes(
    document: dict[str, Any],
) -> None:
    rows = percentage_tables(document)
    own = [row for row in rows if row["explainer"] == "grad-cam"]
    assert len(own) == 3 * len(VALUES)
    first = own[0]
    assert (first["boxes"], first["value"]) == ("best box", 2.0)
    assert (first["aorta"], first["heart"]) == pytest.approx((0.12, 0.22))
    assert "none" not in first, "nobody marked it"
    assert {
        row["boxes"]: row["heart"] for row in own if row["value"] == 2.0 and row["boxes"] != "best box"
    } == {
        "union": 0.5,
        "mean": 0.25,
    }
