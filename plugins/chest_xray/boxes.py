"""The box around a part of a film."""

import numpy as np

from viewer.api import PixelBox


def box_of(mask: np.ndarray) -> PixelBox | None:
    """Return the smallest box around a mask; None where it has no pixel."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    return PixelBox(float(rows[0]), float(columns[0]), float(rows[-1] + 1), float(columns[-1] + 1))
