"""Cases of a cohort that a model gets wrong: those that it misses with the peak of their map, then false alarms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from viewer.controllers.cohort.truth_of import truth_for_case
from viewer.controllers.experiments.asked import Asked
from viewer.controllers.experiments.classes import class_panels, shown_classes
from viewer.controllers.experiments.order import EXPLAINERS_SHOWN, ExperimentOrder, Look, refuse
from viewer.controllers.experiments.pages import USE
from viewer.controllers.experiments.patient_reading import Place, place_of
from viewer.evaluation.cohort_table import CohortImage
from viewer.evaluation.regions import Region
from viewer.explainers.declaration import EXPLAINERS
from viewer.foundation.progress import Progress
from viewer.imaging.reading import read_image
from viewer.reporting.page_content import Block, Page, PagePanel, PageRow, PageWords
from viewer.state.case import Truth
from viewer.state.display import is_flipped

MOST = 6
"""Cases of a page."""
_HEADS = {
    "FN": "called negative, labelled positive: is the finding at the map's peak?",
    "FP": "called positive, labelled negative: is the label wrong?",
}
_USE = f"after Avci 2021, Figures 12 and 13. {USE}"


@dataclass(frozen=True, eq=False)
class Wrong:
    """A case that was got wrong.

    Attributes
    ----------
    number : of its line in the table, from 1 on: cases are not named.
    outcome : ``FN`` or ``FP``.
    disputed : whether a reviewer holds its label to be wrong.
    """

    image: CohortImage
    number: int
    outcome: str
    disputed: bool = False


@dataclass(frozen=True, eq=False)
class Misclassified:
    """What was found.

    Attributes
    ----------
    value : share of the missed cases with marks whose map has its peak in them; None where there are none.
    """

    value: float | None
    sentence: str
    page: Page
    cases: tuple[dict[str, Any], ...]

    def to_json(self) -> dict[str, Any]:
        return {"value": self.value, "sentence": self.sentence, "cases": list(self.cases)}


def misclassified(
    model: str,
    wrong: Sequence[Wrong],
    progress: Progress,
    *,
    device: str = "auto",
    look: Look | None = None,
    most: int = MOST,
) -> Misclassified:
    """Explain the cases, missed ones first.

    Raises
    ------
    UsageError
        When there are none.
    WhySliceError
        When an image cannot be read or explained.
    """
    if not wrong:
        raise refuse("No case of the cohort is misclassified.")
    ordered = sorted(wrong, key=lambda each: each.outcome != "FN")
    chosen = _some_of_each(ordered, most)
    blocks: list[Block] = []
    cases: list[dict[str, Any]] = []
    heads = dict(_HEADS)
    first: Asked | None = None
    for number, each in enumerate(chosen):
        progress.report(number, len(chosen), "misclassified cases")
        asked, truth = _asked(model, each, device, look or Look(), progress)
        first = first or asked
        panels, fact = _case(asked, truth, each)
        cases.append(fact)
        head = heads.pop(each.outcome, "")
        blocks.append(PageRow(tuple(panels), head, 2 + 2 * len(asked.explainers)))
    assert first is not None
    known = [
        fact["peak_in_marked"]
        for fact in cases
        if fact["outcome"] == "FN" and fact["peak_in_marked"] is not None
    ]
    value = float(np.mean(known)) if known else None
    sentence = _sentence(ordered, chosen, known, first)
    facts = (
        ("model", f"{first.card.id}: {first.fit.sentence}"),
        ("maps", f"{', '.join(EXPLAINERS[name].title for name in first.explainers)}, layer {first.layer}"),
        ("ring", "the map's peak; outlines are what readers marked"),
        ("picture", _USE),
    )
    page = Page(
        "Misclassified cases",
        (*blocks, PageWords((sentence,))),
        "Where does the network look in the cases that it gets wrong, and are their labels right?",
        facts,
        width=11.0,
    )
    return Misclassified(value, sentence, page, tuple(cases))


def _some_of_each(ordered: Sequence[Wrong], most: int) -> list[Wrong]:
    """So many cases, of both kinds where there are both."""
    missed = [each for each in ordered if each.outcome == "FN"]
    alarms = [each for each in ordered if each.outcome != "FN"]
    room = max(most - len(alarms), (most + 1) // 2)
    return [*missed[:room], *alarms[: most - min(len(missed), room)]]


def _asked(
    model: str, each: Wrong, device: str, look: Look, progress: Progress
) -> tuple[Asked, Truth | None]:
    """The model on the slice to look at: of a missed case the marked one that is most probable."""
    image = read_image(each.image.file)
    truth = truth_for_case(each.image, image)
    order = ExperimentOrder(
        model, image, explainers=EXPLAINERS_SHOWN, device=device, look=replace(look, window=None)
    )
    asked = Asked(order, progress)
    if each.outcome == "FN" and asked.slice is not None and truth is not None and truth.positive_slices.any():
        from viewer.controllers import engine

        found = engine.predict_case(model, device, image, crop=asked.crop, progress=progress)
        p = np.array([row.probabilities[asked.target] for row in found.slices])
        index = int(np.where(truth.positive_slices, p, -1).argmax())
        if index != asked.slice:
            asked = Asked(replace(order, slice=index), progress)
    return asked, truth


def _case(asked: Asked, truth: Truth | None, each: Wrong) -> tuple[list[PagePanel], dict[str, Any]]:
    index = asked.shown_slice
    regions = tuple(region for region in truth.regions if _on(region, index)) if truth else ()
    made = asked.made()
    drawn = made.drawn if made.drawn.ndim == 2 else made.drawn[index]
    place = place_of(asked.order.image, index, drawn) if drawn.any() else None
    panels, _ = class_panels(asked, shown_classes(asked)[:2])
    flipped = is_flipped(asked.case.plane, asked.order.look.convention)
    ring = None if place is None else (place.row + 0.5, place.column + 0.5)
    if ring is not None and flipped:
        ring = (ring[0], drawn.shape[1] - ring[1])
    label = "label disputed" if each.disputed else ""
    own = asked.picture(f"case {each.number}\nslice {index + 1}", label)
    own = replace(own, content=replace(own.content, regions=() if flipped else regions))
    name = asked.explainers[0]
    first = replace(panels[0], ring=ring, note=f"{panels[0].note}\n{place.words if place else ''}".rstrip())
    inside = _inside(place, regions)
    fact = {
        "path": each.image.path,
        "number": each.number,
        "outcome": each.outcome,
        "disputed": each.disputed,
        "slice": asked.slice,
        "probability": float(asked.probabilities[asked.target]),
        "explainer": name,
        "layer": asked.layer,
        "side": place.side if place else "",
        "peak": [place.row, place.column] if place else None,
        "peak_in_marked": inside,
    }
    return [own, asked.seen(made), first, *panels[1:]], fact


def _on(region: Region, index: int) -> bool:
    return region.slice is None or region.slice <= index < (region.slice_max or region.slice + 1)


def _inside(place: Place | None, regions: Sequence[Region]) -> bool | None:
    """Whether the peak lies in what is marked; None where nothing is marked or drawn."""
    if place is None or not regions:
        return None
    return any(
        bool(region.mask[place.row, place.column])
        if region.mask is not None and region.mask.ndim == 2
        else region.row_min <= place.row + 0.5 < region.row_max
        and region.column_min <= place.column + 0.5 < region.column_max
        for region in regions
    )


def _sentence(every: Sequence[Wrong], chosen: Sequence[Wrong], known: Sequence[bool], asked: Asked) -> str:
    missed = sum(each.outcome == "FN" for each in every)
    alarms, disputed = len(every) - missed, sum(each.disputed for each in every)
    words = f"{missed} missed, {alarms} called {asked.class_name} without it"
    words += f", {disputed} of them with a disputed label" if disputed else ""
    shown = f"; {len(chosen)} of {len(every)} are shown" if len(chosen) < len(every) else ""
    peak = (
        f" In {sum(known)} of {len(known)} missed cases with marks the map's peak lies in what is marked."
        if known
        else ""
    )
    return f"{words}{shown}.{peak}"
