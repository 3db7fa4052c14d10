"""The classes of one model side by side: the six panels of the stroke study, of the logit and of the probability."""

from __future__ import annotations

import numpy as np

from viewer.controllers.experiments.asked import Asked, Scale
from viewer.controllers.experiments.order import Experiment, ExperimentOrder, refuse
from viewer.controllers.experiments.pages import page_of
from viewer.explainers.declaration import EXPLAINERS
from viewer.explainers.explanation import IMPROBABLE
from viewer.foundation.progress import Progress
from viewer.models.card import ScoreType
from viewer.reporting.page_content import PagePanel, PageRow

_SCORE_WORDS: dict[ScoreType, str] = {
    "logit": "maps of the logit, the score before softmax",
    "probability": "maps of the probability, the score after softmax",
}
_MOST = 3
_REVERSED = 1e-3
"""From this difference on, as a share of the largest value, one map is not the other's reverse."""


def classes(order: ExperimentOrder, progress: Progress) -> Experiment:
    """Original, as seen, every class by two explainers; the logit's row above the probability's."""
    asked = Asked(order, progress)
    if len(asked.card.classes) < 2:
        raise refuse("The network knows one class, so there is nothing to tell it from.")
    shown = shown_classes(asked)
    names = asked.explainers
    rows, numbers = [], dict[str, dict[str, float | None]]()
    scales: dict[str, Scale] = {}
    told: list[str] = []
    for score, heading in _SCORE_WORDS.items():
        panels, own = class_panels(asked, shown, score)
        scales |= {name: value for name, value in own.items() if score == "logit"}
        numbers[score] = {name: asked.overlap(name, score) for name in names}
        words = []
        for name in names:
            value = numbers[score][name]
            said = "not defined, both are empty" if value is None else f"{value:.2f}"
            if reversed_maps(asked, name, score):
                said += " (one is the other's reverse by construction)"
            words.append(f"{EXPLAINERS[name].title} {said}")
        told.append(f"of the {score} {'; '.join(words)}")
        first = [asked.picture("original"), asked.seen(asked.made(names[0]))]
        rows.append(PageRow((*first, *panels), heading, 2 + len(panels)))
    pair = f"{asked.class_name} and {asked.card.classes[asked.opponent]}"
    improbable = [asked.card.classes[k] for k in shown if asked.probabilities[k] < IMPROBABLE]
    sentence = f"Overlap of the maps of {pair} (0 disjoint, 1 equal): {'; '.join(told)}."
    if improbable:
        names_of = ", ".join(improbable)
        sentence += (
            f" Improbable here, so that its map may be an artefact: {names_of} (p below {IMPROBABLE:g})."
        )
    value = numbers["logit"].get(names[0])
    return Experiment(
        "classes",
        value,
        sentence,
        page_of(
            "classes", asked, rows, sentence, scales, level="doubtful" if improbable else "plain", width=11.0
        ),
        {
            "overlap": numbers,
            "probabilities": {asked.card.classes[k]: float(asked.probabilities[k]) for k in shown},
            "improbable": improbable,
        },
        asked.slice,
    )


def shown_classes(asked: Asked) -> list[int]:
    """The class that is measured, then the most probable others, three in all."""
    others = [k for k in range(len(asked.card.classes)) if k != asked.target]
    others.sort(key=lambda k: -asked.probabilities[k])
    return [asked.target, *others[: _MOST - 1]]


def class_panels(
    asked: Asked, shown: list[int], score: ScoreType = "logit"
) -> tuple[list[PagePanel], dict[str, Scale]]:
    """A map of every class by every explainer, class by class; each explainer has one scale."""
    names = asked.explainers
    made = {(k, name): asked.made(name, k, score=score) for k in shown for name in names}
    scales = asked.scales([(name, k, each) for (k, name), each in made.items()], score)
    panels = [
        asked.panel(
            each,
            *(name, k, scales[name], f"{EXPLAINERS[name].title}\n{asked.card.classes[k]}"),
            note=_reach(
                float(each.shown.max(initial=0.0)) / scales[name][0], asked.order.look.style.threshold
            ),
            score=score,
        )
        for (k, name), each in made.items()
    ]
    return panels, scales


def _reach(share: float, drawn_from: float) -> str:
    low = ", too low to be drawn" if 0 < share < drawn_from else ""
    return f"peak {100 * share:.0f}% of full colour{low}"


def reversed_maps(asked: Asked, explainer: str, score: str) -> bool:
    """Whether one of two classes' maps is the other's with its sign reversed, so that they cannot overlap."""
    if len(asked.card.classes) != 2:
        return False
    first, second = (asked.made(explainer, k, score=score).signed for k in (asked.target, asked.opponent))
    reach = float(np.abs(first).max(initial=0.0))
    return reach > 0 and float(np.abs(first + second).max()) <= _REVERSED * reach
