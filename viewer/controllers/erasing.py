"""Taking parts of the picture out of what the network is given: was it reading the marker?"""

from __future__ import annotations

from dataclasses import replace

from viewer.controllers.explaining import Explaining
from viewer.controllers.recording import Recording
from viewer.evaluation.regions import Region
from viewer.foundation.errors import UsageError
from viewer.foundation.registry import nearest
from viewer.imaging.erasing import erased_pixels
from viewer.imaging.erasure import FILLS, Erasure, Fill
from viewer.state.session import Session

_LEAST = 1.0
"""Side below which a drag is taken for a click, pixels."""


class Erasing:
    """Verbs for what is erased. Coordinates are pixel edges of the picture, half-open; the patient on screen stays."""

    def __init__(self, session: Session, explaining: Explaining, recording: Recording) -> None:
        self._session = session
        self._explaining = explaining
        self._recording = recording

    def draw_mode(self, on: bool) -> None:
        """The next left drag erases a box."""
        session = self._session
        session.view.erasing = on
        if on:
            session.view.drawing = session.rulers.drawing = False

    def add(self, row_min: float, column_min: float, row_max: float, column_max: float) -> None:
        """Erase a box on the shown slice (of a network of volumes: through all slices); a mere click is nothing."""
        self._session.view.erasing = False
        if row_max - row_min >= _LEAST and column_max - column_min >= _LEAST:
            self._erase("erase a part", [(row_min, column_min, row_max, column_max)])

    def erase_selected(self) -> None:
        """Erase what the selected drawn box holds.

        Raises
        ------
        UsageError
            When none is selected.
        """
        boxes = self._session.boxes
        if boxes.selected not in boxes.drawn:
            raise UsageError("Select a box first: what it holds is erased.", code="no-selection")
        self._erase("erase a box", [_edges(boxes.drawn[boxes.selected])])

    def erase_marked(self, label: str) -> None:
        """Erase everything on the shown slice that readers marked with a label, such as a letter on a film.

        Raises
        ------
        UsageError
            When nobody marked such a thing here.
        """
        found = [region for region in marked_here(self._session) if region.label == label]
        if not found:
            known = sorted({region.label for region in marked_here(self._session)})
            raise UsageError(
                f"Nobody marked '{label}' on this slice{nearest(label, known)}.", code="no-such-label"
            )
        self._erase(f"erase {label}", [_edges(region) for region in found])

    def erase_all(self, erasures: tuple[Erasure, ...]) -> None:
        """Erase what the command line names.

        Raises
        ------
        UsageError
            See `viewer.imaging.erasing.erase`.
        """
        case = self._session.case
        if case is None:
            raise UsageError("No image is open.", code="no-case")
        for each in erasures:
            erased_pixels(each, case.plane.picture_shape(case.image.geometry.shape), case.slices)
        self._give("erase a part", (*self._session.choice.erased, *erasures))

    def set_fill(self, fill: Fill) -> None:
        """What comes in place of everything that is erased: `FILLS`.

        Raises
        ------
        UsageError
            When there is no such thing.
        """
        if fill not in FILLS:
            raise UsageError(f"Nothing is filled with '{fill}'{nearest(fill, list(FILLS))}.", code="erase")
        choice = self._session.choice
        choice.erase_with = fill
        if choice.erased:
            self._give(f"fill with {fill}", tuple(replace(each, fill=fill) for each in choice.erased))

    def put_back(self) -> None:
        """Erase nothing any more."""
        if self._session.choice.erased:
            self._give("put back what was erased", ())

    def _erase(self, words: str, boxes: list[tuple[float, float, float, float]]) -> None:
        session, case = self._session, self._session.case
        if case is None:
            return
        volumes = session.model is not None and session.model.card.dims == 3
        index = None if volumes else session.view.slice
        rows, columns = case.plane.picture_shape(case.image.geometry.shape)
        erased = session.choice.erased
        for top, left, bottom, right in boxes:
            edges = (max(top, 0.0), max(left, 0.0), min(bottom, float(rows)), min(right, float(columns)))
            new = Erasure(*edges, index, session.choice.erase_with)
            erased_pixels(new, (rows, columns), case.slices)
            erased = (*erased, *(() if new in erased else (new,)))
        self._give(words, erased)

    def _give(self, words: str, erased: tuple[Erasure, ...]) -> None:
        choice = self._session.choice
        if erased != choice.erased:
            with self._recording.step(words):
                self._explaining.set_input(mirror=choice.mirror, crop=choice.crop, erased=erased)


def marked_here(session: Session) -> tuple[Region, ...]:
    """What readers marked on the shown slice."""
    case = session.case
    if case is None or case.truth is None:
        return ()
    return tuple(region for region in case.truth.regions if region.slice == session.view.slice)


def _edges(region: Region) -> tuple[float, float, float, float]:
    return region.row_min, region.column_min, region.row_max, region.column_max
