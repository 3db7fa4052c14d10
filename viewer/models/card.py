"""`model.toml`: everything about a model that is not a weight. No torch here, so lists of models cost nothing."""

from __future__ import annotations

import operator
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from viewer.foundation.errors import ModelError

Task = Literal["binary", "multiclass", "multilabel", "segmentation"]
Crop = Literal["none", "percentile", "brain", "body"]
"""How an input is cropped: ``percentile`` and ``brain`` are rules of pictures, ``body`` is the one of volumes."""
ScoreType = Literal["logit", "probability", "margin"]
"""What an explanation differentiates."""
RECOVERED = "softmax-inside"
"""Flag: the network applies softmax or sigmoid itself, and the score before it was caught."""
SQUASHED = "squashed-output"
"""Flag: the outputs look like probabilities, and the score before them could not be caught."""
_TASKS = ("binary", "multiclass", "multilabel", "segmentation")
CROPS: dict[int, tuple[Crop, ...]] = {2: ("none", "brain", "percentile"), 3: ("none", "body")}
"""Cropping rules by the dims of a network."""
_AXES = {2: "two", 3: "three"}


def class_index(target: object, classes: Sequence[str]) -> int | None:
    """Index of a class given by name or by a whole number of whatever library; None when there is no such class."""
    if isinstance(target, str):
        if target in classes:
            return list(classes).index(target)
        target = int(target) if target.isdecimal() else None
    try:
        index = -1 if isinstance(target, bool) else operator.index(target)  # type: ignore[arg-type]
    except TypeError:
        return None
    return index if 0 <= index < len(classes) else None


@dataclass(frozen=True)
class InputRule:
    """How a picture, or a volume, becomes the network's input.

    Attributes
    ----------
    size : (rows, columns) of the network's input, (slices, rows, columns) for a network of volumes.
    channels : number of channels; a grey picture is repeated.
    neighbours : slices on either side that the network sees together with the one in the middle, each as a channel,
        from the foot upwards; then there are ``2 * neighbours + 1`` channels. 0 for a network of single slices.
    fit : ``square`` pads the shorter sides (in mm) so that nothing is stretched; ``stretch`` does not.
    crop : rule by which the input is cropped unless the user decides otherwise.
    normalise : name of the normalisation.
    parameters : of that normalisation.
    """

    size: tuple[int, ...]
    channels: int = 1
    fit: Literal["square", "stretch"] = "square"
    crop: Crop = "none"
    normalise: str = "range"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    neighbours: int = 0


@dataclass(frozen=True)
class AppliesTo:
    """The images that the model was made for; an empty field makes no demand.

    Attributes
    ----------
    modality, sequence : allowed values, upper case.
    plane : ``axial``, ``coronal``, ``sagittal`` or empty.
    body_part : lower case.
    spacing_mm : (least, most) in-plane spacing.
    b_values : (least, most) diffusion weighting, s/mm2.
    colour : whether the network wants colour pictures.
    view_position : of films, allowed values, upper case, such as ``PA``.
    """

    modality: tuple[str, ...] = ()
    sequence: tuple[str, ...] = ()
    plane: str = ""
    body_part: str = ""
    spacing_mm: tuple[float, float] | None = None
    b_values: tuple[float, float] | None = None
    colour: bool = False
    view_position: tuple[str, ...] = ()


@dataclass(frozen=True)
class ModelCard:
    """What is known of a model.

    Attributes
    ----------
    id : folder name and name on the command line.
    name : words for a person.
    task : ``binary`` is one sigmoid logit for two classes.
    dims : 2 or 3.
    architecture : registered name; empty for a wrapped module.
    classes : in the order of the network's outputs.
    positive_class : the class that is the finding (empty when there is none).
    thresholds : class -> probability from which the class counts as present.
    default_layer : layer whose map is shown first.
    parameters : number of trainable parameters; 0 when unknown.
    reference : (layer, class, method) -> raw map value that is shown as full scale: the median over held-out positive
        cases of the series' maximum.
    caution : a clause that says why its answers must not be taken for what they seem to be; empty for none.
    training, metrics : free facts, shown to the user as they are.
    folder : where the card was read from; None for a wrapped module.
    """

    id: str
    classes: tuple[str, ...]
    input: InputRule
    name: str = ""
    task: Task = "multiclass"
    dims: int = 2
    architecture: str = ""
    architecture_options: Mapping[str, Any] = field(default_factory=dict)
    plugin: str = ""
    positive_class: str = ""
    thresholds: Mapping[str, float] = field(default_factory=dict)
    default_layer: str = ""
    parameters: int = 0
    applies_to: AppliesTo = AppliesTo()
    reference_scale: Mapping[tuple[str, str, str], float] = field(default_factory=dict)
    caution: str = ""
    training: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    licence: str = ""
    citation: str = ""
    weights_sha256: str = ""
    folder: Path | None = None

    def reference(self, layer: str, class_name: str, method: str) -> float | None:
        """Raw map value shown as full scale, or None when the card does not know."""
        return self.reference_scale.get((layer, class_name, method))

    def threshold(self, class_name: str) -> float:
        """Probability from which the class counts as present; 0.5 when the card is silent."""
        return self.thresholds.get(class_name, 0.5)

    @property
    def weights(self) -> Path | None:
        """The weights beside the card, when they are there."""
        path = self.folder / "weights.safetensors" if self.folder else None
        return path if path and path.is_file() else None


def read_card(folder: Path) -> ModelCard:
    """Read ``model.toml`` of a model folder.

    Raises
    ------
    ModelError
        When there is none, it is not TOML, or a field is missing or of the wrong kind; the sentence names the field.
    """
    path = folder / "model.toml"
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(
            f"'{folder.name}' is not a model folder: it has no model.toml.", code="no-card"
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ModelError(
            f"The model card of '{folder.name}' cannot be read: {error}.", code="bad-card"
        ) from error
    try:
        return _card(document, folder)
    except (KeyError, TypeError, ValueError) as error:
        what = f"the field {error} is missing" if isinstance(error, KeyError) else str(error)
        raise ModelError(
            f"The model card of '{folder.name}' is not usable: {what}.", code="bad-card"
        ) from error


def _card(document: dict[str, Any], folder: Path) -> ModelCard:
    task, classes = str(document.get("task", "multiclass")), tuple(str(c) for c in document["classes"])
    if task not in _TASKS:
        raise ValueError(f"the task '{task}' is not one of {', '.join(_TASKS)}")
    if len(classes) < 2 and task != "multilabel":
        raise ValueError("it names fewer than two classes")
    if len(set(classes)) < len(classes):
        raise ValueError("two of its classes have one name")
    thresholds = {str(k): float(v) for k, v in dict(document.get("thresholds", {})).items()}
    for name, value in thresholds.items():
        if name not in classes:
            raise ValueError(f"the threshold of '{name}' is not of one of its classes")
        if not 0 <= value <= 1:
            raise ValueError(f"the threshold of '{name}' is not a probability")
    dims = int(document.get("dims", 2))
    if dims not in _AXES:
        raise ValueError(f"its dims are {dims}, and networks have 2 or 3")
    applies = dict(document.get("applies_to", {}))
    positive = str(document.get("positive_class", ""))
    if positive and positive not in classes:
        raise ValueError(f"the positive class '{positive}' is not one of its classes")
    return ModelCard(
        id=str(document["id"]),
        classes=classes,
        input=_input_rule(dict(document["input"]), dims),
        name=str(document.get("name", document["id"])),
        task=cast(Task, task),
        dims=dims,
        architecture=str(document["architecture"]),
        architecture_options=dict(document.get("architecture_options", {})),
        plugin=str(document.get("plugin", "")),
        positive_class=positive,
        thresholds=thresholds,
        default_layer=str(document.get("default_layer", "")),
        parameters=int(document.get("parameters", 0)),
        applies_to=AppliesTo(
            modality=_words(applies.get("modality", ())),
            sequence=_words(applies.get("sequence", ())),
            plane=str(applies.get("plane", "")),
            body_part=str(applies.get("body_part", "")).lower(),
            spacing_mm=_pair(applies.get("spacing_mm")),
            b_values=_pair(applies.get("b_values")),
            colour=bool(applies.get("colour", False)),
            view_position=_words(applies.get("view_position", ())),
        ),
        reference_scale={
            (str(entry["layer"]), str(entry["class"]), str(entry["method"])): float(entry["value"])
            for entry in document.get("reference", ())
        },
        caution=str(document.get("caution", "")),
        training=dict(document.get("training", {})),
        metrics=dict(document.get("metrics", {})),
        licence=str(document.get("licence", "")),
        citation=str(document.get("citation", "")),
        weights_sha256=str(document.get("weights_sha256", "")),
        folder=folder,
    )


def _input_rule(given: dict[str, Any], dims: int) -> InputRule:
    size = tuple(int(n) for n in given["size"])
    if len(size) != dims or min(size) < 1:
        raise ValueError(f"the input size is not {_AXES[dims]} positive numbers")
    crop = str(given.get("crop", "none"))
    if crop not in CROPS[dims]:
        raise ValueError(f"the crop '{crop}' is not one of {', '.join(CROPS[dims])}")
    fit = str(given.get("fit", "square"))
    if fit not in ("square", "stretch"):
        raise ValueError(f"the fit '{fit}' is neither square nor stretch")
    parameters = dict(given.get("normalise", {}))
    normalise = str(parameters.pop("name", "range"))
    channels, neighbours = int(given.get("channels", 1)), int(given.get("neighbours", 0))
    if neighbours and (dims != 2 or neighbours < 0 or channels != 2 * neighbours + 1):
        raise ValueError(
            f"a slice with {neighbours} neighbours on either side has {2 * neighbours + 1} channels in a network of "
            f"slices, and the card says {channels} in one with {dims} dims"
        )
    if neighbours and normalise == "channels":
        raise ValueError("its channels are neighbours, which the normalisation 'channels' does not know")
    return InputRule(
        size=size,
        channels=channels,
        fit=cast(Literal["square", "stretch"], fit),
        crop=crop,
        normalise=normalise,
        parameters=parameters,
        neighbours=neighbours,
    )


def _words(value: Any) -> tuple[str, ...]:
    return tuple(str(word).upper() for word in ([value] if isinstance(value, str) else value))


def _pair(value: Any) -> tuple[float, float] | None:
    if value is None:
        return None
    low, high = value
    return float(low), float(high)
