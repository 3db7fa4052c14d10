"""The map that is checked, and the maps that it is compared with: each made once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from viewer.evaluation.checks.finding import Panel
from viewer.evaluation.likeness import pooled
from viewer.explainers.asked_region import EVERYWHERE, input_region
from viewer.explainers.asking import Region, View, ask, first_layer, last_answer
from viewer.explainers.declaration import resolved
from viewer.explainers.explainer_info import INPUT_LAYER, ExplainerInfo
from viewer.explainers.explaining import seen_input
from viewer.explainers.layers import require_layer
from viewer.explainers.question import Question
from viewer.explainers.scoring import class_probabilities
from viewer.foundation.progress import SILENT, Progress
from viewer.imaging.image import MedicalImage
from viewer.models.card import Crop, ScoreType
from viewer.models.classifier import Classifier

Map = NDArray[np.float32]
LONGEST = 256
"""Pixels along the longer side of the small pictures: there are dozens of them for each map that is checked."""


@dataclass(frozen=True, eq=False)
class Made:
    """One map.

    Attributes
    ----------
    signed : before ReLU on its own grid, as the network saw the input.
    shown : what is read of it: all of a map whose negative values are drawn too, else the positive part.
    view : how the image became the input.
    probability : of the class on that input.
    """

    signed: Map
    shown: Map
    view: View
    probability: float

    @property
    def drawn(self) -> Map:
        """On the picture or the volume in reading order, the mirror undone."""
        return self.view.back(self.shown)


@dataclass(eq=False)
class Subject:
    """What is checked. Make one with `subject_of`.

    Attributes
    ----------
    slice : index in the reading plane; None for an array or a volume.
    layer : name; ``input`` for explainers without one.
    probabilities : (class,) of the input.
    view, ready : how the image became the input, and the input (channel, *space).
    peak : of a volume the slice in reading order in which the map is largest; None otherwise.
    """

    classifier: Classifier
    image: MedicalImage | NDArray
    slice: int | None
    mirror: bool
    crop: Crop
    score: ScoreType
    explainer: str
    layer: str
    target: int
    parameters: Mapping[str, Any]
    region: Region | None
    probabilities: NDArray[np.float32]
    view: View
    ready: NDArray[np.float32]
    peak: int | None = None
    _made: dict[tuple[Any, ...], Made] = field(default_factory=dict)

    @property
    def info(self) -> ExplainerInfo:
        return resolved(self.explainer, self.parameters)

    @property
    def class_name(self) -> str:
        return self.classifier.classes[self.target]

    @property
    def dims(self) -> int:
        return self.classifier.card.dims

    @property
    def grey(self) -> Map:
        """The network's input without its channels, (*space)."""
        return np.asarray(self.ready.mean(0), dtype=np.float32)

    @property
    def question(self) -> Question:
        """The class and the input, for what is asked of the network itself."""
        region = EVERYWHERE if self.region is None else self.region
        return Question(
            self.classifier,
            self.classifier.tensor(self.ready[None]),
            self.target,
            score=self.score,
            region=input_region(region, self.view),
        )

    def base(self, progress: Progress = SILENT) -> Made:
        """The map that is checked."""
        return self.other(progress=progress)

    def other(
        self,
        *,
        explainer: str | None = None,
        target: int | None = None,
        mirror: bool | None = None,
        crop: Crop | None = None,
        progress: Progress = SILENT,
    ) -> Made:
        """The map that another choice makes; what is left out stays as it is. Made once.

        Raises
        ------
        UsageError, ExplainError, ModelError
            As `explain`.
        """
        name = self.explainer if explainer is None else explainer
        index = self.target if target is None else target
        turned = self.mirror if mirror is None else mirror
        rule = self.crop if crop is None else crop
        key = (name, index, turned, rule)
        if key not in self._made:
            view, ready = self.view, self.ready
            if (turned, rule) != (self.mirror, self.crop):
                given = rule if isinstance(self.image, MedicalImage) else None
                view, ready, _, _ = seen_input(
                    self.classifier, self.image, self.slice, index, turned, given, progress
                )
            self._made[key] = self._asked(self.classifier, view, ready, name, index, progress)
        return self._made[key]

    def of_network(self, classifier: Classifier, progress: Progress) -> Made:
        """The same map of another network."""
        return self._asked(classifier, self.view, self.ready, self.explainer, self.target, progress)

    def of_input(
        self, ready: NDArray[np.float32], progress: Progress, classifier: Classifier | None = None
    ) -> Made:
        """The same map of another input (channel, *space), and of another network where one is given."""
        network = classifier or self.classifier
        return self._asked(network, self.view, ready, self.explainer, self.target, progress)

    def flat(self, drawn: Map) -> Map:
        """A small picture of something that is drawn: of a volume the slice through the peak of the map."""
        picture = drawn if drawn.ndim == 2 else drawn[self.peak or 0]
        shrunk = max(1.0, max(picture.shape) / LONGEST)
        return pooled(picture, tuple(max(1, round(n / shrunk)) for n in picture.shape))

    def panel(self, title: str, made: Made, note: str = "") -> Panel:
        """A small picture of a map."""
        return Panel(title, self.flat(made.drawn), note=note)

    def picture(self, title: str, values: Map, note: str = "") -> Panel:
        """A small picture of something on the grid of the input, (*space)."""
        return Panel(title, self.flat(self.view.back(values)), "picture", note)

    def _asked(
        self,
        classifier: Classifier,
        view: View,
        ready: NDArray[np.float32],
        explainer: str,
        target: int,
        progress: Progress,
    ) -> Made:
        parameters = self.parameters if explainer == self.explainer else {}
        info = resolved(explainer, parameters)
        asked = ask(
            classifier,
            view,
            ready,
            explainer=explainer,
            layer=self.layer if info.needs_layer and self.layer != INPUT_LAYER else None,
            target=target,
            score=self.score,
            region=self.region,
            parameters=parameters,
            progress=progress,
        )
        signed = last_answer(asked).signed
        shown = signed if info.diverging else np.maximum(signed, 0)
        return Made(signed, shown, view, float(asked.probabilities[target]))


class Step:
    """Progress of an explanation inside a step of something longer: it can be stopped, and counts as the step."""

    def __init__(self, progress: Progress, done: int, total: int, text: str) -> None:
        self._told = (done, total, text)
        self._progress = progress

    def report(self, done: int, total: int, text: str = "") -> None:
        self._progress.report(*self._told)


def subject_of(
    classifier: Classifier,
    image: MedicalImage | NDArray,
    *,
    explainer: str,
    layer: str | None = None,
    target: int | str | None = None,
    slice: int | None = None,
    mirror: bool = False,
    crop: Crop | None = None,
    score: ScoreType = "logit",
    region: Region | None = None,
    parameters: Mapping[str, Any] | None = None,
    progress: Progress = SILENT,
) -> Subject:
    """Choose what is checked, and make its map; parameters as of `explain`.

    Raises
    ------
    UsageError, ExplainError, ModelError
        As `explain`.
    """
    given = dict(parameters or {})
    info = resolved(explainer, given)
    info.checked(given)
    index = None if target is None else classifier.target_index(target)
    place = INPUT_LAYER
    if info.needs_layer:
        place = require_layer(classifier, layer or first_layer(classifier)).name
    view, ready, number, _ = seen_input(classifier, image, slice, index, mirror, crop, progress)
    batch: Tensor = classifier.tensor(ready[None])
    mask = input_region(EVERYWHERE if region is None else region, view)
    probabilities, _ = class_probabilities(classifier, batch, mask)
    subject = Subject(
        classifier=classifier,
        image=image,
        slice=number,
        mirror=mirror,
        crop=view.crop,
        score=score,
        explainer=explainer,
        layer=place,
        target=int(probabilities.argmax()) if index is None else index,
        parameters=given,
        region=region,
        probabilities=probabilities,
        view=view,
        ready=ready,
    )
    base = subject.base(progress)
    if base.shown.ndim == 3:
        drawn = np.abs(base.drawn)
        subject.peak = int(drawn.max(axis=(1, 2)).argmax())
    return subject
