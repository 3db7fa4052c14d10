"""Paths that hold what a test says they hold, read slice by slice without a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from viewer.foundation.errors import ReadError
from viewer.imaging.contents import Contents
from viewer.imaging.geometry import Geometry
from viewer.imaging.image import MedicalImage, PatientInfo, Source, VolumeInfo
from viewer.imaging.series import Candidate, SeriesInfo, Unreadable, Wish

ROWS, COLUMNS = 32, 32


@dataclass
class FakeSeries:
    """One series; counts what is read of it.

    Attributes
    ----------
    stepwise : whether slices arrive one by one, from the middle outward.
    between : called after every slice that has arrived, with how many there are.
    broken : raised when the voxels are read.
    """

    description: str = "T2"
    slices: int = 6
    value: float = 100.0
    volumes: int = 0
    stepwise: bool = False
    patient: PatientInfo = field(default=PatientInfo())
    patient_key: str = "one"
    frame: str = "frame"
    affine: np.ndarray = field(default_factory=lambda: np.diag([1.0, 1.0, 5.0, 1.0]))
    oriented: bool = True
    modality: str = "MR"
    b_values: tuple[float, ...] = ()
    series_uid: str = ""
    rank: tuple[float, ...] | None = None
    between: Callable[[int], None] | None = None
    broken: Exception | None = None
    loads: list[int] = field(default_factory=list)
    peeks: int = 0

    def candidate(self) -> Candidate:
        info = SeriesInfo.of(
            self.geometry,
            Path("folder"),
            frames=self.slices * max(1, self.volumes),
            modality=self.modality,
            description=self.description,
            b_values=self.b_values,
            patient_key=self.patient_key,
            series_uid=self.series_uid,
            volumes=self._volumes,
        )
        return Candidate(info, self._load, self._peek, diffusion_rank=self.rank)

    @property
    def geometry(self) -> Geometry:
        return Geometry(self.affine, (self.slices, ROWS, COLUMNS), oriented=self.oriented)

    @property
    def _volumes(self) -> tuple[VolumeInfo, ...]:
        return tuple(VolumeInfo(f"time {n + 1}", self.slices) for n in range(self.volumes))

    def image(self, volume: int = 0) -> MedicalImage:
        voxels = np.full((self.slices, ROWS, COLUMNS), self.value + 10 * volume, np.float32)
        voxels += np.arange(self.slices, dtype=np.float32)[:, None, None]
        voxels[:, 8:12, 20:24] += 50
        return MedicalImage(
            voxels,
            self.geometry,
            modality=self.modality,
            description=self.description,
            source=Source(Path("folder"), frame_of_reference_uid=self.frame),
            patient=self.patient,
            volumes=self._volumes,
            volume=volume,
        )

    def _load(self, wish: Wish) -> MedicalImage:
        volume = wish.volume or 0
        self.loads.append(volume)
        whole = self.image(volume)
        if self.stepwise and wish.arriving is not None:
            voxels, arrived = np.zeros_like(whole.voxels), np.zeros(self.slices, dtype=bool)
            middle = self.slices // 2
            for count, index in enumerate(sorted(range(self.slices), key=lambda i: abs(i - middle)), start=1):
                voxels[index] = whole.voxels[index]
                arrived[index] = True
                if count == 1:
                    wish.arriving(replace(whole, voxels=voxels, arrived=arrived))
                wish.progress.report(count, self.slices)
                if self.between is not None:
                    self.between(count)
        elif self.between is not None:
            self.between(self.slices)
        if self.broken is not None:
            raise self.broken
        wish.progress.report(self.slices, self.slices)
        return whole

    def _peek(self) -> MedicalImage:
        self.peeks += 1
        if self.broken is not None:
            raise self.broken
        return replace(self, slices=1, volumes=0).image()


def contents(*series: FakeSeries, unreadable: tuple[Unreadable, ...] = ()) -> Contents:
    """What a path holds."""
    named = tuple(one.candidate().named(n) for n, one in enumerate(series, start=1))
    return Contents(Path("folder"), named, unreadable)


def vanished() -> ReadError:
    return ReadError("There is no file or folder 'gone.dcm'.", code="missing")
