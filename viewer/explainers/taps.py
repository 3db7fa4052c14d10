"""Hooks that keep the outputs of some layers for the length of a trace, and bring back their gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from viewer.explainers.layer_info import CHANNELS_LAST, LayerInfo
from viewer.foundation.errors import ExplainError

Reducer = Callable[[str, Tensor, Tensor], None]
"""``reduce(layer, activation, gradient)``."""


class Overwritten(Exception):
    """The network overwrote an activation in a place where it did not when its layers were found, or one that the way
    back needs.
    """


Result = TypeVar("Result")


def despite_overwriting(model: str, run: Callable[[bool], Result]) -> Result:
    """``run(False)``, or where the network overwrites what is needed of it ``run(True)``, with copies.

    Raises
    ------
    ExplainError
        When copies of what the modules put out do not help.
    """
    for copy_all in (False, True):
        try:
            return run(copy_all)
        except Overwritten:
            continue
        except RuntimeError as error:
            if "in-place" not in str(error) and "inplace operation" not in str(error):
                raise
    raise ExplainError(
        f"The model '{model}' overwrites values that its gradient needs, so it has none.", code="no-gradient"
    )


def hand_on_copy(_: nn.Module, __: Any, out: Any) -> Tensor | None:
    """A forward hook: a later step that works in place finds a copy of the output."""
    return out.clone() if isinstance(out, Tensor) and out.requires_grad else None


@dataclass
class _Tap:
    """One call of one module whose output is kept for the length of a trace."""

    info: LayerInfo
    copy: bool
    activation: Tensor | None = None
    version: int = 0
    leaf: bool = False


@dataclass
class Taps:
    """Forward hooks on the layers of a trace; gone on exit.

    The lowest layers become the leaves of the graph: nothing below them is recorded. A layer whose output a later
    step overwrites hands on a copy and keeps the original.
    """

    module: nn.Module
    layers: Sequence[LayerInfo]
    copy_all: bool
    _taps: dict[str, _Tap] = field(default_factory=dict)
    _calls: dict[str, int] = field(default_factory=dict)
    _handles: list[RemovableHandle] = field(default_factory=list)

    def __enter__(self) -> Taps:
        modules = dict(self.module.named_modules())
        for layer in self.layers:
            self._taps[layer.name] = _Tap(layer, self.copy_all or "followed-by-in-place" in layer.flags)
        try:
            tapped = dict.fromkeys(_path(layer) for layer in self.layers)
            for path in tapped:
                self._handles.append(modules[path].register_forward_hook(self._hook(path)))
            others = [
                child for path, child in modules.items() if self.copy_all and path and path not in tapped
            ]
            self._handles += [child.register_forward_hook(hand_on_copy) for child in others]
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self._taps.clear()

    def begin(self) -> None:
        """Forget an earlier forward pass."""
        self._calls.clear()

    def check(self) -> None:
        """Whether every layer ran and still holds what it put out."""
        for name, tap in self._taps.items():
            if tap.activation is None:
                raise ExplainError(f"The layer '{name}' did not run on this input.", code="layer-did-not-run")
            if tap.activation._version != tap.version:
                raise Overwritten

    def _hook(self, path: str) -> Any:
        def hook(_: nn.Module, __: Any, out: Any) -> Tensor | None:
            self._calls[path] = self._calls.get(path, 0) + 1
            tap = self._taps.get(f"{path}#{self._calls[path]}") or self._taps.get(path)
            if tap is None:
                return None
            if not isinstance(out, Tensor) or out.ndim < 3:
                raise ExplainError(
                    f"The layer '{tap.info.name}' puts out nothing with an extent in space, so there is no map on it.",
                    code="no-spatial-layer",
                )
            tap.leaf = not out.requires_grad
            tap.activation = out.detach().requires_grad_() if tap.leaf else out
            tap.version = tap.activation._version
            return tap.activation.clone() if tap.copy else tap.activation

        return hook

    def gradients(self, logits: Tensor, seed: Tensor, reduce: Reducer, *, last: bool) -> None:
        """Send `seed` back from the logits and reduce each gradient as it arrives.

        Parameters
        ----------
        logits, seed : (image, output) outputs and what is sent back through them.
        reduce : called as ``reduce(layer, activation, gradient)`` for every layer that a gradient reaches.
        last : whether the graph can be dropped.
        """
        leaves = {
            name: tap.activation
            for name, tap in self._taps.items()
            if tap.leaf and tap.activation is not None
        }
        handles = []
        for tap in self._taps.values():
            if not tap.leaf and tap.activation is not None:
                hook = _receiver(tap, reduce, last)
                handles.append(tap.activation.register_hook(hook))  # type: ignore[no-untyped-call]
        try:
            # The seed as a factor rather than as `grad_outputs`, which would import sympy on the first pass: a tenth
            # of a second in which no other thread runs.
            arrived = torch.autograd.grad(
                (logits * seed).sum(), list(leaves.values()), retain_graph=not last, allow_unused=True
            )
        finally:
            for handle in handles:
                handle.remove()
        for (name, activation), gradient in zip(leaves.items(), arrived, strict=True):
            if gradient is not None:
                info = self._taps[name].info
                reduce(name, channels_first(info, activation), channels_first(info, gradient))


def channels_first(info: LayerInfo, tensor: Tensor) -> Tensor:
    """What a layer put out, or its gradient, as (image, channel, *grid)."""
    return tensor.movedim(-1, 1) if CHANNELS_LAST in info.flags else tensor


def _receiver(tap: _Tap, reduce: Reducer, last: bool) -> Any:
    """A hook that reduces a gradient where it arrives and, on the last way back, lets the activation go."""

    def receive(gradient: Tensor) -> None:
        if tap.activation is not None:
            info = tap.info
            reduce(info.name, channels_first(info, tap.activation), channels_first(info, gradient))
        if last:
            tap.activation = None

    return receive


def _path(layer: LayerInfo) -> str:
    return layer.name.rpartition("#")[0] if "reused" in layer.flags else layer.name
