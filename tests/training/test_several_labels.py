"""The runner on a toy of several labels: figures of each class, maps where a label is, its own optimiser."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from viewer.models.architectures import ARCHITECTURES
from viewer.models.loading import load_model
from viewer.training.recipe import Recipe

pytest.importorskip("lightning", reason="the extra 'train' is not installed")

from viewer.training.run import run_recipe

NAMES = ("left", "right", "neither")


def network(classes: int = 3, channels: int = 3) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(channels, 8, 5, padding=2),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d((1, 2)),
        nn.Flatten(),
        nn.Linear(16, classes),
    )


@dataclass(frozen=True)
class Settings:
    epochs: int = 12


class Squares:
    """A bright square on the left, on the right, on both sides or on none."""

    learning_rate, weight_decay, seed, layer_choices = 0.01, 0.0, 1, ("1",)

    def __init__(self, settings: Settings) -> None:
        torch.manual_seed(0)
        self.network: nn.Module = network()
        self.companions: nn.Module = nn.Module()
        self.epochs = self.patience = settings.epochs
        self.rates: list[float] = []

    def steps(self, epoch: int) -> int:
        return 6

    def _batch(self, seed: int) -> dict[str, torch.Tensor]:
        generator = torch.Generator().manual_seed(seed)
        label = torch.tensor([[n & 1, n >> 1 & 1, n % 4 == 0] for n in range(8)]).float()
        pictures = 0.1 * torch.rand(8, 3, 16, 16, generator=generator)
        pictures[label[:, 0] == 1, :, 3:12, 0:8] += 1.0
        pictures[label[:, 1] == 1, :, 3:12, 8:16] += 1.0
        return {"input": pictures, "label": label}

    def batches(self, epoch: int) -> Iterator[dict[str, torch.Tensor]]:
        return (self._batch(10 * epoch + step) for step in range(6))

    def validation_batches(self) -> Iterator[dict[str, torch.Tensor]]:
        return (self._batch(1000 + step) for step in range(2))

    def training_loss(self, batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        self.rates.append(self._descent.param_groups[0]["lr"])
        logits = self.network(batch["input"]).float()
        return {"loss": nn.functional.binary_cross_entropy_with_logits(logits, batch["label"])}

    def validation_loss(self, batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {**self.training_loss(batch), "n": torch.tensor(8.0)}

    def optimiser(self, parameters: Iterable[nn.Parameter]) -> Any:
        self._descent = torch.optim.SGD(parameters, lr=1.0)
        return self._descent, torch.optim.lr_scheduler.LinearLR(self._descent, 1.0, 0.5, total_iters=10)

    def card(self) -> dict[str, Any]:
        return {
            "id": "squares",
            "name": "Squares",
            "task": "multilabel",
            "architecture": "squares",
            "classes": list(NAMES),
            "input": {"size": [16, 16], "channels": 3, "normalise": {"name": "none"}},
            "training": {"data": "squares"},
        }

    def held_out(self) -> dict[str, np.ndarray]:
        batch = self._batch(2000)
        labels = batch["label"].numpy() > 0.5
        masks = np.zeros((8, 3, 16, 16), dtype=bool)
        masks[labels[:, 0], 0, 3:12, 0:8] = True
        masks[labels[:, 1], 1, 3:12, 8:16] = True
        return {
            "inputs": batch["input"].numpy(),
            "labels": labels,
            "masks": masks,
            "patients": np.arange(8),
        }


@pytest.fixture(autouse=True)
def architecture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ARCHITECTURES._items, "squares", network)


def test_each_label_has_its_figures_and_the_task_its_optimiser(tmp_path: Path) -> None:
    tasks = []

    def build(settings: Settings, **_: Any) -> Squares:
        tasks.append(Squares(settings))
        return tasks[-1]

    folder = run_recipe(Recipe("squares", "A toy.", Settings, build), None, tmp_path, {})
    assert np.allclose(np.unique(tasks[0].rates)[::-1][:3], [1.0, 0.95, 0.9])
    card = load_model(folder).card
    assert card.task == "multilabel"
    classes = card.metrics["classes"]
    assert tuple(classes) == NAMES
    assert classes["left"]["n_positive"] == 4
    assert classes["neither"]["n_positive"] == 2
    assert classes["left"]["auc"] == classes["right"]["auc"] == 1.0
    assert card.metrics["f1_micro"] > 0.8
    assert card.metrics["n_pictures"] == 8
    # "neither" is nowhere, so nothing can be said of where its maps peak.
    assert {name for name, told in classes.items() if "peak_exact_hit" in told} == {"left", "right"}
    assert card.metrics["localisation"]["n"] == 8
    assert card.reference("1", "left", "grad-cam")
    page = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "| class | n positive | auc |" in page
    assert "| left | 4 | 1.0 |" in page
