"""Networks that somebody else trained: their state dicts, their names, one logit, and what they were given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision.models import DenseNet, resnet18

from viewer.api import load_model
from viewer.foundation.errors import ModelError, UsageError
from viewer.models.added import Description, add_model
from viewer.models.architectures import ARCHITECTURES
from viewer.models.shelf import find_card

PICTURES = np.random.default_rng(0).normal(size=(2, 3, 64, 64)).astype(np.float32)


def dense(classes: int, channels: int = 3) -> nn.Module:
    """As the field writes it: the channels are not asked for. DenseNet-121 in small, with the same names."""
    return DenseNet(growth_rate=8, block_config=(2, 2, 2, 2), num_init_features=16, num_classes=classes)


def residual(classes: int, channels: int = 3) -> nn.Module:
    network = resnet18(weights=None, num_classes=classes)
    network.conv1 = nn.Conv2d(channels, 64, 7, 2, 3, bias=False)
    return network


class Fixed(nn.Module):
    """One sigmoid logit whatever is asked for, and its own number of channels; the head comes first by name."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
        self.answer = nn.Linear(4, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(self.answer(self.body(x).flatten(1)))


def fixed(classes: int, channels: int = 1) -> nn.Module:
    return Fixed()


@pytest.fixture(autouse=True)
def architectures(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, factory in (("dense", dense), ("residual", residual), ("fixed", fixed)):
        monkeypatch.setitem(ARCHITECTURES._items, name, factory)


def answer(network: nn.Module, pictures: np.ndarray = PICTURES) -> np.ndarray:
    with torch.no_grad():
        return np.asarray(network.eval()(torch.from_numpy(pictures)).numpy())


@pytest.mark.parametrize("ending", ["safetensors", "pth"])
def test_a_densenet_with_one_logit(tmp_path: Path, ending: str) -> None:
    """safetensors sorts by name, so the last matrix of the file is not the last layer."""
    torch.manual_seed(0)
    network = dense(1)
    path = tmp_path / f"net.{ending}"
    if ending == "pth":
        torch.save(
            {"state_dict": {f"module.densenet121.{k}": v for k, v in network.state_dict().items()}}, path
        )
    else:
        save_file(network.state_dict(), path)
    about = Description("dense", "p", ("normal", "pneumonia"), "pneumonia", (64, 64), "range")
    card, notes = add_model(path, about, tmp_path / "models")
    assert card.task == "binary"
    assert card.input.channels == 3
    if ending == "pth":
        assert any("densenet121." in note for note in notes)
    classifier = load_model(tmp_path / "models" / "p")
    assert np.allclose(classifier.logits(PICTURES), answer(network), atol=1e-5)
    probabilities = classifier.probabilities(torch.from_numpy(classifier.logits(PICTURES)))
    assert probabilities.shape == (2, 2)


def test_the_old_names_of_a_densenet(tmp_path: Path) -> None:
    network = dense(14)
    old = {
        k.replace("norm1.", "norm.1.").replace("conv2.", "conv.2.") if "denselayer" in k else k: v
        for k, v in network.state_dict().items()
    }
    assert set(old) != set(network.state_dict())
    torch.save(old, tmp_path / "old.pth")
    about = Description("dense", "old", size=(64, 64), normalise="imagenet", task="multilabel")
    card, notes = add_model(tmp_path / "old.pth", about, tmp_path)
    assert (card.task, len(card.classes)) == ("multilabel", 14)
    assert any("old names" in note for note in notes)
    assert np.allclose(load_model(tmp_path / "old").logits(PICTURES), answer(network), atol=1e-4)


def test_grey_networks_and_names_of_the_users_own(tmp_path: Path) -> None:
    network = residual(3, channels=1)
    save_file(network.state_dict(), tmp_path / "w.safetensors")
    about = Description("residual", "grey", ("a", "b", "c"), size=(64, 64), normalise="unit")
    card, _ = add_model(tmp_path / "w.safetensors", about, tmp_path)
    assert (card.input.channels, card.task) == (1, "multiclass")
    grey = PICTURES[:, :1]
    assert np.allclose(load_model(tmp_path / "grey").logits(grey), answer(network, grey), atol=1e-5)


def test_an_architecture_with_a_mind_of_its_own(tmp_path: Path) -> None:
    network = Fixed()
    save_file(network.state_dict(), tmp_path / "w.safetensors")
    about = Description("fixed", "own", ("no", "yes"), "yes", (32, 32))
    card, _ = add_model(tmp_path / "w.safetensors", about, tmp_path)
    assert (card.input.channels, card.task) == (1, "binary")
    grey = PICTURES[:, :1, :32, :32]
    classifier = load_model(tmp_path / "own")
    found = classifier.probabilities(torch.from_numpy(classifier.logits(grey)))
    # Its own sigmoid is undone and done once.
    assert np.allclose(found[:, 1:].numpy(), answer(network, grey), atol=1e-6)


def test_a_folder_written_by_hand_loads_with_one_logit(tmp_path: Path) -> None:
    network = dense(1)
    save_file(network.state_dict(), tmp_path / "weights.safetensors")
    (tmp_path / "model.toml").write_text(
        'id = "mine"\ntask = "binary"\narchitecture = "dense"\nclasses = ["normal", "ill"]\n'
        '[input]\nsize = [64, 64]\nchannels = 3\n[input.normalise]\nname = "range"\nblack = 0\nwhite = 255\n'
    )
    assert np.allclose(load_model(tmp_path).logits(PICTURES), answer(network), atol=1e-5)
    assert find_card(tmp_path).input.parameters == {"black": 0, "white": 255}


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ({"task": "segmentation"}, UsageError, "cannot be added"),
        ({"classes": ("a", "b", "c")}, UsageError, "has 1 output, and 3 classes"),
        ({"parameters": {"whit": 255.0}}, ModelError, "does not take the parameters whit"),
        ({"architecture": "residual"}, ModelError, "does not fit the architecture"),
    ],
)
def test_what_does_not_fit_is_said_and_leaves_nothing(
    tmp_path: Path, change: dict[str, Any], kind: type[Exception], words: str
) -> None:
    save_file(dense(1).state_dict(), tmp_path / "w.safetensors")
    about = {"architecture": "dense", "id": "x", "classes": ("no", "yes"), "size": (64, 64), **change}
    with pytest.raises(kind, match=words):
        add_model(tmp_path / "w.safetensors", Description(**about), tmp_path / "models")
    assert not (tmp_path / "models" / "x").exists()


def test_an_architecture_that_fails_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(classes: int, channels: int) -> nn.Module:
        raise OSError("no such file")

    monkeypatch.setitem(ARCHITECTURES._items, "broken", broken)
    save_file(Fixed().state_dict(), tmp_path / "w.safetensors")
    with pytest.raises(ModelError, match=r"'broken' cannot be made .* OSError"):
        add_model(tmp_path / "w.safetensors", Description("broken", "b", size=(32, 32)), tmp_path)
