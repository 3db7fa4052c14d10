"""HDF5 files that hold a table of pictures: thousands of slices of many patients, as studies keep them for training.

The dataset ``X`` holds the pictures (n, row, column[, channel]), ``pat`` whose each of them is. Every patient is a
series of its own, in the order of the file; patients are never merged, and only the pictures of the one that is opened
are read. Such a file knows neither spacing nor orientation.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from viewer.imaging.budget import BUDGET
from viewer.imaging.decoding import door as decoding
from viewer.imaging.diagnoses import Diagnosis, no_orientation, no_spacing
from viewer.imaging.file_stamp import Stamp, check_unchanged, hash_of, stamp_of
from viewer.imaging.geometry import Geometry
from viewer.imaging.image import MedicalImage, PatientInfo, Source
from viewer.imaging.series import Candidate, SeriesInfo, Wish
from viewer.imaging.voxel_types import value_findings

_WORKER = "viewer.imaging.formats.picture_table_decoding"
_ENTRY = 64
"""Bytes for what the table says of one picture, generously."""


@dataclass(frozen=True)
class _Stack:
    """The pictures of one patient.

    Attributes
    ----------
    rows : (n,) numbers of the pictures in the table, ascending.
    item : bytes of one picture as stored.
    owner : the patient's key in the file; empty where the file has none.
    number, total : which patient of how many.
    """

    path: Path
    rows: NDArray[np.int64]
    size: tuple[int, int]
    item: int
    owner: str
    number: int
    total: int
    stamp: Stamp

    def candidate(self) -> Candidate:
        geometry = Geometry.unoriented((len(self.rows), *self.size))
        info = SeriesInfo.of(
            geometry,
            self.path,
            frames=len(self.rows),
            description=self._description,
            diagnoses=self._known,
            files=(self.path,),
            patient_key=hashlib.sha256(f"{self.path}\0{self.owner}".encode()).hexdigest(),
        )
        # The order of the table; what else lies in the folder is sorted by texts first.
        return Candidate(info, self.load, self.peek if len(self.rows) > 1 else None, order=("", self.number))

    @property
    def _description(self) -> str:
        return f"patient {self.number} of {self.total}" if self.owner else "table of pictures"

    @property
    def _known(self) -> tuple[Diagnosis, ...]:
        return (no_spacing(), no_orientation())

    def load(self, wish: Wish) -> MedicalImage:
        """All pictures of the patient."""
        wish.progress.report(0, 1, "reading")
        image = self._image(self.rows)
        wish.progress.report(1, 1)
        return image

    def peek(self) -> MedicalImage:
        """The middle picture."""
        middle = len(self.rows) // 2
        return self._image(self.rows[middle : middle + 1])

    def _image(self, rows: NDArray[np.int64]) -> MedicalImage:
        check_unchanged(self.path, self.stamp)
        needed = len(rows) * self.item
        BUDGET.check(self.path.name, needed)
        answer = decoding.run(
            f"{_WORKER}:decode", {"path": str(self.path), "rows": rows}, name=self.path.name, size=needed
        )
        (voxels,) = answer.arrays
        found: tuple[Diagnosis, ...] = ()
        if answer.facts["neighbours"]:
            found = (
                Diagnosis(
                    "several-channels",
                    "note",
                    f"Each picture holds {answer.facts['channels']} values that differ, such as a slice and its "
                    "neighbours; the middle one is shown.",
                ),
            )
        return MedicalImage(
            voxels=voxels,
            geometry=Geometry.unoriented((len(rows), *self.size)),
            description=self._description,
            source=Source(self.path, (self.path,), sha256=hash_of(self.path, self.stamp)),
            diagnoses=self._known + found + value_findings(voxels),
            patient=PatientInfo(identifier=self.owner),
        )


def read_table(path: Path) -> list[Candidate]:
    """The patients in a table of pictures, each as a series.

    Raises
    ------
    ReadError
        When the file is damaged, holds no pictures, or its parts do not fit together.
    """
    stamp = stamp_of(path)
    answer = decoding.run(f"{_WORKER}:look", {"path": str(path)}, name=path.name, size=_ENTRY * 100_000)
    count, rows, columns, *channels = answer.facts["shape"]
    item = rows * columns * answer.facts["item"] * (channels[0] if channels else 1)
    BUDGET.check(path.name, item)
    (owner_of,) = answer.arrays
    owners = answer.facts["owners"]
    if not owners:
        owners, owner_of = [""], np.zeros(count, dtype=np.int32)
    grouped = np.split(np.argsort(owner_of, kind="stable"), np.cumsum(np.bincount(owner_of))[:-1])
    return [
        _Stack(path, numbers, (rows, columns), item, owner, number, len(owners), stamp).candidate()
        for number, (owner, numbers) in enumerate(zip(owners, grouped, strict=True), start=1)
    ]
