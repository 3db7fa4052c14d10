"""The pictures inside one DICOM file: where each lies, how it is weighted, rescaled and windowed.

An enhanced multi-frame object says this per frame or once for all in its functional groups, a classic one in its
data set.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from viewer.imaging.diagnoses import Diagnosis
from viewer.imaging.dicom_diffusion import diffusion_of
from viewer.imaging.dicom_values import first_item, number, numbers, value_of
from viewer.imaging.image import Window

_MILLIMETRE_TAGS = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")


@dataclass(frozen=True)
class Frame:
    """One picture inside a DICOM file.

    Attributes
    ----------
    path, index : the file, and the place in its pixel data.
    position : LPS mm of the first voxel's centre; None when the file does not say.
    orientation : direction cosines of a row (along columns), then of a column (along rows).
    spacing : (row, column) mm; None when unknown.
    thickness : distance to the next slice as stated, mm; a fallback only.
    b_value, gradient, trace : diffusion weighting s/mm2, direction, whether an isotropic trace.
    kind : image type values, upper case.
    echo : echo time or number, None when unknown.
    slope, intercept : rescale of this frame.
    windows : windows recommended for this frame.
    order : sorts frames at one position in time.
    """

    path: Path
    index: int
    position: tuple[float, ...] | None
    orientation: tuple[float, ...] | None
    spacing: tuple[float, float] | None
    thickness: float | None
    b_value: float | None
    gradient: tuple[float, ...] | None
    trace: bool
    kind: tuple[str, ...]
    echo: float | None
    slope: float
    intercept: float
    windows: tuple[Window, ...]
    order: tuple[float, ...]


def frames_of(path: Path, dataset: Dataset, count: int, diagnoses: list[Diagnosis]) -> Iterator[Frame]:
    shared = first_item(dataset, "SharedFunctionalGroupsSequence")
    per_frame = value_of(dataset, "PerFrameFunctionalGroupsSequence") or ()
    bad_rescale = False
    for index in range(count):
        own = per_frame[index] if index < len(per_frame) else None
        groups = (own, shared)

        def macro(sequence: str, keyword: str, groups: tuple[Dataset | None, ...] = groups) -> Any:
            for group in groups:
                value = value_of(first_item(group, sequence), keyword)
                if value is not None:
                    return value
            return value_of(dataset, keyword)

        slope, intercept, bad = _rescale(macro)
        bad_rescale |= bad
        diffusion = diffusion_of(dataset, groups)
        yield Frame(
            path=path,
            index=index,
            position=numbers(macro("PlanePositionSequence", "ImagePositionPatient"), 3),
            orientation=_orientation(macro("PlaneOrientationSequence", "ImageOrientationPatient")),
            spacing=_spacing(macro),
            thickness=number(macro("PixelMeasuresSequence", "SpacingBetweenSlices"))
            or number(macro("PixelMeasuresSequence", "SliceThickness")),
            b_value=diffusion.b_value,
            gradient=diffusion.gradient,
            trace=diffusion.trace,
            kind=_kind(macro("MRImageFrameTypeSequence", "FrameType") or value_of(dataset, "ImageType")),
            echo=number(macro("MREchoSequence", "EffectiveEchoTime"))
            or number(value_of(dataset, "EchoTime")),
            slope=slope,
            intercept=intercept,
            windows=_windows(macro),
            order=(
                number(macro("FrameContentSequence", "TemporalPositionIndex"))
                or number(value_of(dataset, "TemporalPositionIdentifier"))
                or 0.0,
                number(value_of(dataset, "AcquisitionNumber")) or 0.0,
                number(value_of(dataset, "AcquisitionTime")) or 0.0,
                number(value_of(dataset, "InstanceNumber")) or 0.0,
                float(index),
            ),
        )
    if bad_rescale:
        diagnoses.append(
            Diagnosis(
                "bad-rescale",
                "warning",
                "The file's rescale slope is zero or not a number; the values are shown as they are stored.",
            )
        )


def _rescale(macro: Any) -> tuple[float, float, bool]:
    slope = macro("PixelValueTransformationSequence", "RescaleSlope")
    intercept = macro("PixelValueTransformationSequence", "RescaleIntercept")
    if slope is None and intercept is None:
        return 1.0, 0.0, False
    good_slope = 1.0 if slope is None else number(slope)
    good_intercept = 0.0 if intercept is None else number(intercept)
    if not good_slope or good_intercept is None:
        return 1.0, 0.0, True
    return good_slope, good_intercept, False


def _orientation(value: Any) -> tuple[float, ...] | None:
    six = numbers(value, 6)
    if six is None:
        return None
    row, column = six[:3], six[3:]
    lengths = math.hypot(*row), math.hypot(*column)
    along = abs(sum(a * b for a, b in zip(row, column, strict=True)))
    return six if min(lengths) > 0.9 and max(lengths) < 1.1 and along < 0.05 else None


def _spacing(macro: Any) -> tuple[float, float] | None:
    for keyword in _MILLIMETRE_TAGS:
        pair = numbers(macro("PixelMeasuresSequence", keyword), 2)
        if pair is not None and min(pair) > 0:
            return pair[0], pair[1]
    return None


def _kind(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value.upper(),) if isinstance(value, str) else tuple(str(item).upper() for item in value)


def _windows(macro: Any) -> tuple[Window, ...]:
    def several(value: Any) -> list[Any]:
        return (
            []
            if value is None
            else list(value)
            if isinstance(value, (list, tuple)) or _multiple(value)
            else [value]
        )

    centres = several(macro("FrameVOILUTSequence", "WindowCenter"))
    widths = several(macro("FrameVOILUTSequence", "WindowWidth"))
    names = several(macro("FrameVOILUTSequence", "WindowCenterWidthExplanation"))
    found: list[Window] = []
    for place, pair in enumerate(zip(centres, widths, strict=False)):
        centre, width = number(pair[0]), number(pair[1])
        if centre is not None and width is not None and width >= 1:
            words = str(names[place]).strip().lower() if place < len(names) else ""
            window = Window(centre, width, words or "as stored in the file")
            if all((window.centre, window.width) != (other.centre, other.width) for other in found):
                found.append(window)
    return tuple(found)


def _multiple(value: Any) -> bool:
    return isinstance(value, MultiValue)
