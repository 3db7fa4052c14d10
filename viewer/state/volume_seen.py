"""What a network of volumes saw, picture by picture, and the mirrored patient as it saw him."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viewer.imaging.plane import ReadingPlane
from viewer.models.volume_cut import VolumeCut, mirrored_axis
from viewer.state.case import Case
from viewer.state.display import Letters, swapped
from viewer.state.volume_reading import VolumeReading

NOT_YET = "THE NETWORK HAS NOT SEEN THIS YET"


@dataclass(frozen=True, eq=False)
class SeenSlice:
    """The picture of the network's input that lies where a slice lies.

    Attributes
    ----------
    pixels : (row, column) normalised values of the first channel, the way round of the slice; mirrored when the input
        was.
    spacing : (row, column) mm.
    letters : as the network got it; None where sides are unknown.
    words : facts about it.
    """

    pixels: NDArray[np.float32]
    spacing: tuple[float, float]
    letters: Letters | None
    words: tuple[str, ...]


def seen_slice(reading: VolumeReading, cut: VolumeCut, case: Case) -> SeenSlice | None:
    """What the network saw at a slice; None until it has been traced."""
    if reading.seen is None:
        return None
    geometry, view, own = case.image.geometry, cut.view, cut.of_input
    spacing = view.order.spacing(geometry)
    cell = [mm * voxels / n for mm, voxels, n in zip(spacing, view.box.extent, view.rule.size, strict=True)]
    slices, rows, columns = view.rule.size
    words = [
        f"{columns} x {rows} x {slices}",
        f"picture {own.index + 1} of {own.plane.count(view.rule.size)}",
    ]
    words += [view.rule.normalise]
    words += [f"crop: {view.crop}"] if view.crop != "none" else []
    words += ["MIRRORED"] if view.mirror else []
    words += [] if cut.seen else ["THIS SLICE WAS NOT SEEN, THE NEAREST ONE"]
    letters = case.plane.edge_letters(geometry)
    turned = view.mirror and mirrored_axis(geometry, case.plane) == 2
    return SeenSlice(
        np.asarray(own.plane.picture(reading.seen, own.index), dtype=np.float32),
        (cell[own.plane.axes[1]], cell[own.plane.axes[2]]),
        swapped(letters) if turned else letters,
        tuple(words),
    )


def mirrored(case: Case, plane: ReadingPlane, index: int) -> tuple[int, int]:
    """(axis of the picture that is reversed, slice whose picture it is) in the mirrored patient.

    Across sagittal pictures the mirror exchanges the slices and leaves each picture as it is: axis 0.
    """
    axis = mirrored_axis(case.image.geometry, plane)
    return axis, case.slices - 1 - index if axis == 0 else index
