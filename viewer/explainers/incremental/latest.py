"""The pass that is kept: one at a time, because it is large; an explanation that was left makes its own again."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from weakref import ref

from torch import Tensor, nn

from viewer.explainers.incremental.kept_pass import KeptPass, TooLarge, graph_of
from viewer.explainers.question import Question
from viewer.models.devices import free_bytes

_SHARE = 4
"""One part in so many of the free memory may be kept."""


@dataclass(frozen=True, eq=False)
class _Latest:
    module: ref[nn.Module]
    weights: int
    x: Tensor
    kept: KeptPass


_latest: list[_Latest] = []


def kept_pass(question: Question) -> KeptPass | None:
    """The pass of the question's input, made now if it is not the one that is kept.

    The network is borrowed, and nothing is differentiated. None when its steps cannot be recorded, or there is too
    little memory.
    """
    module, x = question.classifier.module, question.batch
    weights = sum(each._version for each in chain(module.parameters(), module.buffers()))
    if _latest and _latest[0].module() is module and _latest[0].x is x and _latest[0].weights == weights:
        return _latest[0].kept
    forget_kept_pass()
    graph = graph_of(module)
    if graph is None:
        return None
    try:
        kept = KeptPass(graph, x, free_bytes(x.device) // _SHARE)
    except TooLarge:
        return None
    _latest.append(_Latest(ref(module), weights, x, kept))
    return kept


def forget_kept_pass(x: Tensor | None = None) -> None:
    """Give the memory back.

    Parameters
    ----------
    x : only if it is the pass of this input; None for any.
    """
    if x is None or (_latest and _latest[0].x is x):
        _latest.clear()
