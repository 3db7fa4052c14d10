"""Which steps of a network are local: an output depends on the input nearby, or at the same place only."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.fx import GraphModule, Node

Kind = Literal["pointwise", "kernel", "join", "concatenation", "mean", "other"]

_POINTWISE_MODULES = (
    nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.CELU, nn.SELU, nn.GELU, nn.SiLU, nn.Mish, nn.Hardswish,
    nn.Hardtanh, nn.Hardsigmoid, nn.Sigmoid, nn.Tanh, nn.Softplus, nn.Softsign, nn.LogSigmoid, nn.Threshold,
    nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout,
    nn.BatchNorm2d, nn.BatchNorm3d,
)  # fmt: skip
"""In eval mode; each gives an output at a place from the input at that place and the channel's own numbers."""

_POINTWISE_NAMES = (
    "relu", "relu_", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "mish", "hardswish", "hardtanh",
    "hardsigmoid", "sigmoid", "sigmoid_", "tanh", "tanh_", "softplus", "dropout", "dropout2d", "dropout3d", "clamp",
    "clamp_", "clamp_min", "abs", "neg", "exp", "contiguous", "clone", "float", "double",
)  # fmt: skip
_JOINS: dict[str, Callable[[Any, Any], Any]] = {
    "add": operator.add, "iadd": operator.add, "add_": operator.add, "sub": operator.sub, "isub": operator.sub,
    "mul": operator.mul, "imul": operator.mul, "mul_": operator.mul, "truediv": operator.truediv,
}  # fmt: skip
"""Name -> what it does, without working in place."""


@dataclass(frozen=True)
class Kernel:
    """A convolution or a pool, per axis of space.

    Attributes
    ----------
    reach : voxels from the first to the last that an output is made of.
    stride : way to the next output.
    before : margin before the first voxel.
    fill : value of the margin.
    run : the step on blocks that have their margin already.
    """

    reach: tuple[int, ...]
    stride: tuple[int, ...]
    before: tuple[int, ...]
    fill: float
    run: Callable[[Tensor], Tensor]


def kind_of(graph: GraphModule, node: Node) -> Kind:
    """How a step depends on its input."""
    if node.op == "call_module":
        module = graph.get_submodule(str(node.target))
        if isinstance(module, _POINTWISE_MODULES):
            return "pointwise"
        if isinstance(module, (nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)) and _one(module.output_size):
            return "mean"
        return "kernel" if kernel_of(graph, node) is not None else "other"
    name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")
    if node.op not in ("call_function", "call_method"):
        return "other"
    if name in ("max_pool2d", "max_pool3d", "avg_pool2d", "avg_pool3d"):
        return "kernel" if kernel_of(graph, node) is not None else "other"
    if name in _JOINS and len(node.args) == 2:
        numbers = [arg for arg in node.args if isinstance(arg, int | float)]
        return "pointwise" if numbers and not node.kwargs else "join" if not node.kwargs else "other"
    if name in _POINTWISE_NAMES and sum(isinstance(arg, Node) for arg in node.args) == 1:
        return "pointwise"
    if node.target in (torch.cat, torch.concat) and node.kwargs.get("dim", (*node.args, 0)[1]) == 1:
        return "concatenation"
    if name in ("adaptive_avg_pool2d", "adaptive_avg_pool3d") and _one(
        node.kwargs.get("output_size", (*node.args, 0)[1])
    ):
        return "mean"
    return "other"


def join_of(node: Node) -> Callable[[Any, Any], Any]:
    """What a step of two activations does."""
    name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")
    return _JOINS[name]


def kernel_of(graph: GraphModule, node: Node) -> Kernel | None:
    """The convolution or pool that a step is; None when it is neither, or one whose margin is not one value."""
    if node.op == "call_module":
        module = graph.get_submodule(str(node.target))
        if isinstance(module, (nn.Conv2d, nn.Conv3d)):
            return _convolution(module)
        if isinstance(module, (nn.MaxPool2d, nn.MaxPool3d, nn.AvgPool2d, nn.AvgPool3d)):
            dims = 3 if isinstance(module, (nn.MaxPool3d, nn.AvgPool3d)) else 2
            maximum = isinstance(module, (nn.MaxPool2d, nn.MaxPool3d))
            return _pool(dims, maximum, {name: getattr(module, name, None) for name in _POOL})
        return None
    name = getattr(node.target, "__name__", "")
    if node.op != "call_function" or name not in ("max_pool2d", "max_pool3d", "avg_pool2d", "avg_pool3d"):
        return None
    order = _MAX_ARGUMENTS if name.startswith("max") else _AVERAGE_ARGUMENTS
    given: dict[str, Any] = {**dict(zip(order, node.args[1:], strict=False)), **node.kwargs}
    return _pool(int(name[-2]), name.startswith("max"), {"kernel_size": None, **given})


_POOL = ("kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices", "count_include_pad",
         "divisor_override")  # fmt: skip
_MAX_ARGUMENTS = ("kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices")
_AVERAGE_ARGUMENTS = (
    "kernel_size",
    "stride",
    "padding",
    "ceil_mode",
    "count_include_pad",
    "divisor_override",
)


def _convolution(module: nn.Conv2d | nn.Conv3d) -> Kernel | None:
    if module.padding_mode != "zeros":
        return None
    dims = len(module.kernel_size)
    both = module._reversed_padding_repeated_twice
    before = tuple(int(both[2 * (dims - 1 - axis)]) for axis in range(dims))
    function: Any = F.conv2d if dims == 2 else F.conv3d

    def run(block: Tensor) -> Tensor:
        made: Tensor = function(
            block, module.weight, module.bias, module.stride, 0, module.dilation, module.groups
        )
        return made

    reach = tuple(d * (k - 1) + 1 for k, d in zip(module.kernel_size, module.dilation, strict=True))
    return Kernel(reach, tuple(module.stride), before, 0.0, run)


def _pool(dims: int, maximum: bool, given: dict[str, Any]) -> Kernel | None:
    if given["kernel_size"] is None or any(isinstance(value, Node) for value in given.values()):
        return None
    kernel = _each(given["kernel_size"], dims)
    stride = _each(given.get("stride") or kernel, dims)
    padding = _each(given.get("padding") or 0, dims)
    dilation = _each(given.get("dilation") or 1, dims)
    counted = given.get("count_include_pad")
    if given.get("ceil_mode") or given.get("return_indices") or given.get("divisor_override"):
        return None
    if not maximum and any(padding) and counted is False:
        return None
    reach = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))
    function: Any
    if maximum:
        function = F.max_pool2d if dims == 2 else F.max_pool3d
        return Kernel(reach, stride, padding, -math.inf, lambda x: function(x, kernel, stride, 0, dilation))
    function = F.avg_pool2d if dims == 2 else F.avg_pool3d
    return Kernel(reach, stride, padding, 0.0, lambda x: function(x, kernel, stride))


def _each(value: Any, dims: int) -> tuple[int, ...]:
    if isinstance(value, int):
        return (value,) * dims
    numbers = tuple(int(number) for number in value)
    return numbers if len(numbers) == dims else numbers * dims


def _one(size: Any) -> bool:
    """Whether the output of an adaptive pool is one number a channel."""
    return all(number == 1 for number in (size if isinstance(size, tuple | list) else (size,)))
