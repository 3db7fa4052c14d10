"""Three planes through one place: what each shows, that all agree about it, and how maps cut through them."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tiny import bright_spot
from viewer.controllers.workbench import Workbench
from viewer.foundation.job_runner import InlineRunner
from viewer.imaging.diagnoses import ONE_PLACE, Diagnosis
from viewer.imaging.geometry import Geometry
from viewer.imaging.image import MedicalImage
from viewer.imaging.plane import ReadingPlane
from viewer.models.card import InputRule
from viewer.models.input_view import InputView
from viewer.state.map_stack import MapStack
from viewer.state.planes_view import planes_image, shown_voxel, three_planes, why_no_planes, workspace_shown
from viewer.state.screen import Presenter

SHAPE = (6, 9, 12)


def numbered(geometry: Geometry) -> MedicalImage:
    return MedicalImage(np.arange(np.prod(geometry.shape), dtype=np.int16).reshape(geometry.shape), geometry)


def orientations() -> list[np.ndarray]:
    """The 48 ways in which the axes of an array can lie along those of a patient."""
    found = []
    for axes, signs in product(permutations(range(3)), product((1, -1), repeat=3)):
        affine = np.zeros((4, 4))
        for column, (axis, sign) in enumerate(zip(axes, signs, strict=True)):
            affine[axis, column] = sign * (0.8, 1.1, 1.4)[column]
        affine[:, 3] = (11, -7, 5, 1)
        found.append(affine)
    return found


def opened(image: MedicalImage) -> Workbench:
    bench = Workbench(InlineRunner())
    bench.opening.show(image)
    bench.viewing.set_workspace("volume")
    return bench


@pytest.mark.parametrize("affine", orientations())
def test_every_plane_shows_the_voxel_of_the_crosshair_under_its_crosshair(affine: np.ndarray) -> None:
    bench = opened(numbered(Geometry(affine, SHAPE)))
    image = bench.session.case.image
    for plane_number, index, row, column in ((0, 2, 3, 1), (1, 4, 2, 5), (2, 1, 0, 3)):
        _, plane = three_planes(image)[plane_number]
        index, (rows, columns) = index % plane.count(SHAPE), plane.picture_shape(SHAPE)
        wanted = plane.picture(image.voxels, index)[row % rows, column % columns]
        bench.planes.point(plane, index, row % rows, column % columns)
        view = Presenter(bench.session).screen().planes
        under = [p.background.pixels[round(p.cursor[0]), round(p.cursor[1])] for p in view.planes]
        assert under == [wanted] * 3
        assert dict(view.where)["value"] == f"{wanted:.5g}"
        place = image.geometry.to_patient(shown_voxel(bench.session, image))
        words = dict(view.where)["patient, mm"]
        assert ("L" in words) == (place[0] >= 0)
        assert f"{abs(place[2]):.1f}" in words


@pytest.mark.parametrize("convention", ["radiological", "neurological"])
@pytest.mark.parametrize("affine", orientations())
def test_letters_are_where_the_patient_is_on_screen(affine: np.ndarray, convention: str) -> None:
    """Walk over the screen to the right and downwards: the patient's coordinate moves towards the letter there."""
    bench = opened(numbered(Geometry(affine, SHAPE)))
    bench.viewing.set_convention(convention)
    image = bench.session.case.image
    for view in Presenter(bench.session).screen().planes.planes:
        left, right, top, bottom = view.background.letters
        start = image.geometry.to_patient(view.plane.voxel(image.geometry, view.index, 0, 0))
        along = -1 if view.background.flipped else 1
        across = image.geometry.to_patient(view.plane.voxel(image.geometry, view.index, 0, 1)) - start
        down = image.geometry.to_patient(view.plane.voxel(image.geometry, view.index, 1, 0)) - start
        for direction, letter in (
            (across * along, right),
            (-across * along, left),
            (down, bottom),
            (-down, top),
        ):
            axis = int(np.argmax(np.abs(direction)))
            assert letter == (("L", "R"), ("P", "A"), ("S", "I"))[axis][0 if direction[axis] > 0 else 1]
        if view.name != "sagittal":
            assert left == ("R" if convention == "radiological" else "L")
            assert view.background.notes[0].startswith(convention.upper())


def test_oblique_planes_say_so_and_have_two_letters() -> None:
    turn = np.deg2rad(35)
    affine = np.eye(4)
    affine[:2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    planes = Presenter(opened(numbered(Geometry(affine, SHAPE))).session).screen().planes.planes
    axial = planes[0].background
    assert "oblique 35\u00b0" in axial.notes
    assert [sorted(letter) for letter in axial.letters] == [["A", "R"], ["L", "P"], ["A", "L"], ["P", "R"]]
    straight = Presenter(opened(numbered(Geometry(np.eye(4), SHAPE))).session).screen().planes.planes
    assert not any("oblique" in note for plane in straight for note in plane.background.notes)


def test_without_orientation_planes_are_named_by_their_axis_and_have_no_letters() -> None:
    bench = opened(numbered(Geometry.unoriented(SHAPE, (3.0, 1.0, 1.0))))
    view = Presenter(bench.session).screen().planes
    assert [plane.name for plane in view.planes] == ["across slices", "across rows", "across columns"]
    assert all(plane.background.letters is None for plane in view.planes)
    assert dict(view.where)["patient"] == "side unknown"
    bench.planes.scroll(view.planes[1].plane, 2)
    assert Presenter(bench.session).screen().planes.planes[1].index == view.planes[1].index + 2


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (MedicalImage(np.zeros((1, 8, 8), np.uint8), Geometry.unoriented((1, 8, 8))), "single picture"),
        (
            MedicalImage(
                np.zeros((4, 8, 8), np.uint8),
                Geometry.unoriented((4, 8, 8)),
                diagnoses=(Diagnosis(ONE_PLACE, "warning", "All at one place."),),
            ),
            "sequence",
        ),
    ],
)
def test_what_is_no_volume_stays_in_reading_and_says_why(image: MedicalImage, reason: str) -> None:
    bench = opened(image)
    assert reason in why_no_planes(bench.session.case)
    assert workspace_shown(bench.session) == "reading"
    screen = Presenter(bench.session).screen()
    assert screen.planes is None
    assert screen.canvas is not None
    bench.opening.show(bright_spot())
    assert workspace_shown(bench.session) == "volume", "the wish outlives a picture that cannot fulfil it"


def test_scrolling_and_pointing_stay_inside(bench: Workbench) -> None:
    bench.viewing.set_workspace("volume")
    image = bench.session.case.image
    for _, plane in three_planes(image):
        for far in (999, -999):
            bench.planes.scroll(plane, far)
            assert (shown_voxel(bench.session, image) >= 0).all()
            assert (shown_voxel(bench.session, image) <= np.array(image.geometry.shape) - 1).all()
    bench.planes.point(three_planes(image)[1][1], 3, -50, 5000)
    assert bench.session.view.slice in range(5)


def test_a_moved_crosshair_makes_only_the_other_planes_anew(bench: Workbench) -> None:
    bench.viewing.set_workspace("volume")
    presenter = Presenter(bench.session)
    before = presenter.screen().planes.planes
    axial = before[0].plane
    bench.planes.point(axial, bench.session.view.slice, 3, 4)
    after = presenter.screen().planes.planes
    assert after[0].background is before[0].background
    assert after[1].background is not before[1].background
    assert after[2].background is not before[2].background


# --- maps ----------------------------------------------------------------------------------------------------


@given(
    axes=st.permutations(range(3)),
    signs=st.tuples(*[st.sampled_from((1, -1))] * 3),
    mirror=st.booleans(),
    smooth=st.booleans(),
    index=st.integers(0, 100),
)
def test_a_plane_across_the_slices_cuts_the_same_maps(axes, signs, mirror, smooth, index) -> None:
    """Whatever the orientation: a pixel of a cut equals the pixel of the slice's own map at that voxel."""
    affine = np.zeros((4, 4))
    for column, (axis, sign) in enumerate(zip(axes, signs, strict=True)):
        affine[axis, column] = sign
    affine[3, 3] = 1
    geometry = Geometry(affine, SHAPE)
    reading = ReadingPlane.of(geometry)
    count = reading.count(SHAPE)
    rule = InputRule(size=(8, 8))
    rng = np.random.default_rng(index)
    stack, drawn = MapStack(count), {}
    for number in range(0, count, 2):  # every other slice is explained
        picture = rng.uniform(size=reading.picture_shape(SHAPE)).astype(np.float32)
        view = InputView.of_picture(rule, picture, mirror=mirror)
        raw = rng.uniform(size=(3, 4)).astype(np.float16).astype(np.float32)
        stack.put(number, raw, view)
        drawn[number] = view.back(raw) if smooth else view.cells(raw)
    volume = np.zeros(SHAPE, dtype=np.float32)
    for number, picture in drawn.items():
        reading.put(volume, number, picture)
    for axis in range(3):
        plane = ReadingPlane.along(geometry, axis)
        if plane.axes[0] != reading.axes[0]:
            cut = index % plane.count(SHAPE)
            found = stack.across(reading, geometry, plane, cut, smooth=smooth)
            np.testing.assert_allclose(found, plane.picture(volume, cut), atol=2e-3)


def test_maps_are_never_mixed_between_slices(bench: Workbench) -> None:
    """The bright spot lies on one slice: the neighbours' rows of a coronal cut show their own faint maps."""
    bench.viewing.set_workspace("volume")
    bench.viewing.select_slice(2)
    bench.viewing.set_cursor(9, 21)
    view = Presenter(bench.session).screen().planes
    coronal = next(plane for plane in view.planes if plane.name == "coronal")
    own = [own_map(bench, k)[9] for k in range(5)]
    np.testing.assert_allclose(coronal.values, np.array(own)[::-1], rtol=2e-3, atol=2e-3)
    assert coronal.across
    assert view.map.scale == Presenter(bench.session).screen().map.scale


def own_map(bench: Workbench, index: int) -> np.ndarray:
    bench.viewing.select_slice(index)
    try:
        return Presenter(bench.session).screen().map.picture
    finally:
        bench.viewing.select_slice(2)


def test_a_slice_that_is_not_explained_is_empty_in_the_other_planes(user_folder) -> None:
    from tests.controllers.conftest import StepRunner
    from tests.tiny import write_tiny_model

    write_tiny_model(user_folder)
    steps = StepRunner()
    bench = Workbench(steps)
    bench.explaining.select_model("tiny")
    steps.drain()
    bench.opening.show(bright_spot())
    bench.viewing.set_workspace("volume")
    presenter = Presenter(bench.session)
    assert presenter.screen().planes.map is None
    while not bench.session.reading or not bench.session.reading.filled:
        assert steps.step()
    bench.viewing.set_cursor(9, 21)
    view = presenter.screen().planes
    assert "maps of 1 of 5 slices" in view.facts
    lit = next(p for p in view.planes if p.name == "coronal").values.any(axis=1)
    assert lit.sum() == 1
    steps.drain()
    assert "maps of all slices" in presenter.screen().planes.facts


# --- tilted and uneven stacks --------------------------------------------------------------------------------


def tilted() -> MedicalImage:
    affine = np.diag([1.0, 1.0, 4.0, 1.0])
    affine[1, 2] = 1.2
    return numbered(Geometry(affine, (8, 20, 16)))


def test_a_tilted_stack_is_shown_on_an_even_grid_that_says_so() -> None:
    bench = opened(tilted())
    session = bench.session
    assert session.even is not None
    assert planes_image(session) is session.even
    view = Presenter(session).screen().planes
    assert view.mark == "RESAMPLED FOR DISPLAY"
    point = session.even.geometry.to_patient(shown_voxel(session, session.even))
    own = session.case.image.geometry.to_voxel(point)
    np.testing.assert_allclose(
        session.case.plane.place(session.case.image.geometry, own)[0], session.view.slice, atol=0.51
    )
    assert session.case.image is not session.even, "the case, and what the network gets, stays as it was read"


def test_every_picture_of_the_even_grid_can_be_reached() -> None:
    bench = opened(tilted())
    session = bench.session
    axial = three_planes(session.even)[0][1]
    bench.planes.scroll(axial, -999)
    seen = []
    for _ in range(axial.count(session.even.geometry.shape)):
        seen.append(Presenter(session).screen().planes.planes[0].index)
        bench.planes.scroll(axial, 1)
    assert seen == list(range(axial.count(session.even.geometry.shape)))
    bench.viewing.select_slice(3)  # moved in Reading: the even place is forgotten
    back = session.case.image.geometry.to_voxel(
        session.even.geometry.to_patient(shown_voxel(session, session.even))
    )
    assert round(back[0]) == 3


def test_an_even_grid_belongs_to_its_case_and_a_failure_is_one_sentence(monkeypatch) -> None:
    from viewer.controllers import planes
    from viewer.foundation.errors import ReadError

    bench = opened(tilted())
    bench.opening.show(bright_spot())
    assert bench.session.even is None

    def too_large(*_: object, **__: object) -> None:
        raise ReadError("The even grid would be too large.", code="over-budget")

    monkeypatch.setattr(planes, "regular", too_large)
    bench.opening.show(tilted())
    assert bench.session.notice.sentence == "The even grid would be too large."
    assert bench.session.workspace == "reading"
    assert Presenter(bench.session).screen().canvas is not None


def test_values_in_words(bench: Workbench) -> None:
    image = bench.session.case.image
    voxels = image.voxels.copy()
    voxels[2, 16, 16] = np.nan
    bench.opening.show(replace(image, voxels=voxels))
    bench.viewing.set_workspace("volume")
    bench.viewing.select_slice(2)
    bench.viewing.set_cursor(16, 16)
    assert dict(Presenter(bench.session).screen().planes.where)["value"] == "not a number"


def test_pictures_without_a_place_are_cut_along_their_own_axes_and_claim_no_position() -> None:
    image = numbered(Geometry(np.diag([1.0, 1.0, 2.0, 1.0]), SHAPE, placed=False))
    assert [name for name, _ in three_planes(image)] == ["across slices", "across rows", "across columns"]
    bench = opened(image)
    view = Presenter(bench.session).screen().planes
    assert ("patient", "position unknown") in view.where


@pytest.mark.parametrize(
    ("stated", "written"),
    [("10^-6 mm2/s", "10⁻⁶ mm²/s"), ("HU", "HU"), ("s/mm2", "s/mm²"), ("", ""), ("T2", "T2")],
)
def test_units_are_written_as_people_write_them(stated: str, written: str) -> None:
    from viewer.state.canvas_view import unit_words

    assert unit_words(stated) == written


def test_pictures_between_the_slices_of_an_uneven_stack_can_be_reached() -> None:
    """The even grid is finer than the slices: standing at it must not fall back to the nearest slice."""
    places = np.array([0, 1, 2, 3, 12, 21.0])
    origins = np.stack([np.zeros(6), np.zeros(6), places], axis=1)
    bench = opened(numbered(Geometry(np.diag([1.0, 1.0, 4.2, 1.0]), (6, 9, 8), origins=origins)))
    session = bench.session
    count = session.even.geometry.shape[0]
    assert count > session.case.slices
    axial = three_planes(session.even)[0][1]
    bench.planes.scroll(axial, -999)
    seen = []
    for _ in range(count):
        seen.append(Presenter(session).screen().planes.planes[0].index)
        bench.planes.scroll(axial, 1)
    assert seen == list(range(count))
