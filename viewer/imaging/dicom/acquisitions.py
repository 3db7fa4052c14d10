"""Acquisitions that would make one uneven stack: several even ones, shifted against each other along their normal."""

from __future__ import annotations

import itertools
from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from viewer.imaging.dicom.frames import Frame
from viewer.imaging.dicom.spacing import SAME_PLACE, normal_of
from viewer.imaging.dicom.volumes import Volume, volumes_of
from viewer.imaging.image import VolumeInfo
from viewer.imaging.unevenness import odd_gaps


def parted(
    frames: list[Frame], levels: dict[int, int], segments: dict[int, str]
) -> tuple[tuple[Volume, ...], int]:
    """As `volumes_of`, after frames of acquisitions that are shifted against each other were told apart."""
    by_acquisition = _acquisitions(frames)
    if by_acquisition is None:
        return volumes_of(frames, levels, segments)
    volumes: list[Volume] = []
    for number, part in by_acquisition:
        [whole], _ = volumes_of(part, levels, {})
        info = VolumeInfo(f"acquisition {number:.0f}", len(part), whole.b_value)
        volumes.append(Volume(whole.frames, info))
    return tuple(volumes), 0


def _acquisitions(frames: list[Frame]) -> list[tuple[float, list[Frame]]] | None:
    """Frames by acquisition where several even stacks, shifted against each other, would make one uneven stack."""
    parts: dict[float | None, list[Frame]] = defaultdict(list)
    for frame in frames:
        parts[frame.moment.acquisition].append(frame)
    if not 1 < len(parts) < len(frames) / 2 or None in parts:
        return None
    normal = normal_of(frames[0])

    def depths(part: list[Frame]) -> NDArray[np.float64]:
        return np.sort([float(np.dot(normal, frame.position)) for frame in part])  # type: ignore[arg-type]

    together = depths(frames)
    if float(np.diff(together).min()) <= SAME_PLACE:
        return None  # shared places tell them apart already
    apart = [depths(part) for part in parts.values()]
    if not len(odd_gaps(together)) or any(len(part) < 3 or len(odd_gaps(part)) for part in apart):
        return None
    ordered = sorted(apart, key=lambda part: float(part[0]))
    overlap = any(low[-1] > high[0] for low, high in itertools.pairwise(ordered))
    if not overlap:
        return None
    return sorted((number, part) for number, part in parts.items() if number is not None)
