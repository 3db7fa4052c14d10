"""A checkpoint of the user's own becomes a model folder, by which it is listed and loaded like a bundled model."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import save
from torch import Tensor, nn

from viewer.foundation.errors import ModelError, UsageError
from viewer.foundation.provenance import sha256_of
from viewer.foundation.registry import nearest
from viewer.foundation.toml_text import toml_text
from viewer.foundation.whole_file import write_whole
from viewer.models.architectures import ARCHITECTURES
from viewer.models.card import ModelCard, read_card
from viewer.models.classifier import Classifier
from viewer.models.keras_weights import is_hdf5, read_keras_layers, state_from_keras
from viewer.models.normalise import NORMALISATIONS
from viewer.models.weights import put_weights, read_weights

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
    normalise : name of a normalisation.
    crop : ``none``, ``percentile`` or ``brain``.
    """

    architecture: str
    id: str
    classes: tuple[str, ...] = ()
    positive_class: str = ""
    size: tuple[int, ...] = (192, 192)
    normalise: str = "range"
    crop: str = "none"


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
    shapes = [a["kernel"].shape for a in (layer.arrays for layer in layers) if "kernel" in a]
    channels, outputs = (int(shapes[0][-2]), int(shapes[-1][-1])) if shapes else _ends(state)
    classes = about.classes or tuple(f"class {number}" for number in range(max(outputs, 2)))
    if len(classes) != max(outputs, 2):
        raise UsageError(
            f"The network has {outputs} outputs, and {len(classes)} classes were named.", code="classes"
        )
    if about.positive_class and about.positive_class not in classes:
        raise UsageError(
            f"The positive class '{about.positive_class}' is not one of {', '.join(classes)}.", code="classes"
        )
    module, options = _built(about, outputs, channels)
    if keras:
        state = state_from_keras(module, layers)
    put_weights(module, state, checkpoint.name)
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


def _check(about: Description) -> None:
    if about.architecture not in ARCHITECTURES:
        raise UsageError(
            f"There is no architecture '{about.architecture}'{nearest(about.architecture, list(ARCHITECTURES))}.",
            code="no-architecture",
        )
    if about.normalise not in NORMALISATIONS:
        raise UsageError(
            f"There is no normalisation '{about.normalise}'{nearest(about.normalise, list(NORMALISATIONS))}."
        )
    if not _ID.fullmatch(about.id):
        raise UsageError(
            f"'{about.id}' cannot be the id of a model: use lower-case letters, digits, '-', '.' and '_'.",
            code="id",
        )


def _ends(state: Mapping[str, Tensor]) -> tuple[int, int]:
    """Channels that the first kernel takes and outputs that the last matrix gives."""
    kernels = [value for value in state.values() if value.ndim >= 4]
    matrices = [value for value in state.values() if value.ndim >= 2]
    if not kernels or not matrices:
        raise ModelError("The checkpoint holds no convolution, so it is no network of images.", code="keys")
    return int(kernels[0].shape[1]), int(matrices[-1].shape[0])


def _built(about: Description, outputs: int, channels: int) -> tuple[nn.Module, dict[str, Any]]:
    factory = ARCHITECTURES[about.architecture]
    options: dict[str, Any] = {}
    if "side" in inspect.signature(factory).parameters:
        if len(set(about.size)) > 1:
            raise UsageError(
                f"The architecture '{about.architecture}' takes square pictures only.", code="size"
            )
        options["side"] = about.size[0]
    module = factory(classes=outputs, channels=channels, **options)
    if not isinstance(module, nn.Module):
        raise ModelError(f"The architecture '{about.architecture}' gives no network.", code="no-architecture")
    return module, options


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
        "task": "binary" if outputs == 1 else "multiclass",
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
            "normalise": {"name": about.normalise},
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
