"""Which DICOM files are one picture in several copies, and which belong together though they name no series."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from viewer.imaging.dicom.frames import Frame
from viewer.imaging.dicom.header import DicomFile
from viewer.imaging.dicom.spacing import normal_of, same_place
from viewer.imaging.dicom.syntaxes import PLAIN

Member = tuple[DicomFile, Frame]
_FEWEST = 3
"""Any two positions make an even stack; three that do are evidence."""
_UNEVEN = 0.02
"""Share of a step by which another may differ in a stack that counts as even."""


def read_once(files: Iterable[DicomFile]) -> tuple[list[DicomFile], dict[int, int]]:
    """Each picture once, however it is encoded.

    Returns
    -------
    files in their order: of several with one picture the first, or the first that is not compressed; and how many
    were left out for each, by `id` of the file that was kept.
    """
    copies: dict[object, list[DicomFile]] = {}
    for file in files:
        copies.setdefault(_identity(file) if file.instance_uid else file.path, []).append(file)
    kept = [min(same, key=lambda file: file.pixels.syntax not in PLAIN) for same in copies.values()]
    return kept, {
        id(file): len(same) - 1 for file, same in zip(kept, copies.values(), strict=True) if len(same) > 1
    }


def _identity(file: DicomFile) -> tuple[object, ...]:
    """What copies of one picture share.

    Its name alone is not enough: one name for two pictures is a mistake of somebody's, and no reason to hide one.
    """
    return (
        file.patient_key,
        file.study_uid,
        file.series_uid,
        file.instance_uid,
        file.rows,
        file.columns,
        file.samples,
        file.bits,
        file.stored,
        # Colours change their name with their encoding; the sense of greys does not.
        file.photometric if file.samples == 1 else "",
        tuple((frame.position, frame.moment, frame.slope, frame.intercept) for frame in file.frames),
    )


def with_evidence(members: list[Member]) -> list[list[Member]]:
    """Frames of one orientation as they are if they name their series or make one even stack; else file by file."""
    by_file: dict[int, list[Member]] = {}
    for member in members:
        by_file.setdefault(id(member[0]), []).append(member)
    if members[0][0].series_uid or len(by_file) == 1 or _even([frame for _, frame in members]):
        return [members]
    return list(by_file.values())


def _even(frames: list[Frame]) -> bool:
    """Whether frames lie at even steps, one at each place."""
    if len(frames) < _FEWEST or not all(frame.placed for frame in frames):
        return False
    places = np.asarray([frame.position for frame in frames], dtype=np.float64)
    normal = normal_of(frames[0])
    places = places[np.argsort(places @ normal, kind="stable")]
    steps = np.diff(places, axis=0)
    usual = np.median(steps, axis=0)
    size = float(np.linalg.norm(usual))
    same = same_place(frames)
    if float((steps @ normal).min()) <= same:
        return False
    return bool(np.abs(steps - usual).max() <= max(_UNEVEN * size, same))
