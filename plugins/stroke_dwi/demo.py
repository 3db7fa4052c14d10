"""The demonstration patient: `python -m plugins.stroke_dwi.demo resources/demo/stroke-demo` writes its files."""

import json
import sys
from pathlib import Path

import numpy as np

from .cohort import make_patient
from .generator import READER, lesion_boxes, patient_geometry, write_files
from .lesions import SITES, LesionPlan

SEED = (2026, 5, 1)
"""No training seed has this form."""


def write_demo(folder: Path) -> None:
    """Write a patient with an infarct of the left middle cerebral artery: image, mask, and a reader's boxes."""
    site = next(site for site in SITES if site.name == "MCA superior")
    plan = LesionPlan("territory", site, side=1.0, scale=1.0, swelling=0.15)
    patient = make_patient(SEED, stroke=True, plan=plan, quiet=True)
    geometry = patient_geometry(patient, tilt_degrees=8.0)
    folder.mkdir(parents=True, exist_ok=True)
    # A coarse scale keeps the file small; the noise is about one step of it.
    write_files(folder, np.rint(patient.image * 60.0).astype(np.int16), patient.mask, geometry)
    truth = {
        "synthetic": True,
        "description": "Synthetic DWI, b = 1000: infarct of the left middle cerebral artery. No image of a person.",
        "positive_class": "stroke",
        "reader": READER,
        "boxes": [{**box, "reader": READER} for box in lesion_boxes(patient.mask)],
    }
    (folder / "truth.json").write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_demo(Path(sys.argv[1]))
