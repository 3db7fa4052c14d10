"""Boundaries lie exactly between pixels of different labels, and each is drawn once."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from viewer.state.segment_lines import boundary_lines


def unit_edges(lines: np.ndarray) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Every line cut into edges of single pixels."""
    found = []
    for (row, column), (last_row, last_column) in lines.astype(int).tolist():
        length = max(last_row - row, last_column - column)
        down, across = (last_row - row) // length, (last_column - column) // length
        found += [
            ((row + n * down, column + n * across), (row + (n + 1) * down, column + (n + 1) * across))
            for n in range(length)
        ]
    return found


@given(arrays(np.int32, st.tuples(st.integers(1, 7), st.integers(1, 7)), elements=st.integers(0, 3)))
def test_lines_are_the_edges_between_labels(labels: np.ndarray) -> None:
    rows, columns = labels.shape
    expected = [
        ((r + 1, c), (r + 1, c + 1))
        for r in range(rows - 1)
        for c in range(columns)
        if labels[r, c] != labels[r + 1, c]
    ] + [
        ((r, c + 1), (r + 1, c + 1))
        for r in range(rows)
        for c in range(columns - 1)
        if labels[r, c] != labels[r, c + 1]
    ]
    assert sorted(unit_edges(boundary_lines(labels))) == sorted(expected)


def test_a_straight_boundary_is_one_line() -> None:
    labels = np.ones((5, 6), np.int32)
    labels[:, 4:] = 2
    np.testing.assert_array_equal(boundary_lines(labels), [[[0, 4], [5, 4]]])
