"""Distances belong to their case: they come, wait and go with it, exactly as boxes do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tests.controllers.conftest import StepRunner
from tests.fake_contents import FakeSeries, contents
from tests.tiny import bright_spot
from viewer.controllers.workbench import Workbench
from viewer.imaging.contents import Contents
from viewer.state.rulers import ruler_marks

Shelf = dict[str, Contents]
TILTED = np.array([[1, 0, 0, 0], [0, 1, 1.7, 0], [0, 0, 4.7, 0], [0, 0, 0, 1.0]])


def marked(bench: Workbench) -> Workbench:
    """A box and a line on the open case."""
    bench.boxing.add(2, 2, 9, 9)
    bench.measuring.add((1, 2), (4, 6))
    return bench


def drawn(bench: Workbench) -> tuple[int, int]:
    return len(bench.session.boxes.drawn), len(bench.session.rulers.drawn)


def test_another_case_begins_without_lines(bench: Workbench) -> None:
    bench.opening.show(bright_spot())
    assert drawn(marked(bench)) == (1, 1)
    bench.opening.show(bright_spot())
    assert drawn(bench) == (0, 0)
    bench.session.case = replace(bench.session.case, title="with truth")
    assert drawn(marked(bench)) == (1, 1)


def test_another_volume_keeps_them(bench: Workbench, shelf: Shelf) -> None:
    shelf["dwi"] = contents(FakeSeries(volumes=4))
    bench.opening.open("dwi")
    marked(bench).volumes.select(2)
    assert bench.session.case.image.volume == 2
    assert drawn(bench) == (1, 1)


def test_resampling_puts_them_by_and_undo_brings_them_back(bench: Workbench) -> None:
    bench.opening.show(bright_spot(6, affine=TILTED))
    lines = marked(bench).session.rulers.drawn
    bench.grid.resample()
    assert drawn(bench) == (0, 0)
    bench.grid.undo()
    assert drawn(bench) == (1, 1)
    assert bench.session.rulers.drawn == lines


@pytest.mark.parametrize("cancelled", [True, False])
def test_a_case_that_comes_back_brings_its_own(
    slow_bench: Workbench, steps: StepRunner, shelf: Shelf, cancelled: bool
) -> None:
    slow_bench.opening.show(bright_spot(3))
    steps.drain()
    lines = marked(slow_bench).session.rulers.drawn
    seen = []

    def look(count: int) -> None:
        seen.append(drawn(slow_bench))
        if cancelled and count == 3:
            slow_bench.cancel()

    shelf["new"] = contents(FakeSeries(stepwise=True, between=look))
    slow_bench.opening.open("new")
    steps.drain()
    assert set(seen) == {(0, 0)}
    assert drawn(slow_bench) == ((1, 1) if cancelled else (0, 0))
    assert not cancelled or slow_bench.session.rulers.drawn == lines


def test_nothing_is_measured_on_a_part(
    slow_bench: Workbench, steps: StepRunner, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[object] = []

    def measure(_: int) -> None:
        slow_bench.measuring.draw_mode(True)
        tried.append((slow_bench.session.rulers.drawing, slow_bench.measuring.add((1, 1), (5, 5))))

    shelf["new"] = contents(FakeSeries(stepwise=True, between=measure))
    slow_bench.opening.open("new")
    steps.drain()
    assert tried
    assert set(tried) == {(False, None)}
    assert slow_bench.session.rulers.drawn == {}
    slow_bench.measuring.draw_mode(True)
    assert slow_bench.session.rulers.drawing


@pytest.mark.parametrize("turn", [lambda x: x, lambda x: x @ np.diag([1, -1, 1, 1])])
def test_a_distance_is_in_millimetres_of_the_patient(bench: Workbench, turn: Callable) -> None:
    """3 rows of 2 mm and 4 columns of 1.5 mm are 8.485 mm, however the rows run."""
    bench.opening.show(bright_spot(affine=turn(np.diag([1.5, 2.0, 5.0, 1.0]))))
    bench.measuring.add((1, 2), (4, 6))
    case = bench.session.case
    (mark,) = ruler_marks(bench.session.rulers, case.image, case.plane, bench.session.view.slice)
    assert mark.text == "8.5 mm"
