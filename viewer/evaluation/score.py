"""A number that says what it is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

Direction = Literal["higher", "lower", "none"]


@dataclass(frozen=True)
class Score:
    """One measured number.

    Attributes
    ----------
    name : stable identifier, lower case with hyphens.
    value : the number; nan where it is not defined, and then `rule` says why.
    direction : whether ``higher`` or ``lower`` is better; ``none`` when neither is.
    rule : how it was computed, in words that can stand under the number.
    low, high : bounds of its 95% interval; None where there is none.
    n : how many things it was computed from; None where that has no meaning.
    """

    name: str
    value: float
    direction: Direction
    rule: str
    low: float | None = None
    high: float | None = None
    n: int | None = None

    @property
    def defined(self) -> bool:
        return not math.isnan(self.value)

    def to_json(self) -> dict[str, Any]:
        """JSON-able fields; a number that is not defined becomes null, because JSON has no nan."""
        return {
            "name": self.name,
            "value": self.value if self.defined else None,
            "direction": self.direction,
            "rule": self.rule,
            "low": self.low,
            "high": self.high,
            "n": self.n,
        }
