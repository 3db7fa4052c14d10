"""Scores of changed copies of an input, for explainers that ask the network again and again.

One bad copy does not spoil the others: a score that is no finite number is NaN, to be left out and counted. A network
that takes one image at a time gets them one by one, and the answer says so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from viewer.explainers.passes import in_parts
from viewer.explainers.question import Question
from viewer.explainers.scoring import class_scores, forward
from viewer.foundation.errors import ExplainError, ModelError

ONE_BY_ONE = "one-by-one"
"""Flag: the network refuses several images at once."""

_REFUSED = ("input-shape", "outputs")


def perturbed_scores(question: Question, batch: Tensor) -> Tensor:
    """(image,) scores of the question's class on changed copies of the input; NaN where a score is not finite.

    Parameters
    ----------
    batch : (image, channel, *space).
    """

    def run(part: Tensor) -> tuple[Tensor]:
        with torch.no_grad(), question.classifier.borrowed() as module:
            return (
                run_scores(question, len(part), lambda: forward(question.classifier, module, part.clone())),
            )

    if len(batch) > 1 and ONE_BY_ONE not in question.notes:
        try:
            return in_parts(question, batch, run)[0]
        except (ExplainError, ModelError) as error:
            if error.code not in _REFUSED:
                raise
    alone = torch.cat([in_parts(question, batch[i : i + 1], run)[0] for i in range(len(batch))])
    if len(batch) > 1:
        question.notes.add(ONE_BY_ONE)
    return alone


def run_scores(question: Question, images: int, run: Callable[[], Any]) -> Tensor:
    """(image,) scores from one pass of the borrowed network; NaN where they are not finite."""
    scores = class_scores(
        question.classifier,
        question.classifier.module,
        run,
        images,
        question.target,
        question.score,
        question.region,
        finite=False,
    ).detach()
    return torch.where(scores.isfinite(), scores, torch.nan)
