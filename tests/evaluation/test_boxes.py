"""Boxes of a map against a slow and obvious program."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from viewer.evaluation.boxes import BoxRule, boxes_from_map, boxes_from_mask, mask_from_map
from viewer.evaluation.regions import Region
from viewer.foundation.errors import UsageError

small_maps = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    # Few different values, so that ties are the rule.
    elements=st.sampled_from([-1.0, 0.0, 0.25, 0.5, 1.0, 2.0, np.nan, np.inf]),
)


def slow_top(values: NDArray, percent: float) -> set[int]:
    count = round(percent / 100 * values.size)
    flat = values.ravel()
    order = sorted(
        (i for i in range(flat.size) if np.isfinite(flat[i]) and flat[i] > 0), key=lambda i: (-flat[i], i)
    )
    return set(order[:count])


def slow_boxes(mask: NDArray[np.bool_]) -> list[tuple[int, int, int, int]]:
    left = {(int(row), int(column)) for row, column in np.argwhere(mask)}
    boxes = []
    while left:
        start = min(left)
        left.discard(start)
        piece, border = [start], [start]
        while border:
            row, column = border.pop()
            near = {(row + dr, column + dc) for dr in (-1, 0, 1) for dc in (-1, 0, 1)} & left
            left -= near
            piece += near
            border += near
        rows, columns = zip(*piece, strict=True)
        boxes.append((min(rows), min(columns), max(rows) + 1, max(columns) + 1))
    return boxes


def edges(region: Region) -> tuple[float, float, float, float]:
    return region.row_min, region.column_min, region.row_max, region.column_max


@given(small_maps, st.sampled_from([0.1, 1, 5, 20, 33.3, 50, 99, 100]))
def test_top_percent_equals_sorting(values: NDArray, percent: float) -> None:
    mask = mask_from_map(values, rule="top-percent", value=percent)
    assert set(np.flatnonzero(mask).tolist()) == slow_top(values, percent)


@given(small_maps, st.sampled_from([0.1, 0.25, 0.5, 1.0]))
def test_fraction_of_max_equals_comparing(values: NDArray, fraction: float) -> None:
    usable = np.isfinite(values) & (values > 0)
    largest = values[usable].max() if usable.any() else 1
    expected = usable & (values >= fraction * largest)
    np.testing.assert_array_equal(mask_from_map(values, rule="fraction-of-max", value=fraction), expected)


@given(hnp.arrays(bool, st.tuples(st.integers(1, 10), st.integers(1, 10))))
def test_boxes_equal_flood_filling(mask: NDArray[np.bool_]) -> None:
    assert [edges(box) for box in boxes_from_mask(mask)] == slow_boxes(mask)


def test_corners_touch_and_order_is_reading_order() -> None:
    values = np.zeros((6, 8))
    values[0, 6] = values[1, 7] = 3
    values[3, 0] = 2
    boxes = boxes_from_map(values, rule="fraction-of-max", value=0.5, slice=4)
    assert boxes == [
        Region(0, 6, 2, 8, reader="map", slice=4),
        Region(3, 0, 4, 1, reader="map", slice=4),
    ]


def test_only_positive_pixels_count_even_when_more_are_asked_for() -> None:
    values = np.full((10, 10), -1.0)
    values[2, 3] = 1
    assert boxes_from_map(values, rule="top-percent", value=50) == [Region(2, 3, 3, 4, reader="map")]
    assert boxes_from_map(-np.abs(values), rule="top-percent", value=50) == []
    assert boxes_from_map(np.zeros((4, 4)), rule="fraction-of-max", value=0.5) == []


@pytest.mark.parametrize("layout", [np.ascontiguousarray, np.asfortranarray])
def test_the_layout_of_a_map_in_memory_changes_nothing(layout: Callable[[NDArray], NDArray]) -> None:
    values = np.zeros((6, 8))
    values[1, 2], values[4, 5], values[4, 6] = 5, 4, 3
    assert [(b.row_min, b.column_min) for b in boxes_from_map(layout(values), value=5)] == [(1, 2), (4, 5)]
    even = mask_from_map(layout(np.ones((4, 5))), value=50)
    assert np.flatnonzero(even).tolist() == list(range(10)), "equal values by lowest index"


def test_what_the_network_did_not_see_neither_counts_nor_is_counted() -> None:
    values = np.arange(100.0).reshape(10, 10)
    seen = np.zeros((10, 10), dtype=bool)
    seen[:2] = True
    mask = mask_from_map(values, rule="top-percent", value=10, within=seen)
    assert np.flatnonzero(mask).tolist() == [18, 19]
    with pytest.raises(ValueError, match="shape"):
        mask_from_map(values, within=seen[:5])


def test_volumes_give_boxes_through_slices() -> None:
    volume = np.zeros((4, 5, 6))
    volume[1, 1, 1] = volume[2, 2, 2] = 5
    volume[3, 4, 5] = 5
    boxes = boxes_from_map(volume, rule="fraction-of-max", value=0.5)
    assert [box.edges for box in boxes] == [((1, 3), (1, 3), (1, 3)), ((3, 4), (4, 5), (5, 6))]


@pytest.mark.parametrize(
    ("rule", "value", "words"),
    [
        ("top-procent", 5, "nearest: top-percent"),
        ("top-percent", 0, "at most 100"),
        ("top-percent", 101, "at most 100"),
        ("fraction-of-max", 1.5, "at most 1"),
        ("fraction-of-max", float("nan"), "above 0"),
    ],
)
def test_rules_that_do_not_exist(rule: str, value: float, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        boxes_from_map(np.ones((3, 3)), rule=rule, value=value)  # type: ignore[arg-type]


def test_the_rule_in_words() -> None:
    assert str(BoxRule("top-percent", 2)) == "most important 2%"
    assert str(BoxRule("fraction-of-max", 0.15)) == "at least 15% of the maximum"
