"""How a step of a network shares the relevance of its outputs among its inputs (LRP), and what it keeps.

A step adds up contributions, ``y = sum_i c_i + b``. A rule replaces them by contributions that are easier to read, and
an output's relevance R is shared in their proportion: ``R_i = sum_j c'_ij R_j / (sum_k c'_kj + b'_j)``.

========= ==================================================== =====================================================
rule      contributions c'                                     source
========= ==================================================== =====================================================
epsilon   c, and epsilon x the layer's root mean square in the Bach et al., On pixel-wise explanations, PLOS ONE 2015
          denominator, with its sign
gamma     c + gamma c+ where y >= 0, c + gamma c- elsewhere    Montavon et al., LRP: an overview, 2019; for either sign
                                                               Andeol et al., Learning domain invariant
                                                               representations by joint Wasserstein distance, 2021
z+        c+, no bias                                          Montavon et al., Deep Taylor decomposition, 2017
w2        the squares of the weights, no bias                  the same
========= ==================================================== =====================================================

Relevance travels where gradients do in the recorded graph of a pass: the numerator of a rule is an ordinary
differentiable step on inputs that hand back ``contribution x what arrives``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import torch
from torch import Tensor

RuleName = Literal["epsilon", "gamma", "z+", "w2"]

GAMMA = 0.25
"""Montavon et al. 2019."""


@dataclass
class Ledger:
    """What steps keep of the relevance of one image that passes through them.

    Attributes
    ----------
    kept : ``biases`` or ``epsilon`` -> its sum, float64.
    """

    kept: dict[str, Tensor] = field(default_factory=dict)

    def keep(self, what: str, relevance: Tensor) -> None:
        """Add up relevance that goes no further."""
        here = relevance.cpu() if relevance.device.type == "mps" else relevance  # which has no float64
        amount = here.double().sum()
        self.kept[what] = self.kept[what] + amount if what in self.kept else amount

    def amount(self, what: str) -> float:
        """What was kept of one sort; 0 where nothing was."""
        return float(self.kept.get(what, 0.0))


@dataclass(frozen=True)
class Rule:
    """A rule with its settings.

    Attributes
    ----------
    epsilon : of the rule of that name, as a share of the step's root mean square.
    """

    name: RuleName
    epsilon: float = 0.0


class Contributions(Protocol):
    """What a step adds up. Each method makes a differentiable sum over the inputs of every output."""

    def everything(self) -> Tensor:
        """Sum c"""

    def positive(self) -> Tensor:
        """Sum c+"""

    def weights(self) -> Tensor:
        """Sum w^2"""

    def magnitude(self) -> Tensor | None:
        """Sum |c|, which shares what no positive contribution explains; None where the bias keeps that."""


class _Part(torch.autograd.Function):
    """A contribution in place of an input; what arrives at it is handed back times the contribution."""

    @staticmethod
    def forward(ctx: Any, _: Tensor, part: Tensor) -> Tensor:
        ctx.save_for_backward(part)
        return part.view_as(part)

    @staticmethod
    def backward(ctx: Any, arrived: Tensor) -> Any:
        (part,) = ctx.saved_tensors
        return part * arrived, None


class _Shared(torch.autograd.Function):
    """The output of a step, whose relevance is handed to the sum of its contributions, divided by all that it is."""

    @staticmethod
    def forward(
        ctx: Any, _: Tensor, y: Tensor, whole: Tensor, bias: Tensor | None, rule: Rule, ledger: Ledger
    ) -> Tensor:
        ctx.save_for_backward(whole, bias)
        ctx.rule, ctx.ledger = rule, ledger
        return y.view_as(y)

    @staticmethod
    def backward(ctx: Any, relevance: Tensor) -> Any:
        whole, bias = ctx.saved_tensors
        divisor = whole
        if ctx.rule.name == "epsilon" and ctx.rule.epsilon:
            size = whole.square().mean().sqrt()
            divisor = whole + torch.where(whole < 0, -1.0, 1.0) * ctx.rule.epsilon * size
        shared = torch.where(divisor == 0, 0.0, relevance / divisor)
        if bias is not None:
            ctx.ledger.keep("biases", bias * shared)
        # What is left where no input contributes is there because of a bias, seen by the rule or not.
        ctx.ledger.keep("biases", torch.where(divisor == 0, relevance, 0.0))
        if divisor is not whole:
            ctx.ledger.keep("epsilon", (divisor - whole) * shared)
        return shared, None, None, None, None, None


class _Passed(torch.autograd.Function):
    """A value with one cause: all relevance goes to it."""

    @staticmethod
    def forward(_ctx: Any, _: Tensor, y: Tensor) -> Tensor:
        return y.view_as(y)

    @staticmethod
    def backward(_ctx: Any, relevance: Tensor) -> Any:
        return relevance, None


def part(x: Tensor, contribution: Tensor) -> Tensor:
    """`contribution` (shape of `x`) as a differentiable function of `x` in the sense of relevance."""
    return _Part.apply(x, contribution.detach())  # type: ignore[no-any-return]


def passed(x: Tensor, y: Tensor) -> Tensor:
    """`y` (shape of `x`), all of whose relevance goes to `x`."""
    return _Passed.apply(x, y.detach())  # type: ignore[no-any-return]


def shared(rule: Rule, ledger: Ledger, y: Tensor, bias: Tensor | None, of: Contributions) -> Tensor:
    """The output `y` of a step, whose relevance a rule shares among the inputs of the step.

    Parameters
    ----------
    y : (image, ...) value of the step.
    bias : what the step adds beside the contributions, broadcast to `y`; None for nothing.
    """
    # The output itself is the divisor where the rule leaves it: what adds up to it may differ by a rounding, which
    # counts where the output is next to nothing.
    whole = y = y.detach()
    if rule.name == "w2":
        total, bias = of.weights(), None
        whole = total.detach()
    elif rule.name == "z+":
        total, bias = of.positive(), None
        rest = of.magnitude()
        total = total if rest is None else torch.where(total == 0, rest, total)
        whole = total.detach()
    elif rule.name == "gamma":
        everything, positive = of.everything(), of.positive()
        up = y >= 0
        more = torch.where(up, positive, everything - positive)
        total, whole = everything + GAMMA * more, y + GAMMA * more.detach()
        if bias is not None:
            stronger = GAMMA * torch.where(up, bias.clamp_min(0), bias.clamp_max(0))
            bias, whole = bias + stronger, whole + stronger
    else:
        total = of.everything()
    return _Shared.apply(total, y, whole, bias, rule, ledger)  # type: ignore[no-any-return]


@dataclass
class Weighted:
    """A step with weights: convolution, linear layer. Each sum is made once, whoever asks for it again.

    Attributes
    ----------
    run : ``run(x, weight)``, linear in both.
    """

    x: Tensor
    weight: Tensor
    run: Callable[[Tensor, Tensor], Tensor]
    _known: dict[str, Tensor] = field(default_factory=dict)

    def everything(self) -> Tensor:
        return self._once("everything", lambda: self.run(part(self.x, self.x), self.weight))

    def positive(self) -> Tensor:
        return self._once("positive", self._positive)

    def _positive(self) -> Tensor:
        x = self.x.detach()
        total = self.run(part(self.x, x.clamp_min(0)), self.weight.clamp_min(0))
        if bool((x < 0).any()):
            total = total + self.run(part(self.x, x.clamp_max(0)), self.weight.clamp_max(0))
        return total

    def weights(self) -> Tensor:
        ones = torch.ones_like
        return self._once("weights", lambda: self.run(part(self.x, ones(self.x)), self.weight.square()))

    def magnitude(self) -> None:
        return None

    def _once(self, name: str, make: Callable[[], Tensor]) -> Tensor:
        if name not in self._known:
            self._known[name] = make()
        return self._known[name]


@dataclass(frozen=True)
class Rescaled:
    """A step whose outputs are multiplied channel by channel, as if its weights had been.

    Attributes
    ----------
    factor : broadcast to the output.
    """

    of: Weighted
    factor: Tensor

    def everything(self) -> Tensor:
        return self.of.everything() * self.factor

    def positive(self) -> Tensor:
        up = self.factor > 0
        if bool(up.all()):
            return self.of.positive() * self.factor
        # A factor below zero makes what was negative positive.
        return torch.where(up, self.of.positive(), self.of.everything() - self.of.positive()) * self.factor

    def weights(self) -> Tensor:
        return self.of.weights() * self.factor.square()

    def magnitude(self) -> None:
        return None


@dataclass(frozen=True)
class Pooled:
    """A step with weights that are never negative and have no bias: average pools, sums over places, interpolation.

    Attributes
    ----------
    run : linear.
    """

    x: Tensor
    run: Callable[[Tensor], Tensor]

    def everything(self) -> Tensor:
        return self.run(part(self.x, self.x))

    def positive(self) -> Tensor:
        return self.run(part(self.x, self.x.clamp_min(0)))

    def weights(self) -> Tensor:
        return self.run(part(self.x, torch.ones_like(self.x)))

    def magnitude(self) -> Tensor | None:
        return self.run(part(self.x, self.x.abs())) if bool((self.x.detach() < 0).any()) else None


@dataclass(frozen=True)
class Summed:
    """A sum of contributions at every place: residual connections, factors and shifts by channel.

    Attributes
    ----------
    terms : (input, its contribution), both of the shape of the sum.
    """

    terms: Sequence[tuple[Tensor, Tensor]]

    def everything(self) -> Tensor:
        return self._sum(lambda c: c)

    def positive(self) -> Tensor:
        return self._sum(lambda c: c.clamp_min(0))

    def weights(self) -> Tensor:
        return self._sum(torch.ones_like)

    def magnitude(self) -> Tensor:
        return self._sum(torch.abs)

    def _sum(self, of: Callable[[Tensor], Tensor]) -> Tensor:
        each = [part(x, of(contribution.detach())) for x, contribution in self.terms]
        return torch.stack(each).sum(0) if len(each) > 1 else each[0]
