"""Scores of a map against a reader, the order of pixels and the maps of no network."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from viewer.evaluation.baselines import BASELINES, baseline_maps
from viewer.evaluation.boxes import boxes_from_mask, mask_from_map
from viewer.evaluation.localisation import energy_inside, iobb, iou, peak_position
from viewer.evaluation.ranked import RankedMap
from viewer.evaluation.reader_scores import Marked, agreement, energy, pointing, readers_agreement
from viewer.evaluation.regions import Region

MAPS = hnp.arrays(np.float32, (7, 9), elements=st.sampled_from([-1, 0, 0.25, 0.5, 1, 2, np.nan]))


@given(MAPS, st.sampled_from([1, 5, 20, 63, 100]), hnp.arrays(bool, (7, 9)))
def test_sorted_once_is_the_rule_of_boxes(map_, percent, within):
    ranked = RankedMap(map_, 63, within)
    if percent <= 63:
        assert (ranked.mask(percent) == mask_from_map(map_, value=percent, within=within)).all()
    whole = RankedMap(map_)
    assert (whole.mask(percent) == mask_from_map(map_, value=percent)).all()
    assert whole.peak == peak_position(map_)


@given(hnp.arrays(bool, (7, 9)), st.lists(st.tuples(*[st.integers(0, 5)] * 2), min_size=1, max_size=3))
def test_agreement_against_one_pair_at_a_time(chosen, corners):
    regions = tuple(Region(r, c, r + 2, c + 3) for r, c in corners)
    marked = Marked(regions, (7, 9))
    found, boxes = agreement(chosen, marked), boxes_from_mask(chosen)
    if not boxes:
        assert found.best == found.union == found.pixels == 0
        assert math.isnan(found.iobb_best)
        return
    table = [[iou(box, region) for box in boxes] for region in regions]
    assert found.best == pytest.approx(np.mean([max(row) for row in table]))
    assert found.mean == pytest.approx(np.mean(table))
    union = np.zeros_like(chosen)
    for box in boxes:
        union |= box.rasterised(chosen.shape)
    assert found.union == pytest.approx(iou(union, marked.area))
    assert found.pixels == pytest.approx(iou(chosen, marked.area))
    assert found.iobb_union == pytest.approx(iobb(union, marked.area))
    best = [iobb(boxes[int(np.argmax(row))], region) for row, region in zip(table, regions, strict=True)]
    assert found.iobb_best == pytest.approx(np.mean(best))


def test_masks_are_compared_by_their_pieces():
    mask = np.zeros((8, 8), bool)
    mask[1:3, 1:3] = mask[5:7, 5:7] = True
    marked = Marked((Region.of_mask(mask),), (8, 8))
    assert marked.masks
    assert len(marked.edges) == 2
    assert agreement(mask, marked).best == 1
    half = mask.copy()
    half[5:7] = False
    assert agreement(half, marked).best == 0.5
    assert agreement(half, marked).pixels == 0.5


def test_energy_and_pointing():
    map_ = np.zeros((6, 6), np.float32)
    map_[2, 2], map_[5, 5], map_[0, 0] = 3, 1, -5
    marked = Marked((Region(1, 1, 4, 4),), (6, 6))
    assert energy(map_, marked) == pytest.approx(energy_inside(map_, marked.area)) == pytest.approx(0.75)
    assert pointing(RankedMap(map_).peak, marked) == 1
    assert math.isnan(pointing(RankedMap(np.zeros((6, 6))).peak, marked))
    assert math.isnan(energy(np.zeros((6, 6)), marked))


def test_readers_are_compared_both_ways():
    one = Marked((Region(0, 0, 2, 2), Region(4, 4, 6, 6)), (8, 8))
    other = Marked((Region(0, 0, 2, 2),), (8, 8))
    best, area = readers_agreement(one, other)
    assert best == pytest.approx((1 + 1 + 0) / 3)
    assert area == pytest.approx(4 / 8)
    assert readers_agreement(one, one) == (1, 1)


@pytest.mark.parametrize("shape", [(12, 10), (4, 12, 10)])
def test_baselines_stay_where_the_network_looked(shape):
    rng = np.random.default_rng(0)
    picture = rng.normal(size=shape)
    within = np.zeros(shape, bool)
    within[..., 2:10, 1:9] = True
    maps = baseline_maps(picture, within, seed=3)
    assert set(maps) == set(BASELINES)
    for name, map_ in maps.items():
        assert (map_[~within] == 0).all()
        positive = np.count_nonzero(map_ > 0)
        assert positive >= np.count_nonzero(within) - (name == "baseline:brightness")
    bright = np.where(within, picture, -np.inf)
    assert peak_position(maps["baseline:brightness"]) == np.unravel_index(bright.argmax(), shape)
    middle = peak_position(maps["baseline:blob"])
    assert middle[-2:] in ((5, 4), (6, 5), (5, 5), (6, 4))
    again = baseline_maps(picture, within, seed=3)["baseline:random"]
    assert (maps["baseline:random"] == again).all()
