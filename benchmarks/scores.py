"""What a dragged box costs: every score on screen, anew for each step of the mouse."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.measuring import Agreement, Report, Row
from viewer.evaluation.baseline_maps import centred_blob, random_map
from viewer.evaluation.boxes import BoxRule
from viewer.evaluation.iou_curve import PERCENTAGES, IouCurve
from viewer.evaluation.localisation import dice, energy_inside, iou
from viewer.evaluation.map_boxes import MapBoxes
from viewer.evaluation.regions import Region

_FRAME = 16.0
"""Milliseconds of a frame."""


def _drag(shape: tuple[int, ...]) -> Report:
    """A map, three that know nothing, two drawn boxes and the curve; the box moves by fractions of a pixel."""
    rules = tuple(BoxRule("top-percent", percent) for percent in PERCENTAGES)
    coarse = tuple(max(2, side // 16) for side in shape)
    values = random_map(shape, 1, coarse) ** 4
    maps = [
        MapBoxes.of(each) for each in (values, values**2, random_map(shape, 2, coarse), centred_blob(shape))
    ]
    curve = IouCurve.of(values, rules=rules)
    still = _box(shape, 0.3)

    def step(shift: float) -> Region:
        moved = _box(shape, shift)
        for ready in maps:
            ready.scores(moved)
            ready.scores(still)
        curve.points(moved)
        return moved

    step(0.1)  # what is made once for a map is made
    times = []
    for number in range(60):
        begun = time.perf_counter()
        last = step(0.1 + number * 0.003)
        times.append(1000 * (time.perf_counter() - begun))
    whole = _whole(last)
    scores = {score.name: score.value for score in maps[0].scores(whole)}
    counted = maps[0].counted
    assert counted is not None
    naive = _milliseconds(lambda: (iou(counted, whole), dice(counted, whole), energy_inside(values, whole)))
    size = " x ".join(map(str, shape))
    boxes = sum(len(ready.boxes) for ready in maps)
    what = f"a step, {size}: 4 maps of {boxes} boxes, 2 drawn boxes, curve of {len(curve.edges)} boxes"
    middle = statistics.median(times)
    at_five = curve.points(whole)[PERCENTAGES.index(5.0)].best
    return Report(
        agreements=(
            Agreement(
                "energy inside, by table and by sum", _off(scores, "energy-inside", values, whole), 1e-6
            ),
            Agreement("Dice, by table and by counting", abs(scores["dice"] - dice(counted, whole)), 1e-9),
            Agreement("IoU of curve and table", abs(at_five - scores["iou-best"]), 1e-9),
        ),
        rows=(
            Row(what, middle, "3 scores, counting", naive, f"below {_FRAME:g} ms", middle < _FRAME),
            Row("the slowest of 60 steps", max(times)),
        ),
    )


def _off(scores: dict[str, float], name: str, values: NDArray[np.float32], whole: Region) -> float:
    return abs(scores[name] - energy_inside(values, whole.rasterised(values.shape)))


def _whole(box: Region) -> Region:
    """A box with whole edges, which can be counted."""
    rows, columns = (round(box.row_min), round(box.row_max)), (round(box.column_min), round(box.column_max))
    return replace(box, row_min=rows[0], row_max=rows[1], column_min=columns[0], column_max=columns[1])


def _box(shape: tuple[int, ...], shift: float) -> Region:
    low = [side * shift for side in shape]
    high = [side * (shift + 0.4) for side in shape]
    if len(shape) == 2:
        return Region(low[0], low[1], high[0], high[1])
    return Region(low[1], low[2], high[1], high[2], slice=round(low[0]), slice_max=round(high[0]))


def _milliseconds(task: Callable[[], object]) -> float:
    times = []
    for _ in range(5):
        begun = time.perf_counter()
        task()
        times.append(1000 * (time.perf_counter() - begun))
    return statistics.median(times)


BENCHMARKS = {
    "box-drag-1024": lambda: _drag((1024, 1024)),
    "box-drag-256-cubed": lambda: _drag((256, 256, 256)),
}
