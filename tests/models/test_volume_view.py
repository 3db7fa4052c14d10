"""The way of a volume into the network and back is one map, whatever the order and the tilt of the file."""

from __future__ import annotations

import tracemalloc
from itertools import permutations, product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from viewer.foundation.errors import ModelError, UsageError
from viewer.imaging.geometry import Geometry
from viewer.imaging.image import Intensity, MedicalImage
from viewer.models.card import InputRule
from viewer.models.input_view import InputView, slice_input
from viewer.models.volume_view import ReadingOrder, VolumeBox, VolumeView, volume_input

ORDERS = [(axes, signs) for axes in permutations(range(3)) for signs in product((1, -1), repeat=3)]


def stored(volume: np.ndarray, axes: tuple[int, ...], signs: tuple[int, ...], spacing: tuple[float, ...],
           tilt: np.ndarray | None = None, **facts: object) -> MedicalImage:  # fmt: skip
    """A volume in LPS order (z up, y to posterior, x to the left) as a file holds it whose axes are turned."""
    lps = np.diag([spacing[2], spacing[1], spacing[0], 1.0])
    if tilt is not None:
        lps[:3, :3] = tilt @ lps[:3, :3]
    lps[:3, 3] = (-20, 13, 40)
    voxels = volume.transpose(axes)
    to_volume = np.zeros((4, 4))  # file voxel (column, row, slice) -> voxel of the volume
    to_volume[3, 3] = 1
    for axis, source in enumerate(axes):
        to_volume[2 - source, 2 - axis] = signs[axis]
        if signs[axis] < 0:
            to_volume[2 - source, 3] = volume.shape[source] - 1
            voxels = np.flip(voxels, axis)
    return MedicalImage(voxels.copy(), Geometry(lps @ to_volume, voxels.shape), **facts)


@st.composite
def views(draw: st.DrawFn, least: int = 3) -> VolumeView:
    shape = tuple(draw(st.integers(least + 3, 24)) for _ in range(3))
    low = [draw(st.floats(-6, n - least - 1)) for n in shape]
    high = [draw(st.floats(max(a, 0) + least, n + 6)) for a, n in zip(low, shape, strict=True)]
    size = tuple(draw(st.integers(3, 20)) for _ in range(3))
    return VolumeView(shape, VolumeBox(*low, *high), InputRule(size, normalise="none"), draw(st.booleans()))


@given(views(), st.tuples(*[st.floats(-5, 40)] * 3))
def test_there_and_back_is_where_it_began(view: VolumeView, at: tuple[float, float, float]) -> None:
    assert view.to_volume(*view.to_input(*at)) == pytest.approx(at, abs=1e-6)


@given(views())
def test_nothing_is_drawn_outside_the_crop(view: VolumeView) -> None:
    ones = np.ones((3, 5, 4), dtype=np.float32)
    inside = np.ones((), dtype=bool)
    for n, low, high in zip(view.volume_shape, view.box.low, view.box.high, strict=True):
        centres = np.arange(n) + 0.5
        inside = inside[..., None] & ((centres >= low) & (centres < high))
    np.testing.assert_allclose(view.back(ones), inside.astype(np.float32), atol=1e-5)
    np.testing.assert_array_equal(view.cells(ones) > 0, inside)


@given(
    st.sampled_from(ORDERS),
    st.tuples(*[st.floats(0.7, 1.6)] * 3),
    st.tuples(*[st.floats(-12, 12)] * 3),
    st.tuples(*[st.integers(8, 16)] * 3),
    st.booleans(),
    st.tuples(*[st.floats(0.3, 0.7)] * 3),
)
@settings(max_examples=40)
def test_a_marked_place_comes_back_to_the_same_millimetre(
    order, spacing, angles, size, mirror, share
) -> None:
    """A blob in the patient goes into the network's grid and back, and its centre is where it was, in any file."""
    shape = (14, 18, 16)
    centre = [s * (n - 1) for s, n in zip(share, shape, strict=True)]
    grids = np.meshgrid(*map(np.arange, shape), indexing="ij")
    blob = np.exp(-sum((g - c) ** 2 for g, c in zip(grids, centre, strict=True)) / 8).astype(np.float32)
    tilt = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    image = stored(blob, *order, spacing, tilt)
    view, ready = volume_input(InputRule(size, normalise="none"), image, mirror=mirror)
    assert ready.shape == (1, *size)
    back = view.returned(view.back(ready[0]))
    assert back.shape == image.voxels.shape

    def weighted(volume: np.ndarray) -> np.ndarray:
        volume = np.where(volume > 0.4 * volume.max(), volume, 0)
        places = np.argwhere(volume)
        middle = (places * volume[volume > 0][:, None]).sum(0) / volume.sum()
        return image.geometry.to_patient(middle)

    millimetres = view.order.spacing(image.geometry)
    cell = max(s * e / n for s, e, n in zip(millimetres, view.box.extent, size, strict=True))
    assert np.abs(weighted(back) - weighted(image.voxels)).max() <= 0.6 * cell


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_the_network_sees_one_patient_in_every_file(order) -> None:
    rng = np.random.default_rng(0)
    volume = rng.random((6, 7, 8)).astype(np.float32)
    rule = InputRule((6, 8, 8), normalise="zscore")
    wanted = volume_input(rule, stored(volume, (0, 1, 2), (1, 1, 1), (2, 1, 1)))[1]
    image = stored(volume, *order, (2, 1, 1))
    view, found = volume_input(rule, image)
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    np.testing.assert_array_equal(view.order.turned(image.voxels), volume)
    np.testing.assert_array_equal(view.returned(view.order.turned(image.voxels)), image.voxels)
    at = np.array([1.0, 2.0, 3.0])
    shape = image.geometry.shape
    np.testing.assert_allclose(view.order.voxel(shape, view.order.place(shape, at)), at)


def test_slices_run_from_the_feet_to_the_head_rows_to_the_back_columns_to_the_left() -> None:
    volume = np.zeros((4, 5, 6), dtype=np.float32)
    volume[3, 0, 5] = 1  # the head, anterior, the patient's left: LPS grows so
    image = stored(volume, (2, 0, 1), (-1, 1, -1), (1, 1, 1))
    view, ready = volume_input(InputRule((4, 5, 6), fit="stretch", normalise="none"), image)
    assert np.argwhere(ready[0] > 0.5).tolist() == [[3, 0, 5]]
    _, mirrored = volume_input(view.rule, image, mirror=True)
    assert np.argwhere(mirrored[0] > 0.5).tolist() == [[3, 0, 0]]


def test_the_whole_volume_at_its_own_size_is_unchanged() -> None:
    volume = np.random.default_rng(0).random((5, 8, 9)).astype(np.float32)
    view = VolumeView.of_volume(InputRule((5, 8, 9), normalise="none"), volume)
    assert view.box == VolumeBox(0, 0, 0, 5, 8, 9)
    np.testing.assert_allclose(view.network_input(volume)[0], volume, atol=1e-6)
    np.testing.assert_allclose(view.back(volume), volume, atol=1e-6)


def test_the_middle_slice_is_what_a_picture_would_be() -> None:
    """Along rows and columns a volume is resized by the very rule of pictures."""
    volume = np.random.default_rng(1).random((3, 20, 30)).astype(np.float32)
    volume[:, 10, 15] = 0  # one background for both
    rule = InputRule((3, 11, 13), fit="stretch", normalise="none")
    ours = VolumeView.of_volume(rule, volume).resized(volume)
    picture = InputView.of_picture(InputRule((11, 13), fit="stretch", normalise="none"), volume[1])
    np.testing.assert_allclose(ours[1], picture.resized(volume[1]), atol=1e-5)


def test_linear_drawing_agrees_with_torch() -> None:
    small = np.random.default_rng(4).random((3, 6, 5)).astype(np.float32)
    view = VolumeView((12, 24, 20), VolumeBox(0, 0, 0, 12, 24, 20), InputRule((12, 24, 20)))
    wanted = torch.nn.functional.interpolate(
        torch.tensor(small)[None, None], (12, 24, 20), mode="trilinear", align_corners=False
    )
    np.testing.assert_allclose(view.back(small), wanted[0, 0].numpy(), atol=1e-5)


def test_cells_of_the_input_are_cubes_in_millimetres() -> None:
    volume = np.zeros((10, 40, 40), dtype=np.float32)
    rule = InputRule((32, 32, 32), normalise="none")
    assert VolumeView.of_volume(rule, volume, (4.0, 1.0, 1.0)).box == VolumeBox(0, 0, 0, 10, 40, 40)
    assert VolumeView.of_volume(rule, volume).box == VolumeBox(-15, 0, 0, 25, 40, 40)
    stretched = InputRule((32, 32, 32), fit="stretch", normalise="none")
    assert VolumeView.of_volume(stretched, volume).box == VolumeBox(0, 0, 0, 10, 40, 40)


def test_the_body_is_cropped_in_three_dimensions() -> None:
    rng = np.random.default_rng(2)
    volume = rng.uniform(0, 0.1, (40, 64, 64)).astype(np.float32)
    volume[10:30, 16:48, 20:50] += 2
    view = VolumeView.of_volume(InputRule((16, 16, 16), fit="stretch"), volume, crop="body")
    np.testing.assert_allclose(view.box.low, (10, 16, 20), atol=3)
    np.testing.assert_allclose(view.box.high, (30, 48, 50), atol=3)
    assert view.crop == "body"
    with pytest.raises(UsageError, match="no crop rule 'bodi' for volumes; nearest: body"):
        VolumeView.of_volume(view.rule, volume, crop="bodi")  # type: ignore[arg-type]


def test_grey_values_are_those_of_the_whole_volume() -> None:
    volume = np.random.default_rng(3).random((4, 6, 6)).astype(np.float32)
    volume[1] += 3
    rule = InputRule((4, 6, 6), normalise="none")
    inverted = stored(volume, (0, 1, 2), (1, 1, 1), (1, 1, 1), intensity=Intensity(photometric="MONOCHROME1"))
    dark = volume_input(rule, inverted)[1][0]
    np.testing.assert_allclose(dark, volume.max() + volume.min() - volume, atol=1e-5)
    holed = volume.copy()
    holed[2, 3, 3] = np.nan
    seen = volume_input(rule, stored(holed, (0, 1, 2), (1, 1, 1), (1, 1, 1)))[1][0]
    assert seen[2, 3, 3] == pytest.approx(np.nanmin(holed))
    colour = MedicalImage(np.repeat(volume[..., None], 3, -1), Geometry(np.eye(4), volume.shape))
    np.testing.assert_allclose(volume_input(rule, colour)[1][0], 0.9999999 * volume, atol=1e-5)


def test_no_copy_of_the_volume_is_made() -> None:
    """Only one slice at a time becomes floating point: 16 MB of integers would be 64 MB in double precision."""
    voxels = np.random.default_rng(0).integers(0, 900, (128, 256, 256)).astype(np.int16)
    image = MedicalImage(voxels, Geometry(np.eye(4), voxels.shape))
    for crop in ("none", "body"):
        volume_input(InputRule((16, 32, 32), normalise="zscore"), image, crop=crop)
        tracemalloc.start()
        volume_input(InputRule((16, 32, 32), normalise="zscore"), image, crop=crop)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < voxels.nbytes / 2


def test_a_map_at_its_own_grid_knows_where_it_lies() -> None:
    image = stored(np.zeros((8, 12, 16), np.float32), (1, 2, 0), (-1, 1, -1), (3, 1, 1.5))
    for mirror in (False, True):
        view = VolumeView.of(InputRule((8, 8, 8)), image, mirror=mirror)
        geometry = view.grid_geometry(image.geometry, (8, 8, 8))
        for cell in ((0, 0, 0), (3, 5, 2), (7, 7, 7)):
            voxel = view.order.voxel(image.geometry.shape, view.to_volume(*cell))
            np.testing.assert_allclose(
                geometry.to_patient(np.array(cell, float)), image.geometry.to_patient(voxel), atol=1e-9
            )


def test_an_array_is_taken_as_it_is() -> None:
    array = np.random.default_rng(0).random((2, 3, 4, 5)).astype(np.float32)
    view, ready = VolumeView.of_array(array, mirror=True)
    np.testing.assert_array_equal(ready, array[..., ::-1])
    np.testing.assert_allclose(view.back(ready[0]), array[0], atol=1e-6)
    with pytest.raises(UsageError, match=r"\(channel, slice, row, column\); this one has 3"):
        VolumeView.of_array(array[0])
    with pytest.raises(UsageError, match="cannot be cropped"):
        VolumeView.of_array(array, crop="body")


def test_slices_and_volumes_are_not_mixed_up() -> None:
    one = MedicalImage(np.zeros((1, 8, 8), np.float32), Geometry(np.eye(4), (1, 8, 8)))
    with pytest.raises(ModelError, match="reads volumes, and this image is a single slice"):
        volume_input(InputRule((4, 4, 4)), one)
    with pytest.raises(ModelError, match="single slices, not whole volumes"):
        volume_input(InputRule((4, 4)), one)
    with pytest.raises(ModelError, match="reads whole volumes"):
        slice_input(InputRule((4, 4, 4)), one, 0)


def test_without_orientation_the_order_of_the_file_is_kept() -> None:
    assert ReadingOrder.of(Geometry.unoriented((2, 3, 4))) == ReadingOrder()


def test_a_grid_without_positions_stays_as_it_is_stored() -> None:
    turned = Geometry(np.diag([-1.0, -1.0, -2.0, 1.0]), (3, 4, 5))
    assert ReadingOrder.of(turned) != ReadingOrder()
    sequence = Geometry(turned.affine_lps, turned.shape, placed=False)
    assert ReadingOrder.of(sequence) == ReadingOrder()
