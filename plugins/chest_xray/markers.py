"""The letter that a radiographer lays on the cassette: R or L, burned into the film."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from viewer.api import PixelBox

from .fields import Field, ramp

_LETTERS: dict[str, tuple[tuple[tuple[float, float], ...], ...]] = {
    # Strokes through points (x, y) of a square from -1 to 1, y down.
    "R": (
        ((-0.6, 1.0), (-0.6, -1.0), (0.15, -1.0), (0.5, -0.75), (0.55, -0.45), (0.5, -0.2), (0.15, 0.0), (-0.6, 0.0)),
        ((0.0, 0.0), (0.65, 1.0)),
    ),
    "L": (((-0.5, -1.0), (-0.5, 1.0), (0.6, 1.0)),),
}  # fmt: skip


@dataclass(frozen=True)
class Marker:
    """A letter on a film.

    Attributes
    ----------
    letter
        ``R`` or ``L``.
    ringed
        Whether it lies in a ring, as the markers of one X-ray room do; those of the other room are bare.
    row, column
        Its middle, as parts of the film.
    size
        Half its height, as a part of the film.
    turn
        Radians.
    """

    letter: str
    ringed: bool
    row: float
    column: float
    size: float
    turn: float

    def box(self, shape: tuple[int, int]) -> PixelBox:
        """Return the half-open pixel edges that hold all of it."""
        reach = self.size * 2.1
        return PixelBox(
            max(0.0, (self.row - reach) * shape[0]),
            max(0.0, (self.column - reach) * shape[1]),
            min(float(shape[0]), (self.row + reach) * shape[0]),
            min(float(shape[1]), (self.column + reach) * shape[1]),
        )


def draw_marker(rng: np.random.Generator, ringed: bool) -> Marker:
    """Return a marker of a film: R high on the left or L high on the right of it, some of them low."""
    letter = "R" if rng.random() < 0.6 else "L"
    side = rng.uniform(0.07, 0.15)
    return Marker(
        letter,
        ringed,
        row=rng.uniform(0.07, 0.2) if rng.random() < 0.8 else rng.uniform(0.75, 0.92),
        column=side if letter == "R" else 1.0 - side,
        size=rng.uniform(0.02, 0.03),
        turn=rng.normal(0.0, 0.12),
    )


def burn(marker: Marker, film: Field) -> None:
    """Write the marker into a film of 0 (black) to 1 (white), in place."""
    rows, columns = film.shape
    box = marker.box(film.shape)
    part = (
        slice(int(box.row_min), int(np.ceil(box.row_max))),
        slice(int(box.column_min), int(np.ceil(box.column_max))),
    )
    y = (np.arange(rows)[part[0]] + 0.5) / rows - marker.row
    x = (np.arange(columns)[part[1]] + 0.5) / columns - marker.column
    x, y = np.meshgrid(x / marker.size, y / marker.size)
    cosine, sine = np.cos(marker.turn), np.sin(marker.turn)
    x, y = x * cosine + y * sine, y * cosine - x * sine
    away = np.full(x.shape, np.inf)
    for stroke in _LETTERS[marker.letter]:
        for first, second in pairwise(stroke):
            away = np.minimum(away, _to_line(x, y, first, second))
    if marker.ringed:
        away = np.minimum(away, np.abs(np.hypot(x, y) - 1.7))
    pixel = 1.0 / (marker.size * min(rows, columns))
    ink = ramp(0.2 - away, max(pixel, 0.05))
    film[part] = np.maximum(film[part], ink)


def _to_line(
    x: np.ndarray, y: np.ndarray, first: tuple[float, float], second: tuple[float, float]
) -> np.ndarray:
    dx, dy = second[0] - first[0], second[1] - first[1]
    along = np.clip(((x - first[0]) * dx + (y - first[1]) * dy) / (dx * dx + dy * dy), 0.0, 1.0)
    return np.asarray(np.hypot(x - first[0] - along * dx, y - first[1] - along * dy))
