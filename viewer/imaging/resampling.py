"""From a stack as it was acquired to an even grid at right angles, for whatever takes a volume to be one.

A tilted gantry shears a stack, a lost slice leaves a gap, and some protocols space slices unevenly. The voxels of the
file are right all the same: every slice lies where its origin says. Here they are drawn on a grid whose slices are
evenly spaced and at right angles to their stack, each point of it where it was in the patient.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.foundation.errors import UsageError
from viewer.foundation.progress import SILENT, Progress
from viewer.imaging.budget import BUDGET
from viewer.imaging.diagnoses import ONE_PLACE, RESAMPLED, Diagnosis, as_history
from viewer.imaging.geometry import Geometry
from viewer.imaging.image import MedicalImage
from viewer.imaging.unevenness import TILTED, odd_gaps, tilt_degrees

Array = NDArray[np.float64]
Spacing = tuple[float, float, float]

_SAME = 0.01
"""Shifts of slices against each other below this share of a pixel are noise of the header: nothing is blurred for
them."""
_EDGE = 1e-6


@dataclass(frozen=True)
class _Stack:
    """A stack in a frame of its own: along its columns, its rows and its normal, in mm from the first voxel.

    Attributes
    ----------
    start : (3,) LPS mm of the first voxel.
    frame : (3, 3) rows are the unit LPS directions of (column, row, slice); at right angles.
    in_plane : (2, 2) voxel (column, row) -> mm along the first two directions; upper triangular.
    shifts : (slice, 2) mm of the first voxel of every slice along the first two directions.
    depths : (slice,) mm along the third, ascending.
    """

    start: Array
    frame: Array
    in_plane: Array
    shifts: Array
    depths: Array

    @classmethod
    def of(cls, geometry: Geometry) -> _Stack:
        slices = geometry.shape[0]
        along = np.zeros((slices, 3))
        along[:, 0] = np.arange(slices)
        origins = geometry.to_patient(along)
        steps = origins - origins[0]
        column, row = geometry.affine_lps[:3, 0], geometry.affine_lps[:3, 1]
        right = column / np.linalg.norm(column)
        down = row - (row @ right) * right
        down /= np.linalg.norm(down)
        normal = np.cross(right, down)
        # Slices stay in their order, so that depths ascend.
        onward = steps[-1] if slices > 1 else geometry.affine_lps[:3, 2]
        normal *= math.copysign(1.0, float(onward @ normal))
        frame = np.stack([right, down, normal])
        in_plane = frame[:2] @ np.stack([column, row], axis=1)
        return cls(origins[0], frame, in_plane, steps @ frame[:2].T, steps @ frame[2])

    @property
    def gaps(self) -> Array:
        return np.diff(self.depths)

    @property
    def tilt(self) -> float:
        """Degrees between the stack and the normal of its slices."""
        if len(self.depths) < 2:
            return 0.0
        return tilt_degrees(float(self.depths[-1]), float(np.linalg.norm(self.shifts[-1])))

    @property
    def slant(self) -> float:
        """Degrees by which rows and columns miss the right angle."""
        return math.degrees(math.atan2(abs(float(self.in_plane[0, 1])), float(self.in_plane[1, 1])))

    @property
    def uneven(self) -> bool:
        return bool(len(odd_gaps(self.depths)))


def irregular(geometry: Geometry) -> tuple[str, ...]:
    """What keeps a grid from being even and at right angles: clauses for people, empty for a regular grid."""
    if not geometry.placed:
        return ()
    stack = _Stack.of(geometry)
    reasons = []
    if stack.tilt > TILTED:
        reasons.append(f"the slices are tilted against their stack by {stack.tilt:.1f} degrees")
    if stack.uneven:
        reasons.append(
            f"the distance between slices varies from {stack.gaps.min():.2f} to {stack.gaps.max():.2f} mm"
        )
    if stack.slant > TILTED:
        reasons.append("the rows and columns of a slice are not at right angles")
    return tuple(reasons)


def regular(
    image: MedicalImage,
    spacing: Spacing | None = None,
    progress: Progress = SILENT,
    *,
    outside: float | None = None,
) -> MedicalImage:
    """The image on an even grid at right angles, every point of it where it was in the patient.

    Between slices it is linear along their normal; within a slice it is linear too where the tilt moves it by a part of
    a pixel, and untouched otherwise. Where two slices must be mixed and one of them does not reach, there is nothing.
    A coarser spacing takes points out and does not smooth.

    Parameters
    ----------
    image : a whole image.
    spacing : (slice, row, column) mm of the new grid; None keeps the pixels and takes the usual distance between
        slices, so adjusted that the first and the last slice are slices of the new grid.
    progress : told once per slice.
    outside : value outside the stack; None for the darkest of the image.

    Returns
    -------
    MedicalImage
        `image` itself when it is regular already and no spacing is asked for. Otherwise: voxels of the same type,
        integers rounded; outside the stack `outside`, NaN where most of what would be mixed is not a number;
        the grid covers the stack. Its diagnoses say what was done, and what was wrong before is a note.

    Raises
    ------
    UsageError
        Where positions along the stack are unknown (``one-place``, ``no-orientation``), or a spacing is not positive.
    ReadError
        With the code ``over-budget`` when the new grid would be too large.
    """
    if image.arrived is not None:
        raise ValueError("a part of an image is for looking only")
    geometry = image.geometry
    if any(finding.code == ONE_PLACE for finding in image.diagnoses):
        raise UsageError(
            "The pictures of this series lie at one place: there is no volume to resample.", code="one-place"
        )
    reasons = irregular(geometry)
    if spacing is None and not reasons:
        return image
    if not geometry.placed:
        raise UsageError(
            "The image does not say where its slices lie: it cannot be resampled.", code="no-orientation"
        )
    if spacing is not None and not all(math.isfinite(step) and step > 0 for step in spacing):
        raise UsageError("A spacing is three distances above 0 mm: slice, row and column.", code="spacing")
    stack = _settled(_Stack.of(geometry))
    grid = _grid(stack, geometry, spacing)
    item = image.voxels.dtype.itemsize * math.prod(image.voxels.shape[3:])
    # The sizes multiply as whole numbers of Python: they may be as large as somebody's typing error.
    BUDGET.check(image.source.path.name or "The resampled volume", item * math.prod(grid.shape))
    voxels = np.empty((*grid.shape, *image.voxels.shape[3:]), image.voxels.dtype)
    _draw(image, stack, grid, voxels, _darkest(image) if outside is None else outside, progress)
    return replace(
        image,
        voxels=voxels,
        geometry=grid,
        diagnoses=(_done(stack, reasons, grid), *(as_history(finding) for finding in image.diagnoses)),
        volumes=(),
        volume=0,
    )


def _settled(stack: _Stack) -> _Stack:
    """Without the noise of the header: slices that lie straight above each other do so exactly."""
    pixel = float(np.abs(np.diag(stack.in_plane)).min())
    shifts = np.where(np.ptp(stack.shifts, axis=0) < _SAME * pixel, 0.0, stack.shifts)
    in_plane = np.where(np.abs(stack.in_plane) < 1e-9 * pixel, 0.0, stack.in_plane)
    return replace(stack, shifts=shifts, in_plane=in_plane)


def _grid(stack: _Stack, geometry: Geometry, spacing: Spacing | None) -> Geometry:
    """The new grid: begins at the least corner of the stack in its own frame and reaches at least to the greatest."""
    slices, rows, columns = geometry.shape
    corners = np.array([(c, r) for c in (0, columns - 1) for r in (0, rows - 1)]) @ stack.in_plane.T
    low = stack.shifts.min(axis=0) + corners.min(axis=0)
    high = stack.shifts.max(axis=0) + corners.max(axis=0)
    extent = np.array([*(high - low), stack.depths[-1]])
    if spacing is None:
        usual = float(np.median(stack.gaps)) if slices > 1 else geometry.spacing_mm[0]
        between = extent[2] / max(1, round(extent[2] / usual)) if slices > 1 else usual
        steps = np.array([*np.diag(stack.in_plane), between])
    else:
        steps = np.array(spacing[::-1], dtype=np.float64)
    counts = [math.ceil(length / step - _EDGE) + 1 for length, step in zip(extent, steps, strict=True)]
    affine = np.eye(4)
    affine[:3, :3] = stack.frame.T * steps
    affine[:3, 3] = stack.start + np.array([*low, 0.0]) @ stack.frame
    return Geometry(affine, (counts[2], counts[1], counts[0]))


def _draw(
    image: MedicalImage,
    stack: _Stack,
    grid: Geometry,
    voxels: NDArray[Any],
    outside: float,
    progress: Progress,
) -> None:
    """Fill `voxels`, slice by slice of the new grid."""
    source = image.voxels
    small = source.dtype.itemsize <= 2 or source.dtype == np.float32
    working = np.float32 if small else np.float64
    lattice = _Lattice.of(stack, grid)
    total = grid.shape[0]
    seen: dict[int, _Drawn] = {}
    for place in range(total):
        progress.report(place, total, "resampling")
        wanted = _neighbours(stack.depths, place * grid.spacing_mm[0])
        seen = {
            index: seen[index]
            if index in seen
            else _drawn(source[index].astype(working), index, stack, lattice)
            for index in wanted
        }
        voxels[place] = _mixed([(share, seen[index]) for index, share in wanted.items()], outside, source)
    progress.report(total, total, "resampling")


@dataclass(frozen=True)
class _Lattice:
    """Rows and columns of the new grid, in mm along the first two directions of the stack.

    Attributes
    ----------
    shape : (rows, columns).
    start : (2,) first point, (column, row).
    steps : (2,) between points, (column, row).
    """

    shape: tuple[int, int]
    start: Array
    steps: Array

    @classmethod
    def of(cls, stack: _Stack, grid: Geometry) -> _Lattice:
        start = (grid.affine_lps[:3, 3] - stack.start) @ stack.frame.T
        _, down, right = grid.spacing_mm
        return cls(grid.shape[1:], start[:2], np.array([right, down]))


def _neighbours(depths: Array, wanted: float) -> dict[int, float]:
    """Slice -> share at a depth: one slice where it lies at that depth, two otherwise, none beyond the ends."""
    reach = _EDGE * max(float(depths[-1]), 1.0)
    nearest = int(np.argmin(np.abs(depths - wanted)))
    if abs(depths[nearest] - wanted) <= reach:
        return {nearest: 1.0}
    if not depths[0] < wanted < depths[-1]:
        return {}
    low = int(np.searchsorted(depths, wanted)) - 1
    share = float((wanted - depths[low]) / (depths[low + 1] - depths[low]))
    return {low: 1 - share, low + 1: share}


@dataclass(frozen=True)
class _Drawn:
    """One slice of the stack on the rows and columns of the new grid.

    Attributes
    ----------
    values : (row, column[, channel]); 0 for what is not a number.
    weight : same shape, which share of each value came from numbers; None where all did.
    inside : (row, column) bool, where the slice reaches.
    """

    values: NDArray[Any]
    weight: NDArray[Any] | None
    inside: NDArray[np.bool_]


def _drawn(picture: NDArray[Any], index: int, stack: _Stack, lattice: _Lattice) -> _Drawn:
    from scipy import ndimage  # not for those who only ask whether a grid is irregular: it is slow to load

    finite = np.isfinite(picture)
    weight = None if finite.all() else finite.astype(picture.dtype)
    values = picture if weight is None else np.where(finite, picture, picture.dtype.type(0))
    back = np.linalg.inv(stack.in_plane)
    first = back @ (lattice.start - stack.shifts[index])
    step = back * lattice.steps
    # Rows are where the slice's own rows are; columns wander where the slice is slanted.
    down, right = np.arange(lattice.shape[0])[:, None], np.arange(lattice.shape[1])[None]
    row, column = first[1] + step[1, 1] * down, first[0] + step[0, 0] * right + step[0, 1] * down
    rows, columns = picture.shape[:2]
    inside = (row > -_EDGE) & (row < rows - 1 + _EDGE) & (column > -_EDGE) & (column < columns - 1 + _EDGE)
    if inside.all() and inside.shape == (rows, columns):
        # As many points as pixels, none outside: they are the pixels.
        return _Drawn(values, weight, inside)
    straight = step[0, 1] == 0
    matrix = np.diag(step)[::-1] if straight else np.array([[step[1, 1], 0], [step[0, 1], step[0, 0]]])

    def sampled(plane: NDArray[Any]) -> NDArray[Any]:
        if plane.ndim == 3:
            return np.stack([sampled(plane[..., channel]) for channel in range(plane.shape[2])], axis=-1)
        drawn = ndimage.affine_transform(
            plane, matrix, first[::-1], lattice.shape, order=1, mode="nearest", prefilter=False
        )
        return np.asarray(drawn)

    return _Drawn(sampled(values), None if weight is None else sampled(weight), inside)


def _mixed(parts: list[tuple[float, _Drawn]], outside: float, source: NDArray[Any]) -> NDArray[Any]:
    """A slice of the new grid from its neighbours and their shares, in the type of `source`."""
    if not parts:
        return np.asarray(outside, dtype=source.dtype)
    values = sum(share * drawn.values for share, drawn in parts)
    mixed: NDArray[Any] = np.asarray(values)
    if any(drawn.weight is not None for _, drawn in parts):
        weight = sum(share * (1 if drawn.weight is None else drawn.weight) for share, drawn in parts)
        known = np.asarray(weight) >= 0.5 - _EDGE
        mixed = np.where(known, mixed / np.where(known, weight, 1), np.nan)
    inside = np.logical_and.reduce([drawn.inside for _, drawn in parts])
    if source.dtype.kind in "iub":
        mixed = np.rint(mixed)
    mixed = mixed.astype(source.dtype, copy=False)
    if not inside.all():
        mixed = np.where(inside if mixed.ndim == 2 else inside[..., None], mixed, source.dtype.type(outside))
    return mixed


def _darkest(image: MedicalImage) -> float:
    """What air looks like: the least value, the greatest where the picture is shown inverted."""
    voxels = image.voxels
    darkest = max if image.intensity.inverted else min
    # Slice by slice: a volume of floats is not copied to find its numbers.
    extremes = [
        darkest(float(finite.min()), float(finite.max()))
        for finite in (plane[np.isfinite(plane)] for plane in voxels)
        if finite.size
    ]
    return darkest(extremes, default=0.0)


def _done(stack: _Stack, reasons: tuple[str, ...], grid: Geometry) -> Diagnosis:
    """Words for what was resampled, from what, to what."""
    was = "; ".join(reasons) or "the grid was regular"
    steps = " x ".join(f"{step:.3g}" for step in grid.spacing_mm)
    return Diagnosis(
        RESAMPLED,
        "note",
        f"The volume was resampled from {len(stack.depths)} slices ({was}) to {grid.shape[0]} even ones at right "
        f"angles, voxels of {steps} mm (slice, row, column).",
        "For the slices as they were acquired, open it without resampling.",
    )
