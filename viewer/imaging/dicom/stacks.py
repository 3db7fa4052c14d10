"""Frames of DICOM files sorted into stacks that can be read as one volume.

Frames belong together when they come from one patient, study, series, frame of reference, size, kind of colour, kind of
map and orientation; where they name no series, only when they make one even stack. Within a stack they are sorted by
position along the normal, never by name or number; frames that share positions are volumes of one acquisition
(b-values, directions, echoes, time points).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from viewer.imaging.diagnoses import ONE_PLACE, Diagnosis
from viewer.imaging.dicom.acquisitions import parted
from viewer.imaging.dicom.frames import Frame
from viewer.imaging.dicom.header import DicomFile
from viewer.imaging.dicom.identity import read_once, with_evidence
from viewer.imaging.dicom.kinds import map_kind
from viewer.imaging.dicom.spacing import grid_of, grid_without_places, normal_of, same_place, tilt_not_shown
from viewer.imaging.dicom.volumes import Volume, default_volume, incomplete
from viewer.imaging.geometry import Geometry
from viewer.imaging.image import VolumeInfo
from viewer.imaging.volumes import one_of_several

_MOVING = ("US", "XA", "RF", "ES", "XC", "OP", "IVUS", "OCT")
"""Modalities whose frames follow each other in time when nothing says where they lie."""
_SAME_DIRECTION = 2e-3
_GAPS = ("missing-slice", "uneven-spacing")


@dataclass(frozen=True, eq=False)
class Stack:
    """What becomes one series entry: volumes on one grid, of which one is shown by default.

    Attributes
    ----------
    files : the files of its frames.
    kind : the derived map that it is, or the component of complex images; empty for plain pictures.
    volumes, chosen : its volumes, and the number of the one that is shown by default.
    diagnoses : findings about the whole.
    placed : whether its slices lie at places of their own.
    """

    files: tuple[DicomFile, ...]
    kind: str
    volumes: tuple[Volume, ...]
    chosen: int
    diagnoses: tuple[Diagnosis, ...]
    placed: bool

    @property
    def shown(self) -> Volume:
        return self.volumes[self.chosen]

    @property
    def frame_count(self) -> int:
        return sum(len(volume.frames) for volume in self.volumes)

    @property
    def b_values(self) -> tuple[float, ...]:
        return tuple(sorted({volume.b_value for volume in self.volumes if volume.b_value is not None}))

    @property
    def trace(self) -> bool:
        """Whether every weighted image is a trace image."""
        weighted = [volume for volume in self.volumes if volume.b_value]
        return bool(weighted) and all(volume.trace for volume in weighted)

    @cached_property
    def file(self) -> DicomFile:
        """The file of the first frame shown."""
        return self.file_of(self.shown.frames[0])

    def several(self, wanted: int | None) -> tuple[Diagnosis, ...]:
        """What is not on screen when volume `wanted`, or None for the default, is; empty where there is only one."""
        number = self.chosen if wanted is None else wanted
        infos = tuple(volume.info for volume in self.volumes)
        finding = one_of_several(infos, number, default=wanted is None)
        return () if finding is None else (finding,)

    def file_of(self, frame: Frame) -> DicomFile:
        return self._by_path[str(frame.path)]

    @cached_property
    def _by_path(self) -> dict[str, DicomFile]:
        return {str(file.path): file for file in self.files}

    def grid(self, number: int) -> tuple[Geometry, tuple[Diagnosis, ...]]:
        """The grid of one volume and what is odd about it."""
        frames = self.volumes[number].frames
        file = self.file_of(frames[0])
        size = _size(file, frames[0])
        if not self.placed:
            return grid_without_places(frames, size, file.directions)
        geometry, findings = grid_of(frames, size)
        if file.modality == "CT" and len(frames) > 1:
            findings += tilt_not_shown(frames[0], file.tilt, findings)
        if file.modality == "SEG":
            # Slices on which nothing is marked are left out of a segmentation, and nobody has lost them.
            findings = tuple(finding for finding in findings if finding.code not in _GAPS)
        return geometry, findings


def stacks(files: Iterable[DicomFile]) -> list[Stack]:
    """Sort files into stacks, in the order of their series."""
    groups: dict[tuple[object, ...], list[tuple[DicomFile, Frame]]] = defaultdict(list)
    once, twice = read_once(files)
    for file in once:
        for frame in file.frames:
            groups[_key(file, frame)].append((file, frame))
    found: list[Stack] = []
    for key, members in groups.items():
        kind = str(key[-1])
        clusters = [part for cluster in _by_orientation(members) for part in with_evidence(cluster)]
        found.extend(_stack(kind, cluster, twice) for cluster in clusters)
    return sorted(found, key=_reading_order)


def _reading_order(stack: Stack) -> tuple[object, ...]:
    file = stack.file
    first = stack.shown.frames[0]
    # Never by patient key, which is new in every process: ids stay the same from run to run.
    instance = first.moment.instance or 0.0
    return file.study_uid, file.series_number, file.series_uid, instance, str(first.path)


def _key(file: DicomFile, frame: Frame) -> tuple[object, ...]:
    own = str(file.path) if file.flat else ""
    spacing = frame.size.spacing
    return (
        file.patient_key,
        file.study_uid,
        # Without a series to share, only pictures that are stored alike can be of one.
        file.series_uid or (str(file.path.parent), file.modality, file.bits, file.stored),
        file.frame_of_reference_uid,
        own,
        _size(file, frame),
        None if spacing is None else tuple(round(length, 3) for length in spacing),
        file.samples,
        file.photometric,
        map_kind(frame.kind, file.modality, file.description, file.samples > 1),
    )


def _size(file: DicomFile, frame: Frame) -> tuple[int, int]:
    return (file.rows, file.columns) if frame.tile is None else (frame.tile.rows, frame.tile.columns)


def _by_orientation(members: list[tuple[DicomFile, Frame]]) -> list[list[tuple[DicomFile, Frame]]]:
    """Split by orientation; frames without a place go with the others only when nothing has a place."""
    placed = [m for m in members if m[1].placed]
    if not placed:
        return [members]
    clusters: list[tuple[NDArray[np.float64], list[tuple[DicomFile, Frame]]]] = []
    for member in placed:
        direction = np.asarray(member[1].orientation)
        for known, cluster in clusters:
            if np.abs(known - direction).max() < _SAME_DIRECTION:
                cluster.append(member)
                break
        else:
            clusters.append((direction, [member]))
    result = [cluster for _, cluster in clusters]
    if len(placed) < len(members):
        # They cannot be sorted in, and dropping them without a word would be worse: the largest cluster reports them.
        largest = max(result, key=len)
        largest.extend(m for m in members if not m[1].placed)
    return result


def _stack(kind: str, members: list[tuple[DicomFile, Frame]], copies: dict[int, int]) -> Stack:
    files = tuple({id(file): file for file, _ in members}.values())
    # One notice of a kind is enough, however many files give rise to it.
    diagnoses = list(
        {finding.code: finding for file in reversed(files) for finding in file.diagnoses}.values()
    )
    twice = sum(copies.get(id(file), 0) for file in files)
    if twice:
        words = "1 file of this series is" if twice == 1 else f"{twice} files of this series are"
        diagnoses.append(
            Diagnosis("files-twice", "note", f"{words} there more than once; each is read once.")
        )
    frames = [frame for _, frame in members]
    placed = [frame for frame in frames if frame.placed]
    if placed and len(placed) < len(frames):
        lost = len(frames) - len(placed)
        diagnoses.append(
            Diagnosis(
                "slice-without-position",
                "warning",
                f"{lost} of {len(frames)} slices {'does' if lost == 1 else 'do'} not say where "
                f"{'it lies and is' if lost == 1 else 'they lie and are'} left out.",
                "Ask for a complete export of the series.",
            )
        )
    if not placed:
        if len(frames) > 1 and files[0].modality in _MOVING:
            diagnoses.append(_in_one_place(len(frames)))
        return _unplaced(files, kind, frames, diagnoses)
    levels = _levels(placed)
    if len(set(levels.values())) == 1 and len(placed) > 1:
        weightings = {(frame.diffusion.b_value, frame.echo, frame.segment) for frame in placed}
        if len(weightings) == 1:
            diagnoses.append(_in_one_place(len(placed)))
            return _unplaced(files, kind, placed, diagnoses)
    volumes, doubled = parted(placed, levels, dict(files[0].segments))
    if doubled:
        diagnoses.append(_same_place(volumes, doubled))
    else:
        diagnoses.extend(incomplete(volumes, len(set(levels.values()))))
    return Stack(files, kind, volumes, default_volume(volumes), tuple(diagnoses), placed=True)


def _in_one_place(count: int) -> Diagnosis:
    return Diagnosis(
        ONE_PLACE,
        "warning",
        f"All {count} pictures lie at one place: they are a sequence in time, not a volume.",
        "Read them as pictures; a 3D network does not apply.",
    )


def _levels(frames: list[Frame]) -> dict[int, int]:
    """The number of each frame's place along the normal, by `id` of the frame."""
    normal = normal_of(frames[0])
    depths = np.asarray([frame.position for frame in frames], dtype=np.float64) @ normal
    order = np.argsort(depths, kind="stable")
    levels: dict[int, int] = {}
    level, start, same = -1, -np.inf, same_place(frames)
    for place in order:
        if depths[place] - start > same:
            level, start = level + 1, float(depths[place])
        levels[id(frames[place])] = level
    return levels


def _same_place(volumes: tuple[Volume, ...], doubled: int) -> Diagnosis:
    extra = next(volume for volume in volumes if not volume.whole)
    place = np.asarray(extra.frames[0].position)
    normal = normal_of(extra.frames[0])
    other = min(
        volumes[0].frames, key=lambda frame: abs(float((np.asarray(frame.position) - place) @ normal))
    )
    pair = f"'{other.path.name}' and '{extra.frames[0].path.name}'"
    words = "1 slice lies" if doubled == 1 else f"{doubled} slices lie"
    return Diagnosis(
        "slices-at-one-position",
        "warning",
        f"{words} where another slice lies already (such as {pair}); the first at each place is shown.",
        "Check whether two acquisitions were mixed; the others can be chosen as a volume of their own.",
    )


def _unplaced(
    files: tuple[DicomFile, ...], kind: str, frames: list[Frame], diagnoses: list[Diagnosis]
) -> Stack:
    """A stack in the order of its times and numbers, whose pictures have no place of their own in the patient."""
    ordered = tuple(sorted(frames, key=lambda frame: frame.order))
    diffusion = ordered[0].diffusion
    volume = Volume(ordered, VolumeInfo("", len(ordered), diffusion.b_value, diffusion.trace))
    return Stack(files, kind, (volume,), 0, tuple(diagnoses), placed=False)
