"""Readers: hand-made cases whose numbers can be counted."""

from __future__ import annotations

import numpy as np
import pytest

from viewer.evaluation.localisation import iou
from viewer.evaluation.map_boxes import MapBoxes
from viewer.evaluation.readers import agreement_between_readers, mean_over_readers, reader_scores
from viewer.evaluation.regions import Region


def a_map() -> MapBoxes:
    values = np.zeros((20, 20))
    values[2:6, 2:6] = 1
    values[3, 3] = 2
    values[12:16, 12:16] = 0.9
    return MapBoxes.of(values, rule="fraction-of-max", value=0.4)


def test_each_reader_and_the_mean() -> None:
    exact = Region(2, 2, 6, 6, reader="R1")
    half = Region(2, 2, 6, 4, reader="R2")
    away = Region(12, 12, 16, 16, reader="R2")
    first, second = reader_scores(a_map(), [exact, half, away])
    assert (first.reader, first.regions, second.reader, second.regions) == ("R1", 1, "R2", 2)
    assert first["iou-best"].value == 1
    assert second["iou-best"].value == pytest.approx((0.5 + 1) / 2)
    assert "2 regions of the reader" in second["iou-best"].rule
    # Both of his regions together: 8 + 16 of the 32 pixels that count.
    assert second["iou-mask"].value == pytest.approx(24 / 32)
    assert second["pointing"].value == 1
    assert "together" in second["pointing"].rule
    mean = mean_over_readers([first, second])
    assert (mean.reader, mean.regions) == ("", 3)
    assert mean["iou-best"].value == pytest.approx((1 + 0.75) / 2)
    assert mean["iou-best"].n == 2


def test_boxes_smaller_than_a_pixel() -> None:
    specks = [Region(2.6, 2.6, 2.9, 2.9, reader="R"), Region(3.6, 3.6, 3.9, 3.9, reader="R")]
    (found,) = reader_scores(a_map(), specks)
    assert found["iou-best"].value == pytest.approx(0.09 / 16)
    assert mean_over_readers([]).scores == ()


def test_agreement_between_three_readers() -> None:
    a, b = Region(0, 0, 4, 4, reader="A"), Region(0, 0, 4, 2, reader="B")
    other = Region(10, 10, 12, 12, reader="B")
    best, overlap = agreement_between_readers([a, b, other], (20, 20))
    # A for B's two boxes: 0.5 and 0; B for A's box: 0.5.
    assert best.value == pytest.approx(((0.5 + 0) / 2 + 0.5) / 2)
    assert overlap.value == pytest.approx(2 * 8 / (16 + 12))
    assert best.n == 1
    assert iou(a, b) == 0.5
    three, _ = agreement_between_readers([a, b, other], (20, 20), readers=["A", "B", "C", "D"])
    assert three.value == pytest.approx(best.value / 5)
    assert "4 of which as 0 because one of the two marked nothing" in three.rule
    assert "1 more pairs marked nothing" in three.rule


def test_one_reader_agrees_with_nobody() -> None:
    for score in agreement_between_readers([Region(0, 0, 4, 4, reader="A")], (9, 9)):
        assert not score.defined
        assert "no two readers" in score.rule
