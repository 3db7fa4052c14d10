"""How much memory a trace takes, asked before it begins."""

from __future__ import annotations

import math
from collections.abc import Sequence

from viewer.explainers.layer_info import LayerInfo
from viewer.explainers.layers import find_layers, require_layer
from viewer.foundation.errors import ExplainError
from viewer.models.classifier import Classifier
from viewer.models.devices import free_bytes

_BYTES = 4
_IN_WORK = 4
"""Outputs of the largest layer's size that a step of a pass holds at once: input, output, gradient, a library's own
copies."""
_BESIDE = 1.25
"""What autograd saves beside the outputs of modules: results of functions, indices of pooling."""


def trace_bytes(classifier: Classifier, layers: Sequence[str] | None = None, *, images: int = 1) -> int:
    """An estimate of the memory that a trace takes beside the network itself, in bytes.

    Everything from the lowest of the layers to the output is kept for the way back; below it nothing is.

    Parameters
    ----------
    layers : names; None for all that a gradient reaches.
    images : number of images traced together.

    Raises
    ------
    UsageError, ExplainError
        When there is no such layer.
    """
    if layers is None:
        return _estimate(classifier, [la for la in find_layers(classifier) if la.differentiable], images)
    return _estimate(classifier, [require_layer(classifier, name) for name in layers], images)


def check_memory(
    classifier: Classifier, layers: Sequence[LayerInfo] | None, images: int, *, named: bool = True
) -> None:
    """Refuse a way back that cannot fit into the processor's memory; elsewhere the device itself says so in time.

    Parameters
    ----------
    layers : those that the gradient is wanted of; None for the input.
    named : whether the layers were asked for by name.

    Raises
    ------
    MemoryError
        When fewer images at a time may fit.
    ExplainError
        When one image is too much.
    """
    if classifier.device.type != "cpu":
        return
    wanted = find_layers(classifier)[:1] if layers is None else layers
    needed, free = _estimate(classifier, wanted, images), free_bytes(classifier.device)
    if needed <= free:
        return
    if images > 1:
        raise MemoryError
    if layers is None:
        raise ExplainError(
            f"The gradient of the input takes about {needed / 2**30:.1f} GB of memory, and {free / 2**30:.1f} GB are "
            "free: choose an explainer that has a target layer, and a late one.",
            code="memory",
        )
    what = f"The {len(layers)} layers asked for" if named and len(layers) > 1 else "All layers together"
    if named and len(layers) == 1:
        what = f"The layer '{layers[0].name}' and everything behind it"
    raise ExplainError(
        f"{what} take about {needed / 2**30:.1f} GB of memory on this input, and {free / 2**30:.1f} GB are free: "
        "ask for fewer or later layers.",
        code="memory",
    )


def _estimate(classifier: Classifier, layers: Sequence[LayerInfo], images: int) -> int:
    own = [layer for layer in find_layers(classifier) if layer.same_as is None]
    wanted = {layer.same_as or layer.name for layer in layers}
    first = next((number for number, layer in enumerate(own) if layer.name in wanted), len(own))
    # What a later step overwrites lies where its successor lies, unless it is asked for: then it is kept beside it.
    kept = [
        math.prod(layer.shape)
        for layer in own[first:]
        if layer.name in wanted or "followed-by-in-place" not in layer.flags
    ]
    largest = max((math.prod(layer.shape) for layer in own), default=0)
    return int((sum(kept) * _BESIDE + _IN_WORK * largest) * images * _BYTES)
