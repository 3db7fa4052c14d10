"""What a file of boxes says, of whichever layout, before it is known which image it is compared with."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from viewer.foundation.errors import ReadError

NAMELESS = "reader"
"""Who marked, where a file does not say."""

REVERSED = "a box had its corners the wrong way round, which was put right"
NO_AREA = "a box without an area was left out"
NO_NUMBERS = "a box whose edges are not numbers was left out"
CUT = "a box reaches beyond the image and was cut at its edge"
OUTSIDE = "a box that lies outside the image was left out"

_EXTENSIONS = (
    ".nii.gz",
    ".nii",
    ".dcm",
    ".dicom",
    ".png",
    ".jpg",
    ".jpeg",
    ".tif",
    ".tiff",
    ".bmp",
    ".webp",
    ".gif",
    ".mha",
    ".nrrd",
)


@dataclass(frozen=True)
class TruthBox:
    """A box as a file gives it.

    Attributes
    ----------
    row_min, column_min, row_max, column_max : half-open pixel edges, counted from 0, of the picture that was marked.
    label : what it shows.
    reader : who marked it.
    slice : first slice in the order of the image's file.
    """

    row_min: float
    column_min: float
    row_max: float
    column_max: float
    label: str = ""
    reader: str = NAMELESS
    slice: int = 0


@dataclass
class ImageEntry:
    """What a file says of one image.

    Attributes
    ----------
    name : of the image, as the file has it.
    size : (rows, columns) of the picture that was marked; None where neither file nor layout says.
    boxes : as they can be used.
    readers : everybody who looked, also who marked nothing, in the order of the file.
    left_out : sentence -> how often, of everything that was not taken as it stands.
    """

    name: str
    size: tuple[float, float] | None = None
    boxes: list[TruthBox] = field(default_factory=list)
    readers: list[str] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    def looked(self, reader: str) -> None:
        """Note that somebody looked at the image."""
        if reader not in self.readers:
            self.readers.append(reader)

    def add(
        self,
        edges: Sequence[object],
        label: str,
        reader: str = NAMELESS,
        slice: int = 0,
    ) -> None:
        """Take a box (row_min, column_min, row_max, column_max), or count why it cannot be taken."""
        self.looked(reader)
        try:
            top, left, bottom, right = (float(str(edge)) for edge in edges)
        except ValueError:
            self.left_out[NO_NUMBERS] += 1
            return
        if not all(math.isfinite(edge) for edge in (top, left, bottom, right)):
            self.left_out[NO_NUMBERS] += 1
            return
        if bottom < top or right < left:
            self.left_out[REVERSED] += 1
            top, bottom, left, right = min(top, bottom), max(top, bottom), min(left, right), max(left, right)
        if bottom == top or right == left:
            self.left_out[NO_AREA] += 1
            return
        self.boxes.append(TruthBox(top, left, bottom, right, label, reader, slice))

    @property
    def without_boxes(self) -> tuple[str, ...]:
        """Readers who looked and marked nothing that could be used."""
        marked = {box.reader for box in self.boxes}
        return tuple(reader for reader in self.readers if reader not in marked)

    def on(self, shape: tuple[int, int]) -> tuple[tuple[TruthBox, ...], Counter[str]]:
        """Boxes on a picture of (rows, columns): rescaled from the one that was marked, cut at its edges.

        Returns
        -------
        boxes : those that lie on it.
        said : sentence -> how often, this image's `left_out` included.
        """
        said = Counter(self.left_out)
        rows, columns = (shape[0] / self.size[0], shape[1] / self.size[1]) if self.size else (1.0, 1.0)
        if (rows, columns) != (1.0, 1.0):
            assert self.size is not None
            was = " x ".join(f"{side:g}" for side in self.size)
            said[f"boxes were rescaled from {was} to {shape[0]} x {shape[1]} pixels"] += len(self.boxes)
        kept = []
        for box in self.boxes:
            whole = (
                box.row_min * rows,
                box.column_min * columns,
                box.row_max * rows,
                box.column_max * columns,
            )
            top, left = max(whole[0], 0.0), max(whole[1], 0.0)
            bottom, right = min(whole[2], float(shape[0])), min(whole[3], float(shape[1]))
            if bottom <= top or right <= left:
                said[OUTSIDE] += 1
                continue
            # Rounding of a factor may carry an edge a hair beyond the picture.
            if max(top - whole[0], left - whole[1], whole[2] - bottom, whole[3] - right) > 1e-6 * max(shape):
                said[CUT] += 1
            kept.append(replace(box, row_min=top, column_min=left, row_max=bottom, column_max=right))
        return tuple(kept), said


@dataclass(frozen=True, eq=False)
class TruthDocument:
    """A file of boxes.

    Attributes
    ----------
    layout : in words.
    images : one entry per image that the file speaks of, by the name that it has there.
    positive_class : class that the file speaks of; empty where the boxes' labels say.
    left_out : sentence -> how often, of what belongs to no image.
    single_pictures : whether its boxes are of images of one picture; False where they say their slice.
    """

    layout: str
    images: Mapping[str, ImageEntry]
    positive_class: str = ""
    left_out: Counter[str] = field(default_factory=Counter)
    single_pictures: bool = True

    def of(self, names: Iterable[str]) -> ImageEntry:
        """What the file says of an image.

        Parameters
        ----------
        names : what the image is called, the surest first: paths of its files, its identifiers. Folders, case and
            the ending of a file do not matter unless several images differ in nothing else.

        Raises
        ------
        ReadError
            When it speaks of other images only, or of several by that name.
        """
        by_key: dict[str, list[ImageEntry]] = {}
        for name, entry in self.images.items():
            by_key.setdefault(key_of(name), []).append(entry)
        for name in names:
            found = by_key.get(key_of(name), [])
            if len(found) > 1:
                path = PurePosixPath(name.replace("\\", "/"))
                found = [e for e in found if path.match(e.name.replace("\\", "/"))] or found
            if len(found) == 1:
                return found[0]
            if found:
                raise ReadError(
                    f"The truth has {len(found)} images of the same name in different folders.",
                    code="ambiguous-truth",
                )
        raise ReadError(
            f"The truth ({self.layout}) says nothing about this image: it is of {len(self.images)} "
            f"other{'' if len(self.images) == 1 else 's'}.",
            code="not-mentioned",
            action="Images are recognised by the name of their file.",
        )


def key_of(name: str) -> str:
    """A name without folders, case and the ending of an image file."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1].casefold().strip()
    for extension in _EXTENSIONS:
        if last.endswith(extension) and len(last) > len(extension):
            return last[: -len(extension)]
    return last


def counted(said: Mapping[str, int]) -> tuple[str, ...]:
    """Sentences with how often each is true, as they are shown."""
    return tuple(
        f"{sentence[0].upper()}{sentence[1:]}" + (f" ({count} times)." if count > 1 else ".")
        for sentence, count in said.items()
    )
