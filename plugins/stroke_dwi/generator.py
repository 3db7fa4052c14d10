"""Synthetic patients as files: NIfTI image and lesion mask, and the cohort's table."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from viewer.api import Geometry, Progress, write_nifti

from .cohort import Patient, make_patient

CODE = 4
"""Part of every generated patient's seed; training uses 1 to 3, so no generated patient was trained on."""
READER = "simulated reader"
_COLUMNS = ("path", "case", "label", "mask", "boxes", "reader", "split")
_EIGHT = np.ones((3, 3), dtype=int)


def generate(out: Path, count: int, seed: int, progress: Progress) -> None:
    """Write `count` patients and `cohort.csv` into `out`; the same seed gives the same files.

    Parameters
    ----------
    out
        Folder; made when it is missing. Every case is a folder with `image.nii.gz` and `mask.nii.gz`.
    count, seed
        Number of patients; patient number i follows from the seed and i.
    progress
        Told after each patient.
    """
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    for index in range(count):
        patient = make_patient((seed, CODE, index))
        case = f"case-{index + 1:04d}"
        write_case(out / case, patient, np.random.default_rng((seed, CODE, index, 1)))
        rows.append(
            {
                "path": f"{case}/image.nii.gz",
                "case": case,
                "label": "stroke" if patient.mask.any() else "no stroke",
                "mask": f"{case}/mask.nii.gz",
                "boxes": json.dumps(lesion_boxes(patient.mask), separators=(",", ":")),
                "reader": READER,
                "split": "test",
            }
        )
        progress.report(index + 1, count, case)
    with (out / "cohort.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, _COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def write_case(folder: Path, patient: Patient, rng: np.random.Generator) -> Geometry:
    """Write image (int16) and mask (uint8) on one grid, some of them a little oblique."""
    folder.mkdir(parents=True, exist_ok=True)
    tilt = float(rng.uniform(-20.0, 20.0)) if rng.random() < 0.4 else 0.0
    geometry = patient_geometry(patient, tilt)
    # Scanners store whole numbers on a scale of their own.
    stored = np.clip(np.rint(patient.image * rng.uniform(80.0, 400.0)), 0, 32000).astype(np.int16)
    write_files(folder, stored, patient.mask, geometry)
    return geometry


def write_files(folder: Path, stored: NDArray[np.int16], mask: NDArray[np.bool_], geometry: Geometry) -> None:
    """Write image and mask, and beside the image what NIfTI cannot say: ``image.json`` and ``image.bval``."""
    write_nifti(folder / "image.nii.gz", stored, geometry)
    write_nifti(folder / "mask.nii.gz", mask.astype(np.uint8), geometry)
    facts = {"Modality": "MR", "BodyPartExamined": "HEAD", "SeriesDescription": "Synthetic DWI"}
    (folder / "image.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    (folder / "image.bval").write_text("1000\n", encoding="ascii")


def patient_geometry(patient: Patient, tilt_degrees: float = 0.0) -> Geometry:
    """Return the grid in the patient: columns to the left, rows to the back, slices upwards, origin in the middle.

    Parameters
    ----------
    patient
        Whose grid it is.
    tilt_degrees
        Rotation about the left-right axis, as slices are tilted along the skull base.
    """
    shape = patient.image.shape
    slice_mm, row_mm, column_mm = patient.spacing_mm
    cosine, sine = np.cos(np.deg2rad(tilt_degrees)), np.sin(np.deg2rad(tilt_degrees))
    affine = np.eye(4)
    affine[:3, 0] = np.array([1.0, 0.0, 0.0]) * column_mm
    affine[:3, 1] = np.array([0.0, cosine, sine]) * row_mm
    affine[:3, 2] = np.array([0.0, -sine, cosine]) * slice_mm
    middle = (np.array([shape[2], shape[1], shape[0]]) - 1.0) / 2.0
    affine[:3, 3] = -affine[:3, :3] @ middle
    return Geometry(affine, (shape[0], shape[1], shape[2]))


def lesion_boxes(mask: NDArray[np.bool_]) -> list[dict[str, Any]]:
    """Return the bounding boxes of the lesions on every slice, half-open pixel edges in array axes.

    Pieces that touch at a corner are one lesion; single pixels have no box.
    """
    boxes: list[dict[str, Any]] = []
    for number in np.flatnonzero(mask.any(axis=(1, 2))):
        pieces, _ = ndimage.label(mask[number], structure=_EIGHT)
        for piece, (rows, columns) in enumerate(ndimage.find_objects(pieces), start=1):
            if np.count_nonzero(pieces[rows, columns] == piece) < 2:
                continue
            boxes.append(
                {
                    "slice": int(number),
                    "row_min": int(rows.start),
                    "column_min": int(columns.start),
                    "row_max": int(rows.stop),
                    "column_max": int(columns.stop),
                    "label": "stroke",
                }
            )
    return boxes
