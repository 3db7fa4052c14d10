"""Weights that Keras saved as HDF5, put into a torch network of the same chain of layers. No TensorFlow, nothing run.

The layers of both are matched in the order in which they compute: the file lists its own, the network's are those that
hold parameters. Keras keeps channels last, so kernels are turned, and whatever follows a flattened grid is reordered.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from viewer.foundation.errors import ModelError

Array = NDArray[np.float32]

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_MOST_BYTES = 8 << 30
_LINEAR = (nn.Linear, nn.Conv2d, nn.Conv3d)
_NORM = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


@dataclass(frozen=True)
class KerasLayer:
    """One layer of the file that holds weights.

    Attributes
    ----------
    name : as in the file.
    arrays : last part of the weight's name (``kernel``, ``bias``, ``gamma``, ``beta``, ``moving_mean``,
        ``moving_variance``) -> values with Keras' axes.
    """

    name: str
    arrays: dict[str, Array]


def is_hdf5(path: Path) -> bool:
    """Whether a file is HDF5, by its content."""
    try:
        with path.open("rb") as stream:
            return stream.read(len(_SIGNATURE)) == _SIGNATURE
    except OSError:
        return False


def read_keras_layers(path: Path) -> tuple[KerasLayer, ...]:
    """Read the layers of a whole saved model or of its weights alone (``.h5``, ``.hdf5``).

    Raises
    ------
    ModelError
        Not such a file, damaged, or too large.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            group = file.get("model_weights", file)
            if "layer_names" not in group.attrs:
                raise ModelError(
                    f"'{path.name}' is an HDF5 file, but not one that Keras saved a network in.",
                    code="bad-weights",
                )
            found = [_layer(group, _text(name)) for name in group.attrs["layer_names"]]
    except ModelError:
        raise
    except (OSError, KeyError, ValueError, TypeError, RuntimeError, AttributeError) as error:
        raise ModelError(
            f"'{path.name}' is a damaged HDF5 file: its weights cannot be read.", code="bad-weights"
        ) from error
    return tuple(layer for layer in found if layer.arrays)


def _layer(group: Any, name: str) -> KerasLayer:
    own = group[name]
    arrays: dict[str, Array] = {}
    for full in map(_text, own.attrs["weight_names"]):
        data = own[full]
        if data.size * 4 > _MOST_BYTES:
            raise ModelError(f"The layer '{name}' of the file is larger than is allowed.", code="too-large")
        arrays[full.rpartition("/")[2].partition(":")[0]] = np.asarray(data[()], dtype=np.float32)
    return KerasLayer(name, arrays)


def _text(value: Any) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def state_from_keras(module: nn.Module, layers: tuple[KerasLayer, ...]) -> dict[str, Tensor]:
    """The state dict of a chain of layers, from the layers of a Keras file in the same order.

    Parameters
    ----------
    module : a network whose modules are registered in the order in which they compute (`nn.Sequential` is).
    layers : as `read_keras_layers` returns them.

    Raises
    ------
    ModelError
        When the numbers of layers, their kinds or their sizes differ; the sentence names the first difference.
    """
    own = [(name, part) for name, part in module.named_modules() if isinstance(part, (*_LINEAR, *_NORM))]
    if len(own) != len(layers):
        raise ModelError(
            f"The file holds {len(layers)} layers with weights and the architecture {len(own)}.", code="keys"
        )
    channels = dict(_flattened(module))
    state: dict[str, Tensor] = {}
    for (name, part), layer in zip(own, layers, strict=True):
        for key, values in _converted(part, layer, channels.get(name, 0)).items():
            wanted = dict(part.named_parameters()) | dict(part.named_buffers())
            if key not in wanted or tuple(wanted[key].shape) != values.shape:
                raise ModelError(
                    f"The layer '{layer.name}' of the file does not fit '{name}' of the architecture: "
                    f"{_shape(values)} in place of {_shape(wanted.get(key))}.",
                    code="keys",
                )
            state[f"{name}.{key}"] = torch.from_numpy(np.ascontiguousarray(values))
    return state


def _flattened(module: nn.Module) -> Iterator[tuple[str, int]]:
    """Layers whose features are a flattened grid, and the grid's number of channels."""
    channels = 0
    inside = False
    for name, part in module.named_modules():
        if isinstance(part, nn.Conv2d | nn.Conv3d):
            channels = part.out_channels
        elif isinstance(part, nn.Flatten):
            inside = True
        elif inside and isinstance(part, nn.Linear | nn.BatchNorm1d):
            yield name, channels
            # After the first linear layer nothing of the grid's order is left.
            inside = not isinstance(part, nn.Linear)


def _converted(part: nn.Module, layer: KerasLayer, channels: int) -> dict[str, Array]:
    arrays = layer.arrays
    if isinstance(part, _NORM):
        names = {
            "gamma": "weight",
            "beta": "bias",
            "moving_mean": "running_mean",
            "moving_variance": "running_var",
        }
        found = {names[key]: values for key, values in arrays.items() if key in names}
        missing = {"weight", "bias", "running_mean", "running_var"} - set(found)
        if missing:
            raise ModelError(
                f"The layer '{layer.name}' of the file is no batch norm with scale, shift and moving statistics.",
                code="keys",
            )
        return {key: _reordered(values, channels) for key, values in found.items()}
    if "kernel" not in arrays or "bias" not in arrays:
        raise ModelError(f"The layer '{layer.name}' of the file has no kernel and bias.", code="keys")
    kernel = arrays["kernel"]
    if isinstance(part, nn.Linear) and kernel.ndim == 2:
        return {"weight": _reordered(kernel, channels).T, "bias": arrays["bias"]}
    # (*space, in, out) -> (out, in, *space)
    turned = kernel.transpose(kernel.ndim - 1, kernel.ndim - 2, *range(kernel.ndim - 2))
    return {"weight": turned, "bias": arrays["bias"]}


def _reordered(values: Array, channels: int) -> Array:
    """Features of a flattened grid from (cell, channel) to (channel, cell), along the first axis."""
    if channels < 1 or len(values) % channels or len(values) == channels:
        return values
    grid = values.reshape(len(values) // channels, channels, *values.shape[1:])
    return grid.swapaxes(0, 1).reshape(values.shape)


def _shape(values: Any) -> str:
    return "nothing" if values is None else " x ".join(str(n) for n in values.shape)
