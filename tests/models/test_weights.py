"""Weights come in whole or not at all, and a file that is something else says what it is."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from tests.tiny import tiny_network
from viewer.foundation.errors import ModelError
from viewer.models.weights import put_weights, read_weights


def test_safetensors_and_pt_give_the_same(tmp_path: Path) -> None:
    state = tiny_network().state_dict()
    save_file(state, tmp_path / "a.safetensors")
    torch.save({"state_dict": {f"module.{k}": v for k, v in state.items()}}, tmp_path / "b.pt")
    plain, nothing = read_weights(tmp_path / "a.safetensors")
    wrapped, notes = read_weights(tmp_path / "b.pt")
    assert nothing == ()
    assert [("state_dict" in n or "module." in n) for n in notes] == [True, True]
    assert plain.keys() == wrapped.keys()
    assert all(torch.equal(plain[k], wrapped[k]) for k in plain)


def test_content_decides_not_the_name(tmp_path: Path) -> None:
    save_file(tiny_network().state_dict(), tmp_path / "really_safetensors.pth")
    assert "conv1.weight" in read_weights(tmp_path / "really_safetensors.pth")[0]


class _Evil:
    """Makes a file of that name when it is unpickled by somebody who lets it."""

    def __init__(self, mark: Path) -> None:
        self.mark = str(mark)

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (self.mark,)


@pytest.mark.parametrize("form", ["zip", "old", "plain pickle"])
def test_a_program_in_a_checkpoint_does_not_run(tmp_path: Path, form: str) -> None:
    evil, path = {"weight": _Evil(tmp_path / "it ran")}, tmp_path / "program.pt"
    if form == "plain pickle":
        path.write_bytes(pickle.dumps(evil))
    else:
        torch.save(evil, path, _use_new_zipfile_serialization=form == "zip")
    with pytest.raises(ModelError, match=r"'program.pt' is not a checkpoint of plain tensors"):
        read_weights(path)
    assert not (tmp_path / "it ran").exists()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.pt", b"", "empty file"),
        (
            "stub.safetensors",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
            "Git LFS stub",
        ),
        ("text.pt", b"eight characters and more of plain text", "not a checkpoint"),
        ("damaged.safetensors", (20).to_bytes(8, "little") + b'{"a": 1', "damaged safetensors"),
        ("zip.pt", b"PK\x03\x04 and then nothing", "damaged or truncated"),
    ],
)
def test_what_is_no_checkpoint_says_so(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match=words) as found:
        read_weights(tmp_path / name)
    assert name in found.value.sentence


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be opened"):
        read_weights(tmp_path / "nothing.pt")


def test_keys_and_shapes_must_fit() -> None:
    net = tiny_network()
    state = dict(net.state_dict())
    state["conv9.weight"] = state.pop("conv1.weight")
    state["linear.bias"] = torch.zeros(7)
    with pytest.raises(ModelError) as found:
        put_weights(net, state, "mine")
    for word in ("conv1.weight", "conv9.weight", "linear.bias"):
        assert word in found.value.sentence


def test_half_precision_is_widened() -> None:
    net = tiny_network()
    half = {k: v.half() for k, v in net.state_dict().items()}
    put_weights(net, half, "half")
    assert next(net.parameters()).dtype == torch.float32
    assert isinstance(net, nn.Module)
