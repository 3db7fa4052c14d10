"""What one model said of one series under one choice of input: probabilities and maps, as far as they are there."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from viewer.evaluation.checks.finding import Finding
from viewer.evaluation.importance_result import PixelImportance
from viewer.explainers.atlas import Atlas
from viewer.imaging.erasure import Erasure
from viewer.models.card import Crop, ScoreType
from viewer.models.input_view import InputView
from viewer.models.volume_cut import VolumeCut


@dataclass(frozen=True)
class Variant:
    """What makes two readings of one case different.

    Attributes
    ----------
    model : as it was asked for: id or folder.
    mirror, crop : of the network's input.
    score : what is differentiated.
    region : where a segmentation network is asked, see `Choice.region`.
    erased : what was taken out of the picture before the network saw it.
    """

    model: str
    mirror: bool = False
    crop: Crop = "none"
    score: ScoreType = "logit"
    region: str = "all"
    erased: tuple[Erasure, ...] = ()


@dataclass(frozen=True)
class Place:
    """Where a map that is made on demand belongs.

    Attributes
    ----------
    key : of the explainer with its parameters, see `viewer.state.method`.
    """

    slice: int
    target: int
    layer: str
    key: str


@dataclass(frozen=True, eq=False)
class Weighed:
    """What replacing the important pixels of one map has shown.

    Attributes
    ----------
    before : (row, column) the first channel of the input, 0 to 255; of a volume the slice with the map's peak.
    after : (transform, percent) -> the same with that much replaced.
    note : what the pictures are of, where it is not the whole input.
    """

    result: PixelImportance
    before: NDArray[np.uint8]
    after: Mapping[tuple[str, float], NDArray[np.uint8]]
    note: str = ""


@dataclass(frozen=True)
class Rounds:
    """How far a map is: an unfinished one is the mean of what there is.

    Attributes
    ----------
    flags : what was found out about the map, e.g. ``incomplete``.
    facts : numbers that say how far it can be trusted, see `viewer.explainers.map_facts`.
    """

    done: int
    total: int
    flags: tuple[str, ...] = ()
    facts: Mapping[str, float] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        return self.done >= self.total


@dataclass(frozen=True)
class Steadiness:
    """How steady the answer on one slice is.

    Attributes
    ----------
    passes : Monte Carlo dropout passes; 0 where the network has no dropout.
    intervals : per class the 2.5th and 97.5th percentile of the probability over them.
    mirrored : Pearson correlation of the chosen map with the one of the mirrored input, mirrored back; NaN where it is
        not defined, by the place of the map.
    """

    passes: int
    intervals: tuple[tuple[float, float], ...] = ()
    mirrored: Mapping[Place, float] = field(default_factory=dict)


@dataclass(eq=False)
class SeriesReading:
    """Filled slice by slice by the explaining controller, read by everybody.

    Attributes
    ----------
    atlas : the maps and probabilities.
    views : slice -> the way from picture to network and back.
    flags : what the traces found out about the network, see `TraceResult`.
    rounds : of maps that are made on demand, how far they are.
    steady : how steady the answers on a slice are, as far as that was measured.
    weighed : what replacing the important pixels of a map has shown; the last few.
    checks : what the trust checks of a map found, by the place of the map and the name of the check.
    """

    variant: Variant
    atlas: Atlas
    views: dict[int, InputView | VolumeCut] = field(default_factory=dict)
    flags: set[str] = field(default_factory=set)
    rounds: dict[Place, Rounds] = field(default_factory=dict)
    steady: dict[int, Steadiness] = field(default_factory=dict)
    weighed: dict[Place, Weighed] = field(default_factory=dict)
    checks: dict[Place, dict[str, Finding]] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        """Whether there is one answer for the whole volume; else every slice has its own."""
        return False

    def question(self, index: int) -> int:
        """The number under which the answer on a slice is kept."""
        return index

    @property
    def filled(self) -> Collection[int]:
        """Slices that have been traced."""
        return self.views.keys()

    def probability(self, index: int, target: int) -> float:
        """Probability of a class on a traced slice."""
        row = self.atlas.probabilities(index)
        assert row is not None, "asked of a slice that is not traced"
        return float(row[target])


@dataclass(frozen=True, eq=False)
class CheckRun:
    """Checks that are being made.

    Attributes
    ----------
    reading, place : the map that is checked; what is found is kept there, whatever is on screen by then.
    names : what is made, in order.
    done : how many of them are.
    """

    reading: SeriesReading
    place: Place
    names: tuple[str, ...]
    done: int = 0
