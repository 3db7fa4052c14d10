"""`models`, `layers`, `explainers`, `plugins`: the keys are a contract."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Say
from tests.tiny import write_tiny_model
from viewer.explainers.declaration import EXPLAINERS
from viewer.plugin_host import host


def test_models(say: Say, tiny: str) -> None:
    told = say("models", "--json")
    assert told.code == 0
    by_id = {model["id"]: model for model in told.document}
    model = by_id[tiny]
    assert set(model) >= {"id", "task", "dims", "classes", "parameters", "architecture", "plugin", "weights"}
    assert model["classes"] == ["no stroke", "stroke"]
    assert model["task"] == "multiclass"
    assert model["dims"] == 2
    # 1 x 4 x 9 + 4, 4 x 4 x 9 + 4, 4 x 2 + 2: counted, because this card does not say.
    assert model["parameters"] == 198
    assert model["weights"] is True


def test_models_without_weights_or_with_a_broken_card(
    say: Say, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WHYSLICE_HOME", str(tmp_path))
    folder = write_tiny_model(tmp_path, "empty-handed")
    (folder / "weights.safetensors").unlink()
    broken = tmp_path / "models" / "broken"
    broken.mkdir()
    (broken / "model.toml").write_text("id = ")
    told = say("models", "--json")
    assert told.code == 0
    assert "'broken'" in told.sentence
    model = next(m for m in told.document if m["id"] == "empty-handed")
    assert model["weights"] is False
    assert model["parameters"] is None
    assert "missing" in say("models").out


def test_layers(say: Say, tiny: str) -> None:
    told = say("layers", tiny, "--json")
    assert told.code == 0
    assert [layer["name"] for layer in told.document] == ["conv1", "relu1", "pool1", "conv2", "relu2"]
    for layer in told.document:
        assert set(layer) >= {"name", "type", "shape", "grid", "flags"}
        assert layer["grid"] == layer["shape"][1:]
    last = told.document[-1]
    assert last["shape"] == [4, 8, 8]
    assert last["default"] is True
    assert "before-global-pool" in last["flags"]
    assert "relu2" in say("layers", tiny).out


def test_layers_of_a_model_that_is_not_there(say: Say, tiny: str) -> None:
    told = say("layers", "tinny")
    assert told.code == 2
    assert f"nearest: {tiny}" in told.sentence


def test_explainers(say: Say) -> None:
    told = say("explainers", "--json")
    assert [entry["name"] for entry in told.document] == list(EXPLAINERS)
    assert {"grad-cam", "grad-cam++", "layer-cam"} <= set(EXPLAINERS)
    for entry in told.document:
        assert set(entry) >= {"name", "family", "needs_layer", "dims", "parameters"}
        assert set(entry["dims"]) <= {2, 3}
        for parameter in entry["parameters"]:
            assert set(parameter) >= {"name", "type", "default", "minimum", "maximum", "unit"}


def test_plugins(say: Say) -> None:
    told = say("plugins", "--json")
    assert told.code == 0
    stroke = next(plugin for plugin in told.document if plugin["name"] == "stroke_dwi")
    assert stroke["status"] == "loaded"
    assert stroke["bundled"] is True
    assert "stroke-dwi" in stroke["provides"]["recipes"]
    assert "stroke_dwi" in say("plugins").out


def test_a_plugin_of_ones_own_is_switched_on_and_off(say: Say, user_folder: Path) -> None:
    folder = user_folder / "plugins" / "my_study"
    folder.mkdir(parents=True)
    try:
        (folder / "plugin.toml").write_text('name = "my_study"\ntitle = "Mine"\nmodules = ["main"]\n')
        (folder / "main.py").write_text("")
        refused = say("plugins", "--enable", "my_studdy")
        assert refused.code == 1
        assert "nearest: my_study" in refused.err
        assert host.enable("my_study").status == "ready"
        assert say("plugins", "--disable", "my_study").code == 0
        (state,) = (each for each in host.PluginHost().states() if each.name == "my_study")
        assert state.status == "off"
        assert "whyslice plugins --enable my_study" in state.sentence
        assert say("plugins", "--enable", "my_study").code == 0
        (state,) = (each for each in host.PluginHost().states() if each.name == "my_study")
        assert state.status == "ready"
    finally:
        host.disable("my_study")
        shutil.rmtree(folder)
