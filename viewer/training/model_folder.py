"""Writes what a training leaves behind: the card, the weights, and words for a reader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from viewer.explainers.layers import find_layers
from viewer.foundation.progress import Progress
from viewer.foundation.provenance import sha256_of
from viewer.foundation.toml_text import toml_text
from viewer.models.card import ModelCard, read_card
from viewer.models.classifier import Classifier
from viewer.training.card_page import card_page
from viewer.training.figures import map_figures, prediction_figures
from viewer.training.task import TrainingTask
from viewer.training.threshold import RULE, validated_threshold

PATIENTS_EXPLAINED = 25
"""Held-out patients with the finding whose maps are measured."""


def write_model(task: TrainingTask, out: Path, progress: Progress) -> Path:
    """Write ``model.toml``, ``weights.safetensors`` and ``MODEL_CARD.md`` for the task's network.

    Kernels and matrices are stored in half precision, everything else in single; the network is rounded likewise
    before it is measured, so the figures are those of the stored weights.

    Parameters
    ----------
    task : with the network as trained.
    out : parent of the model folder, which is named after the card's id.

    Returns
    -------
    Path
        The model folder.
    """
    fixed = dict(task.card())
    folder = out / str(fixed["id"])
    folder.mkdir(parents=True, exist_ok=True)
    network = task.network.float().to(memory_format=torch.contiguous_format).eval()
    stored = {
        name: _stored(value) for name, value in network.state_dict().items() if value.is_floating_point()
    }
    network.load_state_dict({name: value.float() for name, value in stored.items()}, strict=False)
    save_file(stored, folder / "weights.safetensors")
    (folder / "weights.safetensors").chmod(0o644)

    # A recipe may have held some of them; whoever goes on from here can train all.
    fixed["parameters"] = sum(p.numel() for p in network.parameters())
    fixed["weights_sha256"] = sha256_of(folder / "weights.safetensors")
    fixed["training"] = {**fixed["training"], "date": date.today().isoformat()}
    card = _written(fixed, folder)
    classifier = Classifier(card, network)
    if card.task != "multilabel" and len(card.classes) == 2:
        threshold = validated_threshold(classifier, task.validation_batches(), progress)
        if threshold is not None:
            fixed["thresholds"] = {card.classes[1]: threshold}
            fixed["training"]["threshold"] = RULE
            classifier = Classifier(_written(fixed, folder), network)

    held = task.held_out()
    maps = map_figures(classifier, held, PATIENTS_EXPLAINED, progress)
    metrics: dict[str, Any] = prediction_figures(classifier, held, progress)
    if maps.near:
        # Nearest first; among equals the layer whose peaks lie on the finding, which the finer grids do better.
        default = max(
            task.layer_choices, key=lambda layer: (_share(maps.near, layer), _share(maps.exact, layer))
        )
        told = [layer.name for layer in find_layers(classifier) if layer.type == "ReLU"]
        told = [
            name for name in dict.fromkeys([*told, *task.layer_choices]) if (name, "grad-cam") in maps.near
        ]
        metrics["localisation"] = maps.localisation(tuple(told))
        for name, share in maps.of_classes(default).items():
            if name in metrics.get("classes", {}):
                metrics["classes"][name]["peak_exact_hit"] = share
        metrics["peak_within_6px"] = metrics["localisation"][default]["grad-cam"]["near"]
        metrics["exact_hit"] = metrics["localisation"][default]["grad-cam"]["exact"]
        metrics["brightness_within_6px"] = metrics["localisation"]["brightness"]["near"]
        metrics["brightness_exact_hit"] = metrics["localisation"]["brightness"]["exact"]
    else:
        default = task.layer_choices[0]
    document = _ordered(fixed, default, maps.reference(), metrics)
    (folder / "model.toml").write_text(toml_text(document), encoding="utf-8")
    (folder / "MODEL_CARD.md").write_text(card_page(read_card(folder), document), encoding="utf-8")
    return folder


def _written(fixed: Mapping[str, Any], folder: Path) -> ModelCard:
    """The card as far as it is known, as whoever loads the folder reads it."""
    (folder / "model.toml").write_text(toml_text(fixed), encoding="utf-8")
    return replace(read_card(folder), folder=folder)


def _stored(value: Tensor) -> Tensor:
    halved = value.half() if value.dim() > 1 else value.float()
    return halved.contiguous().cpu()


def _share(hits: Mapping[tuple[str, str], list[bool]], layer: str) -> float:
    """Share of slices whose Grad-CAM peak hit; -1 without any."""
    own = hits.get((layer, "grad-cam"), [])
    return sum(own) / len(own) if own else -1.0


def _ordered(
    fixed: Mapping[str, Any], default: str, reference: list[dict[str, Any]], metrics: Mapping[str, Any]
) -> dict[str, Any]:
    """Plain values first: in TOML nothing can follow a table but its own entries."""
    document = {key: value for key, value in fixed.items() if not isinstance(value, Mapping)}
    document["default_layer"] = default
    document["reference"] = reference
    document |= {key: value for key, value in fixed.items() if isinstance(value, Mapping)}
    document["metrics"] = metrics
    return document
