"""Volumes that do not lie on one grid: acquisitions, or points in time, that are shifted against each other.

Between two of them somebody moved: the table, the patient, or the scanner that followed the patient. Sorted together by
position, slices of one would come between slices of another.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from viewer.imaging.dicom.frames import Frame
from viewer.imaging.dicom.spacing import normal_of, same_place
from viewer.imaging.dicom.volumes import Volume, names_of, volumes_of
from viewer.imaging.image import VolumeInfo
from viewer.imaging.unevenness import odd_gaps

_FEWEST = 3
"""Any two positions make an even stack; three that do are evidence."""
_EVIDENCE: tuple[tuple[str, Callable[[Frame], object | None]], ...] = (
    ("acquisition", lambda frame: frame.moment.acquisition),
    ("time", lambda frame: frame.moment.temporal),
    ("time", lambda frame: str(frame.path)),
    ("time", lambda frame: frame.moment.time),
)
"""What the frames of one volume share, best first: a mosaic or a multi-frame object is a file to a volume."""


def parted(
    frames: list[Frame], levels: dict[int, int], segments: dict[int, str]
) -> tuple[tuple[Volume, ...], int]:
    """As `volumes_of`; where its volumes are uneven or lie over each other, even ones that something tells apart."""
    volumes, doubled = volumes_of(frames, levels, segments)
    if not doubled and not any(len(odd_gaps(_depths(volume.frames))) for volume in volumes):
        return volumes, 0
    for word, fact in _EVIDENCE:
        parts = _even_parts(frames, fact)
        if parts is not None:
            return _named(parts, word, levels, segments), 0
    return volumes, doubled


def _even_parts(frames: list[Frame], fact: Callable[[Frame], object | None]) -> list[list[Frame]] | None:
    """Frames by a fact where that makes several even stacks that reach into each other; in the order of their times."""
    parts: dict[object, list[Frame]] = defaultdict(list)
    for frame in frames:
        parts[fact(frame)].append(frame)
    if len(parts) < 2 or None in parts or any(len(part) < _FEWEST for part in parts.values()):
        return None
    apart = [_depths(part) for part in parts.values()]
    if any(len(odd_gaps(part)) or float(np.diff(part).min()) <= same_place(frames) for part in apart):
        return None
    ordered = sorted(apart, key=lambda part: float(part[0]))
    if not any(low[-1] > high[0] for low, high in itertools.pairwise(ordered)):
        return None
    return sorted(parts.values(), key=lambda part: min(frame.order for frame in part))


def _depths(frames: Sequence[Frame]) -> NDArray[np.float64]:
    """Ascending positions along the normal, mm."""
    normal = normal_of(frames[0])
    return np.sort(np.asarray([frame.position for frame in frames], dtype=np.float64) @ normal)


def _named(
    parts: list[list[Frame]], word: str, levels: dict[int, int], segments: dict[int, str]
) -> tuple[Volume, ...]:
    names = names_of([part[0] for part in parts], segments)
    volumes = []
    for number, (part, name) in enumerate(zip(parts, names, strict=True), start=1):
        [whole], _ = volumes_of(part, levels, {})
        label = name or f"{word} {number}"
        volumes.append(Volume(whole.frames, VolumeInfo(label, len(part), whole.b_value, whole.trace)))
    return tuple(volumes)
