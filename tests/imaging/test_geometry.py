"""Voxels to millimetres and back, under any affine."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.orientations import ORIENTATIONS, affines, stored, uneven
from viewer.imaging.geometry import Geometry, letter, letters, lps_from_ras


@given(affines(), st.tuples(*[st.floats(-500, 500)] * 3))
def test_voxel_to_patient_to_voxel_is_the_identity(
    affine: NDArray[np.float64], voxel: tuple[float, ...]
) -> None:
    geometry = Geometry(affine, (3, 4, 5))
    there = geometry.to_patient(np.asarray(voxel))
    np.testing.assert_allclose(geometry.to_voxel(there), voxel, atol=1e-6)


@given(affines())
def test_patient_position_is_the_header_affine_applied_to_column_row_slice(
    affine: NDArray[np.float64],
) -> None:
    there = Geometry(affine, (9, 9, 9)).to_patient(np.array([3.0, 2.0, 1.0]))
    np.testing.assert_allclose(there, (affine @ [1.0, 2.0, 3.0, 1.0])[:3], atol=1e-9)


@given(affines())
def test_ras_and_lps_are_each_others_inverse(affine: NDArray[np.float64]) -> None:
    geometry = Geometry(affine, (2, 2, 2))
    np.testing.assert_array_equal(lps_from_ras(geometry.affine_ras), affine)
    np.testing.assert_allclose(geometry.affine_ras[:2], -affine[:2])


def test_many_voxels_at_once() -> None:
    geometry = Geometry(np.diag([1.0, 2.0, 3.0, 1.0]), (4, 4, 4))
    grid = np.stack(np.meshgrid(*[np.arange(4.0)] * 3, indexing="ij"), axis=-1)
    assert geometry.to_patient(grid).shape == (4, 4, 4, 3)
    np.testing.assert_allclose(geometry.to_voxel(geometry.to_patient(grid)), grid)


@pytest.mark.parametrize(
    ("direction", "expected"),
    [
        ((1, 0, 0), "L"),
        ((-1, 0, 0), "R"),
        ((0, 1, 0), "P"),
        ((0, -1, 0), "A"),
        ((0, 0, 1), "S"),
        ((0, 0, -1), "I"),
    ],
)
def test_letters_of_the_six_directions(direction: tuple[float, ...], expected: str) -> None:
    assert letter(np.asarray(direction, dtype=float)) == expected
    assert letters(np.asarray(direction, dtype=float)) == expected


def test_oblique_directions_have_two_letters_larger_part_first() -> None:
    assert letters(np.array([0.5, -0.8, 0.1])) == "AL"


@pytest.mark.parametrize("affine", [np.full((4, 4), np.nan), np.eye(3)])
def test_what_is_no_affine_is_refused(affine: NDArray[np.float64]) -> None:
    with pytest.raises(ValueError, match="affine"):
        Geometry(affine, (1, 1, 1))


@pytest.mark.parametrize(("axes", "flips"), ORIENTATIONS)
def test_letters_of_all_48_orientations_are_those_of_nibabel(
    axes: tuple[int, ...], flips: tuple[bool, ...]
) -> None:
    _, geometry = stored(np.zeros((4, 5, 6)), np.diag([0.9, 1.1, 5.0, 1.0]), axes, flips)
    assert tuple(letter(geometry.direction(axis)) for axis in (2, 1, 0)) == nib.aff2axcodes(
        geometry.affine_ras
    )


@given(affines(degrees=25, shear=0.1), st.sampled_from(ORIENTATIONS))
def test_letters_of_oblique_orientations_are_those_of_nibabel(
    affine: NDArray[np.float64], orientation: tuple[tuple[int, ...], tuple[bool, ...]]
) -> None:
    _, geometry = stored(np.zeros((4, 5, 6)), affine, *orientation)
    assert tuple(letter(geometry.direction(axis)) for axis in (2, 1, 0)) == nib.aff2axcodes(
        geometry.affine_ras
    )


@given(uneven(), st.tuples(*[st.floats(-20, 20)] * 3))
def test_voxel_to_patient_to_voxel_among_uneven_slices(geometry: Geometry, voxel: tuple[float, ...]) -> None:
    there = geometry.to_patient(np.asarray(voxel))
    np.testing.assert_allclose(geometry.to_voxel(there), voxel, atol=1e-5)


@given(uneven())
def test_every_slice_lies_where_its_origin_says(geometry: Geometry) -> None:
    assert geometry.origins is not None
    slices, rows, columns = geometry.shape
    for index in range(slices):
        np.testing.assert_allclose(
            geometry.to_patient(np.array([index, 0, 0])), geometry.origins[index], atol=1e-9
        )
        last = geometry.to_patient(np.array([index, rows - 1, columns - 1])) - geometry.origins[index]
        np.testing.assert_allclose(last, geometry.affine_lps[:3, :2] @ [columns - 1, rows - 1], atol=1e-6)
    half = geometry.to_patient(np.array([0.5, 0, 0]))
    np.testing.assert_allclose(half, geometry.origins[:2].mean(axis=0), atol=1e-9)


@given(affines(), st.tuples(*[st.floats(-20, 20)] * 3))
def test_origins_that_are_even_change_nothing(affine: NDArray[np.float64], voxel: tuple[float, ...]) -> None:
    plain = Geometry(affine, (4, 5, 6))
    origins = affine[:3, 3] + np.outer(np.arange(4), affine[:3, 2])
    same = Geometry(affine, (4, 5, 6), origins=origins)
    np.testing.assert_allclose(
        same.to_patient(np.asarray(voxel)), plain.to_patient(np.asarray(voxel)), atol=1e-6
    )


@pytest.mark.parametrize(
    ("origins", "words"),
    [
        ([[0, 0, 0]], "at least two"),
        ([[0, 0, 0], [0, 0, 1], [0, 0, 2], [0, 0, 3]], "one for each"),
        ([[0, 0, 0], [0, 0, np.nan], [0, 0, 2]], "finite"),
        ([[0, 0, 0], [0, 0, 3], [0, 0, 2]], "in the order"),
        ([[0, 0, 0], [0, 5, 0], [0, 0, 2]], "no two lie in one plane"),
    ],
)
def test_origins_that_make_no_stack_are_refused(origins: list[list[float]], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Geometry(np.eye(4), (3, 4, 5), origins=np.array(origins))


def test_without_orientation_nothing_has_a_place() -> None:
    assert Geometry(np.eye(4), (1, 2, 3)).placed
    assert not Geometry.unoriented((1, 2, 3)).placed
    assert Geometry(np.eye(4), (1, 2, 3), placed=False).oriented


@given(uneven(), st.integers(0, 1))
def test_a_slice_by_itself_lies_where_it_lay(geometry: Geometry, index: int) -> None:
    single = geometry.of_slice(index)
    assert single.shape == (1, *geometry.shape[1:])
    np.testing.assert_allclose(
        single.to_patient(np.array([0, 1.5, 2.0])),
        geometry.to_patient(np.array([index, 1.5, 2.0])),
        atol=1e-6,
    )
