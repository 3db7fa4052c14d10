"""A series is on screen before it is whole; until then it is for looking only."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.controllers.conftest import StepRunner
from tests.fake_contents import FakeSeries, contents, vanished
from tests.tiny import bright_spot
from viewer.controllers.workbench import Workbench
from viewer.imaging.contents import Contents

Shelf = dict[str, Contents]


@pytest.fixture
def arriving(slow_bench: Workbench, steps: StepRunner, shelf: Shelf) -> Callable[..., FakeSeries]:
    """Another case is open; ``arriving(between)`` opens a series of 6 slices and calls back after each of them."""
    slow_bench.opening.show(bright_spot(3))
    steps.drain()

    def start(between: Callable[[int], None], **changes: object) -> FakeSeries:
        series = FakeSeries(stepwise=True, between=between, **changes)
        shelf["new"] = contents(series)
        slow_bench.opening.open("new")
        return series

    return start


def test_the_first_slice_is_shown_while_the_rest_is_read(
    slow_bench: Workbench, steps: StepRunner, arriving: Callable[..., FakeSeries]
) -> None:
    session, seen = slow_bench.session, []

    def look(count: int) -> None:
        case = session.case
        seen.append((count, case.whole, sum(case.has(i) for i in range(case.slices)), session.view.slice))
        assert session.reading is None
        assert session.judgement is None
        assert session.work.total == 6
        assert case.picture(session.view.slice).max() > 100

    arriving(look)
    steps.drain()
    assert [entry[:3] for entry in seen] == [(n, False, n) for n in range(1, 7)]
    assert {entry[3] for entry in seen} == {3}
    assert session.case.whole
    assert len(session.reading.filled) == 6
    assert session.work is None


def test_growth_is_counted_so_that_the_screen_can_follow(
    slow_bench: Workbench, steps: StepRunner, arriving: Callable[..., FakeSeries]
) -> None:
    counts = []
    arriving(lambda _: counts.append(slow_bench.session.arrivals))
    steps.drain()
    assert counts == sorted(set(counts))


def test_nothing_is_explained_from_a_part_whatever_the_user_does(
    slow_bench: Workbench, steps: StepRunner, arriving: Callable[..., FakeSeries]
) -> None:
    session = slow_bench.session

    def meddle(count: int) -> None:
        if count == 2:
            slow_bench.explaining.toggle_mirror()
            slow_bench.explaining.confirm_applicability()
            slow_bench.explaining.select_model("tiny")
            slow_bench.viewing.select_slice(2)
        assert session.reading is None

    arriving(meddle)
    steps.drain()
    assert len(session.reading.filled) == 6


def test_what_the_user_looks_at_stays_when_the_rest_is_there(
    slow_bench: Workbench, steps: StepRunner, arriving: Callable[..., FakeSeries]
) -> None:
    def look(count: int) -> None:
        if count == 3:
            slow_bench.viewing.select_slice(4)
            slow_bench.viewing.set_cursor(7, 9)
            slow_bench.viewing.set_window(12, 34)

    arriving(look)
    steps.drain()
    view = slow_bench.session.view
    assert (view.slice, view.cursor, view.window.centre, view.window.width) == (4, (7, 9), 12, 34)


def test_a_window_that_nobody_touched_is_that_of_the_whole_image(
    slow_bench: Workbench, steps: StepRunner, arriving: Callable[..., FakeSeries]
) -> None:
    first = []
    arriving(lambda _: first.append(slow_bench.session.view.window))
    steps.drain()
    at_once = Workbench(StepRunner())
    at_once.opening.show(slow_bench.session.case.image)
    assert slow_bench.session.view.window == at_once.session.view.window
    # Made from the slice that is there, not from the zeros of those that are not.
    assert first[0].low > 50


def test_cancelling_brings_back_the_case_with_its_maps(
    slow_bench: Workbench, steps: StepRunner, arriving: Callable[..., FakeSeries]
) -> None:
    session = slow_bench.session
    slow_bench.viewing.select_slice(2)
    slow_bench.viewing.set_cursor(3, 4)
    slow_bench.viewing.set_window(77, 55)
    slow_bench.boxing.add(1, 1, 5, 5)
    case, reading, boxes = session.case, session.reading, session.boxes

    def stop(count: int) -> None:
        if count == 3:
            assert session.case is not case
            slow_bench.cancel()
            assert session.case is case

    arriving(stop)
    steps.drain()
    assert session.case is case
    assert session.reading is reading
    assert len(reading.filled) == 3
    assert session.boxes is boxes
    assert (session.view.slice, session.view.cursor) == (2, (3, 4))
    assert (session.view.window.centre, session.view.window.width) == (77, 55)
    assert session.notice is None
    assert session.work is None


def test_a_file_that_vanishes_while_it_is_read_brings_back_the_case(
    slow_bench: Workbench, steps: StepRunner, arriving: Callable[..., FakeSeries]
) -> None:
    session = slow_bench.session
    case = session.case
    arriving(lambda _: None, broken=vanished())
    steps.drain()
    assert session.case is case
    assert "gone.dcm" in session.notice.sentence
    assert session.opened is None


def test_another_request_takes_the_part_away_at_once(
    slow_bench: Workbench, steps: StepRunner, shelf: Shelf, arriving: Callable[..., FakeSeries]
) -> None:
    session = slow_bench.session
    case = session.case
    shelf["later"] = contents(FakeSeries(slices=4))

    def change_of_mind(count: int) -> None:
        if count == 2:
            slow_bench.opening.open("later")
            assert session.case is case

    arriving(change_of_mind)
    steps.drain()
    assert session.case.slices == 4


def test_a_picture_across_the_slices_needs_them_all() -> None:
    sagittal = np.array([[0, 0, 1.0, 0], [1.0, 0, 0, 0], [0, -1.0, 0, 0], [0, 0, 0, 1]])
    from dataclasses import replace

    from viewer.state.case import Case

    image = FakeSeries(affine=sagittal).image()
    arrived = np.ones(6, dtype=bool)
    arrived[1] = False
    case = Case(replace(image, voxels=image.voxels.copy(), arrived=arrived), "")
    assert case.plane.axes[0] != 0
    assert not any(case.has(i) for i in range(case.slices))
    arrived[1] = True
    assert all(case.has(i) for i in range(case.slices))
