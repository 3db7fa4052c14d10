"""One opened study: the image, what is known of it and what a reader said of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from viewer.evaluation.regions import Region
from viewer.imaging.image import MedicalImage
from viewer.imaging.plane import ReadingPlane
from viewer.models.applicability import Applicability


@dataclass(frozen=True, eq=False)
class Truth:
    """What is known to be right, by whom.

    Attributes
    ----------
    regions : boxes on the pictures of the reading plane (in picture pixels), each with slice, label and reader.
    positive_slices : (slice,) bool, whether the finding is on that slice.
    positive_class : name of the class that the truth speaks of; empty when the file does not say (the model's own).
    reader : whose truth it is, in words.
    """

    positive_slices: NDArray[np.bool_]
    regions: tuple[Region, ...] = ()
    positive_class: str = ""
    reader: str = ""


@dataclass(frozen=True, eq=False)
class Case:
    """An opened image.

    Attributes
    ----------
    title : words for the list; no patient attributes.
    truth : None when nothing is known.
    synthetic : whether the case was made by a generator.
    """

    image: MedicalImage
    title: str
    truth: Truth | None = None
    synthetic: bool = False
    plane: ReadingPlane = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "plane", self.image.plane)

    @property
    def slices(self) -> int:
        """Number of slices in the reading plane."""
        return self.plane.count(self.image.geometry.shape)

    def picture(self, index: int) -> NDArray:
        """Slice `index` as shown: (row, column[, channel])."""
        return self.plane.picture(self.image.voxels, index)


@dataclass(frozen=True)
class Judgement:
    """Whether the chosen model applies to the opened case."""

    applicability: Applicability
    confirmed: bool = False
    """The user has read why the model does not apply and wants to see its answer all the same."""

    @property
    def may_run(self) -> bool:
        return self.applicability.verdict != "does_not_apply" or self.confirmed
