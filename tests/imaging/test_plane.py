"""However a file stores a head, the picture and its letters are the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.orientations import ORIENTATIONS, affines, stored, uneven
from viewer.imaging.geometry import Geometry
from viewer.imaging.plane import ReadingPlane

# A head in LPS order: slices from feet to head, rows from front to back, columns from right to left.
HEAD = np.arange(6 * 7 * 8, dtype=np.int16).reshape(6, 7, 8)
SPACINGS = {"thick slices": (5.0, 0.9, 1.1), "isotropic": (1.0, 1.0, 1.0)}


def lying(
    head: NDArray[np.int16], spacing: tuple[float, ...], axes: tuple[int, ...], flips: tuple[bool, ...]
) -> tuple[NDArray[np.int16], Geometry]:
    """The head in another axis order, of this (slice, row, column) spacing and its first voxel at (-4, 10, -20)."""
    affine = np.diag([spacing[2], spacing[1], spacing[0], 1.0])
    affine[:3, 3] = (-4.0, 10.0, -20.0)
    return stored(head, affine, axes, flips)


@pytest.mark.parametrize("spacing", SPACINGS.values(), ids=SPACINGS)
@pytest.mark.parametrize(("axes", "flips"), ORIENTATIONS)
def test_all_48_orientations_give_one_picture_and_true_letters(
    axes: tuple[int, ...], flips: tuple[bool, ...], spacing: tuple[float, ...]
) -> None:
    voxels, geometry = lying(HEAD, spacing, axes, flips)
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
    voxels, geometry = lying(lesion, (1.0, 1.0, 1.0), axes, flips)
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
    voxels, geometry = lying(HEAD, (1.0, 1.0, 1.0), axes, flips)
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


NAMES = ("axial", "coronal", "sagittal")
TOWARDS = {"L": (1, 0, 0), "R": (-1, 0, 0), "P": (0, 1, 0), "A": (0, -1, 0), "S": (0, 0, 1), "I": (0, 0, -1)}
grids = st.one_of(affines().map(lambda affine: Geometry(affine, (3, 4, 5))), uneven())


@given(grids, st.sampled_from([0, 1, 2]))
def test_a_picture_shows_the_voxel_that_lies_there(geometry: Geometry, axis: int) -> None:
    """`picture`, `voxel` and `place` agree on every pixel, and `returned` undoes `turned`."""
    plane = ReadingPlane.along(geometry, axis)
    voxels = np.arange(np.prod(geometry.shape)).reshape(geometry.shape)
    rows, columns = plane.picture_shape(geometry.shape)
    for index in range(plane.count(geometry.shape)):
        picture = plane.picture(voxels, index)
        assert picture.shape == (rows, columns)
        np.testing.assert_array_equal(plane.returned(picture), voxels.take(index, axis))
        for row, column in np.ndindex(rows, columns):
            voxel = plane.voxel(geometry, index, row, column)
            assert voxels[tuple(voxel.astype(int))] == picture[row, column]
            assert plane.place(geometry, voxel) == (index, row, column)


@given(grids, st.sampled_from([0, 1, 2]), st.tuples(*[st.floats(-20, 20)] * 3))
def test_place_and_voxel_are_each_others_inverse_between_pixels(
    geometry: Geometry, axis: int, where: tuple[float, float, float]
) -> None:
    plane = ReadingPlane.along(geometry, axis)
    voxel = plane.voxel(geometry, *where)  # type: ignore[arg-type]
    assert plane.place(geometry, voxel) == pytest.approx(where, abs=1e-9)
    patient = geometry.to_patient(voxel)
    assert plane.place(geometry, geometry.to_voxel(patient)) == pytest.approx(where, abs=1e-5)


@given(affines(shear=0.2), st.sampled_from(NAMES))
def test_a_letter_names_where_the_picture_goes(affine: NDArray[np.float64], name: str) -> None:
    """Walking over the picture towards an edge, the patient position moves the way its letter says."""
    geometry = Geometry(affine, (5, 6, 7))
    plane = ReadingPlane.named(geometry, name)
    assert plane.name == name
    at = plane.voxel(geometry, 2, 2, 2)
    steps = {
        0: plane.voxel(geometry, 2, 2, 1),
        1: plane.voxel(geometry, 2, 2, 3),
        2: plane.voxel(geometry, 2, 1, 2),
        3: plane.voxel(geometry, 2, 3, 2),
    }
    edges = plane.edge_letters(geometry)
    assert edges is not None
    for edge, voxel in steps.items():
        walked = geometry.to_patient(voxel) - geometry.to_patient(at)
        walked /= np.linalg.norm(walked)
        for each in edges[edge]:
            assert walked @ TOWARDS[each] > 0.3
        assert walked @ TOWARDS[edges[edge][0]] == pytest.approx(np.abs(walked).max())


@given(affines(degrees=20, shear=0.1), st.sampled_from(ORIENTATIONS), st.sampled_from(NAMES))
def test_up_is_up_and_the_patients_left_is_at_the_right(
    affine: NDArray[np.float64], orientation: tuple[tuple[int, ...], tuple[bool, ...]], name: str
) -> None:
    """A head that is turned by less than 30 degrees is shown the radiological way, however the file stores it."""
    affine[:3, :3] *= np.sign(np.diag(affine[:3, :3]))
    _, geometry = stored(np.zeros((4, 5, 6), np.uint8), affine, *orientation)
    plane = ReadingPlane.named(geometry, name)
    left, right, top, bottom = plane.edge_letters(geometry) or ("", "", "", "")
    expected = {"axial": "RLAP", "coronal": "RLSI", "sagittal": "APSI"}[name]
    assert left[0] + right[0] + top[0] + bottom[0] == expected


def test_a_film_is_never_turned_and_has_no_position() -> None:
    """Columns that grow to the patient's right are turned in a scan, and left alone in a film with words on it."""
    affine = np.array([[-1.0, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
    scan, film = Geometry(affine, (1, 4, 5)), Geometry(affine, (1, 4, 5), placed=False)
    assert ReadingPlane.of(scan).edge_letters(scan) == ("R", "L", "S", "I")
    assert ReadingPlane.of(film).edge_letters(film) == ("L", "R", "S", "I")
    assert ReadingPlane.of(film).as_stored
    assert ReadingPlane.of(scan).position_mm(scan, 0) == 0
    assert ReadingPlane.of(film).position_mm(film, 0) is None
