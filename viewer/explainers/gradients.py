"""Explainers that are one gradient with respect to the input, plain or with another rule at every ReLU.

Guided backpropagation and DeconvNet alter what a ReLU passes back. The rule is put on the ReLUs of the recorded graph
of one pass and not on modules: a functional ``F.relu``, one that works in place and one that runs many times are all
met, and nothing is left behind in the network. A ReLU that is written in another way is not found; a network without
any is refused by `support`, since the map would be the plain gradient under another name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from viewer.explainers.passes import input_gradient, layer_pair
from viewer.explainers.question import MapsOf, Question
from viewer.explainers.reductions import reduce_together

_RELU = "ReluBackward0"
_LINEAR = ("linear", "bilinear", "trilinear")

Rule = Callable[[Any, Any], tuple[Tensor, ...]]
"""``rule(passed_back, arrived)``: what a ReLU passes back instead."""


def gradient(question: Question, batch: Tensor) -> Tensor:
    """Sum over channels of ds/dx."""
    return input_gradient(question, batch)[1].sum(1)


def input_x_gradient(question: Question, batch: Tensor) -> Tensor:
    """Sum over channels of x ds/dx."""
    return (batch * input_gradient(question, batch)[1]).sum(1)


def guided_gradient(question: Question, batch: Tensor) -> Tensor:
    """(image, channel, *space) ds/dx where each ReLU passes positive gradients of active units only."""
    return _ruled(question, batch, lambda passed, _: (passed[0].clamp_min(0),))


def guided_backprop(question: Question, batch: Tensor) -> Tensor:
    """Sum over channels of the guided gradient."""
    return guided_gradient(question, batch).sum(1)


def deconvnet(question: Question, batch: Tensor) -> Tensor:
    """Sum over channels of ds/dx where each ReLU passes positive gradients, of inactive units too."""
    return _ruled(question, batch, lambda _, arrived: (arrived[0].clamp_min(0),)).sum(1)


def guided_grad_cam(question: Question, batch: Tensor) -> Tensor:
    """Grad-CAM after ReLU, drawn on the input's grid, times the guided gradient, summed over channels."""
    activation, gradient_ = layer_pair(question, batch)
    area = reduce_together(activation, gradient_, ("grad-cam",))["grad-cam"].clamp_min(0)
    space = batch.shape[2:]
    drawn = F.interpolate(area[:, None], size=space, mode=_LINEAR[len(space) - 1], align_corners=False)
    return drawn[:, 0] * guided_backprop(question, batch)


def relus(scores: Tensor) -> list[Any]:
    """The ReLUs in the graph behind some scores, each call once."""
    return [node for node in graph(scores) if node.name() == _RELU]


def graph(scores: Tensor) -> Iterator[Any]:
    """Every step of the graph behind some scores, each once."""
    seen: set[Any] = set()
    waiting = [scores.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        yield node
        waiting.extend(following for following, _ in node.next_functions)


def _ruled(question: Question, batch: Tensor, rule: Rule) -> Tensor:
    def alter(scores: Tensor) -> None:
        for node in relus(scores):
            node.register_hook(rule)

    return input_gradient(question, batch, alter)[1]


GRADIENTS: Mapping[str, MapsOf] = {
    "gradient": gradient,
    "input-x-gradient": input_x_gradient,
    "guided-backprop": guided_backprop,
    "deconvnet": deconvnet,
    "guided-grad-cam": guided_grad_cam,
}
