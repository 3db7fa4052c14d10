"""Smooth random fields and soft edges, the material of which a synthetic head is made."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as functional
from scipy.ndimage import gaussian_filter

Field = npt.NDArray[Any]


def smooth_noise(
    rng: np.random.Generator, shape: tuple[int, int, int], scale: tuple[float, float, float]
) -> Field:
    """Return a smooth random field of zero mean and unit deviation.

    Parameters
    ----------
    rng
        Source of randomness; the field is a function of its state alone.
    shape
        Voxels along (slice, row, column).
    scale
        Correlation length along the same axes, in voxels.
    """
    spacing = [max(1.0, 0.5 * length) for length in scale]
    lattice = [max(3, int(np.ceil(size / step)) + 1) for size, step in zip(shape, spacing, strict=True)]
    values = rng.standard_normal(lattice, dtype=np.float32)
    values = gaussian_filter(
        values, [length / (2.0 * step) for length, step in zip(scale, spacing, strict=True)]
    )
    values = (values - values.mean()) / max(float(values.std()), 1e-6)
    return resample(values, shape)


def resample(values: Field, shape: tuple[int, int, int]) -> Field:
    """Return the field linearly interpolated to `shape`, the outermost samples kept in place."""
    tensor = torch.from_numpy(np.ascontiguousarray(values))[None, None]
    if values.shape[0] == shape[0]:
        stretched = functional.interpolate(
            tensor[0, 0][:, None], shape[1:], mode="bilinear", align_corners=True
        )
        return np.asarray(stretched[:, 0].numpy())
    stretched = functional.interpolate(tensor, shape, mode="trilinear", align_corners=True)
    return np.asarray(stretched[0, 0].numpy())


def ramp(distance: Field, width: float) -> Field:
    """Return a soft inside: 0 below -width/2, 1 above +width/2, linear between (mm)."""
    return np.asarray(np.clip(distance / np.float32(width) + np.float32(0.5), 0.0, 1.0))
