"""A resampled point is where it was; what was exact stays exact."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from viewer.foundation.errors import Cancelled, ReadError, UsageError
from viewer.foundation.progress import ProgressToken
from viewer.imaging.diagnoses import Diagnosis
from viewer.imaging.geometry import Geometry
from viewer.imaging.image import Intensity, MedicalImage
from viewer.imaging.resampling import irregular, regular

RAMP = np.array([0.7, -0.4, 1.3])
"""A value that grows linearly through the patient, per mm."""


def stack(
    depths: list[float],
    *,
    tilt: float = 0.0,
    turn: tuple[float, float, float] = (0, 0, 0),
    spacing: tuple[float, float] = (0.8, 1.1),
    shape: tuple[int, int] = (9, 7),
    mirrored: bool = False,
    dtype: type = np.float64,
    offset: float = 1000.0,
) -> MedicalImage:
    """Slices at these depths along their normal, the stack tilted along its rows; every voxel holds the ramp."""
    frame = Rotation.from_euler("xyz", turn, degrees=True).as_matrix() @ np.diag(
        [1, 1, -1 if mirrored else 1]
    )
    lean = frame[:, 2] + np.tan(np.deg2rad(tilt)) * frame[:, 1]
    origins = np.array([-30.0, 12.0, 55.0]) + np.outer(depths, lean)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = frame[:, 0] * spacing[1], frame[:, 1] * spacing[0]
    affine[:3, 2] = (origins[-1] - origins[0]) / (len(depths) - 1)
    affine[:3, 3] = origins[0]
    even = np.allclose(np.diff(depths), depths[1] - depths[0])
    geometry = Geometry(affine, (len(depths), *shape), origins=None if even else origins)
    return MedicalImage(ramp(geometry, offset).astype(dtype), geometry)


def ramp(geometry: Geometry, offset: float = 1000.0) -> NDArray[np.float64]:
    index = np.stack(np.meshgrid(*[np.arange(n) for n in geometry.shape], indexing="ij"), axis=-1)
    return geometry.to_patient(index) @ RAMP + offset


def at_right_angles(geometry: Geometry) -> bool:
    axes = np.stack([geometry.direction(axis) for axis in range(3)])
    return bool(np.allclose(axes @ axes.T, np.eye(3), atol=1e-9))


gaps = st.lists(st.floats(0.5, 6), min_size=2, max_size=6)
tilts = st.one_of(st.just(0.0), st.floats(1, 35), st.floats(-35, -1))
turns = st.tuples(*[st.floats(-180, 180)] * 3)


@given(gaps, tilts, turns, st.booleans(), st.sampled_from([None, (1.0, 0.5, 0.9)]))
def test_a_linear_ramp_is_drawn_exactly_where_it_was(
    gaps: list[float],
    tilt: float,
    turn: tuple[float, float, float],
    mirrored: bool,
    spacing: tuple[float, float, float] | None,
) -> None:
    image = stack(list(np.cumsum([0.0, *gaps])), tilt=tilt, turn=turn, mirrored=mirrored)
    even = regular(image, spacing)
    assert irregular(even.geometry) == ()
    if even is image:
        assert irregular(image.geometry) == ()
        return
    assert at_right_angles(even.geometry)
    assert even.geometry.origins is None
    least = image.voxels.min()
    inside = even.voxels > least + 1e-6
    # Within the hull of the stack, all but a rim: those of its slices that are mixed must both reach there.
    assert inside.any()
    np.testing.assert_allclose(even.voxels[inside], ramp(even.geometry)[inside], atol=1e-6)


@given(gaps, tilts, turns, st.booleans())
def test_the_grid_covers_the_stack(
    gaps: list[float], tilt: float, turn: tuple[float, float, float], mirrored: bool
) -> None:
    image = stack(list(np.cumsum([0.0, *gaps])), tilt=tilt, turn=turn, mirrored=mirrored)
    grid = regular(image).geometry
    slices, rows, columns = image.geometry.shape
    corners = [(s, r, c) for s in range(slices) for r in (0, rows - 1) for c in (0, columns - 1)]
    places = grid.to_voxel(image.geometry.to_patient(np.array(corners, dtype=float)))
    # Up to the hundredth of a pixel by which slices may be out of line without being drawn anew.
    assert (places > -0.011).all()
    assert (places < np.array(grid.shape) - 1 + 0.011).all()


@given(gaps, tilts, turns, st.data())
def test_a_marked_voxel_is_marked_where_it_was(
    gaps: list[float], tilt: float, turn: tuple[float, float, float], data: st.DataObject
) -> None:
    """One bright voxel, in rows that the slices before and after it reach too, is brightest where it was."""
    image = stack(list(np.cumsum([0.0, *gaps])), tilt=tilt, turn=turn, shape=(27, 15))
    slices = image.geometry.shape[0]
    where = (
        data.draw(st.integers(0, slices - 1)),
        data.draw(st.integers(7, 19)),
        data.draw(st.integers(3, 11)),
    )
    marked = np.zeros_like(image.voxels)
    marked[where] = 1.0
    even = regular(replace(image, voxels=marked), (0.25, 0.4, 0.4))
    peak = np.unravel_index(int(even.voxels.argmax()), even.voxels.shape)
    distance = even.geometry.to_patient(np.array(peak, float)) - image.geometry.to_patient(
        np.array(where, float)
    )
    # The nearest point of the new grid is at most half its diagonal away, and linear drawing peaks there or beside it.
    assert np.linalg.norm(distance) < np.linalg.norm([0.25, 0.4, 0.4])


def test_slices_beside_a_gap_stay_what_they_are() -> None:
    """Five slices of 3 mm with the fourth lost: the others are slices of the new grid, the lost one is their mean."""
    rng = np.random.default_rng(1)
    gapped = stack([0, 3, 6, 12])
    voxels = rng.integers(-1000, 3000, gapped.voxels.shape).astype(np.int16)
    even = regular(replace(gapped, voxels=voxels))
    assert even.voxels.dtype == np.int16
    assert even.geometry.spacing_mm == pytest.approx((3.0, 0.8, 1.1))
    np.testing.assert_array_equal(even.voxels[[0, 1, 2, 4]], voxels)
    mean = (voxels[2].astype(float) + voxels[3]) / 2
    np.testing.assert_array_equal(even.voxels[3], np.rint(mean))


def test_a_slice_without_shift_is_not_touched_by_noise_of_the_header() -> None:
    image = stack([0, 3, 6, 12])
    assert image.geometry.origins is not None
    noisy = image.geometry.origins + np.array([[0, 0, 0], [1e-4, 0, 0], [0, -1e-4, 0], [0, 0, 0]])
    moved = replace(image, geometry=Geometry(image.geometry.affine_lps, image.geometry.shape, origins=noisy))
    even = regular(moved)
    assert even.geometry.shape == (5, 9, 7)
    np.testing.assert_array_equal(even.voxels[1], image.voxels[1])


def test_tilt_is_sheared_away_and_nothing_fills_the_corners() -> None:
    image = stack([0, 5, 10, 15], tilt=20, dtype=np.int16, shape=(30, 7))
    assert irregular(image.geometry) == ("the slices are tilted against their stack by 20.0 degrees",)
    even = regular(image)
    shift = 15 * np.tan(np.deg2rad(20)) / 0.8
    assert even.geometry.shape == (4, 30 + int(np.ceil(shift)), 7)
    assert even.geometry.spacing_mm == pytest.approx((5.0, 0.8, 1.1))
    np.testing.assert_array_equal(even.voxels[0, :30], image.voxels[0])
    assert (even.voxels[0, 30:] == image.voxels.min()).all()
    assert (even.voxels[3, :6] == image.voxels.min()).all()


def test_without_a_number_there_is_nothing_and_it_does_not_spread() -> None:
    image = stack([0, 2, 4, 8], dtype=np.float32)
    holed = image.voxels.copy()
    holed[1, 4, 3], holed[2, 0, 0], holed[3, 8, 6] = np.nan, np.inf, -np.inf
    even = regular(replace(image, voxels=holed)).voxels
    assert even.dtype == np.float32
    wrong = {tuple(int(n) for n in place) for place in np.argwhere(~np.isfinite(even))}
    # Slice 3 of the new grid lies half way between 2 and 3: what is known of a pair is half of it, which is enough.
    assert wrong == {(1, 4, 3), (2, 0, 0), (4, 8, 6)}
    assert even[3, 0, 0] == image.voxels[3, 0, 0]
    assert even[3, 8, 6] == image.voxels[2, 8, 6]


def test_the_nearer_slice_decides_whether_there_is_a_number() -> None:
    image = stack([0, 2, 4, 10], dtype=np.float32)
    holed = image.voxels.copy()
    holed[2, 4, 3] = np.nan
    even = regular(replace(image, voxels=holed)).voxels
    assert np.isnan(even[[2, 3], 4, 3]).all()
    assert even[4, 4, 3] == pytest.approx(image.voxels[3, 4, 3])


def test_beyond_the_last_slice_there_is_nothing() -> None:
    even = regular(image := stack([0, 2, 4]), (3.0, 0.8, 1.1))
    assert even.geometry.shape == (3, 9, 7)
    np.testing.assert_allclose(even.voxels[:2], ramp(even.geometry)[:2])
    assert (even.voxels[2] == image.voxels.min()).all()


def test_colour_and_inverted_pictures() -> None:
    image = stack([0, 2, 6], tilt=15, shape=(20, 7))
    rgb = np.random.default_rng(2).integers(10, 255, (3, 20, 7, 3)).astype(np.uint8)
    even = regular(replace(image, voxels=rgb)).voxels
    assert even.dtype == np.uint8
    assert even.shape[3] == 3
    np.testing.assert_array_equal(even[0, :20], rgb[0])
    assert (even[0, 20:] == rgb.min()).all()
    film = regular(replace(image, intensity=Intensity(photometric="MONOCHROME1")))
    assert (film.voxels[0, 20:] == image.voxels.max()).all()


def test_a_sheared_slice_is_straightened() -> None:
    affine = np.eye(4)
    affine[0, 1] = 0.3
    geometry = Geometry(affine, (3, 8, 9))
    image = MedicalImage(ramp(geometry), geometry)
    assert irregular(geometry) == ("the rows and columns of a slice are not at right angles",)
    even = regular(image)
    inside = even.voxels > image.voxels.min() + 1e-9
    assert inside.mean() > 0.6
    np.testing.assert_allclose(even.voxels[inside], ramp(even.geometry)[inside], atol=1e-9)


def test_what_was_done_is_said_and_what_was_wrong_is_history() -> None:
    image = stack([0, 2.5, 5, 10], tilt=18.5)
    tilted = Diagnosis("gantry-tilt", "warning", "The slices are tilted.", "Resample the volume first.")
    missing = Diagnosis("missing-slice", "warning", "1 slice is missing after slice 3 of 4.", "Mind the gap.")
    other = Diagnosis("no-contrast", "warning", "There is no picture.", "Mind.")
    even = regular(replace(image, diagnoses=(tilted, missing, other)))
    first, *rest = even.diagnoses
    assert (first.code, first.severity) == ("resampled", "note")
    assert "from 4 slices (" in first.sentence
    assert (
        "18.5 degrees; the distance between slices varies from 2.50 to 5.00 mm) to 5 even ones"
        in first.sentence
    )
    assert "voxels of 2.5 x 0.8 x 1.1 mm" in first.sentence
    assert rest == [
        Diagnosis("gantry-tilt", "note", "Before resampling: the slices are tilted."),
        Diagnosis("missing-slice", "note", "Before resampling: 1 slice is missing after slice 3 of 4."),
        other,
    ]


def test_what_is_regular_is_left_alone() -> None:
    image = stack([0, 2, 4], turn=(19, 3, -7))
    assert irregular(image.geometry) == ()
    assert regular(image) is image
    finer = regular(image, (1.0, 0.8, 1.1))
    assert finer.geometry.shape == (5, 9, 7)
    np.testing.assert_allclose(finer.voxels[::2], image.voxels)
    assert "the grid was regular" in finer.diagnoses[0].sentence


def test_what_has_no_volume_is_refused() -> None:
    flat = MedicalImage(np.zeros((3, 4, 5), np.uint8), Geometry.unoriented((3, 4, 5)))
    assert irregular(flat.geometry) == ()
    cine = replace(flat, diagnoses=(Diagnosis("one-place", "warning", "All lie at one place."),))
    with pytest.raises(UsageError, match="one place"):
        regular(cine)
    with pytest.raises(UsageError, match="does not say where"):
        regular(flat, (1, 1, 1))
    image = stack([0, 2, 6])
    for spacing in ((0, 1, 1), (1, np.nan, 1), (1, 1, -2)):
        with pytest.raises(UsageError, match="above 0"):
            regular(image, spacing)
    with pytest.raises(ReadError, match="memory") as caught:
        regular(image, (1e-9, 1e-9, 1e-9))
    assert caught.value.code == "over-budget"
    arriving = replace(image, arrived=np.array([True, False, False]))
    with pytest.raises(ValueError, match="looking only"):
        regular(arriving)


def test_it_can_be_stopped() -> None:
    token = ProgressToken(lambda done, _total, _text: token.cancel() if done == 1 else None)
    with pytest.raises(Cancelled):
        regular(stack([0, 2, 6, 8]), progress=token)


def test_what_has_no_place_is_not_resampled() -> None:
    image = stack([0, 2, 4])
    film = replace(image, geometry=replace(image.geometry, placed=False))
    assert regular(film) is film
    with pytest.raises(UsageError, match="does not say where") as caught:
        regular(film, (1.0, 1.0, 1.0))
    assert caught.value.code == "no-orientation"
