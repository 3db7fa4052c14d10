"""Numbers that say how far a map can be trusted, and the words for them. No torch here.

========== ============================================================================================================
``fit``      R2 of the linear model that the map is made of, over the changed inputs that it was fitted to, adjusted for
             the number of its coefficients; 1 follows the network exactly, 0 not at all
``segments`` parts of the input that were switched off and on
``left_out`` changed inputs whose score was no number
``asked``    changed inputs that were shown to the network
``score``    the explained score; with a baseline, its difference from the score of the baseline
``input``    what the map adds up to
``biases``   what the biases of the network keep of the score
``epsilon``  what the stabiliser of the rule keeps of the score
========== ============================================================================================================
"""

from __future__ import annotations

from collections.abc import Mapping

INCOMPLETE = "incomplete"
"""Flag: the values do not add up to what they shall within 1%."""

POOR_FIT = "poor-fit"
"""Flag: the linear model that the map is made of does not follow the network."""

LEAST_FIT = 0.5
"""Below this R2 more of what the network does is left over by the linear model than it accounts for."""

OF_THE_MAP = (INCOMPLETE, "not-finite", POOR_FIT)
"""Flags that belong to one map; others say something of the network or the device."""

_WORTH_SAYING = 0.01


def fact_words(facts: Mapping[str, float]) -> tuple[str, ...]:
    """What the numbers say, as clauses; a poor fit is said by `poor_fit_words`."""
    said = []
    if "biases" in facts:
        said.append(_balance(facts))
    if "segments" in facts:
        said.append(_segments(facts))
    if "fit" in facts and facts["fit"] >= LEAST_FIT:
        said.append(f"its linear model follows the network with R2 {facts['fit']:.2f}")
    if facts.get("left_out"):
        said.append(
            f"{facts['left_out']:.0f} of {facts['asked']:.0f} changed inputs gave no number and were left out"
        )
    return tuple(said)


def poor_fit_words(facts: Mapping[str, float]) -> str:
    """Why a map of a linear model explains little, as a clause."""
    if "fit" not in facts:
        return "its linear model cannot be judged yet: too few changed inputs for so many segments"
    return f"its linear model follows the network badly (R2 {facts['fit']:.2f}), so it explains little"


def incomplete_words(facts: Mapping[str, float]) -> str:
    """What does not add up, as a clause."""
    if "biases" in facts:
        return f"its values do not add up within 1%: {_balance(facts)}"
    return "its values do not add up to the difference of the scores within 1%"


def _segments(facts: Mapping[str, float]) -> str:
    words = f"{facts['segments']:.0f} segments"
    if "score" in facts:
        words += f" add up to {facts['input']:.3g} of {facts['score']:.3g}, the difference from the baseline's score"
    return words


def _balance(facts: Mapping[str, float]) -> str:
    score, epsilon = facts["score"], facts.get("epsilon", 0.0)
    parts = [f"{facts['input']:.3g} on the input", f"{facts['biases']:.3g} in biases"]
    if abs(epsilon) >= _WORTH_SAYING * abs(score):
        parts.append(f"{epsilon:.3g} kept by epsilon")
    return f"relevance {' + '.join(parts)} = score {score:.3g}"
