"""Regions refuse what has no area, and agree with the pixels they stand for."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from viewer.evaluation.regions import Region
from viewer.foundation.errors import UsageError

edge = st.floats(-5, 25, allow_nan=False).map(lambda value: round(value * 4) / 4)


@pytest.mark.parametrize(
    ("edges", "words"),
    [
        ((5, 0, 2, 4), "area"),
        ((2, 3, 5, 3), "area"),
        ((0, 0, math.nan, 4), "finite"),
        ((0, 0, 3, math.inf), "finite"),
    ],
)
def test_a_box_without_an_area_is_refused(edges: tuple[float, ...], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Region(*edges)


@given(edge, edge, edge, edge)
def test_a_drag_in_any_direction_is_the_same_box(a: float, b: float, c: float, d: float) -> None:
    if a == c or b == d:
        with pytest.raises(UsageError):
            Region.between((a, b), (c, d))
        return
    boxes = {
        Region.between(*pair)
        for pair in [((a, b), (c, d)), ((c, d), (a, b)), ((a, d), (c, b)), ((c, b), (a, d))]
    }
    assert len(boxes) == 1
    box = boxes.pop()
    assert box.row_min < box.row_max
    assert box.area == pytest.approx(abs(a - c) * abs(b - d))


def test_edges_are_half_open() -> None:
    box = Region(2, 3, 5, 4)
    assert box.contains(2, 3)
    assert not box.contains(5, 3.5)
    assert not box.contains(4, 4)
    assert np.argwhere(box.rasterised((8, 8))).tolist() == [[2, 3], [3, 3], [4, 3]]


def test_a_mask_carries_its_bounding_box() -> None:
    mask = np.zeros((6, 7), dtype=bool)
    mask[1, 2] = mask[4, 5] = True
    region = Region.of_mask(mask, reader="truth")
    assert region.edges == ((1, 5), (2, 6))
    assert region.area == 2
    assert region.box.area == 16
    assert region.contains(4.9, 5.1)
    assert not region.contains(2, 3)
    mask[0, 0] = True
    assert region.area == 2, "the caller's array is copied"


def test_a_mask_through_slices() -> None:
    mask = np.zeros((4, 6, 7), dtype=bool)
    mask[1:3, 2:4, 5] = True
    region = Region.of_mask(mask)
    assert region.ndim == 3
    assert region.edges == ((1, 3), (2, 4), (5, 6))
    assert region.area == region.box.area == 4
    assert region.to_json()["slice_max"] == 3


def test_bad_masks_and_slices() -> None:
    with pytest.raises(UsageError, match="empty"):
        Region.of_mask(np.zeros((3, 3), dtype=bool))
    with pytest.raises(UsageError, match="boolean"):
        Region(0, 0, 2, 2, mask=np.ones((3, 3)))
    with pytest.raises(UsageError, match="first slice"):
        Region(0, 0, 2, 2, slice_max=3)
    with pytest.raises(UsageError, match="area"):
        Region(0, 0, 2, 2, slice=3, slice_max=3)
    with pytest.raises(ValueError, match="dimensions"):
        Region(0, 0, 2, 2).rasterised((3, 3, 3))


def test_clipping() -> None:
    assert Region(-2, 3, 4, 30).clipped((10, 12)) == Region(0, 3, 4, 12)
    assert Region(-2, 3, 0, 30).clipped((10, 12)) is None
