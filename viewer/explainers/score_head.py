"""The outputs of a network before softmax or sigmoid, also when the network applies one itself.

A map is a derivative of the score *before* the squashing. With softmax inside a network of two classes, the map of
one class would be minus that of the other whatever the network has learned. When the last step of a forward pass is
a softmax or a sigmoid, its input is caught instead; when the outputs merely look like probabilities, a flag says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakSet

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from viewer.foundation.errors import ExplainError
from viewer.models.classifier import Classifier

RECOVERED = "softmax-inside"
SQUASHED = "squashed-output"

_SOFTMAX = ("SoftmaxBackward", "LogSoftmaxBackward")
_SIGMOID = ("SigmoidBackward", "LogSigmoidBackward")

_ending_in_probabilities: WeakSet[nn.Module] = WeakSet()


class _LastSquashing(TorchFunctionMode):
    """Remembers input and output of each softmax and sigmoid called while it is active."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, Any]] = []

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if args and getattr(func, "__name__", "") in ("softmax", "log_softmax", "sigmoid", "logsigmoid"):
            self.calls.append((args[0], result))
        return result


def raw_outputs(
    classifier: Classifier, module: nn.Module, run: Callable[[], Any]
) -> tuple[Tensor, tuple[str, ...]]:
    """Run a forward pass and give its outputs (image, output) before any last softmax or sigmoid, and flags.

    Parameters
    ----------
    run : makes one forward pass of `module` with gradients recorded. It is called twice the first time that a
        network turns out to end in probabilities, once afterwards.

    Raises
    ------
    ExplainError
        When the outputs do not fit the classes of the card, or are not finite.
    """
    if module not in _ending_in_probabilities:
        outputs = _checked(classifier, run())
        ending = outputs.grad_fn.name().rstrip("0123456789") if outputs.grad_fn is not None else ""
        if ending not in (*_SOFTMAX, *_SIGMOID):
            return outputs, ((SQUASHED,) if _like_probabilities(outputs) else ())
        # A sigmoid over classes that exclude each other is not what the card promises: nothing to recover from it.
        exclusive = classifier.card.task != "multilabel" and outputs.shape[1] > 1
        if (ending in _SOFTMAX) != exclusive:
            return outputs, (SQUASHED,)
        _ending_in_probabilities.add(module)
        del outputs
    with _LastSquashing() as watched:
        outputs = run()
    for before, after in reversed(watched.calls):
        if after is outputs and before is not outputs:
            return _checked(classifier, before), (RECOVERED,)
    return _checked(classifier, outputs), (SQUASHED,)


def _checked(classifier: Classifier, outputs: object) -> Tensor:
    name, classes = classifier.card.id, len(classifier.classes)
    if not isinstance(outputs, Tensor) or outputs.ndim not in (1, 2):
        raise ExplainError(f"The model '{name}' does not put out one row of class scores.", code="outputs")
    if outputs.ndim == 1:
        outputs = outputs[:, None]
    fits = {classes, 1} if classifier.card.task == "binary" else {classes}
    if outputs.shape[1] not in fits:
        raise ExplainError(
            f"The model '{name}' puts out {outputs.shape[1]} scores for {classes} classes.", code="outputs"
        )
    if not outputs.isfinite().all():
        raise ExplainError(
            f"The output of the model '{name}' is not a finite number for this input, so nothing explains it.",
            code="not-finite",
        )
    return outputs


def _like_probabilities(outputs: Tensor) -> bool:
    values = outputs.detach().float()
    inside = bool(((values >= 0) & (values <= 1)).all())
    return inside and values.shape[1] > 1 and bool(((values.sum(1) - 1).abs() < 1e-4).all())
