"""What is in a file or folder before its voxels are read: series that can be opened, and files that cannot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from viewer.foundation.errors import ReadError
from viewer.foundation.progress import SILENT, Progress
from viewer.imaging.diagnoses import Diagnosis
from viewer.imaging.geometry import Geometry
from viewer.imaging.image import MedicalImage, VolumeInfo


@dataclass(frozen=True)
class SeriesInfo:
    """One thing that can be opened, known from its header alone.

    Attributes
    ----------
    id : short name within this file or folder (``s1``, ``s2``...).
    modality, description : as in `MedicalImage`.
    shape : (slices, rows, columns) of the volume that is shown by default.
    spacing_mm : (slice, row, column), mm.
    affine_lps : 4x4 nested list, voxel (column, row, slice) -> LPS mm.
    frames : number of pictures in the series, all its volumes together.
    b_values : diffusion weightings in the series, s/mm2, ascending; empty where there are none.
    photometric : as stored in the file, e.g. ``MONOCHROME1``.
    diagnoses : findings that the header already shows.
    path : the file, or the folder of a series of files.
    patient_key : opaque; equal for two series of one patient, different for two patients, meaningless elsewhere.
    series_uid : SeriesInstanceUID, empty for other formats.
    volumes : the volumes on this grid, in the order of the series; empty where there is only one.
    volume : the one that is shown by default.
    files : the files that the series is made of.
    """

    id: str
    modality: str
    description: str
    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    affine_lps: list[list[float]]
    frames: int
    b_values: tuple[float, ...]
    photometric: str
    diagnoses: tuple[Diagnosis, ...]
    path: Path
    patient_key: str = ""
    series_uid: str = ""
    volumes: tuple[VolumeInfo, ...] = ()
    volume: int = 0
    files: tuple[Path, ...] = ()

    @classmethod
    def of(cls, geometry: Geometry, path: Path, *, frames: int, **facts: Any) -> SeriesInfo:
        """An entry whose shape, spacing and affine are those of `geometry`; its id is given later."""
        defaults: dict[str, Any] = {
            "id": "",
            "modality": "",
            "description": "",
            "b_values": (),
            "photometric": "MONOCHROME2",
            "diagnoses": (),
        }
        return cls(
            shape=geometry.shape,
            spacing_mm=geometry.spacing_mm,
            affine_lps=[[float(value) for value in row] for row in geometry.affine_lps],
            frames=frames,
            path=path,
            **{**defaults, **facts},
        )

    def to_json(self) -> dict[str, Any]:
        """The entry as `whyslice inspect --json` prints it."""
        return {
            "id": self.id,
            "modality": self.modality,
            "description": self.description,
            "shape": list(self.shape),
            "spacing_mm": list(self.spacing_mm),
            "affine_lps": self.affine_lps,
            "frames": self.frames,
            "b_values": list(self.b_values),
            "photometric": self.photometric,
            "volumes": len(self.volumes) or 1,
            "volume": self.volume,
            "volume_labels": [volume.label for volume in self.volumes],
            "files": len(self.files) or 1,
            "diagnoses": [diagnosis.to_json() for diagnosis in self.diagnoses],
        }


Arriving = Callable[[MedicalImage], None]
"""Told once, in the thread that reads, as soon as one slice can be shown: with an image whose `arrived` goes on
growing while the rest is read into the same voxels."""


@dataclass(frozen=True)
class Wish:
    """What is wanted of a series.

    Attributes
    ----------
    progress : told between slices; may raise `Cancelled`.
    volume : index into `SeriesInfo.volumes`; None for the default.
    arriving : see `Arriving`; a format whose voxels come all at once need not call it.
    """

    progress: Progress = SILENT
    volume: int | None = None
    arriving: Arriving | None = None


@dataclass(frozen=True)
class Unreadable:
    """A file that is not, or not wholly, an image.

    Attributes
    ----------
    path : the file.
    code, sentence, action : as in `ReadError`; the sentence holds the file's name only.
    """

    path: Path
    code: str
    sentence: str
    action: str = ""

    @classmethod
    def because(cls, path: Path, error: ReadError) -> Unreadable:
        return cls(path, error.code, error.sentence, error.action)

    def to_json(self) -> dict[str, str]:
        return {"path": str(self.path), "code": self.code, "sentence": self.sentence}


@dataclass(frozen=True)
class Inspection:
    """Everything found in a file or folder."""

    series: tuple[SeriesInfo, ...]
    unreadable: tuple[Unreadable, ...] = ()
    name: str = ""

    @property
    def failure(self) -> ReadError | None:
        """Why nothing here can be opened; None when something can."""
        if self.series:
            return None
        if len(self.unreadable) == 1:
            only = self.unreadable[0]
            return ReadError(only.sentence, code=only.code, action=only.action)
        if not self.unreadable:
            return ReadError(f"The folder '{self.name}' is empty.", code="no-images")
        return ReadError(
            f"The folder '{self.name}' holds {len(self.unreadable)} files and none is an image: "
            f"{self.unreadable[0].sentence}",
            code="no-images",
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "series": [entry.to_json() for entry in self.series],
            "unreadable": [entry.to_json() for entry in self.unreadable],
        }


@dataclass(frozen=True)
class Candidate:
    """A series and the way to load it. Formats produce these; `viewer.imaging.reading` chooses among them.

    Attributes
    ----------
    info : what the header says.
    load : reads the voxels of one volume.
    peek : reads one slice near the middle of the default volume, as an image of one slice, for a thumbnail; None where
        that is no quicker than `load`.
    order : sorts the candidates of a folder.
    diffusion_rank : None outside diffusion imaging; otherwise the greater, the better as the default among the parts of
        one diffusion series.
    """

    info: SeriesInfo
    load: Callable[[Wish], MedicalImage]
    peek: Callable[[], MedicalImage] | None = None
    order: tuple[Any, ...] = ()
    diffusion_rank: tuple[float, ...] | None = None

    def named(self, number: int) -> Candidate:
        return replace(self, info=replace(self.info, id=f"s{number}"))
