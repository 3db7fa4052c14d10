"""What a network of the study is trained on: pictures, or whole volumes, of synthetic patients."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from viewer.api import Progress

from .cohort import IMAGE_SIZE
from .settings import StrokeSettings
from .slices import Slices, augmented, balanced, plain, synthesise
from .variants import Variant
from .volumes import Volumes, augmented_volumes, plain_volumes, synthesise_volumes

Batch = dict[str, torch.Tensor]
TRAIN, VALIDATE, TEST = 1, 2, 3
"""Parts of a seed, so that no patient is in two of them."""
_VOLUMES_A_BATCH = 8


class Material(Protocol):
    """Batches of cases, and what the card says of them.

    Attributes
    ----------
    epochs
        Number of epochs.
    steps
        Number of batches in an epoch.
    """

    epochs: int
    steps: int

    def batches(self, epoch: int) -> Iterable[Batch]:
        """Return the training batches of an epoch: `input`, `label`, `mask`."""
        ...

    def validation(self) -> Iterable[Batch]:
        """Return unseen patients as a routine scanner would show them."""
        ...

    def validation_labels(self) -> np.ndarray:
        """Return the class of each validation case (n,)."""
        ...

    def held_out(self) -> dict[str, np.ndarray]:
        """Return unseen patients of a third seed, as a training task hands them on."""
        ...

    def facts(self) -> dict[str, Any]:
        """Return what the card says of the training cases."""
        ...


class Pictures:
    """Slices of synthetic patients; reduced pictures in the first epochs, the full size in the last ones."""

    def __init__(self, settings: StrokeSettings, variant: Variant, work: Path, progress: Progress) -> None:
        self._settings, self._work, self._progress = settings, work, progress
        self._classes = len(variant.classes)
        # A head that flattens takes one size of picture.
        self._small = 0 if variant.fixed_size else settings.small_epochs
        self.epochs = self._small + settings.epochs
        self.steps = max(1, settings.slices_per_epoch // settings.batch)
        self._training = self._slices("training", settings.patients, TRAIN, wide=True)
        self._validation = self._slices("validation", settings.validation_patients, VALIDATE, wide=False)

    def _slices(self, name: str, patients: int, part: int, wide: bool) -> Slices:
        return synthesise(self._work, name, patients, (self._settings.seed, part), wide, self._progress)

    def batches(self, epoch: int) -> Iterable[Batch]:
        of = self._settings
        rng = np.random.default_rng((of.seed, 7, epoch))
        order = balanced(self._training.positive, self.steps * of.batch, 0.5, rng)
        side = IMAGE_SIZE // 2 if epoch < self._small else IMAGE_SIZE
        return augmented(self._training, order, of.batch, side, rng, self._classes, of.flips)

    def validation(self) -> Iterable[Batch]:
        return plain(self._validation, self._settings.batch, self._classes)

    def validation_labels(self) -> np.ndarray:
        return self._validation.labels(self._classes)

    def held_out(self) -> dict[str, np.ndarray]:
        test = self._slices("test", self._settings.test_patients, TEST, wide=False)
        every = np.arange(len(test.areas))
        return {
            "inputs": test.inputs(every).numpy(),
            "labels": test.labels(self._classes),
            "masks": test.truths(every)[:, 0].numpy() > 0.5,
            "patients": test.patients,
        }

    def facts(self) -> dict[str, Any]:
        of = self._settings
        return {
            "patients": of.patients,
            "slices": len(self._training.areas),
            "positive_slices": int(self._training.positive.sum()),
            "epochs": self.epochs,
            "epochs_at_half_size": self._small,
            "slices_per_epoch": of.slices_per_epoch,
            "batch": of.batch,
        }


class WholeScans:
    """Volumes of synthetic patients."""

    def __init__(self, settings: StrokeSettings, work: Path, progress: Progress) -> None:
        self._settings, self._work, self._progress = settings, work, progress
        self._batch = min(settings.batch, _VOLUMES_A_BATCH)
        self.epochs = settings.epochs
        self.steps = max(1, settings.volumes_per_epoch // self._batch)
        self._training = self._volumes("training", settings.patients, TRAIN, wide=True)
        self._validation = self._volumes("validation", settings.validation_patients, VALIDATE, wide=False)

    def _volumes(self, name: str, patients: int, part: int, wide: bool) -> Volumes:
        seed = (self._settings.seed, part)
        return synthesise_volumes(self._work, name, patients, seed, wide, self._progress)

    def batches(self, epoch: int) -> Iterable[Batch]:
        rng = np.random.default_rng((self._settings.seed, 7, epoch))
        order = balanced(self._training.positive, self.steps * self._batch, 0.5, rng)
        return augmented_volumes(self._training, order, self._batch, rng, self._settings.flips)

    def validation(self) -> Iterable[Batch]:
        return plain_volumes(self._validation, self._batch)

    def validation_labels(self) -> np.ndarray:
        return self._validation.positive.astype(np.int64)

    def held_out(self) -> dict[str, np.ndarray]:
        test = self._volumes("test", self._settings.test_patients, TEST, wide=False)
        every = np.arange(len(test.positive))
        return {
            "inputs": test.inputs(every).numpy(),
            "labels": test.positive.astype(np.int64),
            "masks": test.masks.astype(bool),
            "patients": every,
        }

    def facts(self) -> dict[str, Any]:
        return {
            "patients": self._settings.patients,
            "positive_patients": int(self._training.positive.sum()),
            "epochs": self.epochs,
            "volumes_per_epoch": self._settings.volumes_per_epoch,
            "batch": self._batch,
        }


def material(settings: StrokeSettings, variant: Variant, work: Path, progress: Progress) -> Material:
    """Make what the variant is trained on."""
    if variant.volume:
        return WholeScans(settings, work, progress)
    return Pictures(settings, variant, work, progress)
