"""From a wish in words to an explainer at work: names checked, the reason given where a map cannot exist."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.explainers.asked_region import EVERYWHERE, Drawn, input_region
from viewer.explainers.declaration import equals, resolved
from viewer.explainers.explainer_info import INPUT_LAYER, ExplainerInfo
from viewer.explainers.layers import default_layer, find_layers, require_layer
from viewer.explainers.methods import explainer as explainer_of
from viewer.explainers.question import Answer, Question
from viewer.explainers.scoring import first_look
from viewer.explainers.support import support
from viewer.foundation.errors import ExplainError, UsageError
from viewer.foundation.progress import SILENT, Progress
from viewer.models.card import ScoreType
from viewer.models.classifier import Classifier
from viewer.models.input_view import InputView
from viewer.models.volume_view import VolumeView

View = InputView | VolumeView
Region = str | NDArray | Drawn


@dataclass(frozen=True, eq=False)
class Asked:
    """An explanation that has begun.

    Attributes
    ----------
    info : the explainer as its parameters make it.
    view : how the picture became the input.
    probabilities : (class,) of this input; of a segmentation the mean over the region.
    flags : what the outputs show of the network, e.g. ``softmax-inside``.
    equal_to : explainers that make the same picture on this layer by construction.
    answers : better and better; dropping it cancels the explanation, the network is left as it was found.
    """

    info: ExplainerInfo
    view: View
    question: Question
    probabilities: NDArray[np.float32]
    flags: tuple[str, ...]
    equal_to: tuple[str, ...]
    answers: Iterator[Answer]


def ask(
    classifier: Classifier,
    view: View,
    ready: NDArray[np.float32],
    *,
    explainer: str,
    layer: str | None = None,
    target: int | str | None = None,
    score: ScoreType = "logit",
    region: Region | None = None,
    parameters: Mapping[str, Any] | None = None,
    progress: Progress = SILENT,
) -> Asked:
    """Begin an explanation; nothing but the class's probability is computed yet.

    Parameters
    ----------
    view, ready : a view and the input that it makes, (channel, *space).
    layer : None for the default layer; of no meaning for explainers that need none.
    target : None for the most probable class.
    region : where a segmentation network is asked; see `input_region`.
    parameters : of the explainer, those that differ from their defaults.

    Raises
    ------
    UsageError
        Unknown explainer, layer, class or parameter (nearest names are offered), or a value that is not allowed.
    ExplainError
        The explanation does not exist; the sentence says why.
    """
    given = dict(parameters or {})
    info = resolved(explainer, given)
    values = info.checked(given)
    if region is None:
        region = str(values.get("region", EVERYWHERE))
    elif "region" in values:
        values["region"] = region if isinstance(region, str) else "mask"
    if classifier.card.task != "segmentation" and not (isinstance(region, str) and region == EVERYWHERE):
        raise UsageError(
            f"'{classifier.card.id}' is no segmentation network, so there is no region to choose.",
            code="no-region",
        )
    index = None if target is None else classifier.target_index(target)
    place = None
    if info.needs_layer:
        place = require_layer(classifier, layer or first_layer(classifier))
    if why := support(classifier, explainer, place.name if place else None, values):
        raise ExplainError(why, code="unsupported")
    mask = input_region(region, view)
    batch = classifier.tensor(ready[None])
    probabilities, flags, own = first_look(classifier, batch, mask, index, score)
    question = Question(
        classifier,
        batch,
        int(probabilities.argmax()) if index is None else index,
        place.name if place else INPUT_LAYER,
        score,
        values,
        mask,
        progress,
        known_score=own,
    )
    work = explainer_of(explainer, str(values.get("of", "")))
    return Asked(
        info,
        view,
        question,
        probabilities,
        flags,
        equals(explainer, place) if place else (),
        _noted(work(question), question),
    )


def _noted(answers: Iterator[Answer], question: Question) -> Iterator[Answer]:
    """The answers with what their passes found out.

    Raises
    ------
    ExplainError
        When no changed input got a finite score: the map would be empty as if there were nothing to see.
    """
    for each in answers:
        asked, left_out = each.facts.get("asked", 0), each.facts.get("left_out", 0)
        if each.done == each.total and 0 < asked <= left_out:
            raise ExplainError(
                f"None of {asked:.0f} changed inputs got a finite score from the network, so nothing explains it.",
                code="not-finite",
            )
        yield replace(each, flags=(*each.flags, *sorted(question.notes)))


def first_layer(classifier: Classifier) -> str:
    """The default layer; of a segmentation network without one the last of its coarsest layers (Seg-Grad-CAM)."""
    card = classifier.card
    if card.task != "segmentation" or card.default_layer:
        return default_layer(classifier)
    own = [each for each in find_layers(classifier) if each.same_as is None and each.differentiable]
    if not own:
        return default_layer(classifier)
    return min(reversed(own), key=lambda each: math.prod(each.grid)).name


def last_answer(asked: Asked) -> Answer:
    """Work to the end.

    Raises
    ------
    Cancelled
        When the progress of the question says so.
    """
    found = None
    for found in asked.answers:
        asked.question.progress.report(found.done, found.total, asked.info.title)
    assert found is not None, "an explainer answers at least once"
    return found
