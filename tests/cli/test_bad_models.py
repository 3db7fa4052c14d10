"""Model folders that are none, and images that a network cannot take: one sentence each."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Say


def _lfs(folder: Path) -> None:
    (folder / "weights.safetensors").write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n"
    )


def _words(folder: Path) -> None:
    (folder / "weights.safetensors").write_text("these are not weights")


def _no_weights(folder: Path) -> None:
    (folder / "weights.safetensors").unlink()


def _empty(folder: Path) -> None:
    (folder / "weights.safetensors").write_bytes(b"")


def _other_keys(folder: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    path = folder / "weights.safetensors"
    state = load_file(path)
    state.pop("conv1.weight")
    state["surplus.weight"] = torch.zeros(3)
    save_file(state, path)


def _not_numbers(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    path = folder / "weights.safetensors"
    save_file({name: value * float("nan") for name, value in load_file(path).items()}, path)


def _no_card(folder: Path) -> None:
    (folder / "model.toml").unlink()


def _bad_card(folder: Path) -> None:
    (folder / "model.toml").write_text('id = "x"\n')


@pytest.mark.parametrize(
    ("spoil", "hint"),
    [
        (_lfs, "Git LFS stub"),
        (_words, "not a checkpoint"),
        (_no_weights, "no weights"),
        (_empty, "empty file"),
        (_other_keys, "conv1.weight"),
        (_not_numbers, "not a finite number"),
        (_no_card, "no model.toml"),
        (_bad_card, "classes"),
    ],
)
def test_models_that_are_none(say: Say, nifti: Path, tmp_path: Path, spoil, hint: str) -> None:
    from tests.tiny import write_tiny_model

    folder = write_tiny_model(tmp_path, "spoiled")
    spoil(folder)
    told = say("predict", nifti, "--model", folder, "--json")
    assert told.code == 1
    assert told.out == ""
    assert hint in told.sentence


def test_a_file_is_not_a_model(say: Say, nifti: Path) -> None:
    told = say("predict", nifti, "--model", nifti)
    assert told.code == 1
    assert "is a file, not a model folder" in told.sentence


def test_an_image_that_the_network_cannot_take(say: Say, nifti: Path, tmp_path: Path) -> None:
    from tests.tiny import write_tiny_model

    folder = write_tiny_model(tmp_path, "three-channels")
    card = folder / "model.toml"
    card.write_text(card.read_text().replace("channels = 1", "channels = 3"))
    told = say("predict", nifti, "--model", folder)
    assert told.code == 1
    assert told.sentence
