"""Several readers of one picture: the map against each of them, and they against each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from viewer.evaluation.localisation import dice, iou
from viewer.evaluation.map_boxes import MapBoxes
from viewer.evaluation.regions import Region, union_of
from viewer.evaluation.score import Score, mean_of

_PER_BOX = ("iou-best", "iou-mean", "iobb-best")
"""Scores that are taken of each region of a reader and then averaged; the others are of all of them together."""


@dataclass(frozen=True)
class ReaderScores:
    """The map against one reader, or the mean over readers.

    Attributes
    ----------
    reader : who; empty for the mean over readers.
    regions : how many regions were compared.
    scores : as of `MapBoxes.scores`.
    """

    reader: str
    regions: int
    scores: tuple[Score, ...]

    def __getitem__(self, name: str) -> Score:
        return next(score for score in self.scores if score.name == name)


def by_reader(regions: Sequence[Region]) -> dict[str, list[Region]]:
    """Regions of each reader, in the order in which the readers appear."""
    found: dict[str, list[Region]] = {}
    for region in regions:
        found.setdefault(region.reader, []).append(region)
    return found


def reader_scores(made: MapBoxes, regions: Sequence[Region]) -> tuple[ReaderScores, ...]:
    """A map against what each reader marked on its picture.

    Of a reader with several regions, the scores ``iou-best``, ``iou-mean`` and ``iobb-best`` are the mean over his
    regions; the others compare with all of his regions together.

    Returns
    -------
    tuple of ReaderScores
        One per reader who marked anything; `mean_over_readers` takes their mean.
    """
    return tuple(_of_reader(made, reader, own) for reader, own in by_reader(regions).items())


def _of_reader(made: MapBoxes, reader: str, own: Sequence[Region]) -> ReaderScores:
    if len(own) == 1:
        return ReaderScores(reader, 1, made.scores(own[0]))
    each = [{score.name: score for score in made.scores(region)} for region in own]
    union = union_of(own, made.map.shape)
    if not union.any():  # boxes smaller than a pixel hold no centre of one
        means = (mean_of(name, [one[name] for one in each], "regions of the reader") for name in each[0])
        return ReaderScores(reader, len(own), tuple(means))
    together = made.scores(Region.of_mask(union))
    scores = tuple(
        mean_of(score.name, [one[score.name] for one in each], "regions of the reader")
        if score.name in _PER_BOX
        else replace(score, rule=f"{score.rule}; the reader's {len(own)} regions together")
        for score in together
    )
    return ReaderScores(reader, len(own), scores)


def mean_over_readers(each: Sequence[ReaderScores]) -> ReaderScores:
    """The mean of every score over the readers for whom it is defined."""
    names = [score.name for score in each[0].scores] if each else []
    means = tuple(mean_of(name, [one[name] for one in each], "readers") for name in names)
    return ReaderScores("", sum(one.regions for one in each), means)


def agreement_between_readers(
    regions: Sequence[Region], shape: tuple[int, ...], readers: Sequence[str] = ()
) -> tuple[Score, Score]:
    """How well readers agree with each other: the yardstick for how well a map can agree with them.

    Parameters
    ----------
    regions : of all readers, on one picture or in one volume.
    shape : of the grid.
    readers : everybody who looked, also those who marked nothing; only those who marked something without it.

    Returns
    -------
    tuple of Score
        ``reader-iou-best``: for each ordered pair of readers the mean, over the second's regions, of the IoU with the
        best region of the first, then the mean over pairs, which is what ``iou-best`` does with the map as the first;
        ``reader-dice``: Dice of all regions of one and all of the other, mean over pairs. A pair of which one marked
        nothing counts as 0, one of which neither did is left out, and both are said. nan with less than two readers.
    """
    found = by_reader(regions)
    names = list(dict.fromkeys((*readers, *found)))
    ious: list[float] = []
    dices: list[float] = []
    half = none = 0
    for number, first in enumerate(names):
        for second in names[number + 1 :]:
            a, b = found.get(first, []), found.get(second, [])
            if not a and not b:
                none += 1
            elif not a or not b:
                half += 1
                ious.append(0.0)
                dices.append(0.0)
            else:
                ious.append((_best(a, b) + _best(b, a)) / 2)
                dices.append(dice(union_of(a, shape), union_of(b, shape)))
    said = f"{len(ious)} pairs of {len(names)} readers"
    if half:
        said += f", {half} of which as 0 because one of the two marked nothing"
    if none:
        said += f"; {none} more pairs marked nothing"
    if not ious:
        said = f"not defined, there are no two readers who marked anything ({len(names)} readers)"
    return (
        _agreement("reader-iou-best", ious, f"IoU of the readers' best matching regions: {said}"),
        _agreement("reader-dice", dices, f"Dice of all regions of two readers: {said}"),
    )


def _best(a: Sequence[Region], b: Sequence[Region]) -> float:
    """Mean over the regions of `b` of the IoU with the best region of `a`."""
    return float(np.mean([max(iou(mine, theirs) for mine in a) for theirs in b]))


def _agreement(name: str, values: list[float], rule: str) -> Score:
    value = math.fsum(values) / len(values) if values else math.nan
    return Score(name, value, "higher", rule, n=len(values), range=(0, 1))
