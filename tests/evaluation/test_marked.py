"""Scores of a map against a reader, many at once, against the scores that the window shows."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from viewer.evaluation.boxes import boxes_from_mask, mask_from_map
from viewer.evaluation.localisation import energy_inside, peak_position
from viewer.evaluation.map_boxes import MapBoxes
from viewer.evaluation.marked import AGREEMENT, Counted, Marked, agreement, boxes_of, energy, pointing
from viewer.evaluation.ranked import RankedMap
from viewer.evaluation.readers import reader_scores
from viewer.evaluation.regions import Region

MAPS = hnp.arrays(np.float32, (7, 9), elements=st.sampled_from([-1, 0, 0.25, 0.5, 1, 2, np.nan]))
MASKS = hnp.arrays(bool, (7, 9))


@given(MAPS, st.sampled_from([1, 5, 20, 63, 100]), MASKS)
def test_sorted_once_is_the_rule_of_boxes(map_, percent, within):
    ranked = RankedMap(map_, 63, within)
    if percent <= 63:
        assert (ranked.mask(percent) == mask_from_map(map_, value=percent, within=within)).all()
    whole = RankedMap(map_)
    assert (whole.mask(percent) == mask_from_map(map_, value=percent)).all()
    assert whole.peak == peak_position(map_)


@given(MASKS)
def test_edges_of_boxes_without_their_words(mask):
    assert boxes_of(mask).tolist() == [[list(pair) for pair in box.edges] for box in boxes_from_mask(mask)]


@given(
    MAPS,
    st.sampled_from([5, 20, 60]),
    st.lists(st.tuples(*[st.integers(0, 5)] * 2), max_size=3),
    MASKS,
)
def test_the_same_numbers_as_in_the_window(map_, percent, corners, mask):
    regions = [Region(r, c, r + 2, c + 3, reader="a") for r, c in corners]
    if mask.any() and (not regions or len(regions) == 2):
        regions.append(Region.of_mask(mask, reader="a"))
    if not regions:
        return
    made = MapBoxes.of(map_, value=percent)
    (shown,) = reader_scores(made, regions)
    marked = Marked(tuple(regions), map_.shape)
    ranked = RankedMap(map_)
    found = agreement(Counted(ranked.mask(percent)), marked)
    for name, value in zip(AGREEMENT, found.values, strict=True):
        assert value == pytest.approx(shown[name.replace("_", "-")].value, nan_ok=True), name
    assert pointing(ranked.peak, marked) == pytest.approx(shown["pointing"].value, nan_ok=True)
    assert energy(map_, marked) == pytest.approx(shown["energy-inside"].value, abs=1e-9, nan_ok=True)


def test_energy_and_pointing():
    map_ = np.zeros((6, 6), np.float32)
    map_[2, 2], map_[5, 5], map_[0, 0] = 3, 1, -5
    marked = Marked((Region(1, 1, 4, 4),), (6, 6))
    assert energy(map_, marked) == pytest.approx(energy_inside(map_, marked.area)) == pytest.approx(0.75)
    assert pointing(RankedMap(map_).peak, marked) == 1
    assert math.isnan(pointing(RankedMap(np.zeros((6, 6))).peak, marked))
    assert math.isnan(energy(np.zeros((6, 6)), marked))


def test_what_lies_outside_the_input_is_not_counted():
    map_ = np.ones((6, 6), np.float32)
    within = np.zeros((6, 6), bool)
    within[:3] = True
    marked = Marked((Region(0, 0, 2, 6),), (6, 6))
    assert energy(map_, marked, within) == pytest.approx(2 / 3)
    assert RankedMap(map_, within=within).mask(50).sum() == 9
