"""Weights from files, without running anything that a file might contain."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from viewer.foundation.errors import ModelError

StateDict = dict[str, Tensor]

_LFS = b"version https://git-lfs"
_WRAPPERS = ("state_dict", "model_state_dict", "model_state", "model", "net", "network")
_PREFIXES = ("module.", "model.", "net.")
MOST_BYTES = 8 << 30
"""A checkpoint that unpacks to more than this is refused before it is read."""


def read_weights(path: Path) -> tuple[StateDict, tuple[str, ...]]:
    """Read a ``.safetensors``, ``.pt`` or ``.pth`` file; the content decides, not the name.

    Returns
    -------
    (dict of str to Tensor, tuple of str)
        The tensors on the CPU, and in words what was unwrapped or stripped.

    Raises
    ------
    ModelError
        One sentence: missing, empty, a Git LFS stub, not a checkpoint, wants to run code, too large.
    """
    name = path.name
    try:
        with path.open("rb") as stream:
            head = stream.read(256)
    except OSError as error:
        raise ModelError(
            f"The weights '{name}' cannot be opened: {error.strerror}.", code="no-weights"
        ) from error
    if not head:
        raise ModelError(f"The weights '{name}' are an empty file.", code="no-weights")
    if head.startswith(_LFS):
        raise ModelError(
            f"'{name}' is a Git LFS stub, not the weights themselves.",
            code="lfs-stub",
            action="Fetch the real file with 'git lfs pull'.",
        )
    if head[8:9] == b"{":
        try:
            return _unwrapped(load_file(path, device="cpu"), name)
        except SafetensorError as error:
            raise ModelError(
                f"'{name}' is a damaged safetensors file: {error}.", code="bad-weights"
            ) from error
    if head[:2] == b"PK":
        _check_size(path)
    try:
        # weights_only admits tensors and plain containers and refuses everything that could run.
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise ModelError(
            f"'{name}' is not a checkpoint of plain tensors (a .safetensors file or a .pt state dict).",
            code="bad-weights",
        ) from error
    return _unwrapped(content, name)


def _check_size(path: Path) -> None:
    try:
        with ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    except BadZipFile as error:
        raise ModelError(
            f"'{path.name}' is a damaged or truncated checkpoint.", code="bad-weights"
        ) from error
    if size > MOST_BYTES:
        raise ModelError(
            f"'{path.name}' unpacks to {size / 2**30:.1f} GB, more than is allowed.", code="too-large"
        )


def _unwrapped(content: Any, name: str) -> tuple[StateDict, tuple[str, ...]]:
    notes: list[str] = []
    for key in _WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
            notes.append(f"took the entry '{key}'")
    if (
        not isinstance(content, dict)
        or not content
        or not all(isinstance(v, Tensor) for v in content.values())
    ):
        raise ModelError(f"'{name}' holds no state dict of tensors.", code="bad-weights")
    state: StateDict = {str(k): v for k, v in content.items()}
    for prefix in _PREFIXES:
        if all(key.startswith(prefix) for key in state):
            state = {key.removeprefix(prefix): value for key, value in state.items()}
            notes.append(f"stripped the prefix '{prefix}'")
    return state, tuple(notes)


_OLD_DENSE = re.compile(r"^(.*denselayer\d+\.(?:norm|conv))\.([12]\..*)$")
"""Names that torchvision gave the layers of a DenseNet before 2018; many checkpoints still have them."""


def renamed(state: StateDict, module: nn.Module) -> tuple[StateDict, tuple[str, ...]]:
    """The weights under the names of a network, where another name of the whole is all that differs.

    Returns
    -------
    (dict of str to Tensor, tuple of str)
        As they were where no renaming makes them fit; in words what was changed.
    """
    wanted = {key for key in module.state_dict() if not key.endswith("num_batches_tracked")}
    notes: list[str] = []
    if any(_OLD_DENSE.match(key) for key in state):
        state = {_OLD_DENSE.sub(r"\1\2", key): value for key, value in state.items()}
        notes.append("took the old names of a DenseNet's layers")
    if wanted & set(state):
        return state, tuple(notes)
    for prefix in _beginnings(state):
        if all(
            key.removeprefix(prefix) in wanted for key in state if not key.endswith("num_batches_tracked")
        ):
            notes.append(f"stripped the prefix '{prefix}'")
            return {key.removeprefix(prefix): value for key, value in state.items()}, tuple(notes)
    for prefix in _beginnings(wanted):
        if all(prefix + key in wanted for key in state if not key.endswith("num_batches_tracked")):
            notes.append(f"added the prefix '{prefix}'")
            return {prefix + key: value for key, value in state.items()}, tuple(notes)
    return state, tuple(notes)


def _beginnings(names: Collection[str]) -> list[str]:
    """The beginnings, up to a dot, that all names have in common, the shortest first."""
    # What the first and the last in their order share, all share.
    least, most = min(names), max(names)
    ends = [place for place, letter in enumerate(least) if letter == "."]
    return [least[: place + 1] for place in ends if most.startswith(least[: place + 1])]


def put_weights(module: nn.Module, state: StateDict, name: str) -> None:
    """Load a state dict completely: every key must fit, as must every shape.

    Raises
    ------
    ModelError
        Names the missing and unexpected keys and wrong shapes (the first few of each).
    """
    own = module.state_dict()
    missing = [k for k in own if k not in state and not k.endswith("num_batches_tracked")]
    unexpected = [k for k in state if k not in own]
    shapes = [k for k in own if k in state and own[k].shape != state[k].shape]
    complaints = [
        f"{what} {', '.join(keys[:4])}{f' and {len(keys) - 4} more' if len(keys) > 4 else ''}"
        for what, keys in (
            ("misses", missing),
            ("has the unexpected", unexpected),
            ("has other shapes for", shapes),
        )
        if keys
    ]
    if complaints:
        raise ModelError(
            f"The checkpoint '{name}' does not fit the architecture: it {'; it '.join(complaints)}.",
            code="keys",
        )
    # Half-precision files are widened here, where the module says what it computes in.
    module.load_state_dict(
        {k: v.to(own[k].dtype) if v.is_floating_point() else v for k, v in state.items()}, strict=False
    )
