"""From which probability on a class is called present: chosen on the cases that chose the model, never on the test."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from viewer.foundation.progress import Progress
from viewer.models.classifier import Classifier
from viewer.training.task import Batch

_USUAL = 0.5
_AT_ONCE = {2: 32, 3: 1}
"""Cases that are asked together, by the dims of the network."""

RULE = "where sensitivity and specificity of the validation cases add up to the most (Youden's J)"


def best_threshold(probabilities: ArrayLike, positive: ArrayLike) -> float | None:
    """The probability from which on to call a case positive.

    Midway between the neighbouring probabilities where Youden's J is largest, rounded to hundredths; among equals
    the one nearest to 0.5.

    Parameters
    ----------
    probabilities : (n,) in [0, 1].
    positive : (n,) whether the finding is there.

    Returns
    -------
    float or None
        None where only one kind of case is there.

    References
    ----------
    Youden, Index for rating diagnostic tests, Cancer 3 (1950).
    """
    scores, truth = np.asarray(probabilities, dtype=np.float64), np.asarray(positive, dtype=bool)
    if truth.all() or not truth.any():
        return None
    each = np.unique(scores)
    between = np.concatenate([[0.01], (each[1:] + each[:-1]) / 2, [0.99]])
    candidates = np.unique(np.clip(np.round(between, 2), 0.01, 0.99))
    said = scores[None] >= candidates[:, None]
    youden = said[:, truth].mean(axis=1) - said[:, ~truth].mean(axis=1)
    best = candidates[youden >= youden.max() - 1e-9]
    return float(best[np.abs(best - _USUAL).argmin()])


def validated_threshold(classifier: Classifier, batches: Iterable[Batch], progress: Progress) -> float | None:
    """`best_threshold` of a network of two classes, the second of which is the finding, on its validation batches."""
    logits: list[NDArray[np.float32]] = []
    labels: list[NDArray[np.int64]] = []
    together = _AT_ONCE[classifier.card.dims]
    for batch in batches:
        inputs = batch["input"].float().cpu().numpy()
        for start in range(0, len(inputs), together):
            progress.report(0, 1, "choosing the threshold")
            logits.append(classifier.logits(inputs[start : start + together]))
        labels.append(batch["label"].cpu().numpy())
    found = classifier.probabilities(torch.from_numpy(np.concatenate(logits))).numpy()
    return best_threshold(found[:, 1], np.concatenate(labels) == 1)
