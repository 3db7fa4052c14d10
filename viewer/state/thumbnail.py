"""A small picture of a series: one slice through its default window, the way round it is read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viewer.imaging.image import MedicalImage
from viewer.imaging.windows import default_window, grey_bytes
from viewer.state.display import has_sides

SIDE = 144
"""Most pixels along a side; enough for a small picture on a screen of double density."""


@dataclass(frozen=True, eq=False)
class Thumbnail:
    """A picture for a list.

    Attributes
    ----------
    pixels : (row, column, 3) uint8.
    ratio : width over height in the patient; pixels need not be square.
    has_sides : the patient's left and right are those of the picture, so it turns round with the display.
    """

    pixels: NDArray[np.uint8]
    ratio: float
    has_sides: bool = False

    @classmethod
    def of(cls, image: MedicalImage) -> Thumbnail:
        """The middle slice of an image, at most `SIDE` pixels along a side."""
        plane = image.plane
        picture = plane.picture(image.voxels, plane.count(image.geometry.shape) // 2)
        row_mm, column_mm = plane.spacing(image.geometry)
        rows, columns = picture.shape[:2]
        ratio = columns * column_mm / max(rows * row_mm, 1e-9)
        if image.colour:
            shown = np.clip(picture[..., :3], 0, 255).astype(np.uint8)
        else:
            grey = grey_bytes(picture, default_window(image), inverted=image.intensity.inverted)
            shown = np.repeat(grey[..., None], 3, axis=2)
        sides = image.geometry.oriented and has_sides(plane)
        return cls(_smaller(shown), float(np.clip(ratio, 0.05, 20)), sides)


def _smaller(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Means over whole blocks, so that fine structure does not flicker into noise; the remainder is cut off."""
    rows, columns = (max(1, n // SIDE) for n in pixels.shape[:2])
    if rows == columns == 1:
        return np.ascontiguousarray(pixels)
    height, width = pixels.shape[0] // rows, pixels.shape[1] // columns
    blocks = pixels[: height * rows, : width * columns].reshape(height, rows, width, columns, 3)
    return np.asarray(np.rint(blocks.mean(axis=(1, 3), dtype=np.float32)), dtype=np.uint8)
