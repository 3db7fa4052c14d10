"""How a DICOM file wants its values shown: windows, tables of grey levels, values that only fill up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from viewer.imaging.dicom.values import number, number_of, several, text_of, value_of
from viewer.imaging.image import VoiTable, Window

_OWN = "as stored in the file"
_GROUP = "FrameVOILUTSequence"
_MOST_ENTRIES = 1 << 16
_FUNCTIONS: dict[str, Literal["LINEAR", "LINEAR_EXACT", "SIGMOID"]] = {
    "LINEAR": "LINEAR",
    "LINEAR_EXACT": "LINEAR_EXACT",
    "SIGMOID": "SIGMOID",
}


def windows_of(facts: Callable[[str, str], Any], intercept: float = 0.0) -> tuple[Window, ...]:
    """What the file recommends for one frame: windows first, then tables, none twice.

    Parameters
    ----------
    facts : gives a value by the functional group and keyword it lies under.
    intercept : of the rescale; where it is negative, a table may begin below zero.
    """
    centres = several(facts(_GROUP, "WindowCenter"))
    widths = several(facts(_GROUP, "WindowWidth"))
    names = several(facts(_GROUP, "WindowCenterWidthExplanation"))
    function = _FUNCTIONS.get(str(facts(_GROUP, "VOILUTFunction") or "").strip().upper(), "LINEAR")
    found: list[Window] = []
    for place, pair in enumerate(zip(centres, widths, strict=False)):
        centre, width = number(pair[0]), number(pair[1])
        if centre is None or width is None or width <= 0 or (function == "LINEAR" and width < 1):
            continue
        words = str(names[place]).strip().lower() if place < len(names) else ""
        window = Window(centre, width, words or _OWN, function)
        if all((window.centre, window.width) != (other.centre, other.width) for other in found):
            found.append(window)
    tables = [
        table
        for place, item in enumerate(several(facts(_GROUP, "VOILUTSequence")))
        if (table := _table(item, place + 1, intercept)) is not None
    ]
    return (*found, *tables)


def _table(item: Any, place: int, intercept: float) -> VoiTable | None:
    """One item of a VOI LUT sequence; None when it makes no sense."""
    descriptor = [number(value) for value in several(value_of(item, "LUTDescriptor"))]
    if len(descriptor) != 3 or None in descriptor:
        return None
    count, first, bits = (int(value) for value in descriptor if value is not None)
    entries = _entries(value_of(item, "LUTData"), count or _MOST_ENTRIES)
    if entries is None or not 1 <= bits <= 16:
        return None
    if first > 32767 and intercept < 0:
        first -= 65536  # the descriptor is read as unsigned where the stored values are
    words = text_of(item, "LUTExplanation").lower() or f"table {place} of the file"
    return VoiTable.of(first, entries, bits, words)


def _entries(data: Any, count: int) -> NDArray[np.uint16] | None:
    if isinstance(data, (bytes, bytearray)):
        kind = "u1" if len(data) in (count, count + 1) else "<u2"
        data = np.frombuffer(
            bytes(data)[: len(data) // np.dtype(kind).itemsize * np.dtype(kind).itemsize], kind
        )
    try:
        entries = np.asarray(data).astype(np.int64)
    except (TypeError, ValueError):
        return None
    if entries.ndim != 1 or len(entries) < count or count < 2:
        return None
    return (entries[:count] & 0xFFFF).astype(np.uint16)


def padding_of(dataset: Dataset, slope: float, intercept: float) -> tuple[float, float] | None:
    """Lowest and highest padding value after the rescale; None where there is none or a modality table is applied."""
    value = number_of(dataset, "PixelPaddingValue")
    if value is None or value_of(dataset, "ModalityLUTSequence"):
        return None
    limit = number_of(dataset, "PixelPaddingRangeLimit")
    low, high = sorted(end * slope + intercept for end in (value, value if limit is None else limit))
    return low, high
