"""Which layers of a network a map can be made on: found by watching one pass, not by knowing architectures."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from viewer.explainers.layer_info import LayerInfo, find_layer
from viewer.explainers.watching import watch
from viewer.foundation.errors import ExplainError, UsageError
from viewer.models.classifier import REFUSALS, Classifier, refusal
from viewer.models.devices import ran_out

_found: WeakKeyDictionary[nn.Module, dict[tuple[int, ...], tuple[LayerInfo, ...]]] = WeakKeyDictionary()
"""Network -> shape of the input -> layers."""


def find_layers(classifier: Classifier, example: Tensor | None = None) -> tuple[LayerInfo, ...]:
    """Every module output that is one tensor with an extent in space, in the order of execution.

    One forward pass on random input and the last part of a backward pass, in little more memory than a prediction
    takes; the answer is kept for as long as the network lives.

    Parameters
    ----------
    example : an input (image, channel, *space) to watch instead of random numbers of the card's size; its
        answer is not kept.

    Raises
    ------
    ExplainError
        When the network cannot take the input that its card promises.
    """
    if example is not None:
        return _watch(classifier, example)
    known, rule = _found.setdefault(classifier.module, {}), classifier.card.input
    shape = (1, rule.channels, *rule.size)
    if shape not in known:
        known[shape] = _watch(classifier, classifier.noise())
    return known[shape]


def default_layer(classifier: Classifier) -> str:
    """The card's default layer, else the last layer with an extent in the plane that a gradient reaches.

    A layer that has averaged over the plane and not yet over the slices has a map too; it shows no place in a slice.

    Raises
    ------
    ExplainError
        When the network has no such layer.
    """
    layers = find_layers(classifier)
    if classifier.card.default_layer:
        return find_layer(layers, classifier.card.default_layer).name
    usable = [layer for layer in layers if layer.same_as is None and layer.differentiable]
    if layers and not usable:
        if classifier.card.task != "segmentation":
            classifier.logits(
                classifier.noise().float().cpu().numpy()
            )  # outputs of another kind say so themselves
        raise ExplainError(
            f"No gradient leads from the output of the model '{classifier.card.id}' to any of its layers, so there is "
            "no map on them.",
            code="no-gradient",
        )
    if not usable:
        raise ExplainError(
            f"The model '{classifier.card.id}' has no layer with an output in space.", code="no-spatial-layer"
        )
    in_plane = [layer for layer in usable if min(layer.grid[-2:]) > 1]
    return (in_plane or usable)[-1].name


def require_layer(classifier: Classifier, name: str) -> LayerInfo:
    """The layer of that name, with a sentence of its own for a module that exists but has no map.

    Raises
    ------
    UsageError
        When there is no such module; the nearest names are offered.
    ExplainError
        When the module exists but puts out nothing with an extent in space.
    """
    layers = find_layers(classifier)
    try:
        return find_layer(layers, name)
    except UsageError as error:
        if error.code == "no-such-layer" and name in dict(classifier.module.named_modules()) and name:
            raise ExplainError(
                f"The layer '{name}' puts out nothing with an extent in space that can be told, so there is no map on "
                "it.",
                code="no-spatial-layer",
            ) from None
        raise


def _watch(classifier: Classifier, example: Tensor) -> tuple[LayerInfo, ...]:
    with torch.inference_mode(False), torch.enable_grad(), classifier.borrowed() as module:
        for parameter in module.parameters():
            parameter.requires_grad_(False)
        try:
            return watch(module, example.to(classifier.device), classifier.card.dims)
        except REFUSALS as error:
            if ran_out(error):
                raise
            raise ExplainError(
                refusal(classifier.card, example.shape[1:], error), code="input-shape"
            ) from error
