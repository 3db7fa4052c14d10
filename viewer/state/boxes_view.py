"""Boxes on the shown slice, and how the map agrees with each. Frozen, made by pure functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from viewer.evaluation.boxes import Rule
from viewer.evaluation.iou_curve import CurvePoint
from viewer.evaluation.map_boxes import MapBoxes
from viewer.evaluation.regions import Region
from viewer.evaluation.score import Score
from viewer.state.case import Case
from viewer.state.class_colours import class_colour
from viewer.state.findings_view import may_be_together
from viewer.state.judged_map import JudgedMap, focus_words
from viewer.state.map_view import MapView
from viewer.state.method import method_of
from viewer.state.reader_lines import (
    SHOWN_SCORES,
    ReadersView,
    SummaryRow,
    marked_nothing,
    marked_picture,
    marked_volume,
    readers_view,
)
from viewer.state.rulers import at_the_detector, picture_spacing, sizes_known
from viewer.state.session import DIFFERENCE, Session
from viewer.state.volume_boxes import boxes_of_slice, brightness_of_slice
from viewer.state.volume_reading import VolumeReading

Kind = Literal["drawn", "reader", "map"]

MOST_BOXES = 12
"""Boxes of a map that are drawn and listed; scores look at all of them."""

_NONE: Mapping[str, MapBoxes] = {}


@dataclass(frozen=True)
class BoxMark:
    """A box on the shown slice.

    Attributes
    ----------
    identity : of a drawn box; None for the others, which cannot be moved.
    region : pixel edges on the picture.
    size : of a drawn box, width x height and area in words; in pixels where no size is known.
    colour : ``#rrggbb`` of the class that a reader marked, of models with several findings; empty for the usual one.
    reader : number of the reader among those of the case, from 0 on, so that each has a stroke of his own.
    pale : of a box of the map: the overlay has no colour in it, because of its threshold.
    """

    region: Region
    kind: Kind
    identity: int | None = None
    selected: bool = False
    size: str = ""
    colour: str = ""
    reader: int = 0
    pale: bool = False


@dataclass(frozen=True)
class BoxRow:
    """A line of the table of boxes.

    Attributes
    ----------
    scores : in the order of `SHOWN_SCORES`; empty when there is no map that may be read.
    baseline : the same scores of the image's own brightness, as if it were a map: what an explainer must beat.
    area_cm2 : None where the spacing is not known.
    size_mm : (height, width); None where the spacing is not known.
    others : name of a map that knows nothing, and its scores, in the same order.
    """

    mark: BoxMark
    scores: tuple[Score, ...]
    baseline: tuple[Score, ...]
    area_cm2: float | None
    size_mm: tuple[float, float] | None
    others: tuple[tuple[str, tuple[Score, ...]], ...] = ()


@dataclass(frozen=True, eq=False)
class BoxesView:
    """All boxes of the shown slice.

    Attributes
    ----------
    rule : in words, how the map's boxes were made, or why there are none.
    summary : lines about several readers.
    curve : IoU of one region with the map at every threshold; empty while there is none.
    curve_of : which region that is.
    yardstick : IoU of the readers with each other; None with less than two.
    focus : of the map, in one line.
    labels, readers : of what readers marked on this slice, in order; the display can be narrowed to some of them.
    filtered : so many of their boxes are not shown.
    """

    rows: tuple[BoxRow, ...]
    rule: str
    summary: tuple[SummaryRow, ...] = ()
    curve: tuple[CurvePoint, ...] = ()
    curve_of: str = ""
    yardstick: float | None = None
    focus: str = ""
    labels: tuple[str, ...] = ()
    readers: tuple[str, ...] = ()
    filtered: int = 0

    @property
    def marks(self) -> tuple[BoxMark, ...]:
        return tuple(row.mark for row in self.rows)

    @property
    def of_map(self) -> tuple[BoxMark, ...]:
        """Those of the map."""
        return tuple(mark for mark in self.marks if mark.kind == "map")


@dataclass(frozen=True, eq=False)
class Contenders:
    """The shown map and the image's own brightness, each ready to be compared with boxes.

    Attributes
    ----------
    map : boxes of the shown map.
    grey : (row, column) the picture as the network gets it before resizing.
    within : (row, column) bool, what the network saw.
    bright : makes the boxes of the brightness where the rule is one of a whole volume; None where it is of the picture.
    truth : (row, column) bool, what readers marked of the class; None where nobody did.
    """

    map: MapBoxes
    grey: NDArray[np.float32]
    within: NDArray[np.bool_]
    bright: Callable[[], MapBoxes] | None = None
    truth: NDArray[np.bool_] | None = None

    @cached_property
    def brightness(self) -> MapBoxes:
        """Boxes of the brightest pixels by the same rule; made when the first box asks."""
        if self.bright is not None:
            return self.bright()
        rule, above = self.map.rule, np.where(self.within, self.grey - self.grey.min(), 0)
        return MapBoxes.of(
            above,
            rule=rule.rule,
            value=rule.value,
            within=self.within,
            truth=self.truth,
            spacing=self.map.spacing,
        )


def map_boxes(session: Session, found: MapView | None) -> Contenders | None:
    """Boxes of the shown map; None when there is no map or none may be drawn from it.

    Only from a map that may be read, of one class, which is present by its threshold. The rule counts the pixels that
    the network saw.
    """
    case, model, index = session.case, session.model, session.view.slice
    if found is None or case is None or model is None or session.choice.target == DIFFERENCE:
        return None
    if method_of(session).deviation:
        return None
    card = model.card
    if not found.may_read.boxes_allowed or found.probability < card.threshold(session.choice.target):
        return None
    within = np.zeros(found.picture.shape, dtype=bool)
    row_min, column_min, row_max, column_max = found.inside
    within[row_min:row_max, column_min:column_max] = True
    rule, value = cast(Rule, session.boxes.rule), session.boxes.value
    given = case.given(session.choice.erased)
    grey = given.grey(case.plane.picture(given.voxels, index))
    by_truth = rule == "top-area-of-truth"
    if isinstance(session.reading, VolumeReading):
        marked = marked_volume(session) if by_truth else None
        if by_truth and marked is None:
            return None
        made = boxes_of_slice(session, session.reading, found, rule, value, marked)
        bright = partial(brightness_of_slice, session.reading, case, index, rule, value, marked)
        return Contenders(made, grey, within, bright)
    truth = marked_picture(session, index) if by_truth else None
    if by_truth and truth is None:
        return None
    spacing = picture_spacing(case.image, case.plane)
    made = MapBoxes.of(
        found.picture, rule=rule, value=value, within=within, truth=truth, slice=index, spacing=spacing
    )
    return Contenders(made, grey, within, truth=truth)


def shown_readers(session: Session, made: Contenders | None) -> ReadersView:
    """Readers of the shown slice beside the map; a box that is drawn does not change it."""
    if made is None:
        return readers_view(session, None, None)
    return readers_view(session, made.map, lambda: made.brightness)


def boxes_view(
    session: Session, found: MapView | None, made: Contenders | None, read: ReadersView | None = None
) -> BoxesView | None:
    """Boxes drawn by the user and by readers on the shown slice, with their scores, then those of the map.

    Parameters
    ----------
    read : of `shown_readers`; made here where it is not given.
    """
    case = session.case
    if case is None:
        return None
    index = session.view.slice
    marks = [
        BoxMark(region, "drawn", identity, identity == session.boxes.selected)
        for identity, region in session.boxes.drawn.items()
        if region.slice == index
    ]
    here = [region for region in (case.truth.regions if case.truth else ()) if region.slice == index]
    wanted = [region for region in here if _is_wanted(session, region)]
    marks += [_reader_mark(session, region) for region in wanted]
    judged = session.judged
    if found is None or judged is None or judged.picture is not found.picture:
        judged = None
    rows = [_row(case, mark, made, _others(judged, made)) for mark in marks]
    rows += [_row(case, BoxMark(replace(box, label="map"), "map"), None) for box in _largest(made)]
    if read is None:
        read = shown_readers(session, made)
    rule = _rule(session, found, made)
    if read.unknown:
        verb = "is" if read.unknown == 1 else "are"
        rule += (
            f". {read.unknown} of the readers' regions here {verb} of a class that the model does not have"
        )
    region = _curve_region(marks, read.regions) if made is not None else None
    curve = judged.curve.points(region) if judged and judged.curve and region else ()
    return BoxesView(
        tuple(rows),
        rule,
        read.lines,
        curve,
        "" if region is None else region.label or region.reader,
        read.agreement,
        focus_words(judged.focus, whole=found is not None and found.raw.ndim == 3) if judged else "",
        tuple(dict.fromkeys(region.label for region in here)),
        tuple(dict.fromkeys(region.reader for region in here)),
        len(here) - len(wanted),
    )


def paled(view: BoxesView, found: MapView | None, threshold: float) -> BoxesView:
    """The same, with the boxes of the map marked in which its overlay has no colour.

    The rule that makes the boxes and the threshold of the display are two things: scores are of all boxes.

    Parameters
    ----------
    threshold : share of the scale below which the overlay is transparent, 0..1.
    """
    if found is None or not view.of_map:
        return view
    least = threshold * found.scale
    rows = []
    for row in view.rows:
        box = row.mark.region
        inside = found.picture[
            int(box.row_min) : int(np.ceil(box.row_max)), int(box.column_min) : int(np.ceil(box.column_max))
        ]
        pale = row.mark.kind == "map" and bool(np.abs(inside).max(initial=0.0) < least)
        rows.append(replace(row, mark=replace(row.mark, pale=pale)))
    return replace(view, rows=tuple(rows))


def _is_wanted(session: Session, region: Region) -> bool:
    """Whether a reader's box is shown; scores of readers are of all of them."""
    boxes = session.boxes
    return region.label not in boxes.hidden_classes and region.reader not in boxes.hidden_readers


def _reader_mark(session: Session, region: Region) -> BoxMark:
    truth = session.case.truth if session.case is not None else None
    readers = list(dict.fromkeys((*truth.readers, *(r.reader for r in truth.regions)))) if truth else []
    colour = ""
    if may_be_together(session) and session.model is not None:
        colour = class_colour(session.model.card.classes, region.label)
    number = readers.index(region.reader) if region.reader in readers else 0
    return BoxMark(region, "reader", colour=colour, reader=number)


def _curve_region(marks: Sequence[BoxMark], own: Sequence[Region]) -> Region | None:
    """The selected box, which follows the mouse; else the last one drawn, else the first reader's region."""
    drawn = [mark for mark in marks if mark.kind == "drawn"]
    selected = [mark.region for mark in drawn if mark.selected]
    return next(iter([*selected, *(mark.region for mark in reversed(drawn)), *own]), None)


def _others(judged: JudgedMap | None, made: Contenders | None) -> Mapping[str, MapBoxes]:
    if judged is None or made is None or judged.rule != made.map.rule:
        return _NONE
    return judged.baselines


def _largest(made: Contenders | None) -> list[Region]:
    """The boxes of the map that are drawn: a map as fine as the picture falls into hundreds of specks."""
    boxes = list(made.map.boxes) if made is not None else []
    if len(boxes) <= MOST_BOXES:
        return boxes
    return sorted(boxes, key=lambda b: (b.row_min - b.row_max) * (b.column_max - b.column_min))[:MOST_BOXES]


def _scores(boxes: MapBoxes, region: Region) -> tuple[Score, ...]:
    by_name = {score.name: score for score in boxes.scores(region)}
    return tuple(by_name[name] for name in SHOWN_SCORES)


def _row(
    case: Case, mark: BoxMark, made: Contenders | None, others: Mapping[str, MapBoxes] = _NONE
) -> BoxRow:
    region = mark.region
    beside = tuple((name, _scores(boxes, region)) for name, boxes in others.items())
    scores = _scores(made.map, region) if made else ()
    baseline = _scores(made.brightness, region) if made else ()
    height, width = region.row_max - region.row_min, region.column_max - region.column_min
    if not sizes_known(case.image):
        if mark.kind == "drawn":
            mark = replace(mark, size=f"{width:.0f} \u00d7 {height:.0f} px")
        return BoxRow(mark, scores, baseline, None, None, beside)
    row_mm, column_mm = case.plane.spacing(case.image.geometry)
    height, width = height * row_mm, width * column_mm
    if mark.kind == "drawn":
        mark = replace(
            mark,
            size=f"{width:.0f} \u00d7 {height:.0f} mm \u00b7 {area_words(width * height)}{at_the_detector(case.image)}",
        )
    return BoxRow(mark, scores, baseline, height * width / 100, (height, width), beside)


def area_words(square_mm: float) -> str:
    """An area in the unit that suits it."""
    return f"{square_mm / 100:.1f} cm\u00b2" if square_mm >= 100 else f"{square_mm:.0f} mm\u00b2"


def _where(session: Session) -> str:
    whole = session.reading is not None and session.reading.whole
    return "in this volume" if whole else "on this slice"


def _rule(session: Session, found: MapView | None, made: Contenders | None) -> str:
    if made is not None:
        if session.reading is not None and session.reading.whole:
            return (
                f"Map boxes: {made.map.rule}: voxels of the whole volume that the network saw, cut by this slice; "
                "IoU and IoBB with the best box on it"
            )
        count = len(made.map.boxes)
        few = f" (the {MOST_BOXES} largest of {count} drawn)" if count > MOST_BOXES else ""
        return f"Map boxes: {made.map.rule} of the network's input{few}; IoU and IoBB with the best box"
    if found is None:
        return "No map on this slice yet"
    if method_of(session).deviation:
        return "No boxes are made from the deviation of a map"
    if session.choice.target == DIFFERENCE:
        return "No boxes are made from a difference of classes"
    if not found.may_read.boxes_allowed:
        return "No boxes are made from a map that should not be read"
    if session.boxes.rule == "top-area-of-truth" and marked_nothing(session):
        return f"No boxes: the rule counts as many pixels as readers marked, and nobody marked any {_where(session)}"
    return f"No boxes: {session.choice.target} is below its threshold {_where(session)}"
