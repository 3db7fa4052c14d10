"""Edges, brightness, and a picture on a map's own cells."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from viewer.evaluation.agreement import rank_correlation, structural_similarity
from viewer.evaluation.likeness import edge_map, likeness, pooled


@pytest.mark.parametrize("shape", [(9, 11), (7, 9, 11)])
def test_a_slope_of_one_has_edges_of_one(shape):
    slope = np.mgrid[tuple(slice(n) for n in shape)][-1]
    inner = edge_map(slope)[tuple(slice(1, -1) for _ in shape)]
    assert inner == pytest.approx(1)
    assert not edge_map(np.full(shape, 7.0)).any()


@given(st.integers(1, 4), st.integers(1, 4))
def test_pooling_is_the_mean_of_every_cell(down, across):
    values = np.random.default_rng(0).random((4 * down, 3 * across))
    found = pooled(values, (4, 3))
    assert found == pytest.approx(values.reshape(4, down, 3, across).mean((1, 3)), abs=1e-6)


def test_a_grid_that_is_not_coarser_stays():
    values = np.random.default_rng(0).random((3, 8)).astype(np.float32)
    assert pooled(values, (6, 4)).shape == (3, 4)
    assert (pooled(values, (3, 8)) == values).all()


def test_likeness_is_the_rank_correlation_within():
    rng = np.random.default_rng(1)
    map_, picture = rng.random((6, 6)), rng.random((12, 12))
    within = np.zeros((12, 12), dtype=bool)
    within[:, :6] = True
    found = likeness(map_, picture, "edge-likeness", "edges", within)
    expected = spearmanr(map_[:, :3].ravel(), pooled(picture, (6, 6))[:, :3].ravel())[0]
    assert found.value == pytest.approx(expected)
    assert found.n == 18
    assert "in the body" in found.rule
    constant = likeness(np.ones((6, 6)), picture, "edge-likeness", "edges")
    assert not constant.defined
    assert "not defined" in constant.rule


@given(st.integers(0, 50))
def test_rank_correlation_equals_scipys_with_ties(seed):
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 4, (5, 6)), rng.integers(0, 4, (5, 6))
    assert rank_correlation(a, b).value == pytest.approx(spearmanr(a.ravel(), b.ravel())[0])
    assert rank_correlation(np.exp(a * 1.0), b).value == pytest.approx(rank_correlation(a, b).value)


def test_rank_correlation_of_a_constant_map_is_not_defined():
    assert not rank_correlation(np.ones((3, 3)), np.arange(9).reshape(3, 3)).defined


@pytest.mark.parametrize("shape", [(9, 9), (8, 9, 10), (4, 5)])
def test_structural_similarity_is_one_for_the_same_map_at_any_scale(shape):
    a = np.random.default_rng(0).random(shape)
    assert structural_similarity(a, 1e-8 * a).value == pytest.approx(1)
    assert structural_similarity(a, np.random.default_rng(1).random(shape)).value < 0.7
    assert not structural_similarity(a, np.zeros(shape)).defined
    assert not structural_similarity(np.ones((2, 2)), np.ones((2, 2))).defined
