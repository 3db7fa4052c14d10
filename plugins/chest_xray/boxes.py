"""Boxes on a film: half-open pixel edges in the axes (row, column)."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Box:
    """A box; its edges need not lie between pixels."""

    row_min: float
    column_min: float
    row_max: float
    column_max: float

    @property
    def height(self) -> float:
        """Return the number of rows."""
        return self.row_max - self.row_min

    @property
    def width(self) -> float:
        """Return the number of columns."""
        return self.column_max - self.column_min

    def scaled(self, factor: float) -> "Box":
        """Return the box on a film that is so many times as large."""
        return Box(*(edge * factor for edge in self.edges))

    @property
    def edges(self) -> tuple[float, float, float, float]:
        """Return (row_min, column_min, row_max, column_max)."""
        return self.row_min, self.column_min, self.row_max, self.column_max


def box_of(mask: np.ndarray) -> Box | None:
    """Return the smallest box around a mask; None where it has no pixel."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    return Box(float(rows[0]), float(columns[0]), float(rows[-1] + 1), float(columns[-1] + 1))
