"""One explanation, or an atlas of them, of an image or an array."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.explainers.atlas import Atlas
from viewer.explainers.declaration import EXPLAINERS, ExplainerInfo
from viewer.explainers.explanation import IMPROBABLE, Explanation, map_state
from viewer.explainers.fill import fill, put_traced
from viewer.explainers.layers import default_layer, require_layer
from viewer.explainers.map_store import MapStore
from viewer.explainers.trace import TraceResult, trace
from viewer.foundation.errors import UsageError
from viewer.foundation.progress import SILENT, Progress
from viewer.foundation.provenance import provenance
from viewer.foundation.registry import nearest
from viewer.imaging.image import MedicalImage
from viewer.models.card import Crop, ScoreType
from viewer.models.classifier import Classifier
from viewer.models.input_view import InputView, slice_input
from viewer.models.prediction import peak_slice, predict

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
    progress: Progress = SILENT,
    **parameters: Any,
) -> Explanation:
    """Explain one slice of an image, or an array that already is what the network takes.

    Parameters
    ----------
    image : an image, or an array (channel, row, column).
    explainer : name in `EXPLAINERS`.
    layer : None for the card's default layer, else the last one with an extent in space.
    target : class index or name; None for the predicted class of the slice.
    slice : index in the image's reading plane; None for the slice where `target` (without one: the card's positive
        class, else the surest class) is most probable. The provenance says which and why.
    mirror, crop : of the network's input; `crop` None follows the card and has no meaning for an array.
    score : what is differentiated.
    **parameters : of the explainer.

    Raises
    ------
    UsageError
        Unknown explainer, layer, class, slice or parameter; nearest names are offered.
    ExplainError
        The explanation does not exist; the sentence says why.
    """
    info = EXPLAINERS.find(explainer)
    _check_parameters(info, parameters)
    index = None if target is None else classifier.target_index(target)
    name = default_layer(classifier) if layer is None else require_layer(classifier, layer).name
    if isinstance(image, MedicalImage):
        number, why = _chosen_slice(classifier, image, slice, index, mirror, crop, progress)
        view, ready = slice_input(classifier.card.input, image, number, mirror=mirror, crop=crop)
    else:
        if slice not in (None, 0):
            raise UsageError("An array is one slice; it has the number 0.", code="no-such-slice")
        number, why = None, "an array is one slice"
        view, ready = InputView.of_array(image, mirror=mirror, crop=crop)

    result = trace(
        classifier,
        ready[None],
        layers=[name],
        targets=None if index is None else [index],
        methods=[explainer],
        score=score,
        progress=progress,
    )
    chosen = int(np.argmax(result.probabilities[0])) if index is None else index
    signed = result.maps[chosen, name, explainer][0]
    drawn = view.back(np.maximum(signed, 0))
    probability = float(result.probabilities[0, chosen])
    card, class_name = classifier.card, classifier.classes[chosen]
    return Explanation(
        explainer=explainer,
        layer=name,
        target=chosen,
        class_name=class_name,
        score=score,
        signed=signed,
        picture_map=drawn,
        map=np.ascontiguousarray(image.plane.returned(drawn)) if isinstance(image, MedicalImage) else drawn,
        probability=probability,
        state=map_state(signed, card.reference(name, class_name, explainer) if score == "logit" else None),
        flags=_flags(result, probability),
        slice=number,
        geometry=image.geometry if isinstance(image, MedicalImage) else None,
        parameters=parameters,
        provenance=provenance(
            model=card.id,
            weights_sha256=card.weights_sha256,
            input_sha256=image.source.sha256 if isinstance(image, MedicalImage) else _sha256(image),
            explainer=explainer,
            layer=name,
            target=chosen,
            **{"class": class_name},
            score=score,
            slice=number,
            slice_rule=why,
            probability=probability,
            mirror=mirror,
            crop=view.crop,
            size=list(view.rule.size),
            normalise=view.rule.normalise,
            normalise_parameters=dict(view.rule.parameters),
            crop_box=[view.box.row_min, view.box.column_min, view.box.row_max, view.box.column_max],
            parameters=dict(parameters),
            device=str(classifier.device),
        ),
    )


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
    """Every map of an image's slices, or of an array, to be read without another pass.

    Parameters
    ----------
    image : an image, or an array (channel, row, column).
    layers, targets, methods : None for all (of the methods, those that a trace yields: `ATLAS_METHODS`).
    mirror, crop : of the network's input.

    Raises
    ------
    UsageError, ExplainError
        As `explain`.
    """
    wanted = None if targets is None else [classifier.target_index(t) for t in targets]
    variant = (classifier.card.id, mirror, crop, score)
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
    prediction = predict(classifier, image, mirror=mirror, crop=crop, progress=progress)
    probabilities = np.array([s.probabilities for s in prediction.slices], dtype=np.float32)
    if target is None:
        return peak_slice(classifier.card, probabilities)
    name = classifier.classes[target]
    return int(np.nanargmax(probabilities[:, target])), f"the slice with the highest probability of {name}"


def _sha256(array: NDArray) -> str:
    """Of the values of an array as the network would get them, row by row."""
    return hashlib.sha256(np.ascontiguousarray(array, dtype=np.float32).tobytes()).hexdigest()


def _check_parameters(info: ExplainerInfo, parameters: dict[str, Any]) -> None:
    known = [parameter.name for parameter in info.parameters]
    for name in parameters:
        if name not in known:
            raise UsageError(
                f"The explainer '{info.name}' has no parameter '{name}'{nearest(name, known)}.",
                code="no-such-parameter",
            )


def _flags(result: TraceResult, probability: float) -> tuple[str, ...]:
    return (*(("improbable_class",) if probability < IMPROBABLE else ()), *result.flags)
