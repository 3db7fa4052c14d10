"""``whyslice check``: the trust checks of maps of an image, with their pictures where a folder is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from viewer.controllers.explain_job import (
    ExplainJob,
    OrderedMap,
    explain_request,
    job_record,
    parameters_of,
    resolved_job,
)
from viewer.controllers.explain_order import ExplainOrder
from viewer.controllers.headless import applicability_json, input_json
from viewer.controllers.map_files import file_stem, make_folder
from viewer.evaluation.checks.declaration import CHECKS
from viewer.explainers.declaration import EXPLAINERS
from viewer.explainers.explainer_info import INPUT_LAYER
from viewer.foundation.progress import SILENT, Progress
from viewer.foundation.provenance import write_provenance
from viewer.imaging.image import MedicalImage
from viewer.plugin_host import host

if TYPE_CHECKING:
    from viewer.evaluation.checks.finding import Finding


def check_to_files(
    image: MedicalImage,
    order: ExplainOrder,
    checks: Sequence[str] | None = (),
    out: Path | None = None,
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """Check maps of an image.

    Parameters
    ----------
    order : which maps; its folder is not used. Without an explainer Grad-CAM, of a segmentation Seg-Grad-CAM.
    checks : names; empty for all, None for none.
    out : folder for the pictures and the record; None for none.

    Returns
    -------
    dict
        The document of ``whyslice check``.

    Raises
    ------
    UsageError
        Unknown check, or model part, explainer, class, slice or parameter; nearest names are offered.
    ModelError, ExplainError, ExportError
        The sentence says what failed.
    """
    from viewer.controllers import engine

    for name in checks or ():
        CHECKS.find(name)
    host.activate()
    if not order.explainers:
        progress.report(0, 1, "loading the model")
        task = engine.load(order.model, order.device).card.task
        order = replace(order, explainers=("seg-grad-cam" if task == "segmentation" else "grad-cam",))
    order.check()
    job = resolved_job(image, order, progress)
    if out is not None:
        make_folder(out)
    wanted = [] if checks is None else [name for name in CHECKS if not checks or name in checks]
    places = [(each, index) for each in job.maps for index in (job.slices or (None,))]
    entries: list[dict[str, Any]] = []
    for number, (each, index) in enumerate(places if wanted else ()):
        request = explain_request(job, each, index or 0)
        subject = engine.check_subject(request, progress)
        for count, name in enumerate(wanted):
            progress.report(number * len(wanted) + count, len(places) * len(wanted), CHECKS[name].title)
            finding = engine.check_one(subject, name, progress)
            picture = None if out is None else _picture(out, job, each, index, finding)
            entries.append(_entry(each, index, finding, picture))
    document = {
        "checks": entries,
        "model": job.loaded.card.id,
        "slice_rule": job.slice_rule,
        "notes": list(order.notes),
        "applicability": applicability_json(job.fit),
    }
    if out is not None:
        path = out / "provenance.json"
        write_provenance(path, _record(job, entries))
        document["provenance"] = str(path)
    return document


def _entry(each: OrderedMap, index: int | None, finding: Finding, picture: Path | None) -> dict[str, Any]:
    return {
        **finding.to_json(),
        "title": CHECKS[finding.name].title,
        "explainer": each.explainer,
        "layer": each.layer if EXPLAINERS[each.explainer].needs_layer else INPUT_LAYER,
        "class": each.class_name,
        "slice": index,
        "picture": str(picture) if picture else None,
    }


def _picture(
    out: Path, job: ExplainJob, each: OrderedMap, index: int | None, finding: Finding
) -> Path | None:
    """What was compared, as a picture; None where nothing was."""
    from viewer.reporting.check_picture import check_picture

    if not finding.panels:
        return None
    where = () if index is None else (f"slice-{index:03d}",)
    path = out / (file_stem(each.class_name, each.layer, each.explainer, *where, finding.name) + ".png")
    tiles = [
        (f"{panel.title}  {panel.note}".rstrip(), panel.values, panel.kind == "map")
        for panel in finding.panels
    ]
    info = CHECKS[finding.name]
    what = f"{EXPLAINERS[each.explainer].title}, {each.layer}, {each.class_name}"
    place = "the volume" if index is None else f"slice {index} (counted from 0)"
    check_picture(
        path,
        tiles,
        (f"{info.title}: {finding.verdict}. {finding.sentence}", f"{job.loaded.card.id}, {what}, {place}."),
    )
    return path


def _record(job: ExplainJob, entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The provenance of what was found; names of files without their folder."""
    order = job.order
    return job_record(
        job,
        input=input_json(order.wish, order.wish.crop_rule(job.loaded.card)),
        parameters={each.explainer: parameters_of(job, each) for each in job.maps},
        thresholds={
            name: {
                "doubtful": info.doubtful,
                "fails": info.fails,
                "reason": info.reason,
                "source": info.source,
            }
            for name, info in CHECKS.items()
        },
        checks=[
            {**entry, "picture": Path(entry["picture"]).name if entry["picture"] else None}
            for entry in entries
        ],
    )
