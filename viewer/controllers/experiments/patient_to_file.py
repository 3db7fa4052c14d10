"""``whyslice export --format pdf``: the summary of a patient as a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from viewer.controllers.experiments.order import ExperimentOrder
from viewer.controllers.experiments.person import person_words
from viewer.controllers.headless import applicability_json
from viewer.controllers.map_files import make_folder
from viewer.controllers.steadying import PASSES
from viewer.foundation.errors import UsageError
from viewer.foundation.progress import SILENT, Progress
from viewer.foundation.provenance import provenance, write_provenance
from viewer.plugin_host import host

if TYPE_CHECKING:
    from viewer.controllers.experiments.patient_reading import PatientReading


def patient_to_file(
    order: ExperimentOrder,
    out: Path,
    progress: Progress = SILENT,
    *,
    passes: int = PASSES,
    seed: int = 0,
    show_phi: bool = False,
) -> dict[str, Any]:
    """Read a patient, write the pages, and beside them ``NAME.provenance.json``.

    Parameters
    ----------
    out : ends in ``.pdf``; a ``.png`` holds the first page.
    show_phi : whether the pages name the patient.

    Returns
    -------
    dict
        The document of the command.

    Raises
    ------
    UsageError, ModelError, ExplainError, ExportError
        The sentence says what failed.
    """
    from viewer.controllers.experiments.patient_pages import patient_pages
    from viewer.controllers.experiments.patient_reading import read_patient
    from viewer.reporting.page import save_pages

    if out.suffix.lower() not in (".pdf", ".png"):
        raise UsageError(f"'{out.name}' ends in neither .pdf nor .png.", code="figure-format")
    host.activate()
    make_folder(out.parent)
    found = read_patient(order, progress, passes=passes, seed=seed)
    progress.report(0, 0, "drawing the pages")
    save_pages(out, patient_pages(found, person_words(order.image.patient) if show_phi else ""))
    record = out.with_name(f"{out.stem}.provenance.json")
    write_provenance(record, record_of(found, seed))
    fit = applicability_json(found.asked.fit)
    return {"path": str(out), **found.to_json(), "applicability": fit, "provenance": str(record)}


def record_of(found: PatientReading, seed: int = 0) -> dict[str, Any]:
    """Enough to make the summary again, nothing about the patient."""
    asked = found.asked
    return provenance(
        weights_sha256=asked.card.weights_sha256,
        input_sha256=asked.order.image.source.sha256,
        score=asked.order.score,
        input={"mirror": asked.order.mirror, "crop": asked.crop},
        seed=seed,
        applicability=applicability_json(asked.fit),
        diagnoses=[finding.code for finding in asked.order.image.diagnoses],
        **found.to_json(),
    )
