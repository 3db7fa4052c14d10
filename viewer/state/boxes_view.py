"""Boxes on the shown slice, and how the map agrees with each. Frozen, made by pure functions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, cast

import numpy as np

from viewer.evaluation.boxes import Rule
from viewer.evaluation.localisation import MapBoxes
from viewer.evaluation.regions import Region
from viewer.evaluation.score import Score
from viewer.state.case import Case
from viewer.state.map_view import MapView
from viewer.state.session import DIFFERENCE, Session

Kind = Literal["drawn", "reader", "map"]

SHOWN_SCORES = ("iou-best", "iobb-best", "energy-inside", "pointing")


@dataclass(frozen=True)
class BoxMark:
    """A box on the shown slice.

    Attributes
    ----------
    identity : of a drawn box; None for the others, which cannot be moved.
    region : pixel edges on the picture.
    """

    region: Region
    kind: Kind
    identity: int | None = None
    selected: bool = False


@dataclass(frozen=True)
class BoxRow:
    """A line of the table of boxes.

    Attributes
    ----------
    scores : in the order of `SHOWN_SCORES`; empty when there is no map that may be read.
    area_cm2 : None where the spacing is not known.
    size_mm : (height, width); None where the spacing is not known.
    """

    mark: BoxMark
    scores: tuple[Score, ...]
    area_cm2: float | None
    size_mm: tuple[float, float] | None


@dataclass(frozen=True, eq=False)
class BoxesView:
    """All boxes of the shown slice.

    Attributes
    ----------
    rule : in words, how the map's boxes were made, or why there are none.
    """

    rows: tuple[BoxRow, ...]
    rule: str

    @property
    def marks(self) -> tuple[BoxMark, ...]:
        return tuple(row.mark for row in self.rows)


def map_boxes(session: Session, found: MapView | None) -> MapBoxes | None:
    """Boxes of the shown map; None when there is no map or none may be drawn from it.

    Only from a map that may be read, of one class, which is present by its threshold. The rule counts the pixels that
    the network saw.
    """
    if found is None or session.model is None or session.choice.target == DIFFERENCE:
        return None
    card = session.model.card
    if not found.may_read.boxes_allowed or found.probability < card.threshold(session.choice.target):
        return None
    within = np.zeros(found.picture.shape, dtype=bool)
    row_min, column_min, row_max, column_max = found.inside
    within[row_min:row_max, column_min:column_max] = True
    return MapBoxes.of(
        found.picture,
        rule=cast(Rule, session.boxes.rule),
        value=session.boxes.value,
        within=within,
        slice=session.view.slice,
    )


def boxes_view(session: Session, found: MapView | None, made: MapBoxes | None) -> BoxesView | None:
    """Boxes drawn by the user and by readers on the shown slice, with their scores, then those of the map."""
    case = session.case
    if case is None:
        return None
    index = session.view.slice
    marks = [
        BoxMark(region, "drawn", identity, identity == session.boxes.selected)
        for identity, region in session.boxes.drawn.items()
        if region.slice == index
    ]
    readers = case.truth.regions if case.truth else ()
    marks += [BoxMark(region, "reader") for region in readers if region.slice == index]
    rows = [_row(case, mark, made) for mark in marks]
    rows += [
        _row(case, BoxMark(replace(box, label="map"), "map"), None) for box in (made.boxes if made else ())
    ]
    return BoxesView(tuple(rows), _rule(session, found, made))


def _row(case: Case, mark: BoxMark, made: MapBoxes | None) -> BoxRow:
    region = mark.region
    scores: tuple[Score, ...] = ()
    if made is not None:
        by_name = {score.name: score for score in made.scores(region)}
        scores = tuple(by_name[name] for name in SHOWN_SCORES)
    if not case.image.geometry.oriented:
        return BoxRow(mark, scores, None, None)
    row_mm, column_mm = case.plane.spacing(case.image.geometry)
    size = ((region.row_max - region.row_min) * row_mm, (region.column_max - region.column_min) * column_mm)
    return BoxRow(mark, scores, size[0] * size[1] / 100, size)


def _rule(session: Session, found: MapView | None, made: MapBoxes | None) -> str:
    if made is not None:
        return f"Map boxes: {made.rule} of the network's input; IoU and IoBB with the best box"
    if found is None:
        return "No map on this slice yet"
    if session.choice.target == DIFFERENCE:
        return "No boxes are made from a difference of classes"
    if not found.may_read.boxes_allowed:
        return "No boxes are made from a map that should not be read"
    return f"No boxes: {session.choice.target} is below its threshold on this slice"
