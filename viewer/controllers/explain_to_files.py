"""``whyslice explain``: one trace per slice, and everything that was asked for of it, as files.

Raw maps go to disk as they are made and are read back one map of the series at a time, so that memory does not grow
with the number of layers and slices.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from viewer.controllers.explain_agreement import against_truth
from viewer.controllers.explain_job import (
    ExplainJob,
    Found,
    MadeMap,
    OrderedMap,
    entry_of,
    explain_request,
    in_trace,
    is_diverging,
    kept,
    parameters_of,
    record_of,
    reference_of,
    resolved_job,
    scale_words,
    shown_values,
    trace_request,
)
from viewer.controllers.explain_order import ALL, ExplainOrder
from viewer.controllers.explain_volume import volume_to_files
from viewer.controllers.headless import applicability_json, input_json, probabilities_json
from viewer.controllers.map_files import Picture, grid_words, make_folder, map_unit, view_facts, write_map
from viewer.explainers.declaration import EXPLAINERS
from viewer.foundation.progress import SILENT, Progress
from viewer.foundation.provenance import write_provenance
from viewer.imaging.image import MedicalImage
from viewer.imaging.windows import default_window
from viewer.models.input_view import InputView
from viewer.plugin_host import host
from viewer.state.canvas_view import OverlayStyle, background_of
from viewer.state.case import Case
from viewer.state.map_view import MapView, pixels_inside
from viewer.state.segment_lines import boundary_lines

_STYLE = OverlayStyle(visible=True, opacity=0.7, threshold=0.15, colour_map="inferno")


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
    job = resolved_job(image, order, progress)
    make_folder(order.out)
    if job.volumes:
        entries, record = volume_to_files(job, progress)
    else:
        entries, record = _slices_to_files(job, progress)
    path = order.out / "provenance.json"
    write_provenance(path, record)
    return {
        "maps": entries,
        "provenance": str(path),
        "model": job.loaded.card.id,
        "slice_rule": job.slice_rule,
        "notes": list(order.notes),
        "nifti_grid": grid_words(job.image),
        "applicability": applicability_json(job.fit),
        "input": input_json(order.wish, order.wish.crop_rule(job.loaded.card)),
        **_before_erasing(image, job, progress),
    }


def _before_erasing(image: MedicalImage, job: ExplainJob, progress: Progress) -> dict[str, Any]:
    """What the model says of the image as it is, where a part of it was erased."""
    from viewer.controllers import engine

    if not job.image.erased:
        return {}
    wish = job.order.wish
    crop = wish.crop_rule(job.loaded.card)
    found = engine.predict_case(
        job.order.model, job.order.device, image, mirror=wish.mirror, crop=crop, progress=progress
    )
    return {"before_erasing": probabilities_json(found)}


def _slices_to_files(job: ExplainJob, progress: Progress) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Explain slice by slice; the entries of the document and the record of provenance."""
    views: dict[int, InputView] = {}
    made: dict[tuple[OrderedMap, int], MadeMap] = {}
    flags: tuple[str, ...] = ()
    for number, index in enumerate(job.slices):
        progress.report(number, len(job.slices), "tracing slices")
        for each, view, found in _made_of(job, index, progress):
            views[index] = view
            flags = tuple(dict.fromkeys((*flags, *found.flags)))
            made[each, index] = kept(job, each, found, f"__slice-{index:03d}")
    entries: list[dict[str, Any]] = []
    for number, each in enumerate(job.maps):
        entries += _written(job, each, views, made, (number * len(job.slices), progress))
    record = record_of(
        job,
        entries,
        flags,
        slices=list(job.slices) if job.order.slices != ALL else ALL,
        slice_count=job.count,
        plane=job.image.plane.name,
        unexplained_slices="0 in the volumes",
        raw_maps="(row, column) of the layer's grid as the network saw the input, after ReLU, not normalised",
        input={str(index): view_facts(view) for index, view in views.items()},
    )
    return entries, record


def _made_of(
    job: ExplainJob, index: int, progress: Progress
) -> Iterator[tuple[OrderedMap, InputView, Found]]:
    """Every map of one slice: those of a trace first, together, then the others one by one, with their deviations."""
    from viewer.controllers import engine

    together = [each for each in job.maps if in_trace(job, each)]
    if together:
        reply = engine.trace_slice(trace_request(job, together, index))
        made = Found(reply.maps, reply.probabilities, reply.flags, reply.view.mirror)
        yield from ((each, reply.view, made) for each in together)
    for each in job.maps:
        if each in together:
            continue
        for found in engine.explain_steps(explain_request(job, each, index), progress):
            progress.report(found.done, found.total, f"{EXPLAINERS[each.explainer].title}, slice {index}")
        assert isinstance(found.view, InputView)
        yield each, found.view, Found.of_map(each, found)


def _scale(job: ExplainJob, each: OrderedMap, highest: float) -> tuple[float, str]:
    """Raw value of full colour and its name. It never follows the slice where there is a choice."""
    reference = reference_of(job, each)
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
    job: ExplainJob,
    each: OrderedMap,
    views: dict[int, InputView],
    made: dict[tuple[OrderedMap, int], MadeMap],
    place: tuple[int, Progress],
) -> list[dict[str, Any]]:
    """Write the volume and the pictures of one map of the series; return its entries of the document."""
    done, progress = place
    total = len(job.maps) * len(job.slices)
    scale = _scale(job, each, max(made[each, index].reach for index in job.slices))
    nifti = job.order.out / f"{each.stem}.nii.gz"
    drawn: dict[int, Picture] = {}
    entries = []
    for number, index in enumerate(job.slices):
        progress.report(done + number, total, "writing maps")
        fact = made[each, index]
        raw = np.load(fact.raw, allow_pickle=False)
        drawn[index] = views[index].back(raw)
        picture = fact.raw.with_suffix(".png")
        _save_picture(picture, job, each, index, fact, views[index], scale)
        entry = entry_of(job, each, fact, index, nifti, scale)
        if job.truth is not None:
            names = each.class_name, job.loaded.card.positive_class
            entry["agreement"] = against_truth(
                job.truth, job.image, index, *names, drawn[index], views[index]
            )
        entries.append(entry)
    write_map(nifti, job.image, drawn)
    return entries


def _save_picture(
    path: Path,
    job: ExplainJob,
    each: OrderedMap,
    index: int,
    fact: MadeMap,
    view: InputView,
    scale: tuple[float, str],
) -> None:
    from viewer.controllers.slice_figures import erased_regions, figure_content
    from viewer.reporting.slice_picture import slice_picture

    raw = shown_values(fact)
    drawn, both = view.back(raw), is_diverging(job, each)
    found = MapView(raw, drawn, pixels_inside(view), *scale, both, fact.state, fact.verdict, fact.probability)
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
        ("scale", scale_words(scale, both=both)),
        ("input", f"crop: {view.crop}{', given to the network mirrored' if view.mirror else ''}"),
        *(("erased", f"erased: {each.words}") for each in job.image.erased if each.on(index)),
        *(("parameters", f"{name} {value}") for name, value in parameters_of(job, each).items()),
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
        regions=erased_regions(job.image.erased, index),
        boundaries=None if fact.segments is None else boundary_lines(view.cells(fact.segments)),
    )
    slice_picture(path, content)
