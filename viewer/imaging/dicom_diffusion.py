"""Diffusion weighting of a DICOM frame: the standard's elements first, then what vendors write instead."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from viewer.imaging.dicom_values import first_item, number, numbers, text_of, value_of

_SIEMENS_NAME = re.compile(r"ep_b(\d{1,5})(t?)")
_VENDOR_B = (
    # (group, private creator, element) of vendors' b-values: Siemens, Philips, United Imaging.
    (0x0019, "SIEMENS MR HEADER", 0x0C),
    (0x2001, "Philips Imaging DD 001", 0x03),
    (0x0065, "Image Private Header", 0x09),
)
_GE_OFFSET = 1_000_000_000


@dataclass(frozen=True)
class Diffusion:
    """b-value in s/mm2 (None when unknown), gradient direction in LPS, and whether an isotropic trace."""

    b_value: float | None = None
    gradient: tuple[float, ...] | None = None
    trace: bool = False


def diffusion_of(dataset: Dataset, groups: tuple[Dataset | None, ...]) -> Diffusion:
    """What is known of a frame; `groups` are its own and the shared functional groups."""
    for group in (*groups, dataset):
        item = first_item(group, "MRDiffusionSequence") if group is not dataset else dataset
        b_value = _weight(value_of(item, "DiffusionBValue"))
        if b_value is None:
            continue
        direction = first_item(item, "DiffusionGradientDirectionSequence")
        gradient = _direction(
            value_of(direction if direction is not None else item, "DiffusionGradientOrientation")
        )
        trace = value_of(item, "DiffusionDirectionality") == "ISOTROPIC" or _says_trace(dataset)
        return Diffusion(b_value, gradient, bool(trace))
    return _from_vendor(dataset)


def _from_vendor(dataset: Dataset) -> Diffusion:
    for group, creator, element in _VENDOR_B:
        b_value = _weight(_private(dataset, group, creator, element))
        if b_value is not None:
            direction = _private(dataset, group, creator, 0x0E) if creator == "SIEMENS MR HEADER" else None
            return Diffusion(b_value, _direction(direction), _says_trace(dataset))
    ge = _private(dataset, 0x0043, "GEMS_PARM_01", 0x39)
    b_value = _weight(ge[0]) if isinstance(ge, (list, tuple, MultiValue)) and len(ge) else None
    if b_value is not None and _ge_diffusion(dataset):
        return Diffusion(b_value % _GE_OFFSET, None, _says_trace(dataset))
    match = _SIEMENS_NAME.search(text_of(dataset, "SequenceName"))
    if match:
        return Diffusion(float(match.group(1)), None, bool(match.group(2)) or _says_trace(dataset))
    return Diffusion()


def _private(dataset: Dataset, group: int, creator: str, element: int) -> Any:
    try:
        return dataset.private_block(group, creator)[element].value
    except Exception:  # noqa: BLE001 absent, or broken in any of the ways private elements are
        return None


def _ge_diffusion(dataset: Dataset) -> bool:
    """GE writes the element into every echo-planar file; only names tell a diffusion scan."""
    if text_of(dataset, "Modality") != "MR":
        return False
    words = " ".join(text_of(dataset, keyword) for keyword in ("SeriesDescription", "ProtocolName")).lower()
    return any(word in words for word in ("dwi", "dti", "diff", "trace", "adc"))


def _says_trace(dataset: Dataset) -> bool:
    kind = value_of(dataset, "ImageType")
    values = [str(value).upper() for value in kind] if kind is not None and not isinstance(kind, str) else []
    return "TRACEW" in values or "TRACE" in values


def _weight(value: Any) -> float | None:
    """A b-value; raw bytes of an element of unknown type are none."""
    result = None if isinstance(value, (bytes, bytearray)) else number(value)
    return result if result is not None and result >= 0 else None


def _direction(value: Any) -> tuple[float, ...] | None:
    three = numbers(value, 3)
    return three if three is not None and any(three) else None
