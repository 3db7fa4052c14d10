"""What a model says about the slices of an image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from viewer.foundation.progress import SILENT, Progress
from viewer.imaging.image import MedicalImage
from viewer.models.card import Crop, ModelCard
from viewer.models.classifier import Classifier
from viewer.models.input_view import InputView, slice_input

_BATCH = 8


@dataclass(frozen=True)
class SlicePrediction:
    """Probabilities of one slice.

    Attributes
    ----------
    index : slice of the reading plane.
    probabilities : one per class.
    interval : per class the 2.5th and 97.5th percentile of Monte Carlo dropout passes; empty when not asked for. Says
        nothing about unfamiliar images.
    """

    index: int
    probabilities: tuple[float, ...]
    interval: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Prediction:
    """Probabilities of every slice and of the case.

    Attributes
    ----------
    peak : index of the slice that stands for the case.
    rule : in words, how the slices became one case.
    """

    model: str
    classes: tuple[str, ...]
    slices: tuple[SlicePrediction, ...]
    case: tuple[float, ...]
    peak: int
    rule: str

    def to_json(self) -> dict[str, Any]:
        """The document of ``whyslice predict``."""
        return {
            "model": self.model,
            "classes": list(self.classes),
            "slices": [
                {
                    "index": s.index,
                    "probabilities": list(s.probabilities),
                    "interval": [list(i) for i in s.interval],
                }
                for s in self.slices
            ],
            "case": {"probabilities": list(self.case), "slice": self.peak, "rule": self.rule},
        }


def peak_slice(card: ModelCard, probabilities: NDArray[np.float32]) -> tuple[int, str]:
    """Row of (slice, class) probabilities that stands for the case, and the rule in words.

    The slice where the positive class is most probable; without a positive class, the slice with the surest class.
    """
    if len(probabilities) == 1:
        return 0, "the only slice"
    if card.positive_class:
        positive = card.classes.index(card.positive_class)
        return int(
            np.nanargmax(probabilities[:, positive])
        ), f"the slice with the highest probability of {card.positive_class}"
    return int(np.nanargmax(probabilities.max(axis=1))), "the slice with the surest class"


def predict(
    classifier: Classifier,
    image: MedicalImage | NDArray,
    *,
    mirror: bool = False,
    crop: Crop | None = None,
    mc_samples: int = 0,
    seed: int = 0,
    progress: Progress = SILENT,
) -> Prediction:
    """Probabilities of every slice.

    Parameters
    ----------
    image : an image, or an array (channel, row, column) that already is what the network takes.
    mirror, crop : of the network's input; an array cannot be cropped.
    mc_samples : number of Monte Carlo dropout passes for intervals; 0 for none.
    seed : of the dropout masks.
    """
    if isinstance(image, MedicalImage):
        count = image.plane.count(image.geometry.shape)

        def input_of(index: int) -> NDArray[np.float32]:
            return slice_input(classifier.card.input, image, index, mirror=mirror, crop=crop)[1]
    else:
        count = 1
        _, ready = InputView.of_array(image, mirror=mirror, crop=crop)

        def input_of(index: int) -> NDArray[np.float32]:
            assert index == 0
            return ready

    slices: list[SlicePrediction] = []
    for start in range(0, count, _BATCH):
        progress.report(start, count, "predicting")
        batch = np.stack([input_of(i) for i in range(start, min(start + _BATCH, count))])
        plain = _probabilities(classifier, batch)
        intervals = _intervals(classifier, batch, mc_samples, seed + start) if mc_samples else None
        for offset, row in enumerate(plain):
            interval = () if intervals is None else tuple((float(a), float(b)) for a, b in intervals[offset])
            slices.append(SlicePrediction(start + offset, tuple(float(p) for p in row), interval))
    progress.report(count, count, "predicting")
    peak, rule = peak_slice(classifier.card, np.array([s.probabilities for s in slices], dtype=np.float32))
    return Prediction(
        classifier.card.id, classifier.classes, tuple(slices), slices[peak].probabilities, peak, rule
    )


def _probabilities(
    classifier: Classifier, batch: NDArray[np.float32], *, dropout: bool = False
) -> NDArray[np.float32]:
    logits = torch.from_numpy(classifier.logits(batch, dropout=dropout))
    return np.asarray(classifier.probabilities(logits).numpy(), dtype=np.float32)


def _intervals(
    classifier: Classifier, batch: NDArray[np.float32], samples: int, seed: int
) -> NDArray[np.float32]:
    """(image, class, 2) percentiles over dropout passes; the random state of the caller is put back."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        passes = np.stack([_probabilities(classifier, batch, dropout=True) for _ in range(samples)])
    return np.moveaxis(np.percentile(passes, [2.5, 97.5], axis=0), 0, -1).astype(np.float32)
