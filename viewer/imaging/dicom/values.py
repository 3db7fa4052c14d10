"""Values of DICOM elements, read so that a broken element is an absent one.

pydicom converts values when they are asked for, and answers a broken one with any of nine kinds of exception.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag, Tag


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
    return None if dataset is None else _value(dataset, _tag(keyword))


@cache
def _tag(keyword: str) -> BaseTag:
    return Tag(keyword)


@cache
def _private_tag(group: int, element: int) -> BaseTag:
    return Tag(group, element)


def _value(dataset: Dataset, tag: BaseTag) -> Any:
    """By tag: asking pydicom for a keyword that is not there is slow, and a header is asked two hundred times."""
    try:
        value = dataset[tag].value if tag in dataset.keys() else None  # noqa: SIM118 the keys know at once
    except Exception:  # noqa: BLE001 a broken element is an absent one
        return None
    return None if value is None or value == "" else value


def text_of(dataset: Dataset | None, keyword: str) -> str:
    """Printable words; several values are joined by a space, and the word None is none."""
    value = value_of(dataset, keyword)
    words = " ".join(str(item) for item in several(value))
    words = "".join(c for c in words.strip() if c.isprintable())
    return "" if words.lower() == "none" else words


def several(value: Any) -> list[Any]:
    """The values of an element that may hold none, one or several."""
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple, MultiValue, Sequence)) else [value]


def private(dataset: Dataset | None, group: int, creator: str, element: int) -> Any:
    """The value of a vendor's element, wherever its block lies; None when absent or broken.

    Parameters
    ----------
    creator : the beginning of the private creator's name; vendors append version numbers.
    element : the last two digits of the tag, e.g. 0x0C of (0019,100C).
    """
    if dataset is None:
        return None
    there = dataset.keys()
    for block in range(0x10, 0x20):
        if _private_tag(group, block) not in there:
            continue
        owner = _value(dataset, _private_tag(group, block))
        if owner is not None and str(owner).strip().startswith(creator):
            found = _value(dataset, _private_tag(group, (block << 8) | element))
            if found is not None:
                return found
    return None


def first_item(dataset: Dataset | None, keyword: str) -> Dataset | None:
    """First item of a sequence, None when there is none."""
    sequence = value_of(dataset, keyword)
    try:
        return sequence[0] if sequence else None
    except (TypeError, IndexError, KeyError):
        return None


def whole(dataset: Dataset | None, keyword: str) -> int | None:
    value = number(value_of(dataset, keyword))
    return None if value is None else int(value)


def number_of(dataset: Dataset | None, keyword: str) -> float | None:
    return number(value_of(dataset, keyword))
