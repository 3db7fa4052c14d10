"""May I read this map? The facts, weighed into one line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from viewer.explainers.explanation import IMPROBABLE
from viewer.models.applicability import Applicability

Answer = Literal["no", "with care", "yes"]

OVERLAPPING = 0.5
"""From this overlap (sum of minima over sum of maxima) on, the maps of two classes do not tell them apart."""


@dataclass(frozen=True)
class MapFacts:
    """What is known of the map on screen.

    Attributes
    ----------
    state : of the map: ``ok``, ``empty``, ``negative_only``, ``near_zero``.
    class_name, probability : the explained class on this slice.
    overlap : with the map of the opposing class, 0..1; None where there is none.
    mirrored : the network was given the mirrored input.
    equal_to : other explainers that are the same by construction on this layer.
    squashed : the network's outputs look like probabilities already, so what is shown may be squashed twice.
    """

    state: str
    class_name: str
    probability: float
    overlap: float | None = None
    mirrored: bool = False
    equal_to: tuple[str, ...] = ()
    squashed: bool = False


@dataclass(frozen=True)
class MayRead:
    """An answer with its reasons, the weightiest first."""

    answer: Answer
    reasons: tuple[str, ...]

    @property
    def line(self) -> str:
        """One line for the window and the exports."""
        head = {"no": "Do not read this map", "with care": "Read with care", "yes": "Readable"}[self.answer]
        return f"{head}: {'; '.join(self.reasons)}."

    @property
    def boxes_allowed(self) -> bool:
        """Whether boxes may be drawn from the map."""
        return self.answer != "no"


_EMPTY = {
    "empty": "the map is empty, this layer says nothing for {}",
    "negative_only": "the map has only evidence against {}",
    "near_zero": "the map is near zero compared with the cases that the model was measured on",
}


def may_read(facts: MapFacts, applicability: Applicability) -> MayRead:
    """Weigh the facts.

    The model's fitness comes first, then the map itself, then the probability, then what else is known.
    """
    against: list[str] = []
    care: list[str] = []
    if applicability.verdict == "does_not_apply":
        against.append("the model was not made for this image (" + "; ".join(applicability.reasons) + ")")
    if facts.state in _EMPTY:
        against.append(_EMPTY[facts.state].format(facts.class_name))
    if facts.probability < IMPROBABLE:
        care.append(
            f"{facts.class_name} is improbable here (p = {facts.probability:.2f}), its map may be an artefact"
        )
    if facts.overlap is not None and facts.overlap >= OVERLAPPING:
        care.append(
            f"the maps of opposing classes overlap ({facts.overlap:.2f}), they do not tell the classes apart"
        )
    if applicability.verdict == "unproven":
        care.append("nobody can tell whether the model was made for this image")
    if facts.squashed:
        care.append(
            "the network puts out what looks like probabilities already, so p and map may be squashed twice"
        )
    if facts.mirrored:
        care.append("the network was shown the mirrored patient")
    if facts.equal_to:
        care.append("the same as " + ", ".join(facts.equal_to) + " on this layer by construction")
    if against:
        return MayRead("no", tuple(against + care))
    if care:
        return MayRead("with care", tuple(care))
    return MayRead(
        "yes",
        (
            f"the model was made for such images and gives {facts.class_name} p = {facts.probability:.2f} here",
        ),
    )
