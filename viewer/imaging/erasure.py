"""A part of a picture that is to be taken out before a network sees it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

Fill = Literal["surroundings", "mean", "blur"]
"""What comes in its place: values that lead over from what lies around it, the mean of the picture, or the part itself
without anything that could be read."""
FILLS: tuple[Fill, ...] = get_args(Fill)


@dataclass(frozen=True)
class Erasure:
    """A box on the pictures of the reading plane.

    Attributes
    ----------
    row_min, column_min, row_max, column_max : half-open pixel edges of the picture as it is shown.
    slice : of the reading plane; None for every slice.
    """

    row_min: float
    column_min: float
    row_max: float
    column_max: float
    slice: int | None = None
    fill: Fill = "surroundings"

    def on(self, index: int) -> bool:
        """Whether it is on a slice."""
        return self.slice is None or self.slice == index

    @property
    def words(self) -> str:
        """``rows 40 to 80, columns 12 to 30 (surroundings)``."""
        where = "" if self.slice is None else f", slice {self.slice}"
        rows = f"rows {self.row_min:.4g} to {self.row_max:.4g}"
        return f"{rows}, columns {self.column_min:.4g} to {self.column_max:.4g}{where} ({self.fill})"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)
