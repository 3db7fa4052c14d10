"""A network that undoes a constant shift of its input in its first layer, so that it computes what the network does.

Kindermans et al., The (un)reliability of saliency methods, 2017: an explanation of the one on the shifted input has no
reason to differ from an explanation of the other on the input.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from viewer.explainers.passes import plain_scores
from viewer.explainers.question import Question
from viewer.explainers.randomised import copied, weighted_modules
from viewer.foundation.errors import ExplainError
from viewer.models.classifier import Classifier

TOLERANCE = 1e-3
"""Of the size of the score: by more than that two networks that compute the same do not differ for rounding."""


def compensated(question: Question, shift: float) -> Classifier:
    """A copy of the network that gives the input plus a constant the score that the network gives the input.

    The bias of the first layer takes the shift away (of batch norm the mean); where a convolution pads with zeros the
    copy pads with the shift, so that it is exact at the border too.

    Parameters
    ----------
    shift : added to every value of the input.

    Raises
    ------
    ExplainError
        When the first step of the network cannot take the shift away, or the network cannot be copied.
    """
    names = weighted_modules(question.classifier, question.batch)
    made = copied(question.classifier)
    first = made.module.get_submodule(names[0]) if names else made.module
    _compensate(made, first, shift)
    before = plain_scores(question, question.batch)
    with_copy = Question(made, question.batch, question.target, score=question.score, region=question.region)
    after = plain_scores(with_copy, question.batch + shift)
    off = float((before - after).abs().max())
    if not off <= TOLERANCE * max(1.0, float(before.abs().max())):
        raise ExplainError(
            f"The shift cannot be undone in the first layer of '{made.card.id}' ('{names[0]}'): the score would "
            f"move by {off:.2g}.",
            code="no-compensation",
        )
    return made


def _compensate(made: Classifier, first: Any, shift: float) -> None:
    with torch.no_grad():
        if isinstance(first, (nn.Conv1d, nn.Conv2d, nn.Conv3d)):
            taken = shift * first.weight.flatten(1).sum(1)
            _take_from_bias(first, taken)
            _pad_with(first, shift)
        elif isinstance(first, nn.Linear):
            taken = shift * first.weight.sum(1)
            _take_from_bias(first, taken)
        elif isinstance(first, nn.modules.batchnorm._BatchNorm) and first.running_mean is not None:
            first.running_mean += shift
        else:
            raise ExplainError(
                f"The first layer of '{made.card.id}' is a {type(first).__name__}, in which a constant shift cannot be "
                "undone.",
                code="no-compensation",
            )


def _take_from_bias(layer: Any, taken: Tensor) -> None:
    layer.bias = nn.Parameter(-taken if layer.bias is None else layer.bias - taken)


def _pad_with(convolution: Any, value: float) -> None:
    """Pad with a value where the convolution pads with zeros; other ways of padding carry the shift by themselves."""
    if convolution.padding_mode != "zeros":
        return
    sizes = list(convolution._reversed_padding_repeated_twice)
    if not any(sizes):
        return
    convolution.padding = (0,) * len(convolution.kernel_size)

    def pad(_: nn.Module, arguments: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return (F.pad(arguments[0], sizes, value=value), *arguments[1:])

    convolution.register_forward_pre_hook(pad)
