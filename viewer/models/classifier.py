"""A card and a network on a device."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from viewer.foundation.errors import ModelError, UsageError
from viewer.foundation.registry import nearest
from viewer.models.card import ModelCard, ScoreType, class_index
from viewer.models.devices import half_type, ran_out
from viewer.models.raw_outputs import raw_outputs

REFUSALS = (RuntimeError, ValueError, LookupError, ArithmeticError, AssertionError, TypeError, AttributeError)
"""What networks raise for an input that they cannot take: of another shape, smaller than their strides, or alone where
they expect a second one."""

_LONGEST = 160
"""Characters of a network's own words that are passed on."""


def refusal(card: ModelCard, shape: Sequence[int], error: BaseException) -> str:
    """In a sentence that a network did not take an input: what is other than its card says, else what it said itself.

    Parameters
    ----------
    shape : (channel, *space) of the input.
    """
    rule, (channels, *space) = card.input, shape
    if channels != rule.channels:
        why = f": it takes {rule.channels} {'channel' if rule.channels == 1 else 'channels'}."
    elif tuple(space) != tuple(rule.size):
        why = f": it is made for {' x '.join(map(str, rule.size))}."
    else:
        said = " ".join(next(iter(str(error).strip().splitlines()), "").split()).rstrip(".")
        said = said if len(said) <= _LONGEST else said[:_LONGEST].rsplit(" ", 1)[0] + " ..."
        why = f": {said}." if said else "."
    return f"The model '{card.id}' cannot take an input of shape {tuple(shape)}{why}"


class Classifier:
    """A network in eval mode with its card. The module is left as it was found after every use.

    Parameters
    ----------
    card : ModelCard
    module : torch.nn.Module
    device : torch.device

    Attributes
    ----------
    half : half precision that maps may be computed in where they come out the same; None for full precision only.
    """

    def __init__(self, card: ModelCard, module: nn.Module, device: torch.device | None = None) -> None:
        self.card = card
        self.device = device or torch.device("cpu")
        self.module = module.to(self.device)
        self.half = half_type(self.device)

    @property
    def classes(self) -> tuple[str, ...]:
        return self.card.classes

    @property
    def parameters(self) -> int:
        """Number of trainable parameters."""
        return sum(p.numel() for p in self.module.parameters())

    def tensor(self, batch: NDArray[np.float32]) -> Tensor:
        """A batch (image, channel, *space) on the model's device, in the precision of its weights."""
        return torch.from_numpy(np.ascontiguousarray(batch, dtype=np.float32)).to(self.device, self.precision)

    @property
    def precision(self) -> torch.dtype:
        """Of the weights, and so of what the network takes."""
        return next((p.dtype for p in self.module.parameters() if p.is_floating_point()), torch.float32)

    def noise(self) -> Tensor:
        """One input of the card's size, (1, channel, *space): the same random numbers every time."""
        rule = self.card.input
        values = torch.randn((1, rule.channels, *rule.size), generator=torch.Generator().manual_seed(0))
        return values.to(self.device, self.precision)

    @contextmanager
    def borrowed(self, *, dropout: bool = False) -> Iterator[nn.Module]:
        """The network in eval mode; modes, gradients and `requires_grad` are put back afterwards.

        In eval mode nothing writes to the batch-norm statistics.

        Parameters
        ----------
        dropout : leave dropout layers active (Monte Carlo dropout).
        """
        modules = list(self.module.modules())
        modes = [m.training for m in modules]
        wanted = [(p, p.requires_grad, p.grad) for p in self.module.parameters()]
        try:
            for m in modules:
                m.training = dropout and isinstance(m, nn.modules.dropout._DropoutNd)
            yield self.module
        finally:
            for m, mode in zip(modules, modes, strict=True):
                m.training = mode
            for parameter, requires_grad, grad in wanted:
                parameter.requires_grad_(requires_grad)
                parameter.grad = grad

    @contextmanager
    def on_processor(self) -> Iterator[None]:
        """The network on the processor, in full precision; back on its device afterwards."""
        device, half = self.device, self.half
        self.device, self.half = torch.device("cpu"), None
        self.module.to(self.device)
        try:
            yield
        finally:
            self.module.to(device)
            self.device, self.half = device, half

    def logits(self, batch: NDArray[np.float32], *, dropout: bool = False) -> NDArray[np.float32]:
        """Raw outputs (image, output) of a batch (image, channel, *space), before softmax or sigmoid.

        Raises
        ------
        ModelError
            When the network cannot take the batch, or its outputs do not fit the card or are not finite.
        """
        with self.borrowed(dropout=dropout) as module, torch.no_grad():
            try:
                out, _ = raw_outputs(self.card, module, lambda: module(self.tensor(batch)), len(batch))
            except REFUSALS as error:
                if ran_out(error):
                    raise
                raise ModelError(refusal(self.card, batch.shape[1:], error), code="input-shape") from error
        return np.asarray(out.float().cpu().numpy(), dtype=np.float32)

    def probabilities(self, logits: Tensor) -> Tensor:
        """(image, class) probabilities of raw outputs (image, output): sigmoid or softmax by the card's task."""
        if self.card.task == "binary" and logits.shape[1] == 1:
            p = torch.sigmoid(logits)
            return torch.cat([1 - p, p], dim=1)
        if self.card.task == "multilabel":
            return torch.sigmoid(logits)
        return torch.softmax(logits, dim=1)

    def scores(self, logits: Tensor, target: int, kind: ScoreType = "logit") -> Tensor:
        """(image,) score of a class: what an explanation differentiates.

        One sigmoid logit s for two classes: class 1 is s, class 0 is -s. The margin is the logit less the largest
        other.
        """
        if kind not in get_args(ScoreType):
            raise UsageError(
                f"There is no score '{kind}'{nearest(kind, list(get_args(ScoreType)))}.", code="no-such-score"
            )
        if kind == "probability":
            return self.probabilities(logits)[:, target]
        if logits.shape[1] == 1:
            s = logits[:, 0] if target == 1 or len(self.classes) == 1 else -logits[:, 0]
            return 2 * s if kind == "margin" else s
        s = logits[:, target]
        if kind == "margin":
            others = [c for c in range(logits.shape[1]) if c != target]
            s = s - logits[:, others].max(dim=1).values
        return s

    def target_index(self, target: int | str) -> int:
        """Index of a class given by index or name.

        Raises
        ------
        UsageError
            For a class that does not exist; the sentence offers the nearest names.
        """
        names = list(self.classes)
        if (index := class_index(target, names)) is not None:
            return index
        raise UsageError(
            f"The model '{self.card.id}' has no class '{target}'{nearest(str(target), names)}.",
            code="no-such-class",
        )
