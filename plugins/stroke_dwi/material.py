"""What a network of the study is trained on: pictures of synthetic patients or of one's own, or synthetic volumes."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from viewer.api import Progress, WhySliceError

from .cohort import EDITION, IMAGE_SIZE
from .own_slices import own_slices, split
from .preparation import Preparation
from .settings import StrokeSettings
from .slices import Slices, augmented, balanced, chosen_slices, plain, synthesise
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
    """Slices of patients; reduced pictures in the first epochs, the full size in the last ones.

    Parameters
    ----------
    training, validation
        Slices of different patients.
    test
        Makes the slices for the card's figures when they are asked for.
    words
        Facts for the card beside the counts.
    """

    def __init__(
        self,
        settings: StrokeSettings,
        variant: Variant,
        training: Slices,
        validation: Slices,
        test: Callable[[], Slices],
        words: dict[str, Any],
    ) -> None:
        self._settings, self._words = settings, words
        self._classes = len(variant.classes)
        # A head that flattens takes one size of picture.
        self._small = 0 if variant.fixed_size else settings.small_epochs
        self.epochs = self._small + settings.epochs
        self.steps = max(1, settings.slices_per_epoch // settings.batch)
        shown = settings.neighbours
        self._training = replace(training, neighbours=shown)
        self._validation = replace(validation, neighbours=shown)
        self._test = test

    def batches(self, epoch: int) -> Iterable[Batch]:
        of = self._settings
        rng = np.random.default_rng((of.seed, 7, epoch))
        order = balanced(self._training.positive, self.steps * of.batch, 0.5, rng)
        side = IMAGE_SIZE // 2 if epoch < self._small else IMAGE_SIZE
        published = of.augmentation == "published"
        return augmented(self._training, order, of.batch, side, rng, self._classes, of.flips, published)

    def validation(self) -> Iterable[Batch]:
        return plain(self._validation, self._settings.batch, self._classes)

    def validation_labels(self) -> np.ndarray:
        return self._validation.labels(self._classes)

    def held_out(self) -> dict[str, np.ndarray]:
        test = replace(self._test(), neighbours=self._settings.neighbours)
        every = np.arange(len(test.areas))
        held = {
            "inputs": test.inputs(every).numpy(),
            "labels": test.labels(self._classes),
            "patients": test.patients,
        }
        return {**held, "masks": test.truths(every)[:, 0].numpy() > 0.5} if test.outlined else held

    def facts(self) -> dict[str, Any]:
        of = self._settings
        return {
            **self._words,
            "patients": len(np.unique(self._training.patients)),
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
            "data": "Synthetic axial head DWI only; no image of a person.",
            "generator": f"stroke-dwi, edition {EDITION}",
            "patients": self._settings.patients,
            "positive_patients": int(self._training.positive.sum()),
            "epochs": self.epochs,
            "volumes_per_epoch": self._settings.volumes_per_epoch,
            "batch": self._batch,
        }


def material(
    settings: StrokeSettings, variant: Variant, data: Path | None, work: Path, progress: Progress
) -> Material:
    """Make what the variant is trained on: synthetic patients, or one's own where `data` are given.

    Raises
    ------
    WhySliceError
        When the data cannot be used for this variant.
    """
    if variant.volume:
        if settings.neighbours or settings.leave_out:
            raise WhySliceError(
                "stroke-3d sees the whole volume of any scan; neighbours and leave_out are for the networks of slices.",
                code="not-of-volumes",
            )
        if data is not None:
            raise WhySliceError(
                "stroke-3d is trained on synthetic volumes only; own data are for the networks of slices.",
                code="no-data-wanted",
            )
        return WholeScans(settings, work, progress)
    preparation = Preparation(settings.normalise, settings.crop)
    if data is not None:
        return _own_pictures(settings, variant, preparation, data, work, progress)

    def slices(name: str, patients: int, part: int, wide: bool) -> Slices:
        without = settings.leave_out if part == TRAIN else ""
        return synthesise(work, name, patients, (settings.seed, part), wide, progress, preparation, without)

    return Pictures(
        settings,
        variant,
        slices("training", settings.patients, TRAIN, True),
        slices("validation", settings.validation_patients, VALIDATE, False),
        lambda: slices("test", settings.test_patients, TEST, False),
        {
            "data": "Synthetic axial head DWI only; no image of a person.",
            "generator": f"stroke-dwi, edition {EDITION}",
            **(
                {"never_seen": f"artefacts of the family '{settings.leave_out}'"}
                if settings.leave_out
                else {}
            ),
        },
    )


def _own_pictures(
    settings: StrokeSettings,
    variant: Variant,
    preparation: Preparation,
    data: Path,
    work: Path,
    progress: Progress,
) -> Pictures:
    if settings.neighbours and settings.split == "slice":
        raise WhySliceError(
            "Split by patient where neighbours are shown: by slice, the neighbours of a test slice are trained on.",
            code="neighbours-split",
        )
    if settings.leave_out:
        raise WhySliceError(
            "Own data are what they are: leave_out is for synthetic patients.", code="not-of-own-data"
        )
    own = own_slices(data, preparation, work, progress)
    if not own.slices.outlined and settings.supervision:
        raise WhySliceError(
            "These data do not outline lesions: train with --set supervision=false, on the classes alone.",
            code="no-masks",
        )
    if len(variant.classes) > 2 and not own.slices.outcomes[own.slices.positive].all():
        raise WhySliceError(
            "stroke-mrs needs the outcome of every patient with a stroke (mrs_3months in the table of patients).",
            code="no-outcome",
        )
    parts = split(own, settings.split, settings.seed)
    training, validation, test = (chosen_slices(own.slices, rows) for rows in parts)
    words = {
        "data": "The user's own images; see the remark and whoever trained it.",
        "split": "by patient"
        if settings.split == "patient"
        else "by slice, as in the paper: slices of one patient are on both sides, so the figures are too good",
    }
    if own.left_out:
        # A card goes to others; the sentences name patients and stay in the folder of the training.
        words["left_out"] = (
            f"{len(own.left_out)} findings about the data, listed in the folder of the training"
        )
    return Pictures(settings, variant, training, validation, lambda: test, words)
