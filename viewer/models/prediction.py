"""What a model says about the slices of an image, or about a volume as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from viewer.foundation.progress import SILENT, Progress, Share
from viewer.imaging.image import MedicalImage
from viewer.models.card import Crop, ModelCard
from viewer.models.classifier import Classifier
from viewer.models.input_view import InputView, slice_input
from viewer.models.memory import in_fitting_parts
from viewer.models.volume_view import VolumeView, volume_input

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
    slices : empty for a model of volumes, which knows no slices.
    peak : index of the slice that stands for the case; None for a model of volumes.
    rule : in words, how the slices became one case.
    interval : of the case, as `SlicePrediction.interval`; empty when not asked for.
    flags : ``fell-back-to-cpu`` when the device had too little memory.
    """

    model: str
    classes: tuple[str, ...]
    slices: tuple[SlicePrediction, ...]
    case: tuple[float, ...]
    peak: int | None
    rule: str
    interval: tuple[tuple[float, float], ...] = ()
    flags: tuple[str, ...] = ()

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
            "case": {
                "probabilities": list(self.case),
                "interval": [list(i) for i in self.interval],
                "slice": self.peak,
                "rule": self.rule,
            },
            "flags": list(self.flags),
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
    """Probabilities of every slice, or of the volume.

    Parameters
    ----------
    image : an image, or an array (channel, row, column) or (channel, slice, row, column) that already is what the
        network takes.
    mirror, crop : of the network's input; an array cannot be cropped.
    mc_samples : number of Monte Carlo dropout passes for intervals; 0 for none.
    seed : of the dropout masks.

    Raises
    ------
    ModelError
        When the model cannot take the image, or there is too little memory for one of its inputs.
    """
    if classifier.card.dims == 3:
        return _of_volume(classifier, image, mirror, crop, mc_samples, seed, progress)
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
    flags: tuple[str, ...] = ()
    for start in range(0, count, _BATCH):
        progress.report(start, count, "predicting")
        batch = np.stack([input_of(i) for i in range(start, min(start + _BATCH, count))])
        plain, fallen = probabilities_of(classifier, batch)
        flags = tuple(dict.fromkeys((*flags, *fallen)))
        part = Share(progress, start, len(batch), count)
        intervals = _intervals(classifier, batch, mc_samples, seed + start, part) if mc_samples else None
        for offset, row in enumerate(plain):
            interval = () if intervals is None else tuple((float(a), float(b)) for a, b in intervals[offset])
            slices.append(SlicePrediction(start + offset, tuple(float(p) for p in row), interval))
    progress.report(count, count, "predicting")
    peak, rule = peak_slice(classifier.card, np.array([s.probabilities for s in slices], dtype=np.float32))
    case, interval = slices[peak].probabilities, slices[peak].interval
    return Prediction(
        classifier.card.id, classifier.classes, tuple(slices), case, peak, rule, interval, flags
    )


def _of_volume(
    classifier: Classifier,
    image: MedicalImage | NDArray,
    mirror: bool,
    crop: Crop | None,
    mc_samples: int,
    seed: int,
    progress: Progress,
) -> Prediction:
    progress.report(0, 1 + mc_samples, "predicting")
    if isinstance(image, MedicalImage):
        _, ready = volume_input(classifier.card.input, image, mirror=mirror, crop=crop)
    else:
        _, ready = VolumeView.of_array(image, mirror=mirror, crop=crop)
    plain, flags = probabilities_of(classifier, ready[None])
    interval: tuple[tuple[float, float], ...] = ()
    if mc_samples:
        found = _intervals(classifier, ready[None], mc_samples, seed, progress)[0]
        interval = tuple((float(a), float(b)) for a, b in found)
    progress.report(1 + mc_samples, 1 + mc_samples, "predicting")
    case, rule = tuple(float(p) for p in plain[0]), "the volume as a whole"
    return Prediction(classifier.card.id, classifier.classes, (), case, None, rule, interval, flags)


def probabilities_of(
    classifier: Classifier, batch: NDArray[np.float32], *, dropout: bool = False
) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """(image, class) probabilities of ready inputs (image, channel, *space), and whether the device could not hold one.

    Of no meaning for segmentation networks.
    """
    parts, fallen = in_fitting_parts(
        classifier, batch, lambda part: torch.from_numpy(classifier.logits(part, dropout=dropout))
    )
    return np.asarray(classifier.probabilities(torch.cat(parts)).numpy(), dtype=np.float32), fallen


def _intervals(
    classifier: Classifier, batch: NDArray[np.float32], samples: int, seed: int, progress: Progress = SILENT
) -> NDArray[np.float32]:
    """(image, class, 2) percentiles over dropout passes; the random state of the caller is put back."""
    passes = []
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for number in range(samples):
            progress.report(1 + number, 1 + samples, "dropout passes")
            passes.append(probabilities_of(classifier, batch, dropout=True)[0])
    return np.moveaxis(np.percentile(np.stack(passes), [2.5, 97.5], axis=0), 0, -1).astype(np.float32)
