"""What ``whyslice evaluate`` was asked for, and what that means for one model: a plan that a worker can carry."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from viewer.controllers.explain_order import ExplainOrder, chosen_classes, chosen_layers
from viewer.controllers.headless import InputWish
from viewer.evaluation.bootstrap import DRAWS
from viewer.evaluation.boxes import BoxRule
from viewer.evaluation.iou_curve import PERCENTAGES
from viewer.explainers.declaration import EXPLAINERS, resolved
from viewer.explainers.explainer_info import INPUT_LAYER
from viewer.foundation.errors import ModelError, UsageError
from viewer.foundation.progress import SILENT, Progress
from viewer.models.card import Crop, ScoreType
from viewer.plugin_host import host

ALL = "all"
EDITION = 3
"""Raised whenever the same request gives other numbers, so that results kept on disk are not taken for new ones."""

SliceRule = Literal["marked", "largest", "peak", "all"]
"""``marked``: slices on which a reader marked one of the classes; ``largest``: the one of them with most marked pixels;
``peak``: the slice that stands for the case; ``all``. The peak slice is always among them."""
SLICE_RULES: tuple[str, ...] = get_args(SliceRule)
Include = Literal["correct", "all"]
INCLUDES: tuple[str, ...] = get_args(Include)
FRACTIONS = (2.0, 5.0, 10.0, 20.0, 50.0)
"""Percentages of pixels that the chest X-ray study replaces."""
TRANSFORMS = ("mean", "blur-11", "blur-21", "noise")
DEFAULT_EXPLAINERS = ("grad-cam", "grad-cam++", "layer-cam")


@dataclass(frozen=True)
class EvaluateOrder:
    """A wish in the words of the command line.

    Attributes
    ----------
    cohort : folder with ``cohort.csv``.
    model : id or folder.
    out : folder of the results.
    explainers : names, or ``all`` that the model has; empty for the three usual ones.
    layers : names, or ``all``; empty for the model's default layer.
    targets : classes by name or index; empty for the positive class or, without one, all.
    settings : parameters of the explainers, as texts.
    slices : which slices of a case are explained.
    rule, values : which pixels of a map count.
    transforms : what replaces pixels; empty for no pixel importance.
    split : only the images of this split; empty for all.
    include : what counts for localisation: only maps of classes that were predicted ``correct``, or ``all``.
    jobs : worker processes; 0 to work in this process, None for as many as there are cores.
    misclassified : cases that the model gets wrong, shown in a figure; at most so many, 0 for none.
    disputes : path as the table names it -> why its label is wrong; such images are counted apart.
    draws, seed : of the bootstrap; the seed is also that of random maps.
    examples : pictures with maps of so many true positives of each class, and of one error; 0 for none.
    """

    cohort: Path
    model: str
    out: Path
    explainers: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    score: ScoreType = "logit"
    wish: InputWish = field(default_factory=InputWish)
    device: str = "auto"
    slices: SliceRule = "marked"
    rule: Literal["top-percent", "fraction-of-max"] = "top-percent"
    values: tuple[float, ...] = PERCENTAGES
    transforms: tuple[str, ...] = TRANSFORMS
    fractions: tuple[float, ...] = FRACTIONS
    split: str = ""
    include: Include = "correct"
    jobs: int | None = None
    misclassified: int = 0
    disputes: Mapping[str, str] = field(default_factory=dict)
    draws: int = DRAWS
    seed: int = 0
    examples: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """The explainers, by name, each once; ``all`` are those that there are."""
        asked = self.explainers or DEFAULT_EXPLAINERS
        named = [name for word in asked for name in (EXPLAINERS if word == ALL else (word,))]
        return tuple(dict.fromkeys(named))

    def check(self) -> None:
        """Refuse what does not exist and what is not allowed; needs no model.

        Raises
        ------
        UsageError
            With the nearest names.
        """
        host.activate()  # a plugin may bring explainers
        self._explaining().check()
        for value in self.values:
            BoxRule(self.rule, value)
        if not self.values:
            raise UsageError("Localisation needs at least one threshold.", code="values")
        for fraction in self.fractions:
            BoxRule("top-percent", fraction)
        for name in self.transforms:
            if name not in TRANSFORMS:
                raise UsageError(
                    f"Pixels are not replaced by '{name}': there are {', '.join(TRANSFORMS)}.",
                    code="no-such-transform",
                )

    def _explaining(self) -> ExplainOrder:
        return ExplainOrder(self.model, self.names, self.out, settings=self.settings)

    def parameters(self) -> dict[str, dict[str, str]]:
        """Explainer -> its settings, as texts."""
        order = self._explaining()
        return {name: order.parameters(name) for name in self.names if order.parameters(name)}


@dataclass(frozen=True)
class LeftOut:
    """An explainer that a model does not have on a layer, and why."""

    explainer: str
    layer: str
    reason: str


@dataclass(frozen=True)
class CohortPlan:
    """What is done with every image of a cohort; can be sent to a worker process.

    Attributes
    ----------
    classes : names, in the order of the network's outputs.
    targets : class indices to explain.
    maps : (layer, explainer) pairs to make, layers of explainers without one being `INPUT_LAYER`.
    left_out : what was asked for and does not exist.
    weights_sha256 : of the model, part of what the results are kept under.
    default_layer : of the model, whether its maps are asked for there or not.
    """

    model: str
    device: str
    classes: tuple[str, ...]
    dims: int
    targets: tuple[int, ...]
    maps: tuple[tuple[str, str], ...]
    left_out: tuple[LeftOut, ...]
    parameters: Mapping[str, Mapping[str, str]]
    score: ScoreType
    mirror: bool
    crop: Crop
    slices: SliceRule
    rule: Literal["top-percent", "fraction-of-max"]
    values: tuple[float, ...]
    transforms: tuple[str, ...]
    fractions: tuple[float, ...]
    seed: int
    weights_sha256: str = ""
    default_layer: str = ""

    def to_json(self) -> dict[str, Any]:
        """All of it, for the record."""
        return {**asdict(self), "edition": EDITION}

    @property
    def fingerprint(self) -> str:
        """The same for requests that give the same numbers."""
        beside = ("left_out", "device", "default_layer")
        facts = {name: value for name, value in self.to_json().items() if name not in beside}
        return hashlib.sha256(json.dumps(facts, sort_keys=True, default=list).encode()).hexdigest()

    @property
    def layers(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(layer for layer, _ in self.maps))

    @property
    def chief(self) -> tuple[str, str]:
        """Layer and explainer that stand for the model beside others: its first on its default layer, or its first."""
        return next((each for each in self.maps if each[0] == self.default_layer), self.maps[0])


def planned(order: EvaluateOrder, progress: Progress = SILENT) -> CohortPlan:
    """Load the model and decide what is to be made; touches the network, so it belongs on the compute lane.

    Raises
    ------
    UsageError
        Unknown layer, class, explainer or parameter; nearest names are offered.
    ModelError, ExplainError
        The sentence says what failed.
    """
    from viewer.controllers import engine

    order.check()
    progress.report(0, 1, "loading the model")
    loaded = engine.load(order.model, order.device)
    card = loaded.card
    if card.task == "segmentation":
        raise ModelError(
            f"'{card.id}' is a segmentation network: a cohort is evaluated for classes of whole images.",
            code="segmentation",
        )
    if order.targets:
        targets = chosen_classes(card, order.targets, None)
    else:
        targets = tuple(index for index, name in enumerate(card.classes) if card.positive_class in ("", name))
    layers = chosen_layers(order.layers, loaded.layers, loaded.default_layer)
    refused = {layer: engine.unsupported(order.model, order.device, layer) for layer in layers}
    maps: list[tuple[str, str]] = []
    left_out: list[LeftOut] = []
    for name in order.names:
        needs_layer = resolved(name, dict(order.parameters().get(name, {}))).needs_layer
        for layer in layers if needs_layer else (INPUT_LAYER,):
            why = refused[layer if needs_layer else layers[0]].get(name, "")
            if why:
                left_out.append(LeftOut(name, layer, why))
            else:
                maps.append((layer, name))
    if not maps:
        raise UsageError(
            f"The model '{card.id}' has none of the explainers: {left_out[0].reason}", code="unsupported"
        )
    return CohortPlan(
        order.model,
        order.device,
        card.classes,
        card.dims,
        targets,
        tuple(maps),
        tuple(left_out),
        order.parameters(),
        order.score,
        order.wish.mirror,
        order.wish.crop_rule(card),
        order.slices,
        order.rule,
        tuple(sorted(order.values)),
        order.transforms,
        tuple(sorted(order.fractions)),
        order.seed,
        card.weights_sha256,
        loaded.default_layer,
    )
