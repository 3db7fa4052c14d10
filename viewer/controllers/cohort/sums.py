"""What is added up over the slices of an image."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Record = dict[str, Any]


class Sums:
    """What is added up over the slices of an image."""

    def __init__(self) -> None:
        self._located: dict[tuple[str, str, str, str, bool | None], list[Any]] = {}
        self._without: Counter[tuple[str, str]] = Counter()
        self._readers: dict[str, NDArray[np.float64]] = {}
        self.importance: list[list[Any]] = []
        self.focus: list[list[Any]] = []
        self.overlap: list[list[Any]] = []
        self.places: list[list[Any]] = []
        self.problems: Counter[str] = Counter()

    def located(
        self,
        name: str,
        explainer: str,
        layer: str,
        reader: str,
        correct: bool | None,
        values: Sequence[float],
    ) -> None:
        """Add the measures of one map against one reader."""
        each = np.asarray(values, dtype=np.float64)
        known = np.isfinite(each)
        kept = self._located.setdefault(
            (name, explainer, layer, reader, correct), [0, 0, np.zeros(each.size), np.zeros(each.size, int)]
        )
        kept[0] += 1
        kept[1] += int(not known[0])  # pointing: a map without a peak is empty
        kept[2] += np.where(known, each, 0.0)
        kept[3] += known

    def without(self, name: str, reader: str) -> None:
        """A reader marked nothing of a class where another one did."""
        self._without[name, reader] += 1

    def readers(self, name: str, iou: float, dice: float) -> None:
        """Agreement of the readers on one slice."""
        if math.isfinite(iou):
            self._readers.setdefault(name, np.zeros(3)).__iadd__((1, iou, dice))

    def rows(self) -> Record:
        return {
            "localisation": [
                [*key, n, empty, sums.tolist(), counts.tolist()]
                for key, (n, empty, sums, counts) in self._located.items()
            ],
            "without": [[*key, n] for key, n in self._without.items()],
            "readers": [[name, *sums.tolist()] for name, sums in self._readers.items()],
            "importance": self.importance,
            "focus": self.focus,
            "overlap": self.overlap,
            "places": self.places,
        }
