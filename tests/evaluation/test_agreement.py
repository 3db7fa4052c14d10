"""Likeness of maps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from viewer.evaluation.agreement import class_overlap, correlation, mirror_consistency, top_overlap

maps = hnp.arrays(np.float32, (6, 7), elements=st.floats(-4, 4, width=16))


@given(maps, maps)
def test_correlation_equals_numpys(a: NDArray, b: NDArray) -> None:
    assume(np.ptp(a) > 0.1 and np.ptp(b) > 0.1)
    assert correlation(a, b).value == pytest.approx(np.corrcoef(a.ravel(), b.ravel())[0, 1], abs=1e-5)


@given(maps, st.sampled_from([1e-30, 1e-9, 1.0, 1e12]))
def test_correlation_does_not_depend_on_the_scale(a: NDArray, factor: float) -> None:
    assume(np.ptp(a) > 0.1)
    a = a.astype(np.float64)
    assert correlation(a, factor * a).value == pytest.approx(1)
    assert correlation(a, -factor * a).value == pytest.approx(-1)


def test_constant_maps_have_no_correlation() -> None:
    score = correlation(np.ones((3, 3)), np.arange(9).reshape(3, 3))
    assert not score.defined
    assert "constant" in score.rule


@given(maps, maps)
def test_class_overlap_is_symmetric_and_bounded(a: NDArray, b: NDArray) -> None:
    first, second = class_overlap(a, b), class_overlap(b, a)
    if not first.defined:
        assert a.max() <= 0
        assert b.max() <= 0
        return
    assert first == second
    assert 0 <= first.value <= 1
    assert class_overlap(np.maximum(a, 0) + 1, np.maximum(a, 0) + 1).value == 1


def test_class_overlap_by_hand() -> None:
    assert class_overlap([[1, 3]], [[2, 1]]).value == pytest.approx(2 / 5)
    assert class_overlap([[1, -3]], [[-2, 1]]).value == 0


def test_top_overlap_by_hand() -> None:
    a = np.zeros((10, 10))
    b = np.zeros((10, 10))
    a[0, :4] = [4, 3, 2, 1]
    b[0, 2:6] = [4, 3, 2, 1]
    assert top_overlap(a, b, 4).value == 0.5
    assert top_overlap(a, a, 4).value == 1
    assert not top_overlap(a, np.zeros((10, 10))).defined


def test_mirror_consistency_of_an_even_and_a_blind_map() -> None:
    rng = np.random.default_rng(3)
    values = rng.random((16, 16))
    same = mirror_consistency(values, values)
    assert [score.value for score in same] == [pytest.approx(1), 1]
    correlated, overlap = mirror_consistency(values, values[:, ::-1])
    assert correlated.value < 0.3
    assert overlap.value < 0.5
    with pytest.raises(ValueError, match="one grid"):
        mirror_consistency(values, values[:8])
