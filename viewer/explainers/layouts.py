"""Which axis of a tensor holds the channels, followed through one pass.

Convolutions put out (image, channel, *space). Transformers and ConvNeXt turn that round to (image, *space, channel) or
to a row of places, attention makes tables of places by places; all of them may have as many axes as a picture has. To
take one for the other would draw a map of something that is no place. So the order of the axes is followed from step to
step, and a tensor of an order that is not known any more has no map.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

Order = tuple[int, ...]
"""Which axis of (image, channel, *space) stands at each place."""

_TURNS = ("permute", "transpose", "movedim", "moveaxis", "swapaxes", "swapdims")
_RESHAPES = ("reshape", "view", "flatten", "unflatten", "reshape_as", "view_as", "squeeze", "unsqueeze")
_PLAIN = ("conv", "batch_norm", "instance_norm", "group_norm", "max_pool", "avg_pool", "adaptive_", "pixel_")
"""Beginnings of the names of steps that take and give (image, channel, *space), whatever was believed before."""
_TABLES = ("matmul", "__matmul__", "bmm", "baddbmm", "einsum", "scaled_dot_product_attention")
_UNKNOWN: Order = ()


def plain(axes: int) -> Order:
    """(image, channel, *space)."""
    return tuple(range(axes))


def last(axes: int) -> Order:
    """(image, *space, channel)."""
    return (0, *range(2, axes), 1)


class Layouts:
    """The orders of the tensors of one pass; tensors are known by weak references alone.

    Parameters
    ----------
    axes : number of axes of the network's input.
    """

    def __init__(self, axes: int) -> None:
        self._axes = axes
        self._known = WeakTensorKeyDictionary()

    def channel_axis(self, tensor: Tensor) -> int | None:
        """1 or the last axis, the others being image and space in their order; None when that is not known."""
        order = self._order(tensor)
        if order == plain(tensor.ndim):
            return 1
        return tensor.ndim - 1 if order == last(tensor.ndim) else None

    def note(
        self, func: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], result: Any
    ) -> None:
        """A step of the pass was made."""
        results = result if isinstance(result, tuple | list) else (result,)
        for each in results:
            if isinstance(each, Tensor) and each.ndim >= 3:
                order = self._after(getattr(func, "__name__", ""), func, args, kwargs, each)
                if order != plain(each.ndim):
                    self._known[each] = order
                elif each in self._known:
                    del self._known[each]

    def _after(
        self, name: str, func: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], result: Tensor
    ) -> Order:
        given = [each for each in _tensors(args) if each.ndim >= 3]
        if any(each is result for each in given):  # in place
            return self._order(result)
        first = given[0] if given else None
        if name.startswith(_PLAIN) and result.ndim == self._axes:
            return plain(result.ndim)
        if name in _TABLES:
            return _UNKNOWN
        if name == "linear" or (name == "layer_norm" and _axes_normalised(args, kwargs) == 1):
            return _UNKNOWN if first is not None and self._order(first) == _UNKNOWN else last(result.ndim)
        if first is None:
            return self._order(result)
        if name in _TURNS and first.ndim == result.ndim:
            return _turned(self._order(first), func, args, kwargs, first)
        if name in _RESHAPES:
            return self._reshaped(first, result)
        alike = [self._order(each) for each in given if each.ndim == result.ndim]
        known = [order for order in alike if order not in (_UNKNOWN, plain(result.ndim))]
        if known:
            return known[0]
        if plain(result.ndim) in alike or all(self._order(each) == plain(each.ndim) for each in given):
            return plain(result.ndim)
        return _UNKNOWN

    def _reshaped(self, before: Tensor, after: Tensor) -> Order:
        order = self._order(before)
        if before.shape == after.shape:
            return order
        if order == _UNKNOWN or before.shape[0] != after.shape[0]:
            return _UNKNOWN
        if order == plain(before.ndim) and before.shape[1] == after.shape[1]:
            return plain(after.ndim)
        space = self._axes - 2
        if min(before.ndim, after.ndim) >= self._axes and before.shape[-space:] == after.shape[-space:]:
            # Channels in groups, which a shuffle exchanges.
            return plain(after.ndim) if order[-space:] == plain(before.ndim)[-space:] else _UNKNOWN
        kept = before.shape[-1] == after.shape[-1]
        return last(after.ndim) if order == last(before.ndim) and kept else _UNKNOWN

    def _order(self, tensor: Tensor) -> Order:
        known: Order | None = self._known.get(tensor)  # type: ignore[no-untyped-call]
        return plain(tensor.ndim) if known is None else known


def _turned(
    order: Order, func: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], before: Tensor
) -> Order:
    """The order after the axes were exchanged, tried out on a tensor whose axes have different lengths."""
    if order == _UNKNOWN:
        return _UNKNOWN
    trial = torch.empty([2 + axis for axis in range(before.ndim)], device="meta")
    rest = [trial if each is before else each for each in args]
    given = {name: trial if each is before else each for name, each in kwargs.items()}
    return tuple(order[length - 2] for length in func(*rest, **given).shape)


def _axes_normalised(args: Sequence[Any], kwargs: dict[str, Any]) -> int:
    shape = args[1] if len(args) > 1 else kwargs.get("normalized_shape", ())
    return len(shape) if isinstance(shape, Sequence) else 1


def _tensors(args: Sequence[Any]) -> list[Tensor]:
    found: list[Tensor] = []
    for each in args:
        if isinstance(each, Tensor):
            found.append(each)
        elif isinstance(each, tuple | list):
            found += [one for one in each if isinstance(one, Tensor)]
    return found
