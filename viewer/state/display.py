"""How the patient is turned towards the reader: the convention of the display, and what is written about it.

The convention is a matter of the screen alone. Pictures, maps, boxes and the network's input keep the coordinates of
the reading plane; a picture whose columns run from right to left on screen says so (`Background.flipped`), and its
letters are those of the screen.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from viewer.imaging.geometry import Geometry
from viewer.imaging.plane import ReadingPlane

Convention = Literal["radiological", "neurological"]
Letters = tuple[str, str, str, str]

_SIDES = {
    "radiological": "RADIOLOGICAL: patient's right on the left",
    "neurological": "NEUROLOGICAL: patient's left on the left",
}
_STRAIGHT = 1.0
"""Degrees below which an axis counts as running along the patient's own."""


def has_sides(plane: ReadingPlane) -> bool:
    """Whether the patient's left and right are those of the picture, or the other way round, by convention."""
    return plane.name in ("axial", "coronal") and not plane.as_stored


def is_flipped(plane: ReadingPlane, convention: Convention) -> bool:
    """Whether the columns of a plane's picture run from right to left on screen."""
    return convention == "neurological" and has_sides(plane)


def sides(plane: ReadingPlane, convention: Convention) -> str:
    """The mark on the canvas; empty where the convention changes nothing, as in a sagittal picture."""
    return _SIDES[convention] if has_sides(plane) else ""


def swapped(letters: Letters | None) -> Letters | None:
    """Letters of the left-right exchanged picture."""
    return None if letters is None else (letters[1], letters[0], letters[2], letters[3])


def screen_letters(plane: ReadingPlane, geometry: Geometry, convention: Convention) -> Letters | None:
    """Letters at the left, right, top and bottom of the screen; None where sides are unknown."""
    letters = plane.edge_letters(geometry)
    return swapped(letters) if is_flipped(plane, convention) else letters


def oblique_degrees(geometry: Geometry, plane: ReadingPlane) -> float:
    """How far the rows or columns of a picture turn away from the patient's nearest axis, degrees; 0 when unknown."""
    if not geometry.oriented:
        return 0.0
    along = [float(np.abs(geometry.direction(axis)).max()) for axis in plane.axes[1:]]
    return float(np.degrees(np.arccos(min(*along, 1.0))))


def oblique_words(geometry: Geometry, plane: ReadingPlane) -> str:
    """``oblique 19°``; empty for a picture along the patient's own axes."""
    degrees = oblique_degrees(geometry, plane)
    return f"oblique {degrees:.0f}\u00b0" if degrees >= _STRAIGHT else ""


def place_words(point: np.ndarray) -> str:
    """A place in the patient, LPS mm, with the letter of each side: ``R 38.2  P 24.0  S 21.4``."""
    x, y, z = (float(value) for value in point)
    return (
        f"{'L' if x >= 0 else 'R'} {abs(x):.1f}  {'P' if y >= 0 else 'A'} {abs(y):.1f}  "
        f"{'S' if z >= 0 else 'I'} {abs(z):.1f}"
    )
