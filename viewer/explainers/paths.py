"""Explainers that compare the input with a baseline: the gradient along the way from one to the other."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from viewer.explainers.baselines import baseline_of
from viewer.explainers.map_facts import INCOMPLETE
from viewer.explainers.noise import noisy, sampler
from viewer.explainers.passes import input_gradient, own_score, plain_scores
from viewer.explainers.question import Answer, Question, answer, images_together

TOLERANCE = 0.01
"""The values may miss the difference of the scores by this share of it."""


def integrated_gradients(question: Question) -> Iterator[Answer]:
    """(x - x0) times the mean gradient between x0 and x, by Gauss-Legendre quadrature; summed over channels.

    The points are visited in an order that is spread over the way at any time, so that the first answers already
    resemble the last; an unfinished one is the mean over the points so far.
    """
    steps = int(question.parameters["steps"])
    x = question.batch
    x0 = baseline_of(x, str(question.parameters["baseline"]))
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    order = _spread(steps)
    alphas, shares = (nodes[order] + 1) / 2, weights[order] / 2
    total = torch.zeros_like(x)
    weight = 0.0
    step = images_together(question)
    for first in range(0, steps, step):
        part = slice(first, first + step)
        alpha = _column(alphas[part], x)
        gradient = input_gradient(question, x0 + alpha * (x - x0))[1]
        total = total + (gradient * _column(shares[part], x)).sum(0, keepdim=True)
        weight += float(shares[part].sum())
        done = min(first + step, steps)
        map_ = ((x - x0) * total / weight).sum(1)[0]
        flags = completeness(question, x0, map_) if done == steps else ()
        yield answer(map_, done=done, total=steps, flags=flags)


def gradient_shap(question: Question) -> Iterator[Answer]:
    """Mean over n of (x + noise - x0) ds/dx at a random point between x0 and x + noise; summed over channels.

    The deviation is the standard deviation of the n terms.
    """
    samples = int(question.parameters["samples"])
    x = question.batch
    x0 = baseline_of(x, str(question.parameters["baseline"]))
    draw = noisy(x, float(question.parameters["noise"]), int(question.parameters["seed"]))
    places = np.random.default_rng(int(question.parameters["seed"])).random(samples)

    def maps_of(first: int, count: int) -> Tensor:
        way = draw(count) - x0
        alpha = _column(places[first : first + count], x)
        return (way * input_gradient(question, x0 + alpha * way)[1]).sum(1)

    yield from sampler(maps_of, samples, images_together(question))


def completeness(question: Question, baseline: Tensor, map_: Tensor) -> tuple[str, ...]:
    """A flag when a map does not add up to the difference of the scores of the input and the baseline."""
    after, before = own_score(question), float(plain_scores(question, baseline)[0])
    missed = abs(float(map_.double().sum()) - (after - before))
    # A difference that is small beside the scores themselves is not known better than to their rounding.
    allowed = TOLERANCE * abs(after - before) + 1e-5 * max(abs(after), abs(before))
    return () if missed <= allowed else (INCOMPLETE,)


def _column(values: np.ndarray, like: Tensor) -> Tensor:
    """(image, 1, *1) one number per image."""
    column = torch.as_tensor(values, dtype=like.dtype, device=like.device)
    return column.reshape(-1, *(1,) * (like.ndim - 1))


def _spread(count: int) -> np.ndarray:
    """The numbers 0 to ``count - 1`` in an order that covers them evenly from the start (van der Corput)."""
    bits = max(1, (count - 1).bit_length())
    turned = [int(f"{i:0{bits}b}"[::-1], 2) for i in range(1 << bits)]
    return np.array([i for i in turned if i < count])
