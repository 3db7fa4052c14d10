"""Is the input on the scale that the network was trained on? Batch norms remember what they saw in training.

The first batch norm keeps mean and variance, per channel, of what the first convolution made of the training images.
An input that was normalised otherwise arrives there with others: the classic silent failure, after which a network says
anything with confidence.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from viewer.evaluation.checks.declaration import CHECKS
from viewer.evaluation.checks.finding import Finding, Panel, Verdict, number, undefined
from viewer.evaluation.checks.subject import Subject
from viewer.foundation.errors import ModelError
from viewer.foundation.progress import Progress
from viewer.models.card import InputRule
from viewer.models.classifier import REFUSALS, Classifier
from viewer.models.normalise import IMAGENET_MEAN, IMAGENET_STD

NAME = "normalisation"
Norm = nn.BatchNorm2d | nn.BatchNorm3d
_CLEARLY = 3.0
"""An other normalisation has to fit so many times better before it is named."""
_NO_SCALE = 1.5
"""So far away an input is doubted even where no usual normalisation fits better."""
_USUAL = ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0))
"""Scales that values which nobody normalised may already be on, the smallest first."""
_APART = 0.5
"""Probabilities that lie so far apart decide differently."""

Hook = Callable[..., None]


class _Seen(Exception):
    """Ends a forward pass once the first batch norm has been reached."""


@dataclass(frozen=True)
class Fit:
    """How an input arrives at the first batch norm.

    Attributes
    ----------
    divergence : median over the channels of the Kullback-Leibler divergence, in nats, of the normal distribution of
        the input there from the one that training left.
    probability : of the class.
    """

    divergence: float
    probability: float


def normalisation(subject: Subject, progress: Progress) -> Finding:
    """How far the input is from what the network's first batch norm was trained on, and whether another scale fits.

    The divergence of one image from the mean of all images of its kind is seldom above 0.3: a contrast twice too large
    or too small makes 0.8 or 0.3, an input shifted by one deviation 0.5. An image of another kind, on the right scale,
    is as far away, so distance alone says little: another usual scale has to fit clearly better. `python -m
    benchmarks.normalisation_check` measures how often this warns rightly and wrongly.
    """
    info = CHECKS[NAME]
    classifier = subject.classifier
    # What is handed over as an array goes to the network as it is, whatever the card says.
    rule = None if isinstance(subject.image, np.ndarray) else classifier.card.input
    unit, centred = source_scale(subject.ready, rule)
    inputs = {"as the card says": subject.ready, **others(subject.ready, unit, centred)}
    norm = _first_norm(classifier, subject.ready)
    fits: dict[str, Fit] = {}
    for done, (name, ready) in enumerate(inputs.items()):
        progress.report(done, len(inputs), f"normalised: {name}")
        fits[name] = _fit(subject, norm, ready)
    own = fits.pop("as the card says")
    details = {
        "divergence": number(own.divergence),
        "probability": own.probability,
        "others": {
            name: {"divergence": number(fit.divergence), "probability": fit.probability}
            for name, fit in fits.items()
        },
    }
    if norm is None:
        return _without_norm(own, fits, details)
    best = min(fits, key=lambda name: fits[name].divergence)
    panels = (
        Panel(
            "what the network saw",
            subject.ready.mean(0) if subject.dims == 2 else _middle(subject),
            "picture",
        ),
    )
    found = (
        f"The first batch norm sees this input {own.divergence:.2f} nats from what training left there "
        f"(p of {subject.class_name} {own.probability:.2f})"
    )
    better = own.divergence > _CLEARLY * max(fits[best].divergence, 1e-3)
    if own.divergence < info.doubtful:
        return Finding(
            NAME, own.divergence, "no objection", f"{found}: the scale of the input fits.", panels, details
        )
    if not better and own.divergence < _NO_SCALE:
        sentence = (
            f"{found}: further than images of the training usually are, but no other usual scale fits clearly better. "
            "The image is unlike theirs, the scale is not to blame."
        )
        return Finding(NAME, own.divergence, "no objection", sentence, panels, details)
    if not better:
        sentence = f"{found}, and no usual normalisation fits clearly better: an unfamiliar image or scale."
        return Finding(NAME, own.divergence, "doubtful", sentence, panels, details)
    sentence = (
        f"{found}; normalised to {best} it would be {fits[best].divergence:.2f} (p {fits[best].probability:.2f}): "
        "either the card's normalisation is not the one of the training, or the image is unlike its images."
    )
    verdict: Verdict = "fails" if own.divergence >= (info.fails or math.inf) else "doubtful"
    return Finding(NAME, own.divergence, verdict, sentence, panels, details)


def others(
    ready: NDArray[np.float32], unit: NDArray[np.float32], centred: bool = False
) -> dict[str, NDArray[np.float32]]:
    """The input on the scales that training code usually has, those apart that it is on already.

    Parameters
    ----------
    ready : the input (channel, *space).
    unit : the same as the grey values lie between 0 and 1, see `source_scale`.
    centred : whether the input lies about 0 with a deviation of about 1 already; then neither ImageNet's nor its own
        mean and deviation are another scale.
    """
    deviation = float(unit.std()) or 1.0
    found = {
        "[0, 1]": unit,
        "[-1, 1]": unit * 2 - 1,
        "[0, 255]": unit * 255,
        "[-1024, 1024]": unit * 2048 - 1024,
    }
    if not centred:
        found["mean 0, deviation 1"] = (unit - unit.mean()) / deviation
    if not centred and len(unit) == len(IMAGENET_MEAN):
        axes = (-1,) + (1,) * (unit.ndim - 1)
        mean, std = (np.array(each, dtype=np.float32).reshape(axes) for each in (IMAGENET_MEAN, IMAGENET_STD))
        found["ImageNet's channels"] = (unit - mean) / std
    span = float(np.ptp(ready)) or 1.0
    return {
        name: values.astype(np.float32)
        for name, values in found.items()
        if float(np.abs(values - ready).max()) > 0.02 * span
    }


def source_scale(ready: NDArray[np.float32], rule: InputRule | None) -> tuple[NDArray[np.float32], bool]:
    """The input as grey values between 0 and 1, and whether it is centred (see `others`).

    By the card's own rule, not by the darkest and brightest pixel: a pale film stretched to the full range fits better
    whatever the scale, and would pass for another one.

    Parameters
    ----------
    ready : the input (channel, *space).
    rule : by which it was made; None for an array.
    """
    name, given = (rule.normalise, dict(rule.parameters)) if rule else ("none", {})
    if name == "unit":
        return ready, False
    if name == "range":
        return np.asarray((ready + 1) / 2, dtype=np.float32), False
    if name in ("channels", "imagenet"):
        usual = (IMAGENET_MEAN, IMAGENET_STD) if name == "imagenet" else ((0.0,), (1.0,))
        axes = (-1,) + (1,) * (ready.ndim - 1)
        mean, std = (
            np.array(given.get(key, each), dtype=np.float32).reshape(axes)
            for key, each in zip(("mean", "std"), usual, strict=True)
        )
        # A film's greys lie about 0.45 with a deviation of about 0.25.
        centred = abs(0.45 - float(mean.mean())) < 0.5 * float(std.mean()) and 0.15 < float(std.mean()) < 0.45
        return np.asarray(ready * std + mean, dtype=np.float32), centred
    if name == "none":
        least, most = float(ready.min()), float(ready.max())
        for low, high in _USUAL:
            if low <= least and most <= high:
                return np.asarray((ready - low) / (high - low), dtype=np.float32), False
    centred = abs(float(ready.mean())) < 0.5 and 0.5 < float(ready.std()) < 2.0
    return _stretched(ready), centred


def _stretched(ready: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each channel between 0 and 1: grey pictures are repeated, so one rule holds for all channels."""
    axes = tuple(range(1, ready.ndim))
    low, high = ready.min(axis=axes, keepdims=True), ready.max(axis=axes, keepdims=True)
    return np.asarray((ready - low) / np.maximum(high - low, 1e-12), dtype=np.float32)


def _first_norm(classifier: Classifier, ready: NDArray[np.float32]) -> Norm | None:
    """The first batch norm, in the order of the forward pass, that kept the statistics of its training."""
    found: list[Norm] = []

    def note(module: Norm, *_: object) -> None:
        found.append(module)
        raise _Seen

    _run(classifier, ready, list(_norms(classifier.module)), note)
    return found[0] if found else None


def _norms(module: nn.Module) -> list[Norm]:
    return [m for m in module.modules() if isinstance(m, Norm) and m.running_mean is not None]


def _run(classifier: Classifier, ready: NDArray[np.float32], modules: list[Norm], hook: Hook) -> None:
    """One forward pass of the network with a hook before some of its modules, which may end it by `_Seen`."""
    handles = [module.register_forward_pre_hook(hook) for module in modules]
    try:
        with classifier.borrowed() as network, torch.no_grad():
            network(classifier.tensor(ready[None]))
    except _Seen:
        pass
    except REFUSALS as error:
        raise ModelError(
            f"The network does not take its own input: {type(error).__name__}.", code="input"
        ) from error
    finally:
        for handle in handles:
            handle.remove()


def _fit(subject: Subject, norm: Norm | None, ready: NDArray[np.float32]) -> Fit:
    classifier = subject.classifier
    logits = torch.from_numpy(classifier.logits(ready[None]))
    probability = float(classifier.probabilities(logits)[0, subject.target])
    if norm is None:
        return Fit(math.nan, probability)
    arrived: list[Tensor] = []

    def note(_: nn.Module, given: tuple[Tensor, ...]) -> None:
        arrived.append(given[0].detach().float())
        raise _Seen

    _run(classifier, ready, [norm], note)
    return Fit(_divergence(arrived[0], norm), probability)


def _divergence(arrived: Tensor, norm: Norm) -> float:
    """Median over channels of KL(N(mean, variance of the input) || N(running mean, running variance))."""
    flat = arrived.transpose(0, 1).flatten(1).double()
    mean, variance = flat.mean(dim=1), flat.var(dim=1, unbiased=False)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    kept_mean, kept = norm.running_mean.to(mean), norm.running_var.to(mean)
    # A channel that was silent in training has nothing to compare with.
    alive = kept > 1e-8 * float(kept.max())
    ratio = (variance[alive] / kept[alive]).clamp_min(1e-12)
    moved = (mean[alive] - kept_mean[alive]) ** 2 / kept[alive]
    return float((0.5 * (ratio + moved - 1.0 - ratio.log())).median())


def _without_norm(own: Fit, fits: Mapping[str, Fit], details: Mapping[str, object]) -> Finding:
    """Nothing in the network says what it was trained on; it can only be said whether the answer hangs on it."""
    far = max(fits, key=lambda name: abs(fits[name].probability - own.probability))
    apart = abs(fits[far].probability - own.probability)
    if apart < _APART:
        return undefined(
            NAME,
            "The network has no batch norm, so nothing in it says how its training images were normalised; with other "
            f"usual normalisations its answer moves by {apart:.2f} at most.",
            **details,
        )
    sentence = (
        f"The network has no batch norm, so nothing in it says how its training images were normalised, and the answer "
        f"hangs on it: p {own.probability:.2f} as the card says, {fits[far].probability:.2f} normalised to {far}. "
        "Take it from the training code."
    )
    return Finding(NAME, apart, "doubtful", sentence, details=details)


def _middle(subject: Subject) -> NDArray[np.float32]:
    grey = subject.grey
    return np.asarray(grey[len(grey) // 2])
