"""``whyslice explain`` with a model of volumes: every map is one volume, shown in three planes through its peak."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    scale_words,
    shown_values,
    trace_request,
)
from viewer.controllers.map_files import map_unit, view_facts, write_volume_map
from viewer.explainers.declaration import EXPLAINERS
from viewer.foundation.progress import Progress
from viewer.imaging.geometry import Geometry
from viewer.imaging.plane import ReadingPlane
from viewer.imaging.windows import default_window
from viewer.models.volume_view import VolumeView
from viewer.state.segment_lines import boundary_lines

_OPACITY, _THRESHOLD, _COLOURS = 0.7, 0.15, "inferno"


def volume_to_files(job: ExplainJob, progress: Progress) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Explain a volume and write the maps; the entries of the document and the record of provenance."""
    entries: list[dict[str, Any]] = []
    flags: tuple[str, ...] = ()
    view: VolumeView | None = None
    for number, (each, seen, found) in enumerate(_made_of(job, progress)):
        progress.report(number, len(job.maps), "writing maps")
        view, flags = seen, tuple(dict.fromkeys((*flags, *found.flags)))
        fact = kept(job, each, found)
        signed = found.maps[each.target, each.layer, each.explainer]
        entries.append(_written(job, each, fact, seen, np.maximum(signed, 0)))
    assert view is not None, "an order has at least one map"
    record = record_of(
        job,
        entries,
        flags,
        raw_maps="(slice, row, column) of the layer's grid as the network saw the input, after ReLU, not normalised; "
        "slices from the feet to the head, rows from anterior to posterior, columns from right to left",
        input=view_facts(view),
        reading_order={"axes": list(view.order.axes), "flips": list(view.order.flips)},
    )
    return entries, record


def _made_of(job: ExplainJob, progress: Progress) -> Iterator[tuple[OrderedMap, VolumeView, Found]]:
    """Every map: those of a trace first, together, then the others one by one."""
    from viewer.controllers import engine

    together = [each for each in job.maps if in_trace(job, each)]
    if together:
        reply = engine.trace_volume(trace_request(job, together), progress)
        made = Found(reply.maps, reply.probabilities, reply.flags, reply.view.mirror)
        yield from ((each, reply.view, made) for each in together)
    for each in job.maps:
        if each in together:
            continue
        for found in engine.explain_steps(explain_request(job, each), progress):
            progress.report(found.done, found.total, EXPLAINERS[each.explainer].title)
        assert isinstance(found.view, VolumeView)
        yield each, found.view, Found.of_map(each, found)


def _written(
    job: ExplainJob, each: OrderedMap, fact: MadeMap, view: VolumeView, raw: NDArray[np.float32]
) -> dict[str, Any]:
    """Write the volume and the picture of one map; return its entry of the document."""
    reference = reference_of(job, each)
    scale = (
        (reference, "model reference")
        if reference is not None and reference > 0
        else (fact.reach or 1.0, "maximum of this volume")
    )
    drawn = view.returned(view.back(raw))
    nifti = job.order.out / f"{each.stem}.nii.gz"
    write_volume_map(nifti, job.image, drawn)
    _save_picture(fact.raw.with_suffix(".png"), job, each, fact, view, scale)
    return entry_of(job, each, fact, None, nifti, scale)


def planes_of(geometry: Geometry) -> tuple[ReadingPlane, ...]:
    """Axial, coronal and sagittal; where positions are not known, along each axis of the file."""
    if geometry.placed:
        return tuple(ReadingPlane.named(geometry, name) for name in ("axial", "coronal", "sagittal"))
    return tuple(ReadingPlane.along(geometry, axis) for axis in range(3))


def _save_picture(
    path: Path,
    job: ExplainJob,
    each: OrderedMap,
    fact: MadeMap,
    view: VolumeView,
    scale: tuple[float, str],
) -> None:
    from viewer.controllers.slice_figures import DIVERGING
    from viewer.reporting.blend import Overlay
    from viewer.reporting.content import FigureContent
    from viewer.reporting.slice_picture import planes_picture

    image, raw, both = job.image, shown_values(fact), is_diverging(job, each)
    grid, drawn = raw.shape, view.returned(view.back(raw))
    segments = None if fact.segments is None else view.returned(view.cells(fact.segments))
    window = default_window(image)
    middle = tuple(n // 2 for n in drawn.shape)
    peak = np.unravel_index(int(drawn.argmax()), drawn.shape) if drawn.any() else middle
    title = EXPLAINERS.find(each.explainer).title
    facts = (
        ("prediction", f"{each.class_name} {fact.probability:.3f} for the volume as a whole"),
        ("model", f"{job.loaded.card.id}: {job.fit.sentence}"),
        ("map", f"{title} of the {job.order.score}, layer {each.layer}, grid {' x '.join(map(str, grid))}"),
        ("scale", scale_words(scale, both=both)),
        (
            "place",
            "three planes through the map's peak" if drawn.any() else "three planes through the middle",
        ),
        ("input", f"crop: {view.crop}{', given to the network mirrored' if view.mirror else ''}"),
        *(("parameters", f"{name} {value}") for name, value in parameters_of(job, each).items()),
        *(
            (("device", "the device ran out of memory, so the processor did the work"),)
            if _fell_back(fact)
            else ()
        ),
    )
    contents = []
    for plane in planes_of(image.geometry):
        index = int(peak[plane.axes[0]])
        contents.append(
            FigureContent(
                picture=plane.picture(image.voxels, index),
                window=(window.low, window.high),
                spacing=plane.spacing(image.geometry),
                overlay=Overlay(
                    plane.picture(drawn, index),
                    (-scale[0] if both else 0.0, scale[0]),
                    scale[1],
                    DIVERGING if both else _COLOURS,
                    _OPACITY,
                    _THRESHOLD,
                ),
                boundaries=None if segments is None else boundary_lines(plane.picture(segments, index)),
                overlay_unit=map_unit(title, job.order.score),
                inverted=image.intensity.inverted,
                letters=plane.edge_letters(image.geometry),
                title=f"{each.class_name}: {title}, {each.layer}",
                verdict=fact.verdict.line,
                facts=facts,
                watermark="MODEL NOT MADE FOR THIS IMAGE" if job.fit.verdict == "does_not_apply" else "",
            )
        )
    planes_picture(path, contents)


def _fell_back(fact: MadeMap) -> bool:
    return "fell-back-to-cpu" in fact.flags
