"""A synthetic head without disease: brain with its sulci, ventricles and nuclei, and what surrounds it."""

from dataclasses import dataclass

import numpy as np

from .fields import Field, ramp, resample, smooth_noise
from .places import BRAIN_HEIGHT_MM, Coordinates, Placement, coordinates, ellipsoid, paired
from .surroundings import around_the_brain


@dataclass(frozen=True)
class Head:
    """What the scanner will see, each field (slice, row, column) on the image grid.

    Attributes
    ----------
    signal
        Diffusion-weighted signal without coil, artefacts and noise; grey matter is about 1.
    tissue
        Share of brain tissue in the voxel, 0 to 1.
    scalp
        Share of scalp, 0 to 1, the source of fat ghosts.
    depth
        Distance to the brain's surface, positive inside, about millimetres.
    places
        Patient coordinates on the coarse grid.
    """

    signal: Field
    tissue: Field
    scalp: Field
    depth: Field
    places: Coordinates


def brain_level(places: Coordinates, rng: np.random.Generator) -> tuple[Field, Field]:
    """Return the level sets of the cerebrum alone and of the whole brain."""
    width, length = rng.uniform(0.94, 1.06), rng.uniform(0.94, 1.06)
    upper = (67.0 * width, 84.0 * length, 60.0)
    lower = (67.0 * width, 84.0 * length, rng.uniform(34.0, 42.0))
    power = rng.uniform(2.1, 2.6)
    centre = (0.0, 0.0, 0.52)
    top = ellipsoid(places, centre, upper, power)
    cerebrum = np.where(places.h > 0.52, top, ellipsoid(places, centre, lower, power))
    # The occiput is broader than the forehead.
    cerebrum = cerebrum + np.clip(places.y, -60, 60) * rng.uniform(0.01, 0.05)
    temporal = paired(
        places, (40.0, -16.0, 0.24), (22.0, 31.0, 20.0), (rng.uniform(0.9, 1.1), rng.uniform(0.9, 1.1))
    )
    # Nothing of the cerebrum lies low in the middle: the sella, the orbits and the petrous bones do.
    floor = (places.h - 0.29 + 0.0011 * np.clip(places.y, -60, 50)) * BRAIN_HEIGHT_MM
    cerebrum = np.maximum(np.minimum(cerebrum, floor), temporal)
    cerebellum = np.maximum(
        paired(places, (24.0, 42.0, 0.14), (28.0, 26.0, 23.0)),
        ellipsoid(places, (0.0, 40.0, 0.16), (12.0, 20.0, 20.0)),
    )
    stem_width = np.interp(places.h, [-0.3, 0.06, 0.12, 0.2, 0.27, 0.33], [6, 7, 10, 15, 15, 16])
    stem_y = np.interp(places.h, [-0.3, 0.1, 0.2, 0.33], [22, 16, 8, 6])
    stem = stem_width - np.hypot(places.x, 1.25 * (places.y - stem_y))
    stem = np.minimum(stem, (0.37 - places.h) * BRAIN_HEIGHT_MM)
    brain = np.maximum(np.maximum(cerebrum, cerebellum), stem)
    return cerebrum.astype(np.float32), brain.astype(np.float32)


def ventricle_level(places: Coordinates, size: float, sides: tuple[float, float]) -> Field:
    """Return the level set of ventricles and cisterns; `size` 1 is a healthy adult, 1.6 an old one."""
    both = (size * sides[0], size * sides[1])
    parts = [
        paired(places, (11.0, 0.0, 0.62), (5.0, 32.0, 9.0), both, slant=0.12),
        paired(places, (8.5, -24.0, 0.55), (4.0, 13.0, 12.0), both, slant=-0.4),
        paired(places, (17.0, 22.0, 0.55), (5.0, 12.0, 11.0), both, slant=0.7),
        paired(places, (26.0, 36.0, 0.52), (3.5, 13.0, 8.0), both, slant=0.25),
        paired(places, (33.0, 2.0, 0.32), (2.5, 13.0, 4.0), both),
        ellipsoid(places, (0.0, -2.0, 0.46), (2.2 * size, 12.0, 12.0)),
        ellipsoid(places, (0.0, 25.0, 0.19), (6.0, 5.0, 11.0)),
        ellipsoid(places, (0.0, -14.0, 0.31), (13.0, 10.0, 5.0)),
        ellipsoid(places, (0.0, 22.0, 0.36), (11.0, 4.0, 6.0)),
        paired(places, (50.0, -14.0, 0.43), (12.0, 3.0 * size, 10.0), (sides[0], sides[1])),
        paired(places, (39.0, -2.0, 0.47), (2.2 * size, 17.0, 13.0), (sides[0], sides[1])),
    ]
    return np.asarray(np.maximum.reduce(parts))


def nuclei_level(places: Coordinates) -> tuple[Field, Field]:
    """Return the level sets of the deep grey nuclei and of the globus pallidus, dark with iron."""
    grey = np.maximum.reduce(
        [
            paired(places, (14.0, -22.0, 0.55), (4.5, 9.0, 9.0)),
            paired(places, (27.0, -4.0, 0.48), (6.0, 15.0, 10.0)),
            paired(places, (11.0, 8.0, 0.49), (9.0, 13.0, 9.0)),
        ]
    )
    return grey, paired(places, (19.0, -2.0, 0.47), (4.0, 8.0, 6.0))


def build_head(
    rng: np.random.Generator, placement: Placement, ventricle_sides: tuple[float, float] = (1.0, 1.0)
) -> Head:
    """Return one synthetic head without disease."""
    places = coordinates(rng, placement)
    shape = (placement.slices, placement.size, placement.size)
    mm = 0.5 * (placement.field_mm[0] + placement.field_mm[1]) / placement.size / placement.head_size

    def full(level: Field) -> Field:
        return resample(level.astype(np.float32), shape)

    _, brain_low = brain_level(places, rng)
    brain = full(brain_low)
    age = rng.uniform(0.0, 1.0)
    ventricles = full(ventricle_level(places, rng.uniform(0.6, 1.0) + 0.8 * age, ventricle_sides))
    grey_level, pallidum_level = (full(level) for level in nuclei_level(places))
    h, x, y = full(places.h), full(places.x), full(places.y)

    # The fissure between the hemispheres: front and back in the middle of the brain, all along near the top.
    gap = np.interp(placement.heights, [0.3, 0.6, 0.74], [38.0, 34.0, 0.0]).astype(np.float32)[:, None, None]
    open_fissure = ramp(np.abs(y + 4.0) - gap, 8.0) * ramp((h - 0.31) * BRAIN_HEIGHT_MM, 6.0)
    half_width = (0.2 + 1.2 * age) * (1.0 + 1.5 * ramp((h - 0.8) * 60.0, 12.0))
    waves = smooth_noise(rng, shape, (2.0, 9.0 / mm, 9.0 / mm))
    crooked = np.abs(x + 0.8 * waves)
    fissure = ramp(half_width * (1.0 + 0.7 * waves) - crooked, 2.0) * open_fissure

    # Sulci: thin dark lines where a smooth random field changes sign, deep near the vertex, shallow elsewhere.
    long, short = rng.uniform(8.0, 12.0) / mm, rng.uniform(5.5, 8.0) / mm
    folds = smooth_noise(rng, shape, (rng.uniform(2.0, 4.0), long, long))
    twigs = smooth_noise(rng, shape, (rng.uniform(1.5, 3.0), short, short))
    depth = np.minimum(brain, np.where(open_fissure > 0.5, np.abs(x), 99.0))
    reach = np.interp(placement.heights, [0.3, 0.7, 0.9], [11.0, 17.0, 30.0]).astype(np.float32)[
        :, None, None
    ]
    near_surface = ramp(reach * rng.uniform(0.7, 1.3) - depth, 9.0)
    cortical = near_surface * ramp((h - 0.22) * BRAIN_HEIGHT_MM, 10.0)
    line = np.minimum(np.abs(folds), np.abs(twigs) + 0.12 + 0.05 * np.clip(depth, 0.0, 12.0))
    # Sulci gape at the surface, and all the more near the vertex and with age.
    gape = 0.02 + 0.14 * age + 0.35 * ramp(2.5 - depth, 5.0) * rng.uniform(0.3, 1.0)
    gape = gape + rng.uniform(0.0, 0.5) * ramp((h - 0.86) * BRAIN_HEIGHT_MM, 16.0)
    sulcus = cortical * ramp(gape - line, 0.2) * rng.uniform(0.5, 1.0)
    ribbon = np.maximum(ramp(3.5 - depth, 2.0), cortical * ramp(0.55 - line, 0.3))

    cerebellar = ramp((0.30 - h) * BRAIN_HEIGHT_MM + 0.15 * (y - 30.0), 6.0) * ramp(y - 12.0, 6.0)
    folia = cerebellar * (0.5 + 0.5 * np.sin(brain * rng.uniform(0.9, 1.7) + 2.0 * folds))
    vermis = cerebellar * ramp(3.0 - np.abs(x), 3.0) * ramp(y - 48.0, 6.0)

    csf = np.clip(
        np.maximum(
            np.maximum(ramp(ventricles + 0.7 * twigs, 2.0), fissure), np.maximum(sulcus, 0.8 * vermis)
        ),
        0.0,
        1.0,
    )
    inside = ramp(brain + rng.uniform(0.2, 1.2) * twigs, 2.0)
    white = rng.uniform(0.62, 1.08)
    grey = np.maximum(
        ribbon, np.maximum(ramp(grey_level, 2.5) * rng.uniform(0.4, 1.0), 0.6 * cerebellar + 0.3 * folia)
    )
    signal = white + (1.0 - white) * grey
    # Healthy cortex is not equally bright everywhere: insula, cingulum and hippocampus stand out on both sides or one.
    signal = signal * (
        1.0 + rng.uniform(0.0, 0.2) * ribbon * smooth_noise(rng, shape, (4.0, 25.0 / mm, 25.0 / mm))
    )
    signal -= rng.uniform(0.05, 0.3) * ramp(pallidum_level, 3.0)
    signal += _tracts(rng, places, shape)
    signal *= 1.0 + rng.uniform(0.01, 0.05) * smooth_noise(rng, shape, (1.5, 5.0 / mm, 5.0 / mm))
    fluid = rng.uniform(0.08, 0.3)
    signal = signal * (1.0 - csf) + fluid * csf
    outside, scalp = around_the_brain(rng, places, brain, h, mm)
    signal = signal * inside + outside * (1.0 - inside)
    return Head(signal.astype(np.float32), (inside * (1.0 - csf)).astype(np.float32), scalp, brain, places)


def _tracts(rng: np.random.Generator, places: Coordinates, shape: tuple[int, int, int]) -> Field:
    """Return what is a little bright in health, on both sides: splenium, tracts, choroid plexus, aged white matter."""
    both = np.maximum(
        paired(places, (22.0, 6.0, 0.55), (4.0, 7.0, 14.0)),
        ellipsoid(places, (0.0, 26.0, 0.56), (16.0, 4.0, 5.0)),
    )
    bright = rng.uniform(0.0, 0.22) * ramp(resample(both, shape), 4.0)
    if rng.random() < 0.3:
        plexus = paired(
            places, (21.0, 26.0, 0.53), (3.0, 4.0, 4.0), (rng.uniform(0.6, 1.2), rng.uniform(0.6, 1.2))
        )
        bright = bright + rng.uniform(0.2, 0.9) * ramp(resample(plexus, shape), 3.0)
    if rng.random() < 0.4:
        halo = paired(places, (17.0, 0.0, 0.62), (12.0, 42.0, 13.0))
        patchy = np.clip(smooth_noise(rng, shape, (2.0, 8.0, 8.0)), 0.0, 2.0)
        bright = bright + rng.uniform(0.03, 0.12) * ramp(resample(halo, shape), 5.0) * patchy
    return np.asarray(bright, dtype=np.float32)
