"""What a measurement of pixel importance asks for, and what it finds. No torch here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from viewer.evaluation.replacement import TRANSFORMS, check_transform
from viewer.evaluation.score import Score
from viewer.foundation.errors import UsageError

FRACTIONS = (2.0, 5.0, 10.0, 20.0, 50.0)
"""Percent of the input that is replaced, as in the chest X-ray study."""

STUDY = "Chrysoula (2023), XAI for chest X-ray classification"
RISE = "Petsiuk et al. (2018), RISE, BMVC"


@dataclass(frozen=True)
class Plan:
    """What is replaced by what; the fields are those of `pixel_importance`."""

    fractions: tuple[float, ...] = FRACTIONS
    transforms: tuple[str, ...] = TRANSFORMS
    steps: int = 20
    random_orders: int = 3
    seed: int = 0

    def __post_init__(self) -> None:
        for transform in self.transforms:
            check_transform(transform)
        if not self.fractions or not self.transforms:
            raise UsageError("Pixel importance needs a fraction and a transform.", code="plan")
        if not all(0 < fraction <= 100 for fraction in self.fractions):
            raise UsageError(
                "A fraction of pixels is given in percent, above 0 and at most 100.", code="fraction"
            )
        if self.steps < 0 or self.random_orders < 1:
            raise UsageError(
                "The steps of a curve are 0 or more, and there is at least one random order.", code="plan"
            )

    @property
    def passes(self) -> int:
        """Forward passes that it takes."""
        curve = 1 + 3 * (self.steps - 1) if self.steps else 0
        each = len(self.fractions) * (1 + self.random_orders) + curve
        return 1 + len(self.transforms) * each


@dataclass(frozen=True, eq=False)
class ReplacementCurve:
    """Probability of the map's class while more and more is taken away, or put back.

    Attributes
    ----------
    kind : ``deletion``: the most important pixels of the input are replaced first; ``insertion``: the most important
        ones are put back first, into an input of which everything was replaced.
    shares : (point,) percent of the pixels, from 0 to 100.
    probabilities, random : (point,) in the map's order, and in a random one.
    area, random_area : under them, by trapezoids over the share from 0 to 1.
    """

    transform: str
    kind: Literal["deletion", "insertion"]
    shares: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    random: NDArray[np.float64]

    @property
    def area(self) -> float:
        return float(np.trapezoid(self.probabilities, self.shares / 100))

    @property
    def random_area(self) -> float:
        return float(np.trapezoid(self.random, self.shares / 100))


@dataclass(frozen=True, eq=False)
class PixelImportance:
    """What replacing the most important pixels does to every class.

    Attributes
    ----------
    classes : in the order of the last axis of `delta`.
    target : index of the class that the map explains.
    explainer, layer : of the map; empty for a bare map.
    slice : index in the reading plane; None for an array or a volume.
    fractions : percent of the input's pixels that were replaced.
    transforms : what replaced them, see `replaced_everywhere`.
    probabilities : (class,) of the input as it is.
    delta : (transform, fraction, class) p(original) - p(replaced), -1..1: above zero, the class lost.
    random_delta : the same for pixels chosen at random, mean over `random_orders`.
    positive : share, 0..1, of the pixels at which the map is above zero; a larger fraction takes pixels that the map
        does not call important.
    curves : of deletion and insertion for each transform; empty where none were asked for.
    flags : ``fell-back-to-cpu``.
    """

    classes: tuple[str, ...]
    target: int
    explainer: str
    layer: str
    slice: int | None
    fractions: tuple[float, ...]
    transforms: tuple[str, ...]
    probabilities: NDArray[np.float64]
    delta: NDArray[np.float64]
    random_delta: NDArray[np.float64]
    random_orders: int
    seed: int
    positive: float
    curves: tuple[ReplacementCurve, ...] = ()
    flags: tuple[str, ...] = ()

    @property
    def map_class(self) -> str:
        """Name of the class that the map explains."""
        return self.classes[self.target]

    @property
    def scores(self) -> tuple[Score, ...]:
        """``delta-p`` and ``delta-p-random`` of the map's class per transform and fraction, then the areas."""
        found = []
        for i, transform in enumerate(self.transforms):
            for j, fraction in enumerate(self.fractions):
                rule = f"fall of p({self.map_class}) when {{}} {fraction:g}% are replaced by {transform}"
                if fraction > 100 * self.positive:
                    rule += f"; the map is above zero on {100 * self.positive:.3g}% only"
                mine, other = self.delta[i, j, self.target], self.random_delta[i, j, self.target]
                found.append(_delta("delta-p", mine, rule.format("the most important")))
                found.append(
                    _delta("delta-p-random", other, rule.format(f"a random (mean of {self.random_orders})"))
                )
        for curve in self.curves:
            found += _areas(curve, self.map_class)
        return tuple(found)

    def rows(self) -> list[dict[str, Any]]:
        """One record per transform, fraction and class: the table ``pixel_importance`` of `whyslice evaluate`."""
        return [
            {
                "map_class": self.map_class,
                "class": name,
                "explainer": self.explainer,
                "layer": self.layer,
                "transform": transform,
                "fraction": fraction,
                "delta": float(self.delta[i, j, k]),
                "random_delta": float(self.random_delta[i, j, k]),
                "n": 1,
            }
            for i, transform in enumerate(self.transforms)
            for j, fraction in enumerate(self.fractions)
            for k, name in enumerate(self.classes)
        ]


def _delta(name: str, value: float, rule: str) -> Score:
    direction: Literal["higher", "none"] = "higher" if name == "delta-p" else "none"
    return Score(name, float(value), direction, rule, range=(-1, 1), source=STUDY)


def _areas(curve: ReplacementCurve, name: str) -> list[Score]:
    rule = f"area under p({name}) while {{}} pixels are {{}} {curve.transform}"
    verb = "replaced by" if curve.kind == "deletion" else "put back into"
    direction: Literal["higher", "lower"] = "lower" if curve.kind == "deletion" else "higher"
    of_map, at_random = rule.format("the most important", verb), rule.format("random", verb)
    return [
        Score(f"{curve.kind}-area", curve.area, direction, of_map, range=(0, 1), source=RISE),
        Score(f"{curve.kind}-area-random", curve.random_area, "none", at_random, range=(0, 1), source=RISE),
    ]
