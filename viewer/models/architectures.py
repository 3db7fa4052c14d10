"""Named network architectures; plugins add theirs through `viewer.api`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from viewer.foundation.errors import ModelError
from viewer.foundation.registry import Registry

ARCHITECTURES: Registry[Callable[..., nn.Module]] = Registry("architecture")
"""Name -> factory. A factory takes ``classes: int, channels: int`` and its own options, and returns a fresh module."""


@dataclass(frozen=True)
class Ends:
    """What a network takes and gives.

    Attributes
    ----------
    channels : of its input.
    outputs : that it gives; None where nothing in the weights depends on how many are asked for.
    """

    channels: int
    outputs: int | None


def built(name: str, classes: int, channels: int, options: Mapping[str, Any]) -> nn.Module:
    """A fresh network of a registered architecture.

    Raises
    ------
    ModelError
        When its factory fails, as one from a plugin may in any way, or gives no network.
    """
    try:
        module = ARCHITECTURES[name](classes=classes, channels=channels, **options)
    except ModelError:
        raise
    except Exception as error:  # a plugin may raise anything
        raise ModelError(
            f"The architecture '{name}' cannot be made with {classes} outputs and {channels} channels: "
            f"{type(error).__name__}.",
            code="no-architecture",
        ) from error
    if not isinstance(module, nn.Module):
        raise ModelError(f"The architecture '{name}' gives no network.", code="no-architecture")
    return module


def ends_of(name: str, options: Mapping[str, Any], state: Mapping[str, Tensor]) -> Ends:
    """Channels and outputs that weights of an architecture were made for.

    The order of the weights in a file says nothing (safetensors sorts them by name), so the architecture is asked: what
    changes its shape with the number of classes is the last layer, and with the number of channels the first one.

    Raises
    ------
    ModelError
        When the architecture cannot be made at all.
    """
    one = built(name, 2, 3, options)
    plain = dict(one.state_dict())
    outputs = _that_changes(plain, _tried(name, 5, 3, options), state, 0, 2)
    channels = _that_changes(plain, _tried(name, 2, 1, options), state, 1, 3)
    if channels is None:
        channels = next(
            (int(value.shape[1]) for value in plain.values() if value.ndim >= 4), 1
        )  # the architecture has its own mind
    return Ends(channels, outputs)


def _tried(name: str, classes: int, channels: int, options: Mapping[str, Any]) -> Mapping[str, Tensor]:
    try:
        return built(name, classes, channels, options).state_dict()
    except ModelError:
        return {}


def _that_changes(
    one: Mapping[str, Tensor], other: Mapping[str, Tensor], state: Mapping[str, Tensor], axis: int, was: int
) -> int | None:
    """The extent along `axis` of the weight of `state` whose shape differs between two makings of a network."""
    for key, value in one.items():
        changed = key in other and other[key].shape != value.shape
        if changed and key in state and value.ndim > axis and state[key].ndim == value.ndim:
            # Weights of several outputs at a cell hold a multiple of them.
            each = value.shape[axis] // was
            return int(state[key].shape[axis]) // max(each, 1)
    return None
