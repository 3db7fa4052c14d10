"""Where voxels lie in the patient.

One convention everywhere: patient coordinates are LPS millimetres (x grows to the patient's Left, y to Posterior, z to
Superior, as in DICOM). Arrays have the axes (slice, row, column); the affine maps the voxel index in the *spatial*
order (column, row, slice), as in DICOM, NIfTI and ITK headers, at voxel centres.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
_LETTERS = (("L", "R"), ("P", "A"), ("S", "I"))


def lps_from_ras(affine: Array) -> Array:
    """Convert an affine between RAS (NIfTI) and LPS (DICOM); the same flip works both ways."""
    return _RAS_TO_LPS @ np.asarray(affine, dtype=np.float64)


def letter(direction: Array) -> str:
    """The anatomical letter towards which an LPS direction mostly points, e.g. ``"L"``."""
    axis = int(np.argmax(np.abs(direction)))
    return _LETTERS[axis][0 if direction[axis] >= 0 else 1]


def letters(direction: Array, *, least: float = 0.35) -> str:
    """Up to two letters for an oblique LPS direction, the larger part first, e.g. ``"AL"``.

    Parameters
    ----------
    least : share of the unit direction below which a part is not named.
    """
    unit = np.asarray(direction, dtype=np.float64) / max(float(np.linalg.norm(direction)), 1e-12)
    order = np.argsort(-np.abs(unit))
    named = [_LETTERS[axis][0 if unit[axis] >= 0 else 1] for axis in order if abs(unit[axis]) >= least]
    return "".join(named[:2])


@dataclass(frozen=True, eq=False)
class Geometry:
    """Position, spacing and direction of a voxel grid.

    Attributes
    ----------
    affine_lps : (4, 4) float64, voxel (column, row, slice) -> LPS mm at voxel centres.
    shape : (slices, rows, columns).
    oriented : False when the file does not say how the patient lies; then sides are unknown and the affine only
        holds spacing.
    origins : (slice, 3) LPS mm of the first voxel of every slice, where the slices do not lie at even distances; None
        where the affine alone says it all. The affine then spreads the slices evenly between the first and the last,
        for formats that know nothing else; `to_patient` and `to_voxel` go by the origins.
    placed : whether positions are those in the patient. False where only directions are known (a film, a sequence in
        time at one place): letters are true, coordinates mean nothing outside this image. Without orientation it is
        always False.
    """

    affine_lps: Array
    shape: tuple[int, int, int]
    oriented: bool = True
    origins: Array | None = None
    placed: bool = True
    inverse: Array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        affine = np.array(self.affine_lps, dtype=np.float64)
        if affine.shape != (4, 4) or not np.isfinite(affine).all():
            raise ValueError("an affine is a finite 4x4 matrix")
        affine.setflags(write=False)
        object.__setattr__(self, "affine_lps", affine)
        object.__setattr__(self, "inverse", np.linalg.inv(affine))
        object.__setattr__(self, "placed", self.placed and self.oriented)
        if self.origins is not None:
            object.__setattr__(self, "origins", _checked(self.origins, self.shape[0], _normal(affine)))

    @classmethod
    def unoriented(
        cls, shape: tuple[int, int, int], spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)
    ) -> Geometry:
        """A grid of known spacing (slice, row, column) whose place in the patient is unknown."""
        slices, rows, columns = spacing_mm
        return cls(np.diag([columns, rows, slices, 1.0]), shape, oriented=False)

    @property
    def affine_ras(self) -> Array:
        """The same affine for NIfTI: voxel (column, row, slice) -> RAS mm."""
        return lps_from_ras(self.affine_lps)

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between neighbours along (slice, row, column), mm."""
        column, row, slice_ = (math.hypot(*axis) for axis in self.affine_lps[:3, :3].T.tolist())
        return slice_, row, column

    def direction(self, axis: int) -> Array:
        """Unit LPS direction in which array axis 0 (slice), 1 (row) or 2 (column) grows."""
        vector = self.affine_lps[:3, 2 - axis]
        # `hypot` where a norm would overflow: headers hold any number.
        return np.asarray(vector / math.hypot(*vector.tolist()), dtype=np.float64)

    def of_slice(self, index: int) -> Geometry:
        """The grid of one slice (index along the first axis) by itself."""
        affine = np.array(self.affine_lps)
        affine[:3, 3] = self.to_patient(np.array([index, 0.0, 0.0]))
        return replace(self, affine_lps=affine, shape=(1, *self.shape[1:]), origins=None)

    def to_patient(self, voxel: Array) -> Array:
        """LPS mm of voxel positions.

        Parameters
        ----------
        voxel : (..., 3) in array order (slice, row, column); fractions allowed.
        """
        index = np.asarray(voxel, dtype=np.float64)[..., ::-1]
        if self.origins is None:
            return np.asarray(index @ self.affine_lps[:3, :3].T + self.affine_lps[:3, 3])
        in_plane = index[..., :2] @ self.affine_lps[:3, :2].T
        return np.asarray(in_plane + _between(self.origins, index[..., 2]))

    def to_voxel(self, patient: Array) -> Array:
        """Array position (slice, row, column), fractions included, of LPS mm; inverse of `to_patient`."""
        point = np.asarray(patient, dtype=np.float64)
        if self.origins is None:
            index = point @ self.inverse[:3, :3].T + self.inverse[:3, 3]
            return np.asarray(index[..., ::-1])
        normal = _normal(self.affine_lps)
        slice_ = _fraction(self.origins @ normal, point @ normal)
        in_plane = (point - _between(self.origins, slice_)) @ np.linalg.pinv(self.affine_lps[:3, :2]).T
        return np.stack([slice_, in_plane[..., 1], in_plane[..., 0]], axis=-1)


def _normal(affine: Array) -> Array:
    """Direction at right angles to the slices, of any length."""
    return np.cross(affine[:3, 0], affine[:3, 1])


def _checked(origins: Array, slices: int, normal: Array) -> Array:
    """The origins as a read-only array; slices are in order, and no two lie in one plane."""
    places = np.array(origins, dtype=np.float64)
    if places.shape != (slices, 3) or slices < 2 or not np.isfinite(places).all():
        raise ValueError("origins are finite and there is one for each of at least two slices")
    steps = np.diff(places @ normal)
    if not ((steps > 0).all() or (steps < 0).all()):
        raise ValueError("origins are in the order of the slices, and no two lie in one plane")
    places.setflags(write=False)
    return places


def _between(origins: Array, slice_: Array) -> Array:
    """Origin (..., 3) at fractional slices, beyond the ends as the last step goes on."""
    low = np.clip(np.floor(slice_).astype(int), 0, len(origins) - 2)
    share = (np.asarray(slice_) - low)[..., None]
    return np.asarray(origins[low] * (1 - share) + origins[low + 1] * share)


def _fraction(depths: Array, wanted: Array) -> Array:
    """Fractional index of `wanted` among monotonic `depths`; inverse of `_between` along the normal."""
    sign = 1.0 if depths[-1] >= depths[0] else -1.0
    low = np.clip(np.searchsorted(sign * depths, sign * wanted, side="right") - 1, 0, len(depths) - 2)
    return np.asarray(low + (wanted - depths[low]) / (depths[low + 1] - depths[low]))
