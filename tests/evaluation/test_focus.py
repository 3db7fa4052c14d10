"""Focus of maps whose answer is known, and of random ones against naive formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from viewer.evaluation.baseline_maps import baseline_maps, random_map
from viewer.evaluation.focus import focus_scores


def named(values: NDArray, **options: object) -> dict[str, float]:
    return {score.name: score.value for score in focus_scores(values, **options)}  # type: ignore[arg-type]


def test_one_pixel_and_a_constant_map() -> None:
    one = np.zeros((10, 10))
    one[4, 4] = 3
    found = named(one, spacing=(2.0, 3.0))
    assert found["half-max-area"] == 6
    assert (found["half-max-share"], found["entropy"], found["foci"]) == (0.01, 0, 1)
    assert found["gini"] == pytest.approx(0.99)
    assert found["vertical-spread"] == 0
    flat = named(np.full((50, 8), 1e-9))
    assert (flat["half-max-share"], flat["foci"]) == (1, 1)
    assert flat["entropy"] == pytest.approx(1)
    assert flat["gini"] == pytest.approx(0, abs=1e-9)
    assert flat["vertical-spread"] == pytest.approx(math.sqrt(1 / 12), abs=1e-4)


def test_foci_touch_at_corners_and_count_in_three_dimensions() -> None:
    values = np.zeros((3, 9, 9))
    values[0, 1, 1] = values[1, 2, 2] = 1
    values[2, 7, 7] = 0.6
    values[2, 0, 8] = 0.4
    found = named(values, spacing=(5.0, 1.0, 1.0))
    assert found["foci"] == 2
    assert found["half-max-area"] == 15


@given(hnp.arrays(np.float64, (6, 5), elements=st.floats(-2, 4, allow_subnormal=False)))
def test_equals_the_formulas_written_out(values: NDArray) -> None:
    found = {score.name: score for score in focus_scores(values)}
    x = np.maximum(values, 0).ravel()
    if not x.any():
        assert all(not score.defined and "empty" in score.rule for score in found.values())
        return
    differences = sum(abs(a - b) for a in x / x.max() for b in x / x.max())
    assert found["gini"].value == pytest.approx(differences / (2 * x.size * (x / x.max()).sum()), abs=1e-9)
    share = x / x.max() / (x / x.max()).sum()
    entropy = -sum(p * math.log(p) for p in share if p > 0) / math.log(x.size)
    assert found["entropy"].value == pytest.approx(entropy, abs=1e-9)
    assert found["half-max-area"].value == np.count_nonzero(x >= x.max() / 2)
    for score in found.values():
        assert score.range is not None
        assert score.range[0] <= score.value <= score.range[1]


def test_what_the_network_never_saw_is_not_looked_at() -> None:
    values = np.ones((10, 10))
    within = np.zeros((10, 10), dtype=bool)
    within[:5] = True
    values[7, 7] = 100
    found = named(values, within=within)
    assert found["half-max-share"] == 1
    assert found["half-max-area"] == 50
    with pytest.raises(ValueError, match="shape"):
        focus_scores(values, within=within[:3])


def test_baselines() -> None:
    grey = np.linspace(-3, 5, 80, dtype=np.float32).reshape(8, 10)
    grey[0, 0] = np.nan
    maps = baseline_maps(grey, seed=4)
    assert set(maps) == {"random", "centre", "brightness"}
    assert all(each.shape == grey.shape and np.isfinite(each).all() for each in maps.values())
    assert maps["brightness"][0, 0] == maps["brightness"].min() == 0
    assert np.unravel_index(int(maps["centre"].argmax()), grey.shape) in {(3, 4), (3, 5), (4, 4), (4, 5)}
    np.testing.assert_array_equal(maps["random"], random_map((8, 10), 4))
    assert not np.array_equal(random_map((8, 10), 1), random_map((8, 10), 2))
    coarse = random_map((4, 40, 40), 0, grid=(2, 5, 5))
    assert coarse.shape == (4, 40, 40)
    assert np.abs(np.diff(coarse, axis=2)).max() < 0.3 < np.ptp(coarse)
