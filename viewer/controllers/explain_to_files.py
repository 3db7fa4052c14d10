"""``whyslice explain``: one trace per slice, and everything that was asked for of it, as files.

Raw maps go to disk as they are made and are read back one map of the series at a time, so that memory does not grow
with the number of layers and slices.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from viewer.controllers.explain_order import ALL, ExplainOrder, chosen_classes, chosen_layers, chosen_slices
from viewer.controllers.headless import applicability_json
from viewer.controllers.map_files import (
    Picture,
    file_stem,
    make_folder,
    map_unit,
    view_facts,
    write_map,
    write_raw,
)
from viewer.evaluation.agreement import class_overlap
from viewer.explainers.declaration import EXPLAINERS, equals, resolved
from viewer.explainers.explainer_info import INPUT_LAYER
from viewer.explainers.explanation import IMPROBABLE, map_state
from viewer.foundation.errors import ExportError, UsageError
from viewer.foundation.progress import SILENT, Progress
from viewer.foundation.provenance import provenance, write_provenance
from viewer.imaging.image import MedicalImage
from viewer.imaging.windows import default_window
from viewer.models.applicability import Applicability, applicability
from viewer.models.card import SQUASHED
from viewer.models.input_view import InputView
from viewer.plugin_host import host
from viewer.state.canvas_view import OverlayStyle, background_of
from viewer.state.case import Case
from viewer.state.map_view import MapView, pixels_inside
from viewer.state.may_read import MapFacts, MayRead, may_read

if TYPE_CHECKING:
    from viewer.controllers.engine import LoadedModel, TraceReply

_STYLE = OverlayStyle(visible=True, opacity=0.7, threshold=0.15, colour_map="inferno")


@dataclass(frozen=True)
class _Map:
    """One class, layer and explainer."""

    target: int
    class_name: str
    layer: str
    explainer: str

    @property
    def stem(self) -> str:
        return file_stem(self.class_name, self.layer, self.explainer)


@dataclass(frozen=True)
class _Made:
    """What is remembered of one map of one slice; its values are in the file `raw`."""

    state: str
    raw_max: float
    probability: float
    raw: Path
    verdict: MayRead
    flags: tuple[str, ...]
    equal_to: tuple[str, ...]
    deviation: Path | None


@dataclass(frozen=True)
class _Job:
    """An order, resolved against a model and an image."""

    order: ExplainOrder
    loaded: LoadedModel
    image: MedicalImage
    fit: Applicability
    maps: tuple[_Map, ...]
    slices: tuple[int, ...]
    slice_rule: str

    @property
    def count(self) -> int:
        return self.image.plane.count(self.image.geometry.shape)


def explain_to_files(image: MedicalImage, order: ExplainOrder, progress: Progress = SILENT) -> dict[str, Any]:
    """Explain an image and write the maps.

    Returns
    -------
    dict
        The document of ``whyslice explain``: per map and slice the paths of its raw values, volume and picture.

    Raises
    ------
    UsageError
        Unknown model part, explainer, class, slice or parameter; nearest names are offered.
    ModelError, ExplainError, ExportError
        The sentence says what failed.
    """
    order.check()
    host.activate()
    job = _resolved(image, order, progress)
    make_folder(order.out)
    views: dict[int, InputView] = {}
    made: dict[tuple[_Map, int], _Made] = {}
    flags: tuple[str, ...] = ()
    for number, index in enumerate(job.slices):
        progress.report(number, len(job.slices), "tracing slices")
        for each, reply, deviation in _made_of(job, index, progress):
            views[index] = reply.view
            flags = tuple(dict.fromkeys((*flags, *reply.flags)))
            made[each, index] = _keep(job, each, reply, deviation)
    entries: list[dict[str, Any]] = []
    for number, each in enumerate(job.maps):
        entries += _written(job, each, views, made, (number * len(job.slices), progress))
    path = order.out / "provenance.json"
    write_provenance(path, _record(job, views, entries, flags))
    return {
        "maps": entries,
        "provenance": str(path),
        "model": job.loaded.card.id,
        "slice_rule": job.slice_rule,
        "applicability": applicability_json(job.fit),
    }


def _resolved(image: MedicalImage, order: ExplainOrder, progress: Progress) -> _Job:
    from viewer.controllers import engine

    progress.report(0, 1, "loading the model")
    loaded = engine.load(order.model, order.device)
    card = loaded.card
    if order.region is not None and card.task != "segmentation":
        raise UsageError(
            f"'{card.id}' is no segmentation network, so there is no region to choose.", code="no-region"
        )
    places = {name: _layers(order, loaded, name) for name in dict.fromkeys(order.explainers)}
    if order.targets:
        chosen_classes(card, order.targets, None)
    count = image.plane.count(image.geometry.shape)
    prediction = None
    if not order.targets or (order.slices is None and count > 1):
        prediction = engine.predict_case(
            order.model,
            order.device,
            image,
            mirror=order.wish.mirror,
            crop=order.wish.crop_rule(card),
            progress=progress,
        )
    targets = chosen_classes(card, order.targets, prediction.case if prediction else None)
    slices, rule = chosen_slices(order.slices, count, card.classes[targets[0]], targets[0], prediction)
    maps = tuple(
        _Map(target, card.classes[target], layer, explainer)
        for target in targets
        for explainer, layers in places.items()
        for layer in layers
    )
    stems = {each.stem.casefold(): each for each in maps}
    if len(stems) < len(maps):
        taken = next(each for each in maps if stems[each.stem.casefold()] is not each)
        raise ExportError(
            f"Two of the maps would be written to '{taken.stem}.nii.gz': ask for them one at a time.",
            code="one-name",
        )
    return _Job(order, loaded, image, applicability(card, image), maps, slices, rule)


def _in_trace(job: _Job, each: _Map) -> bool:
    """Whether a trace makes a map, together with others; else it is made on demand."""
    return EXPLAINERS[each.explainer].in_atlas and job.loaded.card.task != "segmentation"


def _layers(order: ExplainOrder, loaded: LoadedModel, explainer: str) -> tuple[str, ...]:
    if not resolved(explainer, dict(order.settings)).needs_layer:
        return (INPUT_LAYER,)
    return chosen_layers(order.layers, loaded.layers, loaded.default_layer)


def _made_of(
    job: _Job, index: int, progress: Progress
) -> Iterator[tuple[_Map, TraceReply, NDArray[np.float32] | None]]:
    """Every map of one slice: those of a trace first, together, then the others one by one, with their deviations."""
    from viewer.controllers import engine

    order = job.order
    together = [each for each in job.maps if _in_trace(job, each)]
    if together:
        reply = _traced(job, together, index)
        yield from ((each, reply, None) for each in together)
    for each in job.maps:
        if each in together:
            continue
        request = engine.ExplainRequest(
            order.model,
            order.device,
            job.image,
            index,
            order.wish.mirror,
            order.wish.crop_rule(job.loaded.card),
            order.score,
            each.explainer,
            each.layer,
            each.target,
            order.parameters(each.explainer),
            order.region,
        )
        for found in engine.explain_steps(request, progress):
            progress.report(found.done, found.total, f"{EXPLAINERS[each.explainer].title}, slice {index}")
        maps = {(each.target, each.layer, each.explainer): found.signed}
        assert isinstance(found.view, InputView)
        yield (
            each,
            engine.TraceReply(index, found.view, found.probabilities, maps, found.flags),
            found.deviation,
        )


def _traced(job: _Job, together: Sequence[_Map], index: int) -> TraceReply:
    """All that a trace makes of one slice, from one forward pass and one backward pass per class."""
    from viewer.controllers import engine

    order = job.order
    return engine.trace_slice(
        engine.TraceRequest(
            order.model,
            order.device,
            job.image,
            index,
            order.wish.mirror,
            order.wish.crop_rule(job.loaded.card),
            order.score,
            layers=tuple(dict.fromkeys(each.layer for each in together)),
            targets=tuple(dict.fromkeys(target for each in together for target in _pair(job, each))),
            methods=tuple(dict.fromkeys(each.explainer for each in together)),
        )
    )


def _pair(job: _Job, each: _Map) -> tuple[int, ...]:
    """The class and, where there are just two that exclude each other, its opponent, for the verdict."""
    card = job.loaded.card
    both = len(card.classes) == 2 and card.task != "multilabel" and _in_trace(job, each)
    return (each.target, 1 - each.target) if both else (each.target,)


def _keep(job: _Job, each: _Map, reply: TraceReply, deviation: NDArray[np.float32] | None) -> _Made:
    spread = None
    if deviation is not None:
        spread = job.order.out / f"{each.stem}__slice-{reply.index:03d}__deviation.npy"
        write_raw(spread, deviation)
    place = next((layer for layer in job.loaded.layers if layer.name == each.layer), None)
    equal_to = equals(each.explainer, place) if place else ()
    maps = [np.maximum(reply.maps[target, each.layer, each.explainer], 0) for target in _pair(job, each)]
    signed = reply.maps[each.target, each.layer, each.explainer]
    path = job.order.out / f"{each.stem}__slice-{reply.index:03d}.npy"
    write_raw(path, maps[0])
    state, probability = map_state(signed, _reference(job, each)), float(reply.probabilities[each.target])
    overlap = class_overlap(*maps).value if len(maps) == 2 and all(map_.any() for map_ in maps) else None
    facts = MapFacts(
        state, each.class_name, probability, overlap, reply.view.mirror, squashed=SQUASHED in reply.flags
    )
    improbable = ("improbable_class",) if probability < IMPROBABLE else ()
    raw_max = max(0.0, float(signed.max()))
    equal = ("equal_by_construction",) if equal_to else ()
    verdict, flags = may_read(facts, job.fit), (*improbable, *equal, *reply.flags)
    return _Made(state, raw_max, probability, path, verdict, flags, equal_to, spread)


def _reference(job: _Job, each: _Map) -> float | None:
    """The card's full scale, which was measured on logits."""
    if job.order.score != "logit":
        return None
    return job.loaded.card.reference(each.layer, each.class_name, each.explainer)


def _scale(job: _Job, each: _Map, highest: float) -> tuple[float, str]:
    """Raw value of full colour and its name. It never follows the slice where there is a choice."""
    reference = _reference(job, each)
    if reference is not None and reference > 0:
        return reference, "model reference"
    if len(job.slices) == job.count and job.count > 1:
        label = "series maximum"
    else:
        label = (
            "this slice only"
            if len(job.slices) == 1
            else f"maximum of {len(job.slices)} of {job.count} slices"
        )
    return (highest if highest > 0 else 1.0), label


def _written(
    job: _Job,
    each: _Map,
    views: dict[int, InputView],
    made: dict[tuple[_Map, int], _Made],
    place: tuple[int, Progress],
) -> list[dict[str, Any]]:
    """Write the volume and the pictures of one map of the series; return its entries of the document."""
    done, progress = place
    total = len(job.maps) * len(job.slices)
    scale = _scale(job, each, max(made[each, index].raw_max for index in job.slices))
    nifti = job.order.out / f"{each.stem}.nii.gz"
    drawn: dict[int, Picture] = {}
    entries = []
    for number, index in enumerate(job.slices):
        progress.report(done + number, total, "writing maps")
        fact = made[each, index]
        raw = np.load(fact.raw, allow_pickle=False)
        drawn[index] = views[index].back(raw)
        picture = fact.raw.with_suffix(".png")
        _save_picture(picture, job, each, index, fact, views[index], raw, drawn[index], scale)
        entries.append(
            {
                "class": each.class_name,
                "slice": index,
                "layer": each.layer,
                "explainer": each.explainer,
                "state": fact.state,
                "raw_max": fact.raw_max,
                "raw": str(fact.raw),
                "nifti": str(nifti),
                "picture": str(picture),
                "probability": fact.probability,
                "flags": list(fact.flags),
                "equal_to": list(fact.equal_to),
                "warning": _warning(job, each),
                "deviation": str(fact.deviation) if fact.deviation else None,
                "parameters": _parameters(job, each),
                "may_read": {"answer": fact.verdict.answer, "line": fact.verdict.line},
                "scale": scale[0],
                "scale_name": scale[1],
            }
        )
    write_map(nifti, job.image, drawn)
    return entries


def _parameters(job: _Job, each: _Map) -> dict[str, Any]:
    given = job.order.parameters(each.explainer)
    return dict(resolved(each.explainer, given).checked(given))


def _warning(job: _Job, each: _Map) -> str:
    return resolved(each.explainer, job.order.parameters(each.explainer)).warning


def _save_picture(
    path: Path,
    job: _Job,
    each: _Map,
    index: int,
    fact: _Made,
    view: InputView,
    raw: Picture,
    drawn: Picture,
    scale: tuple[float, str],
) -> None:
    from viewer.controllers.slice_figures import figure_content
    from viewer.reporting.slice_picture import slice_picture

    found = MapView(
        raw, drawn, pixels_inside(view), *scale, False, fact.state, fact.verdict, fact.probability
    )
    title = EXPLAINERS.find(each.explainer).title
    facts = (
        (
            "prediction",
            f"{each.class_name} {fact.probability:.3f} on slice {index} (counted from 0) of {job.count}",
        ),
        ("model", f"{job.loaded.card.id}: {job.fit.sentence}"),
        (
            "map",
            f"{title} of the {job.order.score}, layer {each.layer}, grid {raw.shape[0]} x {raw.shape[1]}",
        ),
        ("scale", f"0 to {scale[0]:.4g}, {scale[1]}"),
        ("input", f"crop: {view.crop}{', given to the network mirrored' if view.mirror else ''}"),
        *(("parameters", f"{name} {value}") for name, value in _parameters(job, each).items()),
        *((("warning", warning),) if (warning := _warning(job, each)) else ()),
    )
    content = figure_content(
        background_of(Case(job.image, ""), index, default_window(job.image)),
        found,
        drawn,
        _STYLE,
        title=f"{each.class_name}: {title}, {each.layer}",
        unit=map_unit(title, job.order.score),
        facts=facts,
        watermark="MODEL NOT MADE FOR THIS IMAGE" if job.fit.verdict == "does_not_apply" else "",
    )
    slice_picture(path, content)


def _record(
    job: _Job, views: dict[int, InputView], entries: list[dict[str, Any]], flags: tuple[str, ...]
) -> dict[str, Any]:
    card, order = job.loaded.card, job.order
    files = ("raw", "nifti", "picture", "deviation")
    return provenance(
        model=card.id,
        weights_sha256=card.weights_sha256,
        input_sha256=job.image.source.sha256,
        device=job.loaded.device,
        score=order.score,
        slice_rule=job.slice_rule,
        slices=list(job.slices) if order.slices != ALL else ALL,
        slice_count=job.count,
        plane=job.image.plane.name,
        unexplained_slices="0 in the volumes",
        raw_maps="(row, column) of the layer's grid as the network saw the input, after ReLU, not normalised",
        applicability=applicability_json(job.fit),
        flags=list(flags),
        diagnoses=[finding.code for finding in job.image.diagnoses],
        input={str(index): view_facts(view) for index, view in views.items()},
        maps=[{**entry, **{key: Path(entry[key]).name for key in files if entry[key]}} for entry in entries],
    )
