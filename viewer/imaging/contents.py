"""What a path holds, looked at once: choosing among its series, or among the volumes of one, needs no second look.

The content decides what a file is; its name only earns a note when it promises something else. A bad file in a folder
is reported and never stops the folder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from viewer.foundation.errors import ReadError, UsageError
from viewer.foundation.progress import SILENT, Progress
from viewer.imaging.diagnoses import Diagnosis
from viewer.imaging.image import MedicalImage
from viewer.imaging.searching import search
from viewer.imaging.series import Arriving, Candidate, Inspection, SeriesInfo, Unreadable, Wish
from viewer.imaging.spacing_by_hand import Spacing, check_spacing, with_spacing

_LISTED = 6


class Contents:
    """The series in a file or folder, ready to be read.

    Parameters
    ----------
    path : what was looked at.
    candidates : its series in reading order.
    unreadable : files that are not, or not wholly, images.
    """

    def __init__(
        self, path: Path, candidates: tuple[Candidate, ...], unreadable: tuple[Unreadable, ...] = ()
    ) -> None:
        self.path = path
        self._candidates = candidates
        self.inspection = Inspection(tuple(candidate.info for candidate in candidates), unreadable, path.name)

    @classmethod
    def of(cls, path: str | Path, progress: Progress = SILENT) -> Contents:
        """Look at a file, an archive, or a folder with its subfolders; only headers are read.

        Parameters
        ----------
        progress : told once per DICOM file.

        Raises
        ------
        ReadError
            When the path does not exist or may not be read.
        """
        path = Path(path)
        if path.name in ("", ".."):
            path = path.resolve()  # sentences call a folder by its name, which "." does not tell
        found, unreadable = search(path, progress)
        return cls(path, tuple(found), tuple(unreadable))

    def diffusion_rank(self, series: str) -> tuple[float, ...] | None:
        """How good a default a series is among those of a diffusion examination, by its id: the greater, the better.

        None outside diffusion imaging.
        """
        return next((each.diffusion_rank for each in self._candidates if each.info.id == series), None)

    def info_of(self, series: str | None = None) -> SeriesInfo:
        """The series that `load` takes for that name.

        Raises
        ------
        ReadError, UsageError
            As `load`.
        """
        return self._chosen(series)[0].info

    def load(
        self,
        series: str | None = None,
        progress: Progress = SILENT,
        *,
        volume: int | None = None,
        spacing_mm: Spacing | None = None,
        arriving: Arriving | None = None,
    ) -> MedicalImage:
        """Read one image.

        Parameters
        ----------
        series : an id from the inspection or a SeriesInstanceUID; needed when there are several series, except where
            the several are parts of one diffusion acquisition: then the highest b-value is taken and a diagnosis says
            so.
        progress : told between slices.
        volume : index into `SeriesInfo.volumes`; None for the default.
        spacing_mm : distances (slice, row, column) to go by in place of the file's, see `with_spacing`.
        arriving : told once, as soon as one slice can be shown.

        Raises
        ------
        ReadError
            When there is no image, it is broken, or there are several and none was named (``several-series``).
        UsageError
            When there is no such series or volume.
        """
        candidate, notes = self._chosen(series)
        count = len(candidate.info.volumes) or 1
        if volume is not None and not 0 <= volume < count:
            raise UsageError(
                f"There is no volume {volume}: they run from 0 to {count - 1}.", code="no-such-volume"
            )
        if spacing_mm is not None:
            check_spacing(spacing_mm)

        def finished(image: MedicalImage) -> MedicalImage:
            image = image if spacing_mm is None else with_spacing(image, spacing_mm)
            return replace(image, diagnoses=image.diagnoses + notes) if notes else image

        part = None if arriving is None else lambda image: arriving(finished(image))
        return finished(candidate.load(Wish(progress, volume, part)))

    def peek(self, series: str) -> MedicalImage:
        """One slice near the middle of a series, as an image of one slice: enough for a thumbnail.

        Raises
        ------
        ReadError, UsageError
            As `load`.
        """
        candidate, _ = self._chosen(series)
        return candidate.peek() if candidate.peek is not None else candidate.load(Wish())

    def _chosen(self, series: str | None) -> tuple[Candidate, tuple[Diagnosis, ...]]:
        failure = self.inspection.failure
        if failure is not None:
            raise failure
        return _choose(list(self._candidates), series, self.path)


def _choose(
    found: list[Candidate], series: str | None, path: Path
) -> tuple[Candidate, tuple[Diagnosis, ...]]:
    if series is not None:
        named = [c for c in found if series == c.info.id] or [
            c for c in found if series == c.info.series_uid != ""
        ]
        if not named:
            ids = ", ".join(c.info.id for c in found[:_LISTED])
            raise UsageError(
                f"There is no series '{series}' in '{path.name}'; there is: {ids}.", code="no-such-series"
            )
        found = named
    if len(found) == 1:
        return found[0], ()
    diffusion = _chosen_of_diffusion(found)
    if diffusion is not None:
        return diffusion[0], (diffusion[1],)
    raise ReadError(
        several_words([c.info for c in found], path.name),
        code="several-series",
        action="Choose one by its id.",
    )


def several_words(found: Sequence[SeriesInfo], name: str) -> str:
    """A sentence that names the first of several series by their ids.

    Parameters
    ----------
    name : of the file or folder that holds them.
    """
    listed = ", ".join(
        f"{info.id} ({info.description or info.path.name})"
        if info.description or info.path.is_file()
        else info.id
        for info in found[:_LISTED]
    )
    more = f" and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
    patients = len({info.patient_key for info in found if info.patient_key})
    whose = f" of {patients} patients" if patients > 1 else ""
    return f"'{name}' holds {len(found)} series{whose}: {listed}{more}."


def _chosen_of_diffusion(found: list[Candidate]) -> tuple[Candidate, Diagnosis] | None:
    if any(candidate.diffusion_rank is None for candidate in found):
        return None
    from viewer.imaging.dicom import candidates as dicom

    return dicom.chosen_of_diffusion(found)
