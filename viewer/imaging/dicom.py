"""DICOM: files to series, and a series to an image."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.foundation.errors import ReadError
from viewer.foundation.progress import SILENT, Progress
from viewer.foundation.provenance import sha256_of
from viewer.imaging.budget import BUDGET
from viewer.imaging.diagnoses import Diagnosis
from viewer.imaging.dicom_frames import Frame
from viewer.imaging.dicom_header import DicomFile, read_header
from viewer.imaging.dicom_pixels import decode
from viewer.imaging.dicom_series import Stack, stacks
from viewer.imaging.image import Intensity, MedicalImage, Source, Window
from viewer.imaging.mr_sequence import named_sequence
from viewer.imaging.series import Candidate, SeriesInfo, Unreadable, Wish
from viewer.imaging.voxel_types import common_type, rescaled, value_findings


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
    return [_candidate(stack) for stack in stacks(files)], unreadable


def _candidate(stack: Stack) -> Candidate:
    file = stack.file
    paths = [member.path for member in stack.files]
    info = SeriesInfo.of(
        stack.geometry,
        paths[0] if len(paths) == 1 else paths[0].parent,
        frames=stack.frame_count,
        modality=file.modality,
        description=_description(stack),
        b_values=stack.b_values,
        photometric=file.photometric,
        diagnoses=stack.diagnoses,
        patient_key=file.patient_key,
        series_uid=file.series_uid,
    )
    volume = stack.shown
    rank = None
    if volume.b_value is not None or sequence_of(stack) in ("DWI", "ADC"):
        rank = (
            float(stack.kind == ""),
            -1.0 if volume.b_value is None else volume.b_value,
            float(volume.trace),
        )
    return Candidate(
        info,
        partial(_load, stack, info.path),
        order=(file.study_uid, file.series_number, file.series_uid),
        diffusion_rank=rank,
    )


def _description(stack: Stack) -> str:
    words = stack.file.description
    return f"{words} ({stack.kind})" if stack.kind and stack.kind.lower() not in words.lower() else words


def sequence_of(stack: Stack) -> str:
    """What is known of an MR sequence, empty otherwise: the image type first, then diffusion weighting, then names."""
    if stack.file.modality != "MR":
        return ""
    if stack.kind in ("ADC", "FA", "COLFA", "EXP", "EADC"):
        return stack.kind
    return named_sequence(stack.file.words, stack.shown.b_value)


def _load(stack: Stack, path: Path, wish: Wish) -> MedicalImage:
    file, frames = stack.file, stack.shown.frames
    BUDGET.check(path.name, file.frame_bytes * len(frames))
    files = tuple(dict.fromkeys(frame.path for frame in frames))
    place_of = {(frame.path, frame.index): place for place, frame in enumerate(frames)}
    palette = file.photometric == "PALETTE COLOR"
    voxels: NDArray[Any] | None = None
    for done, source in enumerate(files):
        wish.progress.report(done, len(files), "reading slices")
        wanted = [frame.index for frame in frames if frame.path == source]
        for index, picture in zip(wanted, decode(source, wanted, palette=palette), strict=True):
            voxels = _with_slice(voxels, place_of[source, index], picture, stack, path)
    assert voxels is not None
    colour = file.samples > 1
    diagnoses = list(stack.diagnoses)
    slope, intercept = frames[0].slope, frames[0].intercept
    if colour:
        slope, intercept = 1.0, 0.0
    else:
        voxels = _rescaled(voxels, frames)
    diagnoses.extend(value_findings(voxels))
    photometric = "RGB" if colour else file.photometric
    wish.progress.report(len(files), len(files))
    return MedicalImage(
        voxels=voxels,
        geometry=stack.geometry,
        modality=file.modality,
        description=_description(stack),
        intensity=Intensity(slope, intercept, _windows(frames), photometric, _unit(stack)),
        source=Source(
            path,
            files,
            file.study_uid,
            file.series_uid,
            file.frame_of_reference_uid,
            _hash(files),
        ),
        diagnoses=tuple(diagnoses),
        sequence=sequence_of(stack),
        b_value=stack.shown.b_value,
        body_part=file.body_part,
        patient=file.patient,
    )


def _with_slice(
    voxels: NDArray[Any] | None, place: int, picture: NDArray[Any], stack: Stack, path: Path
) -> NDArray[Any]:
    """The volume with one more slice; filled in place, so that a series is never in memory twice."""
    if voxels is None:
        voxels = np.empty((stack.geometry.shape[0], *picture.shape), picture.dtype)
    if picture.shape[:2] != stack.geometry.shape[1:] or picture.shape != voxels.shape[1:]:
        raise ReadError(
            f"The pictures in '{path.name}' are not of the size that their headers announce.",
            code="size-mismatch",
        )
    voxels = voxels.astype(common_type([voxels.dtype, picture.dtype]), copy=False)
    voxels[place] = picture
    return voxels


def _rescaled(voxels: NDArray[Any], frames: tuple[Frame, ...]) -> NDArray[Any]:
    """Apply the rescale, which may differ from frame to frame."""
    if len({(frame.slope, frame.intercept) for frame in frames}) == 1:
        return rescaled(voxels, frames[0].slope, frames[0].intercept)
    parts = [
        rescaled(picture, frame.slope, frame.intercept) for picture, frame in zip(voxels, frames, strict=True)
    ]
    return np.stack(parts).astype(common_type([part.dtype for part in parts]), copy=False)


def _windows(frames: tuple[Frame, ...]) -> tuple[Window, ...]:
    """The windows of the middle slice: the ends of a stack are often windowed for noise."""
    return frames[len(frames) // 2].windows or next((frame.windows for frame in frames if frame.windows), ())


def _unit(stack: Stack) -> str:
    if stack.file.samples > 1:
        return ""
    return stack.file.unit or ("10^-6 mm2/s" if stack.kind == "ADC" else "")


def _hash(files: tuple[Path, ...]) -> str:
    if len(files) == 1:
        return sha256_of(files[0])
    digest = hashlib.sha256()
    for line in sorted(sha256_of(file) for file in files):
        digest.update(line.encode("ascii"))
    return digest.hexdigest()


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
