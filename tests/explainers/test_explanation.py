from __future__ import annotations

import numpy as np
import pytest

from viewer.explainers.declaration import EXPLAINERS
from viewer.explainers.explanation import map_state
from viewer.explainers.reductions import ATLAS_METHODS


@pytest.mark.parametrize(
    ("signed", "reference", "state"),
    [
        (np.zeros((7, 7)), None, "empty"),
        (np.zeros((0, 0)), None, "empty"),
        (-np.ones((7, 7)), None, "negative_only"),
        (np.where(np.eye(7) > 0, -1.0, 0.0), None, "negative_only"),
        (np.full((7, 7), 1e-9), None, "near_zero"),
        (np.full((7, 7), 1e-3), None, "ok"),
        (np.full((7, 7), 1e-3), 1.0, "near_zero"),
        (np.full((7, 7), 0.011), 1.0, "ok"),
        (np.full((7, 7), 1e-9), 5e-9, "ok"),
        # The cells of a large grid share the sum: small values there are not a small map.
        (np.full((192, 192), 1e-7), None, "ok"),
    ],
)
def test_map_state(signed: np.ndarray, reference: float | None, state: str) -> None:
    assert map_state(signed, reference) == state


def test_where_each_cell_has_the_whole_score_its_size_alone_counts() -> None:
    signed = np.full((64, 64), 1e-8)
    assert map_state(signed) == "ok"
    assert map_state(signed, shared=False) == "near_zero"
    assert map_state(100 * signed + 1e-9, shared=False) == "ok"


def test_the_explainers_of_a_trace_are_declared_and_made() -> None:
    assert [name for name, info in EXPLAINERS.items() if info.in_atlas] == list(ATLAS_METHODS)
    assert next(iter(EXPLAINERS)) == "grad-cam"
    entry = EXPLAINERS["grad-cam++"].to_json()
    assert {"name", "family", "needs_layer", "dims", "parameters"} <= entry.keys()
    assert (entry["name"], entry["needs_layer"], entry["dims"], entry["parameters"]) == (
        "grad-cam++",
        True,
        [2, 3],
        [],
    )
