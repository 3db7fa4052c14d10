"""What a run of the cohort leaves on screen: lines of the table, the document, the figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from viewer.controllers.cohort.look import predicted
from viewer.controllers.cohort.running import Evaluated
from viewer.controllers.cohort.side_by_side import compare
from viewer.controllers.cohort.sums import Record
from viewer.evaluation.cohort_table import CohortImage
from viewer.models.card import ModelCard
from viewer.state.cohort import CohortLine, CohortOnScreen


@dataclass(frozen=True, eq=False)
class Shown:
    """The document of the first model, with all of them side by side, and its figures by name, PNG."""

    document: Mapping[str, Any]
    figures: Mapping[str, bytes]


def line_of(row: CohortImage, answer: Record | str, card: ModelCard, finding: str) -> CohortLine:
    """An image of the table once it has been scored, or has failed to be."""
    if isinstance(answer, str):
        return CohortLine(row, reason=answer)
    k = card.classes.index(finding)
    known = answer["classes"]
    outcome: Any = ""
    if known is not None:
        (outcome,) = predicted(card, [answer["probabilities"]], [frozenset(known)], [""]).outcomes(finding)
    return CohortLine(
        row,
        None if known is None else tuple(known),
        float(answer["probabilities"][k]),
        answer["peak"],
        outcome,
        uncounted=tuple(answer["problems"]),
    )


def stopped_words(cohort: CohortOnScreen) -> str:
    """How far a run came that has been stopped."""
    images, run = len(cohort.cohort.images), cohort.run
    made = sum(line.probability is not None for line in cohort.lines)
    if run is not None and run.total > images:  # of several models; the lines are those of the first
        made, images = max(run.done, made), run.total
    return f"Stopped: {made} of {images} are scored. Run goes on from there."


def disputing(found: tuple[Evaluated, ...], notes: Mapping[str, str]) -> tuple[Evaluated, ...]:
    """The same results where some labels are disputed; an empty note takes that back."""
    return tuple(replace(each, cohort=each.cohort.disputing(notes)) for each in found)


def shown_of(found: tuple[Evaluated, ...]) -> Shown:
    """Put the tables together and draw the figures; one model, or several on the same cohort."""
    from viewer.reporting.cohort_figures import cohort_figures, rendered

    documents = [each.summary().document for each in found]
    document = documents[0]
    if len(found) > 1:
        document |= compare(list(zip(found, documents, strict=True)))
    figures = {name: rendered(figure, "png", 200) for name, figure in cohort_figures(document)}
    return Shown(document, figures)
