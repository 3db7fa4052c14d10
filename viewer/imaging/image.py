"""The image itself: voxels, where they lie, how they are meant to be shown, where they came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from viewer.imaging.diagnoses import Diagnosis
from viewer.imaging.geometry import Geometry
from viewer.imaging.plane import ReadingPlane


@dataclass(frozen=True)
class Window:
    """A grey-level window.

    Attributes
    ----------
    centre, width : in the units of the voxels; width > 0.
    name : words for the menu ("brain", "as stored in the file", "automatic").
    """

    centre: float
    width: float
    name: str = ""

    @property
    def low(self) -> float:
        return self.centre - self.width / 2

    @property
    def high(self) -> float:
        return self.centre + self.width / 2


@dataclass(frozen=True)
class Intensity:
    """What the voxel values mean.

    Attributes
    ----------
    slope, intercept : the rescale that has *already* been applied to the voxels.
    windows : windows that the file recommends, best first; may be empty.
    photometric : DICOM photometric interpretation, ``MONOCHROME2`` or ``RGB`` for other formats. MONOCHROME1 is shown
        inverted; its voxels are as stored.
    unit : ``HU``, ``10^-6 mm2/s`` or empty.
    """

    slope: float = 1.0
    intercept: float = 0.0
    windows: tuple[Window, ...] = ()
    photometric: str = "MONOCHROME2"
    unit: str = ""

    @property
    def inverted(self) -> bool:
        return self.photometric == "MONOCHROME1"


@dataclass(frozen=True)
class Source:
    """Where the voxels came from; may identify a patient, so it is never logged.

    Attributes
    ----------
    path : the file, or the folder of a series.
    files : the files of the series in slice order.
    study_uid, series_uid, frame_of_reference_uid : DICOM identifiers, empty for other formats.
    sha256 : of the file, or of the sorted hashes of a series' files.
    """

    path: Path
    files: tuple[Path, ...] = ()
    study_uid: str = ""
    series_uid: str = ""
    frame_of_reference_uid: str = ""
    sha256: str = ""


@dataclass(frozen=True)
class VolumeInfo:
    """One of the volumes of a series that holds several on one grid: b-values, directions, points in time, echoes.

    Attributes
    ----------
    label : words for a menu, e.g. ``b 1000, trace`` or ``time 12``.
    slices : number of slices.
    b_value : diffusion weighting, s/mm2; None when unknown.
    """

    label: str
    slices: int
    b_value: float | None = None


@dataclass(frozen=True)
class PatientInfo:
    """Attributes of the person, apart from everything else so that one switch hides them. Never printed by `repr`."""

    name: str = field(default="", repr=False)
    identifier: str = field(default="", repr=False)
    birth_date: str = field(default="", repr=False)
    sex: str = field(default="", repr=False)
    age: str = field(default="", repr=False)
    study_date: str = field(default="", repr=False)


@dataclass(frozen=True, eq=False)
class MedicalImage:
    """A volume, a stack of slices or a single picture.

    Attributes
    ----------
    voxels : axes (slice, row, column[, channel]), in the order of the file; rescaled values in the smallest type
        that holds them (integers stay integers). Read-only.
    geometry : the grid in the patient.
    modality : DICOM modality (``MR``, ``CT``, ``CR``...), empty when the file does not say.
    description : the series' own words.
    intensity : what the values mean.
    source : where they came from.
    diagnoses : findings about this input.
    sequence : what is known of the MR sequence (``DWI``, ``ADC``, ``FLAIR``...), empty when unknown.
    b_value : diffusion weighting, s/mm2; None when unknown.
    body_part : DICOM body part examined, lower case, empty when unknown.
    patient : the person, kept apart.
    volumes : what the series holds beside these voxels; empty where there is only one volume.
    volume : which of `volumes` this is.
    arrived : (slice,) bool along the first axis of the voxels, which slices are there while the others are still being
        read; None for a whole image. A part of an image is for looking only: nothing is computed from it.
    """

    voxels: NDArray
    geometry: Geometry
    modality: str = ""
    description: str = ""
    intensity: Intensity = Intensity()
    source: Source = Source(Path())
    diagnoses: tuple[Diagnosis, ...] = ()
    sequence: str = ""
    b_value: float | None = None
    body_part: str = ""
    patient: PatientInfo = field(default=PatientInfo(), repr=False)
    volumes: tuple[VolumeInfo, ...] = ()
    volume: int = 0
    arrived: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        if self.voxels.ndim not in (3, 4) or self.voxels.shape[:3] != self.geometry.shape:
            raise ValueError("voxels have the axes (slice, row, column[, channel]) of their geometry")
        if self.arrived is None:
            self.voxels.setflags(write=False)

    @property
    def colour(self) -> bool:
        """Whether voxels carry red, green, blue channels."""
        return self.voxels.ndim == 4

    @property
    def plane(self) -> ReadingPlane:
        """The plane in which this image is read by default."""
        return ReadingPlane.of(self.geometry)

    def grey(self, picture: NDArray) -> NDArray[np.float32]:
        """A picture (row, column[, channel]) as float32 grey values, right way round for a network.

        Colour becomes luminance (ITU-R BT.601); MONOCHROME1 is inverted so that bright means what it means on screen;
        values that are not finite become the darkest finite one.
        """
        values = np.asarray(picture, dtype=np.float32)
        if values.ndim == 3:
            values = values[..., :3] @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
        finite = np.isfinite(values)
        if not finite.all():
            dark = np.max if self.intensity.inverted else np.min
            values = np.where(finite, values, dark(values[finite]) if finite.any() else np.float32(0))
        if self.intensity.inverted:
            values = values.max() + values.min() - values
        return np.asarray(values, dtype=np.float32)
