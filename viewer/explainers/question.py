"""What an explainer is asked about one input, and what comes back while it works."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from viewer.explainers.explainer_info import Value
from viewer.foundation.progress import SILENT, Progress
from viewer.models.card import ScoreType
from viewer.models.classifier import Classifier


@dataclass(frozen=True, eq=False)
class Question:
    """Why does the network give one class its score on one input?

    Attributes
    ----------
    classifier : its network is left as it was found whenever the explainer hands out an answer.
    batch : (1, channel, *space), what the network takes, on its device.
    target : index of the class.
    layer : name of the target layer; ``input`` for explainers without one.
    score : what is differentiated.
    parameters : of the explainer, complete and checked.
    region : bool (*space) on the grid of the input: where a segmentation network is asked; None for everywhere.
    progress : to be told between steps; may raise `Cancelled`.
    notes : flags that passes leave, e.g. ``fell-back-to-cpu``; shared by all questions that are made of this one.
    known_score : score of the class on this very input by this very network, where a pass has said it already.
    """

    classifier: Classifier
    batch: Tensor
    target: int
    layer: str = "input"
    score: ScoreType = "logit"
    parameters: Mapping[str, Value] = field(default_factory=dict)
    region: NDArray[np.bool_] | None = None
    progress: Progress = SILENT
    notes: set[str] = field(default_factory=set)
    known_score: float | None = None

    @property
    def space(self) -> tuple[int, ...]:
        """Extent of the input: (row, column) or (slice, row, column)."""
        return tuple(self.batch.shape[2:])

    def about(self, batch: Tensor) -> Question:
        """The same question about another input."""
        return replace(self, batch=batch, known_score=None)


@dataclass(frozen=True, eq=False)
class Answer:
    """An explanation as far as it has come; the last answer of an explainer is the explanation.

    Attributes
    ----------
    signed : map before ReLU on its own grid, (row, column) or (slice, row, column), float32, in units of the score
        or of the score per unit of the input; values above zero speak for the class.
    deviation : standard deviation of the map over what was sampled, same grid; None where nothing was.
    done, total : rounds made and wanted.
    flags : ``incomplete`` (the values do not add up to what they shall within 1%), ``not-finite`` (some values were not
        numbers and count as none), ``fell-back-to-cpu`` (the device had too little memory), ``poor-fit`` (the linear
        model that the map is made of does not follow the network).
    facts : numbers that say how far the map can be trusted, see `viewer.explainers.map_facts`.
    segments : which part of the input each cell belongs to, int (*space), from 1 on; None where there are none.
    """

    signed: NDArray[np.float32]
    deviation: NDArray[np.float32] | None = None
    done: int = 1
    total: int = 1
    flags: tuple[str, ...] = ()
    facts: Mapping[str, float] = field(default_factory=dict)
    segments: NDArray[np.int32] | None = None


Explainer = Callable[[Question], Iterator[Answer]]
"""Yields answers that get better. Between two of them nothing is hooked into the network, which is as it was found: a
paused iterator is an explanation that can be resumed, and dropping it cancels the explanation."""

MapsOf = Callable[[Question, Tensor], Tensor]
"""The signed maps (image, *grid) of several inputs (image, channel, *space) at once, by the passes of one."""


def at_once(maps_of: MapsOf) -> Explainer:
    """An explainer with one answer."""

    def explain(question: Question) -> Iterator[Answer]:
        yield answer(maps_of(question, question.batch)[0])

    return explain


def answer(
    signed: Tensor,
    deviation: Tensor | None = None,
    done: int = 1,
    total: int = 1,
    flags: tuple[str, ...] = (),
    facts: Mapping[str, float] | None = None,
) -> Answer:
    """An answer from tensors; values that are not numbers make the map empty and are flagged."""
    values = array(signed)
    if not np.isfinite(values).all():
        return Answer(np.zeros_like(values), None, done, total, (*flags, "not-finite"), dict(facts or {}))
    return Answer(
        values, None if deviation is None else array(deviation), done, total, flags, dict(facts or {})
    )


def array(tensor: Tensor) -> NDArray[np.float32]:
    """A tensor as float32 in the processor's memory."""
    return np.asarray(tensor.detach().float().cpu().numpy(), dtype=np.float32)


def images_together(question: Question) -> int:
    """How many copies of the input go through the network at once: as many as keep a processor busy."""
    values = question.batch[0].numel()
    if question.batch.device.type != "cpu":
        return max(1, min(_MOST, _VALUES_GPU // values))
    if _is_heavy(question):
        return _WORTH_THE_WEIGHTS
    return max(1, min(_MOST, _VALUES_CPU // values))


def few_first(question: Question, total: int) -> Iterator[range]:
    """The rounds from 0 to `total`, in ranges that go through the network together.

    Of a heavy network the first ranges are short, because so many as are worth reading the weights for take seconds,
    and the user wants to see something. The ranges follow from the network and its input alone: the same question has
    the same answers.
    """
    most = images_together(question)
    size = _FIRST if question.batch.device.type == "cpu" and _is_heavy(question) else most
    first = 0
    while first < total:
        last = min(first + size, total)
        yield range(first, last)
        if last >= 2 * _FIRST:
            size = most
        first = last


def _is_heavy(question: Question) -> bool:
    """Whether reading the weights takes long beside what is done with them for one image."""
    return question.classifier.parameters > _HEAVY * question.batch[0].numel()


_MOST = 32
_VALUES_CPU = 1 << 17
"""Values of the inputs that go together on a processor: more than that, and the outputs leave its cache.

Measured for 32 copies: stroke-gap at 192 x 192 takes 1.1 s one by one, 1.4 s in fours, 1.9 s in sixteens; ResNet-50 at
112 x 112 takes 2.9 s one by one, 1.9 s in fours.
"""
_VALUES_GPU = 1 << 24
_FIRST = 4
"""Images that a heavy network is given together at first, twice: half a second of ResNet-50 on one core."""
_HEAVY, _WORTH_THE_WEIGHTS = 100, 20
"""A network of so many weights for each value of the input reads them once for so many copies.

Measured on ResNet-50 at 224 x 224 (170 weights a value): 20 copies take 3.1 s together, 3.7 s one by one.
"""
