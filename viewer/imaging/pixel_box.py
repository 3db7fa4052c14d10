"""A box in the pixels of a picture."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PixelBox:
    """Half-open pixel edges in the axes (row, column); they may lie within a pixel, and beyond the picture."""

    row_min: float
    column_min: float
    row_max: float
    column_max: float

    @property
    def height(self) -> float:
        """Number of rows."""
        return self.row_max - self.row_min

    @property
    def width(self) -> float:
        """Number of columns."""
        return self.column_max - self.column_min

    @property
    def edges(self) -> tuple[float, float, float, float]:
        """(row_min, column_min, row_max, column_max)."""
        return self.row_min, self.column_min, self.row_max, self.column_max

    def scaled(self, factor: float) -> PixelBox:
        """The box on a picture that is so many times as large."""
        return PixelBox(*(edge * factor for edge in self.edges))
