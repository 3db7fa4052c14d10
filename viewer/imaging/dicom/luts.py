"""Tables inside a DICOM file: from stored entries to colours, and from stored values to those of the modality."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut

_BYTE = 255
_FROM_PARTIAL = np.array(
    [[1.1644, 0.0, 1.596], [1.1644, -0.3917, -0.8129], [1.1644, 2.0173, 0.0]], dtype=np.float32
)
"""ITU-R BT.601: from luma 16..235 and chroma 16..240 to red, green, blue 0..255."""


class StoredTables:
    """The tables of one file, made once and looked up for each of its frames.

    Parameters
    ----------
    dataset : the file's header.
    palette : whether stored values are entries of the colour table.
    """

    def __init__(self, dataset: Dataset, palette: bool) -> None:
        self._dataset = dataset
        self._colours = _palette(dataset) if palette else None
        sequence = dataset.get("ModalityLUTSequence")
        self._modality = bool(sequence) and self._colours is None

    def apply(self, frame: NDArray[Any]) -> NDArray[Any]:
        """A frame of stored values (row, column) as colours (row, column, channel) uint8, or as modality values."""
        if self._colours is not None:
            places = np.clip(frame.astype(np.int64, copy=False), 0, len(self._colours) - 1)
            return np.ascontiguousarray(self._colours[places])
        if self._modality and frame.ndim == 2:
            return np.asarray(apply_modality_lut(frame, self._dataset))
        return frame


def _palette(dataset: Dataset) -> NDArray[np.uint8]:
    """(entry, 3) colours for every stored value; 16-bit colours lose their lower byte, which no screen shows."""
    bits = min(int(dataset.get("BitsStored") or dataset.BitsAllocated), 16)
    entries = np.arange(1 << bits, dtype=np.uint8 if bits <= 8 else np.uint16)
    colours = np.asarray(apply_color_lut(entries[None], dataset))[0, :, :3]
    if colours.dtype == np.uint16 and colours.max() > _BYTE:
        colours = colours >> 8
    return colours.astype(np.uint8)


def from_partial_range(frame: NDArray[Any]) -> NDArray[np.uint8]:
    """YBR_PARTIAL_422 and YBR_PARTIAL_420 (row, column, 3) uint8 as RGB."""
    shifted = frame.astype(np.float32) - np.array([16, 128, 128], dtype=np.float32)
    return np.asarray(np.clip(np.rint(shifted @ _FROM_PARTIAL.T), 0, 255), dtype=np.uint8)
