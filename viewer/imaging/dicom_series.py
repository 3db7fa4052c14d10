"""Frames of DICOM files sorted into stacks that can be read as one volume.

Frames belong together when they come from one patient, series, size, kind of colour, kind of map, echo and orientation.
Within a stack they are sorted by position along the normal, never by name or number; frames that share positions are
volumes of one acquisition (b-values, directions, time points).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viewer.imaging.diagnoses import Diagnosis, no_orientation, no_spacing
from viewer.imaging.dicom_frames import Frame
from viewer.imaging.dicom_header import DicomFile
from viewer.imaging.geometry import Geometry

_MAPS = (
    "ADC",
    "FA",
    "COLFA",
    "TENSOR",
    "TENSOR_B0",
    "EXP",
    "EADC",
    "TTP",
    "RELCBF",
    "RELCBV",
    "RELMTT",
    "LOCALIZER",
)
_COMPONENTS = {
    "P": "PHASE",
    "PHASE": "PHASE",
    "R": "REAL",
    "REAL": "REAL",
    "I": "IMAGINARY",
    "IMAGINARY": "IMAGINARY",
}
_SAME_DIRECTION = 2e-3
_SAME_PLACE = 0.01
_TILT_DEGREES = 0.2


@dataclass(frozen=True)
class Volume:
    """Frames at ascending positions, one each."""

    frames: tuple[Frame, ...]

    @property
    def b_value(self) -> float | None:
        return self.frames[0].b_value

    @property
    def trace(self) -> bool:
        return self.frames[0].trace


@dataclass(frozen=True)
class Stack:
    """What becomes one series entry: volumes on one grid, of which one is shown by default."""

    files: tuple[DicomFile, ...]
    kind: str
    volumes: tuple[Volume, ...]
    chosen: int
    geometry: Geometry
    diagnoses: tuple[Diagnosis, ...]

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
    def file(self) -> DicomFile:
        """The file of the first frame shown."""
        return next(file for file in self.files if file.path == self.shown.frames[0].path)


def stacks(files: Iterable[DicomFile]) -> list[Stack]:
    """Sort files into stacks, in the order of their series."""
    groups: dict[tuple[object, ...], list[tuple[DicomFile, Frame]]] = defaultdict(list)
    for file in files:
        for frame in file.frames:
            groups[_key(file, frame)].append((file, frame))
    found: list[Stack] = []
    for key, members in groups.items():
        kind = str(key[-2])
        found.extend(_stack(kind, cluster) for cluster in _by_orientation(members))
    return sorted(found, key=_reading_order)


def _reading_order(stack: Stack) -> tuple[object, ...]:
    file = stack.file
    first = stack.shown.frames[0]
    # Never by patient key, which is new in every process: ids stay the same from run to run.
    return file.study_uid, file.series_number, file.series_uid, first.order[3], str(first.path)


def _key(file: DicomFile, frame: Frame) -> tuple[object, ...]:
    own = str(file.path) if file.flat else ""
    return (
        file.patient_key,
        file.study_uid,
        file.series_uid or str(file.path.parent),
        own,
        file.rows,
        file.columns,
        file.samples,
        file.photometric,
        map_kind(frame.kind),
        None if frame.echo is None else round(frame.echo, 1),
    )


def map_kind(kind: tuple[str, ...]) -> str:
    """The derived map or complex component that an image type names; empty for a plain picture."""
    for value in kind[2:]:
        if value in _MAPS:
            return value
        if value in _COMPONENTS:
            return _COMPONENTS[value]
    return ""


def _by_orientation(members: list[tuple[DicomFile, Frame]]) -> list[list[tuple[DicomFile, Frame]]]:
    """Split by orientation; frames without a place go with the others only when nothing has a place."""
    placed = [m for m in members if m[1].orientation is not None and m[1].position is not None]
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
        largest.extend(m for m in members if m[1].orientation is None or m[1].position is None)
    return result


def _stack(kind: str, members: list[tuple[DicomFile, Frame]]) -> Stack:
    files = tuple(dict.fromkeys(file for file, _ in members))
    diagnoses: list[Diagnosis] = []
    for file in files:
        diagnoses.extend(d for d in file.diagnoses if d not in diagnoses)
    frames = [frame for _, frame in members]
    placed = [f for f in frames if f.position is not None and f.orientation is not None]
    if placed and len(placed) < len(frames):
        diagnoses.append(
            Diagnosis(
                "slice-without-position",
                "warning",
                f"{len(frames) - len(placed)} of {len(frames)} slices do not say where they lie and are left out.",
            )
        )
    mosaic = any("MOSAIC" in frame.kind for frame in frames)
    if mosaic:
        diagnoses.append(
            Diagnosis(
                "mosaic",
                "warning",
                "The slices of a volume are tiled into one picture (a Siemens mosaic): positions are unknown.",
                "Convert it to NIfTI to see single slices.",
            )
        )
    if not placed or mosaic:
        return _unplaced(files, kind, frames, diagnoses)
    normal = _normal(placed[0])
    depth = {id(frame): float(np.dot(normal, np.asarray(frame.position))) for frame in placed}
    levels = _levels(sorted(depth.values()))
    if len(levels) == 1 and len(placed) > 1 and len({frame.b_value for frame in placed}) == 1:
        diagnoses.append(
            Diagnosis(
                "one-place",
                "warning",
                f"All {len(placed)} pictures lie at one place: they are a sequence in time, not a volume.",
            )
        )
        return _unplaced(files, kind, placed, diagnoses)
    volumes = _volumes(placed, depth, levels, diagnoses)
    chosen = _default_volume(volumes)
    if len(volumes) > 1:
        diagnoses.append(_which(volumes, chosen))
    geometry = _geometry(files[0], volumes[chosen], normal, diagnoses)
    return Stack(files, kind, tuple(volumes), chosen, geometry, tuple(diagnoses))


def _unplaced(
    files: tuple[DicomFile, ...], kind: str, frames: list[Frame], diagnoses: list[Diagnosis]
) -> Stack:
    """A stack in the order of its numbers, whose place in the patient is not known."""
    ordered = tuple(sorted(frames, key=lambda frame: (frame.order[3], str(frame.path), frame.index)))
    first = ordered[0]
    spacing = first.spacing
    if spacing is None:
        diagnoses.append(no_spacing())
    row, column = spacing or (1.0, 1.0)
    thick = first.thickness if first.thickness and first.thickness > 0 else 1.0
    diagnoses.append(no_orientation())
    geometry = Geometry.unoriented((len(ordered), files[0].rows, files[0].columns), (thick, row, column))
    return Stack(files, kind, (Volume(ordered),), 0, geometry, tuple(diagnoses))


def _normal(frame: Frame) -> NDArray[np.float64]:
    six = np.asarray(frame.orientation, dtype=np.float64)
    normal = np.cross(six[:3], six[3:])
    return np.asarray(normal / np.linalg.norm(normal))


def _levels(depths: list[float]) -> list[float]:
    levels: list[float] = []
    for depth in depths:
        if not levels or depth - levels[-1] > _SAME_PLACE:
            levels.append(depth)
    return levels


def _volumes(
    frames: list[Frame], depth: dict[int, float], levels: list[float], diagnoses: list[Diagnosis]
) -> list[Volume]:
    buckets: dict[tuple[object, ...], list[Frame]] = defaultdict(list)
    separate = len(frames) > len(levels)
    for frame in frames:
        gradient = None if frame.gradient is None else tuple(round(part, 3) for part in frame.gradient)
        buckets[(frame.b_value, gradient, frame.trace) if separate else ()].append(frame)
    volumes: list[Volume] = []
    known = np.asarray(levels)
    doubled = 0
    for bucket in sorted(buckets.values(), key=lambda frames: min(frame.order for frame in frames)):
        at: dict[int, list[Frame]] = defaultdict(list)
        for frame in bucket:
            at[int(np.argmin(np.abs(known - depth[id(frame)])))].append(frame)
        for same in at.values():
            same.sort(key=lambda frame: frame.order)
        most = max(len(same) for same in at.values())
        if most > 1 and min(len(same) for same in at.values()) < most:
            doubled += sum(len(same) - 1 for same in at.values())
            most = 1
        volumes.extend(Volume(tuple(at[level][turn] for level in sorted(at))) for turn in range(most))
    if doubled:
        diagnoses.append(
            Diagnosis(
                "slices-at-one-position",
                "warning",
                f"{doubled} slices lie where another slice lies already; the first at each place is shown.",
                "Check whether two acquisitions were mixed.",
            )
        )
    return volumes


def _default_volume(volumes: list[Volume]) -> int:
    """The highest b-value, a trace before a direction, the most slices, else the first."""

    def rank(place: int) -> tuple[float, bool, int, int]:
        volume = volumes[place]
        return (-1.0 if volume.b_value is None else volume.b_value, volume.trace, len(volume.frames), -place)

    return max(range(len(volumes)), key=rank)


def _which(volumes: list[Volume], chosen: int) -> Diagnosis:
    shown, total = len(volumes[chosen].frames), sum(len(volume.frames) for volume in volumes)
    volume = volumes[chosen]
    if volume.b_value is None:
        words = f"the first of {len(volumes)} volumes"
    else:
        same = sum(1 for other in volumes if other.b_value == volume.b_value)
        words = f"b = {volume.b_value:g} s/mm2" + (
            ", the trace" if volume.trace else f", the first of {same} directions" if same > 1 else ""
        )
    return Diagnosis("several-volumes", "note", f"{shown} of {total} images are shown: {words}.")


def _geometry(
    file: DicomFile, volume: Volume, normal: NDArray[np.float64], diagnoses: list[Diagnosis]
) -> Geometry:
    first = volume.frames[0]
    six = np.asarray(first.orientation, dtype=np.float64)
    places = np.asarray([frame.position for frame in volume.frames], dtype=np.float64)
    if first.spacing is None:
        diagnoses.append(no_spacing())
    row, column = first.spacing or (1.0, 1.0)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = six[:3] * column, six[3:] * row
    affine[:3, 3] = places[0]
    if len(places) > 1:
        step = (places[-1] - places[0]) / (len(places) - 1)
        affine[:3, 2] = step
        _check_spacing(places @ normal, diagnoses)
        along = float(step @ normal)
        tilt = math.degrees(math.atan2(float(np.linalg.norm(step - along * normal)), along))
        if tilt > _TILT_DEGREES:
            diagnoses.append(
                Diagnosis(
                    "gantry-tilt",
                    "warning",
                    f"The slices are tilted against their stack by {tilt:.1f} degrees (gantry tilt).",
                    "Positions along the series are approximate: use a 2D network, or resample the volume first.",
                )
            )
    else:
        thick = first.thickness if first.thickness and first.thickness > 0 else 1.0
        affine[:3, 2] = normal * thick
    return Geometry(affine, (len(places), file.rows, file.columns))


def _check_spacing(depths: NDArray[np.float64], diagnoses: list[Diagnosis]) -> None:
    gaps = np.diff(depths)
    usual = float(np.median(gaps))
    odd = np.flatnonzero(np.abs(gaps - usual) > max(0.05 * usual, 0.02))
    if not len(odd):
        return
    ratio = gaps[odd] / usual
    if (ratio > 1.5).all() and (np.abs(ratio - np.round(ratio)) < 0.1).all():
        missing = int(np.sum(np.round(ratio) - 1))
        diagnoses.append(
            Diagnosis(
                "missing-slice",
                "warning",
                f"{missing} slice{'s are' if missing > 1 else ' is'} missing after slice "
                f"{', '.join(str(int(place) + 1) for place in odd[:5])} of {len(depths)}.",
                "Positions along the series are approximate: read slices one by one; a 3D network needs them all.",
            )
        )
        return
    diagnoses.append(
        Diagnosis(
            "uneven-spacing",
            "warning",
            f"The distance between slices varies from {gaps.min():.2f} to {gaps.max():.2f} mm.",
            "Use a 2D network, or resample the volume first.",
        )
    )
