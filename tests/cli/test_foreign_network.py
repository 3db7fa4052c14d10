"""The example of the plugin guide, word for word: a network that somebody else trained, from checkpoint to warning."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.cli.conftest import Say
from viewer.models.architectures import ARCHITECTURES

GUIDE = (Path(__file__).parents[2] / "docs" / "plugin_guide.md").read_text(encoding="utf-8")
PART = GUIDE.split("## A network that somebody else trained", 1)[1]


def test_the_guides_example_adds_a_network_that_is_asked_and_checked(
    say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHYSLICE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ARCHITECTURES, "_items", dict(ARCHITECTURES._items))
    code = re.search(r"```python\n(.*?)```", PART, re.DOTALL)
    assert code
    exec(code.group(1), {})  # what the guide shows, which is no secret
    torch.manual_seed(0)
    network = ARCHITECTURES["pneumonia-densenet"](classes=1, channels=3)
    rng = np.random.default_rng(0)
    film = np.cumsum(np.cumsum(rng.normal(size=(64, 64)), 0), 1)
    film = ((film - film.min()) / np.ptp(film) * 255).astype(np.uint8)
    Image.fromarray(film).save(tmp_path / "film.png")
    # The first batch norm has seen training images of -1 to 1.
    with torch.no_grad():
        stem = network.features[:2].train()
        for shift in (0, 7, 20) * 12:
            values = torch.from_numpy(np.roll(film, shift).astype(np.float32) / 127.5 - 1)
            stem(values.expand(1, 3, 64, 64))
    torch.save({f"module.{k}": v for k, v in network.state_dict().items()}, tmp_path / "pneumonia.pth")

    command = re.search(r"whyslice (add-model pneumonia\.pth .*?)\n```", PART, re.DOTALL)
    assert command
    words = command.group(1).replace("\\\n", " ").replace("224x224", "64x64").split()
    told = say(*words, "--json")
    assert told.code == 0, told.err
    added = json.loads(told.out)
    assert added["classes"] == ["normal", "pneumonia"]
    assert any("module." in note for note in added["notes"])

    wrong = ["unit" if word == "range" else "wrong" if word == "pneumonia" else word for word in words]
    wrong[words.index("--positive") + 1] = "pneumonia"
    assert say(*wrong).code == 0

    def finding(model: str) -> dict:
        answer = say("check", "film.png", "--model", model, "--checks", "normalisation", "--json")
        assert answer.code == 0, answer.err
        return json.loads(answer.out)["checks"][0]

    assert finding("pneumonia")["verdict"] == "no objection"
    assert finding("wrong")["verdict"] in ("doubtful", "fails")
    assert "[-1, 1]" in finding("wrong")["sentence"]
