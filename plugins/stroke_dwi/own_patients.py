"""Patients of one's own to train on: the study's HDF5 file, or a cohort of images with lesion masks.

One patient is read at a time. Slices without contrast are dropped, as the study does.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from viewer.api import MedicalImage, Progress, WhySliceError, read_image

from .outcome import outcome_class
from .patient_table import PatientRow, find_table, read_patients
from .study_folders import SLICES, StudyPatient, is_study, shown_on, slice_labels, study_patients

_HDF5 = (".hdf5", ".h5")
_LEAST_SLICES, _MOST_SLICES = 8, 200
"""A brain has between so many axial slices; other stacks are left out and named."""
_BLACK = 10.0
"""A slice whose 99th percentile of grey values (0 to 255) lies below it is black: the study's rule."""


@dataclass(frozen=True)
class OwnPatient:
    """One patient's slices.

    Attributes
    ----------
    key
        The patient's id in the data.
    pictures
        (slice, row, column), any real type, bright tissue on dark air.
    positive
        Whether the finding shows on each slice (slice,).
    masks
        Lesion, bool (slice, row, column); None where nobody outlined it.
    spacing
        (row, column) mm.
    outcome
        Class of the outcome, see `outcome.outcome_class`; None where it is not known.
    split
        `train`, `validation`, `test` or empty.
    """

    key: str
    pictures: np.ndarray
    positive: np.ndarray
    masks: np.ndarray | None
    spacing: tuple[float, float] = (1.0, 1.0)
    outcome: int | None = None
    split: str = ""


def own_patients(data: Path, progress: Progress) -> Iterator[OwnPatient | str]:
    """Yield the patients in a file or folder one by one, or a sentence for each that had to be left out.

    Parameters
    ----------
    data
        The study's HDF5 file, a folder with it and the table of patients, a cohort folder with `cohort.csv` and lesion
        masks, or the folders of `study_folders`.

    Raises
    ------
    WhySliceError
        When there is nothing to train on.
    """
    if data.is_file() and data.suffix.lower() in _HDF5:
        return _of_study(data, find_table(data.parent), progress)
    if (data / "cohort.csv").is_file():
        return _of_cohort(data, progress)
    files = sorted(each for each in data.iterdir() if each.suffix.lower() in _HDF5) if data.is_dir() else []
    if len(files) == 1:
        return _of_study(files[0], find_table(data), progress)
    if not files and is_study(data):
        return _of_folders(data, progress)
    raise WhySliceError(
        f"'{data.name}' holds nothing to train on: neither one HDF5 file of the study, nor a cohort.csv, nor a table "
        "of patients beside their folders.",
        code="no-data",
    )


def has_contrast(picture: np.ndarray) -> bool:
    """Return whether a slice shows anything: the study drops those whose 1st and 99th percentiles agree."""
    low, high = np.percentile(picture, [1, 99])
    whole = np.issubdtype(picture.dtype, np.integer)
    return bool(high > low and (not whole or high >= _BLACK))


def _of_study(path: Path, table: Path | None, progress: Progress) -> Iterator[OwnPatient | str]:
    import h5py

    rows = read_patients(table) if table else {}
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise WhySliceError(f"'{path.name}' is no HDF5 file, or a damaged one.", code="bad-data") from error
    with file:
        missing = [key for key in ("X", "Y", "pat") if key not in file]
        if missing:
            raise WhySliceError(
                f"'{path.name}' has no dataset '{missing[0]}'; the study's file has X, Y and pat.",
                code="no-key",
            )
        lengths = {key: len(file[key]) for key in ("X", "Y", "pat")}
        if len(set(lengths.values())) > 1:
            words = ", ".join(f"{key} {length}" for key, length in lengths.items())
            raise WhySliceError(
                f"The datasets of '{path.name}' differ in length: {words}.", code="unequal-lengths"
            )
        labels = np.asarray(file["Y"]).reshape(lengths["Y"], -1)[:, -1]
        if not np.isin(labels, (0, 1)).all():
            odd = labels[~np.isin(labels, (0, 1))][0]
            raise WhySliceError(
                f"'{path.name}' has the label {odd} in Y; labels are 0 and 1.", code="label-range"
            )
        owners = np.array([_text(each) for each in np.asarray(file["pat"]).reshape(-1)])
        keys = list(dict.fromkeys(owners))
        yield from _unmatched(keys, rows, table)
        for done, key in enumerate(keys):
            progress.report(done, len(keys), "reading patients")
            chosen = np.flatnonzero(owners == key)
            stack = np.asarray(file["X"][chosen[0] : chosen[-1] + 1])[chosen - chosen[0]]
            pictures = stack if stack.ndim == 3 else stack[..., stack.shape[-1] // 2]
            yield _checked(
                OwnPatient(key, pictures, labels[chosen] == 1, None, outcome=_outcome(rows.get(key)))
            )


def _of_cohort(folder: Path, progress: Progress) -> Iterator[OwnPatient | str]:
    with (folder / "cohort.csv").open(newline="", encoding="utf-8-sig") as stream:
        rows = [row for row in csv.DictReader(stream) if row.get("path")]
    if not rows:
        raise WhySliceError("cohort.csv lists no images.", code="no-data")
    for done, row in enumerate(rows):
        progress.report(done, len(rows), "reading patients")
        key = row.get("case") or row["path"]
        try:
            yield _checked(_of_row(folder, key, row))
        except WhySliceError as error:
            yield f"{key}: {error}"


def _of_folders(folder: Path, progress: Progress) -> Iterator[OwnPatient | str]:
    patients, labels = list(study_patients(folder)), slice_labels(folder)
    table = find_table(folder, but=(SLICES,))
    if table is not None:
        yield from _unmatched([patient.key for patient in patients], read_patients(table), table)
    for done, patient in enumerate(patients):
        progress.report(done, len(patients), "reading patients")
        try:
            yield _checked(_of_study_patient(patient, labels.get(patient.key)))
        except WhySliceError as error:
            yield f"{patient.key}: {error}"


def _of_study_patient(patient: StudyPatient, slices: set[int] | None) -> OwnPatient:
    image = patient.image()
    if patient.mask is not None or slices is None:
        outline = None if patient.mask is None else read_image(patient.mask)
        positive, masks = _outlined(image, outline, healthy=patient.row.stroke is False)
    else:
        positive, masks = shown_on(image.plane.count(image.voxels.shape), slices), None
    outcome = _outcome(patient.row) if positive.any() else None
    spacing = image.plane.spacing(image.geometry)
    return OwnPatient(patient.key, _pictures(image), positive, masks, spacing, outcome)


def _pictures(image: MedicalImage) -> np.ndarray:
    count = image.plane.count(image.voxels.shape)
    return np.stack([image.grey(image.plane.picture(image.voxels, k)) for k in range(count)])


def _outlined(
    image: MedicalImage, mask: MedicalImage | None, healthy: bool
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return on which slices a lesion shows, and its outline on them (slice, row, column); None without a mask."""
    count = image.plane.count(image.voxels.shape)
    if mask is None:
        if not healthy:
            raise WhySliceError("it has a stroke, but no mask says on which slices", code="no-mask")
        return np.zeros(count, dtype=bool), None
    if mask.voxels.shape != image.voxels.shape:
        raise WhySliceError("its mask lies on another grid", code="mask-grid")
    outlines = np.stack([image.plane.picture(mask.voxels, k) > 0 for k in range(count)])
    return np.asarray(outlines.any(axis=(1, 2))), outlines


def _of_row(folder: Path, key: str, row: dict[str, str]) -> OwnPatient:
    image = read_image(_inside(folder, row["path"]))
    mask = read_image(_inside(folder, row["mask"])) if row.get("mask") else None
    healthy = row.get("label", "").strip().lower() in ("no stroke", "0", "tia")
    positive, masks = _outlined(image, mask, healthy)
    score = row.get("mrs", "").strip()
    outcome = outcome_class(int(score)) if score.isdigit() and positive.any() else None
    spacing = image.plane.spacing(image.geometry)
    split = row.get("split", "").strip().lower()
    return OwnPatient(key, _pictures(image), positive, masks, spacing, outcome, split)


def _inside(folder: Path, name: str) -> Path:
    """Return the path of a file that a table names; nothing outside the folder is read.

    Raises
    ------
    WhySliceError
        When it leads out, also by a link.
    """
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise WhySliceError(f"'{path.name}' lies outside the cohort's folder", code="outside")
    return path


def _checked(patient: OwnPatient) -> OwnPatient | str:
    """Drop black slices; a sentence where nothing usable is left."""
    count = len(patient.pictures)
    if not _LEAST_SLICES <= count <= _MOST_SLICES:
        return f"{patient.key}: {count} slices are no stack of axial slices of a head; left out."
    kept = np.array([has_contrast(picture) for picture in patient.pictures])
    if not kept.any():
        return f"{patient.key}: all slices are black; left out."
    return OwnPatient(
        patient.key,
        patient.pictures[kept],
        patient.positive[kept],
        None if patient.masks is None else patient.masks[kept],
        patient.spacing,
        patient.outcome,
        patient.split,
    )


def _unmatched(keys: list[str], rows: dict[str, PatientRow], table: Path | None) -> Iterator[str]:
    """Say which patients have no row, and which rows no image.

    Raises
    ------
    WhySliceError
        When nothing at all matches.
    """
    if table is None:
        return
    if not set(keys) & set(rows):
        raise WhySliceError(
            f"No id of the table '{table.name}' is that of a patient with images: the table has "
            f"'{next(iter(rows), '')}' where the images have '{keys[0]}'.",
            code="no-match",
        )
    for words, lost in (
        ("images but no row", set(keys) - set(rows)),
        ("a row but no images", set(rows) - set(keys)),
    ):
        if lost:
            yield f"{len(lost)} patients have {words} in '{table.name}': {', '.join(sorted(lost)[:5])}."


def _outcome(row: PatientRow | None) -> int | None:
    return None if row is None or row.rankin is None else outcome_class(row.rankin)


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
