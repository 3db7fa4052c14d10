"""Scores of places against brute force on a fine grid."""

from __future__ import annotations

import math
import timeit

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from viewer.evaluation.boxes import BoxRule, boxes_from_map
from viewer.evaluation.energy_table import EnergyTable
from viewer.evaluation.localisation import (
    dice,
    distance_to,
    energy_inside,
    intersection,
    iobb,
    iou,
    peak_distance,
    peak_position,
    pointing_hit,
)
from viewer.evaluation.map_boxes import MapBoxes, box_scores
from viewer.evaluation.regions import Region

FINE = 4
"""Edges are multiples of a quarter pixel, so a grid of quarter pixels counts areas exactly."""

quarters = st.integers(-2 * FINE, 14 * FINE)
maps = hnp.arrays(np.float32, (12, 11), elements=st.floats(-2, 4, width=32))


@st.composite
def boxes(draw: st.DrawFn) -> Region:
    row, column = draw(quarters), draw(quarters)
    height, width = draw(st.integers(1, 10 * FINE)), draw(st.integers(1, 10 * FINE))
    return Region(row / FINE, column / FINE, (row + height) / FINE, (column + width) / FINE)


def fine_mask(box: Region) -> NDArray[np.bool_]:
    """The box on a grid of quarter pixels that begins at -4."""
    mask = np.zeros((32 * FINE, 32 * FINE), dtype=bool)
    rows, columns = (slice(int((low + 4) * FINE), int((high + 4) * FINE)) for low, high in box.edges)
    mask[rows, columns] = True
    return mask


@given(boxes(), boxes())
def test_iou_of_boxes_equals_counting(a: Region, b: Region) -> None:
    first, second = fine_mask(a), fine_mask(b)
    both, either = np.count_nonzero(first & second), np.count_nonzero(first | second)
    assert intersection(a, b) == pytest.approx(both / FINE**2)
    assert iou(a, b) == pytest.approx(both / either)
    assert iobb(a, b) == pytest.approx(both / np.count_nonzero(first))
    assert iou(a, b) == iou(b, a)
    assert iou(a, a) == 1


@given(hnp.arrays(bool, (6, 7)), hnp.arrays(bool, (6, 7)))
def test_iou_of_masks_equals_counting(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> None:
    either = np.count_nonzero(a | b)
    value = iou(a, b)
    assert math.isnan(value) if either == 0 else value == np.count_nonzero(a & b) / either


def test_a_box_beside_a_mask_is_taken_as_pixels() -> None:
    mask = np.zeros((8, 8), dtype=bool)
    mask[2:4, 2:4] = True
    assert iou(Region(2, 2, 4, 6), mask) == 0.5
    assert iou(Region.of_mask(mask), Region(2, 2, 4, 6)) == 0.5
    with pytest.raises(ValueError, match="one grid"):
        iou(mask, np.zeros((3, 3), dtype=bool))


def test_boxes_on_different_slices_share_nothing() -> None:
    assert iou(Region(0, 0, 4, 4, slice=1), Region(0, 0, 4, 4, slice=2)) == 0
    assert iou(Region(0, 0, 4, 4, slice=1), Region(0, 0, 4, 4)) == 1
    a = Region(0, 0, 4, 4, slice=0, slice_max=4)
    assert iou(a, Region(0, 0, 4, 4, slice=2, slice_max=6)) == pytest.approx(1 / 3)
    with pytest.raises(ValueError, match="cannot be compared"):
        iou(a, Region(0, 0, 4, 4))


@given(maps, boxes())
def test_energy_of_any_box_equals_integration(values: NDArray, box: Region) -> None:
    positive = np.maximum(values.astype(np.float64), 0)
    fine = np.zeros((32 * FINE, 32 * FINE))
    fine[4 * FINE : 16 * FINE, 4 * FINE : 15 * FINE] = np.kron(positive, np.ones((FINE, FINE))) / FINE**2
    expected = fine[fine_mask(box)].sum()
    table = EnergyTable(values)
    assert table.total == pytest.approx(positive.sum())
    assert table.inside(box.edges) == pytest.approx(expected, abs=1e-9)
    share = energy_inside(values, box)
    if positive.sum() > 0:
        assert share == pytest.approx(expected / positive.sum(), abs=1e-9)
    else:
        assert math.isnan(share)


def test_energy_in_a_volume_and_in_a_mask() -> None:
    volume = np.arange(4 * 5 * 6.0).reshape(4, 5, 6) - 20
    positive = np.maximum(volume, 0)
    box = Region(1, 2, 4, 5, slice=1, slice_max=3)
    expected = positive[1:3, 1:4, 2:5].sum() / positive.sum()
    assert energy_inside(volume, box) == pytest.approx(expected)
    assert energy_inside(volume, box.rasterised(volume.shape)) == pytest.approx(expected)
    assert energy_inside(volume, Region.of_mask(box.rasterised(volume.shape))) == pytest.approx(expected)


def test_values_that_are_not_finite_are_nothing() -> None:
    values = np.array([[np.nan, 1.0], [np.inf, 1.0]])
    assert energy_inside(values, Region(0, 0, 1, 2)) == 0.5
    assert peak_position(values) == (0, 1)
    assert peak_position(np.full((3, 3), np.nan)) is None


def test_peak_is_the_first_of_equals_and_needs_a_positive_pixel() -> None:
    assert peak_position(np.array([[0, 2.0], [2.0, 1.0]])) == (0, 1)
    assert peak_position(-np.ones((2, 2))) is None


@pytest.mark.parametrize(
    ("region", "tolerance", "hit"),
    [
        (Region(3, 4, 4, 5), 0, True),
        (Region(3.6, 4, 5, 5), 0, False),
        (Region(3.6, 4, 5, 5), 0.2, True),
        (Region(0, 0, 3, 4), 0, False),
        (Region(0, 0, 3, 4), 0.70, False),
        (Region(0, 0, 3, 4), 0.71, True),
        # The centre of the peak's pixel counts, (3.5, 4.5), and not its corner.
        (Region(3.25, 4.25, 4, 5), 0, True),
        (Region(2, 3, 3.25, 5), 0, False),
    ],
)
def test_pointing(region: Region, tolerance: float, hit: bool) -> None:
    values = np.zeros((8, 8))
    values[3, 4] = 1
    assert pointing_hit(values, region, tolerance) is hit


def test_pointing_at_a_mask() -> None:
    values = np.zeros((8, 8))
    values[3, 4] = 1
    mask = np.zeros((8, 8), dtype=bool)
    mask[3, 6] = True
    assert pointing_hit(values, mask) is False
    assert pointing_hit(values, mask, 2) is True
    assert pointing_hit(values, Region.of_mask(mask), 1.9) is False
    assert pointing_hit(np.zeros((8, 8)), mask) is None


@given(maps, boxes(), st.sampled_from([2, 10, 40]))
def test_scores_of_a_moving_box_equal_those_from_scratch(
    values: NDArray, region: Region, percent: float
) -> None:
    found = boxes_from_map(values, rule="top-percent", value=percent)
    scores = {
        score.name: score for score in box_scores(values, found, region, BoxRule("top-percent", percent))
    }
    ious = [iou(box, region) for box in found]
    assert scores["iou-best"].value == pytest.approx(max(ious, default=0))
    assert scores["iou-mean"].value == pytest.approx(np.mean(ious) if ious else 0)
    union = np.zeros((32 * FINE, 32 * FINE), dtype=bool)
    for box in found:
        union |= fine_mask(box)
    target = fine_mask(region)
    expected = np.count_nonzero(union & target) / np.count_nonzero(union | target)
    assert scores["iou-union"].value == pytest.approx(expected, abs=1e-9)
    if found:
        assert scores["iobb-best"].value == pytest.approx(iobb(found[int(np.argmax(ious))], region))
        assert scores["iobb-union"].value == pytest.approx(
            np.count_nonzero(union & target) / np.count_nonzero(union), abs=1e-9
        )
        assert scores["pointing"].value == pointing_hit(values, region)
    else:
        assert not scores["iobb-best"].defined
        assert "no box" in scores["iou-best"].rule
    assert all((score.direction == "lower") == (score.name == "peak-distance") for score in scores.values())
    assert all(score.rule and score.range is not None for score in scores.values())


def test_an_empty_map_has_scores_that_say_so() -> None:
    scores = {score.name: score for score in MapBoxes.of(np.zeros((5, 5))).scores(Region(0, 0, 2, 2))}
    assert scores["iou-best"].value == 0
    assert scores["pointing"].to_json()["value"] is None
    assert "empty" in scores["energy-inside"].rule


def test_a_drag_does_not_pay_for_the_size_of_the_map() -> None:
    rng = np.random.default_rng(0)
    times = []
    for size in (64, 1024):
        values = np.zeros((size, size))
        values[10:20, 10:20] = rng.random((10, 10))
        ready = MapBoxes.of(values, rule="fraction-of-max", value=0.1)
        box = Region(8, 9, 22.5, 21)
        times.append(min(timeit.repeat(lambda ready=ready, box=box: ready.scores(box), number=5, repeat=5)))
    assert times[1] < 5 * times[0]


@given(hnp.arrays(bool, (6, 7)), hnp.arrays(bool, (6, 7)))
def test_dice_of_masks_equals_counting(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> None:
    total = np.count_nonzero(a) + np.count_nonzero(b)
    value = dice(a, b)
    assert math.isnan(value) if total == 0 else value == 2 * np.count_nonzero(a & b) / total


@given(boxes(), boxes())
def test_dice_follows_from_iou(a: Region, b: Region) -> None:
    assert dice(a, b) == pytest.approx(2 * iou(a, b) / (1 + iou(a, b)))


def test_distance_of_the_peak_in_millimetres() -> None:
    values = np.zeros((10, 12))
    values[2, 3] = 1  # its centre lies at (2.5, 3.5)
    assert peak_distance(values, Region(2, 3, 4, 6), (2, 0.5)) == 0
    assert peak_distance(values, Region(5, 3, 6, 6), (2, 0.5)) == 5
    assert peak_distance(values, Region(5, 9.5, 6, 11), (2, 0.5)) == math.hypot(5, 3)
    mask = np.zeros((10, 12), dtype=bool)
    mask[5, 3] = mask[9, 9] = True
    assert peak_distance(values, mask, (2, 0.5)) == 6
    assert peak_distance(values, mask) == 3
    assert math.isnan(peak_distance(np.zeros((10, 12)), mask))
    assert math.isinf(distance_to((0, 0), np.zeros((3, 3), dtype=bool)))
    volume = np.zeros((4, 5, 6))
    volume[0, 0, 0] = 1
    assert peak_distance(volume, Region(0, 0, 2, 2, slice=3, slice_max=4), (5, 1, 1)) == 12.5
