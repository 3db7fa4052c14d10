"""The pictures inside one DICOM file: where each lies, how it is weighted, rescaled and windowed.

An enhanced multi-frame object says this per frame or once for all in its functional groups, a classic one in its
data set, a mosaic nowhere: its slices are tiles of one picture.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset

from viewer.imaging.diagnoses import Diagnosis
from viewer.imaging.dicom.diffusion import Diffusion, diffusion_of
from viewer.imaging.dicom.display import padding_of, windows_of
from viewer.imaging.dicom.mosaic import Mosaic, Tile
from viewer.imaging.dicom.offsets import offset_positions
from viewer.imaging.dicom.pixel_size import PixelSize, pixel_size
from viewer.imaging.dicom.values import first_item, number, number_of, numbers, private, several, value_of
from viewer.imaging.image import Window

_FARTHEST = 1e6
"""Positions beyond this are not believed, mm."""
_LABELLED = ("CONTROL", "LABEL", "M_ZERO_SCAN")
"""Of blood, in arterial spin labelling."""
_GE_COMPONENTS = {1: "PHASE", 2: "REAL", 3: "IMAGINARY"}


@dataclass(frozen=True)
class Moment:
    """When a frame was taken, as far as it says: each None when unknown.

    Attributes
    ----------
    temporal : temporal position.
    acquisition : number of the acquisition.
    trigger : delay after a trigger or in the cardiac cycle, ms or percent.
    time : acquisition time, then content time, hhmmss.
    instance : instance number.
    """

    temporal: float | None = None
    acquisition: float | None = None
    trigger: float | None = None
    time: float | None = None
    content: float | None = None
    instance: float | None = None

    @property
    def order(self) -> tuple[float, ...]:
        """Sorts frames at one position."""
        parts = (self.temporal, self.acquisition, self.trigger, self.time, self.content, self.instance)
        return tuple(0.0 if part is None else part for part in parts)


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture inside a DICOM file.

    Attributes
    ----------
    path, index : the file, and the place in its pixel data.
    tile : the part of the stored picture that is this slice; None for all of it.
    position : LPS mm of the first voxel's centre; None when the file does not say.
    orientation : direction cosines of a row (along columns), then of a column (along rows).
    size : how large its pixels are, and what that is worth.
    thickness : distance to the next slice as stated, mm; a fallback only.
    diffusion : how it is weighted.
    kind : image type values, upper case.
    echo, echo_number : echo time in ms and its number, None when unknown.
    inversion : inversion time in ms.
    segment : number of the segment that this frame of a segmentation shows.
    slope, intercept : rescale of this frame.
    windows : windows recommended for this frame.
    moment : when it was taken.
    turn : numbers of the b-value and of the direction that tell repetitions apart; None without them.
    padding : lowest and highest value, rescaled, of pixels that only fill the picture up; None where there are none.
    """

    path: Path
    index: int
    tile: Tile | None
    position: tuple[float, ...] | None
    orientation: tuple[float, ...] | None
    size: PixelSize
    thickness: float | None
    diffusion: Diffusion
    kind: tuple[str, ...]
    echo: float | None
    echo_number: float | None
    inversion: float | None
    segment: int | None
    slope: float
    intercept: float
    windows: tuple[Window, ...]
    moment: Moment
    padding: tuple[float, float] | None = None
    turn: tuple[float | None, ...] | None = None

    @property
    def order(self) -> tuple[object, ...]:
        """Sorts frames at one position in time."""
        return (*self.moment.order, str(self.path), self.index, 0 if self.tile is None else self.tile.row)

    @property
    def placed(self) -> bool:
        """Whether it says where it lies, in a world of believable size."""
        if self.position is None or self.orientation is None:
            return False
        return max(abs(part) for part in self.position) < _FARTHEST


class _Facts:
    """Values of one frame: from its own functional groups, the shared ones, or the data set."""

    def __init__(self, dataset: Dataset, own: Dataset | None, shared: Dataset | None) -> None:
        self.dataset = dataset
        self.groups = (own, shared)

    def __call__(self, sequence: str, keyword: str) -> Any:
        for group in self.groups:
            value = value_of(first_item(group, sequence), keyword)
            if value is not None:
                return value
        return value_of(self.dataset, keyword)


def frames_of(
    path: Path, dataset: Dataset, count: int, mosaic: Mosaic | None, diagnoses: list[Diagnosis]
) -> Iterator[Frame]:
    """The frames of a file in the order of its pixel data; what is odd about them goes to `diagnoses`.

    Parameters
    ----------
    count : number of frames.
    mosaic : the slices in its picture, for a file that is one.
    """
    shared = first_item(dataset, "SharedFunctionalGroupsSequence")
    per_frame = value_of(dataset, "PerFrameFunctionalGroupsSequence") or ()
    if mosaic is None and count > 1 and not len(per_frame):
        positions, orientation = offset_positions(dataset, count)
    else:
        positions, orientation = None, None
    fallback = diffusion_of(dataset) if count > 1 else None
    whole = PixelSize() if count == 1 else pixel_size(_Facts(dataset, None, shared), dataset)
    turn = _turn(dataset)
    bad_rescale = False
    for index in range(count):
        own = per_frame[index] if index < len(per_frame) else None
        facts = _Facts(dataset, own, shared)
        slope, intercept, bad = _rescale(facts)
        bad_rescale |= bad
        size = pixel_size(facts, dataset) if own is not None or count == 1 else whole
        stated = numbers(facts("PlanePositionSequence", "ImagePositionPatient"), 3)
        tiles = ((None, stated),) if mosaic is None else zip(mosaic.tiles, mosaic.positions, strict=True)
        for tile, position in tiles:
            yield Frame(
                path=path,
                index=index,
                tile=tile,
                position=position if positions is None else positions[index],
                orientation=_orientation(facts("PlaneOrientationSequence", "ImageOrientationPatient"))
                if orientation is None
                else _orientation(orientation),
                size=size,
                thickness=number(facts("PixelMeasuresSequence", "SpacingBetweenSlices"))
                or number(facts("PixelMeasuresSequence", "SliceThickness")),
                diffusion=diffusion_of(dataset, facts.groups, fallback),
                kind=_kind(facts),
                echo=number(facts("MREchoSequence", "EffectiveEchoTime")) or number_of(dataset, "EchoTime"),
                echo_number=number_of(dataset, "EchoNumbers"),
                inversion=_inversion(facts),
                segment=_segment(own),
                slope=slope,
                intercept=intercept,
                windows=windows_of(facts, intercept),
                padding=padding_of(dataset, slope, intercept),
                moment=_moment(facts),
                turn=turn,
            )
    if bad_rescale:
        diagnoses.append(
            Diagnosis(
                "bad-rescale",
                "warning",
                "The file's rescale slope is zero or not a number; the values are shown as they are stored.",
                "Do not trust values in units (such as HU).",
            )
        )


def _rescale(facts: _Facts) -> tuple[float, float, bool]:
    slope = facts("PixelValueTransformationSequence", "RescaleSlope")
    intercept = facts("PixelValueTransformationSequence", "RescaleIntercept")
    if slope is None and intercept is None:
        scaling = value_of(facts.dataset, "DoseGridScaling")
        if scaling is None:
            return 1.0, 0.0, _broken(facts)
        slope = scaling
    good_slope = 1.0 if slope is None else number(slope)
    good_intercept = 0.0 if intercept is None else number(intercept)
    if not good_slope or good_intercept is None or abs(good_slope) > 1e30 or abs(good_intercept) > 1e30:
        return 1.0, 0.0, True
    return good_slope, good_intercept, False


def _broken(facts: _Facts) -> bool:
    """Whether a rescale is there that cannot be read."""
    element = facts.dataset.get_item("RescaleSlope") if "RescaleSlope" in facts.dataset else None
    return element is not None and bool(element.value)


def _orientation(value: Any) -> tuple[float, ...] | None:
    six = numbers(value, 6)
    if six is None:
        return None
    row, column = six[:3], six[3:]
    lengths = math.hypot(*row), math.hypot(*column)
    along = abs(sum(a * b for a, b in zip(row, column, strict=True)))
    return six if min(lengths) > 0.9 and max(lengths) < 1.1 and along < 0.05 else None


def _kind(facts: _Facts) -> tuple[str, ...]:
    values = next(
        (
            found
            for sequence in ("MRImageFrameTypeSequence", "CTImageFrameTypeSequence", "PETFrameTypeSequence")
            if (found := facts(sequence, "FrameType")) is not None
        ),
        value_of(facts.dataset, "ImageType"),
    )
    kind = tuple(str(item).upper() for item in several(values))
    component = facts("MRImageFrameTypeSequence", "ComplexImageComponent")
    code = number(private(facts.dataset, 0x0043, "GEMS_PARM_01", 0x2F))
    if component is not None and str(component).upper() not in ("MAGNITUDE", "MIXED", ""):
        kind += (str(component).upper(),)
    elif code in _GE_COMPONENTS:
        kind += (_GE_COMPONENTS[int(code)],)
    label = facts("MRArterialSpinLabelingSequence", "ASLContext")
    if label is None:
        label = private(facts.dataset, 0x2005, "Philips MR Imaging DD 005", 0x29)
    words = label.strip().upper() if isinstance(label, str) else ""
    return (*kind, words) if words in _LABELLED else kind


def _turn(dataset: Dataset) -> tuple[float | None, ...] | None:
    """Philips numbers its pictures by a rule of its own, but says to which weighting each belongs."""
    found = [private(dataset, 0x2005, "Philips MR Imaging DD 005", element) for element in (0x12, 0x13)]
    return None if None in found else tuple(number(value) for value in found)


def _inversion(facts: _Facts) -> float | None:
    times = several(facts("MRModifierSequence", "InversionTimes"))
    return number(times[0]) if times else number_of(facts.dataset, "InversionTime")


def _segment(own: Dataset | None) -> int | None:
    value = number_of(first_item(own, "SegmentIdentificationSequence"), "ReferencedSegmentNumber")
    return None if value is None else int(value)


def _moment(facts: _Facts) -> Moment:
    dataset = facts.dataset
    cycle = facts("CardiacSynchronizationSequence", "NominalPercentageOfCardiacPhase")
    delay = facts("CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime")
    taken = facts("FrameContentSequence", "FrameAcquisitionDateTime")
    return Moment(
        temporal=_first_number(
            facts("FrameContentSequence", "TemporalPositionIndex"),
            facts("TemporalPositionSequence", "TemporalPositionTimeOffset"),
            value_of(dataset, "TemporalPositionIdentifier"),
        ),
        acquisition=_first_number(
            facts("FrameContentSequence", "FrameAcquisitionNumber"), value_of(dataset, "AcquisitionNumber")
        ),
        trigger=_first_number(cycle, delay, value_of(dataset, "TriggerTime")),
        time=_first_number(
            taken, value_of(dataset, "AcquisitionDateTime"), value_of(dataset, "AcquisitionTime")
        ),
        content=number_of(dataset, "ContentTime"),
        instance=number_of(dataset, "InstanceNumber"),
    )


def _first_number(*values: Any) -> float | None:
    return next((found for value in values if (found := number(value)) is not None), None)
