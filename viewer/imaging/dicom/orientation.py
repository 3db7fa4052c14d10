"""Directions of a film: letters that say where its rows and columns point in the patient, without a position."""

from __future__ import annotations

from typing import Any

import numpy as np

from viewer.imaging.dicom.values import several

_LETTERS = {
    "L": (1, 0, 0),
    "R": (-1, 0, 0),
    "P": (0, 1, 0),
    "A": (0, -1, 0),
    "H": (0, 0, 1),
    "F": (0, 0, -1),
}
_SHARES = (1.0, 0.5, 0.25)


def directions_of(value: Any) -> tuple[float, ...] | None:
    r"""Unit LPS directions of a row (along columns) and of a column (along rows) as six numbers.

    Parameters
    ----------
    value : PatientOrientation, e.g. ``L\\F`` or ``LA\\FP``; the first letter of each is its main direction.

    Returns
    -------
    six numbers at right angles, or None when the letters are absent, unknown or of one direction.
    """
    words = [str(word).strip().upper() for word in several(value)]
    if len(words) != 2 or not all(words):
        return None
    vectors = []
    for word in words:
        if len(word) > len(_SHARES) or not set(word) <= set(_LETTERS):
            return None
        parts = [np.array(_LETTERS[letter]) * share for letter, share in zip(word, _SHARES, strict=False)]
        vectors.append(np.sum(parts, axis=0) / np.linalg.norm(np.sum(parts, axis=0)))
    row, column = vectors
    if abs(float(row @ column)) > 0.9:
        return None
    column = column - row * float(row @ column)
    column /= np.linalg.norm(column)
    return tuple(float(part) for part in (*row, *column))
