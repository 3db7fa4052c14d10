"""Distances that the user measures, and what their lengths mean. Frozen, made by pure functions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from psygnal import SignalGroupDescriptor

from viewer.imaging.image import MedicalImage
from viewer.imaging.plane import ReadingPlane

Voxel = tuple[float, float, float]
"""Position (slice, row, column) on the grid of the image; voxel centres are whole numbers."""

_DETECTOR = "size-at-detector"
"""Finding of a film whose pixels have a size where the detector is, and none in the patient."""
_SAME = 1e-3


@dataclass(frozen=True)
class Ruler:
    """A straight line between two places of the image. It lies on every picture that holds both of them."""

    start: Voxel
    end: Voxel


@dataclass
class Rulers:
    """Lines that the user drew."""

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()
    drawn: dict[int, Ruler] = field(default_factory=dict)
    """Identity -> line. Replaced as a whole, never altered in place."""
    selected: int | None = None
    drawing: bool = False
    """The next left drag measures."""


@dataclass(frozen=True)
class RulerMark:
    """A line on a picture.

    Attributes
    ----------
    start, end : (row, column) on the picture; pixel centres are whole numbers.
    text : its length, in words.
    """

    identity: int
    start: tuple[float, float]
    end: tuple[float, float]
    text: str
    selected: bool = False


def sizes_known(image: MedicalImage) -> bool:
    """Whether the file says how large its pixels are."""
    return all(finding.code != "no-spacing" for finding in image.diagnoses)


def picture_spacing(image: MedicalImage, plane: ReadingPlane) -> tuple[float, float] | None:
    """Millimetres along rows and columns of a picture; None where no size is known."""
    return plane.spacing(image.geometry) if sizes_known(image) else None


def pixel_words(image: MedicalImage, plane: ReadingPlane) -> str:
    """The size of a pixel of a plane, in words that say what it is worth."""
    if not sizes_known(image):
        return "pixel size unknown"
    row, column = plane.spacing(image.geometry)
    across, down = f"{column:.2g}", f"{row:.2g}"
    words = f"{across} mm pixels" if across == down else f"{across} \u00d7 {down} mm pixels"
    return f"{words}{at_the_detector(image)}"


def length_words(image: MedicalImage, start: Voxel, end: Voxel) -> str:
    """The distance of two places: millimetres in the patient, however oblique, or pixels where no size is known."""
    a, b = np.asarray(start, dtype=np.float64), np.asarray(end, dtype=np.float64)
    if not sizes_known(image):
        return f"{np.linalg.norm(b - a):.1f} px, size unknown"
    length = float(np.linalg.norm(image.geometry.to_patient(b) - image.geometry.to_patient(a)))
    return f"{length:.1f} mm{at_the_detector(image)}"


def at_the_detector(image: MedicalImage) -> str:
    """Words after a size that is not that of the patient; empty for sections."""
    found = any(finding.code == _DETECTOR for finding in image.diagnoses)
    return " at the detector" if found else ""


def ruler_marks(
    rulers: Rulers, image: MedicalImage, plane: ReadingPlane, index: int
) -> tuple[RulerMark, ...]:
    """The lines that lie on picture `index` of a plane."""
    marks = []
    for identity, ruler in rulers.drawn.items():
        places = [plane.place(image.geometry, np.asarray(voxel)) for voxel in (ruler.start, ruler.end)]
        if all(abs(place[0] - index) < _SAME for place in places):
            (_, *start), (_, *end) = places
            marks.append(
                RulerMark(
                    identity,
                    (start[0], start[1]),
                    (end[0], end[1]),
                    length_words(image, ruler.start, ruler.end),
                    identity == rulers.selected,
                )
            )
    return tuple(marks)
