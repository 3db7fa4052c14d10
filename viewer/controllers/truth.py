"""Truth from files: a mask on the image's grid, or boxes of readers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.evaluation.regions import Region
from viewer.evaluation.truth_files.document import OUTSIDE, TruthDocument, counted
from viewer.evaluation.truth_files.reading import read_truth_document
from viewer.foundation.errors import ReadError
from viewer.imaging.geometry import Geometry
from viewer.imaging.image import MedicalImage
from viewer.imaging.reading import read_image
from viewer.state.case import Truth

_EIGHT = np.ones((3, 3), dtype=int)
MOST_PIECES = 32
"""More pieces of a mask are one region: each takes a picture of its own."""


def read_truth(path: Path, image: MedicalImage) -> Truth:
    """Truth for an image.

    Parameters
    ----------
    path : a mask that any image reader can open, on the same grid; or boxes in a layout that `truth_files` knows, by
        content. Boxes are rescaled where the file states another size of the picture.

    Returns
    -------
    Truth
        Its `notes` say, with counts, what could not be taken as it stands.

    Raises
    ------
    ReadError
        When the file is missing, is neither, says nothing of the image or is not on its grid.
    """
    if not path.is_file():
        raise ReadError(f"The truth '{path.name}' does not exist.", code="no-truth")
    document = read_truth_document(path)
    if document is not None:
        return truth_from(document, image, path.name)
    if path.suffix.lower() in (".json", ".csv", ".xml"):
        raise ReadError(
            f"The truth '{path.name}' has no layout that is known: boxes as JSON, COCO, Pascal VOC, a VinDr or NIH "
            "table, or a mask.",
            code="bad-truth",
        )
    mask = read_image(path)
    if mask.voxels.shape[:3] != image.voxels.shape[:3]:
        raise ReadError(
            f"The truth '{path.name}' has the shape {mask.voxels.shape[:3]}, the image {image.voxels.shape[:3]}.",
            code="other-grid",
        )
    if not _agree(mask.geometry, image.geometry):
        raise ReadError(
            f"The truth '{path.name}' lies elsewhere in the patient than the image.", code="other-grid"
        )
    inside = np.asarray(mask.voxels > 0)
    return _from_mask(np.asarray(inside.any(axis=-1)) if mask.colour else inside, image)


def _agree(mask: Geometry, image: Geometry) -> bool:
    """Whether a mask of the right shape lies where the image lies, as far as that can be told.

    A film has directions and no place: a mask drawn on its picture may have neither.
    """
    if image.placed:
        return bool(np.allclose(mask.affine_lps, image.affine_lps, atol=0.05))
    if not (image.oriented and mask.oriented):
        return True
    return all(float(mask.direction(axis) @ image.direction(axis)) > 0.99 for axis in (1, 2))


def _from_mask(mask: NDArray[np.bool_], image: MedicalImage) -> Truth:
    from scipy import ndimage  # not before it is needed: the window is there first

    plane = image.plane
    regions = []
    positive = np.zeros(plane.count(mask.shape), dtype=bool)
    together = 0
    for index in range(len(positive)):
        picture = plane.picture(mask, index)
        positive[index] = picture.any()
        labelled, pieces = ndimage.label(picture, structure=_EIGHT)
        # Each piece keeps a picture, so a mask of a thousand specks is one region.
        each = [labelled == piece for piece in range(1, pieces + 1)] if pieces <= MOST_PIECES else [picture]
        regions += [Region.of_mask(one, label="truth", reader="mask", slice=index) for one in each]
        together += pieces > MOST_PIECES
    said = {} if positive.any() else {"the mask is empty: nothing is marked": 1}
    if together:
        said[f"a slice with more than {MOST_PIECES} pieces is one region"] = together
    return Truth(positive, tuple(regions), reader="mask", readers=("mask",), notes=counted(said))


def truth_from(document: TruthDocument, image: MedicalImage, name: str) -> Truth:
    """Boxes of a file on the pictures of the image, and in sentences what could not be taken as it stands."""
    plane, shape = image.plane, image.geometry.shape
    pictures = plane.count(shape)
    if document.single_pictures and shape[0] > 1:
        raise ReadError(
            f"The truth '{name}' ({document.layout}) is of single pictures, and the image has {shape[0]} slices.",
            code="other-grid",
        )
    entry = document.of(_names(image)) if document.single_pictures else next(iter(document.images.values()))
    boxes, said = entry.on((shape[1], shape[2]))
    said.update(document.left_out)
    positive = np.zeros(pictures, dtype=bool)
    regions: list[Region] = []
    for box in boxes:
        if box.slice >= shape[0]:
            said[OUTSIDE] += 1
            continue
        regions += _regions(asdict(box), image, box.reader)
    for region in regions:
        assert region.slice is not None
        positive[region.slice] = True
    if entry.boxes and not regions:
        raise ReadError(f"The truth '{name}' has no box that lies in the image.", code="bad-truth")
    if entry.without_boxes:
        said[f"{_and(entry.without_boxes)} looked at the image and marked nothing"] += 1
    readers = tuple(entry.readers)
    return Truth(
        positive,
        tuple(regions),
        document.positive_class,
        _and(readers[:3]) if len(readers) <= 3 else f"{len(readers)} readers",
        readers=readers,
        notes=counted(said),
    )


def _names(image: MedicalImage) -> list[str]:
    """What a file of truth may call the image, the surest first."""
    source = image.source
    files = source.files if len(source.files) == 1 else ()
    return [each.as_posix() for each in (*files, source.path)] + [source.series_uid, source.study_uid]


def _and(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def _regions(box: dict[str, Any], image: MedicalImage, reader: str) -> list[Region]:
    """A box given in file axes, on every picture of the reading plane that it goes through.

    One picture where the file's slices are scrolled; several in a volume that is read across them.
    """
    plane, shape = image.plane, image.geometry.shape
    low = np.array([box["slice"], box["row_min"], box["column_min"]], dtype=float)
    high = np.array([box["slice"] + 1, box["row_max"], box["column_max"]], dtype=float)
    if (low < 0).any() or (high > np.array(shape)).any() or (high <= low).any():
        raise ValueError("a box lies outside the image")
    # Edges e are half a pixel before centres: centre coordinate = e - 0.5 on either grid.
    first = plane.place(image.geometry, low - 0.5)
    second = plane.place(image.geometry, high - 0.5)
    (start, stop), (row_min, row_max), (column_min, column_max) = (
        sorted((a + 0.5, b + 0.5)) for a, b in zip(first, second, strict=True)
    )
    return [
        Region(
            row_min,
            column_min,
            row_max,
            column_max,
            label=str(box.get("label", "truth")),
            reader=str(box.get("reader", reader)),
            slice=index,
        )
        for index in range(math.floor(start), math.ceil(stop))
    ]
