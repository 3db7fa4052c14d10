"""A checkpoint becomes a model folder that is loaded like any other, or nothing is left behind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from plugins.stroke_dwi.networks import stroke_dense, stroke_shallow
from viewer.api import load_model
from viewer.foundation.errors import ModelError, UsageError
from viewer.models.added import Description, add_model
from viewer.plugin_host.host import activate

ABOUT = Description("stroke-shallow", "mine", ("no", "yes"), "yes", (32, 32))


@pytest.fixture(autouse=True)
def _plugins() -> None:
    activate()


def checkpoint(folder: Path) -> tuple[Path, torch.nn.Module]:
    torch.manual_seed(1)
    network = stroke_shallow(channels=3).eval()
    path = folder / "weights.pth"
    torch.save({"state_dict": {f"module.{k}": v for k, v in network.state_dict().items()}}, path)
    return path, network


def test_the_added_model_says_what_the_network_says(tmp_path: Path) -> None:
    path, network = checkpoint(tmp_path)
    card, notes = add_model(path, ABOUT, tmp_path / "models")
    assert card.classes == ("no", "yes")
    assert card.input.channels == 3
    assert any("module." in note for note in notes)
    pictures = np.random.default_rng(0).normal(size=(2, 3, 32, 32)).astype(np.float32)
    with torch.no_grad():
        wanted = network(torch.from_numpy(pictures)).numpy()
    assert np.allclose(load_model(tmp_path / "models" / "mine").logits(pictures), wanted, atol=1e-6)


def test_the_side_of_a_flattening_architecture_follows_the_size(tmp_path: Path) -> None:
    save_file(stroke_dense(classes=4, side=64).state_dict(), tmp_path / "w.safetensors")
    card, _ = add_model(tmp_path / "w.safetensors", Description("stroke-dense", "d", size=(64, 64)), tmp_path)
    assert card.classes == ("class 0", "class 1", "class 2", "class 3")
    assert card.architecture_options == {"side": 64}


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ({"architecture": "stroke-shalow"}, UsageError, "nearest: stroke-shallow"),
        ({"architecture": "stroke-gap"}, ModelError, "does not fit the architecture"),
        ({"classes": ("a", "b", "c")}, UsageError, "has 2 outputs, and 3 classes"),
        ({"positive_class": "maybe"}, UsageError, "'maybe' is not one of no, yes"),
        ({"id": "../up"}, UsageError, "cannot be the id"),
        ({"normalise": "zscor"}, UsageError, "no normalisation 'zscor'"),
        ({"size": (4, 4)}, ModelError, "cannot take an input"),
    ],
)
def test_a_wrong_description_leaves_nothing(
    tmp_path: Path, change: dict[str, object], kind: type[Exception], words: str
) -> None:
    path, _ = checkpoint(tmp_path)
    about = Description(**{**ABOUT.__dict__, **change})
    with pytest.raises(kind, match=words):
        add_model(path, about, tmp_path / "models")
    assert not list((tmp_path / "models").glob("*"))


def test_an_existing_model_is_never_replaced(tmp_path: Path) -> None:
    path, _ = checkpoint(tmp_path)
    add_model(path, ABOUT, tmp_path)
    before = (tmp_path / "mine" / "model.toml").read_bytes()
    with pytest.raises(ModelError, match="There is a model 'mine' already"):
        add_model(path, ABOUT, tmp_path)
    assert (tmp_path / "mine" / "model.toml").read_bytes() == before


def test_a_checkpoint_of_something_else_is_named(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(3)}, tmp_path / "w.safetensors")
    with pytest.raises(ModelError, match="holds no convolution"):
        add_model(tmp_path / "w.safetensors", ABOUT, tmp_path)
