"""A cohort on screen: its cases with what is known and said of each, and as much of its evaluation as there is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from viewer.evaluation.cohort_table import Cohort, CohortImage
from viewer.models.card import ModelCard

Group = Literal["TP", "FP", "FN", "TN", "disputed", "waiting", "skipped"]
GROUPS: tuple[Group, ...] = ("TP", "FP", "FN", "TN", "disputed", "waiting", "skipped")
"""``disputed`` where a reviewer holds the label to be wrong; ``waiting`` until a case has been scored, or where its
truth is not known."""
ExplainersWish = Literal["shown", "usual", "trace"]
LayersWish = Literal["shown", "all"]


@dataclass(frozen=True)
class CohortLine:
    """An image of a cohort.

    Attributes
    ----------
    classes : that are there, by name; None where that is not known, or not yet.
    probability : of the finding; None before it has been scored.
    slice : that stands for it, from 0; None for a volume, and before it has been scored.
    outcome : of the decision about the finding; empty where it is not known.
    reason : why it was skipped; empty otherwise.
    disputed : why a reviewer holds its label to be wrong; empty where nobody does.
    uncounted : what the table or a reader says of it and the run left out, in words, such as a label that is no class.
    usable : False for a row of the table that names nothing that may be opened; `reason` says why.
    """

    image: CohortImage
    classes: tuple[str, ...] | None = None
    probability: float | None = None
    slice: int | None = None
    outcome: Literal["", "TP", "FP", "FN", "TN"] = ""
    reason: str = ""
    usable: bool = True
    disputed: str = ""
    uncounted: tuple[str, ...] = ()

    @property
    def group(self) -> Group:
        if self.reason:
            return "skipped"
        if self.disputed and self.outcome:
            return "disputed"
        return self.outcome or "waiting"


def fresh_lines(cohort: Cohort) -> tuple[CohortLine, ...]:
    """The images of a table before any has been scored, and what in it cannot be."""
    # A row that is skipped may lead out of the folder: its line keeps the words of the table and no place to open.
    unusable = (
        CohortLine(CohortImage(row.path, cohort.folder, row.path, ()), reason=row.reason, usable=False)
        for row in cohort.skipped
    )
    return (*(CohortLine(image, disputed=image.disputed) for image in cohort.images), *unusable)


@dataclass(frozen=True, eq=False)
class CohortRun:
    """How far a run is.

    Attributes
    ----------
    done, total : images.
    words : what is being done and how long it will take.
    """

    done: int = 0
    total: int = 0
    words: str = ""


@dataclass(frozen=True, eq=False)
class CohortOnScreen:
    """The open cohort; replaced as a whole, never altered.

    Attributes
    ----------
    lines : one per image, in the order of the table, then one per row that cannot be used.
    finding : the class that outcomes speak of; empty before a run.
    model_id : that the lines were scored by; empty before a run.
    run : None when nothing runs.
    shown : groups that the table shows; all where it is empty.
    current : index in `lines` of the case that was opened in Reading; None for none.
    explainers, layers, pixels : what the next run asks for.
    beside : ids of the models that the next run sets beside the chosen one.
    document : of ``whyslice evaluate``; None before a run has ended. Of several models it is that of the first.
    saved : folder that the results were written to last; empty where they have not been.
    figures : name -> PNG.
    sentence : what became of the last run, where that must be said.
    """

    cohort: Cohort
    lines: tuple[CohortLine, ...]
    finding: str = ""
    model_id: str = ""
    run: CohortRun | None = None
    shown: frozenset[Group] = frozenset()
    current: int | None = None
    explainers: ExplainersWish = "usual"
    layers: LayersWish = "shown"
    pixels: bool = True
    beside: tuple[str, ...] = ()
    document: Mapping[str, Any] | None = None
    figures: Mapping[str, bytes] = field(default_factory=dict)
    sentence: str = ""
    saved: str = ""

    @classmethod
    def of(cls, cohort: Cohort) -> CohortOnScreen:
        """A table that has just been read."""
        return cls(cohort, fresh_lines(cohort))

    @property
    def listed(self) -> tuple[int, ...]:
        """Indices of the lines that the table shows."""
        return tuple(
            index for index, line in enumerate(self.lines) if not self.shown or line.group in self.shown
        )

    @property
    def counts(self) -> Counter[Group]:
        return Counter(line.group for line in self.lines)

    def neighbour(self, step: int) -> int | None:
        """The line that comes `step` after the current one among those that the table shows; None at the ends."""
        listed = tuple(index for index in self.listed if self.lines[index].usable)
        if not listed:
            return None
        if self.current is None:
            return listed[0 if step > 0 else -1]
        if step > 0:
            return next((index for index in listed if index > self.current), None)
        return next((index for index in reversed(listed) if index < self.current), None)

    def with_line(self, index: int, line: CohortLine) -> CohortOnScreen:
        return replace(self, lines=(*self.lines[:index], line, *self.lines[index + 1 :]))


def models_beside(cohort: CohortOnScreen, chosen: ModelCard, models: Sequence[ModelCard]) -> tuple[str, ...]:
    """Ids of the models that the next run sets beside the chosen one: those wished for that still can."""
    known = {card.id: card for card in models if card.id != chosen.id and not why_not_beside(chosen, card)}
    return tuple(name for name in cohort.beside if name in known)


def why_not_beside(chosen: ModelCard, other: ModelCard) -> str:
    """Why a model cannot stand beside the chosen one in a table of scores, a sentence; empty where it can."""
    if not other.weights:
        return "Its weights are not on this machine."
    if other.task == "segmentation":
        return "A segmentation network has no class of the whole image."
    if not set(chosen.classes) & set(other.classes):
        return f"It knows none of the classes of {chosen.id}."
    return ""
