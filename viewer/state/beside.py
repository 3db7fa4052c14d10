"""A second series beside the first, linked by position in the patient; pure functions say where each one stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from viewer.imaging.image import MedicalImage, Window
from viewer.state.case import Case
from viewer.state.opened import SeriesEntry

Link = Literal["position", "asked", "confirmed", "number"]
"""``position``: one frame of reference; ``asked``: not known to be one, waits for the user; ``confirmed``: the user
says that positions agree; ``number``: at least one side has no position, so slices are linked by their number."""

Place = tuple[int, float, float]
"""(slice, row, column) on the pictures of a case."""


@dataclass(frozen=True, eq=False)
class Beside:
    """The second series, as it is shown.

    Attributes
    ----------
    link : how it follows the first one.
    why : a sentence about the link.
    slice, cursor, window : its own; the cursor is (row, column) of its own picture.
    outside : the place that the first one shows lies outside this series.
    """

    case: Case
    entry: SeriesEntry | None
    link: Link
    why: str
    slice: int
    window: Window
    cursor: tuple[float, float] | None = None
    outside: bool = False

    @property
    def linked(self) -> bool:
        return self.link != "asked"


def link_of(first: MedicalImage, second: MedicalImage) -> tuple[Link, str]:
    """How two images can be linked, and why, in a sentence."""
    if not (first.geometry.placed and second.geometry.placed):
        return "number", "Linked by slice number: one of the two does not say where it lies in the patient."
    if _other_patient(first, second):
        return "asked", "These are two patients: positions of one say nothing about the other."
    a, b = first.source.frame_of_reference_uid, second.source.frame_of_reference_uid
    if a and a == b:
        return "position", "Linked by position in the patient."
    if a and b:
        return "asked", "The two were not scanned in one frame of reference: the patient may have moved."
    return "asked", "The files do not say whether their positions agree."


def _other_patient(first: MedicalImage, second: MedicalImage) -> bool:
    a, b = first.patient, second.patient
    return any(
        x and y and x != y
        for x, y in ((a.identifier, b.identifier), (a.name, b.name), (a.birth_date, b.birth_date))
    )


def linked_place(
    leading: Case, index: int, cursor: tuple[float, float] | None, following: Case, link: Link
) -> tuple[Place, bool] | None:
    """Where the other series stands when one stands at a slice.

    Parameters
    ----------
    leading, index, cursor : the series that was moved, its slice, its crosshair (its middle counts where it has none).
    following : the series that is asked about.

    Returns
    -------
    ((slice, row, column), outside) or None
        The nearest slice, with the row and column of the same place; whether the place lies outside the series. None
        while nothing is linked.
    """
    if link == "asked":
        return None
    rows, columns = leading.plane.picture_shape(leading.image.geometry.shape)
    row, column = cursor if cursor is not None else ((rows - 1) / 2, (columns - 1) / 2)
    last = following.slices - 1
    if link == "number":
        # The two pictures may differ in size: the crosshair keeps its share of it.
        height, width = following.plane.picture_shape(following.image.geometry.shape)
        place = (min(index, last), (row + 0.5) / rows * height - 0.5, (column + 0.5) / columns * width - 0.5)
        return place, index > last
    point = leading.image.geometry.to_patient(leading.plane.voxel(leading.image.geometry, index, row, column))
    geometry = following.image.geometry
    found, there_row, there_column = following.plane.place(geometry, geometry.to_voxel(point))
    outside = not -0.5 <= found <= last + 0.5
    return (int(np.clip(round(found), 0, last)), there_row, there_column), outside


def beside_facts(beside: Beside) -> tuple[str, ...]:
    """Short facts for the line under the second series."""
    case, geometry = beside.case, beside.case.image.geometry
    facts = []
    if not case.image.colour:
        facts.append(f"W {beside.window.width:.4g} L {beside.window.centre:.4g}")
    if case.slices > 1:
        facts.append(f"slice {beside.slice + 1} / {case.slices}")
    position = case.plane.position_mm(geometry, beside.slice)
    if position is None:
        facts.append("position unknown" if geometry.oriented else "side unknown")
    else:
        axis = {"axial": "z", "coronal": "y", "sagittal": "x"}[case.plane.name]
        facts.append(f"{axis} {position:+.1f} mm")
    if beside.outside:
        facts.append("the other series reaches further: nearest slice")
    return tuple(facts)
