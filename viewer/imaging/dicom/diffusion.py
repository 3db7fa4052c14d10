"""Diffusion weighting of a DICOM frame: the standard's elements first, then what vendors write instead."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pydicom.dataset import Dataset

from viewer.imaging.dicom.csa import csa_numbers, csa_text
from viewer.imaging.dicom.values import first_item, number, numbers, private, several, text_of, value_of

_SIEMENS_NAME = re.compile(r"(?:^|[^a-z])ep_b(\d{1,5})(t?)")
_CANON_COMMENT = re.compile(
    r"b\s*=\s*(\d+(?:\.\d+)?)(?:\s*\(\s*([-+.\d]+)\s*,\s*([-+.\d]+)\s*,\s*([-+.\d]+)\s*\))?"
)
_TRACE_NAME = re.compile(r"(?<![a-z])tracew?(?![a-z])")
_GE_NAMES = ("dwi", "dti", "diff", "trace", "adc", "flair_b", "tensor")
_GE_OFFSET = 1_000_000_000
"""GE adds this to the b-values of scans with several weightings."""
_HIGHEST = 100_000.0


@dataclass(frozen=True)
class Diffusion:
    """Diffusion weighting of one frame.

    Attributes
    ----------
    b_value : s/mm2; None when unknown.
    gradient : direction as the vendor writes it (patient's axes or the image's); tells images of one b-value apart.
    trace : whether the image has no direction of its own, because it is the mean of several.
    """

    b_value: float | None = None
    gradient: tuple[float, ...] | None = None
    trace: bool = False


def diffusion_of(
    dataset: Dataset,
    groups: tuple[Dataset | None, ...] = (),
    fallback: Diffusion | None = None,
) -> Diffusion:
    """What is known of a frame.

    Parameters
    ----------
    groups : the functional groups of the frame: its own and the shared ones.
    fallback : what the data set says as a whole, so that a file of many frames is asked once.
    """
    whole = fallback is None
    says_trace = _says_trace(dataset, groups)
    for group in (*groups, dataset) if whole else groups:
        item = first_item(group, "MRDiffusionSequence") if group is not dataset else dataset
        b_value = _weight(value_of(item, "DiffusionBValue"))
        if b_value is None:
            continue
        direction = first_item(item, "DiffusionGradientDirectionSequence")
        gradient = numbers(
            value_of(direction if direction is not None else item, "DiffusionGradientOrientation"), 3
        )
        mean = value_of(item, "DiffusionDirectionality") == "ISOTROPIC"
        if gradient is None and group is dataset:
            # Classic files with the standard's b-value often keep the direction where it always was.
            gradient = _vendor(dataset).gradient
        return _finished(b_value, gradient, mean or says_trace)
    if fallback is not None:
        return fallback
    found = _vendor(dataset)
    return _finished(found.b_value, found.gradient, found.trace or says_trace)


def _finished(b_value: float | None, gradient: tuple[float, ...] | None, trace: bool) -> Diffusion:
    if b_value is None:
        return Diffusion()
    if gradient is not None and not any(gradient):
        # A weighted image whose direction is zero on every axis is a mean of directions.
        return Diffusion(b_value, None, b_value > 0)
    weighted = b_value > 0
    return Diffusion(b_value, None if trace or not weighted else gradient, trace and weighted)


def _vendor(dataset: Dataset) -> Diffusion:
    for vendor in (_siemens, _philips, _united_imaging, _ge, _canon):
        found = vendor(dataset)
        if found.b_value is not None or found.gradient is not None:
            return found
    return Diffusion()


def _siemens(dataset: Dataset) -> Diffusion:
    b_value = _weight(private(dataset, 0x0019, "SIEMENS MR HEADER", 0x0C))
    if b_value is not None:
        kind = private(dataset, 0x0019, "SIEMENS MR HEADER", 0x0D)
        direction = numbers(private(dataset, 0x0019, "SIEMENS MR HEADER", 0x0E), 3)
        return Diffusion(b_value, direction, kind == "ISOTROPIC")
    header = private(dataset, 0x0029, "SIEMENS CSA HEADER", 0x10)
    if isinstance(header, bytes) and b"B_value" in header:
        values = csa_numbers(header, "B_value")
        if values and values[0] >= 0:
            direction = csa_numbers(header, "DiffusionGradientDirection")
            return Diffusion(
                values[0],
                direction if len(direction) == 3 else None,
                csa_text(header, "DiffusionDirectionality") == "ISOTROPIC",
            )
    match = _SIEMENS_NAME.search(text_of(dataset, "SequenceName"))
    return Diffusion(float(match.group(1)), None, bool(match.group(2))) if match else Diffusion()


def _philips(dataset: Dataset) -> Diffusion:
    b_value = _weight(private(dataset, 0x2001, "Philips Imaging DD 001", 0x03))
    if b_value is None:
        return Diffusion()
    parts = [private(dataset, 0x2005, "Philips MR Imaging DD 001", element) for element in (0xB0, 0xB1, 0xB2)]
    # The letters are P, R, S for the axes, O for oblique ones, I for the isotropic mean.
    mean = private(dataset, 0x2001, "Philips Imaging DD 001", 0x04) == "I"
    return Diffusion(b_value, numbers(parts, 3), mean)


def _united_imaging(dataset: Dataset) -> Diffusion:
    b_value = _weight(private(dataset, 0x0065, "Image Private Header", 0x09))
    if b_value is None:
        return Diffusion()
    return Diffusion(b_value, numbers(private(dataset, 0x0065, "Image Private Header", 0x37), 3))


def _ge(dataset: Dataset) -> Diffusion:
    values = several(private(dataset, 0x0043, "GEMS_PARM_01", 0x39))
    b_value = _weight(values[0]) if values and not isinstance(values[0], bytes) else None
    if b_value is None:
        return Diffusion()
    if b_value >= _GE_OFFSET:
        b_value %= _GE_OFFSET
    elif not _ge_diffusion(dataset):
        return Diffusion()
    if b_value > _HIGHEST:
        return Diffusion()
    parts = [private(dataset, 0x0019, "GEMS_ACQU_01", element) for element in (0xBB, 0xBC, 0xBD)]
    return Diffusion(b_value, numbers(parts, 3))


def _ge_diffusion(dataset: Dataset) -> bool:
    """GE writes the element into every echo-planar file; only names tell a diffusion scan."""
    if text_of(dataset, "Modality") != "MR":
        return False
    keywords = ("SeriesDescription", "ProtocolName", "PulseSequenceName")
    words = " ".join(text_of(dataset, keyword) for keyword in keywords).lower()
    words += str(private(dataset, 0x0019, "GEMS_ACQU_01", 0x9C) or "").lower()
    return any(word in words for word in _GE_NAMES)


def _canon(dataset: Dataset) -> Diffusion:
    maker = text_of(dataset, "Manufacturer").upper()
    if "CANON" not in maker and "TOSHIBA" not in maker:
        return Diffusion()
    match = _CANON_COMMENT.search(text_of(dataset, "ImageComments"))
    if match is None:
        return Diffusion()
    b_value, *direction = match.groups()
    return Diffusion(float(b_value), numbers(direction, 3) if all(direction) else None)


def _says_trace(dataset: Dataset, groups: tuple[Dataset | None, ...]) -> bool:
    values = {str(value).upper() for value in several(value_of(dataset, "ImageType"))}
    for group in groups:
        frame_type = value_of(first_item(group, "MRImageFrameTypeSequence"), "FrameType")
        values |= {str(value).upper() for value in several(frame_type)}
    if values & {"TRACEW", "TRACE", "ISOTROPIC"}:
        return True
    return "DERIVED" in values and bool(_TRACE_NAME.search(text_of(dataset, "SeriesDescription").lower()))


def _weight(value: Any) -> float | None:
    """A b-value; raw bytes of an element of unknown type are none."""
    result = None if isinstance(value, (bytes, bytearray)) else number(value)
    return result if result is not None and result >= 0 else None
