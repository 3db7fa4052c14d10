"""What predictions are called: films without patients are images, and are not shown twice."""

from __future__ import annotations

from typing import Any

import pytest

from tests.reporting.test_cohort_figures import document
from viewer.reporting.cohort_figures import cohort_figures
from viewer.reporting.cohort_units import units_of


def counted(images: int, patients: int, slices: int | None, unknown: int = 0) -> dict[str, Any]:
    table = None if slices is None else {"n": slices - unknown, "truth_unknown": unknown}
    return {
        "images": images,
        "patients": patients,
        "predictions": {"per_patient": {"n": patients, "truth_unknown": 0}, "per_slice": table},
    }


@pytest.mark.parametrize(
    ("cohort", "words"),
    [
        (counted(300, 300, 300), {"per_slice": "image"}),
        (counted(300, 300, 300, unknown=20), {"per_slice": "image"}),
        (counted(300, 120, 300), {"per_patient": "patient", "per_slice": "image"}),
        (counted(8, 8, 240), {"per_patient": "patient", "per_slice": "slice"}),
        (counted(8, 8, 240, unknown=232), {"per_patient": "patient", "per_slice": "slice"}),
        (counted(8, 8, None), {"per_patient": "patient"}),
        (counted(8, 8, 240, unknown=240), {"per_patient": "patient"}),
    ],
    ids=["films", "unknown truth", "films of patients", "series", "few known", "volumes", "none known"],
)
def test_the_word_follows_from_what_was_counted(cohort, words):
    assert units_of(cohort) == words


def written(made: dict[str, Any]) -> list[str]:
    legend = dict(cohort_figures(made))["roc"].axes[0].get_legend()
    assert legend is not None
    return [each.get_text().partition(":")[0] for each in legend.get_texts()]


def test_a_curve_of_films_is_drawn_once_and_speaks_of_images():
    made = document((1.0,))
    assert written(made) == ["stroke, patients", "stroke, slices"]
    assert written({**made, "images": 10, "patients": 10}) == ["stroke, images"]
