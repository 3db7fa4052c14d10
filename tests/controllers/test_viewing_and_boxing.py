from __future__ import annotations

import numpy as np
import pytest

from tests.tiny import bright_spot
from viewer.controllers.workbench import Workbench
from viewer.foundation.errors import SettingsError
from viewer.state.map_view import signed_map


def test_scrolling_stays_inside(bench: Workbench) -> None:
    bench.opening.show(bright_spot(4))
    bench.viewing.step(99)
    assert bench.session.view.slice == 3
    bench.viewing.step(-99)
    assert bench.session.view.slice == 0
    bench.viewing.last()
    assert bench.session.view.slice == 3


def test_peak_goes_to_the_bright_slice(bench: Workbench) -> None:
    bench.opening.show(bright_spot(6, at=(4, 4, 4)))
    bench.viewing.peak()
    assert bench.session.view.slice == 4


def test_window_never_collapses(bench: Workbench) -> None:
    bench.opening.show(bright_spot())
    before = bench.session.view.window
    bench.viewing.drag_window(-5, 0)
    assert bench.session.view.window.width > 0
    bench.viewing.reset_window()
    assert bench.session.view.window == before
    bench.viewing.preset(1)
    bench.viewing.preset(99)


def test_display_numbers_are_kept_in_range(bench: Workbench) -> None:
    bench.viewing.set_opacity(7)
    bench.viewing.set_threshold(-1)
    assert (bench.session.overlay.opacity, bench.session.overlay.threshold) == (1, 0)
    with pytest.raises(SettingsError, match="colour_map"):
        bench.viewing.set_colour_map("rainbow")


def test_boxes_live_on_their_slice(bench: Workbench) -> None:
    bench.opening.show(bright_spot())
    boxing, session = bench.boxing, bench.session
    boxing.draw_mode(True)
    first = boxing.add(12, 24, 8, 20)  # dragged from the lower right corner
    assert not session.view.drawing
    region = session.boxes.drawn[first]
    assert (region.row_min, region.column_min, region.row_max, region.column_max) == (8, 20, 12, 24)
    boxing.rename(first, " lesion ")
    boxing.move(first, -5, 1, 3, 99)
    moved = session.boxes.drawn[first]
    assert (moved.label, moved.slice) == ("lesion", 2)
    assert (moved.row_min, moved.column_max) == (0, 32)
    bench.viewing.step(1)
    second = boxing.add(1, 1, 5, 5)
    boxing.select(first)
    assert session.view.slice == 2
    boxing.delete()
    assert list(session.boxes.drawn) == [second]
    assert boxing.add(3, 3, 3.2, 9) is None
    boxing.rename(second, "   ")
    assert session.boxes.drawn[second].label == "box 2"


def test_nothing_happens_without_a_case(bench: Workbench) -> None:
    bench.viewing.step(1)
    bench.viewing.peak()
    bench.viewing.preset(1)
    bench.explaining.step_layer(1)
    assert bench.boxing.add(0, 0, 5, 5) is None
    bench.explaining.toggle_mirror()
    assert bench.session.notice is None


def test_a_moved_box_stays_on_its_slice_and_keeps_its_name(bench: Workbench) -> None:
    """Moved from the table while another slice is shown."""
    bench.opening.show(bright_spot())
    bench.viewing.select_slice(1)
    identity = bench.boxing.add(2, 3, 8, 9)
    bench.boxing.rename(identity, "core")
    bench.viewing.select_slice(4)
    bench.boxing.move(identity, 3, 4, 9, 10)
    moved = bench.session.boxes.drawn[identity]
    assert (moved.slice, moved.label, moved.row_min, moved.column_max) == (1, "core", 3, 10)


def test_the_network_never_sees_the_convention_of_the_display(bench: Workbench) -> None:
    """Maps, probabilities and the choice of the input are the same, whichever way round the patient is shown."""
    found = {}
    for convention in ("radiological", "neurological"):
        bench.viewing.set_convention(convention)
        bench.opening.show(bright_spot(3))
        session = bench.session
        bench.viewing.set_convention("neurological")
        reading, choice = session.reading, session.choice
        assert not choice.mirror
        maps = [signed_map(session, reading, index, choice.layer) for index in range(3)]
        found[convention] = (np.array(maps), [reading.probability(index, 0) for index in range(3)])
    np.testing.assert_array_equal(found["radiological"][0], found["neurological"][0])
    assert found["radiological"][1] == found["neurological"][1]
