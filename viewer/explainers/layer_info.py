"""What is known of a layer that a map can be made on. No torch here: the window lists layers without it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from viewer.foundation.errors import UsageError
from viewer.foundation.registry import nearest

SAME_OUTPUT = "same-output-as:"
CHANNELS_LAST = "channels-last"


@dataclass(frozen=True)
class LayerInfo:
    """One output of one module during one pass; a module that runs twice has two of them.

    Attributes
    ----------
    name : path of the module; with ``#1``, ``#2``... when it runs more than once in a pass.
    type : class of the module.
    shape : (channel, row, column) or (channel, slice, row, column) of the output, without the batch.
    flags : ``reused`` (the module runs several times), ``same-output-as:NAME`` (a container or an idle dropout: its
        map is the one of NAME), ``followed-by-in-place`` (a later step overwrites the output; the map is made from
        what the layer itself put out), ``before-global-pool`` (the gradient does not vary in space, so several
        explainers are equal here), ``channels-last`` (the module puts out (row, column, channel), as transformers do),
        ``no-gradient`` (the network's output does not depend on it in a way that can be differentiated).
    """

    name: str
    type: str
    shape: tuple[int, ...]
    flags: tuple[str, ...] = ()

    @property
    def grid(self) -> tuple[int, ...]:
        """(row, column) or (slice, row, column) of the layer's maps."""
        return self.shape[1:]

    @property
    def same_as(self) -> str | None:
        """Name of the earlier layer with this very output."""
        for flag in self.flags:
            if flag.startswith(SAME_OUTPUT):
                return flag.removeprefix(SAME_OUTPUT)
        return None

    @property
    def differentiable(self) -> bool:
        return "no-gradient" not in self.flags

    def to_json(self) -> dict[str, Any]:
        """An entry of ``whyslice layers``."""
        return {
            "name": self.name,
            "type": self.type,
            "shape": list(self.shape),
            "grid": list(self.grid),
            "flags": list(self.flags),
        }


def find_layer(layers: Iterable[LayerInfo], name: str) -> LayerInfo:
    """The layer of that name.

    Raises
    ------
    UsageError
        When there is none (the nearest names are offered), or the module runs several times and the call is not said.
    """
    known = {layer.name: layer for layer in layers}
    if name in known:
        return known[name]
    calls = [other for other in known if "#" in other and other.rpartition("#")[0] == name]
    if calls:
        raise UsageError(
            f"The layer '{name}' runs {len(calls)} times in a pass: say which one, {calls[0]} to {calls[-1]}.",
            code="ambiguous-layer",
        )
    raise UsageError(
        f"There is no layer '{name}' with an output in space{nearest(name, list(known))}.",
        code="no-such-layer",
    )
