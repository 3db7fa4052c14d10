"""The findings of lungs and pleura: what each adds to the beam's way, and where it lies."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from .anatomy import SIDES, Chest
from .fields import Field, bell, cloud, ramp
from .findings import EFFUSION, FIBROSIS, OPACITY, THICKENING

_LEAST = 0.25
"""A finding lies where it adds at least so much of what it adds at most."""


@dataclass(frozen=True)
class Spot:
    """One place of a finding.

    Attributes
    ----------
    name
        Of the finding.
    density
        What it adds to the thickness of soft tissue, where there was air.
    """

    name: str
    density: Field

    @property
    def mask(self) -> np.ndarray:
        """Return where it lies."""
        return np.asarray(self.density > _LEAST * float(self.density.max(initial=0.0)))


def _opacity(rng: np.random.Generator, chest: Chest) -> list[Spot]:
    spots = []
    for _ in range(int(rng.choice([1, 1, 1, 2, 2, 3]))):
        side = int(rng.integers(2))
        lung = chest.lungs[side]
        row, column = _place(rng, lung)
        radius = rng.uniform(0.1, 0.21)
        turn, long = rng.uniform(0.0, np.pi), rng.uniform(1.0, 1.5)
        dx, dy = chest.x - chest.x[row, column], chest.y - chest.y[row, column]
        along = (dx * np.cos(turn) + dy * np.sin(turn)) / (radius * long)
        beside = (dy * np.cos(turn) - dx * np.sin(turn)) / radius
        ragged = 1.0 + 0.22 * cloud(rng, lung.shape, 4.0)
        blob = bell(np.hypot(along, beside) * ragged, 1.15)
        grain = np.clip(1.0 + 0.2 * cloud(rng, lung.shape, 2.0), 0.3, None)
        spots.append(Spot(OPACITY, blob * grain * ramp(lung - 0.2, 0.15) * rng.uniform(0.26, 0.42)))
    return spots


def _effusion(rng: np.random.Generator, chest: Chest) -> list[Spot]:
    spots = []
    for side in (0, 1) if rng.random() < 0.25 else (int(rng.integers(2)),):
        lung, above = chest.lungs[side], chest.above[side]
        u = SIDES[side] * chest.x
        bottom = float(np.max(chest.y, initial=-1.0, where=lung > 0.15))
        height = rng.uniform(0.2, 0.55)
        # A meniscus: the fluid stands higher at the ribs.
        rise = 0.16 * bell(chest.outer, 0.22) + 0.04 * bell(u, 0.3)
        fluid = ramp(chest.y + rise - (bottom - height), 0.035) * ramp(lung - 0.12, 0.1)
        fluid = fluid * ramp(above + 0.02, 0.04)
        spots.append(Spot(EFFUSION, fluid * rng.uniform(0.28, 0.42)))
    return spots


def _thickening(rng: np.random.Generator, chest: Chest) -> list[Spot]:
    spots = []
    for side in (0, 1) if rng.random() < 0.3 else (int(rng.integers(2)),):
        lung = chest.lungs[side]
        inside = ramp(SIDES[side] * chest.x - 0.11, 0.04)
        wide = rng.uniform(0.06, 0.1)
        top = float(np.min(chest.y, initial=1.0, where=lung > 0.1))
        if rng.random() < 0.6:  # a cap on the apex
            depth = rng.uniform(0.12, 0.2)
            peel = ramp(top + depth - chest.y, 0.05) * ramp(lung - 0.1, 0.08)
        else:  # along the ribs
            start, length = rng.uniform(-0.45, 0.05), rng.uniform(0.28, 0.5)
            peel = ramp(chest.y - start, 0.08) * ramp(start + length - chest.y, 0.08)
            peel = peel * ramp(wide - chest.outer, 0.025) * ramp(lung - 0.1, 0.08)
        uneven = np.clip(1.0 + 0.2 * cloud(rng, lung.shape, 3.0), 0.4, None)
        strength = inside * rng.uniform(0.3, 0.45)
        spots.append(Spot(THICKENING, np.asarray(peel * uneven * strength, dtype=np.float32)))
    return spots


def _fibrosis(rng: np.random.Generator, chest: Chest) -> list[Spot]:
    spots = []
    base = rng.random() < 0.6
    for side in (0, 1) if rng.random() < 0.5 else (int(rng.integers(2)),):
        lung = chest.lungs[side]
        middle = float(np.mean(chest.y, where=lung > 0.15))
        row, column = _place(rng, lung * ((chest.y > middle + 0.1) if base else (chest.y < middle - 0.05)))
        away = np.hypot(
            (chest.x - chest.x[row, column]) / rng.uniform(0.22, 0.3),
            (chest.y - chest.y[row, column]) / rng.uniform(0.18, 0.28),
        )
        # The lines where a cloud changes its sign make a net.
        net = np.zeros_like(lung)
        for cells in (0.9, 1.5):
            field = cloud(rng, lung.shape, cells)
            net = np.maximum(net, bell(field, 0.4))
        where = bell(away, 1.1) ** np.float32(0.7) * ramp(lung - 0.2, 0.15)
        density = where * (0.2 + net) * rng.uniform(0.22, 0.34)
        spots.append(Spot(FIBROSIS, np.asarray(density, dtype=np.float32)))
    return spots


def _place(rng: np.random.Generator, lung: Field) -> tuple[int, int]:
    """Return a pixel well inside a lung."""
    step = max(1, max(lung.shape) // 64)
    small = lung[::step, ::step]
    deep = ndimage.distance_transform_edt(small > 0.2)
    rows, columns = np.nonzero(deep >= 0.45 * deep.max())
    chosen = int(rng.random() * len(rows))
    return int(rows[chosen]) * step, int(columns[chosen]) * step


_DRAWN: dict[str, Callable[[np.random.Generator, Chest], list[Spot]]] = {
    OPACITY: _opacity,
    EFFUSION: _effusion,
    THICKENING: _thickening,
    FIBROSIS: _fibrosis,
}


def draw_findings(rng: np.random.Generator, chest: Chest, names: frozenset[str]) -> list[Spot]:
    """Return the spots of the findings of lungs and pleura among `names`.

    Each finding has a stream of numbers of its own, so one more leaves the others where they are.
    """
    streams = rng.spawn(len(_DRAWN))
    spots: list[Spot] = []
    for (name, draw), own in zip(_DRAWN.items(), streams, strict=True):
        if name in names:
            spots += [spot for spot in draw(own, chest) if spot.density.max(initial=0.0) > 0.02]
    return spots
