"""The recipe `stroke-dwi`: patients in, a network that looks at lesions out."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as functional

from viewer.api import Progress, WhySliceError, load_model

from .material import Batch, material
from .networks import StrokeNet
from .settings import StrokeSettings
from .supervision import MaskHeads, grad_cam_signed, map_loss
from .variants import VARIANTS, Variant

_MAPS_AT_ONCE = {2: 24, 3: 4}
"""Images of a batch whose map is supervised, by the dims of the network: it costs a second backward pass each."""
_MAP_SHARE = 0.2


class StrokeTask:
    """One training of a network of the study, as the training room runs it."""

    def __init__(self, settings: StrokeSettings, data: Path | None, work: Path, progress: Progress) -> None:
        self._settings = settings
        self._variant = variant = VARIANTS[settings.architecture]
        self._material = material(settings, variant, data, work, progress)
        torch.manual_seed(settings.seed)
        self.network, known = begun(variant, settings)
        if not variant.volume:
            self.network.to(memory_format=torch.channels_last)
        self._kept = _kept(self.network, known, settings)
        for name in self._kept:
            self.network.get_submodule(name).requires_grad_(False)
        learning = [layer for layer in variant.masks if layer not in self._kept]
        self.companions = MaskHeads(self.network, learning)
        self.epochs = self._material.epochs
        self.patience = settings.patience or self.epochs
        self.learning_rate = settings.learning_rate
        self.weight_decay = 1e-3
        self.seed = settings.seed
        self.layer_choices = tuple(reversed(variant.masks))[:2]

    def steps(self, epoch: int) -> int:
        """Return the number of batches in an epoch."""
        return self._material.steps

    def batches(self, epoch: int) -> Iterable[Batch]:
        """Return the training batches of an epoch."""
        return self._material.batches(epoch)

    def validation_batches(self) -> Iterable[Batch]:
        """Return unseen patients as a routine scanner would show them."""
        return self._material.validation()

    def training_loss(self, batch: Batch) -> Batch:
        """Return cross-entropy, mask loss and map loss, and their weighted sum."""
        for name in self._kept:
            # Training mode would go on moving the statistics of their batch norms.
            self.network.get_submodule(name).eval()
        logits, activations = self.network.activations(batch["input"])
        entropy = functional.cross_entropy(logits.float(), batch["label"])
        losses = {"entropy": entropy}
        total = entropy
        if self._settings.supervision and self.companions.layers:
            losses["masks"] = self.companions.loss(activations, batch["mask"])
            total = total + losses["masks"]
            lesions = batch["mask"].flatten(1).any(dim=1) & (batch["label"] > 0)
            shown = torch.nonzero(lesions)[: _MAPS_AT_ONCE[3 if self._variant.volume else 2], 0]
            if len(shown) > 0:
                masks, targets = batch["mask"][shown], batch["label"][shown]
                maps = [
                    map_loss(grad_cam_signed(self.network, activations[layer][shown], layer, targets), masks)
                    for layer in self._variant.maps
                ]
                losses["maps"] = torch.stack(maps).mean()
                total = total + _MAP_SHARE * losses["maps"]
        return {"loss": total, **losses}

    def validation_loss(self, batch: Batch) -> Batch:
        """Return the cross-entropy, all classes counting alike, which chooses the model, and the accuracy.

        Training shows as many cases with a lesion as without; four of five validation slices have none. Unweighted,
        the loss would prefer an epoch that says "no stroke" to everything.
        """
        logits = self.network(batch["input"]).float()
        classes = len(self._variant.classes)
        counts = np.bincount(self._material.validation_labels(), minlength=classes)
        shares = np.clip(counts / counts.sum(), 0.01, 0.99)
        weights = torch.tensor(1.0 / (classes * shares), dtype=torch.float32, device=logits.device)
        entropy = functional.cross_entropy(logits, batch["label"], reduction="none")
        right = (logits.argmax(dim=1) == batch["label"]).float().mean()
        return {
            "loss": (weights[batch["label"]] * entropy).mean(),
            "accuracy": right,
            "n": torch.tensor(float(len(logits))),
        }

    def card(self) -> Mapping[str, Any]:
        """Return the card's fixed part."""
        from .card import describe

        return describe(self._settings, self._variant, self._material.facts())

    def held_out(self) -> dict[str, np.ndarray]:
        """Return unseen patients of a third seed."""
        return self._material.held_out()


def begun(variant: Variant, settings: StrokeSettings) -> tuple[StrokeNet, frozenset[str]]:
    """Return the variant's network, and the names of the layers that have the weights of the model it starts from.

    A convolution of slices fits into one of volumes that looks at each slice by itself.

    Raises
    ------
    WhySliceError
        When no convolution of that model fits.
    """
    channels = 1 if variant.volume else 2 * settings.neighbours + 1
    network = variant.factory(classes=len(variant.classes), channels=channels, dropout=settings.dropout)
    if not settings.start:
        return network, frozenset()
    own = network.state_dict()
    known = load_model(settings.start, "cpu").module.state_dict()
    fitting = {
        name: known[name].unsqueeze(2) if own[name].dim() == known[name].dim() + 1 == 5 else known[name]
        for name in own.keys() & known.keys()
    }
    other = {
        name.rpartition(".")[0]
        for name in own
        if name not in fitting or fitting[name].shape != own[name].shape
    }
    fitting = {name: value for name, value in fitting.items() if name.rpartition(".")[0] not in other}
    layers = frozenset(name.rpartition(".")[0] for name in fitting)
    if not any(layer.startswith("conv") for layer in layers):
        raise WhySliceError(
            f"No convolution of '{settings.start}' fits into stroke-{settings.architecture}: it cannot start there.",
            code="no-start",
        )
    network.load_state_dict({**own, **fitting})
    return network, layers


def _kept(network: StrokeNet, known: frozenset[str], settings: StrokeSettings) -> tuple[str, ...]:
    """Return the layers that stay as they are: those before the first that does not come from the other model."""
    if not settings.head_only:
        return ()
    if not settings.start:
        raise WhySliceError(
            "The head alone can be trained on the convolutions of a model: name it with --set start=MODEL.",
            code="no-start",
        )
    kept: list[str] = []
    for name in network.body():
        if name not in known and network.get_submodule(name).state_dict():
            break
        kept.append(name)
    return tuple(kept)


def build(settings: StrokeSettings, *, data: Path | None, work: Path, progress: Progress) -> StrokeTask:
    """Build the task, on synthetic patients or on one's own `data`."""
    return StrokeTask(settings, data, work, progress)
