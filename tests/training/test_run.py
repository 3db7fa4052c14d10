"""The runner on a toy task: best epoch kept, early stop, resume, cancel, figures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from viewer.foundation.errors import Cancelled
from viewer.models.architectures import ARCHITECTURES
from viewer.models.loading import load_model
from viewer.training.recipe import Recipe

pytest.importorskip("lightning", reason="the extra 'train' is not installed")

from viewer.training.run import run_recipe


def toy_network(classes: int = 2, channels: int = 1) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(channels, 4, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, classes),
    )


@dataclass(frozen=True)
class ToySettings:
    epochs: int = 4
    patience: int = 99
    rate: float = 0.05


class ToyTask:
    """Bright squares on noise."""

    learning_rate, weight_decay, seed, layer_choices = 0.05, 0.0, 1, ("1",)

    def __init__(self, settings: ToySettings) -> None:
        torch.manual_seed(0)
        self.network: nn.Module = toy_network()
        self.companions: nn.Module = nn.Linear(2, 2)
        self.epochs, self.patience, self.learning_rate = settings.epochs, settings.patience, settings.rate

    def steps(self, epoch: int) -> int:
        return 3

    def _batch(self, seed: int) -> dict[str, torch.Tensor]:
        generator = torch.Generator().manual_seed(seed)
        label = torch.arange(8) % 2
        pictures = 0.1 * torch.rand(8, 1, 16, 16, generator=generator)
        pictures[label == 1, :, 3:12, 2:11] += 1.0
        return {"input": pictures, "label": label}

    def batches(self, epoch: int) -> Iterator[dict[str, torch.Tensor]]:
        return (self._batch(10 * epoch + step) for step in range(3))

    def validation_batches(self) -> Iterator[dict[str, torch.Tensor]]:
        return (self._batch(1000 + step) for step in range(2))

    def training_loss(self, batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        logits = self.network(batch["input"])
        return {"loss": nn.functional.cross_entropy(logits.float(), batch["label"])}

    def validation_loss(self, batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {**self.training_loss(batch), "n": torch.tensor(8.0)}

    def card(self) -> dict[str, Any]:
        return {
            "id": "toy",
            "name": "Toy",
            "architecture": "toy-run",
            "classes": ["dark", "bright"],
            "positive_class": "bright",
            "input": {"size": [16, 16], "channels": 1, "normalise": {"name": "none"}},
            "training": {"data": "squares"},
        }

    def held_out(self) -> dict[str, np.ndarray]:
        batch = self._batch(2000)
        masks = np.zeros((8, 16, 16), dtype=bool)
        masks[1::2, 3:12, 2:11] = True
        return {
            "inputs": batch["input"].numpy(),
            "labels": batch["label"].numpy(),
            "masks": masks,
            "patients": np.arange(8) // 2,
        }


RECIPE = Recipe("toy", "A toy.", ToySettings, lambda settings, **_: ToyTask(settings))


@pytest.fixture(autouse=True)
def architecture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ARCHITECTURES._items, "toy-run", toy_network)


class Epochs:
    """Notes which epochs were trained; stops at the beginning of one."""

    def __init__(self, stop: str = "never") -> None:
        self.seen: set[str] = set()
        self.stop = stop

    def report(self, done: int, total: int, text: str = "") -> None:
        assert 0 <= done <= total
        if text.startswith(self.stop):
            raise Cancelled
        if text.startswith("epoch"):
            self.seen.add(text.split(",", maxsplit=1)[0])


def test_a_toy_learns_and_its_folder_loads(tmp_path: Path) -> None:
    folder = run_recipe(RECIPE, None, tmp_path, {"epochs": 8})
    classifier = load_model(folder)
    card = classifier.card
    assert card.metrics["accuracy"] == 1.0
    assert card.metrics["accuracy_interval"][0] > 0.6
    assert card.metrics["auc"] == 1.0
    assert card.metrics["n_slices"] == 8
    assert card.default_layer == "1"
    assert card.metrics["peak_within_6px"] == card.metrics["localisation"]["1"]["grad-cam"]["near"]
    assert (card.reference("1", "bright", "grad-cam") or 0) > 0
    assert card.weights_sha256
    assert "brightness" in (folder / "MODEL_CARD.md").read_text(encoding="utf-8")


def test_a_stopped_run_goes_on_where_it_was(tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        run_recipe(RECIPE, None, tmp_path, {}, Epochs(stop="epoch 3"))
    second = Epochs()
    stopped = run_recipe(RECIPE, None, tmp_path, {}, second)
    assert second.seen == {"epoch 3 of 4", "epoch 4 of 4"}
    straight = run_recipe(RECIPE, None, tmp_path / "straight", {})
    one, other = (load_model(folder).module.state_dict() for folder in (stopped, straight))
    for name in one:
        assert torch.allclose(one[name], other[name], atol=1e-3), name


def test_a_run_goes_on_after_the_last_epoch_though_an_earlier_one_was_best(tmp_path: Path) -> None:
    nothing_learned = {"rate": 1e-12}
    with pytest.raises(Cancelled):
        run_recipe(RECIPE, None, tmp_path, nothing_learned, Epochs(stop="epoch 4"))
    second = Epochs()
    run_recipe(RECIPE, None, tmp_path, nothing_learned, second)
    assert second.seen == {"epoch 4 of 4"}


def test_a_finished_run_is_only_measured_again(tmp_path: Path) -> None:
    first = run_recipe(RECIPE, None, tmp_path, {})
    text = (first / "model.toml").read_text(encoding="utf-8")
    (first / "model.toml").unlink()
    again = Epochs()
    run_recipe(RECIPE, None, tmp_path, {}, again)
    assert again.seen == set()
    assert (first / "model.toml").read_text(encoding="utf-8") == text


def test_other_settings_are_another_run(tmp_path: Path) -> None:
    run_recipe(RECIPE, None, tmp_path, {"epochs": 2})
    heard = Epochs()
    run_recipe(RECIPE, None, tmp_path, {"epochs": 3}, heard)
    assert heard.seen == {"epoch 1 of 3", "epoch 2 of 3", "epoch 3 of 3"}


def test_early_stopping(tmp_path: Path) -> None:
    heard = Epochs()
    run_recipe(RECIPE, None, tmp_path, {"epochs": 40, "patience": 2, "rate": 1e-12}, heard)
    assert len(heard.seen) < 10
