"""Copies of a network whose weights are random from the output layer down to some layer.

Cascading randomisation: Adebayo et al., Sanity checks for saliency maps, NeurIPS 2018. The network itself is never
touched: a copy is, so that nothing has to be put back after a failure, and other work may use the network meanwhile.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from viewer.explainers.scoring import forward
from viewer.foundation.errors import ExplainError
from viewer.models.classifier import Classifier


@dataclass(frozen=True, eq=False)
class Stage:
    """A copy of the network, random from the output down to a layer.

    Attributes
    ----------
    layer : the lowest layer that is random.
    done, total : layers with weights that are random, and all of them.
    """

    layer: str
    done: int
    total: int
    classifier: Classifier


def copied(classifier: Classifier) -> Classifier:
    """A classifier of its own with the same card and weights.

    Raises
    ------
    ExplainError
        When the network cannot be copied.
    """
    try:
        module = copy.deepcopy(classifier.module)
    except (RuntimeError, TypeError, AttributeError, NotImplementedError) as error:
        raise ExplainError(
            f"The network of '{classifier.card.id}' cannot be copied, and it is not altered in place.",
            code="no-copy",
        ) from error
    made = Classifier(classifier.card, module, classifier.device)
    made.half = classifier.half
    return made


def weighted_modules(classifier: Classifier, batch: Tensor) -> tuple[str, ...]:
    """Names of the modules with weights of their own that a pass runs through, in the order of the pass."""
    order: dict[str, None] = {}
    handles = []
    try:
        with torch.no_grad(), classifier.borrowed() as module:
            for name, child in module.named_modules():
                if _has_weights(child):
                    handles.append(
                        child.register_forward_hook(lambda _, __, ___, name=name: order.setdefault(name))
                    )
            forward(classifier, module, batch.clone())
    finally:
        for handle in handles:
            handle.remove()
    return tuple(order)


def cascade(classifier: Classifier, batch: Tensor, seed: int = 0, most: int = 12) -> Iterator[Stage]:
    """Copies of a network, random down to lower and lower layers; the last one is random throughout.

    Modules that can begin anew (``reset_parameters``) do, batch norm with its statistics; weights of others are drawn
    from a normal distribution of their own mean and deviation.

    Parameters
    ----------
    batch : (1, channel, *space), an input that shows the order of the layers.
    seed : of the random weights.
    most : stages at most; layers between two of them become random together.

    Raises
    ------
    ExplainError
        When the network has no weights or cannot be copied.
    """
    names = weighted_modules(classifier, batch)[::-1]
    if not names:
        raise ExplainError(
            f"'{classifier.card.id}' has no weights that could be randomised.", code="no-weights"
        )
    stages = min(most, len(names))
    # The output layer alone comes first, everything comes last, the others at even distances.
    ends = {round(1 + k * (len(names) - 1) / max(stages - 1, 1)) for k in range(stages)} | {len(names)}
    for end in sorted(ends):
        # A fresh copy each time: what an explainer has learned of a module must not outlive its weights.
        made = copied(classifier)
        modules = dict(made.module.named_modules())
        for number, name in enumerate(names[:end]):
            _randomise(modules[name], seed * len(names) + number)
        yield Stage(names[end - 1], end, len(names), made)


def _has_weights(module: nn.Module) -> bool:
    own = any(True for _ in module.parameters(recurse=False))
    return own or (hasattr(module, "reset_parameters") and any(True for _ in module.buffers(recurse=False)))


def _randomise(module: nn.Module, seed: int) -> None:
    device = next((t.device for t in (*module.parameters(), *module.buffers())), torch.device("cpu"))
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        module.to("cpu")  # the same weights on every device
        reset = getattr(module, "reset_parameters", None)
        if callable(reset):
            reset()
        else:
            for weights in module.parameters(recurse=False):
                spread = float(weights.std()) if weights.numel() > 1 else 0.0
                drawn = torch.randn(weights.shape) * (spread or float(weights.abs().mean()))
                weights.copy_(drawn + float(weights.mean()))
        module.to(device)
