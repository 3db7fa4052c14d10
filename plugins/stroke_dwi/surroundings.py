"""What lies around the brain: scalp, meninges, muscle, glands, eyes."""

import numpy as np

from .fields import Field, ramp, resample, smooth_noise
from .places import BRAIN_HEIGHT_MM, Coordinates, ellipsoid, paired


def around_the_brain(
    rng: np.random.Generator, places: Coordinates, brain: Field, h: Field, mm: float
) -> tuple[Field, Field]:
    """Return the signal outside the brain, and the share of scalp, both (slice, row, column).

    Parameters
    ----------
    rng, places
        Source of randomness; patient coordinates on the coarse grid.
    brain, h
        Distance to the brain's surface (mm, positive inside) and height of every voxel.
    mm
        Voxel size in the plane.
    """
    shape = brain.shape

    below = np.clip((0.45 - places.h) * 0.25, 0.0, 0.16)
    radii = (79.0, 97.0, 80.0)
    dome = ellipsoid(places, (0.0, 1.0, 0.47), radii, 2.3)
    trunk = (1.0 - below) * 79.0 - np.hypot(places.x, places.y * (79.0 / 97.0))
    head_low = np.where(places.h > 0.47, dome, trunk)
    head = resample(head_low, shape)
    thickness = rng.uniform(3.0, 8.0)
    scalp = ramp(head, 1.5) * ramp(thickness - head, 2.0)
    scalp = scalp * np.clip(1.0 + 0.4 * smooth_noise(rng, shape, (3.0, 14.0 / mm, 14.0 / mm)), 0.0, 2.0)
    meninges = ramp(head - thickness, 2.0) * ramp(brain + rng.uniform(3.0, 6.0), 3.0)
    outside = rng.uniform(0.03, 0.35) * scalp + rng.uniform(0.04, 0.2) * meninges
    outside = outside + ramp(head, 2.0) * rng.uniform(0.0, 0.04)
    # Muscle, glands, nodes and mucosa below the skull base; a few of them are bright.
    low = ramp((0.30 - h) * BRAIN_HEIGHT_MM, 12.0) * ramp(head - 4.0, 3.0) * ramp(-brain - 2.0, 3.0)
    lumps = smooth_noise(rng, shape, (1.5, 9.0 / mm, 9.0 / mm))
    outside = outside + low * rng.uniform(0.05, 0.3) * np.clip(0.6 + lumps, 0.0, 3.0)
    outside = outside + low * rng.uniform(0.1, 1.4) * ramp(lumps - rng.uniform(1.5, 2.6), 0.5)
    eyes = resample(paired(places, (31.0, -70.0, 0.22), (12.0, 12.0, 12.0)), shape)
    eye_signal = rng.uniform(0.05, 0.3)
    outside = np.where(eyes > 0, eye_signal + 0.3 * ramp(1.5 - eyes, 1.0), outside)
    return outside, scalp.astype(np.float32)
