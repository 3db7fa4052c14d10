"""The recipe `chest-xray`: films in, a network that names findings out."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as functional
from torch import nn

from viewer.api import Progress, WhySliceError, load_model

from .films import SIDE, Films, moved, plain
from .material import Material, material
from .networks import ChestNet, chest_resnet18, chest_resnet50
from .settings import ChestSettings

Batch = dict[str, torch.Tensor]
_HELPED = ("layer3", "layer4")
_FACTORIES = {"resnet18": chest_resnet18, "resnet50": chest_resnet50}
_SHARE_OF_BOXES = 0.5
_PUBLISHED_EPOCHS, _PUBLISHED_BATCH, _PUBLISHED_TURN = 20, 32, 45.0


class BoxHeads(nn.Module):
    """1x1 convolutions that predict how much of each cell lies in a box of each class; dropped after training."""

    def __init__(self, network: ChestNet, classes: int) -> None:
        super().__init__()
        self.heads = nn.ModuleDict({name: nn.Conv2d(network.widths[name], classes, 1) for name in _HELPED})

    def loss(self, activations: dict[str, torch.Tensor], shares: torch.Tensor) -> torch.Tensor:
        """Return the mean binary cross-entropy over the heads; `shares` is (n, class, row, column)."""
        losses = []
        for name, head in self.heads.items():
            values = head(activations[name]).float()
            wanted = functional.interpolate(shares, values.shape[-2:], mode="area")
            each = functional.binary_cross_entropy_with_logits(values, wanted, reduction="none")
            losses.append((each * (1.0 + 4.0 * wanted)).mean())
        return torch.stack(losses).mean()


class ChestTask:
    """One training of a network of the study, as the training room runs it."""

    def __init__(self, settings: ChestSettings, data: Path | None, work: Path, progress: Progress) -> None:
        self._settings = settings
        self._side = SIDE if settings.published else settings.size
        self._material: Material = material(settings, data, work, progress)
        self._training = self._material.training.reduced(self._side)
        self._validation = self._material.validation.reduced(self._side)
        self._helped = settings.boxes and not settings.published and self._training.outlined
        torch.manual_seed(settings.seed)
        self.network = begun(settings, len(self._material.classes))
        self.network.to(memory_format=torch.channels_last)
        heads = BoxHeads(self.network, len(self._material.classes))
        self.companions: nn.Module = heads if self._helped else nn.Module()
        self.epochs = _PUBLISHED_EPOCHS if settings.published else settings.epochs
        self.patience = settings.patience or self.epochs
        self.learning_rate = settings.learning_rate
        self.weight_decay = 1e-3
        self.seed = settings.seed
        self.layer_choices: tuple[str, ...] = ("layer4", "layer3")
        counts = self._training.labels.sum(axis=0)
        # A class that nobody has cannot be weighted.
        weights = np.where(counts > 0, (len(self._training) - counts) / np.maximum(counts, 1), 1.0)
        self._weights = torch.tensor(np.clip(weights, 0.05, 100.0), dtype=torch.float32)

    @property
    def _batch(self) -> int:
        return min(
            _PUBLISHED_BATCH if self._settings.published else self._settings.batch,
            len(self._training),
        )

    def steps(self, epoch: int) -> int:
        """Return the number of batches in an epoch."""
        return len(self._training) // self._batch

    def batches(self, epoch: int) -> Iterable[Batch]:
        """Return the training batches of an epoch."""
        of = self._settings
        rng = np.random.default_rng((of.seed, 7, epoch))
        return moved(
            self._training,
            rng.permutation(len(self._training)),
            self._batch,
            rng,
            flips=of.flips or of.published,
            rotation=_PUBLISHED_TURN if of.published else of.rotation,
            mild=not of.published,
        )

    def validation_batches(self) -> Iterable[Batch]:
        """Return films that training does not see, unchanged."""
        return plain(self._validation, 32)

    def training_loss(self, batch: Batch) -> Batch:
        """Return the weighted cross-entropy of the classes, that of the boxes, and their sum."""
        logits, activations = self.network.activations(batch["input"])
        entropy = self._entropy(logits, batch)
        if not isinstance(self.companions, BoxHeads):
            return {"loss": entropy, "entropy": entropy}
        boxes = self.companions.loss(activations, batch["share"])
        return {"loss": entropy + _SHARE_OF_BOXES * boxes, "entropy": entropy, "boxes": boxes}

    def validation_loss(self, batch: Batch) -> Batch:
        """Return the weighted cross-entropy, which chooses the model, and the share of right answers."""
        logits = self.network(batch["input"])
        right = ((logits > 0) == (batch["label"] > 0.5)).float().mean()
        n = torch.tensor(float(len(logits)))
        return {"loss": self._entropy(logits, batch), "accuracy": right, "n": n}

    def _entropy(self, logits: torch.Tensor, batch: Batch) -> torch.Tensor:
        return functional.binary_cross_entropy_with_logits(
            logits.float(), batch["label"], pos_weight=self._weights.to(logits.device)
        )

    def optimiser(self, parameters: Iterable[nn.Parameter]) -> Any:
        """Return the paper's optimiser and its schedule, which goes on after every epoch; None for the usual one."""
        if not self._settings.published:
            return None
        descent = torch.optim.SGD(parameters, lr=0.01)
        return descent, torch.optim.lr_scheduler.LinearLR(descent, 1.0, 0.3, total_iters=_PUBLISHED_EPOCHS)

    def card(self) -> Mapping[str, Any]:
        """Return the card's fixed part."""
        from .card import describe

        facts = {**self._material.facts, "epochs": self.epochs, "batch": self._batch}
        return describe(self._settings, facts, self._side, self._helped)

    def held_out(self) -> dict[str, np.ndarray]:
        """Return films that neither trained nor chose the model."""
        test: Films = self._material.test().reduced(self._side)
        every = np.arange(len(test))
        held = {
            "inputs": np.concatenate([batch["input"].numpy() for batch in plain(test, 32)]),
            "labels": test.labels,
            "patients": test.owners,
        }
        if test.outlined:
            cover = functional.interpolate(test.cover(every), (self._side, self._side), mode="nearest")
            held["masks"] = cover.numpy() > 0.5
        return held


def begun(settings: ChestSettings, classes: int) -> ChestNet:
    """Return the network, new or with what fits of the weights of the model that it starts from.

    Raises
    ------
    WhySliceError
        When nothing of that model fits.
    """
    width = 64 if settings.published else settings.width
    network = _FACTORIES[settings.architecture](classes=classes, width=width)
    if not settings.start:
        return network
    known = load_model(settings.start, "cpu").module.state_dict()
    own = network.state_dict()
    fitting = {name: value for name, value in known.items() if name in own and value.shape == own[name].shape}
    if not any(name.endswith("conv1.weight") for name in fitting):
        raise WhySliceError(
            f"No convolution of '{settings.start}' fits into chest-{settings.architecture} of width {width}: it cannot "
            "start there.",
            code="no-start",
        )
    network.load_state_dict({**own, **fitting})
    return network


def build(settings: ChestSettings, *, data: Path | None, work: Path, progress: Progress) -> ChestTask:
    """Build the task, on synthetic films or on one's own `data`."""
    return ChestTask(settings, data, work, progress)
