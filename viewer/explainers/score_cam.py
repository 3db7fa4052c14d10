"""Score-CAM: every channel of a layer is a mask of the input, and what the network says of the rest is its weight."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from viewer.explainers.passes import layer_output
from viewer.explainers.perturbing import perturbed_scores
from viewer.explainers.question import Answer, Question, answer, few_first

_LINEAR = ("linear", "bilinear", "trilinear")
_CONSTANT = 1e-6
"""A channel whose values differ by less than this share of their size is constant."""


def score_cam(question: Question) -> Iterator[Answer]:
    """sum_k w_k A_k, signed; w_k the softmax over the channels of s(x masked by A_k).

    Each mask is the channel's activation drawn on the input's grid (linear, ``align_corners=False``) and brought to
    0..1. A constant channel masks nothing and is skipped; so is one whose score is no finite number.

    The paper (Wang et al. 2020) defines the weight as an increase over the score of a baseline input (its equation 6)
    and passes the scores through a softmax over the channels. A softmax does not change when the same number is
    subtracted from everything, so the baseline cancels and is not asked for. The softmax makes all weights positive
    and their sum 1, which is what keeps channels that speak against the class from turning the map over; it is applied
    to the score that is asked for, the logit by default, as the paper does.

    Channels that vary most come first, so the first answers resemble the last: the softmax is over the channels that
    were asked so far.
    """
    activation = layer_output(question, question.batch)[0]
    flat = activation.flatten(1).double()
    spread = flat.amax(1) - flat.amin(1)
    size = flat.abs().amax(1)
    varying = (spread > _CONSTANT * size) & spread.isfinite() & (spread > 0)
    order = torch.argsort(torch.where(varying, flat.var(1, correction=0), -1.0), descending=True, stable=True)
    order = order[: int(varying.sum())]
    if not len(order):
        yield answer(torch.zeros(activation.shape[1:]))
        return
    scores = flat.new_full((len(activation),), torch.nan)
    for rounds in few_first(question, len(order)):
        part, done = order[rounds.start : rounds.stop], rounds.stop
        scores[part] = perturbed_scores(
            question, question.batch * masks(activation[part], question.space)
        ).to(scores)
        asked = order[:done]
        weights = torch.zeros_like(scores)
        good = asked[scores[asked].isfinite()]
        weights[good] = torch.softmax(scores[good], 0)
        map_ = (weights.reshape(-1, *(1,) * (activation.ndim - 1)) * activation).sum(0)
        question.progress.report(done, len(order), "channels")
        yield answer(
            map_,
            done=done,
            total=len(order),
            facts={"asked": float(done), "left_out": float(done - len(good))},
        )


def masks(channels: Tensor, space: tuple[int, ...]) -> Tensor:
    """Channels (channel, *grid) as masks of the input (channel, 1, *space), each from 0 to 1."""
    drawn = F.interpolate(channels[:, None], size=space, mode=_LINEAR[len(space) - 1], align_corners=False)
    axes = tuple(range(1, drawn.ndim))
    low, high = drawn.amin(axes, keepdim=True), drawn.amax(axes, keepdim=True)
    return (drawn - low) / torch.where(high > low, high - low, 1.0)
