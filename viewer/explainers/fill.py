"""Filling an atlas: which slice next, and how one slice becomes maps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from viewer.explainers.atlas import Atlas
from viewer.explainers.trace import trace
from viewer.foundation.progress import SILENT, Progress
from viewer.imaging.image import MedicalImage
from viewer.models.card import Crop, ScoreType
from viewer.models.classifier import Classifier
from viewer.models.input_view import slice_input


def fill(
    classifier: Classifier,
    image: MedicalImage,
    atlas: Atlas,
    slices: Iterable[int],
    *,
    mirror: bool = False,
    crop: Crop | None = None,
    layers: Sequence[str] | None = None,
    targets: Sequence[int | str] | None = None,
    methods: Sequence[str] | None = None,
    score: ScoreType = "logit",
    batch: int = 1,
    progress: Progress = SILENT,
) -> None:
    """Trace slices and put their maps and probabilities into an atlas.

    Parameters
    ----------
    slices : in the order in which they are made; see `fill_order`.
    mirror, crop : of the network's input; `crop` None follows the model card.
    layers, targets, methods : None for all.
    batch : slices traced together: more memory, and a later first map.
    progress : told after every batch; raises `Cancelled` between batches, and what was made stays in the atlas.
    """
    order = list(slices)
    for start in range(0, len(order), batch):
        progress.report(start, len(order), "tracing")
        part = order[start : start + batch]
        inputs = [
            slice_input(classifier.card.input, image, index, mirror=mirror, crop=crop)[1] for index in part
        ]
        put_traced(
            classifier,
            np.stack(inputs),
            atlas,
            part,
            layers=layers,
            targets=targets,
            methods=methods,
            score=score,
        )
    progress.report(len(order), len(order), "tracing")


def put_traced(
    classifier: Classifier,
    inputs: NDArray[np.float32],
    atlas: Atlas,
    slices: Sequence[int],
    *,
    layers: Sequence[str] | None = None,
    targets: Sequence[int | str] | None = None,
    methods: Sequence[str] | None = None,
    score: ScoreType = "logit",
) -> None:
    """Trace ready inputs (image, channel, row, column) into an atlas under the given slice numbers."""
    result = trace(classifier, inputs, layers=layers, targets=targets, methods=methods, score=score)
    for position, index in enumerate(slices):
        for (target, layer, method), maps in result.maps.items():
            atlas.put(index, target, layer, method, maps[position])
        atlas.put_probabilities(index, result.probabilities[position])
