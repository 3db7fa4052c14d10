"""Checks that hold a map against other maps of the same input: of the opposing class, of other methods."""

from __future__ import annotations

import numpy as np

from viewer.evaluation.agreement import class_overlap as overlap_of
from viewer.evaluation.agreement import rank_correlation, top_overlap
from viewer.evaluation.checks.declaration import CHECKS
from viewer.evaluation.checks.finding import Finding, number, too_few, undefined, weighed
from viewer.evaluation.checks.subject import Made, Step, Subject
from viewer.explainers.declaration import EXPLAINERS, SMOOTHGRAD, cost, equals
from viewer.explainers.layers import require_layer
from viewer.explainers.support import support
from viewer.foundation.progress import Progress

_REVERSED = 1e-4
_CHEAP, _MANY = 3.0, "perturbation"
"""Methods that take more passes, or change the input again and again, are not asked for the sake of a comparison."""
_TILES = 5


def class_overlap(subject: Subject, progress: Progress) -> Finding:
    """Sum of minima over sum of maxima with the map of the strongest other class; positive parts.

    From 0.5 on more of the two maps is common than is not. Findings that can be there together (multilabel) may share
    a place, so there it never fails. Where one map is the other's reverse by construction (one output for two classes,
    the probability of two classes) nothing can overlap, and the number would say nothing.
    """
    info, card = CHECKS["class-overlap"], subject.classifier.card
    others = [index for index in range(len(card.classes)) if index != subject.target]
    if not others:
        return undefined(info.name, "The network knows one class, so there is nothing to tell it from.")
    if subject.info.class_free:
        return Finding(
            info.name, 1.0, "fails", f"{subject.info.title} makes the same map for every class.",
            (subject.panel(subject.class_name, subject.base()),),
        )  # fmt: skip
    rival = max(others, key=lambda index: subject.probabilities[index])
    base, other = subject.base(), subject.other(target=rival, progress=progress)
    name, reach = card.classes[rival], float(np.abs(base.signed).max())
    panels = (
        subject.panel(subject.class_name, base, f"p {base.probability:.2f}"),
        subject.panel(name, other, f"p {other.probability:.2f}"),
    )
    if float(np.abs(base.signed + other.signed).max()) <= _REVERSED * reach:
        sentence = (
            f"By construction the map of {name} is that of {subject.class_name} with its sign reversed, so they cannot "
            "overlap."
        )
        return Finding(info.name, None, "not defined", sentence, panels, {"other_class": name})
    found = overlap_of(base.shown, other.shown)
    if not found.defined:
        return Finding(
            info.name, None, "not defined", "Neither map speaks for its class.", panels, {"other_class": name}
        )
    together = card.task == "multilabel"
    verdict = weighed(found.value, doubtful=info.doubtful, fails=2.0 if together else info.fails or 0)
    sentence = f"The maps of {subject.class_name} and {name} have {100 * found.value:.0f}% in common"
    if not other.shown.any():
        sentence += f"; that of {name} is empty"
    if verdict != "no objection":
        sentence += ": this map hardly tells the two apart"
        sentence += ", though both may be there together" if together else ""
    return Finding(info.name, found.value, verdict, sentence + ".", panels, {"other_class": name})


def method_agreement(subject: Subject, progress: Progress) -> Finding:
    """Median rank correlation with other methods of the same kind: on the same layer, or on the input.

    Left out are methods that are equal on this layer by construction, those that are known not to depend on what was
    learned, and those that take more than three passes. Of the most important 5% the common share is told beside it.
    """
    info = CHECKS["method-agreement"]
    base, made = subject.base(), dict[str, Made]()
    if why := too_few(base.shown.size):
        return undefined(info.name, why)
    names, left_out = _peers(subject)
    for count, name in enumerate(names):
        text = f"comparing with {EXPLAINERS[name].title}"
        found = subject.other(explainer=name, progress=Step(progress, count, len(names), text))
        if found.shown.shape == base.shown.shape and found.shown.any():
            made[name] = found
    rho = {name: rank_correlation(base.shown, each.shown).value for name, each in made.items()}
    rho = {name: value for name, value in rho.items() if not np.isnan(value)}
    details = {
        "rank_correlation": rho,
        "top_overlap": {name: number(top_overlap(base.shown, made[name].shown).value) for name in rho},
        "equal_by_construction": left_out,
    }
    if not rho:
        return undefined(info.name, "There is no other method of this kind to compare with.", **details)
    value = float(np.median(list(rho.values())))
    verdict = weighed(value, doubtful=info.doubtful, fails=-2.0)
    low, high = min(rho, key=lambda k: rho[k]), max(rho, key=lambda k: rho[k])
    least, most = EXPLAINERS[low].title, EXPLAINERS[high].title
    spread = (
        f", from {rho[low]:.2f} with {least} to {rho[high]:.2f} with {most}" if low != high else f" ({most})"
    )
    equal = ", ".join(EXPLAINERS[name].title for name in left_out)
    are = "are" if len(left_out) > 1 else "is"
    others = f"{len(rho)} other method{'s' if len(rho) > 1 else ''}"
    sentence = f"The median rank correlation with {others} is {value:.2f}{spread}" + (
        f"; {equal} {are} equal here by construction and left out." if equal else "."
    )
    panels = (
        subject.panel(subject.info.title, base),
        *(
            subject.panel(EXPLAINERS[name].title, made[name], f"{rho[name]:.2f}")
            for name in sorted(rho, key=lambda k: -rho[k])[:_TILES]
        ),
    )
    return Finding(info.name, value, verdict, sentence, panels, details)


def _peers(subject: Subject) -> tuple[list[str], list[str]]:
    """Explainers to compare with, and those that are the same on this layer by construction."""
    own = subject.info
    place = require_layer(subject.classifier, subject.layer) if own.needs_layer else None
    same = set(equals(subject.explainer, place)) if place else set()
    peers: list[str] = []
    left_out: list[str] = []
    for name, other in EXPLAINERS.items():
        if (
            name in (subject.explainer, SMOOTHGRAD, subject.parameters.get("of"))
            or other.class_free
            or other.warning
        ):
            continue
        if other.needs_layer != own.needs_layer or other.family == _MANY or cost(name, {}) > _CHEAP:
            continue
        if support(subject.classifier, name, place.name if place else None):
            continue
        if name in same or (place and subject.explainer in equals(name, place)):
            left_out.append(name)
        elif not (place and set(peers) & set(equals(name, place))):  # one map under two names counts once
            peers.append(name)
    return peers, left_out
