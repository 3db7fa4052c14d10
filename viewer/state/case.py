"""One opened study: the image, what is known of it and what a reader said of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from viewer.evaluation.regions import Region
from viewer.imaging.erasing import with_erasures
from viewer.imaging.erasure import Erasure
from viewer.imaging.image import MedicalImage, Window
from viewer.imaging.plane import ReadingPlane
from viewer.imaging.windows import presets
from viewer.models.applicability import Applicability, applicability, no_volume
from viewer.models.card import ModelCard


@dataclass(frozen=True, eq=False)
class Truth:
    """What is known to be right, by whom.

    Attributes
    ----------
    regions : boxes on the pictures of the reading plane (in picture pixels), each with slice, label and reader.
    positive_slices : (slice,) bool, whether the finding is on that slice.
    positive_class : name of the class that the truth speaks of; empty when the file does not say (the model's own).
    reader : whose truth it is, in words.
    readers : everybody who looked, also who marked nothing.
    notes : in sentences, with counts, what the file says that could not be taken as it stands.
    """

    positive_slices: NDArray[np.bool_]
    regions: tuple[Region, ...] = ()
    positive_class: str = ""
    reader: str = ""
    readers: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


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
    _erased: dict[tuple[Erasure, ...], MedicalImage] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "plane", self.image.plane)

    @property
    def slices(self) -> int:
        """Number of slices in the reading plane."""
        return self.plane.count(self.image.geometry.shape)

    @property
    def whole(self) -> bool:
        """Whether every slice is there; nothing is computed from a case that is still being read."""
        return self.image.arrived is None

    def has(self, index: int) -> bool:
        """Whether slice `index` can be shown. A picture across the slices of the file needs all of them."""
        arrived = self.image.arrived
        if arrived is None:
            return True
        return bool(arrived[index]) if self.plane.axes[0] == 0 else bool(arrived.all())

    def given(self, erased: tuple[Erasure, ...] = ()) -> MedicalImage:
        """The image as a network is given it: without what was erased. The last one made is kept."""
        if not erased:
            return self.image
        found = self._erased.get(erased)
        if found is None:
            found = with_erasures(self.image, erased)
            self._erased.clear()
            self._erased[erased] = found
        return found

    @cached_property
    def presets(self) -> tuple[Window, ...]:
        """Grey-level windows for the keys 1 to 5; made once, as it takes a look at the voxels."""
        return presets(self.image)

    def with_truth(self, truth: Truth | None) -> Case:
        """The same case with something else known of it."""
        made = Case(self.image, self.title, truth, self.synthetic)
        if "presets" in self.__dict__:  # they look at the voxels, which stay
            made.__dict__["presets"] = self.presets
        return made

    def picture(self, index: int) -> NDArray:
        """Slice `index` as shown: (row, column[, channel])."""
        return self.plane.picture(self.image.voxels, index)


def same_grid(old: Case | None, new: Case | None) -> bool:
    """Whether a case took the place of another on its grid: with other truth, as the whole of a part, as a volume."""
    if old is None or new is None:
        return False
    a, b = old.image.geometry, new.image.geometry
    volumes = old.image.volumes
    return a is b or (
        a.shape == b.shape and (not old.whole or (bool(volumes) and volumes == new.image.volumes))
    )


@dataclass(frozen=True)
class Judgement:
    """Whether the chosen model applies to the opened case."""

    applicability: Applicability
    confirmed: bool = False
    """The user has read why the model does not apply and wants to see its answer all the same."""

    @property
    def may_run(self) -> bool:
        return self.applicability.verdict != "does_not_apply" or self.confirmed


def judged(card: ModelCard, image: MedicalImage, *, as_it_is: bool) -> Judgement:
    """Whether a model applies to an image.

    Parameters
    ----------
    as_it_is : the user has read that the grid of the image is not even and wants it used all the same; where nothing
        else speaks against the model, that is his answer here too.
    """
    found = applicability(card, image)
    asked = as_it_is and card.dims == 3 and set(found.reasons) <= set(no_volume(image))
    return Judgement(found, confirmed=asked and found.verdict == "does_not_apply")


def suited(models: Sequence[ModelCard], image: MedicalImage) -> ModelCard | None:
    """The first model with weights that says that it was made for such an image; None where there is none."""
    able = (card for card in models if card.weights is not None)
    return next((card for card in able if applicability(card, image).verdict == "applies"), None)
