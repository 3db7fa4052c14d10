"""One pass, many questions: one forward pass, a backward pass per class, layers reduced as gradients arrive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from viewer.explainers.layer_info import LayerInfo
from viewer.explainers.layers import find_layers, require_layer
from viewer.explainers.precision import HALF, MapKey, agreement, judgement
from viewer.explainers.reductions import ATLAS_METHODS, reduce_together
from viewer.explainers.taps import Overwritten, Taps, despite_overwriting
from viewer.explainers.trace_memory import check_memory
from viewer.foundation.errors import ExplainError, UsageError
from viewer.foundation.progress import SILENT, Progress
from viewer.foundation.registry import nearest
from viewer.models.card import ScoreType
from viewer.models.classifier import REFUSALS, Classifier, refusal
from viewer.models.devices import ran_out
from viewer.models.memory import in_fitting_parts
from viewer.models.raw_outputs import raw_outputs

NOT_FINITE = "not-finite"

Batch = Tensor | NDArray[np.float32]


@dataclass(frozen=True)
class TraceResult:
    """What one trace of a batch yields; the activations and gradients are gone.

    Attributes
    ----------
    logits : (image, output) float32, before softmax or sigmoid.
    probabilities : (image, class) float32.
    maps : (class index, layer, method) -> (image, *grid) float32, signed, in units of the score; the grid has the
        axes (row, column) or (slice, row, column). Layers with one and the same output share one array.
    flags : ``softmax-inside`` (the network applies softmax or sigmoid itself; the logit was recovered),
        ``squashed-output`` (the outputs look like probabilities and could not be recovered), ``not-finite`` (a
        gradient overflowed or was not defined; the maps that it reached are empty), ``half-precision`` (computed so,
        after maps in half and in full precision were found to agree), ``fell-back-to-cpu`` (the device had too little
        memory).
    """

    logits: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    maps: Mapping[MapKey, NDArray[np.float32]]
    flags: tuple[str, ...] = ()


def trace(
    classifier: Classifier,
    batch: Batch,
    *,
    layers: Sequence[str] | None = None,
    targets: Sequence[int | str] | None = None,
    methods: Sequence[str] | None = None,
    score: ScoreType = "logit",
    progress: Progress = SILENT,
) -> TraceResult:
    """Maps of several layers, classes and methods from one forward pass and one backward pass per class.

    The gradient goes no lower than the lowest layer asked for. The network is left as it was found, hooks included,
    also after an exception. Works inside the caller's ``no_grad`` and ``inference_mode``, and with frozen parameters.

    Parameters
    ----------
    batch : (image, channel, *space), what the network takes. The images do not influence each other; where memory
        does not allow all of them at once, they are traced in smaller parts.
    layers : names as `find_layers` gives them; None for all that a gradient reaches.
    targets : classes by index or name; None for all.
    methods : names of `ATLAS_METHODS`; None for all.
    score : what is differentiated.

    Raises
    ------
    UsageError
        Unknown layer, class or method; nearest names are offered.
    ExplainError
        A layer without an extent in space or without a gradient; outputs that are not finite or do not fit the card;
        too little memory.
    """
    infos = (
        tuple(layer for layer in find_layers(classifier) if layer.differentiable)
        if layers is None
        else tuple(require_layer(classifier, name) for name in layers)
    )
    chosen = tuple(ATLAS_METHODS) if methods is None else tuple(methods)
    for method in chosen:
        if method not in ATLAS_METHODS:
            raise UsageError(
                f"'{method}' is not made by a trace{nearest(method, list(ATLAS_METHODS))}.",
                code="no-such-method",
            )
    indices = [
        classifier.target_index(t) for t in (range(len(classifier.classes)) if targets is None else targets)
    ]
    request = _Request(classifier, infos, tuple(indices), chosen, score, layers is not None, progress)
    parts, fallen = in_fitting_parts(classifier, batch, partial(_in_best_precision, request))
    return parts[0] if len(parts) == 1 and not fallen else _joined(parts, fallen)


def _in_best_precision(request: _Request, batch: Batch) -> TraceResult:
    """In half precision where such maps have been found not to depend on it."""
    classifier = request.classifier
    check_memory(classifier, request.layers, len(batch), named=request.named)
    half = classifier.half
    if half is None:
        return _made(request, batch)
    judged = judgement(classifier, half, request.score)
    keys = [(t, la.name, m) for t in request.targets for la in request.layers for m in request.methods]
    if all(key in judged for key in keys):
        return _made(request, batch, half if all(judged[key] for key in keys) else None)
    full = _made(request, batch)
    found = agreement(full, _made(request, batch, half))
    judged.update({key: found.get(key, True) for key in keys})  # no gradient reaches what is not there
    return full


def _made(request: _Request, batch: Batch, half: torch.dtype | None = None) -> TraceResult:
    return despite_overwriting(
        request.classifier.card.id, lambda copy_all: _traced(request, batch, half, copy_all=copy_all)
    )


def _joined(parts: Sequence[TraceResult], flags: tuple[str, ...]) -> TraceResult:
    """Results of consecutive images as one."""
    return TraceResult(
        np.concatenate([part.logits for part in parts]),
        np.concatenate([part.probabilities for part in parts]),
        {key: np.concatenate([part.maps[key] for part in parts]) for key in parts[0].maps},
        tuple(dict.fromkeys((*(flag for part in parts for flag in part.flags), *flags))),
    )


@dataclass(frozen=True)
class _Request:
    classifier: Classifier
    layers: tuple[LayerInfo, ...]
    targets: tuple[int, ...]
    methods: tuple[str, ...]
    score: ScoreType
    named: bool
    progress: Progress


def _traced(request: _Request, images: Batch, half: torch.dtype | None, *, copy_all: bool) -> TraceResult:
    classifier, progress = request.classifier, request.progress
    sources = {layer.same_as or layer.name: layer for layer in request.layers}
    known = {layer.name: layer for layer in find_layers(classifier)}
    with (
        torch.inference_mode(False),
        torch.enable_grad(),
        classifier.borrowed() as module,
        Taps(module, [known[name] for name in sources], copy_all) as taps,
    ):
        for parameter in module.parameters():
            parameter.requires_grad_(False)
        batch = _input(classifier, images)
        progress.report(0, 1 + len(request.targets), "forward pass")
        logits, flags = raw_outputs(
            classifier.card, module, lambda: _forward(classifier, module, batch, taps, half), len(batch)
        )
        if half is not None:
            flags = (*flags, HALF)
        taps.check()
        if sources and request.targets and request.methods:
            if not logits.requires_grad:
                raise ExplainError(
                    f"No gradient leads from the output of the model '{classifier.card.id}' to its layers, "
                    "so there is nothing to explain it with.",
                    code="no-gradient",
                )
            made = _backward(request, logits, taps)
        else:
            made = {}
        probabilities = classifier.probabilities(logits.detach().float())
        maps = {key: _array(map_) for key, map_ in made.items()}
        if broken := [key for key, map_ in maps.items() if not np.isfinite(map_).all()]:
            maps |= {key: _without_broken(maps[key]) for key in broken}
            flags = (*flags, NOT_FINITE)
        return TraceResult(_array(logits), _array(probabilities), _spread(request, maps), flags)


def _input(classifier: Classifier, batch: Batch) -> Tensor:
    tensor = batch.to(classifier.device) if isinstance(batch, Tensor) else classifier.tensor(batch)
    # A copy, because a network may overwrite its input, and a tensor born in inference_mode takes part in no gradient.
    return tensor.detach().clone()


def _forward(
    classifier: Classifier, module: nn.Module, batch: Tensor, taps: Taps, half: torch.dtype | None
) -> Any:
    taps.begin()
    try:
        with torch.autocast(batch.device.type, half, enabled=half is not None):
            return module(batch)
    except REFUSALS as error:
        if ran_out(error):
            raise
        if "in-place" in str(error):
            raise Overwritten from error
        raise ExplainError(refusal(classifier.card, batch.shape[1:], error), code="input-shape") from error


def _backward(request: _Request, logits: Tensor, taps: Taps) -> dict[MapKey, Tensor]:
    """One backward pass per class, fewer where one class's score is minus another's."""
    passes: list[tuple[Tensor, list[tuple[int, bool]]]] = []
    for target in dict.fromkeys(request.targets):
        seed = _seed(request, logits, target)
        for known, users in passes:
            if torch.equal(known, seed) or torch.equal(known, -seed):
                users.append((target, not torch.equal(known, seed)))
                break
        else:
            passes.append((seed, [(target, False)]))
    made: dict[MapKey, Tensor] = {}
    for number, (seed, users) in enumerate(passes):
        request.progress.report(1 + number, 1 + len(passes), "backward pass")

        def reduce(
            name: str, activation: Tensor, gradient: Tensor, users: list[tuple[int, bool]] = users
        ) -> None:
            for target, negative in users:
                reduced = reduce_together(activation, -gradient if negative else gradient, request.methods)
                made.update({(target, name, method): map_ for method, map_ in reduced.items()})

        taps.gradients(logits, seed, reduce, last=number == len(passes) - 1)
    request.progress.report(1 + len(passes), 1 + len(passes), "maps")
    return made


def _seed(request: _Request, logits: Tensor, target: int) -> Tensor:
    """Derivative of a class's score with respect to the logits, (image, output)."""
    leaf = logits.detach().clone().requires_grad_()
    score = request.classifier.scores(leaf, target, request.score)
    (seed,) = torch.autograd.grad(score.sum(), leaf)
    return seed


def _without_broken(maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Maps (image, row, column) of which those with a value that is not finite are empty: the rest is no evidence."""
    whole = np.isfinite(maps).reshape(len(maps), -1).all(axis=1)
    return np.where(whole.reshape(-1, *(1,) * (maps.ndim - 1)), maps, np.float32(0))


def _spread(
    request: _Request, arrays: dict[MapKey, NDArray[np.float32]]
) -> dict[MapKey, NDArray[np.float32]]:
    """The maps, given to every layer that was asked for."""
    maps: dict[MapKey, NDArray[np.float32]] = {}
    for layer in request.layers:
        source = layer.same_as or layer.name
        for target in request.targets:
            for method in request.methods:
                if (target, source, method) in arrays:
                    maps[target, layer.name, method] = arrays[target, source, method]
                elif request.named:
                    raise ExplainError(
                        f"No gradient reaches the layer '{layer.name}' from the score, so there is no map on it.",
                        code="no-gradient",
                    )
    return maps


def _array(tensor: Tensor) -> NDArray[np.float32]:
    return np.asarray(tensor.detach().float().cpu().numpy(), dtype=np.float32)
