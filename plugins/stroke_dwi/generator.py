"""Synthetic patients as files: images as NIfTI or DICOM, the lesion mask, and the cohort's table."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from viewer.api import Geometry, Progress, write_dicom, write_nifti

from .cohort import Patient, make_patient
from .outcome import outcome_class, rankin_score

CODE = 4
"""Part of every generated patient's seed; training uses 1 to 3, so no generated patient was trained on."""
READER = "simulated reader"
FORMATS = ("nifti", "dicom")
_COLUMNS = ("path", "case", "label", "mask", "boxes", "reader", "split", "side", "territory", "ml", "mrs")
_TRACE = "image"
_ENDINGS = {"nifti": ".nii.gz", "dicom": ""}
_SERIES: dict[str, tuple[str, float | None, tuple[str, ...]]] = {
    # part: (description, b-value, image type)
    _TRACE: ("Synthetic DWI", 1000.0, ("DERIVED", "PRIMARY", "DIFFUSION", "TRACEW")),
    "b0": ("Synthetic DWI b0", 0.0, ("ORIGINAL", "PRIMARY", "DIFFUSION", "NONE")),
    "adc": ("Synthetic ADC", None, ("DERIVED", "PRIMARY", "DIFFUSION", "ADC")),
}
_EIGHT = np.ones((3, 3), dtype=int)


def generate(out: Path, count: int, seed: int, progress: Progress, format: str = "nifti") -> None:
    """Write `count` patients and `cohort.csv` into `out`; the same seed gives the same files.

    Parameters
    ----------
    out
        Folder; made when it is missing. Every case is a folder with the trace image at b = 1000, the image at b = 0
        and the ADC map, and with `mask.nii.gz` on the same grid.
    count, seed
        Number of patients; patient number i follows from the seed and i.
    progress
        Told after each patient.
    format
        `nifti` (`image.nii.gz`, `b0.nii.gz`, `adc.nii.gz`) or `dicom` (folders `image`, `b0`, `adc`).
    """
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    for index in range(count):
        patient = make_patient((seed, CODE, index), unweighted=True)
        case = f"case-{index + 1:04d}"
        rng = np.random.default_rng((seed, CODE, index, 1))
        write_case(out / case, patient, rng, format, name=f"SYNTHETIC^{seed}-{index + 1}")
        rows.append({**_row(case, patient, rng), "path": f"{case}/{_TRACE}{_ENDINGS[format]}"})
        progress.report(index + 1, count, case)
    with (out / "cohort.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, _COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def _row(case: str, patient: Patient, rng: np.random.Generator) -> dict[str, Any]:
    plan, stroke = patient.plan, bool(patient.mask.any())
    site = site_of(patient)
    return {
        "case": case,
        "label": "stroke" if stroke else "no stroke",
        "mask": f"{case}/mask.nii.gz",
        "boxes": json.dumps(lesion_boxes(patient.mask), separators=(",", ":")),
        "reader": READER,
        "split": "test",
        "side": ("left" if plan.side > 0 else "right") if stroke else "",
        "territory": (site or plan.kind) if stroke else "",
        "ml": f"{patient.lesion_ml:.2f}",
        "mrs": rankin_score(patient.lesion_ml, site, plan.side, rng),
    }


def site_of(patient: Patient) -> str:
    """Return the name of the infarcted territory; empty for a watershed infarct, a shower of emboli and none."""
    named = patient.plan.kind == "territory" and patient.mask.any()
    return patient.plan.site.name if named else ""


def outcome_of(patient: Patient, rng: np.random.Generator) -> int:
    """Return the study's class of the patient's outcome, see `outcome_class`; `rng` because patients differ."""
    if not patient.mask.any():
        return outcome_class(None)
    return outcome_class(rankin_score(patient.lesion_ml, site_of(patient), patient.plan.side, rng))


def write_case(
    folder: Path,
    patient: Patient,
    rng: np.random.Generator,
    format: str = "nifti",
    name: str = "SYNTHETIC",
) -> Geometry:
    """Write images (int16) and mask (uint8) on one grid, some of them a little oblique.

    Parameters
    ----------
    name
        Of the synthetic patient, for DICOM.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tilt = float(rng.uniform(-20.0, 20.0)) if rng.random() < 0.4 else 0.0
    geometry = patient_geometry(patient, tilt)
    # Scanners store whole numbers on a scale of their own.
    scale = rng.uniform(80.0, 400.0)
    weighted = _stored(patient.image * scale)
    others = {}
    if patient.unweighted is not None:
        others = {"b0": _stored(patient.unweighted * scale), "adc": _stored(patient.adc)}
    if format == "dicom":
        _write_series(folder, name, geometry, {_TRACE: weighted, **others})
        write_nifti(folder / "mask.nii.gz", patient.mask.astype(np.uint8), geometry)
        return geometry
    write_files(folder, weighted, patient.mask, geometry)
    for part, voxels in others.items():
        write_nifti(folder / f"{part}.nii.gz", voxels, geometry)
        _write_facts(folder, part)
    return geometry


def _stored(values: NDArray[Any]) -> NDArray[np.int16]:
    return np.asarray(np.clip(np.rint(values), 0, 32000), dtype=np.int16)


def _write_series(folder: Path, name: str, geometry: Geometry, parts: dict[str, NDArray[np.int16]]) -> None:
    """Write one DICOM series for each part, in a folder of its own."""
    for number, (part, voxels) in enumerate(parts.items(), start=1):
        words, b_value, kind = _SERIES[part]
        write_dicom(
            folder / part,
            voxels,
            geometry,
            modality="MR",
            description=words,
            patient=name,
            number=number,
            image_type=kind,
            b_value=b_value,
            body_part="HEAD",
        )


def write_files(folder: Path, stored: NDArray[np.int16], mask: NDArray[np.bool_], geometry: Geometry) -> None:
    """Write image and mask, and beside the image what NIfTI cannot say: ``image.json`` and ``image.bval``."""
    write_nifti(folder / "image.nii.gz", stored, geometry)
    write_nifti(folder / "mask.nii.gz", mask.astype(np.uint8), geometry)
    _write_facts(folder, _TRACE)


def _write_facts(folder: Path, part: str) -> None:
    words, b_value, kind = _SERIES[part]
    facts = {
        "Modality": "MR",
        "BodyPartExamined": "HEAD",
        "SeriesDescription": words,
        "ImageType": list(kind),
    }
    (folder / f"{part}.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    if b_value is not None:
        (folder / f"{part}.bval").write_text(f"{b_value:g}\n", encoding="ascii")


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
