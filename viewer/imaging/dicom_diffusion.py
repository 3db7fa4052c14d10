"""Diffusion weighting of a DICOM frame: the standard's elements first, then what vendors write instead."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from pydicom.dataset import Dataset

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
        item = _first(group, "MRDiffusionSequence") if group is not dataset else dataset
        b_value = _number(_get(item, "DiffusionBValue"))
        if b_value is None:
            continue
        direction = _first(item, "DiffusionGradientDirectionSequence")
        gradient = _three(_get(direction if direction is not None else item, "DiffusionGradientOrientation"))
        trace = _get(item, "DiffusionDirectionality") == "ISOTROPIC" or _says_trace(dataset)
        return Diffusion(b_value, gradient, bool(trace))
    return _from_vendor(dataset)


def _from_vendor(dataset: Dataset) -> Diffusion:
    for group, creator, element in _VENDOR_B:
        try:
            b_value = _number(dataset.private_block(group, creator)[element].value)
        except Exception:  # absent, or broken in any of the ways private elements are
            continue
        if b_value is not None:
            gradient = None
            if group == 0x0019:
                try:
                    gradient = _three(dataset.private_block(group, creator)[0x0E].value)
                except Exception:  # b = 0 and traces carry no direction
                    gradient = None
            return Diffusion(b_value, gradient, _says_trace(dataset))
    try:
        b_value = _number(dataset.private_block(0x0043, "GEMS_PARM_01")[0x39].value[0])
    except Exception:  # not a GE diffusion file
        b_value = None
    if b_value is not None and _get(dataset, "Modality") == "MR" and _ge_diffusion(dataset):
        return Diffusion(b_value % _GE_OFFSET, None, _says_trace(dataset))
    match = _SIEMENS_NAME.search(str(_get(dataset, "SequenceName") or ""))
    if match:
        return Diffusion(float(match.group(1)), None, bool(match.group(2)) or _says_trace(dataset))
    return Diffusion()


def _ge_diffusion(dataset: Dataset) -> bool:
    """GE writes the element into every echo-planar file; only names tell a diffusion scan."""
    words = " ".join(
        str(_get(dataset, keyword) or "") for keyword in ("SeriesDescription", "ProtocolName")
    ).lower()
    return any(word in words for word in ("dwi", "dti", "diff", "trace", "adc"))


def _says_trace(dataset: Dataset) -> bool:
    kind = _get(dataset, "ImageType")
    values = [str(value).upper() for value in kind] if kind is not None and not isinstance(kind, str) else []
    return "TRACEW" in values or "TRACE" in values


def _first(dataset: Dataset | None, keyword: str) -> Dataset | None:
    sequence = _get(dataset, keyword)
    try:
        return sequence[0] if sequence else None
    except (TypeError, IndexError, KeyError):
        return None


def _get(dataset: Dataset | None, keyword: str) -> Any:
    try:
        return None if dataset is None else dataset.get(keyword)
    except Exception:  # a broken element is an absent one
        return None


def _number(value: Any) -> float | None:
    if isinstance(value, (bytes, bytearray)):
        return None
    try:
        result = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return result if math.isfinite(result) and result >= 0 else None


def _three(value: Any) -> tuple[float, ...] | None:
    try:
        result = tuple(float(item) for item in value)
    except (TypeError, ValueError):
        return None
    return result if len(result) == 3 and all(map(math.isfinite, result)) and any(result) else None
