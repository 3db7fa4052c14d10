"""From the outputs of a network to the score of a class, per image; segmentation networks are asked about a region."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from viewer.foundation.errors import ExplainError, ModelError
from viewer.models.card import SQUASHED, ScoreType
from viewer.models.classifier import REFUSALS, Classifier, refusal
from viewer.models.devices import ran_out
from viewer.models.raw_outputs import raw_outputs

Mask = NDArray[np.bool_]


def class_scores(
    classifier: Classifier,
    module: nn.Module,
    run: Callable[[], Any],
    images: int,
    target: int,
    score: ScoreType,
    region: Mask | None,
    *,
    finite: bool = True,
) -> Tensor:
    """(image,) scores of a class from one forward pass.

    Of a segmentation network: the sum over the region's pixels of the class's score in each (Seg-Grad-CAM).

    Parameters
    ----------
    module : the network of `classifier`, borrowed.
    run : makes one forward pass of it.
    region : bool (*space) on the input's grid; None for everywhere.
    finite : whether outputs that are not finite are refused; else the images' scores are not finite either.

    Raises
    ------
    ModelError
        When the outputs do not fit the card or are not finite.
    """
    if classifier.card.task != "segmentation":
        logits, _ = raw_outputs(classifier.card, module, run, images, finite=finite)
        return classifier.scores(logits, target, score)
    rows, weights = _rows(classifier, run(), images, region, finite)
    return _region_scores(classifier, rows, weights, images, target, score)


def class_probabilities(
    classifier: Classifier, batch: Tensor, region: Mask | None
) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """(class,) probabilities of the first input and what the outputs show (``softmax-inside``, ``squashed-output``).

    Of a segmentation network: the mean over the region's pixels.
    """
    return first_look(classifier, batch, region)[:2]


def first_look(
    classifier: Classifier,
    batch: Tensor,
    region: Mask | None,
    target: int | None = None,
    score: ScoreType = "logit",
) -> tuple[NDArray[np.float32], tuple[str, ...], float]:
    """`class_probabilities`, and by the same pass the score of a class.

    Parameters
    ----------
    target : None for the most probable class.
    """
    batch = batch.clone()  # a network may overwrite its input
    with torch.no_grad(), classifier.borrowed() as module:
        if classifier.card.task != "segmentation":
            logits, flags = raw_outputs(
                classifier.card, module, lambda: forward(classifier, module, batch), len(batch)
            )
            p = classifier.probabilities(logits.float())[0]
            chosen = int(p.argmax()) if target is None else target
            own = classifier.scores(logits, chosen, score)[0]
        else:
            rows, weights = _rows(classifier, forward(classifier, module, batch), len(batch), region)
            flags = (SQUASHED,) if _like_probabilities(rows) else ()
            each = _row_probabilities(classifier, rows.float()).reshape(
                len(batch), -1, len(classifier.classes)
            )
            p = (each[0] * weights[:, None]).sum(0) / weights.sum()
            chosen = int(p.argmax()) if target is None else target
            own = _region_scores(classifier, rows, weights, len(batch), chosen, score)[0]
    return np.asarray(p.cpu().numpy(), dtype=np.float32), flags, float(own)


def _region_scores(
    classifier: Classifier, rows: Tensor, weights: Tensor, images: int, target: int, score: ScoreType
) -> Tensor:
    """(image,) the sum over the region's pixels of the class's score in each."""
    if score == "probability":
        values = _row_probabilities(classifier, rows)[:, target]
    else:
        values = classifier.scores(rows, target, score)
    return (values.reshape(images, -1) * weights).sum(1)


def forward(classifier: Classifier, module: nn.Module, batch: Tensor) -> Any:
    """One forward pass; a network that cannot take the input says so in a sentence."""
    try:
        return module(batch)
    except REFUSALS as error:
        if ran_out(error) or "in-place" in str(error):
            raise
        raise ExplainError(refusal(classifier.card, batch.shape[1:], error), code="input-shape") from error


def _rows(
    classifier: Classifier, out: object, images: int, region: Mask | None, finite: bool = True
) -> tuple[Tensor, Tensor]:
    """Outputs of a segmentation network as rows (image and place, class), and weights (place,) of the region."""
    card = classifier.card
    if not isinstance(out, Tensor) or out.ndim != card.dims + 2 or len(out) != images:
        raise ModelError(
            f"The model '{card.id}' does not put out one score per class and pixel, as a segmentation network does.",
            code="outputs",
        )
    if out.shape[1] not in ({2, 1} if len(card.classes) == 2 else {len(card.classes)}):
        raise ModelError(
            f"The model '{card.id}' puts out {out.shape[1]} scores for {len(card.classes)} classes.",
            code="outputs",
        )
    if finite and not out.isfinite().all():
        raise ModelError(
            f"The output of the model '{card.id}' is not a finite number for this input, so nothing explains it.",
            code="not-finite",
        )
    grid = tuple(out.shape[2:])
    mask = np.ones(grid, bool) if region is None else on_grid(region, grid)
    weights = torch.from_numpy(mask.reshape(-1)).to(out.device, out.dtype)
    return out.movedim(1, -1).reshape(-1, out.shape[1]), weights


def on_grid(mask: Mask, grid: tuple[int, ...]) -> Mask:
    """A mask on another grid over the same field: cells whose middle lies in it, and cells with a part of it."""
    if mask.shape == grid:
        return mask
    there = [
        np.minimum(((np.arange(n) + 0.5) / n * m).astype(int), m - 1)
        for n, m in zip(grid, mask.shape, strict=True)
    ]
    drawn = mask[np.ix_(*there)]
    places = np.argwhere(mask)
    cells = ((places + 0.5) / mask.shape * grid).astype(int)
    drawn[tuple(np.minimum(cells, np.array(grid) - 1).T)] = True
    return drawn


def _row_probabilities(classifier: Classifier, rows: Tensor) -> Tensor:
    if rows.shape[1] == 1:
        p = torch.sigmoid(rows)
        return torch.cat([1 - p, p], dim=1)
    return classifier.probabilities(rows)


def _like_probabilities(rows: Tensor) -> bool:
    inside = bool(((rows >= 0) & (rows <= 1)).all())
    return inside and (rows.shape[1] == 1 or bool(((rows.sum(1) - 1).abs() < 1e-4).all()))
