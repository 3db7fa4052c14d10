"""Which layers of a network a map can be made on: found by watching one pass, not by knowing architectures."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from viewer.explainers.layer_info import SAME_OUTPUT, LayerInfo, find_layer
from viewer.foundation.errors import ExplainError, UsageError
from viewer.models.classifier import Classifier

_CONSTANT = 1e-4
"""A gradient that varies in space by less than this share of its size is constant (rounding leaves about 1e-6)."""

_found: WeakKeyDictionary[nn.Module, dict[tuple[int, ...], tuple[LayerInfo, ...]]] = WeakKeyDictionary()
"""Network -> shape of the input -> layers."""


def find_layers(classifier: Classifier, example: Tensor | None = None) -> tuple[LayerInfo, ...]:
    """Every module output that is one tensor with an extent in space, in the order of execution.

    One forward and one backward pass on random input; the answer is kept for as long as the network lives.

    Parameters
    ----------
    example : an input (image, channel, row, column) to watch instead of random numbers of the card's size; its
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
        noise = torch.randn(shape, generator=torch.Generator().manual_seed(0))
        known[shape] = _watch(classifier, noise)
    return known[shape]


def default_layer(classifier: Classifier) -> str:
    """The card's default layer, else the last layer with an extent in space that a gradient reaches.

    Raises
    ------
    ExplainError
        When the network has no such layer.
    """
    layers = find_layers(classifier)
    if classifier.card.default_layer:
        return find_layer(layers, classifier.card.default_layer).name
    usable = [layer for layer in layers if layer.same_as is None and layer.differentiable]
    if not usable:
        raise ExplainError(
            f"The model '{classifier.card.id}' has no layer with an output in space.", code="no-spatial-layer"
        )
    return usable[-1].name


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
                f"The layer '{name}' puts out nothing with an extent in space, so there is no map on it.",
                code="no-spatial-layer",
            ) from None
        raise


@dataclass
class _Output:
    """One watched output. The tensor is kept so that its identity and its version can be compared afterwards."""

    name: str
    call: int
    type: str
    tensor: Tensor
    version: int
    gradient: Tensor | None = field(default=None)


def _watch(classifier: Classifier, example: Tensor) -> tuple[LayerInfo, ...]:
    dims = classifier.card.dims
    outputs: list[_Output] = []
    calls: Counter[str] = Counter()

    def watcher(name: str) -> Any:
        def watch(module: nn.Module, _: Any, out: Any) -> Tensor | None:
            calls[name] += 1
            if not isinstance(out, Tensor) or out.ndim != dims + 2 or math.prod(out.shape[2:]) <= 1:
                return None
            if not out.is_floating_point():
                return None
            # Behind a step that cannot be differentiated a new path begins: a trace of that layer alone can be made.
            cut = not out.requires_grad
            tensor = out.detach().requires_grad_().clone() if cut else out
            output = _Output(name, calls[name], type(module).__name__, tensor, tensor._version)
            outputs.append(output)
            if tensor.requires_grad:
                keep = partial(setattr, output, "gradient")
                tensor.register_hook(keep)  # type: ignore[no-untyped-call]
            return tensor if cut else None

        return watch

    with torch.inference_mode(False), torch.enable_grad(), classifier.borrowed() as module:
        for parameter in module.parameters():
            parameter.requires_grad_(False)
        handles = [
            child.register_forward_hook(watcher(name)) for name, child in module.named_modules() if name
        ]
        try:
            result = module(example.to(classifier.device).clone())
        except RuntimeError as error:
            raise ExplainError(
                f"The model '{classifier.card.id}' cannot take an input of shape {tuple(example.shape[1:])}.",
                code="input-shape",
            ) from error
        finally:
            for handle in handles:
                handle.remove()
        if isinstance(result, Tensor) and result.requires_grad:
            weights = torch.linspace(0.5, 1.0, result.numel(), device=result.device).reshape(result.shape)
            (result * weights).sum().backward()  # type: ignore[no-untyped-call]
    return tuple(_described(output, outputs, calls) for output in outputs)


def _described(output: _Output, outputs: list[_Output], calls: Counter[str]) -> LayerInfo:
    flags = []
    if calls[output.name] > 1:
        flags.append("reused")
    twin = next(
        (o for o in outputs if o.tensor is output.tensor and o.version == output.version and o is not output),
        None,
    )
    if twin is not None and outputs.index(twin) < outputs.index(output):
        flags.append(SAME_OUTPUT + _name(twin, calls))
    if output.tensor._version != output.version:
        flags.append("followed-by-in-place")
    if output.gradient is None:
        flags.append("no-gradient")
    elif _constant_in_space(output.gradient):
        flags.append("before-global-pool")
    return LayerInfo(_name(output, calls), output.type, tuple(output.tensor.shape[1:]), tuple(flags))


def _name(output: _Output, calls: Counter[str]) -> str:
    return f"{output.name}#{output.call}" if calls[output.name] > 1 else output.name


def _constant_in_space(gradient: Tensor) -> bool:
    flat = gradient.detach().float().flatten(2)
    largest = float(flat.abs().max())
    return largest > 0 and float((flat.amax(2) - flat.amin(2)).max()) <= _CONSTANT * largest
