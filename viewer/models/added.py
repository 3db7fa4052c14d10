"""A checkpoint of the user's own becomes a model folder, by which it is listed and loaded like a bundled model."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save
from torch import nn

from viewer.foundation.errors import ModelError, UsageError
from viewer.foundation.provenance import sha256_of
from viewer.foundation.registry import nearest
from viewer.foundation.toml_text import toml_text
from viewer.foundation.whole_file import write_whole
from viewer.models.architectures import ARCHITECTURES, built, ends_of
from viewer.models.card import InputRule, ModelCard, read_card
from viewer.models.classifier import Classifier, refusal
from viewer.models.keras_weights import KerasLayer, is_hdf5, read_keras_layers, state_from_keras
from viewer.models.normalise import NORMALISATIONS, normalise
from viewer.models.weights import StateDict, put_weights, read_weights, renamed
from viewer.plugin_host import host

_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Description:
    """What a checkpoint does not say about itself.

    Attributes
    ----------
    architecture : registered name.
    id : of the model; lower-case letters, digits, ``-``, ``.`` and ``_``.
    classes : names in the order of the outputs; empty to number them.
    positive_class : the finding; empty for none.
    size : of the network's input, (rows, columns) or (slices, rows, columns).
    normalise, parameters : name of a normalisation, and its parameters.
    task : ``binary``, ``multiclass`` or ``multilabel``; empty for binary with one output and multiclass with more.
    crop : ``none``, ``percentile`` or ``brain``.
    """

    architecture: str
    id: str
    classes: tuple[str, ...] = ()
    positive_class: str = ""
    size: tuple[int, ...] = (192, 192)
    normalise: str = "range"
    crop: str = "none"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    task: str = ""


def add_model(checkpoint: Path, about: Description, parent: Path) -> tuple[ModelCard, tuple[str, ...]]:
    """Write a model folder and return its card, with what was noticed in words.

    The number of channels and of classes is taken from the weights. The network is run once on random numbers, so that
    what is added also computes.

    Parameters
    ----------
    checkpoint : ``.safetensors``, ``.pt``, ``.pth``, or HDF5 as Keras writes it.
    parent : folder of the new model folder, which is named after the id.

    Raises
    ------
    ModelError
        The weights cannot be read or do not fit, or the folder exists; nothing is written then.
    UsageError
        An unknown architecture or normalisation, a bad id, or as many names of classes as the network has not.
    """
    _check(about)
    folder = parent / about.id
    if folder.exists():
        raise ModelError(
            f"There is a model '{about.id}' already.", code="name-taken", action="Choose another id."
        )
    keras = is_hdf5(checkpoint)
    layers = read_keras_layers(checkpoint) if keras else ()
    state, notes = ({}, ("read weights that Keras saved",)) if keras else read_weights(checkpoint)
    options = _options(about)
    if keras:
        module, outputs, channels = _of_keras(about, options, layers)
        state = state_from_keras(module, layers)
    else:
        module, state, said, outputs, channels = _of_torch(about, options, state)
        notes += said
    put_weights(module, state, checkpoint.name)
    classes = _classes(about, outputs)
    document = _document(about, classes, outputs, channels, options, module, checkpoint)
    weights = save({name: value.contiguous() for name, value in module.state_dict().items()})
    folder.mkdir(parents=True)
    try:
        write_whole(folder / "weights.safetensors", weights)
        document["weights_sha256"] = sha256_of(folder / "weights.safetensors")
        write_whole(folder / "model.toml", toml_text(_tables_last(document)).encode("utf-8"))
        card = read_card(folder)
        Classifier(card, module.eval()).logits(
            np.random.default_rng(0).normal(size=(1, channels, *about.size)).astype(np.float32)
        )
    except BaseException:
        for name in ("weights.safetensors", "model.toml"):
            (folder / name).unlink(missing_ok=True)
        folder.rmdir()
        raise
    return card, notes


def _plugins_that_are_off() -> str:
    """Where an architecture may lie that is not known; empty without a plugin that is off."""
    off = [state.name for state in host.states() if state.status == "off" and not state.bundled]
    if not off:
        return ""
    return f"A plugin that is off may have it: 'whyslice plugins --enable {off[0]}'" + (
        f" ({', '.join(off[1:])} too)." if off[1:] else "."
    )


def _check(about: Description) -> None:
    if about.architecture not in ARCHITECTURES:
        raise UsageError(
            f"There is no architecture '{about.architecture}'{nearest(about.architecture, list(ARCHITECTURES))}.",
            code="no-architecture",
            action=_plugins_that_are_off(),
        )
    if about.normalise not in NORMALISATIONS:
        raise UsageError(
            f"There is no normalisation '{about.normalise}'{nearest(about.normalise, list(NORMALISATIONS))}."
        )
    # What the rule does not take shows on any picture.
    normalise(about.normalise, np.eye(4, dtype=np.float32), **about.parameters)
    if about.task not in ("", "binary", "multiclass", "multilabel"):
        raise UsageError(
            f"A network of task '{about.task}' cannot be added: say binary, multiclass or multilabel.",
            code="task",
        )
    if not _ID.fullmatch(about.id):
        raise UsageError(
            f"'{about.id}' cannot be the id of a model: use lower-case letters, digits, '-', '.' and '_'.",
            code="id",
        )


def _classes(about: Description, outputs: int) -> tuple[str, ...]:
    """The names of the classes: two for one sigmoid logit, unless the logit is one label by itself.

    Raises
    ------
    UsageError
        As many names as the network has not, or a finding that is none of them.
    """
    wanted = outputs if about.task == "multilabel" else max(outputs, 2)
    classes = about.classes or tuple(f"class {number}" for number in range(wanted))
    if len(classes) != wanted:
        raise UsageError(
            f"The network has {outputs} output{'' if outputs == 1 else 's'}, and {len(classes)} classes were named.",
            code="classes",
        )
    if about.task == "binary" and len(classes) != 2:
        raise UsageError("A network of the task 'binary' has two classes.", code="classes")
    if about.positive_class and about.positive_class not in classes:
        raise UsageError(
            f"The positive class '{about.positive_class}' is not one of {', '.join(classes)}.", code="classes"
        )
    return classes


def _options(about: Description) -> dict[str, Any]:
    if "side" not in inspect.signature(ARCHITECTURES[about.architecture]).parameters:
        return {}
    if len(set(about.size)) > 1:
        raise UsageError(f"The architecture '{about.architecture}' takes square pictures only.", code="size")
    return {"side": about.size[0]}


def _of_keras(
    about: Description, options: dict[str, Any], layers: tuple[KerasLayer, ...]
) -> tuple[nn.Module, int, int]:
    """The network, its outputs and channels: Keras lists its layers in their order."""
    shapes = [layer.arrays["kernel"].shape for layer in layers if "kernel" in layer.arrays]
    if not shapes:
        raise ModelError("The checkpoint holds no convolution, so it is no network of images.", code="keys")
    outputs, channels = int(shapes[-1][-1]), int(shapes[0][-2])
    return built(about.architecture, outputs, channels, options), outputs, channels


def _of_torch(
    about: Description, options: dict[str, Any], state: StateDict
) -> tuple[nn.Module, StateDict, tuple[str, ...], int, int]:
    """The network, its weights under its own names, what was renamed, its outputs and channels."""
    if not any(value.ndim >= 4 for value in state.values()):
        raise ModelError("The checkpoint holds no convolution, so it is no network of images.", code="keys")
    state, notes = renamed(state, built(about.architecture, 2, 3, options))
    ends = ends_of(about.architecture, options, state)
    guess = ends.outputs or len(about.classes) or 2
    module = built(about.architecture, guess, ends.channels, options)
    return module, state, notes, ends.outputs or _put_out(module, about, ends.channels), ends.channels


def _put_out(module: nn.Module, about: Description, channels: int) -> int:
    """Outputs of a network whose architecture does not ask how many: it is run once."""
    with torch.no_grad():
        try:
            found = module.eval()(torch.zeros((1, channels, *about.size)))
            return int(found.reshape(1, -1).shape[1])
        except Exception as error:  # a network of a plugin may raise anything
            card = ModelCard(about.id, about.classes, InputRule(about.size, channels))
            raise ModelError(refusal(card, (channels, *about.size), error), code="input-shape") from error


def _document(
    about: Description,
    classes: tuple[str, ...],
    outputs: int,
    channels: int,
    options: dict[str, Any],
    module: nn.Module,
    checkpoint: Path,
) -> dict[str, Any]:
    return {
        "id": about.id,
        "name": about.id,
        "task": about.task or ("binary" if outputs == 1 else "multiclass"),
        "dims": len(about.size),
        "architecture": about.architecture,
        "classes": list(classes),
        "positive_class": about.positive_class,
        "licence": "unknown",
        "citation": "",
        "parameters": sum(p.numel() for p in module.parameters() if p.requires_grad),
        "architecture_options": options,
        "input": {
            "size": list(about.size),
            "channels": channels,
            "fit": "square",
            "crop": about.crop,
            "normalise": {"name": about.normalise, **about.parameters},
        },
        "training": {
            "data": "Unknown: the weights were added from a file, and the file does not say.",
            "file_sha256": sha256_of(checkpoint),
            "use": "Research and teaching only. Not a medical device; never for a clinical decision.",
        },
        "metrics": {},
    }


def _tables_last(document: dict[str, Any]) -> dict[str, Any]:
    """Plain values first: in TOML nothing can follow a table but its own entries."""
    plain = {key: value for key, value in document.items() if not isinstance(value, Mapping)}
    return plain | {key: value for key, value in document.items() if isinstance(value, Mapping)}
