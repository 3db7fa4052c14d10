"""What a path holds, looked at once: choosing among its series, or among the volumes of one, needs no second look.

The content decides what a file is; its name only earns a note when it promises something else. A bad file in a folder
is reported and never stops the folder.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from viewer.foundation.errors import ReadError, UsageError
from viewer.foundation.progress import SILENT, Progress
from viewer.imaging.diagnoses import Diagnosis
from viewer.imaging.image import MedicalImage
from viewer.imaging.series import Arriving, Candidate, Inspection, Unreadable, Wish
from viewer.imaging.sidecar import sidecar_files
from viewer.imaging.sniffing import Kind, contradicts_extension, kind_of

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
        """Look at a file, or at a folder with its subfolders; only headers are read.

        Parameters
        ----------
        progress : told once per DICOM file.

        Raises
        ------
        ReadError
            When the path does not exist or may not be read.
        """
        path = Path(path)
        found, unreadable = _find(path, progress)
        return cls(path, tuple(found), tuple(unreadable))

    def load(
        self,
        series: str | None = None,
        progress: Progress = SILENT,
        *,
        volume: int | None = None,
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
        image = candidate.load(Wish(progress, volume, arriving))
        return replace(image, diagnoses=image.diagnoses + notes) if notes else image

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
    listed = ", ".join(
        f"{c.info.id} ({c.info.description or c.info.path.name})"
        if c.info.description or c.info.path.is_file()
        else c.info.id
        for c in found[:_LISTED]
    )
    more = f" and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
    raise ReadError(
        f"'{path.name}' holds {len(found)} series: {listed}{more}.",
        code="several-series",
        action="Choose one by its id.",
    )


def _find(path: Path, progress: Progress) -> tuple[list[Candidate], list[Unreadable]]:
    if path.is_dir():
        files = _files_below(path)
    elif path.exists():
        files = [path]
    else:
        raise ReadError(f"There is no file or folder '{path.name}'.", code="missing")
    found: list[Candidate] = []
    unreadable: list[Unreadable] = []
    dicom_files: list[Path] = []
    parts: set[Path] = set()
    for file in files:
        try:
            kind = kind_of(file)
            if kind is Kind.DICOM:
                dicom_files.append(file)
                continue
            if kind in (Kind.NRRD, Kind.METAIMAGE):
                parts.update(_voxel_files(file))
            if kind is Kind.NIFTI:
                parts.update(each.resolve() for each in sidecar_files(file))
            found.extend(_with_name_checked(file, kind, _candidates(kind, file)))
        except ReadError as error:
            unreadable.append(Unreadable.because(file, error))
    from_dicom, broken = _dicom_candidates(dicom_files, progress)
    for candidate in from_dicom:
        found.extend(_with_name_checked(candidate.info.path, Kind.DICOM, [candidate]))
    found.sort(key=lambda candidate: (candidate.order, str(candidate.info.path)))
    unreadable.extend(broken)
    # Sidecars and voxel files of detached headers are no images of their own, and nothing is wrong with them.
    unreadable = [entry for entry in unreadable if entry.path.resolve() not in parts]
    unreadable.sort(key=lambda entry: str(entry.path))
    return [candidate.named(number) for number, candidate in enumerate(found, start=1)], unreadable


# The libraries behind a format take a tenth of a second each to load; nobody waits for those that are not needed.


def _candidates(kind: Kind, file: Path) -> list[Candidate]:
    """The image in a file of any format but DICOM, whose files are looked at together."""
    if kind is Kind.NIFTI:
        from viewer.imaging import nifti

        return nifti.candidates(file)
    if kind in (Kind.PNG, Kind.JPEG):
        from viewer.imaging import pictures

        return pictures.candidates(file)
    from viewer.imaging import itk_formats

    return itk_formats.nrrd_candidates(file) if kind is Kind.NRRD else itk_formats.metaimage_candidates(file)


def _voxel_files(file: Path) -> set[Path]:
    from viewer.imaging import itk_formats

    return itk_formats.data_files(file)


def _dicom_candidates(files: list[Path], progress: Progress) -> tuple[list[Candidate], list[Unreadable]]:
    if not files:
        return [], []
    from viewer.imaging import dicom

    return dicom.candidates(files, progress)


def _chosen_of_diffusion(found: list[Candidate]) -> tuple[Candidate, Diagnosis] | None:
    if any(candidate.diffusion_rank is None for candidate in found):
        return None
    from viewer.imaging import dicom

    return dicom.chosen_of_diffusion(found)


def _files_below(folder: Path) -> list[Path]:
    """Visible files below a folder in a stable order; links to folders are not followed."""
    problem: list[OSError] = []
    files: list[Path] = []
    for root, folders, names in os.walk(folder, onerror=problem.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        files.extend(Path(root) / name for name in sorted(names) if not name.startswith("."))
    if problem and not files:
        words = (problem[0].strerror or "unknown reason").lower()
        raise ReadError(f"The folder '{folder.name}' could not be opened: {words}.", code="no-access")
    return [file for file in files if file.is_file()]


def _with_name_checked(path: Path, kind: Kind, candidates: list[Candidate]) -> list[Candidate]:
    """Add a note where the name promises another format."""
    if not contradicts_extension(path, kind):
        return candidates
    note = Diagnosis(
        "wrong-extension",
        "note",
        f"The file is {kind.value} although its name ends in '{path.suffix}'; it was read as {kind.value}.",
    )
    return [_noted(candidate, note) for candidate in candidates]


def _noted(candidate: Candidate, note: Diagnosis) -> Candidate:
    def load(wish: Wish) -> MedicalImage:
        image = candidate.load(wish)
        return replace(image, diagnoses=(*image.diagnoses, note))

    info = replace(candidate.info, diagnoses=(*candidate.info.diagnoses, note))
    return replace(candidate, info=info, load=load)
