"""From a checked header to an image: what NIfTI, NRRD, MetaImage and MGH have in common.

Each of these formats says in its own words on which grid the voxels lie and where in which file they are; its reader
makes a `GridFile` of that. How voxels become an image is written once, here, without native code.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.imaging.budget import BUDGET
from viewer.imaging.diagnoses import Diagnosis
from viewer.imaging.file_stamp import hash_of
from viewer.imaging.filling import Filling
from viewer.imaging.formats.voxel_block import VoxelBlock
from viewer.imaging.geometry import Geometry
from viewer.imaging.image import Intensity, MedicalImage, Source, VolumeInfo, Window
from viewer.imaging.plane import ReadingPlane
from viewer.imaging.series import Candidate, SeriesInfo, Wish
from viewer.imaging.volumes import one_of_several
from viewer.imaging.voxel_types import value_findings

_WORTH_PARTS = 4 << 20
"""A smaller volume is read as quickly as one of its slices, bytes."""
_FAR = 1e8
"""No patient is that large, mm."""


@dataclass(frozen=True)
class GridFile:
    """What the header of a file says about its voxels.

    Attributes
    ----------
    path : the file that was named; `block.path` holds the voxels.
    geometry : the grid of one volume.
    block : where the voxels are.
    channels : values per voxel, fastest in the file; 3 and 4 are colours, of more values the first is shown.
    volumes, volume : as in `SeriesInfo`.
    slope, intercept : the rescale that is asked for.
    windows : that the file recommends.
    """

    path: Path
    geometry: Geometry
    block: VoxelBlock
    channels: int = 1
    volumes: tuple[VolumeInfo, ...] = ()
    volume: int = 0
    slope: float = 1.0
    intercept: float = 0.0
    windows: tuple[Window, ...] = ()
    modality: str = ""
    description: str = ""
    sequence: str = ""
    b_value: float | None = None
    trace: bool = False
    body_part: str = ""
    diagnoses: tuple[Diagnosis, ...] = ()

    @property
    def colour(self) -> bool:
        return self.channels in (3, 4) and self.block.dtype == np.uint8

    @property
    def photometric(self) -> str:
        return "RGB" if self.colour else "MONOCHROME2"

    @property
    def files(self) -> tuple[Path, ...]:
        return (self.path,) if self.block.path == self.path else (self.path, self.block.path)

    @property
    def b_values(self) -> tuple[float, ...]:
        found = {volume.b_value for volume in self.volumes} or {self.b_value}
        return tuple(sorted(b for b in found if b is not None))

    def candidate(self) -> Candidate:
        """The series that this file is.

        Raises
        ------
        ReadError
            When one volume is beyond the budget, or the file too short for what it announces.
        """
        BUDGET.check(self.path.name, self.block.volume_bytes)
        self.block.check()
        findings = (self._said_of(self.volume, default=True), self._of_channels(), self._of_the_end())
        info = SeriesInfo.of(
            self.geometry,
            self.path,
            frames=self.geometry.shape[0] * self.block.volumes,
            modality=self.modality,
            description=self.description,
            b_values=self.b_values,
            photometric=self.photometric,
            diagnoses=self.diagnoses + tuple(each for each in findings if each),
            volumes=self.volumes,
            volume=self.volume,
            files=self.files,
        )
        return Candidate(info, self.load, self.peek if self._worth_parts else None)

    def load(self, wish: Wish) -> MedicalImage:
        """One volume.

        Raises
        ------
        ReadError
            When the voxels end too soon, are damaged, or are not those of this header any more.
        """
        volume = self.volume if wish.volume is None else wish.volume
        slices, rows, columns = self.geometry.shape
        filling = Filling(slices, None)
        waited_for = slices // 2 if self._worth_parts else -1
        for place, stored in enumerate(self.block.read(volume, slices, wish.progress)):
            wish.progress.report(place, slices, "reading")
            # A rescale beyond all bounds makes infinite voxels, which are counted like others.
            with np.errstate(over="ignore", invalid="ignore"):
                filling.put(place, self._values(stored, (rows, columns)), self._rescale)
            if place == waited_for and wish.arriving is not None:
                # The middle is what is looked at first.
                part = self._image(filling.shown, self.geometry, volume, default=wish.volume is None)
                wish.arriving(replace(part, arrived=filling.arrived))
        image = self._image(filling.voxels, self.geometry, volume, default=wish.volume is None)
        wish.progress.report(slices, slices)
        return replace(
            image,
            source=replace(image.source, sha256=hash_of(self.block.path, self.block.stamp)),
            diagnoses=image.diagnoses + value_findings(filling.voxels),
        )

    def peek(self) -> MedicalImage:
        """The middle slice of the default volume."""
        slices, rows, columns = self.geometry.shape
        middle, size = slices // 2, rows * columns * self.channels
        stored = self.block.read_part(self.volume, middle * size, size)
        geometry = self.geometry.of_slice(middle)
        filling = Filling(1, None)
        with np.errstate(over="ignore", invalid="ignore"):
            filling.put(0, self._values(stored, (rows, columns)), self._rescale)
        return self._image(filling.voxels, geometry, self.volume, default=True)

    def _image(self, voxels: NDArray[Any], geometry: Geometry, volume: int, *, default: bool) -> MedicalImage:
        findings = (self._said_of(volume, default=default), self._of_channels())
        return MedicalImage(
            voxels=voxels,
            geometry=geometry,
            modality=self.modality,
            description=self.description,
            sequence=self.sequence,
            b_value=self.volumes[volume].b_value if self.volumes else self.b_value,
            trace=self.volumes[volume].trace if self.volumes else self.trace,
            body_part=self.body_part,
            intensity=Intensity(self.slope, self.intercept, self.windows, self.photometric),
            source=Source(self.path, self.files),
            diagnoses=self.diagnoses + tuple(each for each in findings if each),
            volumes=self.volumes,
            volume=volume,
        )

    def _said_of(self, volume: int, *, default: bool) -> Diagnosis | None:
        return one_of_several(self.volumes, volume, default=default)

    def _of_the_end(self) -> Diagnosis | None:
        """Only before the voxels are read: reading them finds out for certain."""
        if not self.block.may_be_cut():
            return None
        return Diagnosis(
            "truncated",
            "warning",
            "The file may be cut short: it does not end as its header announces.",
            "Copy or download it again.",
        )

    def _of_channels(self) -> Diagnosis | None:
        if self.channels == 1 or self.colour:
            return None
        return Diagnosis(
            "several-channels", "note", f"Each voxel holds {self.channels} values; the first is shown."
        )

    @property
    def _rescale(self) -> tuple[float, float]:
        return (1.0, 0.0) if self.channels > 1 else (self.slope, self.intercept)

    @property
    def _worth_parts(self) -> bool:
        """Whether one slice is there long before all: in a large volume that is shown in the slices of its file."""
        in_file_order = ReadingPlane.of(self.geometry).axes[0] == 0
        return in_file_order and self.block.runs == 1 and self.block.volume_bytes > _WORTH_PARTS

    def _values(self, stored: NDArray[Any], shape: tuple[int, int]) -> NDArray[Any]:
        """The flat stored values of a slice as (row, column[, channel])."""
        if self.channels > 1:
            values = stored.reshape(*shape, self.channels)
            return values[..., :3] if self.colour else values[..., 0]
        return np.abs(stored.reshape(shape)) if stored.dtype.kind == "c" else stored.reshape(shape)


def sheared_warning() -> Diagnosis:
    """The finding that the axes of a grid are not at right angles."""
    return Diagnosis(
        "sheared",
        "warning",
        "The file's transformation is sheared: its slices are not at right angles to its stack.",
        "Resample the volume before measuring or before using a 3D network.",
    )


def sheared(affine: NDArray[np.float64]) -> bool:
    """Whether two axes of an affine are not at right angles, by more than half a degree."""
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    return bool(np.abs(axes.T @ axes - np.eye(3)).max() > 0.01)


def usable(affine: NDArray[np.float64]) -> bool:
    """Whether an affine spans space: finite, no axis without length, not flat, nothing kilometres away."""
    if not np.isfinite(affine).all() or np.abs(affine).max() > _FAR:
        return False
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    return bool(lengths.min() > 1e-9 and abs(np.linalg.det(affine[:3, :3] / lengths)) > 1e-3)
