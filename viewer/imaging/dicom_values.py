"""Values of DICOM elements, read so that a broken element is an absent one.

pydicom converts values when they are asked for, and answers a broken one with any of nine kinds of exception.
"""

from __future__ import annotations

import math
from typing import Any

from pydicom.dataset import Dataset


def number(value: Any) -> float | None:
    """A finite number, or None for whatever else a file may hold."""
    try:
        result = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return result if math.isfinite(result) else None


def numbers(value: Any, count: int) -> tuple[float, ...] | None:
    """Exactly `count` finite numbers, or None."""
    try:
        result = tuple(number(item) for item in value)
    except TypeError:
        return None
    if len(result) != count or any(item is None for item in result):
        return None
    return tuple(item for item in result if item is not None)


def value_of(dataset: Dataset | None, keyword: str) -> Any:
    """A value, None when the element is absent, empty or not decodable."""
    if dataset is None:
        return None
    try:
        value = dataset.get(keyword)
    except Exception:  # noqa: BLE001 a broken element is an absent one
        return None
    return None if value is None or value == "" else value


def text_of(dataset: Dataset, keyword: str) -> str:
    value = value_of(dataset, keyword)
    return "" if value is None else "".join(c for c in str(value).strip() if c.isprintable())


def first_item(dataset: Dataset | None, keyword: str) -> Dataset | None:
    """First item of a sequence, None when there is none."""
    sequence = value_of(dataset, keyword)
    try:
        return sequence[0] if sequence else None
    except (TypeError, IndexError, KeyError):
        return None


def whole(dataset: Dataset, keyword: str) -> int | None:
    value = number(value_of(dataset, keyword))
    return None if value is None else int(value)
