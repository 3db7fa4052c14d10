"""What one model said of one series under one choice of input: probabilities and maps, as far as they are there."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from viewer.explainers.atlas import Atlas
from viewer.models.card import Crop, ScoreType
from viewer.models.input_view import InputView


@dataclass(frozen=True)
class Variant:
    """What makes two readings of one case different.

    Attributes
    ----------
    model : id.
    mirror, crop : of the network's input.
    score : what is differentiated.
    """

    model: str
    mirror: bool = False
    crop: Crop = "none"
    score: ScoreType = "logit"


@dataclass(eq=False)
class SeriesReading:
    """Filled slice by slice by the explaining controller, read by everybody.

    Attributes
    ----------
    atlas : the maps and probabilities.
    views : slice -> the way from picture to network and back.
    flags : what the traces found out about the network, see `TraceResult`.
    """

    variant: Variant
    atlas: Atlas
    views: dict[int, InputView] = field(default_factory=dict)
    flags: set[str] = field(default_factory=set)

    @property
    def filled(self) -> Collection[int]:
        """Slices that have been traced."""
        return self.views.keys()

    def probability(self, index: int, target: int) -> float:
        """Probability of a class on a traced slice."""
        row = self.atlas.probabilities(index)
        assert row is not None, "asked of a slice that is not traced"
        return float(row[target])
