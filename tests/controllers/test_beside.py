"""Two series side by side: each one moved takes the other along, as far as their positions agree."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fake_contents import FakeSeries, contents, vanished
from viewer.controllers.workbench import Workbench
from viewer.imaging.contents import Contents
from viewer.imaging.image import PatientInfo
from viewer.state.beside import link_of, linked_place
from viewer.state.case import Case

Shelf = dict[str, Contents]


def placed(spacing: float, shift: float = 0.0) -> np.ndarray:
    affine = np.diag([1.0, 1.0, spacing, 1.0])
    affine[2, 3] = shift
    return affine


@pytest.fixture
def pair(bench: Workbench, shelf: Shelf) -> Workbench:
    """6 slices of 5 mm, and beside them 16 of 2 mm that begin 1 mm lower."""
    shelf["study"] = contents(
        FakeSeries("T1", 6, affine=placed(5)), FakeSeries("T2", 16, affine=placed(2, -1), value=9)
    )
    bench.opening.open("study")
    first, second = bench.session.chooser.entries
    bench.opening.choose(first)
    bench.viewing.select_slice(2)
    bench.beside.choose(second)
    return bench


def test_the_second_shows_the_nearest_slice_and_follows(pair: Workbench) -> None:
    session = pair.session
    assert session.beside.link == "position"
    assert session.beside.slice == round((10 + 1) / 2)
    pair.viewing.select_slice(4)
    assert session.beside.slice == round((20 + 1) / 2)
    pair.viewing.set_cursor(7, 9)
    assert session.beside.cursor == pytest.approx((7, 9))


def test_the_first_follows_the_second_and_does_not_push_back(pair: Workbench) -> None:
    session = pair.session
    for index in range(16):
        pair.beside.select_slice(index)
        assert session.beside.slice == index
        assert session.view.slice == min(max(round((2 * index - 1) / 5), 0), 5)
    pair.beside.set_cursor(3, 4)
    assert session.view.cursor == pytest.approx((3, 4))
    assert session.beside.cursor == (3, 4)


def test_window_is_its_own(pair: Workbench) -> None:
    first = pair.session.view.window
    pair.beside.set_window(5, 6)
    pair.beside.drag_window(0.5, 0)
    assert pair.session.view.window == first
    assert (pair.session.beside.window.centre, pair.session.beside.window.width) == (5, 9)
    pair.beside.reset_window()
    assert pair.session.beside.window.width != 9


def test_it_closes_and_is_gone_with_another_opening(pair: Workbench, shelf: Shelf) -> None:
    pair.beside.close()
    assert pair.session.beside is None
    pair.viewing.select_slice(0)
    assert pair.session.beside is None
    pair.beside.choose(pair.session.opened.entries[1])
    assert pair.session.beside is not None
    shelf["other"] = contents(FakeSeries())
    pair.opening.open("other")
    assert pair.session.beside is None


def test_another_series_of_the_same_opening_is_linked_anew(pair: Workbench) -> None:
    beside = pair.session.beside
    pair.opening.choose(pair.session.opened.entries[1])
    assert pair.session.beside.case is beside.case
    assert pair.session.beside.slice == pair.session.view.slice


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"frame": "another"}, "one frame of reference"),
        ({"frame": ""}, "do not say"),
        ({"patient": PatientInfo(identifier="2")}, "two patients"),
    ],
)
def test_without_a_common_frame_the_user_is_asked_first(
    bench: Workbench, shelf: Shelf, changes: dict[str, object], words: str
) -> None:
    shelf["study"] = contents(
        FakeSeries("T1", patient=PatientInfo(identifier="1")), FakeSeries("T2", **changes)
    )
    bench.opening.open("study")
    first, second = bench.session.chooser.entries
    bench.opening.choose(first)
    bench.beside.choose(second)
    session = bench.session
    assert session.beside.link == "asked"
    assert words in session.beside.why
    stood = session.beside.slice
    bench.viewing.select_slice(0)
    assert session.beside.slice == stood
    bench.beside.select_slice(5)
    assert session.view.slice == 0
    bench.beside.confirm_link()
    assert session.beside.slice == 0
    assert "you say" in session.beside.why


def test_without_orientation_slices_are_linked_by_number(bench: Workbench, shelf: Shelf) -> None:
    shelf["study"] = contents(FakeSeries("A", 6), FakeSeries("B", 4, oriented=False))
    bench.opening.open("study")
    first, second = bench.session.chooser.entries
    bench.opening.choose(first)
    bench.beside.choose(second)
    bench.viewing.select_slice(2)
    assert (bench.session.beside.link, bench.session.beside.slice) == ("number", 2)
    assert "slice number" in bench.session.beside.why
    bench.viewing.select_slice(5)
    assert (bench.session.beside.slice, bench.session.beside.outside) == (3, True)


def test_a_second_series_that_is_broken_leaves_the_first_alone(bench: Workbench, shelf: Shelf) -> None:
    shelf["study"] = contents(FakeSeries("A"), FakeSeries("B", broken=vanished()))
    bench.opening.open("study")
    first, second = bench.session.chooser.entries
    bench.opening.choose(first)
    bench.beside.choose(second)
    assert bench.session.beside is None
    assert "gone.dcm" in bench.session.notice.sentence
    assert bench.session.work is None


def test_a_path_beside_asks_when_it_holds_several(pair: Workbench, shelf: Shelf) -> None:
    shelf["one"] = contents(FakeSeries("C", 3))
    pair.beside.open("one")
    assert pair.session.beside.case.slices == 3
    assert pair.session.case.slices == 6
    shelf["two"] = contents(FakeSeries(), FakeSeries())
    pair.beside.open("two")
    assert pair.session.chooser.for_beside
    pair.opening.open_demo()  # something else after all
    assert pair.session.chooser is None


@given(
    index=st.integers(0, 5),
    row=st.floats(0, 31),
    column=st.floats(0, 31),
    angle=st.floats(-0.6, 0.6),
    shift=st.floats(-20, 20),
)
def test_the_crosshair_is_the_same_place_of_the_patient(
    index: int, row: float, column: float, angle: float, shift: float
) -> None:
    turned = placed(1.5, shift)
    turn = np.eye(4)
    turn[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    first, second = (
        Case(FakeSeries(slices=n, affine=affine).image(), "")
        for n, affine in ((6, placed(5)), (40, turn @ turned))
    )
    (there, there_row, there_column), outside = linked_place(first, index, (row, column), second, "position")
    a = first.image.geometry.to_patient(first.plane.voxel(first.image.geometry, index, row, column))
    b = second.image.geometry.to_patient(
        second.plane.voxel(second.image.geometry, there, there_row, there_column)
    )
    # In the plane it is exact; along the slices it is the nearest one, unless the place lies outside.
    across = second.image.geometry.direction(second.plane.axes[0])
    assert np.linalg.norm((a - b) - ((a - b) @ across) * across) < 1e-6
    if not outside:
        assert abs((a - b) @ across) <= 1.5 / 2 + 1e-6


def test_two_images_without_any_word_of_their_frame_are_asked_about() -> None:
    image = FakeSeries(frame="").image()
    assert link_of(image, image)[0] == "asked"
