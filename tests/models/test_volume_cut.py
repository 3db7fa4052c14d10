"""A cut equals the plane of the whole map drawn on the volume, whatever the orientation, crop or mirror."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.orientations import ORIENTATIONS, stored
from viewer.imaging.geometry import Geometry
from viewer.imaging.image import MedicalImage
from viewer.imaging.plane import ReadingPlane
from viewer.models.card import InputRule
from viewer.models.volume_cut import VolumeCut, mass_of_slices, mirrored_axis, stacked, values_at
from viewer.models.volume_view import VolumeBox, VolumeView

HEAD = (5, 9, 7)
AFFINE = np.array([[1.5, 0.2, 0, -4], [-0.2, 1.2, 0.1, 3], [0, -0.1, 4, -9], [0, 0, 0, 1.0]])


def view_of(
    number: int, mirror: bool, fit: str = "square", box: VolumeBox | None = None
) -> tuple[VolumeView, Geometry]:
    axes, flips = ORIENTATIONS[number]
    voxels, geometry = stored(np.zeros(HEAD, np.int16), AFFINE, axes, flips)
    rule = InputRule((6, 8, 10), fit=fit)
    view = VolumeView.of(rule, MedicalImage(voxels, geometry), mirror=mirror)
    if box is not None:
        view = VolumeView(view.volume_shape, box, rule, mirror, "body", view.order)
    return view, geometry


def maps(seed: int) -> np.ndarray:
    shape = [(3, 4, 5), (6, 8, 10), (1, 2, 1)][seed % 3]
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@given(
    number=st.integers(0, len(ORIENTATIONS) - 1),
    mirror=st.booleans(),
    fit=st.sampled_from(["square", "stretch"]),
    cropped=st.booleans(),
    axis=st.integers(0, 2),
    seed=st.integers(0, 1000),
)
def test_every_plane_is_that_of_the_whole_map(number, mirror, fit, cropped, axis, seed) -> None:
    view, geometry = view_of(number, mirror, fit, VolumeBox(0.3, 3, -1, 3, 8.2, 4) if cropped else None)
    map_ = maps(seed)
    plane = ReadingPlane.along(geometry, axis)
    smooth, cells = view.returned(view.back(map_)), view.returned(view.cells(map_))
    seen = np.zeros(geometry.shape, bool)
    for index in range(plane.count(geometry.shape)):
        cut = VolumeCut(view, plane, index)
        np.testing.assert_allclose(cut.back(map_), plane.picture(smooth, index), atol=1e-5)
        np.testing.assert_array_equal(cut.cells(map_), plane.picture(cells, index))
        assert cut.picture_shape == plane.picture_shape(geometry.shape)
        top, left, bottom, right = cut.inside
        within = np.zeros(cut.picture_shape, bool)
        within[top:bottom, left:right] = True
        plane.put(seen, index, within)
        assert cut.seen == within.any()
    np.testing.assert_array_equal(seen, view.returned(view.cells(np.ones((2, 2, 2)))) > 0)
    pictures = stacked(view, plane, map_)
    for index, picture in enumerate(pictures):
        np.testing.assert_allclose(picture, plane.picture(smooth, index), atol=1e-5)


@given(
    number=st.integers(0, len(ORIENTATIONS) - 1),
    mirror=st.booleans(),
    seed=st.integers(0, 1000),
    smooth=st.booleans(),
)
def test_values_at_voxels_are_those_of_the_drawn_volume(number, mirror, seed, smooth) -> None:
    view, geometry = view_of(number, mirror, box=VolumeBox(0.5, 2, -1, 4, 7.5, 5))
    map_ = maps(seed)
    places = np.stack(np.meshgrid(*(np.arange(n, dtype=float) for n in geometry.shape), indexing="ij"), -1)
    drawn = view.returned(view.back(map_) if smooth else view.cells(map_))
    np.testing.assert_allclose(values_at(view, map_, places, smooth=smooth), drawn, atol=1e-5)
    outside = np.array([[-1.0, 0, 0], [0, 99, 0]])
    assert not values_at(view, map_, outside, smooth=smooth).any()


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("number", range(0, len(ORIENTATIONS), 5))
def test_the_input_is_cut_where_the_slice_lies(number: int, mirror: bool) -> None:
    """A ramp along each axis of the input: what `of_input` shows is where `back` puts it on the slice."""
    view, geometry = view_of(number, mirror, "stretch")
    for axis in range(3):
        plane = ReadingPlane.along(geometry, axis)
        for along, index in itertools.product(range(3), range(plane.count(geometry.shape))):
            shape = [1, 1, 1]
            shape[along] = view.rule.size[along]
            volume = np.broadcast_to(np.arange(shape[along], dtype=np.float32).reshape(shape), view.rule.size)
            cut = VolumeCut(view, plane, index)
            own = cut.of_input
            shown, drawn = own.plane.picture(volume, own.index), cut.back(volume)
            np.testing.assert_allclose(own.back(volume), shown, atol=1e-5)
            across = cut._axis(0) == along
            reversed_ = view.mirror and mirrored_axis(geometry, plane) in (1, 2) and along == 2
            if across:
                assert shown[0, 0] == pytest.approx(drawn[0, 0], abs=0.51)
            elif not reversed_:
                assert np.sign(np.diff(shown[:, -1])).sum() * np.sign(np.diff(drawn[:, -1])).sum() >= 0
                assert np.sign(np.diff(shown[-1])).sum() * np.sign(np.diff(drawn[-1])).sum() >= 0
            else:
                ends = (np.ptp(shown[0]) and (shown[0, -1] > shown[0, 0])) != (drawn[0, -1] > drawn[0, 0])
                assert ends or mirrored_axis(geometry, plane) == 1


def test_mass_of_the_slices_is_what_their_small_maps_add_up_to() -> None:
    view, geometry = view_of(0, True)
    plane, map_ = ReadingPlane.along(geometry, 0), maps(3)
    found = mass_of_slices(view, plane, map_)
    positive = np.maximum(map_, 0)
    wanted = [VolumeCut(view, plane, index).small(positive).sum() for index in range(len(found))]
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_a_small_map_has_the_way_round_of_the_picture() -> None:
    """The mirror of the input is undone: what lies on the left of the picture lies on the left of the small map."""
    for number, mirror in itertools.product(range(len(ORIENTATIONS)), (False, True)):
        view, geometry = view_of(number, mirror, "stretch")
        plane = ReadingPlane.named(geometry, "axial")
        map_ = np.zeros((2, 3, 4), np.float32)
        map_[:, 0, 0] = 1
        cut = VolumeCut(view, plane, plane.count(geometry.shape) // 2)
        small, drawn = cut.small(map_), cut.back(map_)
        row, column = np.unravel_index(small.argmax(), small.shape)
        at_row, at_column = np.unravel_index(drawn.argmax(), drawn.shape)
        assert (row == 0) == (at_row < drawn.shape[0] / 2)
        assert (column == 0) == (at_column < drawn.shape[1] / 2)
        assert (column == 0) != mirror


@pytest.mark.parametrize("smooth", [True, False])
def test_there_is_nothing_beside_the_volume_also_where_the_input_reaches_beyond_it(smooth: bool) -> None:
    rule = InputRule(size=(8, 8, 8), channels=1, normalise="none")
    view = VolumeView((4, 8, 8), VolumeBox(-2, 0, 0, 6, 8, 8), rule)
    map_ = np.ones((8, 8, 8), dtype=np.float32)
    places = np.array([[-2.0, 3, 3], [-0.4, 3, 3], [3.4, 3, 3], [5.0, 3, 3]])
    np.testing.assert_array_equal(values_at(view, map_, places, smooth=smooth), [0, 1, 1, 0])
