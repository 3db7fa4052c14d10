"""What is there: models, layers, explainers, plugins. The documents of the commands that list them."""

from __future__ import annotations

from typing import Any

from viewer.explainers.declaration import EXPLAINERS
from viewer.foundation.errors import ModelError
from viewer.models.card import ModelCard
from viewer.models.shelf import model_cards
from viewer.plugin_host import host

Document = list[dict[str, Any]]


def models() -> tuple[Document, tuple[ModelError, ...]]:
    """Every model on this machine, and what was wrong with the cards that could not be read.

    Loads no network, except to count the parameters of a model whose card does not say.
    """
    cards, broken = model_cards()
    return [_model(card) for card in cards], broken


def _model(card: ModelCard) -> dict[str, Any]:
    return {
        "id": card.id,
        "name": card.name,
        "task": card.task,
        "dims": card.dims,
        "classes": list(card.classes),
        "parameters": card.parameters or _counted(card),
        "architecture": card.architecture,
        "plugin": card.plugin,
        "weights": card.weights is not None,
        "positive_class": card.positive_class,
        "default_layer": card.default_layer,
        "licence": card.licence,
        "caution": card.caution,
    }


def _counted(card: ModelCard) -> int | None:
    """Trainable parameters of a model whose card does not say; None when it cannot be loaded."""
    from viewer.controllers import engine

    host.activate()
    try:
        return engine.load(str(card.folder), "cpu").parameters
    except ModelError:
        return None


def layers(model: str, device: str = "auto") -> Document:
    """Every layer of a model that has a map, in the order of the forward pass.

    Raises
    ------
    ModelError
        When the model cannot be loaded.
    """
    from viewer.controllers import engine

    host.activate()
    loaded = engine.load(model, device)
    return [{**layer.to_json(), "default": layer.name == loaded.default_layer} for layer in loaded.layers]


def explainers() -> Document:
    """Every explainer with what it needs, those of plugins too."""
    host.activate()
    return [info.to_json() for info in EXPLAINERS.values()]


def enable_plugin(name: str) -> None:
    """Trust a user's plugin as it is now.

    Raises
    ------
    PluginError
        When there is no such plugin of the user, or it is broken.
    """
    host.enable(name)


def disable_plugin(name: str) -> None:
    """Stop trusting a user's plugin.

    Raises
    ------
    PluginError
        When there is no such plugin of the user.
    """
    host.disable(name)


def plugins(*, safe_mode: bool = False) -> Document:
    """Every plugin with what became of it; the trusted ones are loaded for that."""
    return [state.to_json() for state in host.activate(safe_mode)]
