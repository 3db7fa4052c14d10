"""Where models are found, and how a folder becomes a classifier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from viewer.foundation.errors import ModelError
from viewer.foundation.provenance import sha256_of
from viewer.models.architectures import ARCHITECTURES, built, ends_of
from viewer.models.card import InputRule, ModelCard, Task
from viewer.models.classifier import Classifier
from viewer.models.devices import device as named_device
from viewer.models.shelf import find_card
from viewer.models.weights import StateDict, put_weights, read_weights

_AXES = {2: "(rows, columns)", 3: "(slices, rows, columns)"}


def load_model(id_or_folder: str | Path, device: str | None = None) -> Classifier:
    """Load a model by id or folder.

    Parameters
    ----------
    device : ``auto`` (also None), ``cpu``, ``cuda`` or ``mps``.

    Raises
    ------
    ModelError
        No such model, no weights, unknown architecture, or weights that do not fit.
    """
    card = find_card(id_or_folder)
    if card.weights is None:
        raise ModelError(
            f"The model '{card.id}' has no weights here.", code="no-weights", action="Train it first."
        )
    if card.architecture not in ARCHITECTURES:
        raise ModelError(
            f"The model '{card.id}' needs the architecture '{card.architecture}', which no loaded plugin provides.",
            code="no-architecture",
        )
    state, _ = read_weights(card.weights)
    module = _filled(card, state)
    if card.weights_sha256 and sha256_of(card.weights) != card.weights_sha256:
        raise ModelError(
            f"The weights of '{card.id}' are not those that its card describes.", code="other-weights"
        )
    return Classifier(card, module.eval(), named_device(device))


def _filled(card: ModelCard, state: StateDict) -> nn.Module:
    """The network of a card with its weights.

    Raises
    ------
    ModelError
        As `put_weights`.
    """
    options, channels = card.architecture_options, card.input.channels
    module = built(card.architecture, len(card.classes), channels, options)
    if card.task == "binary":  # two classes that one sigmoid logit may tell apart
        outputs = ends_of(card.architecture, options, state).outputs
        if outputs is not None and outputs != len(card.classes):
            module = built(card.architecture, outputs, channels, options)
    put_weights(module, state, card.id)
    return module


def wrap_module(
    module: nn.Module,
    *,
    classes: Sequence[str],
    dims: int,
    input_size: Sequence[int],
    channels: int = 1,
    task: Task = "multiclass",
    normalise: str | Mapping[str, Any] | None = None,
) -> Classifier:
    """Any network as a classifier; it stays on its device and is left as it is found.

    Parameters
    ----------
    module : network that takes (image, channel, row, column), or with three `dims` (image, channel, slice, row,
        column), and returns (image, output).
    classes : names in the order of the outputs; two names for a network with one sigmoid logit (task ``binary``).
    dims : 2 for networks of pictures, 3 for networks of volumes.
    input_size : (rows, columns), or (slices, rows, columns), that an image is resized to.
    normalise : name of a normalisation or a table with ``name`` and its parameters; None leaves the values as they are.

    Raises
    ------
    ModelError
        When the description is contradictory.
    """
    if dims not in _AXES:
        raise ModelError(f"A network has 2 or 3 dimensions, not {dims}.", code="dims")
    if len(input_size) != dims or min(input_size) < 1:
        raise ModelError(f"The input size of a {dims}D network is {_AXES[dims]}.", code="input-size")
    if task not in ("binary", "multiclass", "multilabel", "segmentation"):
        raise ModelError(f"A network of task '{task}' cannot be wrapped.", code="task")
    if len(set(classes)) < len(classes) or len(classes) < (1 if task == "multilabel" else 2):
        raise ModelError("The classes of a network are two names or more, each another one.", code="classes")
    if task == "binary" and len(classes) != 2:
        raise ModelError("A network of task 'binary' has two classes.", code="classes")
    table = {"name": normalise} if isinstance(normalise, str) else dict(normalise or {"name": "none"})
    card = ModelCard(
        id=type(module).__name__,
        name=type(module).__name__,
        classes=tuple(classes),
        input=InputRule(
            size=tuple(int(n) for n in input_size),
            channels=channels,
            normalise=str(table.pop("name", "none")),
            parameters=table,
        ),
        task=task,
        dims=dims,
        parameters=sum(p.numel() for p in module.parameters()),
    )
    first = next(module.parameters(), None)
    return Classifier(card, module, first.device if first is not None else torch.device("cpu"))
