"""The study as folders: one of slices (DICOM, or numbered JPEG or PNG files) or one NIfTI file for each patient.

```
patients.csv              ids, stroke, mrs_3months (or .xlsx), see `patient_table`
P001/                     slices of one patient
P002.nii.gz
masks/P001.nii.gz         lesion on the patient's grid; not needed for a patient without stroke
slices.csv                in place of masks: columns of the patient, `slice` (from 0, upwards) and `label`
```
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from viewer.api import MedicalImage, Progress, WhySliceError, read_image

from .patient_table import IDS, PatientRow, find_table, read_patients

SLICES = "slices.csv"
_MASKS = "masks"
_VOLUMES = (".nii.gz", ".nii")
_PICTURES = (".jpg", ".jpeg", ".png")
STACK = "stack"
"""Id under which the viewer offers numbered pictures of one folder as one series."""


@dataclass(frozen=True)
class StudyPatient:
    """Where one patient's files are.

    Attributes
    ----------
    key
        Id in the table.
    images
        Folder of slices, or file of a volume.
    mask
        File of the lesion; None where there is none.
    row
        What the table says.
    """

    key: str
    images: Path
    mask: Path | None
    row: PatientRow

    @property
    def series(self) -> str:
        """Return the series to read: the stack where the slices are pictures; empty where there is one series."""
        if not self.images.is_dir():
            return ""
        files = [each for each in self.images.iterdir() if each.is_file() and not each.name.startswith(".")]
        pictures = len(files) > 1 and all(each.suffix.lower() in _PICTURES for each in files)
        return STACK if pictures else ""

    def image(self) -> MedicalImage:
        """Read the patient's slices."""
        return read_image(self.images, self.series or None)


def is_study(folder: Path) -> bool:
    """Return whether a folder has this layout: one table, and images of at least one of its patients."""
    if not folder.is_dir() or (folder / "cohort.csv").exists():
        return False
    try:
        table = find_table(folder, but=(SLICES,))
        return table is not None and any(_found(folder, read_patients(table)))
    except (WhySliceError, OSError):
        return False


def study_patients(folder: Path) -> Iterator[StudyPatient]:
    """Yield the patients of the table who have images, in the table's order.

    Raises
    ------
    WhySliceError
        When there is no table, several, or one that cannot be used.
    """
    table = find_table(folder, but=(SLICES,))
    if table is None:
        raise WhySliceError(f"'{folder.name}' holds no table of patients.", code="no-data")
    yield from _found(folder, read_patients(table))


def cohort_rows(folder: Path, progress: Progress) -> Iterator[dict[str, str]]:
    """Yield the rows of the cohort that the folder is, as `cohort.csv` would have them."""
    patients = list(study_patients(folder))
    for done, patient in enumerate(patients):
        progress.report(done, len(patients), "looking for patients")
        known = patient.row.stroke
        yield {
            "path": patient.images.name,
            "case": patient.key,
            "label": "" if known is None else ("stroke" if known else "no stroke"),
            "mask": "" if patient.mask is None else f"{_MASKS}/{patient.mask.name}",
            "series": patient.series,
        }


def slice_labels(folder: Path) -> dict[str, set[int]]:
    """Return for each patient in `slices.csv` the slices on which a lesion shows; empty without that file.

    Raises
    ------
    WhySliceError
        When a column is missing, or a slice or label is not a number; the sentence names the row.
    """
    path = folder / SLICES
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8-sig") as stream:
        rows = list(csv.DictReader(stream))
    key = next((name for name in IDS if rows and name in rows[0]), None)
    missing = [name for name in ("slice", "label") if not rows or name not in rows[0]]
    if key is None or missing:
        raise WhySliceError(
            f"'{SLICES}' has no column '{missing[0] if missing else IDS[0]}'; it needs a patient, slice and label.",
            code="bad-table",
        )
    found: dict[str, set[int]] = {}
    for number, row in enumerate(rows, start=2):
        index, label = row["slice"].strip(), row["label"].strip()
        if not index.isdecimal() or label not in ("0", "1"):
            raise WhySliceError(
                f"Row {number} of '{SLICES}' says slice '{index}' and label '{label}'; slices count from 0, and labels "
                "are 0 and 1.",
                code="label-range",
            )
        found.setdefault(row[key].strip(), set()).update({int(index)} if label == "1" else ())
    return found


def shown_on(count: int, slices: set[int]) -> np.ndarray:
    """Return on which of `count` slices a lesion shows, bool (slice,).

    Raises
    ------
    WhySliceError
        When the table names a slice that is not there.
    """
    if slices and max(slices) >= count:
        raise WhySliceError(
            f"'{SLICES}' names slice {max(slices)}, and there are {count}", code="no-such-slice"
        )
    return np.isin(np.arange(count), list(slices))


def _found(folder: Path, rows: dict[str, PatientRow]) -> Iterator[StudyPatient]:
    home = folder.resolve()

    def first(names: Iterator[str]) -> Path | None:
        """Return the first that is there; nothing outside the folder is read, neither by its name nor by a link."""
        places = (folder / name for name in names)
        return next(
            (each for each in places if each.exists() and home in each.resolve().parents),
            None,
        )

    for key, row in rows.items():
        images = first(f"{key}{ending}" for ending in ("", *_VOLUMES))
        if images is not None:
            mask = first(f"{_MASKS}/{key}{ending}" for ending in _VOLUMES)
            yield StudyPatient(key, images, mask, row)
