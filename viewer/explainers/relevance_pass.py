"""One pass of a network whose every step shares relevance by a rule: modules and functions alike, nothing hooked.

Each step is met where it calls torch, so it makes no difference whether a network uses modules, functions or operators,
whether a module runs twice, or whether it works in place. A step that no rule covers is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakTensorKeyDictionary

from viewer.explainers.relevance_rules import (
    Ledger,
    Pooled,
    Rescaled,
    Rule,
    Summed,
    Weighted,
    passed,
    shared,
)
from viewer.foundation.errors import ExplainError

_WEIGHTED = (
    "conv1d", "conv2d", "conv3d", "linear", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d",
)  # fmt: skip
_AVERAGES = (
    "avg_pool1d", "avg_pool2d", "avg_pool3d", "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d",
    "mean", "sum",
)  # fmt: skip
_DRAWN = ("interpolate", "upsample")
_ADDED = ("add", "add_", "__add__", "__radd__", "__iadd__", "sub", "sub_", "__sub__", "__rsub__", "__isub__")
_DIVIDED = ("div", "div_", "__truediv__", "__itruediv__")
_SCALED = ("mul", "mul_", "__mul__", "__rmul__", "__imul__", "neg", "__neg__", *_DIVIDED)
_LIMITED = ("hardtanh", "hardtanh_", "clamp", "clamp_", "clamp_min", "clamp_min_")
_ACTIVATIONS = (
    "relu", "relu_", "relu6", "leaky_relu", "leaky_relu_", "prelu", "elu", "elu_", "selu", "selu_", "celu", "celu_",
    "rrelu", "rrelu_", "tanh", "softsign", *_LIMITED,
)  # fmt: skip
"""Steps that grow with their input and are 0 at 0."""

_MOVED = (
    "flatten", "reshape", "view", "view_as", "reshape_as", "squeeze", "unsqueeze", "permute", "transpose", "swapaxes",
    "swapdims", "movedim", "moveaxis", "contiguous", "clone", "unflatten", "__getitem__", "chunk", "split", "unbind",
    "select", "narrow", "index_select", "tensor_split", "cat", "concat", "concatenate", "stack", "expand", "expand_as",
    "repeat", "flip", "roll", "pixel_shuffle", "pixel_unshuffle", "channel_shuffle", "to", "float", "double", "type",
    "t", "__get__", "dropout", "dropout1d", "dropout2d", "dropout3d", "feature_dropout", "alpha_dropout",
    "feature_alpha_dropout",
)  # fmt: skip
"""Steps that bring values to other places."""

_WINNERS = (
    "max_pool1d", "max_pool2d", "max_pool3d", "adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d",
    "max", "amax", "maximum",
)  # fmt: skip
"""Steps whose output is one of their inputs: the winner takes all."""

_SQUASHES = ("softmax", "log_softmax", "sigmoid", "logsigmoid")
"""Last steps of a network; the score before them is explained."""

_PRODUCTS = ("matmul", "__matmul__", "mm", "bmm", "scaled_dot_product_attention")
_NORMALISED = ("layer_norm", "group_norm", "instance_norm")
_BY_ITSELF = "normalises its input by the input's own values"
_TWO = "multiplies two things that both depend on the input"
_WHY_NOT = {**dict.fromkeys(_NORMALISED, _BY_ITSELF), **dict.fromkeys(_PRODUCTS, _TWO)}


@dataclass(frozen=True)
class Shift:
    """What batch norm does to every channel: ``factor * x + shift``, both (channel,)."""

    factor: Tensor
    shift: Tensor


def _shift(
    _x: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    _momentum: float = 0.1,
    eps: float = 1e-5,
    **_: Any,
) -> Shift:
    """Of the arguments of ``F.batch_norm``."""
    if training or running_mean is None or running_var is None:
        raise refused("batch_norm", _BY_ITSELF)
    factor = torch.rsqrt(running_var + eps)
    if weight is not None:
        factor = factor * weight
    shift = -running_mean * factor
    return Shift(factor.detach(), (shift if bias is None else shift + bias).detach())


@dataclass(frozen=True)
class _Call:
    """A call of torch.

    Attributes
    ----------
    tensors : those among the arguments that depend on the input.
    """

    name: str
    func: Callable[..., Any]
    tensors: list[Tensor]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def applied(self) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        """The first argument, and the call as a function of it alone."""
        if self.args:
            return self.args[0], lambda x: self.func(x, *self.args[1:], **self.kwargs)
        return self.kwargs["input"], lambda x: self.func(**{**self.kwargs, "input": x})


class RelevancePass(TorchFunctionMode):
    """While active, what depends on the input is computed so that its gradient is relevance.

    Parameters
    ----------
    rules : name of the rule by kind of step: ``input`` what reads the input itself, ``dense`` linear layers, ``other``.
    ledger : told what is kept on the way back.

    Attributes
    ----------
    squashed : whether a softmax or sigmoid was met.
    """

    def __init__(self, x: Tensor, rules: dict[str, Rule], ledger: Ledger) -> None:
        super().__init__()
        self.squashed = False
        self._rules = rules
        self._ledger = ledger
        self._weighted_steps = WeakTensorKeyDictionary()
        """Output of a step with weights -> rule, bias and contributions."""
        self._raw = WeakTensorKeyDictionary()
        """Tensors that are the input, in another order or on another scale."""
        self._raw[x] = True

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        tensors = [t for t in _tensors((args, kwargs)) if t.requires_grad]
        if not tensors or not torch.is_grad_enabled():
            return func(*args, **kwargs)
        name = _name(func)
        for names, step in (
            ((*_MOVED, *_WINNERS, *_SQUASHES, "pad"), self._moved),
            (_WEIGHTED, self._weighted),
            (("batch_norm",), self._normalised),
            (_ACTIVATIONS, self._activated),
            ((*_AVERAGES, *_DRAWN), self._pooled),
            (_ADDED, self._added),
            (_SCALED, self._scaled),
        ):
            if name in names:
                return step(_Call(name, func, tensors, args, kwargs))
        if name == "__setitem__":
            raise refused(name, "writes into a tensor that depends on the input")
        result = func(*args, **kwargs)
        if any(t.requires_grad for t in _tensors(result)):
            raise refused(name, _WHY_NOT.get(name, "is not covered by any of its rules"))
        return result

    # --- kinds of steps ----------------------------------------------------------------------------------------------

    def _moved(self, call: _Call) -> Any:
        """Its own gradient brings relevance back to where the values came from."""
        if call.name in _SQUASHES:
            self.squashed = True
        if call.name == "pad" and _constant(call):
            raise refused("pad", "adds a constant that is not zero")
        return self._marked(call.tensors, call.func(*call.args, **call.kwargs))

    def _weighted(self, call: _Call) -> Tensor:
        name, func = call.name, call.func
        x, weight, bias, more = _weights(*call.args, **call.kwargs)
        if len(call.tensors) > 1 or x is not call.tensors[0]:
            raise refused(name, "has weights that depend on the input")

        def run(values: Tensor, w: Tensor, b: Tensor | None = None) -> Tensor:
            made: Tensor = func(values, w, b, *more[0], **more[1])
            return made

        kind = "input" if x in self._raw else "dense" if name == "linear" else "other"
        rule, of = self._rules[kind], Weighted(x, weight, run)
        added = None
        if bias is not None:
            places = weight.ndim - 2  # a channel is the last axis of a linear layer
            added = bias.reshape(-1, *(1,) * places)
        if rule.name in ("epsilon", "gamma"):  # which add everything up anyway
            y = of.everything().detach()
            y = y if added is None else y + added
        else:
            y = run(x.detach(), weight, bias)
        made = shared(rule, self._ledger, y, added, of)
        self._weighted_steps[made] = (rule, added, of)
        return made

    def _normalised(self, call: _Call) -> Tensor:
        """Batch norm, taken together with the convolution or linear layer that comes right before it, if one does."""
        [x, *others] = call.tensors
        if others:
            raise refused(call.name, "has weights that depend on the input")
        found = _shift(*call.args, **call.kwargs)
        shape = (-1, *(1,) * (x.ndim - 2))
        factor, shift = found.factor.reshape(shape), found.shift.reshape(shape)
        product = x.detach() * factor
        if x in self._weighted_steps:
            rule, bias, of = self._weighted_steps[x]
            bias = shift if bias is None else bias * factor + shift
            return shared(rule, self._ledger, product + shift, bias, Rescaled(of, factor))
        made = shared(self._rules["other"], self._ledger, product + shift, shift, Summed(((x, product),)))
        return self._marked([x], made)  # type: ignore[no-any-return]

    def _activated(self, call: _Call) -> Tensor:
        x, run = call.applied()
        if len(call.tensors) > 1:
            raise refused(call.name, "has limits that depend on the input")
        if call.name in _LIMITED and bool(run(torch.zeros_like(x)).any()):
            raise refused(call.name, "is not zero at zero")
        return passed(x, run(x.detach().clone()))  # a copy, because it may work in place

    def _pooled(self, call: _Call) -> Tensor:
        if call.name in _DRAWN and "bicubic" in (*call.args[1:], *call.kwargs.values()):
            raise refused(call.name, "weighs its inputs negatively in places")
        x, run = call.applied()
        made = shared(self._rules["other"], self._ledger, run(x.detach()), None, Pooled(x, run))
        return self._marked(call.tensors, made)  # type: ignore[no-any-return]

    def _added(self, call: _Call) -> Tensor:
        one, other, alpha = _operands(*call.args, **call.kwargs)
        first, second = (1, -alpha) if "sub" in call.name else (1, alpha)
        if call.name == "__rsub__":
            first, second = -1, 1
        a, b = first * _plain(one), second * _plain(other)
        y: Tensor = a + b
        terms, bias = [], None
        for operand, value in ((one, a), (other, b)):
            if isinstance(operand, Tensor) and operand.requires_grad:
                if operand.shape != y.shape:
                    raise refused(call.name, "adds things of different shapes")
                terms.append((operand, value))
            else:
                bias = torch.as_tensor(value, dtype=y.dtype, device=y.device).expand_as(y)
        made = shared(self._rules["other"], self._ledger, y, bias, Summed(terms))
        return self._marked(call.tensors, made) if len(terms) == 1 else made

    def _scaled(self, call: _Call) -> Tensor:
        if len(call.tensors) > 1:
            raise refused(call.name, _TWO)
        [x] = call.tensors
        if call.name in _DIVIDED and x is not call.args[0]:
            raise refused(call.name, "divides by something that depends on the input")
        y = call.func(*(a.detach().clone() if a is x else a for a in call.args), **call.kwargs)
        if y.shape != x.shape:
            raise refused(call.name, "multiplies things of different shapes")
        return self._marked([x], passed(x, y))  # type: ignore[no-any-return]

    # --- what is known of tensors ------------------------------------------------------------------------------------

    def _marked(self, tensors: Sequence[Tensor], result: Any) -> Any:
        """The result, known to be the input still when all that it is made of is."""
        if all(t in self._raw for t in tensors):
            for each in _tensors(result):
                self._raw[each] = True
        return result


def refused(name: str, why: str) -> ExplainError:
    """LRP does not exist for a network with such a step."""
    return ExplainError(
        f"LRP cannot follow the network: its step '{name.strip('_')}' {why}.", code="unsupported"
    )


def _name(func: Callable[..., Any]) -> str:
    name = getattr(func, "__name__", "")
    return name.lstrip("_") if name.startswith("_") and not name.startswith("__") else name


def _tensors(values: Any) -> Iterator[Tensor]:
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, dict):
        yield from _tensors(list(values.values()))
    elif isinstance(values, (list, tuple)):
        for each in values:
            yield from _tensors(each)


def _plain(value: Any) -> Any:
    return value.detach() if isinstance(value, Tensor) else value


def _weights(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, *more: Any, **named: Any
) -> tuple[Tensor, Tensor, Tensor | None, tuple[Any, Any]]:
    return input, weight, bias, (more, named)


def _operands(input: Any, other: Any, *, alpha: float = 1, **_: Any) -> tuple[Any, Any, float]:
    return input, other, alpha


def _constant(call: _Call) -> bool:
    """Whether a padding adds another value than zero or copies of what is there."""
    value = call.kwargs.get("value", call.args[3] if len(call.args) > 3 else None)
    mode = call.kwargs.get("mode", call.args[2] if len(call.args) > 2 else "constant")
    return bool(mode == "constant" and value)
