"""The recipe `stroke-dwi`: synthetic patients in, a pooled network that looks at lesions out."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as functional

from viewer.api import Progress, WhySliceError

from .cohort import IMAGE_SIZE
from .networks import stroke_gap, stroke_shallow
from .settings import StrokeSettings
from .slices import Slices, augmented, balanced_order, plain, synthesise
from .supervision import MaskHeads, grad_cam_signed, map_loss

Batch = dict[str, torch.Tensor]

NETWORKS = {
    # architecture: (factory, layers with mask heads, layers with map supervision)
    "gap": (stroke_gap, ("relu3", "relu4", "relu5"), ("relu4", "relu5")),
    "shallow": (stroke_shallow, ("relu2", "relu3"), ("relu3",)),
}
STROKE = 1
TRAIN, VALIDATE, TEST = 1, 2, 3


class StrokeTask:
    """One training of `stroke-gap` or `stroke-shallow`, as the training room runs it."""

    def __init__(self, settings: StrokeSettings, work: Path, progress: Progress) -> None:
        self._settings = settings
        self._work = work
        self._progress = progress
        factory, head_layers, self._map_layers = NETWORKS[settings.architecture]
        torch.manual_seed(settings.seed)
        self.network = factory(dropout=settings.dropout)
        self.network.to(memory_format=torch.channels_last)
        self.companions = MaskHeads(self.network, head_layers)
        self.epochs = settings.small_epochs + settings.epochs
        self.patience = settings.patience or self.epochs
        self.learning_rate = settings.learning_rate
        self.weight_decay = 1e-3
        self.seed = settings.seed
        self.layer_choices = tuple(reversed(head_layers))[:2]
        self._training = self._cohort("training", settings.patients, TRAIN, wide=True)
        self._validation = self._cohort("validation", settings.validation_patients, VALIDATE, wide=False)

    def _cohort(self, name: str, patients: int, part: int, wide: bool) -> Slices:
        return synthesise(self._work, name, patients, (self._settings.seed, part), wide, self._progress)

    def steps(self, epoch: int) -> int:
        """Return the number of batches in an epoch."""
        return max(1, self._settings.slices_per_epoch // self._settings.batch)

    def batches(self, epoch: int) -> Iterable[Batch]:
        """Return the training batches of an epoch: reduced pictures first, the full size in the last epochs."""
        rng = np.random.default_rng((self._settings.seed, 7, epoch))
        order = balanced_order(self._training, self.steps(epoch) * self._settings.batch, 0.5, rng)
        side = IMAGE_SIZE // 2 if epoch < self._settings.small_epochs else IMAGE_SIZE
        return augmented(self._training, order, self._settings.batch, side, rng)

    def validation_batches(self) -> Iterable[Batch]:
        """Return unseen patients as a routine scanner would show them."""
        return plain(self._validation, self._settings.batch)

    def training_loss(self, batch: Batch) -> Batch:
        """Return cross-entropy, mask loss and map loss, and their weighted sum."""
        logits, activations = self.network.activations(batch["input"])
        entropy = functional.cross_entropy(logits.float(), batch["label"])
        losses = {"entropy": entropy}
        total = entropy
        if self._settings.supervision:
            losses["masks"] = self.companions.loss(activations, batch["mask"])
            total = total + losses["masks"]
            shown = torch.nonzero(batch["label"] == STROKE)[:24, 0]
            if len(shown) > 0:
                masks = batch["mask"][shown]
                maps = [
                    map_loss(grad_cam_signed(self.network, activations[layer][shown], layer, STROKE), masks)
                    for layer in self._map_layers
                ]
                losses["maps"] = torch.stack(maps).mean()
                total = total + 0.2 * losses["maps"]
        return {"loss": total, **losses}

    def validation_loss(self, batch: Batch) -> Batch:
        """Return the cross-entropy, both classes counting alike, which chooses the model, and the accuracy.

        Training shows as many slices with a lesion as without; four of five validation slices have none. Unweighted,
        the loss would prefer an epoch that says "no stroke" to everything.
        """
        logits = self.network(batch["input"]).float()
        share = float(np.clip(self._validation.labels.mean(), 0.01, 0.99))
        weights = torch.tensor([0.5 / (1.0 - share), 0.5 / share], device=logits.device)[batch["label"]]
        entropy = functional.cross_entropy(logits, batch["label"], reduction="none")
        right = (logits.argmax(dim=1) == batch["label"]).float().mean()
        return {
            "loss": (weights * entropy).mean(),
            "accuracy": right,
            "n": torch.tensor(float(len(logits))),
        }

    def card(self) -> Mapping[str, Any]:
        """Return the card's fixed part."""
        from .card import describe

        return describe(self._settings, self._training)

    def held_out(self) -> dict[str, np.ndarray]:
        """Return unseen patients of a third seed."""
        test = self._cohort("test", self._settings.test_patients, TEST, wide=False)
        every = np.arange(len(test.areas))
        return {
            "inputs": test.inputs(every).numpy(),
            "labels": test.labels,
            "masks": test.truths(every)[:, 0].numpy() > 0.5,
            "patients": test.patients,
        }


def build(settings: StrokeSettings, *, data: Path | None, work: Path, progress: Progress) -> StrokeTask:
    """Build the task.

    Raises
    ------
    WhySliceError
        When data are given: this recipe makes its own patients.
    """
    if data is not None:
        raise WhySliceError(
            "The recipe 'stroke-dwi' makes its own patients and takes no --data yet.", code="no-data-wanted"
        )
    return StrokeTask(settings, work, progress)
