"""Voxels to millimetres and back, under any affine."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from viewer.imaging.geometry import Geometry, letter, letters, lps_from_ras

angles = st.floats(-180, 180)
spacings = st.floats(0.05, 20)
offsets = st.floats(-1000, 1000)


@st.composite
def affines(draw: st.DrawFn) -> NDArray[np.float64]:
    """Oblique, anisotropic, mirrored or not, sheared or not."""
    turn = Rotation.from_euler("xyz", [draw(angles) for _ in range(3)], degrees=True).as_matrix()
    shear = np.eye(3)
    shear[1, 2] = draw(st.floats(-0.5, 0.5))
    signs = np.diag([draw(st.sampled_from([-1.0, 1.0])) for _ in range(3)])
    affine = np.eye(4)
    affine[:3, :3] = turn @ shear @ signs @ np.diag([draw(spacings) for _ in range(3)])
    affine[:3, 3] = [draw(offsets) for _ in range(3)]
    return affine


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
