"""What a recipe builds: networks, batches, a loss, and held-out cases. The runner does the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, runtime_checkable

from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

Batch = dict[str, Tensor]


class TrainingTask(Protocol):
    """One training, ready to run.

    Attributes
    ----------
    network : what is kept.
    companions : trained beside it and dropped afterwards (may be empty).
    epochs : at most so many.
    patience : epochs without a lower validation loss after which training stops.
    learning_rate, weight_decay : of AdamW under a one-cycle schedule.
    seed : of everything random that the runner does.
    layer_choices : layers among which the card's default layer is chosen, by how often Grad-CAM peaks near the finding.
    """

    epochs: int
    patience: int
    learning_rate: float
    weight_decay: float
    seed: int
    layer_choices: tuple[str, ...]

    @property
    def network(self) -> nn.Module: ...

    @property
    def companions(self) -> nn.Module: ...

    def steps(self, epoch: int) -> int:
        """Number of batches in an epoch, counted from 0."""
        ...

    def batches(self, epoch: int) -> Iterable[Batch]:
        """The training batches of an epoch; the same for the same epoch and seed."""
        ...

    def validation_batches(self) -> Iterable[Batch]:
        """Always the same batches, without augmentation."""
        ...

    def training_loss(self, batch: Batch) -> dict[str, Tensor]:
        """The loss to descend under ``loss``; other scalars are written to the curves."""
        ...

    def validation_loss(self, batch: Batch) -> dict[str, Tensor]:
        """The loss that chooses the model under ``loss``, its weight (number of cases) under ``n``."""
        ...

    def card(self) -> Mapping[str, Any]:
        """The model card without weights, metrics and reference scales, as ``model.toml`` will hold it."""
        ...

    def held_out(self) -> Mapping[str, NDArray[Any]]:
        """Cases that neither trained nor chose the model, for the metrics and reference scales on the card.

        ``inputs`` (n, channel, row, column) float32 as the network takes them, ``labels`` (n,) index of the right
        class, ``patients`` (n,) index of the patient, and, where the finding is outlined, ``masks`` (n, row, column)
        bool. Of a multilabel network ``labels`` are bool (n, class), and ``masks`` bool (n, class, row, column).
        """
        ...


@runtime_checkable
class OwnOptimiser(Protocol):
    """A task that does not want AdamW under a one-cycle schedule."""

    def optimiser(self, parameters: Iterable[nn.Parameter]) -> tuple[Optimizer, LRScheduler] | None:
        """The optimiser and its schedule, which goes on after every epoch; None for the usual ones."""
        ...
