"""The image itself: voxels, where they lie, how they are meant to be shown, where they came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from viewer.imaging.diagnoses import Diagnosis
from viewer.imaging.erasure import Erasure
from viewer.imaging.geometry import Geometry
from viewer.imaging.plane import ReadingPlane


@dataclass(frozen=True)
class Window:
    """A grey-level window.

    Attributes
    ----------
    centre, width : in the units of the voxels; width > 0.
    name : words for the menu ("brain", "as stored in the file", "automatic").
    function : how values become grey (DICOM PS3.3 C.11.2.1.2-3). ``LINEAR_EXACT`` runs from `centre` - `width` / 2 to
        `centre` + `width` / 2; ``LINEAR``, which is what DICOM files mean, is half a unit off and a unit narrower;
        ``SIGMOID`` has no ends.
    """

    centre: float
    width: float
    name: str = ""
    function: Literal["LINEAR_EXACT", "LINEAR", "SIGMOID"] = "LINEAR_EXACT"

    @property
    def low(self) -> float:
        """The value that is black (close to black for a sigmoid)."""
        if self.function == "LINEAR":
            return self.centre - 0.5 - (self.width - 1) / 2
        return self.centre - self.width / 2

    @property
    def high(self) -> float:
        """The value that is white (close to white for a sigmoid)."""
        if self.function == "LINEAR":
            return self.centre - 0.5 + (self.width - 1) / 2
        return self.centre + self.width / 2


@dataclass(frozen=True)
class VoiTable(Window):
    """A file's own table of grey levels, chosen like a window (DICOM VOI LUT).

    Attributes
    ----------
    centre, width : the values that the table covers, for whoever goes on from it with a window.
    first : the value of its first entry; each further entry is one more. Values outside take the entry at that end.
    levels : one uint16, little endian, per entry: 0 (black) to 65535 (white).
    """

    first: float = 0.0
    levels: bytes = field(default=b"\0\0", repr=False)

    @classmethod
    def of(cls, first: float, entries: NDArray[np.integer], bits: int, name: str) -> VoiTable:
        """A table from entries of so many bits."""
        scaled = np.clip(entries.astype(np.float64) / ((1 << bits) - 1), 0, 1) * 65535
        count = len(entries)
        return cls(
            first + (count - 1) / 2,
            float(max(count - 1, 1)),
            name,
            first=first,
            levels=np.rint(scaled).astype("<u2").tobytes(),
        )

    def grey(self, values: NDArray) -> NDArray[np.float32]:
        """0 (black) to 1 (white) for each value; NaN for values that are no numbers."""
        table = np.frombuffer(self.levels, dtype="<u2").astype(np.float32) / np.float32(65535)
        finite = np.isfinite(values)
        places = np.rint(np.where(finite, values, self.first).astype(np.float64) - self.first)
        grey = table[np.clip(places, 0, len(table) - 1).astype(np.int64)]
        return np.where(finite, grey, np.float32(np.nan))


@dataclass(frozen=True)
class Intensity:
    """What the voxel values mean.

    Attributes
    ----------
    slope, intercept : the rescale that has *already* been applied to the voxels.
    windows : windows and tables that the file recommends, best first; may be empty.
    photometric : DICOM photometric interpretation, ``MONOCHROME2`` or ``RGB`` for other formats. MONOCHROME1 is shown
        inverted; its voxels are as stored.
    unit : ``HU``, ``10^-6 mm2/s`` or empty.
    padding : lowest and highest value of voxels that fill the picture up and show nothing; None where the file names
        none.
    """

    slope: float = 1.0
    intercept: float = 0.0
    windows: tuple[Window, ...] = ()
    photometric: str = "MONOCHROME2"
    unit: str = ""
    padding: tuple[float, float] | None = None

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
    keeper : what keeps `files` there where they were unpacked from an archive, which `path` then names.
    """

    path: Path
    files: tuple[Path, ...] = ()
    study_uid: str = ""
    series_uid: str = ""
    frame_of_reference_uid: str = ""
    sha256: str = ""
    keeper: object = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class VolumeInfo:
    """One of the volumes of a series that holds several on one grid: b-values, directions, points in time, echoes.

    Attributes
    ----------
    label : words for a menu, e.g. ``b 1000, trace`` or ``time 12``.
    slices : number of slices.
    b_value : diffusion weighting, s/mm2; None when unknown.
    trace : whether it is weighted in no direction of its own, because it is the mean of several.
    """

    label: str
    slices: int
    b_value: float | None = None
    trace: bool = False


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
    trace : whether it is known to be a trace image, the mean of several directions.
    body_part : DICOM body part examined, lower case, empty when unknown.
    view_position : of a film, how the patient stood to the beam, upper case (``PA``, ``LL``); empty when unknown.
    patient : the person, kept apart.
    volumes : what the series holds beside these voxels; empty where there is only one volume.
    volume : which of `volumes` this is.
    spacing_by_hand : (slice, row, column) mm that a person stated in place of the file; None where nobody did.
    erased : what was taken out of the voxels, see `viewer.imaging.erasing`.
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
    trace: bool = False
    body_part: str = ""
    patient: PatientInfo = field(default=PatientInfo(), repr=False)
    volumes: tuple[VolumeInfo, ...] = ()
    volume: int = 0
    spacing_by_hand: tuple[float, float, float] | None = None
    erased: tuple[Erasure, ...] = ()
    view_position: str = ""
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

        Colour becomes luminance (ITU-R BT.601); MONOCHROME1 is inverted so that bright means what it means on screen,
        between the extremes of the whole image, so that its slices stay comparable; values that are not finite become
        the darkest finite one.
        """
        values = np.asarray(picture, dtype=np.float32)
        if values.ndim == 3:
            values = values[..., :3] @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
        finite = np.isfinite(values)
        if not finite.all():
            dark = np.max if self.intensity.inverted else np.min
            values = np.where(finite, values, dark(values[finite]) if finite.any() else np.float32(0))
        if self.intensity.inverted:
            least, most = self.extremes
            values = np.float32(least + most) - values
        return np.asarray(values, dtype=np.float32)

    @cached_property
    def extremes(self) -> tuple[float, float]:
        """The least and the greatest finite value of all voxels; of those that are there, for a part of an image."""
        voxels = self.voxels if self.arrived is None else self.voxels[self.arrived]
        if voxels.dtype.kind == "f":
            least = np.min(voxels, initial=np.inf, where=np.isfinite(voxels))
            most = np.max(voxels, initial=-np.inf, where=np.isfinite(voxels))
            return (float(least), float(most)) if least <= most else (0.0, 0.0)
        return (float(voxels.min()), float(voxels.max())) if voxels.size else (0.0, 0.0)
