"""LIME and Kernel SHAP: a linear model of what the network says while segments of its input are switched off and on.

captum draws the samples, weighs them and fits the model; the scores come from our own passes, a part at a time, so that
there is a coarse map soon, and it gets better. The R2 of the model goes with every map, because a model that does not
follow the network explains nothing.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from captum._utils.models.linear_model import SkLearnLasso, SkLearnLinearRegression
from captum.attr import KernelShap, LimeBase
from captum.attr._core.lime import default_perturb_func
from numpy.typing import NDArray
from torch import Tensor
from torch.distributions import Categorical

from viewer.explainers.baselines import baseline_of
from viewer.explainers.map_facts import INCOMPLETE, LEAST_FIT, POOR_FIT
from viewer.explainers.passes import own_score
from viewer.explainers.perturbing import perturbed_scores
from viewer.explainers.question import Answer, Question, answer, few_first
from viewer.explainers.segments import Labels, segments_of
from viewer.foundation.errors import ExplainError, UsageError

Values = NDArray[np.float64]

_SPARSE = 0.01
"""Strength of the lasso as a share of the spread of the scores, so that a probability is treated as a logit is;
captum's own is 0.01 of whatever unit the score has."""

_WIDTH = 1.0
"""Of LIME's kernel, in cosine distance; captum's own."""

_MORE = 1.25
"""The model is fitted again when there are so many times more samples."""

_FIRST = 0.5
"""Samples for each segment before the first fit."""

_LEAST, _PATIENCE = 8, 0.7
"""... but of a network that takes so many seconds for them so few samples: poor, which its R2 says, but there."""

TOLERANCE = 0.01


class _Kind(Protocol):
    """What tells LIME and Kernel SHAP apart."""

    def switches(self, samples: int, segments: int) -> Tensor:
        """(sample, segment) long, 1 where a segment is on, from torch's own random numbers."""

    def weights(self, x: Tensor, changed: Tensor, switches: Tensor) -> Tensor:
        """(sample,) how much each sample counts."""

    def model(self, spread: float) -> Any:
        """An untrained linear model of captum."""

    def counted(self, switches: Values, weights: Values) -> Values:
        """(sample,) how much each sample counts when the fit is judged."""


class _Lime:
    """Ribeiro et al. 2016, with captum's settings: half of the segments on, cosine distance, lasso."""

    def switches(self, samples: int, segments: int) -> Tensor:
        nothing = torch.empty(0)
        return torch.cat(
            [default_perturb_func(nothing, num_interp_features=segments) for _ in range(samples)]
        )

    def weights(self, x: Tensor, changed: Tensor, switches: Tensor) -> Tensor:
        distance = 1 - F.cosine_similarity(x.flatten(1), changed.flatten(1))
        return torch.exp(-(distance**2) / (2 * _WIDTH**2))

    def model(self, spread: float) -> Any:
        return SkLearnLasso(alpha=_SPARSE * spread)

    def counted(self, switches: Values, weights: Values) -> Values:
        return weights


class _Shap:
    """Lundberg and Lee 2017, with captum's settings: coalitions by the Shapley kernel, least squares."""

    def __init__(self) -> None:
        self._captum = KernelShap(lambda _: 0.0)

    def switches(self, samples: int, segments: int) -> Tensor:
        sizes = torch.arange(segments, dtype=torch.float)
        chances = (segments - 1) / (sizes * (segments - sizes))
        chances[0] = 0.0
        drawn = self._captum.kernel_shap_perturb_generator(
            torch.empty(0), num_select_distribution=Categorical(chances), num_interp_features=segments
        )
        return torch.cat([next(drawn) for _ in range(samples)])

    def weights(self, x: Tensor, changed: Tensor, switches: Tensor) -> Tensor:
        segments = switches.shape[1]
        return torch.cat(
            [
                self._captum.kernel_shap_similarity_kernel(
                    None, None, one[None], num_interp_features=segments
                )
                for one in switches
            ]
        )

    def model(self, spread: float) -> Any:
        return SkLearnLinearRegression()

    def counted(self, switches: Values, weights: Values) -> Values:
        # All on and all off are met by their weight alone, and would make every fit look perfect.
        on = switches.sum(1)
        return np.where((on == 0) | (on == switches.shape[1]), 0.0, 1.0)


@dataclass
class _Samples:
    """What the network said so far, in the order in which it was asked.

    Attributes
    ----------
    asked : changed inputs that were shown, those without a finite score among them.
    """

    asked: int = 0
    switches: list[Tensor] = field(default_factory=list)
    scores: list[Tensor] = field(default_factory=list)
    weights: list[Tensor] = field(default_factory=list)

    def add(self, switches: Tensor, scores: Tensor, weights: Tensor) -> None:
        finite = scores.isfinite()
        self.asked += len(scores)
        self.switches.append(switches[finite])
        self.scores.append(scores[finite])
        self.weights.append(weights[finite])

    @property
    def count(self) -> int:
        return sum(len(part) for part in self.scores)


def lime(question: Question) -> Iterator[Answer]:
    """Coefficient of each segment in a sparse linear model of the score near the input.

    Raises
    ------
    UsageError, ExplainError
        The numbers of segments or samples do not suit each other or the input; the network gives no scores.
    """
    for found, _ in _answers(question, _Lime()):
        yield found


def kernel_shap(question: Question) -> Iterator[Answer]:
    """Shapley value of each segment: they add up to the difference of the scores of the input and the baseline.

    Raises
    ------
    UsageError, ExplainError
        As `lime`.
    """
    after, before = own_score(question), float(perturbed_scores(question, _baseline(question))[0])
    difference = after - before
    if not np.isfinite(difference):
        raise ExplainError(
            "The network's score of the input or of the baseline is not a finite number, so there is no difference to "
            "share out.",
            code="not-finite",
        )
    for found, coefficients in _answers(question, _Shap()):
        total = float(coefficients.sum())
        facts = {**found.facts, "score": difference, "input": total}
        missed = abs(total - difference) > TOLERANCE * abs(difference) + 1e-5 * max(abs(after), abs(before))
        flags = (*found.flags, INCOMPLETE) if missed and found.done == found.total else found.flags
        yield replace(found, facts=facts, flags=flags)


def _answers(question: Question, kind: _Kind) -> Iterator[tuple[Answer, Values]]:
    """Better and better maps, each with the coefficients of the segments."""
    samples = int(question.parameters["samples"])
    question.progress.report(0, samples, "segments")
    labels = segments_of(question.batch[0].cpu().numpy(), int(question.parameters["segments"]))
    segments = int(labels.max())
    if samples < segments + 2:
        raise UsageError(
            f"{samples} samples cannot tell {segments} segments apart: ask for at least {segments + 2}, better for ten "
            "times as many as segments, or for fewer segments.",
            code="too-few-samples",
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(question.parameters["seed"]))
        switches = kind.switches(samples, segments)
    x, x0, place = question.batch, _baseline(question), torch.from_numpy(labels.astype(np.int64) - 1)
    known, fitted, due = _Samples(), None, max(float(_LEAST), _FIRST * segments)
    began = time.monotonic()
    for rounds in few_first(question, samples):
        part = switches[rounds.start : rounds.stop]
        shown = part[:, place].bool().to(x.device)[:, None]
        changed = torch.where(shown, x, x0)
        scores = perturbed_scores(question, changed).double().cpu()
        known.add(part, scores, kind.weights(x, changed, part).double().cpu())
        question.progress.report(known.asked, samples, "changed inputs")
        done = known.asked == samples
        waited = fitted is None and known.asked >= _LEAST and time.monotonic() - began > _PATIENCE
        if known.count > 1 and (done or waited or known.asked >= due):
            fitted, due = _fitted(kind, known, labels), known.asked * _MORE
        if fitted is not None:
            made, coefficients = fitted
            facts = {**made.facts, "asked": float(known.asked), "left_out": float(known.asked - known.count)}
            yield replace(made, done=known.asked, total=samples, facts=facts), coefficients
    if fitted is None:
        raise ExplainError(
            f"None of {samples} changed inputs got a finite score from the network, so nothing explains it.",
            code="not-finite",
        )


def _fitted(kind: _Kind, known: _Samples, labels: Labels) -> tuple[Answer, Values]:
    """The map of the linear model of all that is known."""
    switches = torch.cat(known.switches)
    scores, weights = (torch.cat(each).numpy() for each in (known.scores, known.weights))
    coefficients, said = _linear(kind, switches, scores, weights)
    counted = kind.counted(switches.double().numpy(), weights)
    fit = _adjusted_fit(scores, said, counted, len(coefficients))
    facts = {"segments": float(labels.max())} | ({} if fit is None else {"fit": fit})
    flags = () if fit is not None and fit >= LEAST_FIT else (POOR_FIT,)
    made = answer(torch.from_numpy(coefficients[labels - 1]), flags=flags, facts=facts)
    return replace(made, segments=labels), coefficients


def _linear(kind: _Kind, switches: Tensor, scores: Values, weights: Values) -> tuple[Values, Values]:
    """Coefficients (segment,) of captum's model and what it says of every sample."""
    mean = float(np.average(scores, weights=weights))
    spread = float(np.sqrt(np.average((scores - mean) ** 2, weights=weights)))
    if not spread > 1e-9 * float(np.abs(scores).max()):  # nothing that is switched off makes a difference
        return np.zeros(switches.shape[1]), scores.copy()
    model = kind.model(spread)
    number = iter(torch.from_numpy(weights).float())
    base = LimeBase(
        lambda _: torch.from_numpy(scores).float(),
        model,
        lambda *_, **__: next(number),
        _one_by_one(switches),
        perturb_interpretable_space=True,
        from_interp_rep_transform=lambda sample, *_, **__: sample,
        to_interp_rep_transform=None,
    )
    # captum makes a random model before it puts the coefficients in.
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a lasso of few samples has not converged yet, which its R2 says
        base.attribute(switches[:1], n_samples=len(switches), perturbations_per_eval=len(switches))
    coefficients = model.linear.weight.detach().double().numpy()[0]
    intercept = float(model.linear.bias.detach().double()[0])
    return coefficients, switches.double().numpy() @ coefficients + intercept


def _one_by_one(switches: Tensor) -> Callable[..., Iterator[Tensor]]:
    def drawn(*_: Any, **__: Any) -> Iterator[Tensor]:
        yield from torch.split(switches, 1)

    return drawn


def _adjusted_fit(scores: Values, said: Values, weights: Values, terms: int) -> float | None:
    """R2 adjusted for the number of coefficients, chosen or not; None where there are too few samples to tell."""
    samples = int(np.count_nonzero(weights))
    if samples <= terms + 1:
        return None
    mean = np.average(scores, weights=weights)
    spread = float(np.sum(weights * (scores - mean) ** 2))
    left = float(np.sum(weights * (scores - said) ** 2))
    if spread == 0:
        return 1.0
    return 1 - left / spread * (samples - 1) / (samples - terms - 1)


def _baseline(question: Question) -> Tensor:
    return baseline_of(question.batch, str(question.parameters["baseline"]))
