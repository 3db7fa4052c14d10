"""The way into the network and back is one map, whatever the crop, the size and the mirror."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from viewer.imaging.geometry import Geometry
from viewer.imaging.image import MedicalImage
from viewer.imaging.pixel_box import PixelBox
from viewer.models.card import InputRule
from viewer.models.input_view import InputView, slice_input


def view(shape: tuple[int, int], box: PixelBox, size: tuple[int, int], mirror: bool = False) -> InputView:
    return InputView(shape, box, InputRule(size, normalise="none"), mirror)


@st.composite
def views(draw: st.DrawFn, least: int = 3) -> InputView:
    """Any crop that shares at least `least` pixels a side with the picture, at any size."""
    rows, columns = draw(st.integers(least + 5, 60)), draw(st.integers(least + 5, 60))
    top, left = draw(st.floats(-10, rows - least - 1)), draw(st.floats(-10, columns - least - 1))
    bottom = draw(st.floats(max(top, 0) + least, rows + 10))
    right = draw(st.floats(max(left, 0) + least, columns + 10))
    box = PixelBox(top, left, bottom, right)
    size = (draw(st.integers(4, 50)), draw(st.integers(4, 50)))
    return view((rows, columns), box, size, draw(st.booleans()))


@given(views(), st.floats(-5, 70), st.floats(-5, 70))
def test_there_and_back_is_where_it_began(v: InputView, row: float, column: float) -> None:
    assert v.to_picture(*v.to_input(row, column)) == pytest.approx((row, column), abs=1e-6)


@given(views(least=24), st.floats(0, 1), st.floats(0, 1))
def test_a_cell_of_the_map_is_drawn_where_its_input_came_from(
    v: InputView, down: float, right: float
) -> None:
    """A smooth bump in the picture comes through the network's grid back to its place."""
    rows, columns = v.picture_shape
    top, bottom = max(v.box.row_min, 0) + 4, min(v.box.row_max, rows) - 5
    left, far = max(v.box.column_min, 0) + 4, min(v.box.column_max, columns) - 5
    row, column = top + down * (bottom - top), left + right * (far - left)
    r, c = np.mgrid[:rows, :columns]
    picture = np.exp(-((r - row) ** 2 + (c - column) ** 2) / 18).astype(np.float32)
    back = v.back(v.resized(picture))
    peak = np.unravel_index(int(back.argmax()), back.shape)
    cell = max(v.box.height / v.rule.size[0], v.box.width / v.rule.size[1], 1.0)
    assert abs(peak[0] - row) <= cell + 1
    assert abs(peak[1] - column) <= cell + 1


@given(views())
def test_nothing_is_drawn_outside_the_crop(v: InputView) -> None:
    back = v.back(np.ones((5, 7), dtype=np.float32))
    r, c = np.arange(v.picture_shape[0]) + 0.5, np.arange(v.picture_shape[1]) + 0.5
    inside = ((r >= v.box.row_min) & (r < v.box.row_max))[:, None] & (
        (c >= v.box.column_min) & (c < v.box.column_max)
    )
    np.testing.assert_allclose(back, inside.astype(np.float32), atol=1e-5)
    np.testing.assert_array_equal(v.cells(np.ones((5, 7), dtype=np.float32)) > 0, inside)


def test_the_whole_picture_at_its_own_size_is_unchanged() -> None:
    picture = np.random.default_rng(0).random((40, 50)).astype(np.float32)
    same = view((40, 50), PixelBox(0, 0, 40, 50), (40, 50))
    np.testing.assert_allclose(same.resized(picture), picture, atol=1e-6)
    np.testing.assert_allclose(same.back(picture), picture, atol=1e-6)


def test_mirror_swaps_columns_for_the_network_and_back_for_the_patient() -> None:
    picture = np.random.default_rng(1).random((40, 50)).astype(np.float32)
    plain = view((40, 50), PixelBox(3, 5, 33, 45), (16, 24))
    mirrored = view((40, 50), PixelBox(3, 5, 33, 45), (16, 24), mirror=True)
    np.testing.assert_allclose(mirrored.resized(picture), plain.resized(picture)[:, ::-1], atol=1e-6)
    small = np.random.default_rng(2).random((4, 6)).astype(np.float32)
    np.testing.assert_allclose(mirrored.back(small[:, ::-1]), plain.back(small), atol=1e-6)
    np.testing.assert_array_equal(mirrored.cells(small[:, ::-1]), plain.cells(small))


@pytest.mark.parametrize("size", [(17, 23), (96, 110)])
def test_resize_agrees_with_pillow_inside(size: tuple[int, int]) -> None:
    """Pillow's bicubic is the same rule; only the border differs, where we see background and Pillow sees nothing."""
    picture = np.random.default_rng(3).random((40, 50)).astype(np.float32)
    ours = view((40, 50), PixelBox(0, 0, 40, 50), size).resized(picture)
    theirs = np.asarray(Image.fromarray(picture).resize(size[::-1], Image.Resampling.BICUBIC))
    edge = 6
    np.testing.assert_allclose(ours[edge:-edge, edge:-edge], theirs[edge:-edge, edge:-edge], atol=2e-3)


def test_linear_drawing_agrees_with_torch() -> None:
    import torch

    small = np.random.default_rng(4).random((6, 5)).astype(np.float32)
    ours = view((48, 50), PixelBox(0, 0, 48, 50), (48, 50)).back(small)
    wanted = torch.nn.functional.interpolate(
        torch.tensor(small)[None, None], (48, 50), mode="bilinear", align_corners=False
    )
    np.testing.assert_allclose(ours, wanted[0, 0].numpy(), atol=1e-5)


def test_a_stretched_pixel_is_not_stretched_for_the_network() -> None:
    """Pixels of 2 x 1 mm: 20 rows are as long as 40 columns, so nothing is padded."""
    picture = np.ones((20, 40), dtype=np.float32)
    v = InputView.of_picture(InputRule((32, 32), normalise="none"), picture, (2.0, 1.0))
    assert v.box == PixelBox(0, 0, 20, 40)
    padded = InputView.of_picture(InputRule((32, 32), normalise="none"), picture, (1.0, 1.0))
    assert padded.box == PixelBox(-10, 0, 30, 40)
    stretched = InputView.of_picture(InputRule((32, 32), fit="stretch", normalise="none"), picture)
    assert stretched.box == PixelBox(0, 0, 20, 40)


def test_channels_repeat_a_grey_picture() -> None:
    picture = np.random.default_rng(5).random((20, 20)).astype(np.float32)
    array = InputView.of_picture(InputRule((16, 16), channels=3, normalise="zscore"), picture).network_input(
        picture
    )
    assert array.shape == (3, 16, 16)
    np.testing.assert_array_equal(array[0], array[2])
    assert abs(float(array[0].mean())) < 1e-5


def test_the_square_around_a_picture_is_measured_in_millimetres() -> None:
    """Pixels twice as high as wide: half the columns of the square are padding."""
    geometry = Geometry(np.diag([1.0, 2.0, 5.0, 1.0]), (3, 32, 32))
    image = MedicalImage(np.random.default_rng(0).random((3, 32, 32)).astype(np.float32), geometry)
    view = InputView.of(InputRule(size=(32, 32), normalise="none"), image, 1)
    assert view.box == PixelBox(0, -16, 32, 48)
    seen = view.network_input(image.voxels[1])[0]
    assert np.abs(seen[:, [0, 31]] - image.voxels[1].min()).max() < 1e-6
    assert np.ptp(seen[:, 16]) > 0.2


@pytest.mark.parametrize("mirror", [False, True])
def test_neighbours_are_the_slices_below_and_above_through_one_view(mirror: bool) -> None:
    """Each is normalised by itself and cropped as the middle one; beyond the ends the last slice stands in."""
    rng = np.random.default_rng(3)
    image = MedicalImage(rng.random((4, 24, 24)).astype(np.float32), Geometry(np.eye(4), (4, 24, 24)))
    single = InputRule((16, 16), normalise="zscore")
    with_both = InputRule((16, 16), channels=3, normalise="zscore", neighbours=1)
    alone = [slice_input(single, image, k, mirror=mirror)[1][0] for k in range(4)]
    for middle, expected in ((0, (0, 0, 1)), (2, (1, 2, 3)), (3, (2, 3, 3))):
        view, ready = slice_input(with_both, image, middle, mirror=mirror)
        np.testing.assert_array_equal(ready, np.stack([alone[k] for k in expected]))
        assert view.mirror is mirror
