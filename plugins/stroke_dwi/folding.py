"""The folded surface of the brain: the fissure between the hemispheres, the sulci, and the cortex along both.

A sulcus is a sheet that runs from the surface inwards. So each one is drawn on the surface, as the line where a smooth
random field over directions from the middle of a hemisphere changes sign, and reaches as deep as a second field says.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as functional
from scipy.ndimage import gaussian_filter

from .fields import Field, ramp
from .frame import Frame
from .places import BRAIN_HEIGHT_MM

_LATTICE = 64
_MILLIMETRES = 140.0
"""What the lattice spans at the surface of a hemisphere."""
_RADII = (38.0, 80.0, 62.0)
"""Of a hemisphere from its middle, mm: towards the side, the back, the top."""


@dataclass(frozen=True)
class Surface:
    """Shares of each voxel, 0 to 1, and what folded them.

    Attributes
    ----------
    fluid
        Fluid of the fissure and of the sulci.
    ribbon
        Cortex.
    folds, twigs
        Smooth random fields of unit deviation.
    """

    fluid: Field
    ribbon: Field
    folds: Field
    twigs: Field


def fold(rng: np.random.Generator, frame: Frame) -> Surface:
    """Return the folded surface of one brain."""
    gap = frame.by_height([0.3, 0.6, 0.74], [38.0, 34.0, 0.0])
    # The fissure: front and back in the middle of the brain, all along near the top.
    opened = ramp(np.abs(frame.y + 4.0) - gap, 8.0) * ramp((frame.h - 0.31) * BRAIN_HEIGHT_MM, 6.0)
    vertex = ramp((frame.h - 0.86) * BRAIN_HEIGHT_MM, 20.0)
    half_width = (0.2 + 1.2 * frame.age) * (1.0 + 1.5 * vertex)
    waves = frame.noise(rng, 2.0, 9.0)
    fissure = ramp(half_width * (1.0 + 0.7 * waves) - np.abs(frame.x + 0.8 * waves), 2.0) * opened

    folds = frame.noise(rng, rng.uniform(2.0, 4.0), 10.0)
    twigs = frame.noise(rng, rng.uniform(1.5, 3.0), 6.5)
    depth = np.minimum(frame.brain, np.where(opened > 0.5, np.abs(frame.x), 99.0))
    # Above the tentorium, which lies higher in front of the cerebellum than the temporal lobes do.
    floor = 0.27 - 0.22 * ramp(10.0 - frame.y, 14.0) * ramp(np.abs(frame.x) - 20.0, 6.0)
    cerebral = ramp((frame.h - floor) * BRAIN_HEIGHT_MM - 0.12 * (frame.y - 20.0), 10.0)
    directions = _directions(frame, 0.05 * folds, 0.03 * twigs)
    width = 0.5 + 1.6 * frame.age + rng.uniform(0.5, 3.0) * vertex
    fluid, cortex = fissure, ramp(3.5 - depth, 2.0)
    # (how far apart in mm, how deep in mm, how wide): main sulci, and shallow ones between them
    for apart, reach, wide in ((rng.uniform(18.0, 28.0), rng.uniform(12.0, 20.0), 1.0), (12.0, 6.0, 0.6)):
        line, bottom = _drawn(rng, directions, apart), _drawn(rng, directions, 1.4 * apart)
        deep = reach * np.clip(0.75 + 0.45 * bottom, 0.0, 1.6) * (1.0 + 0.4 * vertex)
        millimetres = np.abs(line) * (0.32 * apart)
        inside = ramp(deep - depth, 5.0) * cerebral
        # They gape at the surface.
        gape = wide * width * (0.5 + 0.9 * ramp(4.0 - depth, 8.0))
        fluid = np.maximum(fluid, inside * ramp(0.5 * gape - millimetres, 1.2))
        cortex = np.maximum(cortex, ramp(deep + 3.0 - depth, 3.0) * cerebral * ramp(3.0 - millimetres, 2.0))
    return Surface(fluid * rng.uniform(0.75, 1.0), cortex, folds, twigs)


def _directions(frame: Frame, *bends: Field) -> torch.Tensor:
    """Return the direction of every voxel from the middle of its hemisphere, a little bent, in -1 to 1."""
    side = np.where(frame.x < 0, -1.0, 1.0)
    x = (frame.x - 26.0 * side) / _RADII[0]
    y = (frame.y + 4.0) / _RADII[1]
    z = (frame.h - 0.52) * (BRAIN_HEIGHT_MM / _RADII[2])
    length = np.sqrt(x * x + y * y + z * z) + 1e-3
    bend = sum(bends[1:], bends[0])
    # The two hemispheres use different parts of the lattice, so that they are alike and not mirror images.
    parts = [0.42 * x / length + 0.5 * side + bend, 0.9 * y / length + bend, 0.9 * z / length - bend]
    stacked = np.stack(np.broadcast_arrays(*parts), axis=-1).astype(np.float32)
    return torch.from_numpy(np.ascontiguousarray(stacked))


def _drawn(rng: np.random.Generator, directions: torch.Tensor, apart: float) -> Field:
    """Return a random field over directions; at the surface it changes sign about every `apart` mm."""
    # A Gaussian field of this width changes sign every 4.4 widths on average.
    width = apart / 4.44 * (_LATTICE / _MILLIMETRES)
    # The lattice is stretched sideways: half of it is one hemisphere.
    scale = (width, width, 0.5 * width)
    values = gaussian_filter(rng.standard_normal((_LATTICE,) * 3, dtype=np.float32), scale)
    values = (values - values.mean()) / max(float(values.std()), 1e-6)
    lattice = torch.from_numpy(values)[None, None]
    drawn = functional.grid_sample(lattice, directions[None], align_corners=True, padding_mode="reflection")
    return np.asarray(drawn[0, 0].numpy())
