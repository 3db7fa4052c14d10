"""May I read this map? The facts, weighed into one line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from viewer.explainers.explanation import IMPROBABLE
from viewer.explainers.map_facts import fact_words, incomplete_words, poor_fit_words
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
    erased : so many parts of this slice were taken out before the network saw it.
    equal_to : other explainers that are the same by construction on this layer.
    squashed : the network's outputs look like probabilities already, so what is shown may be squashed twice.
    recovered : the network ends in a softmax or sigmoid, and the score before it was found and explained.
    warning : of the explainer.
    score : what is differentiated.
    two_classes : whether there are two classes that exclude each other.
    part : how much of the map is there, e.g. ``12 of 50``; empty when all is.
    incomplete : the values do not add up to the difference of the scores that they explain.
    not_finite : some values were no numbers, so the map was emptied.
    deviation : this is the deviation of a map over its samples, not the map.
    region : where a segmentation network was asked; empty for other networks.
    whole : the network reads the whole volume, and the probability is that of all of it.
    poor_fit : the linear model that the map is made of does not follow the network.
    doubts : what trust checks of this map found against it, as clauses, failures first.
    numbers : that say how far the map can be trusted, see `viewer.explainers.map_facts`.
    """

    state: str
    class_name: str
    probability: float
    overlap: float | None = None
    mirrored: bool = False
    erased: int = 0
    equal_to: tuple[str, ...] = ()
    squashed: bool = False
    recovered: bool = False
    warning: str = ""
    score: str = "logit"
    two_classes: bool = False
    part: str = ""
    incomplete: bool = False
    not_finite: bool = False
    deviation: bool = False
    region: str = ""
    whole: bool = False
    poor_fit: bool = False
    doubts: tuple[str, ...] = ()
    numbers: Mapping[str, float] = field(default_factory=dict)


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
    against, care, known = _against(facts, applicability), _care(facts, applicability), _known(facts)
    if against:
        return MayRead("no", (*against, *care, *known))
    if care:
        return MayRead("with care", (*care, *known))
    fit = f"the model was made for such images and gives {facts.class_name} p = {facts.probability:.2f} {_here(facts)}"
    return MayRead("yes", (fit, *known))


def _here(facts: MapFacts) -> str:
    """What the probability is of."""
    return "in this volume" if facts.whole else "here"


def _against(facts: MapFacts, applicability: Applicability) -> tuple[str, ...]:
    """Why the map must not be read."""
    found: list[str] = []
    if applicability.verdict == "does_not_apply":
        found.append("the model was not made for this image (" + "; ".join(applicability.reasons) + ")")
    if facts.not_finite:
        found.append("some of its values were not numbers, so none is shown")
    elif facts.state in _EMPTY:
        found.append(
            "the map does not vary over its samples"
            if facts.deviation
            else _EMPTY[facts.state].format(facts.class_name)
        )
    return tuple(found)


def _care(facts: MapFacts, applicability: Applicability) -> tuple[str, ...]:
    """What a reader has to bear in mind, the weightiest first."""
    p = facts.probability
    overlap = facts.overlap or 0.0
    said = (
        (facts.deviation, "this is how much the map varies over its samples, not the map"),
        (facts.part, f"unfinished, {facts.part}"),
        (applicability.caution, applicability.caution),
        (
            p < IMPROBABLE,
            f"{facts.class_name} is improbable {_here(facts)} (p = {p:.2f}), its map may be an artefact",
        ),
        (
            overlap >= OVERLAPPING,
            f"the maps of opposing classes overlap ({overlap:.2f}), they do not tell the classes apart",
        ),
        (facts.doubts, "; ".join(facts.doubts)),
        (facts.warning, _clause(facts.warning)),
        (facts.poor_fit, poor_fit_words(facts.numbers)),
        (facts.incomplete, incomplete_words(facts.numbers)),
        (
            applicability.verdict == "unproven" and applicability.reasons,
            "nobody can tell whether the model was made for this image",
        ),
        (
            facts.squashed,
            "the network puts out what looks like probabilities already, so p and map may be squashed twice",
        ),
        (facts.score != "logit", _score_words(facts)),
        (facts.mirrored, "the network was shown the mirrored patient"),
        (facts.erased, erased_words(facts.erased)),
    )
    return tuple(words for holds, words in said if holds)


def erased_words(count: int) -> str:
    """What is said of a map whose input was changed by hand."""
    return f"{count} parts of the input were erased" if count > 1 else "a part of the input was erased"


def _known(facts: MapFacts) -> tuple[str, ...]:
    """What is worth knowing and speaks neither for nor against the map."""
    said = (
        (facts.region, f"asked about {region_words(facts.region)}"),
        (facts.equal_to, "same map as " + " and ".join(facts.equal_to) + " on this layer"),
        (facts.recovered, "the network ends in a softmax or sigmoid, the score before it is explained"),
    )
    found = tuple(words for holds, words in said if holds)
    return found if facts.deviation or facts.incomplete else (*found, *fact_words(facts.numbers))


def _score_words(facts: MapFacts) -> str:
    words = f"the map explains the {SCORE_NAMES.get(facts.score, facts.score)}, not the logit"
    if facts.two_classes:
        words += ": of two classes one map is the other's reverse, whatever the network has learned"
    return words


SCORE_NAMES = {"probability": "probability", "margin": "lead over the next class"}
"""What is differentiated in place of the logit, in words."""


def region_words(region: str) -> str:
    """Where a segmentation network is asked, in words."""
    numbers = region.split(",")
    if len(numbers) == 1:
        return "the whole picture"
    return f"the pixel {region}" if len(numbers) < 4 else f"the box {region}"


def _clause(sentence: str) -> str:
    """A sentence as a part of another one."""
    return sentence[:1].lower() + sentence[1:].rstrip(".")
