"""One explanation, or an atlas of them, of an image or an array."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.explainers.asked_region import EVERYWHERE
from viewer.explainers.asking import Asked, Region, View, ask, last_answer
from viewer.explainers.atlas import Atlas
from viewer.explainers.declaration import equals, resolved
from viewer.explainers.explanation import IMPROBABLE, Explanation, map_state
from viewer.explainers.fill import fill, put_traced
from viewer.explainers.layers import default_layer, require_layer
from viewer.explainers.map_store import MapStore
from viewer.explainers.trace import trace
from viewer.foundation.errors import UsageError
from viewer.foundation.progress import SILENT, Progress
from viewer.foundation.provenance import provenance
from viewer.imaging.image import MedicalImage
from viewer.models.card import Crop, ScoreType
from viewer.models.classifier import Classifier
from viewer.models.input_view import InputView, plain_array, slice_input
from viewer.models.prediction import peak_slice, predict
from viewer.models.volume_view import VolumeView, volume_input

_ATLAS_BUDGET = 4 << 30
"""Bytes for an atlas made by a script: it wants all of what it asked for."""


def explain(
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
    progress: Progress = SILENT,
    **parameters: Any,
) -> Explanation:
    """Explain one slice of an image, a whole volume, or an array that already is what the network takes.

    Parameters
    ----------
    image : an image, or an array (channel, row, column), of a network of volumes (channel, slice, row, column).
    explainer : name in `EXPLAINERS`.
    layer : None for the card's default layer, else the last one with an extent in space; of no meaning for explainers
        of the input.
    target : class index or name; None for the predicted class of the slice or volume.
    slice : index in the image's reading plane; None for the slice where `target` (without one: the card's positive
        class, else the surest class) is most probable. The provenance says which and why. A network of volumes
        explains all slices at once.
    mirror, crop : of the network's input; `crop` None follows the card and has no meaning for an array.
    score : what is differentiated.
    region : where a segmentation network is asked about the class, on the picture (or the volume in reading order):
        ``"all"``, ``"row,column"``, ``"row_min,column_min,row_max,column_max"``, a mask or a `Region`; None for all.
    **parameters : of the explainer, each a keyword of its own, e.g. ``segments=20``.

    Raises
    ------
    UsageError
        Unknown explainer, layer, class, slice or parameter (nearest names are offered), or a value out of range.
    ExplainError
        The explanation does not exist; the sentence says why.
    """
    info = resolved(explainer, parameters)
    info.checked(parameters)
    index = None if target is None else classifier.target_index(target)
    if info.needs_layer and layer is not None:
        require_layer(classifier, layer)
    view, ready, number, why = seen_input(classifier, image, slice, index, mirror, crop, progress)
    if info.in_atlas and classifier.card.task != "segmentation" and region is None:
        made = _traced(classifier, ready, explainer, layer, index, score, progress)
    else:
        asked = ask(
            classifier,
            view,
            ready,
            explainer=explainer,
            layer=layer,
            target=index,
            score=score,
            region=region,
            parameters=parameters,
            progress=progress,
        )
        made = _worked(asked)
    drawn = view.back(np.maximum(made.signed, 0))
    card, class_name = classifier.card, classifier.classes[made.target]
    reference = card.reference(made.layer, class_name, explainer) if score == "logit" else None
    return Explanation(
        explainer=explainer,
        layer=made.layer,
        target=made.target,
        class_name=class_name,
        score=score,
        signed=made.signed,
        picture_map=drawn,
        map=_returned(image, view, drawn),
        probability=made.probability,
        state=map_state(made.signed, reference, shared=info.shares_score),
        flags=_flags(made),
        equal_to=made.equal_to,
        deviation=made.deviation,
        segments=made.segments,
        facts=made.facts,
        slice=number,
        geometry=image.geometry if isinstance(image, MedicalImage) else None,
        parameters=made.parameters,
        provenance=provenance(
            model=card.id,
            weights_sha256=card.weights_sha256,
            input_sha256=image.source.sha256 if isinstance(image, MedicalImage) else _sha256(image),
            explainer=explainer,
            layer=made.layer,
            target=made.target,
            **{"class": class_name},
            score=score,
            slice=number,
            slice_rule=why,
            probability=made.probability,
            mirror=mirror,
            crop=view.crop,
            size=list(view.rule.size),
            normalise=view.rule.normalise,
            normalise_parameters=dict(view.rule.parameters),
            crop_box=list(astuple(view.box)),
            parameters=dict(made.parameters),
            region=made.region,
            facts=dict(made.facts),
            device=str(classifier.device),
        ),
    )


@dataclass(frozen=True, eq=False)
class _Made:
    """A map and what was found out while it was made, from a trace or on demand."""

    signed: NDArray[np.float32]
    layer: str
    target: int
    probability: float
    flags: tuple[str, ...]
    equal_to: tuple[str, ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    deviation: NDArray[np.float32] | None = None
    region: str = EVERYWHERE
    facts: Mapping[str, float] = field(default_factory=dict)
    segments: NDArray[np.int32] | None = None


def _traced(
    classifier: Classifier,
    ready: NDArray[np.float32],
    explainer: str,
    layer: str | None,
    target: int | None,
    score: ScoreType,
    progress: Progress,
) -> _Made:
    place = require_layer(classifier, layer or default_layer(classifier))
    result = trace(
        classifier,
        ready[None],
        layers=[place.name],
        targets=None if target is None else [target],
        methods=[explainer],
        score=score,
        progress=progress,
    )
    chosen = int(np.argmax(result.probabilities[0])) if target is None else target
    return _Made(
        result.maps[chosen, place.name, explainer][0],
        place.name,
        chosen,
        float(result.probabilities[0, chosen]),
        result.flags,
        equals(explainer, place),
    )


def _worked(asked: Asked) -> _Made:
    question, found = asked.question, last_answer(asked)
    region = question.region
    return _Made(
        found.signed,
        question.layer,
        question.target,
        float(asked.probabilities[question.target]),
        tuple(dict.fromkeys((*asked.flags, *found.flags))),
        asked.equal_to,
        question.parameters,
        found.deviation,
        EVERYWHERE if region is None else f"{int(region.sum())} of {region.size} cells of the input",
        found.facts,
        found.segments,
    )


def seen_input(
    classifier: Classifier,
    image: MedicalImage | NDArray,
    slice: int | None,
    target: int | None,
    mirror: bool,
    crop: Crop | None,
    progress: Progress,
) -> tuple[View, NDArray[np.float32], int | None, str]:
    """A view of the image, the input (channel, *space) that it makes, the slice and, in words, why this one.

    Raises
    ------
    UsageError
        When there is no such slice, or an array does not fit.
    """
    rule, volumes = classifier.card.input, classifier.card.dims == 3
    if isinstance(image, MedicalImage) and not volumes:
        number, why = _chosen_slice(classifier, image, slice, target, mirror, crop, progress)
        return *slice_input(rule, image, number, mirror=mirror, crop=crop), number, why
    if slice not in (None, 0) or (volumes and slice is not None):
        raise UsageError(
            "A network of volumes explains all slices at once."
            if volumes
            else "An array is one slice; it has the number 0.",
            code="no-such-slice",
        )
    if isinstance(image, MedicalImage):
        return *volume_input(rule, image, mirror=mirror, crop=crop), None, "a network of volumes"
    if volumes:
        return *VolumeView.of_array(image, mirror=mirror, crop=crop), None, "an array is one volume"
    return *InputView.of_array(image, mirror=mirror, crop=crop), None, "an array is one slice"


def _returned(image: MedicalImage | NDArray, view: View, drawn: NDArray[np.float32]) -> NDArray[np.float32]:
    """A map drawn on the picture or the volume in the file's own order of axes."""
    if not isinstance(image, MedicalImage):
        return drawn
    if isinstance(view, VolumeView):
        return np.ascontiguousarray(view.returned(drawn))
    return np.ascontiguousarray(image.plane.returned(drawn))


def atlas(
    classifier: Classifier,
    image: MedicalImage | NDArray,
    *,
    layers: Sequence[str] | None = None,
    targets: Sequence[int | str] | None = None,
    methods: Sequence[str] | None = None,
    mirror: bool = False,
    crop: Crop | None = None,
    score: ScoreType = "logit",
    progress: Progress = SILENT,
) -> Atlas:
    """Every map of an image's slices, of a volume or of an array, to be read without another pass.

    A network of volumes makes one entry, number 0, whose maps have the axes (slice, row, column).

    Parameters
    ----------
    image : an image, or an array (channel, row, column) or (channel, slice, row, column).
    layers, targets, methods : None for all (of the methods, those that a trace yields: `ATLAS_METHODS`).
    mirror, crop : of the network's input.

    Raises
    ------
    UsageError, ExplainError
        As `explain`.
    """
    wanted = None if targets is None else [classifier.target_index(t) for t in targets]
    variant = (classifier.card.id, mirror, crop, score)
    if classifier.card.dims == 3:
        _, volume, _, _ = seen_input(classifier, image, None, None, mirror, crop, progress)
        made = Atlas(MapStore(_ATLAS_BUDGET), variant, classifier.classes, 1)
        put_traced(
            classifier, volume[None], made, [0], layers=layers, targets=wanted, methods=methods, score=score
        )
        return made
    if isinstance(image, MedicalImage):
        count = image.plane.count(image.geometry.shape)
        made = Atlas(MapStore(_ATLAS_BUDGET), variant, classifier.classes, count)
        fill(
            classifier,
            image,
            made,
            range(count),
            mirror=mirror,
            crop=crop,
            layers=layers,
            targets=wanted,
            methods=methods,
            score=score,
            progress=progress,
        )
        return made
    _, ready = InputView.of_array(image, mirror=mirror, crop=crop)
    made = Atlas(MapStore(_ATLAS_BUDGET), variant, classifier.classes, 1)
    put_traced(
        classifier, ready[None], made, [0], layers=layers, targets=wanted, methods=methods, score=score
    )
    return made


def _chosen_slice(
    classifier: Classifier,
    image: MedicalImage,
    asked: int | None,
    target: int | None,
    mirror: bool,
    crop: Crop | None,
    progress: Progress,
) -> tuple[int, str]:
    """A slice and, in words, why this one."""
    count = image.plane.count(image.geometry.shape)
    if asked is not None:
        if not 0 <= asked < count:
            raise UsageError(
                f"There is no slice {asked}: they run from 0 to {count - 1}.", code="no-such-slice"
            )
        return asked, "asked for"
    if count == 1:
        return 0, "the only slice"
    if classifier.card.task == "segmentation":
        raise UsageError(
            "A segmentation has no most probable slice: say which one to explain.", code="no-such-slice"
        )
    prediction = predict(classifier, image, mirror=mirror, crop=crop, progress=progress)
    probabilities = np.array([s.probabilities for s in prediction.slices], dtype=np.float32)
    if target is None:
        return peak_slice(classifier.card, probabilities)
    name = classifier.classes[target]
    return int(np.nanargmax(probabilities[:, target])), f"the slice with the highest probability of {name}"


def _sha256(array: NDArray) -> str:
    """Of the values of an array as the network would get them, row by row."""
    return hashlib.sha256(np.ascontiguousarray(plain_array(array)).tobytes()).hexdigest()


def _flags(made: _Made) -> tuple[str, ...]:
    return (
        *(("improbable_class",) if made.probability < IMPROBABLE else ()),
        *(("equal_by_construction",) if made.equal_to else ()),
        *made.flags,
    )
