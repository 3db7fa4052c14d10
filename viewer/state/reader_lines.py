"""Readers of the shown slice: which of their regions are of the shown class, their mean, how they agree."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viewer.evaluation.map_boxes import MapBoxes
from viewer.evaluation.readers import agreement_between_readers, by_reader, mean_over_readers, reader_scores
from viewer.evaluation.regions import Region, union_of
from viewer.evaluation.score import Score
from viewer.state.case import Case
from viewer.state.session import Session

SHOWN_SCORES = ("iou-best", "iobb-best", "energy-inside", "pointing", "dice", "peak-distance")
AGREEMENT = "readers, with each other"
_UNSAID = ("", "truth", "lesion", "mask")
"""Labels that name no class: such regions are of the positive one."""


@dataclass(frozen=True)
class SummaryRow:
    """A line about several readers.

    Attributes
    ----------
    scores : in the order of `SHOWN_SCORES`; None where the line says nothing of one.
    baseline : the same of the image's brightness; empty where there is none.
    """

    name: str
    reader: str
    scores: tuple[Score | None, ...]
    baseline: tuple[Score | None, ...] = ()


@dataclass(frozen=True, eq=False)
class ReadersView:
    """What readers say of the shown slice. It does not change while a box is drawn.

    Attributes
    ----------
    regions : of the shown class.
    unknown : how many of the others are of classes that the model does not have.
    lines : about several readers.
    """

    regions: tuple[Region, ...] = ()
    unknown: int = 0
    lines: tuple[SummaryRow, ...] = ()

    @property
    def agreement(self) -> float | None:
        """IoU of the readers with each other; None where there are no two."""
        found = next((line.scores[0] for line in self.lines if line.name == AGREEMENT), None)
        return found.value if found is not None and found.defined else None


def readers_view(
    session: Session, found: MapBoxes | None, brightness: Callable[[], MapBoxes] | None
) -> ReadersView:
    """Readers of the shown slice; see `reader_lines`."""
    case = session.case
    if case is None or case.truth is None:
        return ReadersView()
    here = [region for region in case.truth.regions if region.slice == session.view.slice]
    own, unknown = of_class(session, here)
    return ReadersView(own, unknown, reader_lines(case, own, found, brightness))


def of_class(session: Session, regions: Sequence[Region]) -> tuple[tuple[Region, ...], int]:
    """Readers' regions of the class that is shown.

    Returns
    -------
    regions : whose label names the class, whatever its case; a label that names none is of the positive class.
    unknown : how many are of something that the model has no class for.
    """
    case, model = session.case, session.model
    if model is None or case is None or session.target_index is None:
        return (), 0
    card = model.card
    names = {name.casefold().replace("_", " "): name for name in card.classes}
    unsaid = {*_UNSAID, (case.truth.positive_class if case.truth else "").casefold()}
    wanted = card.classes[session.target_index]
    found, unknown = [], 0
    for region in regions:
        label = region.label.casefold().replace("_", " ")
        name = names.get(label) or (card.positive_class if label in unsaid else "")
        if name == wanted:
            found.append(region)
        unknown += not name
    return tuple(found), unknown


def marked_picture(session: Session, index: int) -> NDArray[np.bool_] | None:
    """(row, column) what readers marked of the shown class on a slice; None where nobody did."""
    case = session.case
    if case is None or case.truth is None:
        return None
    own, _ = of_class(session, [region for region in case.truth.regions if region.slice == index])
    return union_of(own, case.plane.picture_shape(case.image.geometry.shape)) if own else None


def marked_volume(session: Session) -> NDArray[np.bool_] | None:
    """(slice, row, column) in reading order, what readers marked of the shown class; None where nobody did."""
    case = session.case
    if case is None or case.truth is None:
        return None
    own, _ = of_class(session, case.truth.regions)
    if not own:
        return None
    shape = case.plane.picture_shape(case.image.geometry.shape)
    marked = np.zeros((case.slices, *shape), dtype=bool)
    for region in own:
        if region.slice is not None:
            marked[region.slice] |= region.rasterised(shape)
    return marked


def marked_nothing(session: Session) -> bool:
    """Whether there is nothing that the area of the truth could be taken of."""
    if session.reading is not None and session.reading.whole:
        return marked_volume(session) is None
    return marked_picture(session, session.view.slice) is None


def reader_lines(
    case: Case, own: Sequence[Region], found: MapBoxes | None, brightness: Callable[[], MapBoxes] | None
) -> tuple[SummaryRow, ...]:
    """The mean over readers, and how the readers agree with each other; nothing with less than two of them.

    Parameters
    ----------
    own : regions of one class on the shown slice.
    found : the map, ready to be compared; None where there is none.
    brightness : makes the same of the brightness, which takes a look at the whole image; asked only when needed.
    """
    readers = by_reader(own)
    looked = case.truth.readers if case.truth is not None and case.slices == 1 and own else ()
    everybody = len(set(readers) | set(looked))
    if everybody < 2:
        return ()
    lines = []
    if found is not None and brightness is not None:
        people = _people(len(readers))
        lines.append(SummaryRow("mean over readers", people, _mean(found, own), _mean(brightness(), own)))
    shape = case.plane.picture_shape(case.image.geometry.shape)
    best, overlap = agreement_between_readers(own, shape, looked)
    agreed = {"iou-best": best, "dice": overlap}
    lines.append(SummaryRow(AGREEMENT, _people(everybody), tuple(agreed.get(name) for name in SHOWN_SCORES)))
    return tuple(lines)


def _people(count: int) -> str:
    return f"{count} reader{'' if count == 1 else 's'}"


def _mean(boxes: MapBoxes, own: Sequence[Region]) -> tuple[Score, ...]:
    mean = mean_over_readers(reader_scores(boxes, own))
    return tuple(mean[name] for name in SHOWN_SCORES)
