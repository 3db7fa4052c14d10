"""However a file stores a head, the picture and its letters are the same."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from viewer.imaging.geometry import Geometry
from viewer.imaging.plane import ReadingPlane

ORIENTATIONS = [
    (axes, flips)
    for axes in itertools.permutations(range(3))
    for flips in itertools.product((False, True), repeat=3)
]
# A head in LPS order: slices from feet to head, rows from front to back, columns from right to left.
HEAD = np.arange(6 * 7 * 8, dtype=np.int16).reshape(6, 7, 8)
SPACINGS = {"thick slices": (5.0, 0.9, 1.1), "isotropic": (1.0, 1.0, 1.0)}


def stored(
    head: NDArray[np.int16], spacing: tuple[float, ...], axes: tuple[int, ...], flips: tuple[bool, ...]
) -> tuple[NDArray[np.int16], Geometry]:
    """The head in another axis order, with the affine that keeps every voxel where it is."""
    affine = np.diag([spacing[2], spacing[1], spacing[0], 1.0])
    affine[:3, 3] = (-4.0, 10.0, -20.0)
    # Matrix in array order: (slice, row, column, 1) -> LPS.
    matrix = affine[:, [2, 1, 0, 3]]
    change = np.zeros((4, 4))
    change[3, 3] = 1
    for new, (old, flip) in enumerate(zip(axes, flips, strict=True)):
        change[old, new] = -1 if flip else 1
        change[old, 3] = head.shape[old] - 1 if flip else 0
    voxels = head.transpose(axes)[tuple(slice(None, None, -1 if flip else 1) for flip in flips)]
    full = (matrix @ change)[:, [2, 1, 0, 3]]
    return voxels, Geometry(full, (voxels.shape[0], voxels.shape[1], voxels.shape[2]))


@pytest.mark.parametrize("spacing", SPACINGS.values(), ids=SPACINGS)
@pytest.mark.parametrize(("axes", "flips"), ORIENTATIONS)
def test_all_48_orientations_give_one_picture_and_true_letters(
    axes: tuple[int, ...], flips: tuple[bool, ...], spacing: tuple[float, ...]
) -> None:
    voxels, geometry = stored(HEAD, spacing, axes, flips)
    plane = ReadingPlane.of(geometry)
    assert plane.name == "axial"
    assert plane.edge_letters(geometry) == ("R", "L", "A", "P")
    assert plane.count(voxels.shape) == 6
    assert plane.picture_shape(voxels.shape) == (7, 8)
    assert plane.spacing(geometry) == pytest.approx(spacing[1:])
    for index in range(6):
        height = plane.position_mm(geometry, index)
        assert height is not None
        level = round((height + 20.0) / spacing[0])
        np.testing.assert_array_equal(plane.picture(voxels, index), HEAD[level])


@pytest.mark.parametrize("name", ["axial", "coronal", "sagittal"])
@pytest.mark.parametrize(("axes", "flips"), ORIENTATIONS)
def test_a_lesion_on_the_left_stays_on_the_left(
    axes: tuple[int, ...], flips: tuple[bool, ...], name: str
) -> None:
    lesion = np.zeros_like(HEAD)
    lesion[4, 2, 6] = 1
    where = Geometry(np.diag([1.0, 1.0, 1.0, 1.0]), HEAD.shape)
    voxels, geometry = stored(lesion, (1.0, 1.0, 1.0), axes, flips)
    plane = ReadingPlane.named(geometry, name)
    index, row, column = (int(n) for n in plane.place(geometry, np.argwhere(voxels)[0].astype(float)))
    assert plane.picture(voxels, index)[row, column] == 1
    np.testing.assert_array_equal(
        np.rint(geometry.to_patient(plane.voxel(geometry, index, row, column)) - (-4.0, 10.0, -20.0)),
        where.to_patient(np.array([4.0, 2.0, 6.0])),
    )
    # Patient's left is at the right of axial and coronal pictures, and up is up in the other two.
    if name != "sagittal":
        assert column == 6
    if name != "axial":
        assert row == 5 - 4


@pytest.mark.parametrize(("axes", "flips"), ORIENTATIONS)
def test_what_is_turned_for_reading_returns_to_its_file(
    axes: tuple[int, ...], flips: tuple[bool, ...]
) -> None:
    voxels, geometry = stored(HEAD, (1.0, 1.0, 1.0), axes, flips)
    plane = ReadingPlane.of(geometry)
    volume = np.zeros_like(voxels)
    for index in range(plane.count(voxels.shape)):
        plane.put(volume, index, plane.picture(voxels, index))
    np.testing.assert_array_equal(volume, voxels)


def test_an_oblique_head_keeps_letters_of_its_main_directions() -> None:
    turn = np.deg2rad(19)
    affine = np.eye(4)
    affine[1:3, 1:3] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    geometry = Geometry(affine, (10, 10, 10))
    plane = ReadingPlane.of(geometry)
    assert plane.name == "axial"
    assert plane.edge_letters(geometry) == ("R", "L", "A", "P")


def test_a_thick_coronal_stack_is_read_coronal() -> None:
    affine = np.zeros((4, 4))
    affine[0, 0], affine[2, 1], affine[1, 2], affine[3, 3] = 1, -1, 5, 1
    geometry = Geometry(affine, (12, 64, 64))
    plane = ReadingPlane.of(geometry)
    assert (plane.name, plane.axes) == ("coronal", (0, 1, 2))
    assert plane.edge_letters(geometry) == ("R", "L", "S", "I")


@pytest.mark.parametrize(
    ("name", "index", "wanted"), [("sagittal", 3, -4.0), ("coronal", 2, 12.0), ("axial", 1, 35.0)]
)
def test_the_position_of_a_slice_is_along_its_own_axis(name: str, index: int, wanted: float) -> None:
    affine = np.array([[2.0, 0, 0, -10], [0, 1.0, 0, 10], [0, 0, 5.0, 30], [0, 0, 0, 1]])
    plane = ReadingPlane.named(geometry := Geometry(affine, (4, 6, 8)), name)
    assert plane.position_mm(geometry, index) == wanted


def test_without_orientation_there_are_no_letters_and_no_flips() -> None:
    geometry = Geometry.unoriented((4, 5, 6))
    plane = ReadingPlane.of(geometry)
    assert plane == ReadingPlane("image", (0, 1, 2))
    assert plane.edge_letters(geometry) is None
    assert plane.position_mm(geometry, 0) is None
    with pytest.raises(ValueError, match="no axial plane"):
        ReadingPlane.named(geometry, "axial")
