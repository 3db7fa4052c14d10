"""What an echo-planar scanner makes of a head: distortion, coil, ghosts, resolution, Rician noise."""

import numpy as np
import torch
import torch.nn.functional as functional

from .anatomy import Head
from .fields import Field, resample, smooth_noise
from .places import ellipsoid


def distort(
    rng: np.random.Generator, head: Head, signal: Field, mask: Field, adc: Field, mm: float
) -> tuple[Field, Field, Field, Field]:
    """Displace all there is along the rows as air near the skull base does, and pile the signal up.

    Air in the frontal sinuses and in the petrous bones shifts the signal of echo-planar images along the phase
    direction. Where the shift compresses, the image is bright (and is no stroke); where it stretches, dark.

    Returns
    -------
    signal, mask, scalp, adc
        Each (slice, row, column); the mask is bool.
    """
    places = head.places
    sides = rng.uniform(0.0, 1.3, 2)
    if rng.random() < 0.4:
        sides[int(rng.integers(2))] *= 0.15

    def bump(level: Field, reach: float) -> Field:
        return np.asarray(np.exp(-np.square(np.clip(1.0 - level / reach, 0.0, 6.0))), dtype=np.float32)

    # (level set of the air's surroundings, displacement in mm)
    frontal = (rng.normal(0.0, 12.0), rng.uniform(-88.0, -66.0), rng.uniform(0.24, 0.50))
    pockets = [(ellipsoid(places, frontal, (20.0, 13.0, 15.0)), rng.uniform(0.0, 15.0))]
    # Above the sphenoid sinus: a bright edge along the base of the frontal lobes, in the middle.
    sphenoid = (rng.normal(0.0, 10.0), rng.uniform(-52.0, -18.0), rng.uniform(0.24, 0.36))
    pockets.append((ellipsoid(places, sphenoid, (16.0, 16.0, 12.0)), rng.uniform(0.0, 10.0)))
    petrous_y = rng.uniform(-12.0, 34.0)
    for side, strength in zip((-1.0, 1.0), sides, strict=True):
        petrous = (side * rng.uniform(42.0, 66.0), petrous_y, rng.uniform(0.2, 0.4))
        pockets.append((ellipsoid(places, petrous, (18.0, 14.0, 13.0)), strength * rng.uniform(2.0, 13.0)))
        pole = (side * 36.0, -48.0, rng.uniform(0.2, 0.32))
        pockets.append((ellipsoid(places, pole, (13.0, 10.0, 10.0)), rng.uniform(0.0, 9.0)))
    if rng.random() < 0.2:
        # A dental or surgical implant, or an odd air cell: anywhere at the rim.
        angle = rng.uniform(0.0, 2.0 * np.pi)
        place = (62.0 * np.sin(angle), -80.0 * np.cos(angle), rng.uniform(0.15, 0.8))
        pockets.append((ellipsoid(places, place, (14.0, 12.0, 12.0)), rng.uniform(2.0, 10.0)))
    shift = np.zeros_like(places.x)
    glare = np.zeros_like(places.x)
    for level, strength in pockets:
        near = bump(level, 12.0)
        shift = shift + strength * near
        if rng.random() < 0.65:
            glare = glare + 0.1 * strength * rng.uniform(0.3, 3.0) * near
    # Signal folded onto the surface of the brain: a bright crescent, often on one side only.
    crescent = np.exp(-np.square((head.depth - rng.uniform(0.0, 4.0)) / rng.uniform(1.5, 5.0)))
    signal = signal * (1.0 + np.clip(resample(glare, signal.shape), 0.0, 4.0) * crescent).astype(np.float32)
    polarity = 1.0 if rng.random() < 0.5 else -1.0
    moved = polarity * resample(shift, signal.shape) / mm
    moved = moved + rng.uniform(0.0, 1.0) * smooth_noise(rng, signal.shape, (4.0, 40.0, 40.0))
    jacobian = np.clip(1.0 + np.gradient(moved, axis=1), 0.05, 3.5).astype(np.float32)
    size = signal.shape[1:]
    rows, columns = np.meshgrid(np.arange(size[0]), np.arange(size[1]), indexing="ij")
    grid = np.empty((*signal.shape, 2), dtype=np.float32)
    grid[..., 0] = (2.0 * columns + 1.0) / size[1] - 1.0
    grid[..., 1] = (2.0 * (rows + moved) + 1.0) / size[0] - 1.0
    stack = torch.from_numpy(np.stack([signal, mask.astype(np.float32), head.scalp, adc], axis=1))
    warped = functional.grid_sample(stack, torch.from_numpy(grid), align_corners=False).numpy()
    return warped[:, 0] * jacobian, warped[:, 1] > 0.5, warped[:, 2], warped[:, 3]


def coil(rng: np.random.Generator, shape: tuple[int, int, int]) -> Field:
    """Return the receive sensitivity, about 1 in the middle and brighter towards the periphery.

    Near the elements of a close-fitting coil the cortex may be three times as bright as the middle of the brain, on one
    side more than on the other: a network must not take that for a lesion.
    """
    slices, rows, columns = shape
    y, x = np.meshgrid(np.linspace(-1, 1, rows), np.linspace(-1, 1, columns), indexing="ij")
    radius = np.hypot(x, y)
    rim = rng.uniform(0.0, 1.0) ** 1.5 * 3.2 * radius ** rng.uniform(1.5, 4.0)
    lean = rng.uniform(-0.5, 1.0) * y + rng.normal(0.0, 0.15) * x
    plane = 1.0 + rim + lean
    for _ in range(int(rng.integers(0, 4))):
        angle, far = rng.uniform(0.0, 2.0 * np.pi), rng.uniform(0.6, 1.0)
        distance = np.hypot(y - far * np.cos(angle), x - far * np.sin(angle))
        plane = plane + rng.uniform(0.0, 1.6) * np.exp(-np.square(distance / rng.uniform(0.25, 0.6)))
    drift = np.linspace(-1, 1, slices)[:, None, None] * rng.normal(0.0, 0.15)
    wave = rng.uniform(0.0, 0.15) * smooth_noise(rng, shape, (10.0, 60.0, 60.0))
    return np.asarray(np.clip(plane[None] + drift + wave, 0.25, 6.0), dtype=np.float32)


def add_artefacts(rng: np.random.Generator, signal: Field, scalp: Field) -> Field:
    """Add the half-field ghost of echo-planar imaging and, sometimes, shifted unsuppressed fat."""
    rows = signal.shape[1]
    if rng.random() < 0.6:
        signal = signal + rng.uniform(0.005, 0.07) * np.roll(signal, rows // 2, axis=1)
    if rng.random() < 0.2:
        distance = int(rng.uniform(0.03, 0.16) * rows) * (1 if rng.random() < 0.5 else -1)
        signal = signal + rng.uniform(0.1, 0.6) * np.roll(scalp, distance, axis=1)
    if rng.random() < 0.1:
        # One slice in some scans is darker: the patient moved during diffusion weighting.
        chosen = rng.random(signal.shape[0]) < 0.15
        signal = signal * np.where(chosen, rng.uniform(0.3, 0.8), 1.0)[:, None, None]
    return signal.astype(np.float32)


def acquire(
    rng: np.random.Generator,
    signal: Field,
    quiet: bool = False,
    noise: np.random.Generator | None = None,
) -> Field:
    """Return the magnitude image: sampled at the acquisition matrix, noisy, interpolated back, never negative.

    Parameters
    ----------
    signal
        Noise-free image, grey matter about 1.
    quiet
        Keep noise low and resolution high, for a demonstration.
    noise
        Source of the noise where it shall differ from another image of the same protocol; `rng` otherwise.
    """
    size = signal.shape[1]
    tensor = torch.from_numpy(np.ascontiguousarray(signal))[:, None]
    share = rng.uniform(0.85, 1.0) if quiet or rng.random() < 0.4 else rng.uniform(0.38, 0.9)
    matrix = max(48, round(share * size))
    if matrix < size:
        tensor = functional.interpolate(tensor, (matrix, matrix), mode="area" if share < 0.75 else "bilinear")
    coarse = tensor[:, 0].numpy()
    sigma = 0.015 if quiet else float(np.exp(rng.uniform(np.log(0.008), np.log(0.13))))
    # Parallel imaging amplifies noise in the middle of the head.
    y, x = np.meshgrid(np.linspace(-1, 1, matrix), np.linspace(-1, 1, matrix), indexing="ij")
    amplification = 1.0 + rng.uniform(0.0, 1.0) * np.exp(-(y * y + x * x) / 0.3)
    real = rng.standard_normal(coarse.shape, dtype=np.float32) * amplification.astype(np.float32) * sigma
    imaginary = rng.standard_normal(coarse.shape, dtype=np.float32) * amplification.astype(np.float32) * sigma
    if noise is not None:
        real = noise.standard_normal(coarse.shape, dtype=np.float32) * sigma
        imaginary = noise.standard_normal(coarse.shape, dtype=np.float32) * sigma
    floor = 0.0 if rng.random() < 0.5 else rng.uniform(0.0, 0.22)
    magnitude = np.sqrt(np.square(coarse + real) + np.square(imaginary) + np.float32(floor**2))
    if rng.random() < 0.5:
        # Many vendors set the background to zero, some of them with part of the skull base.
        threshold = rng.uniform(0.6, 1.4) * (floor + 2.0 * sigma) + 0.02
        blurred = torch.from_numpy(np.ascontiguousarray(magnitude))[:, None]
        body = functional.avg_pool2d(blurred, 5, 1, 2, count_include_pad=False)[:, 0].numpy()
        magnitude = np.where(body > threshold, magnitude, 0.0)
    if matrix < size:
        mode = "bicubic" if rng.random() < 0.6 else "bilinear"
        tensor = torch.from_numpy(np.ascontiguousarray(magnitude, dtype=np.float32))[:, None]
        magnitude = functional.interpolate(tensor, (size, size), mode=mode, align_corners=False)[:, 0].numpy()
    if not quiet and rng.random() < 0.3:
        magnitude = np.power(np.clip(magnitude, 0.0, None), rng.uniform(0.8, 1.2))
    return np.asarray(np.clip(magnitude, 0.0, None), dtype=np.float32)


def extract(rng: np.random.Generator, depth: Field, mm: float) -> np.ndarray:
    """Return the voxels (slice, row, column), bool, that a brain extraction leaves; all others become zero.

    Shared data are often given without skull and face. The edge is never quite right: it cuts a little tissue here
    and leaves a rim of meninges there.

    Parameters
    ----------
    depth
        Distance to the brain's surface (mm, positive inside) before the scanner's distortion.
    mm
        Voxel size in the plane.
    """
    wander = rng.uniform(0.3, 1.5) * smooth_noise(rng, depth.shape, (1.5, 9.0 / mm, 9.0 / mm))
    return np.asarray(depth + wander > rng.uniform(-4.0, 1.5))
