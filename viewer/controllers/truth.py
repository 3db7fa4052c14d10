"""Truth from files: a mask on the image's grid, or boxes of readers."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from viewer.evaluation.regions import Region
from viewer.foundation.errors import ReadError
from viewer.imaging.geometry import Geometry
from viewer.imaging.image import MedicalImage
from viewer.imaging.reading import read_image
from viewer.state.case import Truth

_EIGHT = np.ones((3, 3), dtype=int)


def read_truth(path: Path, image: MedicalImage) -> Truth:
    """Truth for an image.

    Parameters
    ----------
    path : a mask that any image reader can open, on the same grid; or a JSON document
        ``{"positive_class", "reader", "boxes": [{"slice", "row_min", "column_min", "row_max", "column_max", "label",
        "reader"}]}`` with half-open pixel edges in the axes (slice, row, column) of the file.

    Raises
    ------
    ReadError
        When the file is missing, is neither, or is not on the image's grid.
    """
    if not path.is_file():
        raise ReadError(f"The truth '{path.name}' does not exist.", code="no-truth")
    if path.suffix.lower() == ".json":
        return _from_json(path, image)
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
    plane = image.plane
    regions = []
    positive = np.zeros(plane.count(mask.shape), dtype=bool)
    for index in range(len(positive)):
        picture = plane.picture(mask, index)
        positive[index] = picture.any()
        labelled, _ = ndimage.label(picture, structure=_EIGHT)
        for rows, columns in ndimage.find_objects(labelled):
            regions.append(
                Region(
                    rows.start,
                    columns.start,
                    rows.stop,
                    columns.stop,
                    label="truth",
                    reader="mask",
                    slice=index,
                )
            )
    return Truth(positive, tuple(regions), reader="mask")


def _from_json(path: Path, image: MedicalImage) -> Truth:
    try:
        document: Any = json.loads(path.read_text(encoding="utf-8"))
        boxes = document["boxes"]
        positive = np.zeros(image.plane.count(image.geometry.shape), dtype=bool)
        reader = str(document.get("reader", "reader"))
        regions = tuple(region for box in boxes for region in _regions(box, image, reader))
        for region in regions:
            assert region.slice is not None
            positive[region.slice] = True
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise ReadError(
            f"The truth '{path.name}' is not a JSON document with boxes that lie in the image.",
            code="bad-truth",
        ) from error
    return Truth(positive, regions, str(document.get("positive_class", "")), reader)


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
