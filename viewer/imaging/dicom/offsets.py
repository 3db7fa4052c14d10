"""Positions of frames that a multi-frame object states as one position and a rule: dose grids and nuclear medicine."""

from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset

from viewer.imaging.dicom.values import first_item, number, number_of, numbers, several, value_of

Positions = tuple[tuple[float, ...] | None, ...]


def offset_positions(dataset: Dataset, count: int) -> tuple[Positions | None, tuple[float, ...] | None]:
    """Positions (LPS mm) of frames and, where stated apart, their orientation; None where there is no rule."""
    offsets = [number(value) for value in several(value_of(dataset, "GridFrameOffsetVector"))]
    if len(offsets) == count and None not in offsets:
        known = [value for value in offsets if value is not None]
        six = numbers(value_of(dataset, "ImageOrientationPatient"), 6)
        return _along(value_of(dataset, "ImagePositionPatient"), six, _relative(known, six)), None
    detector = first_item(dataset, "DetectorInformationSequence")
    if _reconstructed(dataset) and detector is not None:
        six = numbers(value_of(detector, "ImageOrientationPatient"), 6)
        step = number_of(dataset, "SpacingBetweenSlices") or number_of(dataset, "SliceThickness")
        slices = [number(value) for value in several(value_of(dataset, "SliceVector"))]
        if len(slices) != count or None in slices:
            slices = [float(place + 1) for place in range(count)]
        if six is not None and step:
            relative = [((value or 1.0) - 1) * step for value in slices]
            return _along(value_of(detector, "ImagePositionPatient"), six, relative), six
    return None, None


def _reconstructed(dataset: Dataset) -> bool:
    """Whether the frames of a nuclear medicine object are slices rather than projections or a sequence in time."""
    return "RECON TOMO" in {str(value).upper() for value in several(value_of(dataset, "ImageType"))}


def _relative(offsets: list[float], six: tuple[float, ...] | None) -> list[float]:
    """Offsets along the normal from the first plane; those that do not begin at 0 are coordinates along z."""
    if offsets[0] == 0 or six is None:
        return offsets
    sign = 1.0 if np.cross(six[:3], six[3:])[2] >= 0 else -1.0
    return [sign * (value - offsets[0]) for value in offsets]


def _along(origin: object, six: tuple[float, ...] | None, offsets: list[float]) -> Positions | None:
    start = numbers(origin, 3)
    if start is None or six is None:
        return None
    normal = np.cross(six[:3], six[3:])
    length = float(np.linalg.norm(normal))
    if length < 0.5:
        return None
    return tuple(
        tuple(float(part) for part in np.array(start) + normal / length * value) for value in offsets
    )
