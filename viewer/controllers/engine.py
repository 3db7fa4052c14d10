"""The one door to torch. Loaded on the compute lane, so that the window is on screen before torch is.

Requests and replies are frozen and hold no tensors; the network itself never leaves this module.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

from viewer import api
from viewer.controllers.requests import (
    ExplainReply,
    ExplainRequest,
    LoadedModel,
    TraceReply,
    TraceRequest,
    VolumeReply,
)
from viewer.evaluation.agreement import correlation
from viewer.evaluation.checks.finding import Finding
from viewer.evaluation.checks.running import one_finding
from viewer.evaluation.checks.subject import Subject, subject_of
from viewer.evaluation.importance_result import Plan
from viewer.evaluation.pixel_importance import importance_of_input
from viewer.evaluation.replacement import altered, importance_order, replaced_everywhere
from viewer.explainers.asked_region import input_region
from viewer.explainers.asking import View, ask, first_layer
from viewer.explainers.declaration import EXPLAINERS
from viewer.explainers.dropout_maps import has_dropout
from viewer.explainers.layers import find_layers
from viewer.explainers.passes import input_gradient, plain_scores
from viewer.explainers.question import Question
from viewer.explainers.randomised import cascade
from viewer.explainers.scoring import class_probabilities
from viewer.explainers.support import network_facts, support
from viewer.explainers.trace import trace
from viewer.explainers.trace_memory import trace_bytes
from viewer.foundation.errors import ModelError
from viewer.foundation.progress import SILENT, Progress
from viewer.imaging.image import MedicalImage
from viewer.models.card import Crop
from viewer.models.classifier import Classifier
from viewer.models.devices import free_bytes
from viewer.models.input_view import slice_input
from viewer.models.prediction import Prediction, predict
from viewer.models.volume_view import volume_input
from viewer.state.series_reading import Weighed

__all__ = ["ExplainReply", "ExplainRequest", "LoadedModel", "TraceReply", "TraceRequest", "VolumeReply"]

# One core stays free for the window. Threads that outnumber the free cores wait for each other by spinning, which has
# been seen to make a pass ten times slower.
torch.set_num_threads(max(1, (os.cpu_count() or 2) - 1))


def use_threads(count: int) -> None:
    """How many threads a pass may take: fewer where several processes share the cores."""
    torch.set_num_threads(count)


@lru_cache(maxsize=3)
def classifier(model_id: str, device: str) -> Classifier:
    """A loaded model; the last few stay in memory, so that going back to one is immediate."""
    return api.load_model(model_id, None if device == "auto" else device)


def load(model_id: str, device: str) -> LoadedModel:
    """Load a model and find its layers."""
    loaded = classifier(model_id, device)
    layers = find_layers(loaded)
    first = first_layer(loaded) if any(layer.differentiable for layer in layers) else ""
    needs = {
        layer.name: trace_bytes(loaded, [layer.name])
        for layer in layers
        if loaded.card.dims == 3 and layer.differentiable
    }
    return LoadedModel(loaded.card, layers, str(loaded.device), loaded.parameters, first, needs)


def drops_out(model_id: str, device: str) -> bool:
    """Whether a model has dropout, so that passes with it differ."""
    return has_dropout(classifier(model_id, device).module)


def predict_case(
    model_id: str,
    device: str,
    image: MedicalImage,
    *,
    mirror: bool = False,
    crop: Crop | None = None,
    mc_samples: int = 0,
    seed: int = 0,
    progress: Progress = SILENT,
) -> Prediction:
    """Probabilities of every slice of an image; see `viewer.models.prediction.predict`."""
    loaded = classifier(model_id, device)
    return predict(
        loaded, image, mirror=mirror, crop=crop, mc_samples=mc_samples, seed=seed, progress=progress
    )


def trace_slice(request: TraceRequest, progress: Progress = SILENT) -> TraceReply:
    """One forward pass and one backward pass per class: every layer, class and method of a slice at once."""
    loaded = classifier(request.model_id, request.device)
    view, ready = slice_input(
        loaded.card.input, request.image, request.index, mirror=request.mirror, crop=request.crop
    )
    if loaded.card.task == "segmentation":
        # Its maps depend on where it is asked, so they are made on demand; what it says there is known at once.
        batch = loaded.tensor(ready[None])
        probabilities, flags = class_probabilities(loaded, batch, input_region(request.region, view))
        return TraceReply(request.index, view, probabilities, {}, flags)
    return TraceReply(request.index, view, *_traced(loaded, ready, request, progress))


def trace_volume(request: TraceRequest, progress: Progress = SILENT) -> VolumeReply:
    """The same by a network of volumes, which sees all slices at once; `index` has no meaning."""
    loaded = classifier(request.model_id, request.device)
    view, ready = volume_input(loaded.card.input, request.image, mirror=request.mirror, crop=request.crop)
    seen = ready[0].astype(np.float16)
    if loaded.card.task == "segmentation":  # as of a slice
        batch = loaded.tensor(ready[None])
        probabilities, flags = class_probabilities(loaded, batch, input_region(request.region, view))
        return VolumeReply(view, probabilities, {}, flags, seen)
    return VolumeReply(view, *_traced(loaded, ready, request, progress), seen)


def trace_randomised(request: TraceRequest, seed: int, progress: Progress = SILENT) -> TraceReply:
    """The same question to a copy of the network in which every weight is random.

    Raises
    ------
    ExplainError
        When the network has no weights or cannot be copied.
    """
    loaded = classifier(request.model_id, request.device)
    view, ready = slice_input(
        loaded.card.input, request.image, request.index, mirror=request.mirror, crop=request.crop
    )
    *_, last = cascade(loaded, loaded.tensor(ready[None]), seed, most=1)
    return TraceReply(request.index, view, *_traced(last.classifier, ready, request, progress))


def _traced(
    loaded: Classifier, ready: NDArray[np.float32], request: TraceRequest, progress: Progress
) -> tuple[NDArray[np.float32], dict[tuple[int, str, str], NDArray[np.float32]], tuple[str, ...]]:
    """Probabilities, maps and flags of one input (channel, *space)."""
    result = trace(
        loaded,
        ready[None],
        layers=request.layers,
        targets=request.targets,
        methods=request.methods,
        score=request.score,
        progress=progress,
    )
    maps = {key: maps[0] for key, maps in result.maps.items()}
    return np.asarray(result.probabilities[0], dtype=np.float32), maps, result.flags


def explain_steps(request: ExplainRequest, progress: Progress = SILENT) -> Iterator[ExplainReply]:
    """An explanation on demand, better with every reply.

    Take the next reply on the compute lane; between two of them the network is as it was found, so other work may come
    in between. Dropping the iterator cancels the explanation.

    Raises
    ------
    UsageError, ExplainError
        With the first reply, when the explanation does not exist; the sentence says why.
    """
    loaded = classifier(request.model_id, request.device)
    rule, mirror, crop = loaded.card.input, request.mirror, request.crop
    view: View
    if loaded.card.dims == 3:
        view, ready = volume_input(rule, request.image, mirror=mirror, crop=crop)
    else:
        view, ready = slice_input(rule, request.image, request.index, mirror=mirror, crop=crop)
    asked = ask(
        loaded,
        view,
        ready,
        explainer=request.explainer,
        layer=request.layer or None,
        target=request.target,
        score=request.score,
        region=request.region,
        parameters=request.parameters,
        progress=progress,
    )
    for answer in asked.answers:
        yield ExplainReply(
            request.index,
            view,
            asked.question.layer,
            asked.question.target,
            asked.probabilities,
            answer.signed,
            answer.deviation,
            answer.done,
            answer.total,
            tuple(dict.fromkeys((*asked.flags, *answer.flags))),
            asked.equal_to,
            answer.facts,
            answer.segments,
        )


def support_of(model_id: str, device: str) -> tuple[dict[str, dict[str, str]], float]:
    """What a model cannot be asked, by layer and explainer, and the seconds of one forward and one backward pass."""
    loaded = classifier(model_id, device)
    names = [layer.name for layer in find_layers(loaded)]
    if loaded.card.dims == 3 and trace_bytes(loaded) > free_bytes(loaded.device):
        # Looking would take the memory of a trace of everything; what is impossible says so when it is asked for.
        return {}, _pass_seconds(loaded)
    reasons = {name: unsupported(model_id, device, name) for name in names or [""]}
    return reasons, _pass_seconds(loaded)


def _pass_seconds(loaded: Classifier) -> float:
    """Of the second of two passes; the first one warms up.

    A volume is not sent there and back for a stopwatch: three times its prediction is near enough.
    """
    rule = loaded.card.input
    if loaded.card.dims == 3:
        noise = np.zeros((1, rule.channels, *rule.size), dtype=np.float32)
        began = time.perf_counter()
        loaded.logits(noise)
        return 3 * (time.perf_counter() - began)
    question = Question(loaded, loaded.noise(), 0)
    seconds = 0.0
    for _ in range(2):
        began = time.perf_counter()
        if network_facts(loaded).reaches_input:
            float(input_gradient(question, question.batch)[0][0])
        else:
            float(plain_scores(question, question.batch)[0])
        seconds = time.perf_counter() - began
    return seconds


def steadiness(
    request: ExplainRequest, passes: int, progress: Progress = SILENT
) -> tuple[tuple[tuple[float, float], ...], float]:
    """How steady the answer on one slice is under dropout, and the map under mirroring.

    Returns
    -------
    tuple
        Per class the 2.5th and 97.5th percentile of the probability over the dropout passes, empty where the network
        has no dropout; and the correlation of the map with the one of the mirrored input, mirrored back (NaN where a
        map is constant), both drawn on the picture.

    Raises
    ------
    UsageError, ExplainError, ModelError
        As `explain_steps`; a segmentation has no interval.
    """
    loaded = classifier(request.model_id, request.device)
    if loaded.card.task == "segmentation":
        raise ModelError("A segmentation has no interval of one probability.", code="segmentation")
    rule, mirror, crop = loaded.card.input, request.mirror, request.crop
    if loaded.card.dims == 3:
        _, ready = volume_input(rule, request.image, mirror=mirror, crop=crop)
    else:
        _, ready = slice_input(rule, request.image, request.index, mirror=mirror, crop=crop)
    intervals: tuple[tuple[float, float], ...] = ()
    if has_dropout(loaded.module):
        intervals = predict(loaded, ready, mc_samples=passes, progress=progress).interval
    drawn = []
    for other in (mirror, not mirror):
        last = None
        for last in explain_steps(replace(request, mirror=other), progress):
            progress.report(last.done, last.total, "the map of the mirrored input")
        assert last is not None, "an explainer answers at least once"
        drawn.append(last.view.back(np.maximum(last.signed, 0)))
    return intervals, correlation(*drawn).value


def check_subject(request: ExplainRequest, progress: Progress = SILENT) -> Subject:
    """The map that a request makes, as the subject of checks. Keep it and give it back; it belongs to this lane.

    Raises
    ------
    UsageError, ExplainError, ModelError
        As `explain_steps`.
    """
    loaded = classifier(request.model_id, request.device)
    return subject_of(
        loaded,
        request.image,
        explainer=request.explainer,
        layer=request.layer or None,
        target=request.target,
        slice=None if loaded.card.dims == 3 else request.index,
        mirror=request.mirror,
        crop=request.crop,
        score=request.score,
        region=request.region,
        parameters=request.parameters,
        progress=progress,
    )


def check_one(subject: Subject, name: str, progress: Progress = SILENT) -> Finding:
    """What one check finds; see `viewer.evaluation.checks.running`."""
    return one_finding(subject, name, progress)


def weigh(
    request: ExplainRequest,
    layer: str,
    signed: NDArray[np.float32],
    plan: Plan,
    progress: Progress = SILENT,
) -> Weighed:
    """Replace the pixels that a map calls important and ask the network again, see `pixel_importance`.

    Parameters
    ----------
    request : what the map explains; nothing is explained again.
    signed : the map on its own grid, as the network saw the input.

    Raises
    ------
    ExplainError
        When the map is the same everywhere.
    """
    loaded = classifier(request.model_id, request.device)
    rule, mirror, crop = loaded.card.input, request.mirror, request.crop
    if loaded.card.dims == 3:
        _, ready = volume_input(rule, request.image, mirror=mirror, crop=crop)
    else:
        _, ready = slice_input(rule, request.image, request.index, mirror=mirror, crop=crop)
    result = importance_of_input(
        loaded,
        ready,
        signed,
        plan=plan,
        target=request.target,
        explainer=request.explainer,
        layer=layer,
        slice=None if loaded.card.dims == 3 else request.index,
        progress=progress,
    )
    order, _ = importance_order(signed, ready.shape[1:])
    low, high = np.percentile(ready[0], (0.5, 99.5))
    # Of a volume the slice through the map's peak: all others would be as many pictures again.
    at = int(np.unravel_index(order[0], ready.shape[1:])[0]) if ready.ndim == 4 else None

    def picture(values: NDArray[np.float32]) -> NDArray[np.uint8]:
        shown = values[0] if at is None else values[0, at]
        return np.asarray(np.clip((shown - low) / max(high - low, 1e-12), 0, 1) * 255, dtype=np.uint8)

    after = {}
    for transform in plan.transforms:
        instead = replaced_everywhere(ready, transform, plan.seed)
        for fraction in plan.fractions:
            count = round(fraction / 100 * order.size)
            after[transform, fraction] = picture(altered(ready, instead, order[:count]))
    note = "" if at is None else f"slice {at + 1} of {ready.shape[1]} of the input, with the map's peak"
    return Weighed(result, picture(ready), after, note)


def unsupported(model_id: str, device: str, layer: str) -> dict[str, str]:
    """Explainers that do not exist for a model and layer, each with the reason as a sentence."""
    loaded = classifier(model_id, device)
    reasons = {name: support(loaded, name, layer or None) for name in EXPLAINERS}
    return {name: why for name, why in reasons.items() if why}
