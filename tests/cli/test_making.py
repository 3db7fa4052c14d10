"""`generate`, `train`, `self-test`."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import pytest
from safetensors.torch import save_file

from tests.cli.conftest import Say
from viewer.controllers import self_test as self_test_module
from viewer.foundation.errors import Cancelled
from viewer.training import recipe as recipe_module


def test_generate(say: Say, tmp_path: Path) -> None:
    out = tmp_path / "cohort"
    told = say("generate", "stroke-dwi", "--count", 1, "--seed", 5, "--out", out, "--json")
    assert told.code == 0, told.err
    assert told.document["cohort"] == str(out / "cohort.csv")
    with (out / "cohort.csv").open() as stream:
        (row,) = csv.DictReader(stream)
    assert {"path", "case", "label"} <= set(row)
    told = say("inspect", out / row["path"], "--json")
    slices, rows, columns = told.document["series"][0]["shape"]
    assert 24 <= slices <= 36
    assert (rows, columns) == (192, 192)


def test_generate_refuses(say: Say, tmp_path: Path) -> None:
    told = say("generate", "stroke", "--count", 1, "--out", tmp_path / "x")
    assert told.code == 2
    assert "nearest: stroke-dwi" in told.sentence
    (tmp_path / "taken").write_text("")
    told = say("generate", "stroke-dwi", "--count", 1, "--out", tmp_path / "taken")
    assert told.code == 1
    assert "is a file" in told.sentence


def test_train_refuses_before_it_begins(say: Say, tmp_path: Path) -> None:
    told = say("train", "stroke-dw", "--out", tmp_path / "run")
    assert told.code == 2
    assert "nearest: stroke-dwi" in told.sentence
    told = say("train", "stroke-dwi", "--out", tmp_path / "run", "--set", "patiens=3")
    assert told.code == 2
    assert "patience" in told.sentence
    told = say("train", "stroke-dwi", "--out", tmp_path / "run", "--set", "architecture=vgg")
    assert told.code == 2
    assert "gap, shallow" in told.sentence
    assert not (tmp_path / "run").exists()
    told = say("train", "stroke-dwi", "--data", tmp_path, "--out", tmp_path / "run")
    assert told.code == 1
    assert "nothing to train on" in told.sentence


def test_generate_writes_over_a_cohort_only_where_that_is_said(say: Say, tmp_path: Path) -> None:
    table = tmp_path / "cohort.csv"
    table.write_text("path,case,label\n")
    words = ["generate", "stroke-dwi", "--count", 1, "--out", tmp_path]
    told = say(*words)
    assert told.code == 2
    assert "--replace" in told.sentence
    assert table.read_text() == "path,case,label\n"
    assert say(*words, "--replace").code == 0
    assert "case-0001" in table.read_text()


def test_generate_refuses_a_format_that_it_does_not_write(say: Say, tmp_path: Path) -> None:
    told = say("generate", "stroke-dwi", "--count", 1, "--out", tmp_path / "x", "--format", "dicm")
    assert told.code == 2
    assert "does not write 'dicm'" in told.err
    assert "dicom" in told.err
    assert not (tmp_path / "x").exists()


def test_a_checkpoint_is_added_and_listed(say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHYSLICE_HOME", str(tmp_path / "home"))
    from plugins.stroke_dwi.networks import stroke_shallow

    save_file(stroke_shallow().state_dict(), tmp_path / "w.safetensors")
    words = ["add-model", tmp_path / "w.safetensors", "--architecture", "stroke-shallow", "--id", "mine"]
    told = say(*words, "--classes", "no, yes", "--size", "64x64", "--json")
    assert told.code == 0
    document = json.loads(told.out)
    assert (document["id"], document["classes"]) == ("mine", ["no", "yes"])
    listed = json.loads(say("models", "--json").out)
    assert "mine" in [entry["id"] for entry in listed]
    again = say(*words)
    assert again.code == 1
    assert "There is a model 'mine' already" in again.err
    assert say(*words[:-1], "other", "--size", "64").code == 2


def test_train_hands_the_recipe_over(say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = pytest.importorskip("viewer.training.run")
    asked = []

    def ran(recipe, data, out, settings, progress):
        asked.append((recipe.id, data, out, dict(settings)))
        progress.report(1, 2, "epoch 1 of 2")
        return out / "stroke-shallow"

    monkeypatch.setattr(run, "run_recipe", ran)
    out = tmp_path / "run"
    words = ["train", "stroke-dwi", "--out", out, "--set", "architecture=shallow", "--set", "patients=2"]
    told = say(*words, "--data", tmp_path, "--json")
    assert told.code == 0, told.err
    assert asked == [("stroke-dwi", tmp_path, out, {"architecture": "shallow", "patients": "2"})]
    assert told.document["model"] == str(out / "stroke-shallow")
    assert "too good" not in told.err
    by_slice = [*words, "--set", "split=slice"]
    assert "slices of one patient are on both sides" in say(*by_slice, "--data", tmp_path).err
    assert "both sides" not in say(*by_slice).err, "synthetic patients are never divided by slice"

    def stopped(*_):
        raise Cancelled

    monkeypatch.setattr(run, "run_recipe", stopped)
    assert say(*words).code == 130


def test_train_without_its_extra(say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "viewer.training.run", raising=False)
    monkeypatch.setitem(sys.modules, "lightning", None)
    monkeypatch.setitem(sys.modules, "lightning.pytorch", None)
    told = say("train", "stroke-dwi", "--out", tmp_path / "run")
    assert told.code == 1
    assert "whyslice[train]" in told.sentence
    assert "stroke-dwi" in recipe_module.RECIPES


def test_self_test_says_what_is_missing(say: Say, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(self_test_module.paths, "resources", lambda: tmp_path)
    told = say("self-test", "--json")
    assert told.code == 1
    assert told.document["ok"] is False
    failed = [check["name"] for check in told.document["checks"] if not check["ok"]]
    assert "demo" in failed
    assert "models" in failed
    assert "failed" in told.sentence


def test_self_test_passes_as_bundled(say: Say) -> None:
    told = say("self-test", "--json", "--device", "cpu")
    if not any(check["name"].startswith("model ") for check in told.document["checks"]):
        pytest.skip("no model is bundled in this checkout")
    assert told.code == 0, told.err
    assert told.document["ok"] is True
    for check in told.document["checks"]:
        assert set(check) == {"name", "ok", "sentence"}
