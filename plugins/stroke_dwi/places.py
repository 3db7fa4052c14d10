"""Where things are in a head: the patient's own coordinates, and level sets over them.

Every structure is a level set in millimetres, positive inside, over the patient's own coordinates: `x` towards the
patient's left, `y` towards the back, and the height `h`, 0 at the foramen magnum and 1 at the top of the brain.
The level sets are smooth, so they are computed on a grid four times coarser than the image and interpolated.
"""

from dataclasses import dataclass

import numpy as np

from .fields import Field, smooth_noise

BRAIN_HEIGHT_MM = 125.0
COARSE = 4


@dataclass(frozen=True)
class Coordinates:
    """Patient coordinates of every voxel of the coarse grid, each (slice, row, column)."""

    x: Field
    y: Field
    h: Field


def ellipsoid(
    places: Coordinates,
    centre: tuple[float, float, float],
    radii: tuple[float, float, float],
    power: float = 2.0,
    slant: float = 0.0,
) -> Field:
    """Return the level set (mm) of an ellipsoid; the centre is (x, y, h), the radii are mm, `slant` is dx/dy."""
    dx = np.abs(places.x - centre[0] - slant * (places.y - centre[1])) / radii[0]
    dy = np.abs(places.y - centre[1]) / radii[1]
    dz = np.abs(places.h - centre[2]) * (BRAIN_HEIGHT_MM / radii[2])
    if power == 2.0:
        radius = np.sqrt(dx * dx + dy * dy + dz * dz)
    else:
        radius = np.sqrt((dx**power + dy**power) ** (2.0 / power) + dz * dz)
    return np.asarray((1.0 - radius) * min(radii), dtype=np.float32)


def paired(
    places: Coordinates,
    centre: tuple[float, float, float],
    radii: tuple[float, float, float],
    sizes: tuple[float, float] = (1.0, 1.0),
    slant: float = 0.0,
) -> Field:
    """Return the level set of a structure and its twin; `sizes` scales the right and the left one."""
    x, y, h = centre
    sides = [
        ellipsoid(
            places,
            (side * x, y, h),
            (radii[0] * size, radii[1] * size**0.5, radii[2] * size**0.5),
            slant=side * slant,
        )
        for side, size in zip((-1.0, 1.0), sizes, strict=True)
        if size > 0.05
    ]
    return np.maximum.reduce(sides) if sides else np.full_like(places.x, -9.0)


@dataclass(frozen=True)
class Placement:
    """How the head lies in the image.

    Attributes
    ----------
    slices, size
        Number of slices; rows and columns of the square image.
    field_mm
        Field of view along (row, column).
    heights
        Height `h` of every slice's centre.
    rotation, tilt, roll
        Degrees: in plane, nodding, towards one shoulder.
    offset_mm
        Head centre away from the image centre along (row, column).
    head_size
        Size of the head, 1 is the average adult.
    midline_shift_mm
        Displacement of the midline towards the patient's left by a swollen lesion.
    """

    slices: int
    size: int
    field_mm: tuple[float, float]
    heights: Field
    rotation: float
    tilt: float
    roll: float
    offset_mm: tuple[float, float]
    head_size: float
    midline_shift_mm: float = 0.0


def coordinates(rng: np.random.Generator, placement: Placement) -> Coordinates:
    """Return patient coordinates of the coarse grid: rotated, tilted, and gently deformed."""
    coarse = placement.size // COARSE + 1
    shape = (placement.slices, coarse, coarse)
    steps = np.linspace(-0.5, 0.5, coarse, dtype=np.float32)
    row_mm = steps * placement.field_mm[0] - placement.offset_mm[0]
    column_mm = steps * placement.field_mm[1] - placement.offset_mm[1]
    y0, x0 = np.meshgrid(row_mm, column_mm, indexing="ij")
    angle = np.deg2rad(placement.rotation)
    x = (np.cos(angle) * x0 + np.sin(angle) * y0) / placement.head_size
    y = (-np.sin(angle) * x0 + np.cos(angle) * y0) / placement.head_size
    lift = (np.tan(np.deg2rad(placement.tilt)) * y + np.tan(np.deg2rad(placement.roll)) * x) / BRAIN_HEIGHT_MM
    h = placement.heights[:, None, None] + lift[None].astype(np.float32)
    mm_per_voxel = placement.field_mm[0] / coarse
    far = (6.0, 45.0 / mm_per_voxel, 45.0 / mm_per_voxel)
    near = (3.0, 16.0 / mm_per_voxel, 16.0 / mm_per_voxel)
    strength = rng.uniform(1.0, 4.0), rng.uniform(0.5, 1.6)
    dx = strength[0] * smooth_noise(rng, shape, far) + strength[1] * smooth_noise(rng, shape, near)
    dy = strength[0] * smooth_noise(rng, shape, far) + strength[1] * smooth_noise(rng, shape, near)
    x = x[None] + dx
    y = y[None] + dy
    if placement.midline_shift_mm:
        x = x - placement.midline_shift_mm * np.exp(-((x / 30.0) ** 2) - (y / 45.0) ** 2)
    return Coordinates(x.astype(np.float32), y.astype(np.float32), h.astype(np.float32))
