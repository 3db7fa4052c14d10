"""Cascading randomisation of the weights: a map that stays has not been made by what the network has learned."""

from __future__ import annotations

import numpy as np

from viewer.evaluation.agreement import rank_correlation, structural_similarity
from viewer.evaluation.checks.declaration import CHECKS
from viewer.evaluation.checks.finding import Finding, Panel, number, too_few, undefined, weighed
from viewer.evaluation.checks.subject import Made, Step, Subject
from viewer.explainers.randomised import cascade
from viewer.foundation.errors import ExplainError, ModelError
from viewer.foundation.progress import Progress

_DRAWS, _STAGES = 2, 12
_VOLUME_DRAWS, _VOLUME_STAGES = 1, 6
_TILES = 5


def weight_randomisation(subject: Subject, progress: Progress) -> Finding:
    """Rank correlation of the map with those of networks that are random from the output layer down, stage by stage.

    Adebayo et al. 2018. The number is the mean over all stages, and over two draws of the weights (one for a volume).
    The last stage alone would let guided backpropagation pass: its map ignores every layer but the lowest, whose
    random filters show other edges. The map is compared before ReLU, so that one which vanishes is compared too.

    0 forgets the map as the weights go, 1 ignores them. On stroke-gap guided backpropagation keeps 0.7, Guided
    Grad-CAM, which multiplies it, 0.36, the other methods less than 0.3: 0.35 is doubtful, 0.5 fails.

    Pitfalls: random weights keep much of an image's large structures (Binder et al., Shortcomings of top-down
    randomization-based sanity checks, CVPR 2023), so a low number does not prove a map right; layers below the target
    layer of a CAM matter at the last stages only; a network with few layers has few stages.
    """
    info, base = CHECKS["weight-randomisation"], subject.base()
    if why := too_few(base.signed.size):
        return undefined(info.name, why)
    two = subject.dims == 2
    draws, most = (_DRAWS, _STAGES) if two else (_VOLUME_DRAWS, _VOLUME_STAGES)
    layers: list[str] = []
    rho: list[list[float]] = []
    ssim: list[list[float]] = []
    kept: list[tuple[str, Made]] = []
    total = draws * most
    batch = subject.classifier.tensor(subject.ready[None])
    for draw in range(draws):
        ranks, likes = [], []
        for count, stage in enumerate(cascade(subject.classifier, batch, draw, most)):
            text = f"random down to {stage.layer}"
            progress.report(draw * most + count, total, text)
            made = _of_stage(subject, stage.classifier, Step(progress, draw * most + count, total, text))
            ranks.append(np.nan if made is None else rank_correlation(base.signed, made.signed).value)
            likes.append(np.nan if made is None else structural_similarity(base.shown, made.shown).value)
            if draw == 0:
                layers.append(stage.layer)
                if made is not None:
                    kept.append((stage.layer, made))
        rho.append(ranks)
        ssim.append(likes)
    table = np.array(rho)
    details = {
        "stages": [
            {"layer": name, "rank_correlation": _mean(table[:, n]), "ssim": _mean(np.array(ssim)[:, n])}
            for n, name in enumerate(layers)
        ],
        "draws": draws,
    }
    if np.isnan(table).all():
        return undefined(info.name, "No network with random weights made a map that varies.", **details)
    value = float(np.nanmean(table))
    verdict = weighed(value, doubtful=info.doubtful, fails=info.fails or 0)
    what = {
        "fails": "the map hardly depends on what the network has learned",
        "doubtful": "much of the map does not depend on what the network has learned",
    }.get(verdict, "the map changes with the weights")
    last = _mean(table[:, -1])
    sentence = (
        f"With weights random from the output down, the map keeps a mean rank correlation of {value:.2f} over "
        f"{len(layers)} stages"
        + (f", {last:.2f} with all of them random" if last is not None else "")
        + f": {what}."
    )
    return Finding(
        info.name, value, verdict, sentence, _panels(subject, base, kept, details["stages"]), details
    )


def _of_stage(subject: Subject, classifier: object, progress: Progress) -> Made | None:
    """The map of a random network; None where its output is no number or it has no such map."""
    from viewer.models.classifier import Classifier

    assert isinstance(classifier, Classifier)
    try:
        return subject.of_network(classifier, progress)
    except (ExplainError, ModelError):
        return None


def _panels(subject: Subject, base: Made, kept: list[tuple[str, Made]], stages: object) -> tuple[Panel, ...]:
    """The map and some of the stages, with the mean of their correlations."""
    assert isinstance(stages, list)
    notes = {stage["layer"]: stage["rank_correlation"] for stage in stages}
    chosen = sorted({round(n * (len(kept) - 1) / max(_TILES - 1, 1)) for n in range(_TILES)}) if kept else []
    tiles = []
    for n in chosen:
        layer, made = kept[n]
        note = notes[layer]
        tiles.append(subject.panel(f"to {layer}", made, "" if note is None else f"{note:.2f}"))
    return (subject.panel("trained", base), *tiles)


def _mean(values: np.ndarray) -> float | None:
    known = values[~np.isnan(values)]
    return number(float(known.mean())) if known.size else None
