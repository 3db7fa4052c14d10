"""What the opened paths hold: every series that can be shown, patient by patient, and the files that cannot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from viewer.imaging.contents import Contents
from viewer.imaging.image import MedicalImage, PatientInfo, VolumeInfo
from viewer.imaging.series import SeriesInfo, Unreadable
from viewer.state.thumbnail import Thumbnail

WITHOUT_PATIENT = 0
"""Number of the group of series that do not say whose they are; never taken for one patient."""


@dataclass(frozen=True, eq=False)
class SeriesEntry:
    """One series among everything that was opened.

    Attributes
    ----------
    contents : the path that it is in, ready to be read.
    patient : counted from 1 in the order of appearance; `WITHOUT_PATIENT` where the file does not say.
    number : counted from 1 over all opened paths.
    """

    info: SeriesInfo
    contents: Contents
    patient: int
    number: int

    def words(self, *, hidden: bool) -> str:
        """What the series is: its own description, else its file's name, which may be the patient's."""
        if self.info.description:
            return self.info.description
        if self.info.modality and not self.info.path.is_file():
            return f"{self.info.modality} series {self.number}"
        return f"image {self.number}" if hidden else self.info.path.name


@dataclass(frozen=True, eq=False)
class Opened:
    """Everything that one opening found, over one or several paths.

    Attributes
    ----------
    for_beside : as a choice: the series that is chosen is shown beside the open one.
    """

    entries: tuple[SeriesEntry, ...]
    unreadable: tuple[Unreadable, ...] = ()
    for_beside: bool = False

    @classmethod
    def of(cls, contents: Sequence[Contents], unreadable: Sequence[Unreadable] = ()) -> Opened:
        """Number the series and the patients of several paths; patients are told apart and never merged.

        Parameters
        ----------
        unreadable : paths that could not be looked at at all.
        """
        patients: dict[str, int] = {}
        entries: list[SeriesEntry] = []
        for one in contents:
            for info in one.inspection.series:
                known = info.patient_key
                patient = patients.setdefault(known, len(patients) + 1) if known else WITHOUT_PATIENT
                entries.append(SeriesEntry(info, one, patient, len(entries) + 1))
        broken = (*unreadable, *(each for one in contents for each in one.inspection.unreadable))
        return cls(tuple(entries), broken)

    @property
    def series(self) -> tuple[SeriesInfo, ...]:
        return tuple(entry.info for entry in self.entries)

    @property
    def patients(self) -> tuple[int, ...]:
        """Numbers of the patients, in the order of appearance."""
        return tuple(dict.fromkeys(entry.patient for entry in self.entries))

    def of_patient(self, patient: int) -> tuple[SeriesEntry, ...]:
        return tuple(entry for entry in self.entries if entry.patient == patient)

    def parts(self, entry: SeriesEntry) -> tuple[SeriesEntry, ...]:
        """The parts of the diffusion series that `entry` is one of, itself among them; empty when it is none.

        One acquisition arrives as several series here when its images lie on several grids or are of several kinds.
        """
        found = self._by_uid.get((entry.info.series_uid, entry.patient), ())
        return found if len(found) > 1 and any(part.info.b_values for part in found) else ()

    @cached_property
    def _by_uid(self) -> dict[tuple[str, int], tuple[SeriesEntry, ...]]:
        """Entries by series and patient; a folder may hold thousands."""
        found: dict[tuple[str, int], list[SeriesEntry]] = {}
        for entry in self.entries:
            if entry.info.series_uid:
                found.setdefault((entry.info.series_uid, entry.patient), []).append(entry)
        return {key: tuple(entries) for key, entries in found.items()}


@dataclass(frozen=True, eq=False)
class Peeked:
    """What one slice of a series showed.

    Attributes
    ----------
    thumbnail : None where the series could not be read; `sentence` then says why.
    patient : whose series it is, to be shown only where patient data is shown.
    """

    thumbnail: Thumbnail | None
    patient: PatientInfo = field(default=PatientInfo(), repr=False)
    sentence: str = ""


def volume_words(volumes: tuple[VolumeInfo, ...], index: int) -> str:
    """``b 1000, direction 7 · 12 / 65``."""
    return f"{volumes[index].label} · {index + 1} / {len(volumes)}"


def shown_of(image: MedicalImage, entry: SeriesEntry | None, opened: Opened | None) -> str:
    """``28 of 84 images shown``, where the series holds more than what is on screen; else empty."""
    shown = image.geometry.shape[0]
    if image.volumes:
        total = sum(volume.slices for volume in image.volumes)
    elif entry is not None and opened is not None:
        total = sum(part.info.frames for part in opened.parts(entry)) or entry.info.frames
    else:
        return ""
    return f"{shown} of {total} images shown" if total > shown else ""
