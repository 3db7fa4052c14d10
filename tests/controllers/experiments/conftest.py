"""Tiny models in folders of their own, so that the shelf of other tests stays as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.tiny import CARD, bright_spot, tiny_network, write_tiny_model
from tests.tiny_volume import write_tiny_volume_model
from viewer.controllers.experiments.order import ExperimentOrder


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """Bright means stroke."""
    return write_tiny_model(tmp_path / "first")


@pytest.fixture
def again(tmp_path: Path) -> Path:
    """The same network with other weights."""
    folder = write_tiny_model(tmp_path / "second", "tiny-again")
    torch.manual_seed(3)
    weights = load_file(folder / "weights.safetensors")
    noisy = {name: value + 0.1 * torch.randn_like(value) for name, value in weights.items()}
    save_file(noisy, folder / "weights.safetensors")
    return folder


@pytest.fixture
def grading(tmp_path: Path) -> Path:
    """Three classes that exclude each other."""
    folder = write_tiny_model(tmp_path / "third", "tiny-grades")
    card = CARD.format(id="tiny-grades")
    card = card.replace('["no stroke", "stroke"]', '["no stroke", "mild", "severe"]')
    card = card.replace('positive_class = "stroke"', 'positive_class = "severe"')
    (folder / "model.toml").write_text(card.replace("stroke = 0.5", "severe = 0.5"), encoding="utf-8")
    save_file(tiny_network(3).state_dict(), folder / "weights.safetensors")
    return folder


@pytest.fixture
def volumes(tmp_path: Path) -> Path:
    """A network of volumes."""
    return write_tiny_volume_model(tmp_path / "fourth")


@pytest.fixture
def order(tiny: Path) -> ExperimentOrder:
    return ExperimentOrder(str(tiny), bright_spot(), 2)
