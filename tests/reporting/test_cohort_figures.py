"""Figures of a cohort: one value is a point, a legend covers no curve, a baseline looks the same everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from viewer.reporting.cohort_figures import cohort_figures, rendered

EXPLAINERS = ("grad-cam", "cam", "baseline:random", "baseline:centre", "baseline:brightness")


def bin_(place: float, n: int) -> dict[str, Any]:
    return {"n": n, "mean_probability": place, "observed": place}


def table(bins: list[dict[str, Any]]) -> dict[str, Any]:
    of_class = {
        "class": "stroke",
        "roc": {"fpr": [0, 0, 1], "tpr": [0, 1, 1]},
        "calibration": bins,
        "scores": {"ece": {"value": 0.1}, "auc": {"value": 0.9, "low": None, "high": None}},
        "confusion": {"tn": 1, "fp": 0, "fn": 0, "tp": 1},
    }
    return {"n": 10, "truth_unknown": 0, "classes": [of_class], "matrix": None}


def document(values: tuple[float, ...], explainers: tuple[str, ...] = EXPLAINERS) -> dict[str, Any]:
    """As ``whyslice evaluate`` writes it, as far as figures read it."""
    both = {"class": "stroke", "layer": "relu5"}
    return {
        "images": 3,
        "patients": 3,
        "predictions": {
            "classes": ["stroke"],
            "positive_class": "stroke",
            "per_patient": table([bin_(0.0, 3), bin_(1.0, 7)]),
            "per_slice": table([bin_(0.0, 3), bin_(0.4, 4), bin_(1.0, 3)]),
        },
        "localisation": [
            {
                **both,
                "explainer": name,
                "reader": "A",
                "rule": "top-percent",
                "value": value,
                "iou": 0.9 - 0.1 * place,
                "iou_low": 0.1,
                "iou_high": 0.95,
                "pointing": 0.5,
                "energy": 0.5,
            }
            for place, name in enumerate(explainers)
            for value in values
        ],
        "pixel_importance": [
            {
                **both,
                "map_class": "stroke",
                "explainer": name,
                "transform": "mean",
                "fraction": value,
                "delta": 0.1 * place,
            }
            for place, name in enumerate(explainers)
            for value in values
        ],
        "readers": [{"class": "stroke", "iou": 0.7}],
        "class_overlap": [],
    }


def figures(
    values: tuple[float, ...] = (1, 5, 10), explainers: tuple[str, ...] = EXPLAINERS
) -> dict[str, Figure]:
    return dict(cohort_figures(document(values, explainers)))


def curves(figure: Figure) -> Iterator[Line2D]:
    """Lines of measured values: neither the diagonal nor a level."""
    for axes in figure.axes:
        yield from (line for line in axes.lines if line.get_marker() != "None")


@pytest.mark.parametrize("name", ["iou", "pixel_importance"])
def test_one_value_is_a_point_that_can_be_seen(name: str) -> None:
    figure = figures((5,))[name]
    found = list(curves(figure))
    assert len(found) == len(EXPLAINERS)
    assert all(len(line.get_xdata()) == 1 and line.get_markersize() > 0 for line in found)  # type: ignore[arg-type]
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["5"]
    assert rendered(figure, "png", 60).startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["roc", "calibration", "iou"])
@pytest.mark.parametrize("explainers", [EXPLAINERS, tuple(f"explainer-{n}" for n in range(18))])
def test_a_legend_lies_below_the_axes_and_within_the_figure(name: str, explainers: tuple[str, ...]) -> None:
    figure = figures(explainers=explainers)[name]
    FigureCanvasAgg(figure).draw()
    (axes,) = figure.axes
    legend = axes.get_legend()
    assert legend is not None
    place, words = legend.get_window_extent(), axes.xaxis.label.get_window_extent()
    assert place.y1 <= words.y0 + 1
    assert place.y0 >= 0
    assert 0 <= place.x0 < place.x1 <= figure.bbox.width
    assert axes.get_window_extent().height > figure.bbox.height / 3, "the curves keep their room"


def test_points_at_the_frame_are_whole() -> None:
    (axes,) = figures()["calibration"].axes
    assert not any(dots.get_clip_on() for dots in axes.collections)
    assert len(axes.collections) == 2


def test_a_baseline_looks_the_same_in_every_figure_and_company() -> None:
    seen: dict[str, set[str]] = {}
    for explainers in (EXPLAINERS, EXPLAINERS[1:], tuple(reversed(EXPLAINERS))):
        for name, figure in figures(explainers=explainers).items():
            if name not in ("iou", "pixel_importance"):
                continue
            for explainer, line in zip(explainers, curves(figure), strict=True):
                if explainer.startswith("baseline:"):
                    look = f"{line._unscaled_dash_pattern} {line.get_marker()} {line.get_color()}"  # type: ignore[attr-defined]
                    seen.setdefault(explainer, set()).add(look)
    assert all(len(looks) == 1 for looks in seen.values()), seen
    assert len({look for looks in seen.values() for look in looks}) == 3
