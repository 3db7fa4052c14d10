"""Everything said of a region, box or mask, in two and three dimensions, against counting."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from viewer.evaluation.boxes import BoxRule, boxes_from_map, mask_from_map
from viewer.evaluation.localisation import dice, energy_inside, iobb, iou, peak_distance, pointing_hit
from viewer.evaluation.map_boxes import MapBoxes
from viewer.evaluation.regions import Region
from viewer.foundation.errors import UsageError

maps = hnp.arrays(np.float32, (9, 8), elements=st.floats(-2, 4, width=32))
volumes = hnp.arrays(np.float32, (4, 5, 6), elements=st.floats(-2, 4, width=32))
masks = hnp.arrays(bool, (9, 8)).filter(np.any)


def named(made: MapBoxes, region: Region) -> dict[str, float]:
    return {score.name: score.value for score in made.scores(region)}


def check(values: NDArray, region: Region, percent: float) -> None:
    """The scores of a prepared map equal those of plain functions, one after the other."""
    made = MapBoxes.of(values, value=percent, spacing=(2.0, 0.5, 3.0)[: values.ndim])
    found = named(made, region)
    counted = mask_from_map(values, value=percent)
    boxes = boxes_from_map(values, value=percent)
    ious = [iou(box, region) for box in boxes]
    assert found["iou-best"] == pytest.approx(max(ious, default=0))
    assert found["iou-mean"] == pytest.approx(np.mean(ious) if ious else 0)
    assert found["iou-mask"] == pytest.approx(iou(counted, region))
    assert found["dice"] == pytest.approx(dice(counted, region))
    if boxes:
        assert found["iobb-best"] == pytest.approx(iobb(boxes[int(np.argmax(ious))], region))
        assert found["iou-union"] == pytest.approx(iou(made.union, region))
        assert found["iobb-union"] == pytest.approx(iobb(made.union, region))
    assert found["energy-inside"] == pytest.approx(energy_inside(values, region), nan_ok=True, abs=1e-9)
    assert found["peak-distance"] == pytest.approx(peak_distance(values, region, made.spacing), nan_ok=True)
    hit = pointing_hit(values, region)
    assert math.isnan(found["pointing"]) if hit is None else found["pointing"] == hit


@given(maps, masks, st.sampled_from([3, 10, 50]))
def test_a_mask(values: NDArray, mask: NDArray[np.bool_], percent: float) -> None:
    check(values, Region.of_mask(mask), percent)


@given(volumes, hnp.arrays(bool, (4, 5, 6)).filter(np.any), st.sampled_from([3, 10, 50]))
def test_a_mask_through_slices(values: NDArray, mask: NDArray[np.bool_], percent: float) -> None:
    check(values, Region.of_mask(mask), percent)


@given(volumes, st.integers(0, 3), st.integers(0, 4), st.integers(0, 5), st.sampled_from([3, 50]))
def test_a_box_through_slices(values: NDArray, z: int, r: int, c: int, percent: float) -> None:
    check(values, Region(r, c, 5, 6, slice=z, slice_max=4), percent)


def test_two_masks_with_one_box_are_two_regions() -> None:
    """Regions are equal when their boxes are; what is kept of a mask must not be."""
    values = np.ones((6, 6))
    corner = np.zeros((6, 6), dtype=bool)
    corner[0, 0] = corner[5, 5] = True
    whole = np.ones((6, 6), dtype=bool)
    made = MapBoxes.of(values, value=100)
    assert named(made, Region.of_mask(corner))["iou-best"] == pytest.approx(2 / 36)
    assert named(made, Region.of_mask(whole))["iou-best"] == 1
    with pytest.raises(ValueError, match="another grid"):
        made.scores(Region.of_mask(np.ones((3, 3), dtype=bool)))


def test_scores_say_what_they_cannot_say() -> None:
    empty = MapBoxes.of(np.zeros((5, 5)))
    for score in empty.scores(Region(0, 0, 2, 2)):
        undefined = score.name in {"iobb-best", "iobb-union", "energy-inside", "pointing", "peak-distance"}
        assert score.defined is not undefined, score
        if undefined:
            assert "no box" in score.rule or "empty" in score.rule
    bare = MapBoxes.from_boxes(np.ones((5, 5)), [Region(0, 0, 2, 2)], BoxRule())
    assert [s.rule for s in bare.scores(Region(0, 0, 1, 1)) if s.name == "dice" and not s.defined]


def test_as_many_pixels_as_the_truth_has() -> None:
    values = np.arange(1, 101, dtype=np.float32).reshape(10, 10)
    truth = Region(0, 0, 3, 4)
    mask = mask_from_map(values, rule="top-area-of-truth", value=1, truth=truth)
    assert np.flatnonzero(mask).tolist() == list(range(88, 100))
    twice = mask_from_map(values, rule="top-area-of-truth", value=2, truth=truth.rasterised((10, 10)))
    assert np.count_nonzero(twice) == 24
    assert str(BoxRule("top-area-of-truth", 2)).startswith("2 times as many")
    with pytest.raises(UsageError, match="needs a truth"):
        mask_from_map(values, rule="top-area-of-truth", value=1)
    with pytest.raises(UsageError, match="at most 100"):
        BoxRule("top-area-of-truth", 101)
