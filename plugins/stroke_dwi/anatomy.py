"""A synthetic head without disease: brain with its sulci, ventricles and nuclei, and what surrounds it."""

from dataclasses import dataclass

import numpy as np

from .fields import Field, ramp, resample, smooth_noise
from .folding import fold
from .frame import Frame
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


def brain_level(places: Coordinates, rng: np.random.Generator) -> Field:
    """Return the level set of cerebrum, cerebellum and brainstem together."""
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
        places, (41.0, -11.0, 0.25), (25.0, 39.0, 23.0), (rng.uniform(0.9, 1.1), rng.uniform(0.9, 1.1))
    )
    # Nothing of the cerebrum lies low in the middle: the sella, the orbits and the petrous bones do.
    floor = (places.h - 0.29 + 0.0011 * np.clip(places.y, -60, 50)) * BRAIN_HEIGHT_MM
    cerebrum = np.maximum(np.minimum(cerebrum, floor), temporal)
    cerebellum = np.maximum(
        paired(places, (25.0, 42.0, 0.15), (31.0, 29.0, 25.0)),
        ellipsoid(places, (0.0, 40.0, 0.16), (12.0, 20.0, 20.0)),
    )
    stem_width = np.interp(places.h, [-0.3, 0.06, 0.12, 0.2, 0.27, 0.33], [6, 7, 10, 15, 15, 16])
    stem_y = np.interp(places.h, [-0.3, 0.1, 0.2, 0.33], [22, 16, 8, 6])
    stem = stem_width - np.hypot(places.x, 1.25 * (places.y - stem_y))
    stem = np.minimum(stem, (0.37 - places.h) * BRAIN_HEIGHT_MM)
    brain = np.maximum(np.maximum(cerebrum, cerebellum), stem)
    return brain.astype(np.float32)


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
    brain = resample(brain_level(places, rng), shape)
    age = rng.uniform(0.0, 1.0)
    ventricles = resample(ventricle_level(places, rng.uniform(0.6, 1.0) + 0.8 * age, ventricle_sides), shape)
    grey_level, pallidum_level = (resample(level, shape) for level in nuclei_level(places))
    frame = Frame(
        x=resample(places.x, shape),
        y=resample(places.y, shape),
        h=resample(places.h, shape),
        brain=brain,
        heights=placement.heights[:, None, None],
        mm=mm,
        age=age,
    )
    surface = fold(rng, frame)
    cerebellar, folia, vermis = _cerebellum(rng, frame, surface.folds)
    fluid = np.maximum(ramp(ventricles + 0.7 * surface.twigs, 2.0), np.maximum(surface.fluid, 0.8 * vermis))

    inside = ramp(brain + rng.uniform(0.2, 1.2) * surface.twigs, 2.0)
    white = rng.uniform(0.62, 1.08)
    nuclei = ramp(grey_level, 2.5) * rng.uniform(0.4, 1.0)
    grey = np.maximum(surface.ribbon, np.maximum(nuclei, 0.6 * cerebellar + 0.3 * folia))
    signal = white + (1.0 - white) * grey
    # Healthy cortex is not equally bright everywhere: insula, cingulum, hippocampus stand out on both sides or one.
    signal = signal * (1.0 + rng.uniform(0.0, 0.2) * surface.ribbon * frame.noise(rng, 4.0, 25.0))
    signal -= rng.uniform(0.05, 0.3) * ramp(pallidum_level, 3.0)
    signal += _tracts(rng, places, shape)
    signal *= 1.0 + rng.uniform(0.01, 0.05) * frame.noise(rng, 1.5, 5.0)
    signal = signal * (1.0 - fluid) + rng.uniform(0.08, 0.3) * fluid
    outside, scalp = around_the_brain(rng, places, brain, frame.h, mm)
    signal = signal * inside + outside * (1.0 - inside)
    return Head(signal.astype(np.float32), (inside * (1.0 - fluid)).astype(np.float32), scalp, brain, places)


def _cerebellum(rng: np.random.Generator, frame: Frame, folds: Field) -> tuple[Field, Field, Field]:
    """Return the shares of cerebellum, of its folia, and of the fluid behind the vermis."""
    share = ramp((0.30 - frame.h) * BRAIN_HEIGHT_MM + 0.15 * (frame.y - 30.0), 6.0) * ramp(
        frame.y - 12.0, 6.0
    )
    folia = share * (0.5 + 0.5 * np.sin(frame.brain * rng.uniform(0.9, 1.7) + 2.0 * folds))
    return share, folia, share * ramp(3.0 - np.abs(frame.x), 3.0) * ramp(frame.y - 48.0, 6.0)


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
