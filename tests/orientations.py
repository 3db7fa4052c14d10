"""One head in every axis order that a file may have, and grids that lie at any angle."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from viewer.imaging.geometry import Geometry

ORIENTATIONS = [
    (axes, flips)
    for axes in itertools.permutations(range(3))
    for flips in itertools.product((False, True), repeat=3)
]


def stored(
    head: NDArray[Any], affine: NDArray[np.float64], axes: tuple[int, ...], flips: tuple[bool, ...]
) -> tuple[NDArray[Any], Geometry]:
    """A head (slice, row, column) with its LPS affine, kept in another axis order: every voxel stays where it is."""
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


@st.composite
def affines(draw: st.DrawFn, *, degrees: float = 180, shear: float = 0.5) -> NDArray[np.float64]:
    """Oblique, anisotropic, mirrored or not, sheared or not."""
    turn = Rotation.from_euler("xyz", [draw(st.floats(-degrees, degrees)) for _ in range(3)], degrees=True)
    sheared = np.eye(3)
    sheared[1, 2] = draw(st.floats(-shear, shear))
    signs = np.diag([draw(st.sampled_from([-1.0, 1.0])) for _ in range(3)])
    affine = np.eye(4)
    affine[:3, :3] = (
        turn.as_matrix() @ sheared @ signs @ np.diag([draw(st.floats(0.05, 20)) for _ in range(3)])
    )
    affine[:3, 3] = [draw(st.floats(-1000, 1000)) for _ in range(3)]
    return affine


@st.composite
def uneven(draw: st.DrawFn) -> Geometry:
    """A stack whose slices lie at any distances, each shifted a little against the others, at any angle."""
    shape = (draw(st.integers(2, 6)), draw(st.integers(1, 9)), draw(st.integers(1, 9)))
    affine = draw(affines())
    normal = np.cross(affine[:3, 0], affine[:3, 1])
    normal /= np.linalg.norm(normal) * draw(st.sampled_from([-1.0, 1.0]))
    gaps = draw(st.lists(st.floats(0.2, 15), min_size=shape[0] - 1, max_size=shape[0] - 1))
    shifts = draw(
        st.lists(st.tuples(st.floats(-5, 5), st.floats(-5, 5)), min_size=shape[0], max_size=shape[0])
    )
    in_plane = affine[:3, :2] / np.linalg.norm(affine[:3, :2], axis=0)
    origins = affine[:3, 3] + np.outer(np.cumsum([0, *gaps]), normal) + np.array(shifts) @ in_plane.T
    affine[:3, 2] = (origins[-1] - origins[0]) / (shape[0] - 1)
    affine[:3, 3] = origins[0]
    return Geometry(affine, shape, origins=origins)
