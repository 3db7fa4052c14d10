"""The chest of a person as X-rays see it: how much each part takes away from the beam, on the grid of a film."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .fields import Field, bell, dome, ramp
from .person import Person

SIDES = (-1.0, 1.0)
"""The person's right, which is the left of the film, and the person's left."""


@dataclass(frozen=True)
class Chest:
    """What a film shows before anything is ill.

    Attributes
    ----------
    x, y
        Place of each pixel in the person (see `person`).
    soft, bone
        Thickness of soft tissue and of bone.
    lungs
        Thickness of air in the right and in the left lung, 0 to about 1, without what lies before and behind them.
    outer
        Distance to the inner side of the ribs, positive inside.
    above
        Distance to the diaphragm of the right and of the left, positive above it.
    heart, arch
        Where they lie, bool.
    """

    x: Field
    y: Field
    soft: Field
    bone: Field
    lungs: tuple[Field, Field]
    outer: Field
    above: tuple[Field, Field]
    heart: np.ndarray
    arch: np.ndarray

    @property
    def air(self) -> Field:
        """Return the air of both lungs."""
        return self.lungs[0] + self.lungs[1]


def build_chest(rng: np.random.Generator, person: Person, x: Field, y: Field) -> Chest:
    """Return the chest of a person on the grid of a film."""
    across = np.abs(x)
    inner = _rib_cage(person, y)
    outer = inner - across
    above = tuple(
        _diaphragm(person, side, across, base) - y for side, base in zip(SIDES, person.bases, strict=True)
    )
    below = np.where(x < 0, above[0], above[1])
    shoulder = person.shoulders + 0.5 * np.clip(across - 0.16, 0.0, None) ** 1.4 - y
    wall = person.chest + 0.16 + 0.25 * ramp(-0.1 - y, 0.35)
    trunk = ramp(-shoulder, 0.03) * ramp(wall - across, 0.02)
    neck = ramp(0.21 + 0.3 * np.clip(y + 0.85, 0.0, 1.0) - across, 0.02) * ramp(-0.6 - y, 0.3)
    body = np.maximum(trunk, 0.55 * neck)
    depth = person.thickness * body * (0.35 + 0.65 * dome(across / (wall + 0.05)))
    belly = ramp(-below, 0.012) * body
    deep = 0.3 + 0.7 * dome(np.clip(across / np.maximum(inner, 0.05), 0.0, 1.0))
    air = ramp(outer, 0.014) * ramp(below, 0.012) * ramp(across - 0.045, 0.03) * deep
    heart, heart_thick = _heart(person, x, y)
    arch, arch_thick = _aorta(person, x, y)
    middle = _mediastinum(rng, x, y)
    solid = np.clip(heart_thick + arch_thick + middle, 0.0, 1.0)
    # Lungs reach around the heart in front and behind.
    air = air * (1.0 - 0.82 * solid)
    windpipe = bell(across, 0.04) * ramp(-0.22 - y, 0.05) * ramp(y + 1.1, 0.1)
    soft = depth * (0.62 + 0.3 * belly) + 0.1 * solid * ramp(below, 0.05) - 0.16 * windpipe * body
    soft = soft - 0.34 * _bubble(rng, person, x, y) * belly
    for side in SIDES:
        bent = np.hypot((side * x - 0.36) / 0.3, (y - 0.22) / 0.26)
        soft = soft + person.breasts * dome(bent) * ramp(y + 0.2, 0.5) * body
    branches = _vessels(rng, x, y)
    lit = ramp(below, 0.03) * ramp(outer, 0.03)
    soft = soft + 0.24 * branches * lit * (1.0 - 0.7 * heart_thick)
    bone = _bones(rng, person, x, y, across, inner) * body
    lungs = tuple(air * (side * x > 0) for side in SIDES)
    return Chest(
        x,
        y,
        soft.astype(np.float32),
        bone.astype(np.float32),
        (lungs[0].astype(np.float32), lungs[1].astype(np.float32)),
        outer,
        (above[0], above[1]),
        heart & (below > -0.03),
        arch,
    )


def _rib_cage(person: Person, y: Field) -> Field:
    """Return the inner half width of the ribs at a height; 0 above the apex."""
    up = np.clip((0.28 - y) / (0.28 - person.apex), 0.0, 1.0)
    taper = 1.0 - 0.06 * np.clip((y - 0.28) / 0.4, 0.0, 1.0)
    return np.asarray(person.chest * np.clip(1.0 - up**2.7, 0.0, 1.0) ** 0.62 * taper, dtype=np.float32)


def _diaphragm(person: Person, side: float, across: Field, base: float) -> Field:
    """Return the height of the diaphragm: a dome that falls to the angle between it and the ribs."""
    middle = 0.5 * person.chest
    out = (across - middle) / (person.chest - middle)
    return np.asarray(base + np.where(out > 0, 0.24, 0.07 if side < 0 else 0.1) * out**2, dtype=np.float32)


def _heart(person: Person, x: Field, y: Field) -> tuple[np.ndarray, Field]:
    half = person.heart * person.chest
    turn = person.heart_turn
    long = half / np.hypot(np.cos(turn), person.heart_shape * np.sin(turn))
    short = long * person.heart_shape
    height = np.hypot(long * np.sin(turn), short * np.cos(turn))
    centre = (0.28 * half, person.bases[0] + 0.1 - 0.8 * height)
    along = (x - centre[0]) * np.cos(turn) + (y - centre[1]) * np.sin(turn)
    beside = (y - centre[1]) * np.cos(turn) - (x - centre[0]) * np.sin(turn)
    away = np.hypot(along / long, beside / short)
    return away < 1.0, np.asarray(dome(away) ** 0.6, dtype=np.float32)


def _aorta(person: Person, x: Field, y: Field) -> tuple[np.ndarray, Field]:
    radius = person.arch
    centre = (0.05 + 0.55 * radius, -0.3 - 0.25 * radius)
    away = np.hypot(x - centre[0], y - centre[1]) / radius
    # Down from the arch, beside the spine, into the belly.
    path = centre[0] + 0.25 * radius + 0.02 * np.sin(3.0 * (y - centre[1]))
    down = dome((x - path) / (0.62 * radius)) * ramp(y - centre[1], 0.06) * ramp(0.75 - y, 0.4)
    return away < 1.0, np.maximum(dome(away) ** 0.5, 0.4 * down)


def _mediastinum(rng: np.random.Generator, x: Field, y: Field) -> Field:
    right = rng.uniform(0.1, 0.14)
    left = rng.uniform(0.06, 0.1)
    wider = 0.07 * ramp(y + 0.1, 0.35)
    return np.asarray(0.75 * ramp(x + right + wider, 0.02) * ramp(left + wider - x, 0.02), dtype=np.float32)


def _bubble(rng: np.random.Generator, person: Person, x: Field, y: Field) -> Field:
    """Return the air in the stomach under the left dome, which most people have."""
    if rng.random() < 0.25:
        return np.zeros_like(x)
    width, height = rng.uniform(0.08, 0.17), rng.uniform(0.04, 0.08)
    centre = (rng.uniform(0.25, 0.42), person.bases[1] + height + 0.05)
    return dome(np.hypot((x - centre[0]) / width, (y - centre[1]) / height))


def _bones(
    rng: np.random.Generator, person: Person, x: Field, y: Field, across: Field, inner: Field
) -> Field:
    far = ramp(inner + 0.035 - across, 0.012)
    span = across / person.chest
    back = y - person.apex - 0.05 - 0.2 * span**2 + 0.09 * span
    front = y - person.apex - 0.3 - 0.55 * (1.0 - span)
    bone = np.zeros_like(x)
    for course, half, strength in (
        (back, 0.034, rng.uniform(0.12, 0.2) * ramp(across - 0.05, 0.03)),
        (front, 0.042, rng.uniform(0.05, 0.1) * ramp(span - 0.45, 0.2)),
    ):
        number = np.rint(course / person.ribs)
        off = (course - number * person.ribs) / half
        # Denser at the rim than in the middle, as a tube is.
        tube = dome(off) * (0.65 + 0.5 * off**2)
        bone = bone + strength * tube * ((number >= 0) & (number <= 9)) * far
    spine = ramp(0.075 - across, 0.012)
    discs = 0.5 + 0.5 * np.cos(2.0 * np.pi * (y / 0.13 + rng.random()))
    bone = bone + spine * (0.2 + 0.1 * discs**2)
    tilt = rng.normal(0.0, 0.02)
    for side in SIDES:
        u = side * x
        line = -0.53 + side * tilt - 0.26 * (u - 0.06) + 0.35 * (u - 0.06) * (u - 0.6)
        bone = bone + 0.24 * dome((y - line) / 0.027) * ramp(u - 0.06, 0.015) * ramp(0.64 - u, 0.02)
        blade = ramp(u - 0.58 - 0.25 * (y + 0.35), 0.03) * ramp(0.9 - u, 0.05)
        bone = bone + 0.1 * blade * ramp(y + 0.62, 0.06) * ramp(0.0 - y, 0.12)
        arm = dome(np.hypot((u - 0.86) / 0.1, (y + 0.55) / 0.12))
        bone = bone + 0.3 * arm
    return np.asarray(bone, dtype=np.float32)


def _vessels(rng: np.random.Generator, x: Field, y: Field) -> Field:
    """Return the branches that grow from the roots of the lungs, 0 to about 1."""
    pixel = float(np.hypot(x[0, 1] - x[0, 0], y[0, 1] - y[0, 0]))
    thick: list[NDArray[np.float64]] = []
    thin: list[NDArray[np.float64]] = []
    for side in SIDES:
        root = np.array([side * rng.uniform(0.13, 0.17), rng.uniform(-0.1, -0.02)])
        for angle in np.linspace(-1.35, 1.45, 13):
            heading = angle + rng.normal(0.0, 0.16)
            _grow(rng, thick, thin, pixel, root, side, heading, 0.75)
    wide = ndimage.gaussian_filter(_drawn(np.concatenate(thick), x, y), 0.011 / pixel) * 4.0
    fine = ndimage.gaussian_filter(_drawn(np.concatenate(thin), x, y), 0.0045 / pixel)
    roots = bell(np.hypot(np.abs(x) - 0.15, (y + 0.05) * 0.6), 0.1)
    return np.asarray(np.clip((wide + fine) * 0.012 / pixel, 0.0, 1.0) * 0.8 + 0.35 * roots, dtype=np.float32)


def _grow(
    rng: np.random.Generator,
    thick: list[NDArray[np.float64]],
    thin: list[NDArray[np.float64]],
    step: float,
    root: NDArray[np.float64],
    side: float,
    angle: float,
    reach: float,
) -> None:
    """Add one branch and those that grow from it, as dots (x, y, weight) a pixel apart."""
    bend, length = rng.normal(0.0, 0.35), reach * rng.uniform(0.55, 1.0)
    count = max(8, int(length / step))
    t = np.arange(count) / count
    heading = angle + bend * t
    dots = np.empty((count, 3))
    dots[:, 0] = root[0] + np.cumsum(side * np.cos(heading)) * (length / count)
    dots[:, 1] = root[1] + np.cumsum(np.sin(heading)) * (length / count)
    stem = int(0.3 * count)
    dots[:stem, 2] = 0.5 * (1.0 - t[:stem])
    dots[stem:, 2] = (1.0 - t[stem:]) ** 0.8
    thick.append(dots[:stem])
    thin.append(dots[stem:])
    if reach > 0.3:
        for share in (0.25, 0.5):
            at = int(share * count)
            turn = float(rng.choice([-1.0, 1.0])) * rng.uniform(0.35, 0.7)
            _grow(rng, thin, thin, step, dots[at, :2], side, heading[at] + turn, reach * (1.0 - share) * 0.55)


def _drawn(dots: NDArray[np.float64], x: Field, y: Field) -> Field:
    """Return a field with the weights of dots at the pixels nearest to them; the film may be turned and shifted."""
    rows, columns = x.shape
    across = np.array([x[0, -1] - x[0, 0], y[0, -1] - y[0, 0]], dtype=np.float64) / (columns - 1)
    down = np.array([x[-1, 0] - x[0, 0], y[-1, 0] - y[0, 0]], dtype=np.float64) / (rows - 1)
    places = np.linalg.inv(np.stack([across, down], axis=1)) @ (dots[:, :2] - [x[0, 0], y[0, 0]]).T
    column, row = np.rint(places).astype(np.intp)
    inside = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
    flat = np.bincount(
        row[inside] * columns + column[inside], weights=dots[inside, 2], minlength=rows * columns
    )
    return np.asarray(flat.reshape(rows, columns), dtype=np.float32)
