"""The outputs of a network before softmax or sigmoid, also when the network applies one itself.

A map is a derivative of the score *before* the squashing. With softmax inside a network of two classes, the map of
one class would be minus that of the other whatever the network has learned, and a probability would be squashed
twice. When the last step of a forward pass is a softmax or a sigmoid, its input is caught instead; when the outputs
merely look like probabilities, a flag says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from viewer.foundation.errors import ModelError
from viewer.models.card import RECOVERED, SQUASHED, ModelCard

_SOFTMAX = ("softmax", "log_softmax")
_SIGMOID = ("sigmoid", "logsigmoid")

_known: WeakKeyDictionary[nn.Module, dict[str, str]] = WeakKeyDictionary()
"""Network -> task -> what its first pass has shown (`RECOVERED`, `SQUASHED` or nothing), so that most later passes need
not be watched."""


class _Watch(TorchFunctionMode):
    """Remembers name, input and output of each softmax and sigmoid called while it is active."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, Any, Any]] = []

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", "")
        if args and name in (*_SOFTMAX, *_SIGMOID):
            self.calls.append((name, args[0], result))
        return result


def raw_outputs(
    card: ModelCard, module: nn.Module, run: Callable[[], Any], images: int, *, finite: bool = True
) -> tuple[Tensor, tuple[str, ...]]:
    """Run a forward pass and give its outputs (image, output) before any last softmax or sigmoid, and flags.

    Parameters
    ----------
    run : makes one forward pass of `module`.
    images : number of images in that pass.
    finite : whether outputs that are not finite are refused.

    Raises
    ------
    ModelError
        When the outputs do not fit the classes of the card, or are not finite.
    """
    known = _known.setdefault(module, {})
    if known.get(card.task, RECOVERED) != RECOVERED:
        outputs = _checked(card, run(), images, finite)
        squashed = known[card.task] == SQUASHED or _like_probabilities(outputs)
        return outputs, ((SQUASHED,) if squashed else ())
    with _Watch() as watched:
        result = run()
    last = next(
        ((name, before) for name, before, after in reversed(watched.calls) if _same(after, result)), None
    )
    outputs = _checked(card, result, images, finite)
    # A sigmoid over classes that exclude each other is not what the card promises: nothing to recover from it.
    exclusive = card.task != "multilabel" and outputs.shape[1] > 1
    if last is not None and (last[0] in _SOFTMAX) == exclusive:
        known[card.task] = RECOVERED
        return _checked(card, last[1].reshape(result.shape), images, finite), (RECOVERED,)
    known[card.task] = SQUASHED if last is not None else ""
    return outputs, ((SQUASHED,) if last is not None or _like_probabilities(outputs) else ())


def _same(after: Any, result: Any) -> bool:
    """Whether the network's result is that output, as it stands or with its axes squeezed or flattened away."""
    if after is result:
        return True
    if not isinstance(after, Tensor) or not isinstance(result, Tensor) or after.numel() != result.numel():
        return False
    return after.data_ptr() == result.data_ptr() and torch.equal(after.reshape(result.shape), result)


def _checked(card: ModelCard, outputs: object, images: int, finite: bool) -> Tensor:
    name, classes = card.id, len(card.classes)
    if not isinstance(outputs, Tensor) or outputs.ndim not in (1, 2) or len(outputs) != images:
        raise ModelError(
            f"The model '{name}' does not put out one row of class scores per image.", code="outputs"
        )
    if outputs.ndim == 1:
        outputs = outputs[:, None]
    fits = {classes, 1} if card.task == "binary" else {classes}
    if outputs.shape[1] not in fits:
        raise ModelError(
            f"The model '{name}' puts out {outputs.shape[1]} scores for {classes} classes.", code="outputs"
        )
    if finite and not outputs.isfinite().all():
        raise ModelError(
            f"The output of the model '{name}' is not a finite number for this input, so nothing explains it.",
            code="not-finite",
        )
    return outputs


def _like_probabilities(outputs: Tensor) -> bool:
    values = outputs.detach().float()
    inside = bool(((values >= 0) & (values <= 1)).all())
    return inside and values.shape[1] > 1 and bool(((values.sum(1) - 1).abs() < 1e-4).all())
