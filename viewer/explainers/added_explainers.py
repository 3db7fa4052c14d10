"""Explainers that plugins add. No torch here: a plugin that is never used costs nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from viewer.explainers.declaration import EXPLAINERS
from viewer.explainers.explainer_info import ExplainerInfo
from viewer.foundation.errors import PluginError
from viewer.foundation.registry import Registry

if TYPE_CHECKING:
    from viewer.explainers.question import Explainer

ADDED: Registry[Explainer] = Registry("explainer")
"""Name -> function."""


def register_explainer(info: ExplainerInfo, function: Explainer) -> None:
    """Add an explainer to every menu, command and script.

    Parameters
    ----------
    info : its declaration; ``in_atlas`` stays False.
    function : takes a `Question` and yields an `Answer` after every step, each better than the one before; see the
        plugin guide.

    Raises
    ------
    PluginError
        When the name is taken, or the declaration contradicts itself.
    """
    names = [parameter.name for parameter in info.parameters]
    if info.in_atlas:
        raise PluginError(
            f"The explainer '{info.name}' cannot be in the atlas: a trace makes only those that are built in.",
            code="not-in-atlas",
        )
    if len(set(names)) < len(names) or (info.repeats and info.repeats not in names):
        raise PluginError(
            f"The explainer '{info.name}' declares a parameter twice, or repeats one that it does not have.",
            code="parameters",
        )
    info.checked({})
    if info.name in EXPLAINERS:
        raise PluginError(f"There are two explainers named '{info.name}'.", code="name-taken")
    ADDED.add(info.name, function)
    EXPLAINERS.add(info.name, info)
