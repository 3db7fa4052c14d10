"""The passes that explainers are made of: scores, their gradient with respect to the input, or to a layer.

Each leaves the network as it was found, also after an exception, and works inside the caller's ``no_grad`` and
``inference_mode`` and with frozen parameters. Where memory does not allow all images at once they are sent in smaller
parts, and where a device cannot hold one the processor does the work; `Question.notes` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn

from viewer.explainers.layer_info import LayerInfo
from viewer.explainers.layers import require_layer
from viewer.explainers.question import Question
from viewer.explainers.scoring import class_scores, forward
from viewer.explainers.taps import Taps, channels_first, despite_overwriting, hand_on_copy
from viewer.explainers.trace_memory import check_memory
from viewer.foundation.errors import ExplainError, ModelError
from viewer.models.memory import in_fitting_parts


@contextmanager
def differentiable(question: Question, *, copy_all: bool = False) -> Iterator[nn.Module]:
    """The network in eval mode under autograd, its parameters frozen for the time being.

    Parameters
    ----------
    copy_all : whether steps that work in place find copies of what modules put out.
    """
    with torch.inference_mode(False), torch.enable_grad(), question.classifier.borrowed() as module:
        for parameter in module.parameters():
            parameter.requires_grad_(False)
        children = [child for child in module.modules() if copy_all and child is not module]
        handles = [child.register_forward_hook(hand_on_copy) for child in children]
        try:
            yield module
        finally:
            for handle in handles:
                handle.remove()


ONE_BY_ONE = "one-by-one"
"""Flag: the network refuses several images at once."""

_REFUSED = ("input-shape", "outputs")


def in_parts(
    question: Question, batch: Tensor, run: Callable[[Tensor], tuple[Tensor, ...]]
) -> tuple[Tensor, ...]:
    """Run something on a batch (image, ...), in parts where memory does not allow the whole, one by one where the
    network does not take several.

    Parameters
    ----------
    run : is given consecutive images on the device that the network is on by then; gives tensors (image, ...).

    Returns
    -------
    tuple
        The tensors of all images, where the batch is.

    Raises
    ------
    ModelError
        When one image is too much for the processor too.
    ExplainError, ModelError
        When the network refuses one image by itself.
    """
    if len(batch) > 1 and ONE_BY_ONE not in question.notes:
        try:
            return _in_fitting_parts(question, batch, run)
        except (ExplainError, ModelError) as error:
            if error.code not in _REFUSED:
                raise
    alone = [_in_fitting_parts(question, batch[i : i + 1], run) for i in range(len(batch))]
    if len(alone) == 1:
        return alone[0]
    question.notes.add(ONE_BY_ONE)
    return tuple(torch.cat(same) for same in zip(*alone, strict=True))


def _in_fitting_parts(
    question: Question, batch: Tensor, run: Callable[[Tensor], tuple[Tensor, ...]]
) -> tuple[Tensor, ...]:
    classifier = question.classifier
    parts, fallen = in_fitting_parts(classifier, batch, lambda part: run(part.to(classifier.device)))
    question.notes.update(fallen)
    if len(parts) == 1 and not fallen:
        return parts[0]
    return tuple(torch.cat([each.to(batch.device) for each in same]) for same in zip(*parts, strict=True))


def scores_of(question: Question, module: nn.Module, batch: Tensor) -> Tensor:
    """(image,) scores of the question's class by one forward pass of the borrowed network."""
    return class_scores(
        question.classifier,
        module,
        lambda: forward(question.classifier, module, batch),
        len(batch),
        question.target,
        question.score,
        question.region,
    )


def plain_scores(question: Question, batch: Tensor) -> Tensor:
    """(image,) scores without a gradient."""

    def run(part: Tensor) -> tuple[Tensor]:
        with torch.no_grad(), question.classifier.borrowed() as module:
            return (scores_of(question, module, part.clone()).detach(),)

    return in_parts(question, batch, run)[0]


def own_score(question: Question) -> float:
    """The score of the question's own input; a pass where none has said it yet."""
    if question.known_score is not None:
        return question.known_score
    return float(plain_scores(question, question.batch)[0])


def input_gradient(
    question: Question, batch: Tensor, alter: Callable[[Tensor], None] | None = None
) -> tuple[Tensor, Tensor]:
    """(image,) scores and their gradient with respect to the inputs, (image, channel, *space).

    Parameters
    ----------
    alter : is given the scores before the gradient is taken, to change how their graph passes it back.

    Raises
    ------
    ExplainError
        When no gradient leads from the score to the input.
    """

    def passed(part: Tensor, copy_all: bool) -> tuple[Tensor, Tensor]:
        with differentiable(question, copy_all=copy_all) as module:
            leaf = part.detach().clone().requires_grad_()
            scores = scores_of(question, module, leaf.clone())  # a network may overwrite its input
            if not scores.requires_grad:
                raise no_gradient(question)
            if alter is not None:
                alter(scores)
            (gradient,) = torch.autograd.grad(scores.sum(), leaf, allow_unused=True)
        if gradient is None:
            raise no_gradient(question)
        return scores.detach(), gradient

    def run(part: Tensor) -> tuple[Tensor, Tensor]:
        check_memory(question.classifier, None, len(part))
        return despite_overwriting(question.classifier.card.id, partial(passed, part))

    scores, gradient = in_parts(question, batch, run)
    return scores, gradient


def no_gradient(question: Question) -> ExplainError:
    return ExplainError(
        f"No gradient leads from the output of the model '{question.classifier.card.id}' to its input, so there is "
        "nothing to explain it with.",
        code="no-gradient",
    )


def layer_pair(question: Question, batch: Tensor) -> tuple[Tensor, Tensor]:
    """Output of the question's layer and the gradient of the score with respect to it, (image, channel, *grid).

    Raises
    ------
    UsageError, ExplainError
        When there is no such layer, it has no extent in space or no gradient reaches it.
    """
    info = require_layer(question.classifier, question.layer)
    if info.same_as is not None:
        info = require_layer(question.classifier, info.same_as)

    def run(part: Tensor) -> tuple[Tensor, Tensor]:
        check_memory(question.classifier, [info], len(part))
        return despite_overwriting(
            question.classifier.card.id,
            lambda copy_all: _layer_pair(question, info, part, copy_all=copy_all),
        )

    activation, gradient = in_parts(question, batch, run)
    return activation, gradient


def _layer_pair(
    question: Question, info: LayerInfo, batch: Tensor, *, copy_all: bool
) -> tuple[Tensor, Tensor]:
    found: list[tuple[Tensor, Tensor]] = []
    with differentiable(question) as module, Taps(module, [info], copy_all) as taps:
        taps.begin()
        scores = scores_of(question, module, batch.detach().clone())
        taps.check()
        if scores.requires_grad:
            seed = torch.ones_like(scores)
            taps.gradients(scores, seed, lambda _, a, g: found.append((a.detach(), g.detach())), last=True)
    if not found:
        raise ExplainError(
            f"No gradient reaches the layer '{question.layer}' from the score, so there is no map on it.",
            code="no-gradient",
        )
    return found[0]


def layer_output(question: Question, batch: Tensor) -> Tensor:
    """Output of the question's layer, (image, channel, *grid), by a forward pass alone."""
    info = require_layer(question.classifier, question.layer)
    if info.same_as is not None:
        info = require_layer(question.classifier, info.same_as)
    path, _, call = info.name.rpartition("#") if "reused" in info.flags else (info.name, "", "1")

    def run(part: Tensor) -> tuple[Tensor]:
        outputs: list[Tensor] = []
        with torch.no_grad(), question.classifier.borrowed() as module:
            # A copy, because a later step may overwrite it.
            handle = module.get_submodule(path).register_forward_hook(
                lambda _, __, out: outputs.append(out.detach().clone())
            )
            try:
                forward(question.classifier, module, part.detach().clone())
            finally:
                handle.remove()
        return (channels_first(info, outputs[int(call) - 1]),)

    return in_parts(question, batch, run)[0]
