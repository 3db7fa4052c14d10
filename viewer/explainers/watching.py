"""Watching one pass of a network without keeping what flows through it.

What is asked of every output of a module (who made it, its shape, which axis holds the channels, whether it is another
module's output, whether a later step overwrites it, whether a gradient reaches it, whether that gradient varies in
space) is found out while the output is there, or from the graph of the pass. Tensors are known by weak references
alone. Of what autograd would save for the way back only the latest part is kept, because a gradient without variation
in space occurs right below the last pooling and nowhere else. So a network of volumes is watched in little more memory
than a prediction takes.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from weakref import ref

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.overrides import TorchFunctionMode

from viewer.explainers.layer_info import CHANNELS_LAST, SAME_OUTPUT, LayerInfo
from viewer.explainers.layouts import Layouts

_CONSTANT = 1e-4
"""A gradient that varies in space by less than this share of its size is constant (rounding leaves about 1e-6)."""

BENT = (
    "ReluBackward", "LeakyReluBackward", "EluBackward", "CeluBackward", "SeluBackward", "GeluBackward", "SiluBackward",
    "MishBackward", "HardtanhBackward", "HardswishBackward", "HardsigmoidBackward", "SigmoidBackward", "TanhBackward",
    "SoftplusBackward", "SoftmaxBackward", "LogSoftmaxBackward", "MaxPool", "AdaptiveMaxPool", "ClampBackward",
    "ClampMinBackward", "PreluBackward", "PreluKernelBackward",
)  # fmt: skip
"""Beginnings of the names of steps that are not linear."""

_ALSO_BENT = (
    "RreluWithNoiseBackward", "HardshrinkBackward", "SoftshrinkBackward", "ThresholdBackward", "LogSigmoidBackward",
    "ClampMaxBackward", "MaximumBackward", "MinimumBackward", "AbsBackward", "WhereBackward", "MaskedFillBackward",
)  # fmt: skip
"""Those that can be linear, or are rare."""

_REMEMBERED = 256 << 20
"""Bytes of what autograd saves that are kept for the way back, the latest ones. Networks of pictures need less, and
then every gradient is looked at."""

_Edge = tuple[Any, int]
"""A node of the autograd graph, and which of its outputs."""


@dataclass
class _Output:
    """One watched output; the tensor itself is not kept."""

    name: str
    call: int
    type: str
    shape: tuple[int, ...]
    tensor: ref[Tensor]
    version: int
    edge: _Edge | None
    twin: _Output | None = None
    overwritten: bool = False
    constant: bool = False
    last: bool = False


class _Watch(TorchFunctionMode):
    """Keeps the list of outputs, and looks after every operation which of those still alive were overwritten."""

    def __init__(self, dims: int, images: int) -> None:
        super().__init__()
        self.outputs: list[_Output] = []
        self.calls: Counter[str] = Counter()
        self._dims = dims
        self._images = images
        self._layouts = Layouts(dims + 2)
        self._alive: list[_Output] = []

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        self._layouts.note(func, args, kwargs or {}, result)
        self.look()
        return result

    def look(self) -> None:
        """Notice which outputs were overwritten since; forget those that are gone."""
        alive = []
        for output in self._alive:
            tensor = output.tensor()
            if tensor is None:
                continue
            if tensor._version == output.version:
                alive.append(output)
            else:
                output.overwritten = True
        self._alive = alive

    def see(self, name: str, module: nn.Module, _: Any, out: Any) -> Tensor | None:
        """The forward hook of the module called `name`."""
        self.look()
        self.calls[name] += 1
        if not isinstance(out, Tensor) or out.ndim != self._dims + 2 or not out.is_floating_point():
            return None
        axis = self._layouts.channel_axis(out)
        # Where images were cut into pieces that go through the network side by side, a map would be one of a piece.
        if axis is None or len(out) != self._images or out.numel() <= self._images * out.shape[axis]:
            return None
        # Behind a step that cannot be differentiated a new path begins: a trace of that layer alone can be made.
        cut = not out.requires_grad
        tensor = out.detach().requires_grad_().clone() if cut else out
        twin = next((other for other in self._alive if other.tensor() is tensor), None)
        edge = (tensor.grad_fn, tensor.output_nr) if tensor.grad_fn is not None else None
        kind, shape = type(module).__name__, tuple(tensor.movedim(axis, 1).shape[1:])
        output = _Output(
            name, self.calls[name], kind, shape, ref(tensor), tensor._version, edge, twin, last=axis != 1
        )
        self.outputs.append(output)
        self._alive.append(output)
        if twin is None and tensor.requires_grad:
            tensor.register_hook(partial(_note, output))  # type: ignore[no-untyped-call]
        return tensor if cut else None


def _note(output: _Output, gradient: Tensor) -> None:
    output.constant = _constant_in_space(gradient.movedim(-1, 1) if output.last else gradient)


def _uneven(passed: tuple[Tensor | None, ...], _: Any) -> tuple[Tensor | None, ...]:
    """What a bent step passes back, with the variation in space that another input would bring about.

    On the input that is watched every unit may be on: what is constant then is not constant by construction.
    """
    varied = []
    for each in passed:
        if each is not None and each.ndim > 2:
            space = each.shape[2:]
            ramp = torch.linspace(0.5, 1.5, math.prod(space), dtype=each.dtype, device=each.device)
            each = each * ramp.reshape(space)
        varied.append(each)
    return tuple(varied)


class _Forgotten(Exception):
    """The way back came to a place that is not remembered."""


class _Saved(saved_tensors_hooks):
    """Keeps the latest of what autograd saves, up to a number of bytes; parameters cost nothing."""

    def __init__(self, parameters: Iterable[Tensor], limit: int) -> None:
        super().__init__(self._pack, self._unpack)
        self._free = {parameter.data_ptr() for parameter in parameters}
        self._boxes: deque[tuple[list[Tensor], int]] = deque()
        self._left = limit

    def _pack(self, tensor: Tensor) -> list[Tensor]:
        box = [tensor.detach()]  # another tensor on the same memory: the watched one may go
        if tensor.data_ptr() not in self._free:
            self._boxes.append((box, tensor.nbytes))
            self._left -= tensor.nbytes
            while self._left < 0:
                oldest, size = self._boxes.popleft()
                oldest.clear()
                self._left += size
        return box

    @staticmethod
    def _unpack(box: list[Tensor]) -> Tensor:
        if not box:
            raise _Forgotten
        return box[0]


def watch(
    module: nn.Module, batch: Tensor, dims: int, *, remembered: int = _REMEMBERED
) -> tuple[LayerInfo, ...]:
    """Every output of a module of `module` that is one tensor with an extent in space, in the order of execution.

    The caller has put the network into eval mode, frozen its parameters and enabled gradients.

    Parameters
    ----------
    batch : (image, channel, *space).
    dims : number of axes in space.
    remembered : bytes of saved tensors kept for the way back.
    """
    watched = _Watch(dims, len(batch))
    handles = [
        child.register_forward_hook(partial(watched.see, name))
        for name, child in module.named_modules()
        if name
    ]
    try:
        with _Saved(module.parameters(), remembered):
            with watched:
                result = module(batch.detach().clone().requires_grad_().clone())
            watched.look()
            total = _summed(result)
    finally:
        for handle in handles:
            handle.remove()
    reached = _edges_below(total)
    for node in {node for node, _ in reached}:
        if node.name().startswith(BENT + _ALSO_BENT):
            node.register_hook(_uneven)
    if total is not None:
        try:
            total.backward()  # type: ignore[no-untyped-call]
        except _Forgotten:
            pass
    return tuple(_described(output, watched.calls, reached) for output in watched.outputs)


def _summed(result: Any) -> Tensor | None:
    """A number that depends on every output, and on each in another degree; None without a gradient."""
    if not isinstance(result, Tensor) or not result.requires_grad:
        return None
    weights = torch.linspace(0.5, 1.0, result.numel(), device=result.device).reshape(result.shape)
    return (result * weights).sum()


def _edges_below(total: Tensor | None) -> set[_Edge]:
    """Everything that a gradient of `total` reaches."""
    found: set[_Edge] = set()
    waiting: list[_Edge] = [] if total is None else [(total.grad_fn, 0)]
    seen: set[Any] = set()
    while waiting:
        node, number = waiting.pop()
        found.add((node, number))
        if node not in seen:
            seen.add(node)
            waiting += [(below, nr) for below, nr in node.next_functions if below is not None]
    return found


def _described(output: _Output, calls: Counter[str], reached: set[_Edge]) -> LayerInfo:
    flags = []
    if calls[output.name] > 1:
        flags.append("reused")
    if output.twin is not None:
        flags.append(SAME_OUTPUT + _name(output.twin, calls))
    source = output.twin or output
    if source.overwritten:
        flags.append("followed-by-in-place")
    if output.last:
        flags.append(CHANNELS_LAST)
    if output.edge is None or output.edge not in reached:
        flags.append("no-gradient")
    elif source.constant:
        flags.append("before-global-pool")
    return LayerInfo(_name(output, calls), output.type, output.shape, tuple(flags))


def _name(output: _Output, calls: Counter[str]) -> str:
    return f"{output.name}#{output.call}" if calls[output.name] > 1 else output.name


def _constant_in_space(gradient: Tensor) -> bool:
    flat = gradient.detach().float().flatten(2)
    largest = float(flat.abs().max())
    return largest > 0 and float((flat.amax(2) - flat.amin(2)).max()) <= _CONSTANT * largest
