"""What every part of the brain is drawn over: the patient's coordinates and the distance to the brain's surface."""

from dataclasses import dataclass

import numpy as np

from .fields import Field, smooth_noise


@dataclass(frozen=True)
class Frame:
    """Coordinates of the image grid, each field (slice, row, column).

    Attributes
    ----------
    x, y, h
        Patient coordinates.
    brain
        Distance to the brain's surface, mm, positive inside.
    heights
        Height of every slice's centre, (slice, 1, 1).
    mm
        Voxel size in the plane, in millimetres of the average head.
    age
        0 young to 1 old: wider ventricles, fissures and sulci.
    """

    x: Field
    y: Field
    h: Field
    brain: Field
    heights: Field
    mm: float
    age: float

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return (slices, rows, columns)."""
        slices, rows, columns = self.brain.shape
        return slices, rows, columns

    def by_height(self, heights: list[float], values: list[float]) -> Field:
        """Return values given at some heights, linear between, for every slice: (slice, 1, 1)."""
        return np.asarray(np.interp(self.heights, heights, values), dtype=np.float32)

    def noise(self, rng: np.random.Generator, slices: float, millimetres: float) -> Field:
        """Return smooth noise with correlation lengths across slices (in slices) and within them (in mm)."""
        return smooth_noise(rng, self.shape, (slices, millimetres / self.mm, millimetres / self.mm))
