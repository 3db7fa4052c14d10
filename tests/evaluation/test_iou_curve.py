"""The curve over thresholds equals one map after the other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from viewer.evaluation.boxes import BoxRule
from viewer.evaluation.iou_curve import CURVE_RULES, IouCurve
from viewer.evaluation.map_boxes import MapBoxes
from viewer.evaluation.regions import Region
from viewer.foundation.errors import Cancelled
from viewer.foundation.progress import ProgressToken

RULES = (BoxRule("top-percent", 5), BoxRule("top-percent", 40), BoxRule("fraction-of-max", 0.5))


@given(
    hnp.arrays(np.float32, (9, 8), elements=st.floats(-2, 4, width=32)),
    hnp.arrays(bool, (9, 8)).filter(np.any),
)
def test_every_point_equals_its_own_map(values: NDArray, mask: NDArray[np.bool_]) -> None:
    curve = IouCurve.of(values, rules=RULES)
    for region in (Region(1.25, 2, 7.5, 6), Region.of_mask(mask)):
        for rule, point in zip(RULES, curve.points(region), strict=True):
            scores = {s.name: s for s in MapBoxes.of(values, rule=rule.rule, value=rule.value).scores(region)}
            assert point.rule == rule
            assert point.best == pytest.approx(scores["iou-best"].value)
            assert point.mean == pytest.approx(scores["iou-mean"].value)
            assert point.boxes == scores["iou-best"].n
            assert point.score.rule.startswith("IoU with the best of")


def test_a_volume_and_an_empty_map() -> None:
    volume = np.zeros((3, 6, 6))
    volume[1, 2:4, 2:4] = 1
    points = IouCurve.of(volume).points(Region(2, 2, 4, 4, slice=1, slice_max=2))
    assert [point.rule for point in points] == list(CURVE_RULES)
    assert points[-1].best == 1
    assert all(
        p.best == p.mean == p.boxes == 0 for p in IouCurve.of(np.zeros((4, 4))).points(Region(0, 0, 2, 2))
    )


def test_preparing_can_be_stopped() -> None:
    token = ProgressToken()
    token.cancel()
    with pytest.raises(Cancelled):
        IouCurve.of(np.ones((4, 4)), progress=token)
