"""Another volume of the open series: slice and window stay, the latest request wins, what was shown lately is kept."""

from __future__ import annotations

import pytest

from tests.controllers.conftest import StepRunner
from tests.fake_contents import FakeSeries, contents, vanished
from viewer.controllers.volumes import Volumes
from viewer.controllers.workbench import Workbench
from viewer.imaging.contents import Contents
from viewer.state.opened import shown_of, volume_words

Shelf = dict[str, Contents]


@pytest.fixture
def series(bench: Workbench, shelf: Shelf) -> FakeSeries:
    made = FakeSeries(volumes=5)
    shelf["dwi"] = contents(made)
    bench.opening.open("dwi")
    return made


def test_slice_window_and_crosshair_stay_and_the_maps_are_those_of_the_new_voxels(
    bench: Workbench, series: FakeSeries
) -> None:
    session = bench.session
    bench.viewing.select_slice(1)
    bench.viewing.set_cursor(5, 6)
    bench.viewing.set_window(120, 60)
    bench.explaining.toggle_mirror()
    reading = session.reading
    bench.volumes.select(3)
    assert session.case.image.volume == 3
    assert session.case.picture(1)[0, 0] == 131
    assert (session.view.slice, session.view.cursor) == (1, (5, 6))
    assert (session.view.window.centre, session.view.window.width) == (120, 60)
    assert session.choice.mirror
    assert session.reading is not reading
    assert len(session.reading.filled) == 6
    assert session.volume is None
    assert volume_words(session.case.image.volumes, 3) == "time 4 · 4 / 5"
    assert shown_of(session.case.image, session.entry, session.opened) == "6 of 30 images shown"


def test_the_ends_hold(bench: Workbench, series: FakeSeries) -> None:
    bench.volumes.step(-1)
    assert bench.session.case.image.volume == 0
    bench.volumes.step(99)
    assert bench.session.case.image.volume == 4
    bench.volumes.step(1)
    assert bench.session.case.image.volume == 4


def test_what_was_shown_lately_is_not_read_again(bench: Workbench, series: FakeSeries) -> None:
    for index in (1, 2, 1, 0, 2):
        bench.volumes.select(index)
        assert bench.session.case.image.volume == index
    assert series.loads == [0, 1, 2]


def test_memory_for_what_was_shown_is_bounded(shelf: Shelf, bench: Workbench, series: FakeSeries) -> None:
    one = bench.session.case.image.voxels.nbytes
    bench.volumes = Volumes(
        bench.session, bench.opening._runner, bench.explaining, bench.peeking, kept_bytes=2 * one
    )
    for index in (1, 2, 3, 1, 0):
        bench.volumes.select(index)
    assert series.loads == [0, 1, 2, 3, 0]


def test_the_volume_asked_for_last_is_shown(slow_bench: Workbench, steps: StepRunner, shelf: Shelf) -> None:
    made = FakeSeries(volumes=5)
    shelf["dwi"] = contents(made)
    slow_bench.opening.open("dwi")
    steps.drain()
    for _ in range(3):
        slow_bench.volumes.step(1)
    assert slow_bench.session.volume == 3
    steps.drain()
    assert slow_bench.session.case.image.volume == 3
    assert made.loads == [0, 3]


def test_going_back_before_it_is_read_reads_nothing(
    slow_bench: Workbench, steps: StepRunner, shelf: Shelf
) -> None:
    made = FakeSeries(volumes=5)
    shelf["dwi"] = contents(made)
    slow_bench.opening.open("dwi")
    steps.drain()
    slow_bench.volumes.step(1)
    slow_bench.volumes.step(-1)
    assert slow_bench.session.work is None
    steps.drain()
    assert made.loads == [0]
    slow_bench.volumes.step(1)
    slow_bench.cancel()
    assert slow_bench.session.volume is None
    steps.drain()
    assert slow_bench.session.case.image.volume == 0


def test_a_volume_that_cannot_be_read_leaves_the_one_on_screen(bench: Workbench, series: FakeSeries) -> None:
    case = bench.session.case
    series.broken = vanished()
    bench.volumes.step(1)
    assert bench.session.case is case
    assert bench.session.volume is None
    assert "gone.dcm" in bench.session.notice.sentence


def test_a_case_with_one_volume_has_no_others(bench: Workbench, shelf: Shelf) -> None:
    shelf["t1"] = contents(FakeSeries())
    bench.opening.open("t1")
    assert bench.session.volumes == 0
    bench.volumes.step(1)
    assert bench.session.work is None


def test_a_stated_spacing_holds_for_every_volume(bench: Workbench, series: FakeSeries) -> None:
    bench.volumes.select(1)
    bench.grid.set_spacing((4, 0.5, 0.5))
    for index in (0, 2, 1):
        bench.volumes.select(index)
        assert bench.session.case.image.geometry.spacing_mm == pytest.approx((4, 0.5, 0.5))


def test_a_path_can_be_opened_at_a_volume_and_with_a_spacing(bench: Workbench, shelf: Shelf) -> None:
    shelf["dwi"] = contents(FakeSeries(volumes=5, stepwise=True))
    bench.opening.open("dwi", volume=3, spacing_mm=(4, 1, 1))
    assert bench.session.case.image.volume == 3
    assert bench.session.case.image.spacing_by_hand == (4, 1, 1)


def test_what_is_kept_of_one_series_is_never_shown_for_another(bench: Workbench, shelf: Shelf) -> None:
    first, second = FakeSeries("one", volumes=4), FakeSeries("two", 5, volumes=4)
    shelf["both"] = contents(first, second)
    bench.opening.open("both")
    entries = bench.session.chooser.entries
    bench.opening.choose(entries[0])
    bench.volumes.select(2)
    bench.volumes.select(1)
    bench.opening.choose(entries[1])
    bench.volumes.select(2)
    assert (bench.session.case.slices, bench.session.case.image.volume) == (5, 2)
    assert second.loads[-1] == 2
