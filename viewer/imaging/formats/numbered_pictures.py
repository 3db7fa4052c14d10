"""Pictures whose names count upwards, offered as one stack: slices that somebody saved one by one.

Nothing in such files says that they belong together, and a folder of films of many patients looks the same. Each
picture therefore stays a series of its own, and the stack is one more that has to be chosen.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from viewer.foundation.errors import ReadError
from viewer.imaging.budget import BUDGET
from viewer.imaging.diagnoses import Diagnosis
from viewer.imaging.geometry import Geometry
from viewer.imaging.image import MedicalImage
from viewer.imaging.series import Candidate, SeriesInfo, Wish

STACK = "stack"
"""Id of the first stack of a folder; the next ones are ``stack2``, ``stack3``..."""
LEAST = 3
"""Fewer pictures make no stack."""
_NUMBER = re.compile(r"\d+")
_MOST_VALUE_BYTES = 4

Key = tuple[Path, str, str, tuple[int, int], str]


def stacks(found: Sequence[Candidate]) -> list[Candidate]:
    """The stacks among the pictures of a search, each named.

    Pictures make a stack when they lie in one folder, have one size and kind, and names that differ in one number only.

    Parameters
    ----------
    found : files of pictures; those of several pages are passed over.
    """
    groups: dict[Key, dict[int, Candidate]] = {}
    for candidate in found:
        for key, number in _keys(candidate.info):
            # Two names with one number, such as 1 and 01, tell no order.
            groups.setdefault(key, {}).setdefault(number, candidate)
    used: set[Path] = set()
    made: list[Candidate] = []
    for numbered in sorted(groups.values(), key=len, reverse=True):
        pictures = [numbered[number] for number in sorted(numbered)]
        paths = {each.info.path for each in pictures}
        if len(pictures) >= LEAST and not paths & used:
            used |= paths
            made.append(_Stack(tuple(pictures)).candidate())
    made.sort(key=lambda candidate: str(candidate.info.files[0]))
    return [
        replace(each, info=replace(each.info, id=STACK if place == 1 else f"{STACK}{place}"))
        for place, each in enumerate(made, start=1)
    ]


def _keys(info: SeriesInfo) -> list[tuple[Key, int]]:
    """One for each number in a picture's name: the name around it with what else has to agree, and the number."""
    if info.frames != 1:
        return []
    stem, shape = info.path.stem, (info.shape[1], info.shape[2])
    return [
        (
            (info.path.parent, stem[: match.start()], stem[match.end() :], shape, info.photometric),
            int(match.group()),
        )
        for match in _NUMBER.finditer(stem)
    ]


@dataclass(frozen=True)
class _Stack:
    """Pictures in the order of their numbers."""

    pictures: tuple[Candidate, ...]

    @property
    def _noted(self) -> tuple[Diagnosis, ...]:
        first, last = (self.pictures[end].info.path.name for end in (0, -1))
        of_files = self.pictures[0].info.diagnoses
        return (
            *of_files,
            Diagnosis(
                "stacked",
                "warning",
                f"{len(self.pictures)} pictures, '{first}' to '{last}', are stacked in the order of their numbers; "
                "nothing in them says that they are slices of one patient.",
                "Open one of the pictures by itself where they are not.",
            ),
        )

    def candidate(self) -> Candidate:
        one = self.pictures[0].info
        info = SeriesInfo.of(
            Geometry.unoriented((len(self.pictures), *one.shape[1:])),
            one.path.parent,
            frames=len(self.pictures),
            description=f"{len(self.pictures)} numbered pictures as one stack",
            photometric=one.photometric,
            diagnoses=self._noted,
            files=tuple(each.info.path for each in self.pictures),
        )
        middle = self.pictures[len(self.pictures) // 2]
        return Candidate(info, self.load, lambda: middle.load(Wish()))

    def load(self, wish: Wish) -> MedicalImage:
        """Every picture.

        Raises
        ------
        ReadError
            When one of them cannot be read, or holds another kind of values than the first.
        """
        count, one = len(self.pictures), self.pictures[0].info
        colours = 3 if one.photometric == "RGB" else 1
        BUDGET.check(one.path.parent.name, count * one.shape[1] * one.shape[2] * colours * _MOST_VALUE_BYTES)
        images: list[MedicalImage] = []
        for done, picture in enumerate(self.pictures):
            wish.progress.report(done, count, "reading")
            images.append(picture.load(Wish()))
        kinds = {(each.voxels.dtype, each.voxels.shape) for each in images}
        if len(kinds) > 1:
            raise ReadError(
                f"The numbered pictures in '{one.path.parent.name}' hold values of different kinds.",
                code="mixed-stack",
            )
        voxels = np.concatenate([each.voxels for each in images])
        first = images[0]
        digests = sorted(each.source.sha256 for each in images)
        source = replace(
            first.source,
            path=one.path.parent,
            files=tuple(file for each in images for file in each.source.files),
            sha256=hashlib.sha256("".join(digests).encode()).hexdigest(),
        )
        return replace(
            first,
            voxels=voxels,
            geometry=Geometry.unoriented((count, *one.shape[1:])),
            description=f"{count} numbered pictures as one stack",
            source=source,
            diagnoses=self._noted,
        )
