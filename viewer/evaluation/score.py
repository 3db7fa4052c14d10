"""A number that says what it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
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
    range : least and greatest value that it can have, infinite where there is none; None where that was not stated.
    source : publication that the score follows; empty for what needs none.
    """

    name: str
    value: float
    direction: Direction
    rule: str
    low: float | None = None
    high: float | None = None
    n: int | None = None
    range: tuple[float, float] | None = None
    source: str = ""

    @property
    def defined(self) -> bool:
        return not math.isnan(self.value)

    def to_json(self) -> dict[str, Any]:
        """JSON-able fields; a number that is not defined or not finite becomes null, because JSON has neither."""
        return {
            "name": self.name,
            "value": _finite(self.value),
            "direction": self.direction,
            "rule": self.rule,
            "low": self.low,
            "high": self.high,
            "n": self.n,
            "range": None if self.range is None else [_finite(bound) for bound in self.range],
            "source": self.source,
        }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def mean_of(name: str, scores: Sequence[Score], of: str) -> Score:
    """The mean of scores of one kind, of those that are defined; how many are not is said.

    Parameters
    ----------
    of : what they are scores of, in the plural ("readers", "images").
    """
    known = [score.value for score in scores if score.defined]
    missing = len(scores) - len(known)
    rule = f"mean over {len(known)} {of}" + (f": {scores[0].rule}" if scores else "")
    if missing:
        rule += f"; not defined for {missing} more"
    value = math.fsum(known) / len(known) if known else math.nan
    first = scores[0] if scores else None
    return Score(
        name,
        value,
        first.direction if first else "none",
        rule,
        n=len(known),
        range=first.range if first else None,
        source=first.source if first else "",
    )
