"""Scores of changed copies of an input, for explainers that ask the network again and again.

One bad copy does not spoil the others: a score that is no finite number is NaN, to be left out and counted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from viewer.explainers.passes import in_parts
from viewer.explainers.question import Question
from viewer.explainers.scoring import class_scores, forward


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

    return in_parts(question, batch, run)[0]


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
