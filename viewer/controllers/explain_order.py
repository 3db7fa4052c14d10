"""What ``whyslice explain`` was asked for, and what that means for one model: checked before anything is computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from viewer.controllers.headless import InputWish
from viewer.explainers.declaration import EXPLAINERS, resolved
from viewer.explainers.layer_info import LayerInfo, find_layer
from viewer.foundation.errors import ExplainError, UsageError
from viewer.foundation.registry import nearest
from viewer.models.card import ModelCard, ScoreType
from viewer.plugin_host import host

if TYPE_CHECKING:
    from viewer.models.prediction import Prediction

ALL = "all"
REGION = "region"


@dataclass(frozen=True)
class ExplainOrder:
    """A wish in the words of the command line.

    Attributes
    ----------
    model : id or folder.
    explainers : names.
    layers : names, or ``all``; empty for the model's default layer.
    targets : classes by name or index; empty for the predicted class of the case.
    slices : an index from 0, ``all``, or None for the slice where the first class is most probable.
    settings : parameters of the explainers, as texts.
    out : folder of the results.
    truth : a mask or boxes that the maps are compared with; None for none.
    """

    model: str
    explainers: tuple[str, ...]
    out: Path
    layers: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    slices: int | Literal["all"] | None = None
    score: ScoreType = "logit"
    wish: InputWish = field(default_factory=InputWish)
    settings: tuple[tuple[str, str], ...] = ()
    device: str = "auto"
    truth: Path | None = None

    def check(self) -> None:
        """Refuse explainers and parameters that do not exist, and values that are not allowed; needs no model.

        Raises
        ------
        UsageError
            With the nearest names.
        """
        if any(name not in EXPLAINERS for name in self.explainers):
            host.activate()  # a plugin may bring it
        known = {REGION: None}
        for name in self.explainers:
            info = resolved(name, dict(self.settings))
            known.update((parameter.name, None) for parameter in info.parameters)
            info.checked(self.parameters(name))
        for name, _ in self.settings:
            if name not in known:
                own = [parameter for parameter in known if parameter != REGION]
                one = len(self.explainers) == 1
                raise UsageError(
                    f"The explainer{' ' if one else 's '}{' and '.join(self.explainers)} {'has' if one else 'have'} no "
                    f"parameter '{name}': {'it has' if one else 'they have'} {', '.join(own) or 'none'}.",
                    code="no-such-parameter",
                )

    @property
    def notes(self) -> tuple[str, ...]:
        """What was asked for and is left out, in sentences."""
        without = [name for name in self.explainers if not resolved(name, dict(self.settings)).needs_layer]
        if not self.layers or not without:
            return ()
        verbs = ("explains", "has") if len(without) == 1 else ("explain", "have")
        there = "" if len(without) == len(self.explainers) else " there"
        subject = f"{' and '.join(without)} {verbs[0]} the input and {verbs[1]} no layer"
        return (f"{subject}: --layer {','.join(self.layers)} is left out{there}.",)

    def parameters(self, explainer: str) -> dict[str, str]:
        """The settings that an explainer has, as texts."""
        settings = dict(self.settings)
        known = {parameter.name for parameter in resolved(explainer, settings).parameters}
        return {name: value for name, value in settings.items() if name in known}

    @property
    def region(self) -> str | None:
        """Where a segmentation network is asked; None for everywhere."""
        return dict(self.settings).get(REGION)


def chosen_layers(asked: Sequence[str], known: Sequence[LayerInfo], default: str) -> tuple[str, ...]:
    """Names of layers, each once; ``all`` are those with an output of their own that a gradient reaches.

    Raises
    ------
    UsageError
        When one does not exist.
    ExplainError
        When the model has no layer with a map at all.
    """
    if not asked:
        if not default:
            raise ExplainError("The model has no layer with an output in space.", code="no-spatial-layer")
        return (default,)
    names: list[str] = []
    for name in asked:
        if name == ALL:
            names += [layer.name for layer in known if layer.differentiable and layer.same_as is None]
        else:
            names.append(find_layer(known, name).name)
    return tuple(dict.fromkeys(names))


def chosen_classes(card: ModelCard, asked: Sequence[str], case: Sequence[float] | None) -> tuple[int, ...]:
    """Indices of classes, each once; without a wish the most probable one of the case.

    Raises
    ------
    UsageError
        When one does not exist.
    """
    if not asked:
        assert case is not None, "the predicted class follows from a prediction"
        return (max(range(len(case)), key=lambda index: case[index]),)
    classes = list(card.classes)
    indices = []
    for name in asked:
        if name in classes:
            indices.append(classes.index(name))
        elif name.isdigit() and int(name) < len(classes):
            indices.append(int(name))
        else:
            raise UsageError(
                f"The model '{card.id}' has no class '{name}'{nearest(name, classes)}.", code="no-such-class"
            )
    return tuple(dict.fromkeys(indices))


def check_slice(asked: int, count: int) -> None:
    """Refuse a slice that there is not.

    Raises
    ------
    UsageError
        With the code ``no-such-slice``.
    """
    if not 0 <= asked < count:
        raise UsageError(f"There is no slice {asked}: they run from 0 to {count - 1}.", code="no-such-slice")


def chosen_slices(
    asked: int | Literal["all"] | None,
    count: int,
    class_name: str,
    target: int,
    prediction: Prediction | None,
) -> tuple[tuple[int, ...], str]:
    """Slices to explain and, in words, why these.

    Raises
    ------
    UsageError
        When there is no such slice.
    """
    if asked == ALL:
        return tuple(range(count)), "all slices"
    if isinstance(asked, int):
        check_slice(asked, count)
        return (asked,), "asked for"
    if count == 1:
        return (0,), "the only slice"
    assert prediction is not None, "the peak slice follows from a prediction"
    peak = max(prediction.slices, key=lambda each: each.probabilities[target])
    return (peak.index,), f"the slice with the highest probability of {class_name}"
