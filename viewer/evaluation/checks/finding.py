"""What a check found: a number, a picture and a sentence. No torch here: windows and files are made from this."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Verdict = Literal["no objection", "doubtful", "fails", "not defined"]
"""``no objection`` says that this check found nothing against the map, never that the map is right."""


@dataclass(frozen=True, eq=False)
class Panel:
    """A small picture of what was compared.

    Attributes
    ----------
    title : words under it.
    values : (row, column) float32; of a volume the slice through the peak of the checked map.
    kind : ``map``, in colours over its own largest magnitude, or ``picture``, in greys over its own range.
    note : the number that belongs to it; empty for none.
    """

    title: str
    values: NDArray[np.float32]
    kind: Literal["map", "picture"] = "map"
    note: str = ""


@dataclass(frozen=True, eq=False)
class Finding:
    """What one check found.

    Attributes
    ----------
    name : of the check, see `declaration.CHECKS`.
    value : the number; None where it is not defined, and then the sentence says why.
    verdict : what it means.
    sentence : the number in words, with the threshold that it was held against.
    panels : what was compared.
    details : further numbers by name, JSON-able.
    """

    name: str
    value: float | None
    verdict: Verdict
    sentence: str
    panels: tuple[Panel, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """An entry of ``whyslice check``."""
        return {
            "name": self.name,
            "value": self.value,
            "verdict": self.verdict,
            "sentence": self.sentence,
            "details": dict(self.details),
        }


LEAST_CELLS = 16
"""Ranks of fewer cells than these say little: with nothing in common two maps of 9 cells correlate by 0.35 (one
standard deviation), of 16 by 0.26, of 49 by 0.14."""


def too_few(cells: int, where: str = "") -> str:
    """Why cells cannot be ranked, a sentence; empty where they can."""
    if cells >= LEAST_CELLS:
        return ""
    return f"The map has {cells} cells{where}, too few to be ranked: take an earlier layer."


def undefined(name: str, sentence: str, **details: Any) -> Finding:
    """A check that has no meaning here."""
    return Finding(name, None, "not defined", sentence, details=details)


def number(value: float) -> float | None:
    """For JSON, which has no nan."""
    return None if math.isnan(value) else float(value)


def weighed(value: float, *, doubtful: float, fails: float) -> Verdict:
    """The verdict of a defined number. The worse end is that of `fails`: above it, or below where it is the smaller."""
    sign = 1 if fails >= doubtful else -1
    if sign * value >= sign * fails:
        return "fails"
    return "doubtful" if sign * value >= sign * doubtful else "no objection"
