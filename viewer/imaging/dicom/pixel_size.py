"""How large the pixels of a DICOM picture are, and where that size holds.

A slice states its pixels in the patient. A film states them at its detector, where everything is larger than in the
patient, unless it was calibrated; an ultrasound picture states them per region, in centimetres.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from pydicom.dataset import Dataset

from viewer.imaging.diagnoses import Diagnosis
from viewer.imaging.dicom.values import number_of, numbers, several, text_of, value_of

_PROJECTIONS = ("CR", "DX", "MG", "RG", "PX", "IO", "XA", "RF")
_CENTIMETRES = 3
_SECTIONAL = 1
_LEAST, _MOST = 1e-5, 1e4
"""Sizes of pixels that are believed, mm: from a microscope's to far more than a patient."""


@dataclass(frozen=True)
class PixelSize:
    """Size of a pixel.

    Attributes
    ----------
    spacing : (row, column) mm; None when unknown.
    place : ``patient``, ``detector`` (not corrected for magnification), or ``estimated`` (corrected by an estimate).
    """

    spacing: tuple[float, float] | None = None
    place: Literal["patient", "detector", "estimated"] = "patient"

    def finding(self) -> Diagnosis | None:
        """What a person who measures should know."""
        if self.place == "detector":
            return Diagnosis(
                "size-at-detector",
                "note",
                "Sizes are those at the detector: in the patient everything is smaller.",
                "Do not take distances on this picture for distances in the patient.",
            )
        if self.place == "estimated":
            return Diagnosis(
                "size-estimated",
                "note",
                "Sizes were corrected by the file's estimate of the magnification.",
                "Take distances on this picture for estimates.",
            )
        return None


def pixel_size(facts: Callable[[str, str], Any], dataset: Dataset) -> PixelSize:
    """The size of a frame's pixels.

    Parameters
    ----------
    facts : gives a value by the functional group and keyword it lies under.
    """
    stated = _pair(facts("PixelMeasuresSequence", "PixelSpacing"))
    detector = _pair(value_of(dataset, "ImagerPixelSpacing"))
    if text_of(dataset, "Modality") in _PROJECTIONS:
        return _projected(stated, detector, dataset)
    if stated is None and text_of(dataset, "Modality") == "US":
        stated = _ultrasound(dataset)
    found = stated or detector or _pair(value_of(dataset, "NominalScannedPixelSpacing"))
    return PixelSize(found)


def _projected(
    stated: tuple[float, float] | None, detector: tuple[float, float] | None, dataset: Dataset
) -> PixelSize:
    calibrated = bool(text_of(dataset, "PixelSpacingCalibrationType"))
    if stated is not None and (calibrated or (detector is not None and stated != detector)):
        return PixelSize(stated)
    found = detector or stated or _pair(value_of(dataset, "NominalScannedPixelSpacing"))
    if found is None:
        return PixelSize()
    magnified = number_of(dataset, "EstimatedRadiographicMagnificationFactor")
    if magnified is not None and 1 < magnified < 10:
        return PixelSize((found[0] / magnified, found[1] / magnified), "estimated")
    return PixelSize(found, "detector")


def _ultrasound(dataset: Dataset) -> tuple[float, float] | None:
    """The size that all sectional regions agree on."""
    found = set()
    for region in several(value_of(dataset, "SequenceOfUltrasoundRegions")):
        if not isinstance(region, Dataset) or number_of(region, "RegionSpatialFormat") != _SECTIONAL:
            continue
        units = {number_of(region, f"PhysicalUnits{axis}Direction") for axis in "XY"}
        across, down = number_of(region, "PhysicalDeltaX"), number_of(region, "PhysicalDeltaY")
        if units != {_CENTIMETRES} or not across or not down:
            return None
        found.add((abs(down) * 10, abs(across) * 10))
    return found.pop() if len(found) == 1 else None


def _pair(value: Any) -> tuple[float, float] | None:
    pair = numbers(value, 2)
    return (pair[0], pair[1]) if pair is not None and min(pair) > _LEAST and max(pair) < _MOST else None
