"""A network whose maps can be worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from torch import nn

from tests.tiny import tiny_network, write_tiny_model
from viewer import api


@pytest.fixture
def network() -> nn.Module:
    return tiny_network()


@pytest.fixture
def wrapped(network: nn.Module) -> api.Classifier:
    return api.wrap_module(network, classes=["no stroke", "stroke"], dims=2, input_size=(32, 32))


@pytest.fixture
def tiny_folder(tmp_path: Path) -> Path:
    """A model folder outside the shelf."""
    return write_tiny_model(tmp_path)
