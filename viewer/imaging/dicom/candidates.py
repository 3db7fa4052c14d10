"""DICOM: files to series, and a series to an image."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path

from viewer.foundation.errors import ReadError
from viewer.foundation.progress import SILENT, Progress
from viewer.imaging.diagnoses import Diagnosis
from viewer.imaging.dicom.header import DicomFile, read_header
from viewer.imaging.dicom.loading import load, peek
from viewer.imaging.dicom.naming import description_of, sequence_of
from viewer.imaging.dicom.splits import with_splits_said
from viewer.imaging.dicom.stacks import Stack, stacks
from viewer.imaging.series import Candidate, SeriesInfo, Unreadable


def candidates(
    paths: Iterable[Path], progress: Progress = SILENT
) -> tuple[list[Candidate], list[Unreadable]]:
    """The series in some DICOM files; a file that cannot be read is reported and does not stop the others."""
    files: list[DicomFile] = []
    unreadable: list[Unreadable] = []
    waiting = list(paths)
    for place, path in enumerate(waiting):
        progress.report(place, len(waiting), "reading headers")
        try:
            files.append(read_header(path))
        except ReadError as error:
            unreadable.append(Unreadable.because(path, error))
    found: list[Candidate] = []
    for stack in with_splits_said(stacks(files)):
        try:
            found.append(_candidate(stack))
        except ValueError:
            # Headers that are sound one by one and make no grid together; the other series must not suffer for it.
            path = stack.files[0].path
            words = f"The slices of the series of '{path.name}' contradict each other about where they lie."
            unreadable.append(Unreadable(path, "no-grid", words))
    return found, unreadable


def _candidate(stack: Stack) -> Candidate:
    file = stack.file
    paths = tuple(member.path for member in stack.files)
    geometry, findings = stack.grid(stack.chosen)
    several = len(stack.volumes) > 1
    info = SeriesInfo.of(
        geometry,
        paths[0] if len(paths) == 1 else paths[0].parent,
        frames=stack.frame_count,
        modality=file.modality,
        description=description_of(stack),
        b_values=stack.b_values,
        photometric=file.photometric,
        diagnoses=(*stack.diagnoses, *findings, *stack.several(None)),
        patient_key=file.patient_key,
        series_uid=file.series_uid,
        volumes=tuple(volume.info for volume in stack.volumes) if several else (),
        volume=stack.chosen if several else 0,
        files=paths,
    )
    volume = stack.shown
    rank = None
    if volume.b_value is not None or sequence_of(stack, stack.chosen) in ("DWI", "ADC"):
        rank = (
            float(stack.kind == ""),
            -1.0 if volume.b_value is None else volume.b_value,
            float(volume.trace),
        )
    return Candidate(
        info,
        partial(load, stack, info.path),
        partial(peek, stack, info.path),
        order=(file.study_uid, file.series_number, file.series_uid),
        diffusion_rank=rank,
    )


def chosen_of_diffusion(parts: list[Candidate]) -> tuple[Candidate, Diagnosis] | None:
    """The default among the parts of one diffusion series, and words for it; None when the parts are something else."""
    if (
        len({(part.info.series_uid, part.info.patient_key) for part in parts}) != 1
        or not parts[0].info.series_uid
    ):
        return None
    ranked = [(part.diffusion_rank, part) for part in parts if part.diffusion_rank is not None]
    if len(ranked) != len(parts):
        return None
    best = max(ranked, key=lambda pair: pair[0] or ())[1]
    total = sum(part.info.frames for part in parts)
    words = f"{best.info.shape[0]} of {total} images are shown: the highest b-value of this diffusion series"
    others = ", ".join(part.info.id for part in parts if part is not best)
    return best, Diagnosis("diffusion-default", "note", f"{words}.", f"Choose another part: {others}.")
